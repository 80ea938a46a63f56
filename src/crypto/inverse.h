/*
 * inverse: a power of two over x, modulo an odd number of up to 256 bits; what
 * is left to do for 1 / x is a Montgomery reduction or two.
 *
 * Not for secrets: time and branches depend on x.  libcrypto's BN_mod_inverse()
 * takes four times as long, and a sixth of an ECDSA verification.
 *
 * Pure: no allocation, no libcrypto.
 *
 * Source: B. S. Kaliski, "The Montgomery inverse and its applications", IEEE
 * Transactions on Computers 44 (1995), phase 1.
 */
#ifndef POSTERN_CRYPTO_INVERSE_H
#define POSTERN_CRYPTO_INVERSE_H

#include "crypto/u256.h"

enum {
	INVERSE_SHIFT_MAX = 511,
};

/*
 * *out = 2^*shift / x modulo n, reduced; *shift <= INVERSE_SHIFT_MAX.  False,
 * outputs untouched: x is 0 or not below n, n is even, or they have a common
 * divisor.
 */
bool inverse_almost(struct u256 *out, unsigned *shift, const struct u256 *x,
		    const struct u256 *n);

#endif
