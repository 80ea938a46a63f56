/*
 * sha256: SHA-256 over the concatenation of spans; nothing is allocated.
 *
 * Source: FIPS 180-4 §6.2.
 */
#ifndef POSTERN_CRYPTO_SHA256_H
#define POSTERN_CRYPTO_SHA256_H

#include "base/span.h"

struct sha256 {
	uint8_t b[32];
};

/* Hash of parts[0] || ... || parts[count-1]. */
void sha256_parts(struct sha256 *out, const struct span *parts, size_t count);
/* Hash of one span. */
void sha256_of(struct sha256 *out, struct span b);

#endif
