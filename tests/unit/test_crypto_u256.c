/*
 * u256: carries by the processor's instructions against those in plain C, and
 * both against every case written out; sums, differences and reductions against
 * libcrypto's numbers.
 */
#include "unit.h"

#include "p256_numbers.h"

static const uint64_t limbs[] = {
	0,
	1,
	2,
	0x00000000ffffffff,
	0x7fffffffffffffff,
	0x8000000000000000,
	0xffffffff00000001,
	0xfffffffffffffffe,
	0xffffffffffffffff,
};

enum {
	LIMBS = sizeof(limbs) / sizeof(limbs[0]),
};

static void carries(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * LIMBS * LIMBS; i++) {
		uint64_t a = limbs[i / 2 % LIMBS], b = limbs[i / 2 / LIMBS], plain, ours;
		u256_bit in = i % 2;
		/* a + b + in < 2^64, told without a wider number */
		bool fits = in ? a < UINT64_MAX - b : a <= UINT64_MAX - b;
		/* a - b - in >= 0 */
		bool pays = in ? a > b : a >= b;

		assert_int_equal(u256_carry_plain(&plain, a, b, in), !fits);
		assert_true(plain == a + b + in);
		assert_int_equal(u256_carry(&ours, a, b, in), !fits);
		assert_true(ours == plain);
		assert_int_equal(u256_borrow_plain(&plain, a, b, in), !pays);
		assert_true(plain == a - b - in);
		assert_int_equal(u256_borrow(&ours, a, b, in), !pays);
		assert_true(ours == plain);
	}
}

static void check_pair(const struct u256 *a, const struct u256 *b)
{
	BIGNUM *x = number_to_bn(a), *y = number_to_bn(b), *z = BN_new();
	struct u256 out = *a, want;
	bool carry;

	assert_int_equal(BN_add(z, x, y), 1);
	carry = BN_is_bit_set(z, 256);
	BN_mask_bits(z, 256);
	want = number_of_bn(z);
	assert_int_equal(u256_add(&out, &out, b), carry);
	assert_memory_equal(&out, &want, sizeof(out));

	out = *b;
	assert_int_equal(u256_subtract(&out, a, &out), BN_cmp(x, y) < 0);
	(void)u256_add(&out, &out, b);
	assert_memory_equal(&out, a, sizeof(out));

	assert_int_equal(u256_is_less(a, b), BN_cmp(x, y) < 0);
	assert_int_equal(u256_equal(a, b), BN_cmp(x, y) == 0);
	assert_int_equal(u256_is_zero(a), BN_is_zero(x));
	BN_free(z);
	BN_free(y);
	BN_free(x);
}

static void numbers(void **state)
{
	const struct u256 p = number_hex(P_HEX);

	(void)state;
	for (size_t i = 0; i < 4000; i++) {
		const struct u256 a = number_chosen(i % NUMBERS_CHOSEN, &p);
		const struct u256 b = number_at(i % 2 ? NUMBERS_CHOSEN : i * 7 % NUMBERS_CHOSEN,
						&p);

		check_pair(&a, &b);
		check_pair(&b, &a);
		check_pair(&a, &a);
	}
}

/* The sum of two numbers below m, modulo m; every fourth time the sum is m. */
static void reduce_once(void **state)
{
	const struct u256 moduli[] = { number_hex(P_HEX), number_hex(N_HEX) };
	BN_CTX *ctx = BN_CTX_new();

	(void)state;
	for (size_t i = 0; i < 8'000; i++) {
		const struct u256 *m = &moduli[i % 2];
		struct u256 a = number_at(i / 2, m), b = number_random(), sum, want;
		BIGNUM *x, *y, *modulus = number_to_bn(m);
		u256_bit carry;

		u256_reduce_once(&a, &a, 0, m);
		u256_reduce_once(&b, &b, 0, m);
		if (i % 4 == 0 && !u256_is_zero(&a))
			(void)u256_subtract(&b, m, &a);
		assert_true(u256_is_less(&a, m) && u256_is_less(&b, m));
		x = number_to_bn(&a);
		y = number_to_bn(&b);
		assert_int_equal(BN_mod_add(x, x, y, modulus, ctx), 1);
		want = number_of_bn(x);
		carry = u256_add(&sum, &a, &b);
		u256_reduce_once(&sum, &sum, carry, m);
		assert_memory_equal(&sum, &want, sizeof(sum));
		BN_free(modulus);
		BN_free(y);
		BN_free(x);
	}
	BN_CTX_free(ctx);
}

static void bytes(void **state)
{
	const struct u256 a = number_hex(
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
	uint8_t b[U256_LEN];

	(void)state;
	assert_true(a.limb[0] == 0x18191a1b1c1d1e1f && a.limb[3] == 0x0001020304050607);
	u256_store(b, &a);
	for (size_t i = 0; i < sizeof(b); i++)
		assert_int_equal(b[i], i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(carries),
		cmocka_unit_test(numbers),
		cmocka_unit_test(reduce_once),
		cmocka_unit_test(bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
