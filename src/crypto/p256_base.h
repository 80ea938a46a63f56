/*
 * p256_base: odd multiples of G, the base point of NIST P-256: made by
 * tools/p256-base, checked against libcrypto by the unit test.
 *
 * Source: SP 800-186 §3.2.1.3 (G).
 */
#ifndef POSTERN_CRYPTO_P256_BASE_H
#define POSTERN_CRYPTO_P256_BASE_H

#include "crypto/p256_group.h"

enum {
	/* Digits of this width, as in p256_group.  One more would save a
	 * hundredth of a verification and take twice the 4 KiB. */
	P256_BASE_WIDTH = 8,
	P256_BASE_MULTIPLES = 1 << (P256_BASE_WIDTH - 2),
};

/* p256_base[i] = (2 i + 1) G */
extern const struct affine p256_base[P256_BASE_MULTIPLES];

#endif
