#include "keyclient/sealing.h"

#include <stdio.h>
#include <string.h>

#include "base/wr.h"

/* One key for every label: each file's form binds its own purpose. */
static enum rc give_key(void *arg, struct key32 *key,
			uint8_t measurement[FORM_MEASUREMENT_LEN],
			const char *label, char error[SEAL_ERROR_MAX])
{
	const struct keyclient_sealing *s = arg;
	const struct keys_wanted wanted = {
		.epoch = s->epoch ? s->epoch : 1,
		.scope = KEYS_OF_INSTANCE,
		.purpose = "seal",
	};
	struct keys_key got = { 0 };
	struct keyclient_error why;
	struct wr w = wr_over(measurement, FORM_MEASUREMENT_LEN);
	enum rc rc = keyclient_get(&got, s->options, &wanted, 1, &why);

	(void)label;
	if (rc) {
		(void)snprintf(error, SEAL_ERROR_MAX, "key service: %s: %s",
			       why.reason, why.detail);
		return rc;
	}
	*key = got.key;
	keys_key_wipe(&got);
	wr_zero(&w, FORM_MEASUREMENT_LEN - 4);
	wr_be32(&w, wanted.epoch);
	return RC_OK;
}

struct seal_provider keyclient_seal_provider(struct keyclient_sealing *s)
{
	return (struct seal_provider){ .kind = FORM_KMS,
				       .key = give_key,
				       .arg = s };
}
