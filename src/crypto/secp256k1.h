/*
 * secp256k1: ECDSA on Ethereum's curve over a 32-byte digest, through
 * libcrypto, in the forms that Ethereum's tools and dstack's key chains have:
 * compressed points, r || s with a low s, and the number that lets the public
 * key be found from a signature.
 *
 * Nonces are libcrypto's (random, with the key and digest mixed in), so a
 * signature of the same digest differs each time.
 *
 * Source: SEC 1 §2.3, §4.1; SEC 2 §2.4.1; BIP 146 (low s); Ethereum Yellow
 * Paper, appendix F (recovery).
 */
#ifndef POSTERN_CRYPTO_SECP256K1_H
#define POSTERN_CRYPTO_SECP256K1_H

#include "base/secret.h"
#include "base/span.h"

enum {
	SECP256K1_PUBLIC_LEN = 33, /* compressed: 2 or 3, then x */
	SECP256K1_DIGEST_LEN = 32,
	SECP256K1_SIGNATURE_LEN = 64, /* r || s */
	SECP256K1_RECOVERABLE_LEN = 65, /* and 0 or 1: is R.y odd */
};

/* It is a scalar: not zero, below the order. */
[[nodiscard]] bool secp256k1_is_secret(const struct key32 *secret);

/* The secret is one (asserted). */
void secp256k1_public(uint8_t out[SECP256K1_PUBLIC_LEN],
		      const struct key32 *secret);
void secp256k1_sign(uint8_t out[SECP256K1_RECOVERABLE_LEN],
		    const struct key32 *secret,
		    const uint8_t digest[SECP256K1_DIGEST_LEN]);

/*
 * 'key' is a point, compressed or not; signature is r || s.  False, too, for a
 * point off the curve and for a high s, which would be the same signature in
 * another form.
 */
[[nodiscard]] bool
secp256k1_verify(struct span key,
		 const uint8_t signature[SECP256K1_SIGNATURE_LEN],
		 const uint8_t digest[SECP256K1_DIGEST_LEN]);
/* The key that made the signature; false when there is none. */
[[nodiscard]] bool
secp256k1_recover(uint8_t out[SECP256K1_PUBLIC_LEN],
		  const uint8_t signature[SECP256K1_RECOVERABLE_LEN],
		  const uint8_t digest[SECP256K1_DIGEST_LEN]);

#endif
