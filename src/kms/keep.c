#include "kms/keep.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "keys/kept.h"
#include "seal/hardware.h"

#define CLUSTER "kms-cluster"
#define AUDIT_KEY "kms-audit-key"

struct keep {
	struct seal *seal; /* NULL: nothing lasts */
};

enum rc keep_open(struct keep **out, const char *folder,
		  const struct identity *identity, struct quote_source *source,
		  char error[NODE_ERROR_MAX])
{
	const struct seal_provider provider = hardware_provider(source);
	struct seal_options o = { .folder = folder, .provider = &provider };
	struct keep *k = mem_new(sizeof(*k));
	char why[SEAL_ERROR_MAX] = "";
	enum seal_reason reason;

	memcpy(o.app, identity->manifest.app_id, sizeof(o.app));
	memcpy(o.instance, identity->instance_id, sizeof(o.instance));
	reason = seal_open(&k->seal, &o, why);
	/* A simulated platform has a key; if it does not answer, that will
	 * pass. */
	if (!reason || (reason == SEAL_NO_KEY &&
			!quote_source_is_simulated(source))) {
		*out = k;
		return RC_OK;
	}
	error_set(error, "sealed files: %s", why);
	keep_free(k);
	return RC_DENIED;
}

void keep_free(struct keep *k)
{
	if (!k)
		return;
	seal_close(k->seal);
	free(k);
}

enum rc keep_read(struct keep *k, struct keys_cluster *c,
		  const struct keys_authority *authority,
		  char error[NODE_ERROR_MAX])
{
	AUTO(buf_wipe)
	struct buf text;
	enum seal_reason reason = SEAL_ABSENT;

	buf_init(&text, FORM_SECRET_MAX);
	if (k->seal)
		reason = seal_read(k->seal, CLUSTER, &text);
	if (reason == SEAL_ABSENT)
		return RC_OK;
	if (!reason && !keys_kept_read(c, buf_span(&text), authority))
		return RC_OK;
	error_set(error, "sealed cluster: %s",
		  reason ? seal_reason_name(reason)
			 : "not what these administrators signed");
	return RC_DENIED;
}

enum rc keep_write(struct keep *k, const struct keys_cluster *c)
{
	uint8_t *text;
	struct wr w;
	enum rc rc;

	if (!k->seal)
		return RC_OK;
	text = mem_new(KEYS_KEPT_MAX);
	w = wr_over(text, KEYS_KEPT_MAX);
	rc = keys_kept_write(&w, c);
	if (!rc && seal_write(k->seal, CLUSTER, wr_span(&w)))
		rc = RC_SYS;
	secret_wipe(text, KEYS_KEPT_MAX);
	free(text);
	return rc;
}

static enum rc make_audit_key(struct p256_private **out, struct keep *k,
			      char error[NODE_ERROR_MAX])
{
	struct p256_private *key = p256_private_generate();
	char *pem = p256_private_to_pem(key);
	enum seal_reason reason = SEAL_OK;

	if (k->seal)
		reason = seal_write(k->seal, AUDIT_KEY, span_str(pem));
	secret_wipe(pem, strlen(pem));
	free(pem);
	if (!reason) {
		*out = key;
		return RC_OK;
	}
	p256_private_free(key);
	error_set(error, "audit key: %s", seal_reason_name(reason));
	return RC_SYS;
}

enum rc keep_audit_key(struct p256_private **out, bool *is_new, struct keep *k,
		       char error[NODE_ERROR_MAX])
{
	AUTO(buf_wipe)
	struct buf pem;
	enum seal_reason reason = SEAL_ABSENT;

	buf_init(&pem, FORM_SECRET_MAX);
	if (k->seal)
		reason = seal_read(k->seal, AUDIT_KEY, &pem);
	*is_new = reason == SEAL_ABSENT;
	if (*is_new)
		return make_audit_key(out, k, error);
	if (!reason && !p256_private_from_pem(out, buf_span(&pem)))
		return RC_OK;
	error_set(error, "audit key: %s",
		  reason ? seal_reason_name(reason) : "no key");
	return RC_DENIED;
}

bool keep_is_lasting(const struct keep *k)
{
	return k->seal != NULL;
}
