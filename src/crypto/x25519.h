/*
 * x25519: Diffie-Hellman on Curve25519.
 *
 * Source: RFC 7748 §5, §6.1.
 */
#ifndef POSTERN_CRYPTO_X25519_H
#define POSTERN_CRYPTO_X25519_H

#include "base/secret.h"

/* Clears and sets the bits of a scalar (RFC 7748 §5). */
void x25519_clamp(struct key32 *secret);
/* A fresh clamped secret. */
void x25519_generate(struct key32 *secret);
/* The public key of a secret. */
void x25519_public(uint8_t public_key[32], const struct key32 *secret);
/*
 * The shared secret.  False when it is all zero, which a low-order point
 * gives (RFC 7748 §6.1): the caller must abandon the exchange; *out is zero.
 */
[[nodiscard]] bool x25519_shared(struct key32 *out, const struct key32 *secret,
				 const uint8_t peer_public[32]);

#endif
