/*
 * p256_scalar: ranges, products and inverses against libcrypto's numbers, for
 * numbers near 0, n and 2^256, of every length, and random ones.
 */
#include "unit.h"

#include "crypto/p256_scalar.h"
#include "p256_numbers.h"

static bool scalar_at(struct scalar *out, size_t i)
{
	const struct u256 n = number_at(i, &P256_ORDER);
	uint8_t b[U256_LEN];

	u256_store(b, &n);
	return scalar_from(out, b);
}

static void ranges(void **state)
{
	BIGNUM *order = NULL;

	(void)state;
	assert_int_equal(BN_hex2bn(&order, N_HEX), 64);
	for (size_t i = 0; i < 4'000; i++) {
		const struct u256 n = number_at(i, &P256_ORDER);
		const struct scalar kept = { { { 1, 2, 3, 4 } } };
		BIGNUM *x = number_to_bn(&n), *rest = BN_new();
		BN_CTX *ctx = BN_CTX_new();
		struct scalar a = kept;
		struct u256 want;
		uint8_t b[U256_LEN];
		bool ok = !BN_is_zero(x) && BN_cmp(x, order) < 0;

		u256_store(b, &n);
		assert_int_equal(scalar_from(&a, b), ok);
		assert_memory_equal(&a, ok ? &n : &kept.n, sizeof(a));
		scalar_reduce(&a, b);
		assert_int_equal(BN_nnmod(rest, x, order, ctx), 1);
		want = number_of_bn(rest);
		assert_memory_equal(&a, &want, sizeof(a));
		BN_CTX_free(ctx);
		BN_free(rest);
		BN_free(x);
	}
	BN_free(order);
}

/* a / b of libcrypto, for numbers below n. */
static struct u256 quotient(const struct scalar *a, const struct scalar *b)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *x = number_to_bn(&a->n), *y = number_to_bn(&b->n), *order = NULL;
	struct u256 out;

	assert_int_equal(BN_hex2bn(&order, N_HEX), 64);
	assert_non_null(BN_mod_inverse(y, y, order, ctx));
	assert_int_equal(BN_mod_mul(x, x, y, order, ctx), 1);
	out = number_of_bn(x);
	BN_free(order);
	BN_free(y);
	BN_free(x);
	BN_CTX_free(ctx);
	return out;
}

static void check_quotient(const struct scalar *a, const struct scalar *b)
{
	const struct u256 want = quotient(a, b);
	struct scalar_factor inverse;
	struct scalar got;

	assert_true(scalar_invert(&inverse, b));
	assert_true(u256_is_less(&inverse.n, &P256_ORDER));
	scalar_mul(&got, a, &inverse);
	assert_memory_equal(&got, &want, sizeof(got));
	got = *a;
	scalar_mul(&got, &got, &inverse);
	assert_memory_equal(&got, &want, sizeof(got));
}

static void quotients(void **state)
{
	const size_t near = 3 * (2 * NUMBERS_NEAR + 1);
	struct scalar a, b;

	(void)state;
	for (size_t i = 0; i < NUMBERS_CHOSEN; i++)
		for (size_t j = 0; j < near; j++)
			if (scalar_at(&a, i) && scalar_at(&b, j)) {
				check_quotient(&a, &b);
				check_quotient(&b, &a);
			}
	for (size_t i = 0; i < 5'000; i++)
		if (scalar_at(&a, NUMBERS_CHOSEN) && scalar_at(&b, NUMBERS_CHOSEN))
			check_quotient(&a, &b);
	/* 0 may be multiplied */
	a = (struct scalar){ 0 };
	check_quotient(&a, &b);
}

static void zero_has_no_inverse(void **state)
{
	const struct scalar_factor kept = { { { 1, 2, 3, 4 } } };
	struct scalar_factor out = kept;

	(void)state;
	assert_false(scalar_invert(&out, &(struct scalar){ 0 }));
	assert_memory_equal(&out, &kept, sizeof(out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges),
		cmocka_unit_test(quotients),
		cmocka_unit_test(zero_has_no_inverse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
