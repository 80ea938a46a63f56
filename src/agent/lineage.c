#include "agent/lineage.h"

#include <string.h>

#include "base/mem.h"
#include "manifest/launch.h"

#define PURPOSE "lineage"

/* Whose key it is must be measured: a host that plays the service for an app's
 * first manifest would choose what its updates have to show. */
static bool names_service(const struct identity *id)
{
	AUTO(manifest_launch_fini)
	struct manifest_launch launch = { 0 };
	char ignored[MANIFEST_ERROR_MAX];

	return manifest_launch_read(&launch, buf_span(&id->manifest_bytes),
				    ignored) == RC_OK &&
	       !span_is_zero(SPAN_ARRAY(launch.key_service));
}

static enum rc get_mark(struct sha256 *mark, const struct appkeys *keys,
			char error[NODE_ERROR_MAX])
{
	AUTO(key32_wipe)
	struct key32 key = { 0 };
	const struct span parts[] = { span_str("postern/lineage/v1"),
				      SPAN_ARRAY(key.b) };
	enum rc rc = keys->get(keys->arg, &key, PURPOSE, error);

	if (!rc)
		sha256_parts(mark, parts, 2);
	return rc;
}

enum rc lineage_show(struct identity *id, const struct appkeys *keys,
		     const struct log *log, char error[NODE_ERROR_MAX])
{
	struct sha256 mark;
	enum rc rc;

	if (strcmp(keys->name, "kms") != 0 || !names_service(id))
		return RC_OK;
	rc = get_mark(&mark, keys, error);
	if (!rc) {
		log_event(log, LOG_INFO, "lineage_shown",
			  LHEX("app", SPAN_ARRAY(id->manifest.lineage)));
		return identity_show_lineage(id, &mark);
	}
	if (id->manifest.continues)
		return rc;
	log_event(log, LOG_WARN, "lineage_not_shown", LSTR("why", error));
	error[0] = '\0';
	return RC_OK;
}
