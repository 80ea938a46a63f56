/*
 * p256_scalar: arithmetic modulo n, the order of NIST P-256, of public numbers:
 * no promise to take the same time for each.
 *
 * As much of it as verifying a signature takes: 1/s, and e/s and r/s.
 *
 * Why no carry is lost: one round of the multiplication takes T to
 * (T + x b + m n) / 2^64 with limbs x, m < 2^64.  With T < b + n before it, it
 * is less than (b + n + (2^64 - 1) (b + n)) / 2^64 = b + n after it; so, from
 * T = 0 on, T < b + n < 2 n < 2^257 for each b < n: five limbs, the last one 0
 * or 1, a sixth within a round, and n subtracted once in the end.
 *
 * Pure: no allocation, no libcrypto.
 *
 * Source: SP 800-186 §3.2.1.3 (n); FIPS 186-5 §6.4.2 (what for); P. L.
 *         Montgomery, "Modular multiplication without trial division",
 *         Mathematics of Computation 44 (1985).
 */
#ifndef POSTERN_CRYPTO_P256_SCALAR_H
#define POSTERN_CRYPTO_P256_SCALAR_H

#include "crypto/u256.h"

#define P256_ORDER \
	((struct u256){ { 0xf3b9cac2fc632551, 0xbce6faada7179e84, \
			  0xffffffffffffffff, 0xffffffff00000000 } })

/* Below n. */
struct scalar {
	struct u256 n;
};

/* x 2^256 modulo n: what scalar_mul() multiplies by. */
struct scalar_factor {
	struct u256 n;
};

/* False, *out untouched: not in 1..n-1. */
bool scalar_from(struct scalar *out, const uint8_t b[U256_LEN]);
/* Of any number, reduced. */
void scalar_reduce(struct scalar *out, const uint8_t b[U256_LEN]);
/* *out = a by; may be a itself. */
void scalar_mul(struct scalar *out, const struct scalar *a,
		const struct scalar_factor *by);
/*
 * *out = 1/a, and a times that was seen to be 1: nothing that goes wrong on the
 * way can give another number.  False, *out untouched: a is 0.
 */
bool scalar_invert(struct scalar_factor *out, const struct scalar *a);

#endif
