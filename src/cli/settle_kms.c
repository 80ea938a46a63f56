#include "cli/settle_kms.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/fmt.h"
#include "cli/settle.h"
#include "cli/vm_cloud.h"
#include "io/file.h"

enum {
	ARENA_MAX = 2 * 1024 * 1024,
	ROW_MAX = 64 * 1024,
};

static_assert((int)KEYSERVICE_NODES_MAX >= (int)CLOUD_KMS_MAX &&
	      (int)KEYSERVICE_ERROR_MAX <= (int)PLAN_ERROR_MAX &&
	      (int)VM_CLOUD_ERROR_MAX <= (int)PLAN_ERROR_MAX);

enum rc settle_kms_prepare(const struct plan *p, char error[PLAN_ERROR_MAX])
{
	return p->cloud->kms.count
		       ? keyservice_prepare(p->places.state, error)
		       : RC_OK;
}

static enum rc find_rows(const char **out, struct arena *a,
			 const struct plan *p, const struct machine *m,
			 char error[PLAN_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf row = { 0 };
	enum rc rc;

	if (m->cvm->is_machine) {
		*out = vm_cloud_image_row(a, p->places.image, error);
		return *out ? RC_OK : RC_MALFORMED;
	}
	buf_init(&row, ROW_MAX);
	rc = settle_row(&row, p, m->cvm->image, NULL, error);
	*out = fmt(a, "%.*s", (int)row.n, (const char *)buf_span(&row).p);
	return rc;
}

static enum rc add_app(struct release_app *out, struct arena *a,
		       const struct plan *p, const struct machine *m,
		       char error[PLAN_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf json = { 0 };

	buf_init(&json, MANIFEST_MAX);
	if (file_read(&json, m->manifest)) {
		(void)snprintf(error, PLAN_ERROR_MAX, "%.400s: %s", m->manifest,
			       strerror(errno));
		return RC_SYS;
	}
	if (release_app_of(out, buf_span(&json))) {
		(void)snprintf(error, PLAN_ERROR_MAX, "%.400s: no manifest",
			       m->manifest);
		return RC_MALFORMED;
	}
	return find_rows(&out->rows, a, p, m, error);
}

enum rc settle_kms_found(const struct plan *p, bool *founded,
			 char error[PLAN_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a;
	struct keyservice k = { .cloud = p->cloud->name,
				.state = p->places.state };
	struct release_app apps[CLOUD_CVMS_MAX];
	size_t count = 0;
	enum rc rc = RC_OK;

	arena_init(&a, ARENA_MAX);
	for (size_t i = PLAN_FIRST_NODE; !rc && i < p->count; i++) {
		const struct machine *m = &p->machines[i];

		if (m->kms)
			k.nodes[k.count++] = m->spec.name;
		if (m->cvm && m->cvm->expect == CLOUD_EXPECT_TUNNEL)
			rc = add_app(&apps[count++], &a, p, m, error);
	}
	return rc ? rc : keyservice_found(&k, founded, apps, count, error);
}
