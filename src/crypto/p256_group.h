/*
 * p256_group: the points of NIST P-256, y^2 = x^3 - 3 x + b, and u G + v Q, all
 * of it public: how long it takes depends on points and scalars.  A secret
 * scalar must never come here.
 *
 * Every addition is right for every pair of points: for the point at infinity
 * on either side, for a point and itself, and for a point and its negative,
 * which formulas for two different points get wrong.  Doubling needs no such
 * care: the order is odd, so no point is its own negative but infinity, which
 * stays so by itself (z = 0).
 *
 * Pure: no allocation, no libcrypto.
 *
 * Source: SEC 1 §2.2.1 (the group), §2.3.4 (points from bytes); SP 800-186
 *         §3.2.1.3 (the curve); Hankerson, Menezes, Vanstone, "Guide to
 *         Elliptic Curve Cryptography" (2004) §3.2.2 (Jacobian coordinates),
 *         §3.3.1 (NAF of width w); Bernstein, Lange, "Explicit-Formulas
 *         Database": add-1998-cmo-2, madd.
 */
#ifndef POSTERN_CRYPTO_P256_GROUP_H
#define POSTERN_CRYPTO_P256_GROUP_H

#include "crypto/p256_field.h"

enum {
	P256_XY_LEN = 2 * U256_LEN,
};

/* Any point but infinity. */
struct affine {
	struct fp x, y;
};

/* (x / z^2, y / z^3), or infinity where z = 0. */
struct jacobian {
	struct fp x, y, z;
};

/* Of x || y, each 32 big-endian bytes.  False, *out untouched: a coordinate is
 * not below p, or they are not on the curve. */
bool affine_from(struct affine *out, const uint8_t xy[P256_XY_LEN]);

bool jacobian_is_infinity(const struct jacobian *a);
/* The point has an x, and it is this one. */
bool jacobian_has_x(const struct jacobian *a, const struct fp *x);

/* 'out' may be an operand in these. */
void jacobian_double(struct jacobian *out, const struct jacobian *a);
void jacobian_add(struct jacobian *out, const struct jacobian *a,
		  const struct jacobian *b);
void jacobian_add_affine(struct jacobian *out, const struct jacobian *a,
			 const struct affine *b);

/* *out = u G + v Q, for all u and v, reduced modulo the order or not. */
void jacobian_multiply(struct jacobian *out, const struct u256 *u,
		       const struct u256 *v, const struct affine *q);

#endif
