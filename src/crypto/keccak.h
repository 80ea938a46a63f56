/*
 * keccak: the sponge of FIPS 202 with its own padding (SHA-3) and with that of
 * before, as Ethereum and dstack's key chains have it, which libcrypto has only
 * since 3.2.
 *
 * For public bytes and for what is signed; nothing here is a secret's hash.
 *
 * Source: FIPS 202 §3.2 to §3.4, §4, §6.1 (capacity twice the output); The
 * Keccak reference 3.0 §1.1.2 (multi-rate padding without a domain suffix).
 */
#ifndef POSTERN_CRYPTO_KECCAK_H
#define POSTERN_CRYPTO_KECCAK_H

#include "base/span.h"

struct keccak256 {
	uint8_t b[32];
};

enum {
	KECCAK_MAX = 64, /* bytes of the longest output */
};

enum keccak_kind {
	KECCAK_PLAIN, /* Keccak-256, -384, -512 */
	KECCAK_SHA3,
};

/* Hash of parts[0] || ... || parts[count-1]; n: 32, 48 or 64 bytes. */
void keccak_parts(uint8_t *out, size_t n, enum keccak_kind kind,
		  const struct span *parts, size_t count);
/* The same of Keccak-256. */
void keccak256_parts(struct keccak256 *out, const struct span *parts,
		     size_t count);

#endif
