/*
 * inverse: x times what it gives is 2^shift modulo n, asked of libcrypto, for
 * P-256's order and other odd numbers; what has no inverse is refused.
 */
#include "unit.h"

#include <string.h>

#include <openssl/bn.h>

#include "base/text.h"
#include "crypto/inverse.h"
#include "crypto/rng.h"

#define ORDER "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define ONES "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define ZEROS48 "000000000000000000000000000000000000000000000000"
#define ZEROS32 "00000000000000000000000000000000"

static struct u256 unhex(const char *hex)
{
	uint8_t b[U256_LEN];

	assert_true(text_hex_decode(b, sizeof(b), span_str(hex)));
	return u256_load(b);
}

static BIGNUM *bn(const struct u256 *a)
{
	uint8_t b[U256_LEN];

	u256_store(b, a);
	return BN_bin2bn(b, sizeof(b), NULL);
}

/* x * out = 2^shift (mod n), out < n */
static bool is_right(const struct u256 *out, unsigned shift, const struct u256 *x,
		     const struct u256 *n)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *a = bn(out), *b = bn(x), *m = bn(n), *power = BN_new();
	bool ok;

	assert_int_equal(BN_set_bit(power, (int)shift), 1);
	assert_int_equal(BN_nnmod(power, power, m, ctx), 1);
	ok = BN_cmp(a, m) < 0;
	assert_int_equal(BN_mod_mul(a, a, b, m, ctx), 1);
	ok = ok && BN_cmp(a, power) == 0 && shift <= INVERSE_SHIFT_MAX;
	BN_free(power);
	BN_free(m);
	BN_free(b);
	BN_free(a);
	BN_CTX_free(ctx);
	return ok;
}

static void chosen(void **state)
{
	static const struct {
		const char *name, *x, *n;
		bool want;
	} cases[] = {
		{ "one", ZEROS48 "0000000000000001", ORDER, true },
		{ "two", ZEROS48 "0000000000000002", ORDER, true },
		{ "order_less_one",
		  "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550", ORDER, true },
		{ "power_over_a_limb", ZEROS32 "00000000000000010000000000000000", ORDER, true },
		{ "highest_power",
		  "8000000000000000000000000000000000000000000000000000000000000000", ORDER, true },
		{ "modulo_2_256_less_1", ZEROS48 "0000000000000002", ONES, true },
		{ "near_2_256",
		  "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe", ONES, true },
		{ "modulo_three", ZEROS48 "0000000000000002", ZEROS48 "0000000000000003", true },
		{ "zero_refused", ZEROS48 "0000000000000000", ORDER, false },
		{ "order_refused", ORDER, ORDER, false },
		{ "over_order_refused", ONES, ORDER, false },
		{ "even_modulus_refused", ZEROS48 "0000000000000003", ZEROS48 "0000000000000010",
		  false },
		{ "modulus_zero_refused", ZEROS48 "0000000000000003", ZEROS48 "0000000000000000",
		  false },
		{ "common_divisor_refused", ZEROS48 "0000000000000006", ZEROS48 "000000000000000f",
		  false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct u256 x = unhex(cases[i].x), n = unhex(cases[i].n);
		const struct u256 kept = unhex(ONES);
		struct u256 out = kept;
		unsigned shift = 12345;
		bool ok;

		print_message("%s\n", cases[i].name);
		ok = inverse_almost(&out, &shift, &x, &n);
		assert_int_equal(ok, cases[i].want);
		if (ok) {
			assert_true(is_right(&out, shift, &x, &n));
		} else {
			assert_memory_equal(&out, &kept, sizeof(out));
			assert_int_equal(shift, 12345);
		}
	}
}

static void random_numbers(void **state)
{
	const struct u256 order = unhex(ORDER);

	(void)state;
	for (unsigned i = 0; i < 20'000; i++) {
		uint8_t b[U256_LEN];
		struct u256 x, out;
		unsigned shift;

		rng_bytes(b, sizeof(b));
		memset(b, 0, i % U256_LEN); /* of all lengths */
		x = u256_load(b);
		if (u256_is_zero(&x) || !u256_is_less(&x, &order))
			continue;
		assert_true(inverse_almost(&out, &shift, &x, &order));
		assert_true(is_right(&out, shift, &x, &order));
	}
}

/* Every x below every small odd n: refused just where a divisor is common. */
static void small_numbers(void **state)
{
	(void)state;
	for (unsigned m = 1; m < 120; m += 2) {
		const struct u256 n = { { m } };

		for (unsigned i = 0; i < m; i++) {
			const struct u256 x = { { i } };
			unsigned a = i, b = m, shift;
			struct u256 out;
			bool ok;

			while (a) {
				unsigned rest = b % a;

				b = a;
				a = rest;
			}
			ok = inverse_almost(&out, &shift, &x, &n);
			assert_int_equal(ok, i && b == 1);
			if (ok)
				assert_true(is_right(&out, shift, &x, &n));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chosen),
		cmocka_unit_test(random_numbers),
		cmocka_unit_test(small_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
