/*
 * p256_field: arithmetic modulo the prime of NIST P-256,
 *
 *	p = 2^256 - 2^224 + 2^192 + 2^96 - 1,
 *
 * of public numbers: nothing here promises to take the same time for each.
 *
 * A number is held as x 2^256 modulo p (Montgomery's form) and is always fully
 * reduced: every function here takes numbers below p and gives numbers below p.
 * So each number has one form, equal means the same limbs, and the bounds below
 * are all there are.  'out' may be an operand everywhere.
 *
 * Why no carry is lost:
 *
 * fp_add      a + b < 2 p < 2^257: one carry; less p, if not below it, is < p.
 * fp_subtract a - b > -p: where it borrows, it holds a - b + 2^256, and adding
 *             p carries just that 2^256 away.
 * fp_mul      The product of two numbers of 4 limbs fits in 8.  Row by row: the
 *             rows up to i are a number of i + 1 limbs times one of 4, and so
 *             fill i + 5 limbs, of which the last is new.
 * fp_square   The products of different limbs, together, are less than half the
 *             square: twice their sum fits in 8 limbs, and so does it with the
 *             squares of the limbs added.
 * reduction   One round takes A < 2^256 to (A + m p) / 2^64 with m = A modulo
 *             2^64; as p = -1 modulo 2^64, this divides.  It is at most
 *             (2^256 - 1 + (2^64 - 1) p) / 2^64 < 2^192 + p < 2^256: still four
 *             limbs, no carry.  (A + m p) / 2^64 is A / 2^64, rounded down, and
 *             m (p + 1) / 2^64 = m 2^32 + m (2^64 - 2^32 + 1) 2^128: shifts, a
 *             subtraction and an addition, no multiplication.
 *             Four rounds of the low half, M all their m together, and the high
 *             half added: (a b + M p) / 2^256, which is less than
 *             (p p + 2^256 p) / 2^256 < 2 p: one carry, less p once.
 *
 * Pure: no allocation, no libcrypto.
 *
 * Source: FIPS 186-5, SP 800-186 §3.2.1.3 (the prime); P. L. Montgomery,
 *         "Modular multiplication without trial division", Mathematics of
 *         Computation 44 (1985); Hankerson, Menezes, Vanstone, "Guide to
 *         Elliptic Curve Cryptography" (2004) §2.2.
 */
#ifndef POSTERN_CRYPTO_P256_FIELD_H
#define POSTERN_CRYPTO_P256_FIELD_H

#include "crypto/u256.h"

/* x 2^256 modulo p. */
struct fp {
	struct u256 n;
};

#define P256_PRIME \
	((struct u256){ { 0xffffffffffffffff, 0x00000000ffffffff, \
			  0x0000000000000000, 0xffffffff00000001 } })

/* 1: 2^256 modulo p. */
#define FP_ONE \
	((struct fp){ { { 0x0000000000000001, 0xffffffff00000000, \
			  0xffffffffffffffff, 0x00000000fffffffe } } })

/* From a number and to one.  False, *out untouched: a is not below p. */
bool fp_from(struct fp *out, const struct u256 *a);
void fp_to(struct u256 *out, const struct fp *a);

void fp_mul(struct fp *out, const struct fp *a, const struct fp *b);
void fp_square(struct fp *out, const struct fp *a);

static inline void fp_add(struct fp *out, const struct fp *a,
			  const struct fp *b)
{
	struct u256 sum;
	u256_bit carry = u256_add(&sum, &a->n, &b->n);

	u256_reduce_once(&out->n, &sum, carry, &P256_PRIME);
}

static inline void fp_subtract(struct fp *out, const struct fp *a,
			       const struct fp *b)
{
	struct u256 d, p = P256_PRIME;
	uint64_t mask = -(uint64_t)u256_subtract(&d, &a->n, &b->n);

	p.limb[0] &= mask;
	p.limb[1] &= mask;
	p.limb[3] &= mask;
	(void)u256_add(&out->n, &d, &p); /* the borrow's other half */
}

static inline void fp_double(struct fp *out, const struct fp *a)
{
	fp_add(out, a, a);
}

static inline void fp_negate(struct fp *out, const struct fp *a)
{
	fp_subtract(out, &(struct fp){ 0 }, a);
}

static inline bool fp_is_zero(const struct fp *a)
{
	return u256_is_zero(&a->n);
}

static inline bool fp_equal(const struct fp *a, const struct fp *b)
{
	return u256_equal(&a->n, &b->n);
}

#endif
