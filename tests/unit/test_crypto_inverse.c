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

static void unhex(uint8_t out[INVERSE_LEN], const char *hex)
{
	assert_true(text_hex_decode(out, INVERSE_LEN, span_str(hex)));
}

/* x * out = 2^shift (mod n), out < n */
static bool is_right(const uint8_t *out, unsigned shift, const uint8_t *x, const uint8_t *n)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *a = BN_bin2bn(out, INVERSE_LEN, NULL), *b = BN_bin2bn(x, INVERSE_LEN, NULL);
	BIGNUM *m = BN_bin2bn(n, INVERSE_LEN, NULL), *power = BN_new();
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
		uint8_t x[INVERSE_LEN], n[INVERSE_LEN], out[INVERSE_LEN], kept[INVERSE_LEN];
		unsigned shift = 12345;
		bool ok;

		print_message("%s\n", cases[i].name);
		unhex(x, cases[i].x);
		unhex(n, cases[i].n);
		memset(out, 0x5a, sizeof(out));
		memset(kept, 0x5a, sizeof(kept));
		ok = inverse_almost(out, &shift, x, n);
		assert_int_equal(ok, cases[i].want);
		if (ok) {
			assert_true(is_right(out, shift, x, n));
		} else {
			assert_memory_equal(out, kept, sizeof(out));
			assert_int_equal(shift, 12345);
		}
	}
}

static void random_numbers(void **state)
{
	uint8_t order[INVERSE_LEN];

	(void)state;
	unhex(order, ORDER);
	for (unsigned i = 0; i < 20'000; i++) {
		uint8_t x[INVERSE_LEN], out[INVERSE_LEN];
		unsigned shift;

		rng_bytes(x, sizeof(x));
		memset(x, 0, i % INVERSE_LEN); /* of all lengths */
		if (memcmp(x, order, sizeof(x)) >= 0) /* public: random */
			continue;
		if (span_is_zero(SPAN_ARRAY(x)))
			continue;
		assert_true(inverse_almost(out, &shift, x, order));
		assert_true(is_right(out, shift, x, order));
	}
}

/* Every x below every small odd n: refused just where a divisor is common. */
static void small_numbers(void **state)
{
	(void)state;
	for (unsigned m = 1; m < 120; m += 2) {
		uint8_t n[INVERSE_LEN] = { 0 };

		n[INVERSE_LEN - 1] = (uint8_t)m;
		for (unsigned i = 0; i < m; i++) {
			uint8_t x[INVERSE_LEN] = { 0 }, out[INVERSE_LEN];
			unsigned a = i, b = m, shift;
			bool ok;

			x[INVERSE_LEN - 1] = (uint8_t)i;
			while (a) {
				unsigned rest = b % a;

				b = a;
				a = rest;
			}
			ok = inverse_almost(out, &shift, x, n);
			assert_int_equal(ok, i && b == 1);
			if (ok)
				assert_true(is_right(out, shift, x, n));
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
