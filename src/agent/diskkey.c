#include "agent/diskkey.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "seal/hardware.h"

#define PURPOSE "disk"
#define KEY_LABEL "postern/disk/v1"

static_assert((int)FORM_MEASUREMENT_LEN == (int)RECORD_MEASUREMENT_LEN &&
	      (int)DISK_ERROR_MAX >= (int)SEAL_ERROR_MAX &&
	      (int)NODE_ERROR_MAX >= (int)SEAL_ERROR_MAX);

/* ---- the key service ---- */

static enum rc refused(char error[DISK_ERROR_MAX],
		       const struct keyclient_error *why, enum rc rc)
{
	(void)snprintf(error, DISK_ERROR_MAX, "key service: %s: %s",
		       why->reason, why->detail);
	return rc;
}

static enum rc kms_key(void *arg, struct key32 *key, uint32_t *epoch,
		       char error[DISK_ERROR_MAX])
{
	struct diskkey *k = arg;
	const struct keys_wanted wanted = {
		.epoch = *epoch,
		.scope = KEYS_OF_INSTANCE,
		.purpose = PURPOSE,
	};
	struct keyclient_error why;
	struct keys_key got = { 0 };
	enum rc rc = keyclient_get(&got, &k->kms, &wanted, 1, &why);

	if (rc)
		return refused(error, &why, rc);
	*key = got.key;
	*epoch = got.epoch;
	keys_key_wipe(&got);
	return RC_OK;
}

static enum rc kms_count(void *arg, uint64_t *value, uint64_t raise_to,
			 char error[DISK_ERROR_MAX])
{
	struct diskkey *k = arg;
	struct keyclient_error why;
	enum rc rc = keyclient_epoch(value, &k->kms, PURPOSE, raise_to, &why);

	return rc ? refused(error, &why, rc) : RC_OK;
}

static enum rc open_kms(struct diskkey *k, const struct config *c,
			struct quote_source *source,
			const struct identity *identity,
			char error[NODE_ERROR_MAX])
{
	/* Serials of lists are remembered on the disk, which is not open. */
	enum rc rc = trust_open(&k->trust, &c->trust, NULL, error);

	if (rc)
		return rc;
	k->kms = (struct keyclient_options){
		.addresses = c->kms.addresses.items,
		.address_count = c->kms.addresses.count,
		.identity = identity,
		.trust = k->trust,
		.source = source,
	};
	k->keeper = (struct disk_keeper){
		.kind = RECORD_KMS,
		.key = kms_key,
		.count = kms_count,
		.arg = k,
	};
	return RC_OK;
}

/* ---- the platform ---- */

static enum rc platform_key(void *arg, struct key32 *key, uint32_t *epoch,
			    char error[DISK_ERROR_MAX])
{
	const struct diskkey *k = arg;
	uint8_t measurement[FORM_MEASUREMENT_LEN];

	*epoch = 0;
	return k->hardware.key(k->hardware.arg, key, measurement, KEY_LABEL,
			       error);
}

static enum rc open_platform(struct diskkey *k, struct quote_source *source,
			     char error[NODE_ERROR_MAX])
{
	if (!quote_source_is_simulated(source)) {
		error_set(error, "no key for the disk: TDX has none of its "
				 "own, and no key service is configured");
		return RC_UNSUPPORTED;
	}
	k->hardware = hardware_provider(source);
	k->keeper = (struct disk_keeper){
		.kind = RECORD_SIMULATOR,
		.key = platform_key,
		.arg = k,
	};
	return hardware_measurement(k->keeper.measurement, source, error);
}

enum rc diskkey_open(struct diskkey *k, const struct config *c,
		     struct quote_source *source,
		     const struct identity *identity,
		     char error[NODE_ERROR_MAX])
{
	*k = (struct diskkey){ 0 };
	return c->kms.addresses.count
		       ? open_kms(k, c, source, identity, error)
		       : open_platform(k, source, error);
}

enum rc diskkey_pin(struct diskkey *k, const struct config *c,
		    char error[NODE_ERROR_MAX])
{
	if (!c->kms.addresses.count)
		return RC_OK;
	return config_key_service(k->kms.app, c,
				  buf_span(&k->kms.identity->manifest_bytes),
				  error);
}

void diskkey_fini(struct diskkey *k)
{
	trust_free(k->trust);
	*k = (struct diskkey){ 0 };
}
