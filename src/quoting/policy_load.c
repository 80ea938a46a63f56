#include "quoting/policy_load.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "io/file.h"

bool policy_list_path(char out[POLICY_PATH_MAX], const char *policy,
		      const struct policy_list *list)
{
	const char *slash = strrchr(policy, '/');
	int folder = slash ? (int)(slash - policy) + 1 : 0;

	return snprintf(out, POLICY_PATH_MAX, "%.*s%s", folder, policy,
			list->file) < POLICY_PATH_MAX;
}

/* The serial below which this list would have gone back. */
static uint32_t serial_before(const struct tee_policy *before,
			      const struct policy_list *list)
{
	uint32_t serial = 0;

	for (size_t i = 0; before && i < before->list_count; i++) {
		const struct policy_list *l = &before->lists[i];
		uint32_t seen = l->min_serial;

		if (strcmp(l->name, list->name) != 0 || l->use != list->use ||
		    !span_equal(SPAN_ARRAY(l->key.xy),
				SPAN_ARRAY(list->key.xy)))
			continue;
		if (!l->state && l->list.serial > seen)
			seen = l->list.serial;
		if (seen > serial)
			serial = seen;
	}
	return serial;
}

static void load_list(struct policy_list *list, struct arena *arena,
		      const char *policy, const struct tee_policy *before)
{
	uint32_t serial = serial_before(before, list);
	char path[POLICY_PATH_MAX];
	AUTO(buf_fini)
	struct buf text;

	if (serial > list->min_serial)
		list->min_serial = serial;
	buf_init(&text, PLATFORM_LIST_MAX + 1);
	if (!policy_list_path(path, policy, list))
		return;
	switch ((int)file_read(&text, path)) {
	case RC_OK:
		policy_list_give(list, arena, buf_span(&text));
		break;
	case RC_LIMIT:
		list->state = TEE_LIST_MALFORMED;
		break;
	default:
		break; /* missing, as it was before */
	}
}

enum rc policy_load(struct tee_policy *out, struct arena *arena,
		    const char *path, const struct tee_policy *before,
		    char error[POLICY_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf text;
	enum rc rc;

	buf_init(&text, POLICY_FILE_MAX);
	rc = file_read(&text, path);
	if (rc) {
		(void)snprintf(error, POLICY_ERROR_MAX, "%.256s: %s", path,
			       file_why(rc));
		return rc;
	}
	rc = policy_read(out, arena, path, buf_span(&text), error);
	for (size_t i = 0; !rc && i < out->list_count; i++)
		load_list(&out->lists[i], arena, path, before);
	return rc;
}
