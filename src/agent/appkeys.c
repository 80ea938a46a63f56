#include "agent/appkeys.h"

#include <stdio.h>

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

enum {
	KMS_EPOCH = 1,
};

static enum rc get_kms(void *arg, struct key32 *out, const char *purpose,
		       char error[NODE_ERROR_MAX])
{
	struct appkeys_kms *k = arg;
	struct keys_wanted wanted = { .epoch = KMS_EPOCH,
				      .scope = KEYS_OF_APP };
	struct keyclient_error why = { 0 };
	struct keys_key got = { 0 };
	enum rc rc;

	(void)snprintf(wanted.purpose, sizeof(wanted.purpose), "%s", purpose);
	rc = keyclient_get(&got, &k->options, &wanted, 1, &why);
	if (rc) {
		error_set(error, "key service: %s: %s", why.reason,
			  why.detail);
		return rc;
	}
	*out = got.key;
	keys_key_wipe(&got);
	return RC_OK;
}

struct appkeys appkeys_kms(struct appkeys_kms *k)
{
	return (struct appkeys){ .name = "kms", .get = get_kms, .arg = k };
}

struct seal_provider appkeys_kms_seal(struct appkeys_kms *k)
{
	k->sealing = (struct keyclient_sealing){ .options = &k->options,
						 .epoch = KMS_EPOCH };
	return keyclient_seal_provider(&k->sealing);
}
