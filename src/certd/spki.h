/*
 * spki: the SubjectPublicKeyInfo of a P-256 key: what certificates, quotes and
 * histories name a key by.
 *
 * Pure.  Source: RFC 5480 §2; SEC 1 §2.3.3.
 */
#ifndef POSTERN_CERTD_SPKI_H
#define POSTERN_CERTD_SPKI_H

#include "crypto/p256.h"
#include "crypto/sha256.h"

enum {
	SPKI_LEN = 91,
};

void spki_of(uint8_t out[SPKI_LEN], const struct p256_point *key);
void spki_hash(struct sha256 *out, const struct p256_point *key);

#endif
