/*
 * ed25519: signatures by Ed25519, through libcrypto.
 *
 * A secret is its 32-byte seed.  Verification is libcrypto's, so a signature
 * with a scalar that is not reduced is refused, and a signature is no
 * identifier all the same.
 *
 * Source: RFC 8032 §5.1.
 */
#ifndef POSTERN_CRYPTO_ED25519_H
#define POSTERN_CRYPTO_ED25519_H

#include "base/secret.h"
#include "base/span.h"

enum {
	ED25519_PUBLIC_LEN = 32,
	ED25519_SIGNATURE_LEN = 64,
};

void ed25519_public(uint8_t out[ED25519_PUBLIC_LEN],
		    const struct key32 *secret);
void ed25519_sign(uint8_t out[ED25519_SIGNATURE_LEN],
		  const struct key32 *secret, struct span message);
/* False also for bytes that are no point. */
[[nodiscard]] bool
ed25519_verify(const uint8_t key[ED25519_PUBLIC_LEN],
	       const uint8_t signature[ED25519_SIGNATURE_LEN],
	       struct span message);

#endif
