#include "crypto/p256_field.h"

#define INLINE __attribute__((always_inline)) static inline

enum {
	PRODUCT_LIMBS = 2 * U256_LIMBS,
};

/* The low limb of a b; *high is the other. */
INLINE uint64_t wide_mul(uint64_t *high, uint64_t a, uint64_t b)
{
	u256_wide product = (u256_wide)a * b;

	*high = (uint64_t)(product >> U256_LIMB_BITS);
	return (uint64_t)product;
}

/* t[0..4] = a b */
INLINE void set_row(uint64_t *t, uint64_t a, const struct u256 *b)
{
	uint64_t low, high[U256_LIMBS];
	u256_bit carry;

	t[0] = wide_mul(&high[0], a, b->limb[0]);
	low = wide_mul(&high[1], a, b->limb[1]);
	carry = u256_carry(&t[1], low, high[0], 0);
	low = wide_mul(&high[2], a, b->limb[2]);
	carry = u256_carry(&t[2], low, high[1], carry);
	low = wide_mul(&high[3], a, b->limb[3]);
	carry = u256_carry(&t[3], low, high[2], carry);
	(void)u256_carry(&t[4], high[3], 0, carry);
}

/* t[0..4] = t[0..3] + a b: the low limbs of the products, then the high. */
INLINE void add_row(uint64_t *t, uint64_t a, const struct u256 *b)
{
	uint64_t low[U256_LIMBS], high[U256_LIMBS];
	u256_bit carry;

	low[0] = wide_mul(&high[0], a, b->limb[0]);
	low[1] = wide_mul(&high[1], a, b->limb[1]);
	low[2] = wide_mul(&high[2], a, b->limb[2]);
	low[3] = wide_mul(&high[3], a, b->limb[3]);
	carry = u256_carry(&t[0], t[0], low[0], 0);
	carry = u256_carry(&t[1], t[1], low[1], carry);
	carry = u256_carry(&t[2], t[2], low[2], carry);
	carry = u256_carry(&t[3], t[3], low[3], carry);
	t[4] = carry;
	carry = u256_carry(&t[1], t[1], high[0], 0);
	carry = u256_carry(&t[2], t[2], high[1], carry);
	carry = u256_carry(&t[3], t[3], high[2], carry);
	(void)u256_carry(&t[4], t[4], high[3], carry);
}

/* t[0..3] = (t[0..3] + m p) / 2^64, m = t[0] */
INLINE void reduce_round(uint64_t *t)
{
	uint64_t m = t[0], low, high;
	u256_bit carry;

	/* m (2^64 - 2^32 + 1) */
	carry = u256_borrow(&low, m, m << 32, 0);
	(void)u256_borrow(&high, m, m >> 32, carry);
	carry = u256_carry(&t[0], t[1], m << 32, 0);
	carry = u256_carry(&t[1], t[2], m >> 32, carry);
	carry = u256_carry(&t[2], t[3], low, carry);
	(void)u256_carry(&t[3], high, 0, carry);
}

/* *out = t / 2^256 modulo p */
INLINE void reduce(struct u256 *out, uint64_t *t)
{
	struct u256 sum;
	u256_bit carry;

	reduce_round(t);
	reduce_round(t);
	reduce_round(t);
	reduce_round(t);
	carry = u256_carry(&sum.limb[0], t[0], t[4], 0);
	carry = u256_carry(&sum.limb[1], t[1], t[5], carry);
	carry = u256_carry(&sum.limb[2], t[2], t[6], carry);
	carry = u256_carry(&sum.limb[3], t[3], t[7], carry);
	u256_reduce_once(out, &sum, carry, &P256_PRIME);
}

void fp_mul(struct fp *out, const struct fp *a, const struct fp *b)
{
	const uint64_t *x = a->n.limb;
	struct u256 y = b->n;
	uint64_t t[PRODUCT_LIMBS];

	set_row(t, x[0], &y);
	add_row(t + 1, x[1], &y);
	add_row(t + 2, x[2], &y);
	add_row(t + 3, x[3], &y);
	reduce(&out->n, t);
}

