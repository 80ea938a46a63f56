#include "agent/appkeys.h"

/* The platform binds it to measurement and manifest already (MRCONFIGID); the
 * app id keeps labels apart all the same. */
static enum rc get(void *arg, struct key32 *out, const char *purpose,
		   char error[NODE_ERROR_MAX])
{
	const struct appkeys_simulated *s = arg;
	const struct span parts[] = {
		span_str("postern/app-key/v1"),
		SPAN_ARRAY(s->identity->manifest.app_id),
		span_str(purpose),
	};
	struct sha256 label;
	enum rc rc;

	sha256_parts(&label, parts, 3);
	rc = quote_source_key(s->source, out, &label);
	if (rc == RC_UNSUPPORTED)
		error_set(error, "no key provider: this machine has none of "
				 "its own, and no key service is configured");
	else if (rc)
		error_set(error, "the app's key: %s", rc_name(rc));
	return rc;
}

struct appkeys appkeys_simulated(struct appkeys_simulated *s)
{
	return (struct appkeys){ .name = "simulated", .get = get, .arg = s };
}
