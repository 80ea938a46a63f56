/*
 * spki: the SubjectPublicKeyInfo of a P-256 key: what certificates, quotes and
 * histories name a key by.  One form only, which is the one that everybody
 * writes: the curve by name and the point uncompressed.
 *
 * Pure.  Source: RFC 5480 §2.1.1, §2.2; SEC 1 §2.3.3.
 */
#ifndef POSTERN_PKI_SPKI_H
#define POSTERN_PKI_SPKI_H

#include "base/span.h"
#include "crypto/p256.h"
#include "crypto/sha256.h"

enum {
	SPKI_LEN = 91,
};

/* The point is taken as it is: that it is on the curve is the caller's to
 * know. */
void spki_of(uint8_t out[SPKI_LEN], const struct p256_point *key);
void spki_hash(struct sha256 *out, const struct p256_point *key);

/*
 * The point in 'der', which is exactly one such key.  False, with *out
 * untouched, where it is anything else or the point is not on the curve.
 */
[[nodiscard]] bool spki_read(struct p256_point *out, struct span der);

#endif
