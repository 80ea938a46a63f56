/*
 * keccak: Keccak-256 as Ethereum and dstack's key chains have it: the sponge of
 * FIPS 202 with the padding of before, which libcrypto has only since 3.2.
 *
 * For public bytes and for what is signed; nothing here is a secret's hash.
 *
 * Source: FIPS 202 §3.2 to §3.4, §4 (rate 1088, capacity 512); The Keccak
 * reference 3.0 §1.1.2 (multi-rate padding without a domain suffix).
 */
#ifndef POSTERN_CRYPTO_KECCAK_H
#define POSTERN_CRYPTO_KECCAK_H

#include "base/span.h"

struct keccak256 {
	uint8_t b[32];
};

/* Hash of parts[0] || ... || parts[count-1]. */
void keccak256_parts(struct keccak256 *out, const struct span *parts,
		     size_t count);

#endif
