/*
 * envelope: environment variables on their way to an app: encrypted to the
 * app's own key, so that they can be handed to its host.  One JSON object:
 *
 *   {"format": "postern/env/v1", "app_id": "<40 hex>", "serial": 1732752000,
 *    "enc": "<base64: 32 bytes>", "ciphertext": "<base64>",
 *    "signer": "<64 hex>", "signature": "<128 hex>"}        (or neither)
 *
 * HPKE (crypto/hpke.h) with info = "postern/env/v1" and additional data =
 * app_id || be64 serial.  The signature is Ed25519 over
 *
 *   "postern/env-signature/v1" || app_id || be64 serial || enc || ciphertext
 *
 * What holds:
 *
 *   its host reads it               no: only the app's key opens it
 *   given to another app            no: app_id is in the additional data, and
 *                                   another app has another key
 *   changed on the way              no: AEAD, and the signature
 *   an older one put back           no, as long as the app remembers the
 *                                   newest serial (struct envelope_seen);
 *                                   a new instance (a blank disk, or none)
 *                                   remembers none, and takes any that was
 *                                   made for the app
 *   one that the host made itself   no, where the manifest lists env_signers;
 *                                   without that list: yes, for anyone can
 *                                   encrypt to a public key
 *
 * The app id is the hash of the manifest, so another manifest needs another
 * envelope.
 *
 * Pure.  Source: docs/PROTOCOL.secrets.md.
 */
#ifndef POSTERN_SECRETS_ENVELOPE_H
#define POSTERN_SECRETS_ENVELOPE_H

#include "base/secret.h"
#include "crypto/ed25519.h"
#include "crypto/hpke.h"
#include "crypto/sha256.h"
#include "secrets/envs.h"

enum {
	ENVELOPE_APP_LEN = 20,
	ENVELOPE_TEXT_MAX = 96 * 1024, /* bytes of JSON */
};

enum envelope_verdict {
	ENVELOPE_OK,
	ENVELOPE_MALFORMED, /* grammar, bounds, another format */
	ENVELOPE_OTHER_APP,
	ENVELOPE_STALE, /* a newer one was opened before */
	ENVELOPE_REUSED_SERIAL, /* another of that serial was */
	ENVELOPE_UNSIGNED, /* and the manifest lists signers */
	ENVELOPE_UNKNOWN_SIGNER,
	ENVELOPE_BAD_SIGNATURE,
	ENVELOPE_NOT_OPENED, /* for another key, or changed */
	ENVELOPE_BAD_CONTENT, /* opened, and is no list of variables */
	ENVELOPE_NOT_ALLOWED, /* a name that allowed_envs lacks */
	ENVELOPE_VERDICT_COUNT,
};
/* "ok", "malformed", "other_app", ...; they stay. */
const char *envelope_verdict_name(enum envelope_verdict v);

/* The newest that was opened; zeroed: none yet. */
struct envelope_seen {
	uint64_t serial;
	struct sha256 hash; /* of its bytes */
};

/* Borrowed for the call. */
struct envelope_terms {
	uint8_t app_id[ENVELOPE_APP_LEN];
	const struct key32 *secret; /* X25519 */
	const struct manifest_guest *rules; /* names and signers */
	struct envelope_seen seen;
};

/*
 * Judges and opens.  ENVELOPE_OK: *out is owned, envs_fini(), and *seen is what
 * to remember before the variables are used.  Otherwise both are untouched.
 */
enum envelope_verdict envelope_open(struct envs *out,
				    struct envelope_seen *seen,
				    struct span json,
				    const struct envelope_terms *terms);

/* For envelope_seal(); borrowed. */
struct envelope_recipe {
	uint8_t app_id[ENVELOPE_APP_LEN];
	uint8_t to[32]; /* the app's public key */
	uint64_t serial; /* not 0 */
	const struct envs *envs;
	const struct key32 *signer; /* Ed25519; NULL: unsigned */
};
/*
 * Appends the envelope's JSON and a newline.  RC_LIMIT: it does not fit, or the
 * variables do not; RC_CRYPTO: 'to' is no key.  *out is then unchanged.
 */
enum rc envelope_seal(struct buf *out, const struct envelope_recipe *recipe);

/* What can be read without a key. */
struct envelope_facts {
	uint8_t app_id[ENVELOPE_APP_LEN];
	uint64_t serial;
	bool is_signed;
	uint8_t signer[ED25519_PUBLIC_LEN];
	bool is_signature_good;
	size_t ciphertext_len;
};
/* False: malformed; *out is then untouched. */
bool envelope_look(struct envelope_facts *out, struct span json);

#endif
