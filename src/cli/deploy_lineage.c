#include "cli/deploy_lineage.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/fmt.h"
#include "base/text.h"
#include "io/file.h"
#include "manifest/launch.h"
#include "vm/folder.h"

/* What the machine runs now. */
static bool read_old(struct buf *out, const char *name)
{
	char path[FOLDER_PATH_MAX];

	folder_state(path, name, "manifest.json");
	return file_read(out, path) == RC_OK;
}

static bool names_service(struct span manifest, const char *key_service)
{
	AUTO(manifest_launch_fini)
	struct manifest_launch launch = { 0 };
	uint8_t id[MANIFEST_ID_LEN];
	char ignored[MANIFEST_ERROR_MAX];

	return key_service &&
	       text_hex_decode(id, sizeof(id), span_str(key_service)) &&
	       manifest_launch_read(&launch, manifest, ignored) == RC_OK &&
	       span_equal(SPAN_ARRAY(launch.key_service), SPAN_ARRAY(id));
}

const char *deploy_continues(struct arena *a, const char *name,
			     struct span manifest, const char *key_service)
{
	AUTO(buf_fini)
	struct buf old = { 0 };
	uint8_t app[MANIFEST_ID_LEN], own[MANIFEST_ID_LEN];
	char hex[2 * MANIFEST_ID_LEN + 1] = "";
	struct wr w = wr_over(hex, sizeof(hex) - 1);

	buf_init(&old, MANIFEST_MAX);
	manifest_app_id(own, manifest);
	if (!read_old(&old, name) ||
	    !names_service(buf_span(&old), key_service) ||
	    lineage_of(app, buf_span(&old)) ||
	    span_equal(SPAN_ARRAY(app), SPAN_ARRAY(own)))
		return NULL;
	text_hex(&w, SPAN_ARRAY(app));
	return fmt(a, "%s", hex);
}

bool deploy_has_other_disk(const char *name, struct span manifest)
{
	AUTO(buf_fini)
	struct buf old = { 0 };
	uint8_t before[MANIFEST_ID_LEN], after[MANIFEST_ID_LEN];

	if (!folder_has_other_disk(name, manifest))
		return false;
	buf_init(&old, MANIFEST_MAX);
	return !read_old(&old, name) || lineage_of(before, buf_span(&old)) ||
	       lineage_of(after, manifest) ||
	       !span_equal(SPAN_ARRAY(before), SPAN_ARRAY(after));
}
