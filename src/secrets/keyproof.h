/*
 * keyproof: an app's public key for its environment, with what proves whose it
 * is: a quote of the app itself.  One JSON object:
 *
 *   {"format": "postern/env-key/v1", "app_id": "<40 hex>",
 *    "instance_id": "<40 hex>", "public_key": "<64 hex>",
 *    "quote": "<base64>", "event_log": "<JSON array as text>"}
 *
 * The quote's report data is
 *
 *   SHA-512("postern/env-key/v1" || app_id || instance_id || public_key)
 *
 * so whoever verifies the quote against a policy, and finds the app id in its
 * measured event log, knows that code of that measurement, running that
 * manifest, holds the secret.  This module reads and writes; the quote's
 * verification is the caller's (tee/verify.h).
 *
 * The secret follows from a key that the app alone gets (key provider), by
 * keyproof_secret().
 */
#ifndef POSTERN_SECRETS_KEYPROOF_H
#define POSTERN_SECRETS_KEYPROOF_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/rc.h"
#include "crypto/hash.h"

enum {
	KEYPROOF_ID_LEN = 20,
	KEYPROOF_TEXT_MAX = 512 * 1024,
	KEYPROOF_ARENA_MAX = 2 * KEYPROOF_TEXT_MAX,
};

struct keyproof {
	uint8_t app_id[KEYPROOF_ID_LEN], instance_id[KEYPROOF_ID_LEN];
	uint8_t public_key[32];
	struct span quote, event_log; /* n == 0 before it is quoted */
};

/* X25519; 'root' is the app's key of purpose "env". */
void keyproof_secret(struct key32 *out, const struct key32 *root);

/* What the quote is over. */
void keyproof_report_data(struct sha512 *out, const struct keyproof *p);
/* Appends the JSON and a newline; RC_LIMIT when it does not fit. */
enum rc keyproof_write(struct buf *out, const struct keyproof *p);
/*
 * False: malformed.  Otherwise *out's spans are in the arena, which has room
 * for KEYPROOF_ARENA_MAX bytes.
 */
bool keyproof_read(struct keyproof *out, struct arena *arena,
		   struct span json);

#endif
