/*
 * p256_field: every operation against libcrypto's numbers, for pairs of numbers
 * near 0, p and 2^256, with limbs of ones and zeros, and random ones; results
 * always below p.
 *
 * Numbers are chosen in Montgomery's form, which is what the limbs hold.
 */
#include "unit.h"

#include "crypto/p256_field.h"
#include "p256_numbers.h"

struct world {
	BIGNUM *p, *factor; /* 1 / 2^256 */
	BN_CTX *ctx;
};

static int setup(void **state)
{
	static struct world w;
	BIGNUM *r = BN_new();

	assert_int_equal(BN_hex2bn(&w.p, P_HEX), 64);
	w.ctx = BN_CTX_new();
	assert_int_equal(BN_set_bit(r, 256), 1);
	w.factor = BN_mod_inverse(NULL, r, w.p, w.ctx);
	assert_non_null(w.factor);
	BN_free(r);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	BN_CTX_free(w->ctx);
	BN_free(w->factor);
	BN_free(w->p);
	return 0;
}

static void assert_is(const struct fp *got, const BIGNUM *want)
{
	const struct u256 n = number_of_bn(want);

	assert_true(u256_is_less(&got->n, &P256_PRIME));
	assert_memory_equal(&got->n, &n, sizeof(n));
}

/* Once into another place, once into each operand's. */
static void check_pair(const struct world *w, const struct fp *a, const struct fp *b)
{
	static void (*const ours[])(struct fp *, const struct fp *, const struct fp *) = {
		fp_mul,
		fp_add,
		fp_subtract,
	};
	BIGNUM *x = number_to_bn(&a->n), *y = number_to_bn(&b->n), *z = BN_new();

	for (size_t i = 0; i < 3; i++) {
		struct fp out, left = *a, right = *b;

		if (i == 0)
			assert_true(BN_mod_mul(z, x, y, w->p, w->ctx) == 1 &&
				    BN_mod_mul(z, z, w->factor, w->p, w->ctx) == 1);
		else if (i == 1)
			assert_int_equal(BN_mod_add(z, x, y, w->p, w->ctx), 1);
		else
			assert_int_equal(BN_mod_sub(z, x, y, w->p, w->ctx), 1);
		ours[i](&out, a, b);
		assert_is(&out, z);
		ours[i](&left, &left, b);
		assert_is(&left, z);
		ours[i](&right, a, &right);
		assert_is(&right, z);
	}
	assert_int_equal(fp_equal(a, b), BN_cmp(x, y) == 0);
	BN_free(z);
	BN_free(y);
	BN_free(x);
}

static void check_one(const struct world *w, const struct fp *a)
{
	BIGNUM *x = number_to_bn(&a->n), *z = BN_new();
	struct fp out;

	assert_true(BN_mod_sqr(z, x, w->p, w->ctx) == 1 &&
		    BN_mod_mul(z, z, w->factor, w->p, w->ctx) == 1);
	fp_square(&out, a);
	assert_is(&out, z);
	out = *a;
	fp_square(&out, &out);
	assert_is(&out, z);
	fp_mul(&out, a, a);
	assert_is(&out, z);
	assert_int_equal(BN_mod_lshift1(z, x, w->p, w->ctx), 1);
	fp_double(&out, a);
	assert_is(&out, z);
	BN_zero(z);
	assert_int_equal(BN_mod_sub(z, z, x, w->p, w->ctx), 1);
	fp_negate(&out, a);
	assert_is(&out, z);
	fp_mul(&out, a, &FP_ONE);
	assert_is(&out, x);
	assert_int_equal(fp_is_zero(a), BN_is_zero(x));
	BN_free(z);
	BN_free(x);
}

static bool reduced(struct fp *out, size_t i)
{
	out->n = number_at(i, &P256_PRIME);
	return u256_is_less(&out->n, &P256_PRIME);
}

static void constants(void **state)
{
	const struct world *w = *state;
	const struct u256 p = number_of_bn(w->p);
	BIGNUM *one = BN_new();

	assert_memory_equal(&p, &P256_PRIME, sizeof(p));
	assert_int_equal(BN_set_bit(one, 256), 1);
	assert_int_equal(BN_nnmod(one, one, w->p, w->ctx), 1);
	assert_is(&FP_ONE, one);
	BN_free(one);
}

static void single_numbers(void **state)
{
	struct fp a;

	for (size_t i = 0; i < 20'000; i++)
		if (reduced(&a, i))
			check_one(*state, &a);
}

/* Each chosen number with each of its kind in the neighbourhood of 0, p and
 * 2^256, and with others. */
static void pairs(void **state)
{
	const size_t near = 3 * (2 * NUMBERS_NEAR + 1);
	struct fp a, b;

	for (size_t i = 0; i < NUMBERS_CHOSEN; i++)
		for (size_t j = 0; j < near; j++)
			if (reduced(&a, i) && reduced(&b, j))
				check_pair(*state, &a, &b);
	for (size_t i = 0; i < 20'000; i++)
		if (reduced(&a, i % 2 ? i : i % NUMBERS_CHOSEN) &&
		    reduced(&b, NUMBERS_CHOSEN))
			check_pair(*state, &a, &b);
}

/* In and out again; what is not below p is refused and leaves all as it was. */
static void forms(void **state)
{
	const struct world *w = *state;

	for (size_t i = 0; i < 5'000; i++) {
		const struct u256 n = number_at(i, &P256_PRIME);
		const struct fp kept = { { { 1, 2, 3, 4 } } };
		BIGNUM *x = number_to_bn(&n), *z = BN_new();
		struct fp a = kept;
		struct u256 again;

		if (BN_cmp(x, w->p) < 0) {
			assert_int_equal(BN_lshift(z, x, 256), 1);
			assert_int_equal(BN_nnmod(z, z, w->p, w->ctx), 1);
			assert_true(fp_from(&a, &n));
			assert_is(&a, z);
			fp_to(&again, &a);
			assert_memory_equal(&again, &n, sizeof(n));
		} else {
			assert_false(fp_from(&a, &n));
			assert_memory_equal(&a, &kept, sizeof(a));
		}
		BN_free(z);
		BN_free(x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constants),
		cmocka_unit_test(single_numbers),
		cmocka_unit_test(pairs),
		cmocka_unit_test(forms),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
