/* Points of P-256 by libcrypto, for the tests of p256_group and p256_base. */
#ifndef POSTERN_TESTS_P256_POINTS_H
#define POSTERN_TESTS_P256_POINTS_H

#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "crypto/p256_group.h"
#include "p256_numbers.h"

struct curve {
	EC_GROUP *group;
	const BIGNUM *order;
	BN_CTX *ctx;
};

static inline struct curve curve_new(void)
{
	struct curve c = { .group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1) };

	c.ctx = BN_CTX_new();
	c.order = EC_GROUP_get0_order(c.group);
	return c;
}

static inline void curve_free(struct curve *c)
{
	BN_CTX_free(c->ctx);
	EC_GROUP_free(c->group);
}

/* u G + v Q; Q may be NULL. */
static inline EC_POINT *curve_multiply(const struct curve *c, const struct u256 *u,
				       const EC_POINT *q, const struct u256 *v)
{
	EC_POINT *out = EC_POINT_new(c->group);
	BIGNUM *x = number_to_bn(u), *y = q ? number_to_bn(v) : NULL;

	assert_int_equal(BN_nnmod(x, x, c->order, c->ctx), 1);
	if (y)
		assert_int_equal(BN_nnmod(y, y, c->order, c->ctx), 1);
	assert_int_equal(EC_POINT_mul(c->group, out, x, q, y, c->ctx), 1);
	BN_free(y);
	BN_free(x);
	return out;
}

/* k G */
static inline EC_POINT *curve_multiple(const struct curve *c, int k)
{
	EC_POINT *out = curve_multiply(c, &(struct u256){ { (uint64_t)(k < 0 ? -k : k) } }, NULL,
				       NULL);

	if (k < 0)
		assert_int_equal(EC_POINT_invert(c->group, out, c->ctx), 1);
	return out;
}

/* Not of infinity. */
static inline struct affine curve_affine(const struct curve *c, const EC_POINT *at)
{
	uint8_t sec1[1 + P256_XY_LEN];
	struct affine out;

	assert_int_equal(EC_POINT_point2oct(c->group, at, POINT_CONVERSION_UNCOMPRESSED, sec1,
					    sizeof(sec1), c->ctx),
			 sizeof(sec1));
	assert_true(affine_from(&out, sec1 + 1));
	return out;
}

/* With a random z; infinity with random x and y. */
static inline struct jacobian curve_jacobian(const struct curve *c, const EC_POINT *at)
{
	struct fp z = { number_random() }, zz;
	struct jacobian out;
	struct affine a;

	u256_reduce_once(&z.n, &z.n, 0, &P256_PRIME);
	if (EC_POINT_is_at_infinity(c->group, at))
		return (struct jacobian){ .x = z, .y = z };
	if (fp_is_zero(&z))
		z = FP_ONE;
	a = curve_affine(c, at);
	fp_square(&zz, &z);
	fp_mul(&out.x, &a.x, &zz);
	fp_mul(&zz, &zz, &z);
	fp_mul(&out.y, &a.y, &zz);
	out.z = z;
	return out;
}

/* The same point, all of its numbers below p. */
static inline void assert_point(const struct curve *c, const struct jacobian *got,
				const EC_POINT *want)
{
	struct affine a;
	struct fp zz, t;

	assert_true(u256_is_less(&got->x.n, &P256_PRIME));
	assert_true(u256_is_less(&got->y.n, &P256_PRIME));
	assert_true(u256_is_less(&got->z.n, &P256_PRIME));
	if (EC_POINT_is_at_infinity(c->group, want)) {
		assert_true(jacobian_is_infinity(got));
		return;
	}
	assert_false(jacobian_is_infinity(got));
	a = curve_affine(c, want);
	fp_square(&zz, &got->z);
	fp_mul(&t, &a.x, &zz);
	assert_true(fp_equal(&t, &got->x));
	fp_mul(&zz, &zz, &got->z);
	fp_mul(&t, &a.y, &zz);
	assert_true(fp_equal(&t, &got->y));
}

#endif
