/*
 * p256_group against libcrypto's points: additions of all small multiples of G
 * with one another, which are all the special cases (infinity, a point and
 * itself, a point and its negative); u G + v Q where the two halves meet, where
 * they cancel, and for scalars on every border.
 */
#include "unit.h"

#include "crypto/p256_scalar.h"
#include "p256_points.h"

enum {
	SMALL = 6, /* multiples -SMALL..SMALL */
	NEAR = 20, /* scalars at most so far from 0 and from the order */
	KEYS = 7, /* k of a key k G, on either side of 0 */
	SUMS_MAX = NEAR + NEAR * KEYS,
};

static struct curve curve;

static int setup(void **state)
{
	(void)state;
	curve = curve_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	curve_free(&curve);
	return 0;
}

static void check_addition(int i, int j)
{
	EC_POINT *p = curve_multiple(&curve, i), *q = curve_multiple(&curve, j);
	EC_POINT *want = curve_multiple(&curve, i + j);
	const struct jacobian a = curve_jacobian(&curve, p), b = curve_jacobian(&curve, q);
	struct jacobian out;

	jacobian_add(&out, &a, &b);
	assert_point(&curve, &out, want);
	out = a;
	jacobian_add(&out, &out, &b);
	assert_point(&curve, &out, want);
	out = b;
	jacobian_add(&out, &a, &out);
	assert_point(&curve, &out, want);
	if (j) {
		const struct affine flat = curve_affine(&curve, q);

		jacobian_add_affine(&out, &a, &flat);
		assert_point(&curve, &out, want);
		out = a;
		jacobian_add_affine(&out, &out, &flat);
		assert_point(&curve, &out, want);
	}
	if (i == j) {
		jacobian_double(&out, &a);
		assert_point(&curve, &out, want);
		jacobian_add(&out, &a, &a);
		assert_point(&curve, &out, want);
		out = a;
		jacobian_double(&out, &out);
		assert_point(&curve, &out, want);
	}
	EC_POINT_free(want);
	EC_POINT_free(q);
	EC_POINT_free(p);
}

static void additions(void **state)
{
	(void)state;
	for (int round = 0; round < 3; round++)
		for (int i = -SMALL; i <= SMALL; i++)
			for (int j = -SMALL; j <= SMALL; j++)
				check_addition(i, j);
}

static void random_additions(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++) {
		const struct u256 u = number_random(), v = number_random();
		EC_POINT *p = curve_multiply(&curve, &u, NULL, NULL);
		EC_POINT *q = curve_multiply(&curve, &v, NULL, NULL);
		EC_POINT *want = EC_POINT_new(curve.group);
		const struct jacobian a = curve_jacobian(&curve, p);
		const struct jacobian b = curve_jacobian(&curve, q);
		struct jacobian out;

		assert_int_equal(EC_POINT_add(curve.group, want, p, q, curve.ctx), 1);
		jacobian_add(&out, &a, &b);
		assert_point(&curve, &out, want);
		assert_int_equal(EC_POINT_dbl(curve.group, want, p, curve.ctx), 1);
		jacobian_double(&out, &a);
		assert_point(&curve, &out, want);
		EC_POINT_free(want);
		EC_POINT_free(q);
		EC_POINT_free(p);
	}
}

/* k modulo the order; k may be below 0. */
static struct u256 scalar_of(int k)
{
	struct u256 a = { { (uint64_t)(k < 0 ? -k : k) } };

	if (k < 0)
		(void)u256_subtract(&a, &P256_ORDER, &a);
	return a;
}

/* (u + v k) G is a small multiple, whatever sums it was reached by: 0, where the
 * halves cancel; 2 u, where they are equal; and every neighbour of these. */
static void halves_that_meet(void **state)
{
	EC_POINT *sums[2 * SUMS_MAX + 1];
	unsigned cancelled = 0;

	(void)state;
	for (int i = -SUMS_MAX; i <= SUMS_MAX; i++)
		sums[i + SUMS_MAX] = curve_multiple(&curve, i);
	for (int k = -KEYS; k <= KEYS; k++) {
		struct affine q;

		if (!k)
			continue;
		q = curve_affine(&curve, sums[k + SUMS_MAX]);
		for (int u = -NEAR; u <= NEAR; u++)
			for (int v = -NEAR; v <= NEAR; v++) {
				const struct u256 s = scalar_of(u), t = scalar_of(v);
				struct jacobian out;

				jacobian_multiply(&out, &s, &t, &q);
				assert_point(&curve, &out, sums[u + v * k + SUMS_MAX]);
				cancelled += jacobian_is_infinity(&out);
			}
	}
	assert_true(cancelled > 2 * KEYS);
	for (int i = -SUMS_MAX; i <= SUMS_MAX; i++)
		EC_POINT_free(sums[i + SUMS_MAX]);
}

/* a 2^shift + b, b of up to 16 bits. */
static struct u256 shifted(uint64_t a, unsigned shift, uint64_t b)
{
	BIGNUM *x = BN_new(), *y = BN_new();
	struct u256 out;