/* t[1..6] = the products of different limbs, each once, in its place. */
INLINE void add_mixed(uint64_t *t, const uint64_t *x)
{
	uint64_t low, high;
	u256_bit carry;

	/* x[0] (x[1], x[2], x[3]) */
	t[1] = wide_mul(&t[2], x[0], x[1]);
	low = wide_mul(&t[3], x[0], x[2]);
	carry = u256_carry(&t[2], t[2], low, 0);
	low = wide_mul(&t[4], x[0], x[3]);
	carry = u256_carry(&t[3], t[3], low, carry);
	(void)u256_carry(&t[4], t[4], 0, carry);
	/* x[1] (x[2], x[3]), without the high limb of the first */
	low = wide_mul(&high, x[1], x[2]);
	carry = u256_carry(&t[3], t[3], low, 0);
	low = wide_mul(&t[5], x[1], x[3]);
	carry = u256_carry(&t[4], t[4], low, carry);
	(void)u256_carry(&t[5], t[5], 0, carry);
	/* that limb, and x[2] x[3] */
	carry = u256_carry(&t[4], t[4], high, 0);
	low = wide_mul(&t[6], x[2], x[3]);
	carry = u256_carry(&t[5], t[5], low, carry);
	(void)u256_carry(&t[6], t[6], 0, carry);
}

/* t[0..7] = 2 t[1..6] */
INLINE void double_mixed(uint64_t *t)
{
	u256_bit carry = u256_carry(&t[1], t[1], t[1], 0);

	carry = u256_carry(&t[2], t[2], t[2], carry);
	carry = u256_carry(&t[3], t[3], t[3], carry);
	carry = u256_carry(&t[4], t[4], t[4], carry);
	carry = u256_carry(&t[5], t[5], t[5], carry);
	carry = u256_carry(&t[6], t[6], t[6], carry);
	t[0] = 0;
	t[7] = carry;
}

/* t[0..7] += the square of each limb, in its place. */
INLINE void add_squares(uint64_t *t, const uint64_t *x)
{
	uint64_t low, high;
	u256_bit carry;

	t[0] = wide_mul(&high, x[0], x[0]);
	carry = u256_carry(&t[1], t[1], high, 0);
	low = wide_mul(&high, x[1], x[1]);
	carry = u256_carry(&t[2], t[2], low, carry);
	carry = u256_carry(&t[3], t[3], high, carry);
	low = wide_mul(&high, x[2], x[2]);
	carry = u256_carry(&t[4], t[4], low, carry);
	carry = u256_carry(&t[5], t[5], high, carry);
	low = wide_mul(&high, x[3], x[3]);
	carry = u256_carry(&t[6], t[6], low, carry);
	(void)u256_carry(&t[7], t[7], high, carry);
}

void fp_square(struct fp *out, const struct fp *a)
{
	uint64_t t[PRODUCT_LIMBS];

	add_mixed(t, a->n.limb);
	double_mixed(t);
	add_squares(t, a->n.limb);
	reduce(&out->n, t);
}

bool fp_from(struct fp *out, const struct u256 *a)
{
	/* 2^512 modulo p */
	static const struct fp by = { { { 0x0000000000000003,
					  0xfffffffbffffffff,
					  0xfffffffffffffffe,
					  0x00000004fffffffd } } };

	if (!u256_is_less(a, &P256_PRIME))
		return false;
	fp_mul(out, &(struct fp){ *a }, &by);
	return true;
}

void fp_to(struct u256 *out, const struct fp *a)
{
	uint64_t t[PRODUCT_LIMBS] = { a->n.limb[0], a->n.limb[1],
				      a->n.limb[2], a->n.limb[3] };

	reduce(out, t);
}
