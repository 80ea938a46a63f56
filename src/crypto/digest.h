/*
 * digest: SHA-256 or SHA-384, as said at run time, of bytes that come one after
 * another; its value so far can be asked for in between.  HMAC on it.
 * Nothing is allocated.
 *
 * What it costs is why it is there beside crypto/hash.h: one HMAC of a key
 * schedule takes a quarter of what it takes through EVP.
 *
 * Source: FIPS 180-4; RFC 2104.
 */
#ifndef POSTERN_CRYPTO_DIGEST_H
#define POSTERN_CRYPTO_DIGEST_H

#include "base/span.h"

enum {
	DIGEST_MAX = 48, /* bytes of the longest value */
	DIGEST_STATE = 216,
};

enum digest_kind {
	DIGEST_SHA256,
	DIGEST_SHA384,
};

/* Plain bytes: a copy goes its own way.  It holds what was hashed: who hashed
 * a secret erases it. */
struct digest {
	enum digest_kind kind;
	_Alignas(8) uint8_t state[DIGEST_STATE];
};

/* Bytes of a value: 32 or 48. */
size_t digest_len(enum digest_kind kind);

void digest_init(struct digest *d, enum digest_kind kind);
void digest_add(struct digest *d, struct span bytes);
/* The value of all that was added; more may be. */
void digest_value(const struct digest *d, uint8_t out[DIGEST_MAX]);

/* HMAC over parts[0] || ... || parts[count-1], with a key of any length. */
void digest_hmac(uint8_t out[DIGEST_MAX], enum digest_kind kind,
		 struct span key, const struct span *parts, size_t count);

#endif