	assert_true(BN_set_word(x, a) == 1 && BN_lshift(x, x, (int)shift) == 1);
	assert_true(BN_set_word(y, b) == 1 && BN_add(x, x, y) == 1);
	BN_mask_bits(x, 256);
	out = number_of_bn(x);
	BN_free(y);
	BN_free(x);
	return out;
}

/* The halves meet or cancel on the way, and the rest is added after that. */
static void halves_that_meet_on_the_way(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 6'000; i++) {
		unsigned shift = 17 + i % 235;
		uint64_t k = 1 + rng_u32() % 3, v = 1 + rng_u32() % 8;
		bool is_negative = i % 2;
		const struct u256 one = shifted(v * k, shift, rng_u32() & 0xffff);
		const struct u256 two = shifted(v, shift, rng_u32() & 0xffff);
		EC_POINT *q = curve_multiple(&curve, is_negative ? -(int)k : (int)k);
		EC_POINT *want = curve_multiply(&curve, &one, q, &two);
		const struct affine flat = curve_affine(&curve, q);
		struct jacobian out;

		jacobian_multiply(&out, &one, &two, &flat);
		assert_point(&curve, &out, want);
		EC_POINT_free(want);
		EC_POINT_free(q);
	}
}

/* Scalars on every border, also those not below the order. */
static void scalars(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4'000; i++) {
		const struct u256 k = number_random();
		const struct u256 u = number_at(i % 2 ? NUMBERS_CHOSEN : i % NUMBERS_CHOSEN,
						&P256_ORDER);
		const struct u256 v = number_at(i % 3 ? NUMBERS_CHOSEN : i / 3 % NUMBERS_CHOSEN,
						&P256_ORDER);
		EC_POINT *q = curve_multiply(&curve, &k, NULL, NULL);
		EC_POINT *want = curve_multiply(&curve, &u, q, &v);
		struct jacobian out;

		if (!EC_POINT_is_at_infinity(curve.group, q)) {
			const struct affine flat = curve_affine(&curve, q);

			jacobian_multiply(&out, &u, &v, &flat);
			assert_point(&curve, &out, want);
		}
		EC_POINT_free(want);
		EC_POINT_free(q);
	}
}

/* As libcrypto reads them: points, their negatives, and what is near them. */
static void points_from_bytes(void **state)
{
	unsigned taken = 0;

	(void)state;
	for (unsigned i = 0; i < 4'000; i++) {
		const struct u256 k = number_random();
		EC_POINT *p = curve_multiply(&curve, &k, NULL, NULL);
		EC_POINT *read = EC_POINT_new(curve.group);
		uint8_t sec1[1 + P256_XY_LEN] = { 4 };
		const struct affine kept = { .x = FP_ONE };
		struct affine a = kept;
		struct jacobian j;
		bool ok;

		if (i % 2)
			assert_int_equal(EC_POINT_invert(curve.group, p, curve.ctx), 1);
		(void)EC_POINT_point2oct(curve.group, p, POINT_CONVERSION_UNCOMPRESSED, sec1,
					 sizeof(sec1), curve.ctx);
		if (i % 4 > 1)
			sec1[1 + rng_u32() % P256_XY_LEN] ^= (uint8_t)(1U << i / 4 % 8);
		if (i % 64 == 3) { /* a coordinate near 0 or p */
			const struct u256 n = number_chosen(i % 27, &P256_PRIME);

			u256_store(sec1 + 1 + i / 64 % 2 * U256_LEN, &n);
		}
		ok = EC_POINT_oct2point(curve.group, read, sec1, sizeof(sec1), curve.ctx) == 1;
		assert_int_equal(affine_from(&a, sec1 + 1), ok);
		taken += ok;
		if (ok) {
			j = (struct jacobian){ a.x, a.y, FP_ONE };
			assert_point(&curve, &j, read);
		} else {
			assert_memory_equal(&a, &kept, sizeof(a));
		}
		EC_POINT_free(read);
		EC_POINT_free(p);
	}
	assert_true(taken > 1'900 && taken < 2'100);
}

static void x_of_points(void **state)
{
	(void)state;
	for (int k = 1; k < 50; k++) {
		EC_POINT *p = curve_multiple(&curve, k);
		const struct affine a = curve_affine(&curve, p);
		struct jacobian j = curve_jacobian(&curve, p);
		struct fp other;

		assert_true(jacobian_has_x(&j, &a.x));
		fp_add(&other, &a.x, &FP_ONE);
		assert_false(jacobian_has_x(&j, &other));
		/* infinity has none, whatever its numbers */
		j.z = (struct fp){ 0 };
		assert_false(jacobian_has_x(&j, &a.x));
		j.x = j.z;
		assert_false(jacobian_has_x(&j, &a.x));
		assert_false(jacobian_has_x(&j, &j.x));
		EC_POINT_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(additions),
		cmocka_unit_test(random_additions),
		cmocka_unit_test(halves_that_meet),
		cmocka_unit_test(halves_that_meet_on_the_way),
		cmocka_unit_test(scalars),
		cmocka_unit_test(points_from_bytes),
		cmocka_unit_test(x_of_points),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
