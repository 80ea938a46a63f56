/*
 * ticket: one session, sealed for a client to keep, as tls/brief.h gives it
 * out.  Neither it nor libssl takes the other's: who comes to the other one has
 * a full handshake.
 *
 * A ticket is key name (16) ‖ nonce (12) ‖ AES-256-GCM(hash (1) ‖ scope (32)
 * ‖ pre-shared key), the name authenticated with it, under a key derived of the
 * epoch's.  With random nonces one key seals 2^32 at most; an epoch has half a
 * day.
 *
 * Source: RFC 8446 §4.6.1; RFC 5077 §4; NIST SP 800-38D §8.3.
 */
#ifndef POSTERN_TLS_TICKET_H
#define POSTERN_TLS_TICKET_H

#include "crypto/digest.h"
#include "crypto/sha256.h"
#include "tls/engine.h"
#include "tls/tickets.h"

enum {
	TICKET_MAX = TICKETS_NAME_LEN + ENGINE_NONCE_LEN + 1 + 32 +
		     DIGEST_MAX + ENGINE_TAG_LEN,
};

struct ticket {
	enum digest_kind hash;
	struct sha256 scope; /* tls_conn_resume() */
	uint8_t psk[DIGEST_MAX]; /* of the hash's length */
};

/* Seals it under the keys of now; the bytes that are its form, in 'out'. */
struct span ticket_seal(uint8_t out[TICKET_MAX], const struct ticket *t,
			const struct tickets *keys, struct engine *e,
			const uint8_t nonce[ENGINE_NONCE_LEN]);
/* False: it is not ours, of keys that are gone, or was changed; then *out holds
 * nothing. */
[[nodiscard]] bool ticket_open(struct ticket *out, struct span sealed,
			       const struct tickets *keys, struct engine *e);

#endif
