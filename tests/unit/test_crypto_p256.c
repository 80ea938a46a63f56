/* p256: RFC 6979 A.2.5 vectors, bad points and scalars, DER both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/p256.h"

#define U_HEX \
	"60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6" \
	"7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define R_HEX "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
#define S_HEX "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
/* n - s of the above: the other valid signature */
#define N_MINUS_S_HEX "0834e36ad29a83bf2bc9385e491d6099c8fdf9d1ed67aa7ea5f51f93782857a9"
#define N_HEX "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define P_HEX "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"
#define ZERO_HEX "0000000000000000000000000000000000000000000000000000000000000000"

static void unhex(void *out, size_t n, const char *hex)
{
	assert_true(text_hex_decode(out, n, span_str(hex)));
}

static void verification(void **state)
{
	static const struct {
		const char *name, *message, *signature;
		bool want;
	} cases[] = {
		{ "rfc6979_sample_accepted", "sample", R_HEX S_HEX, true },
		{ "rfc6979_test_accepted", "test",
		  "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
		  "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
		  true },
		{ "other_half_of_s_accepted", "sample", R_HEX N_MINUS_S_HEX, true },
		{ "other_message_refused", "samplf", R_HEX S_HEX, false },
		{ "empty_message_refused", "", R_HEX S_HEX, false },
		{ "r_zero_refused", "sample", ZERO_HEX S_HEX, false },
		{ "s_zero_refused", "sample", R_HEX ZERO_HEX, false },
		{ "both_zero_refused", "sample", ZERO_HEX ZERO_HEX, false },
		{ "r_is_order_refused", "sample", N_HEX S_HEX, false },
		{ "s_is_order_refused", "sample", R_HEX N_HEX, false },
		{ "swapped_refused", "sample", S_HEX R_HEX, false },
	};
	struct p256_point at;
	struct p256_public *key = NULL;

	(void)state;
	unhex(at.xy, 64, U_HEX);
	assert_int_equal(p256_public_new(&key, &at), RC_OK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct p256_signature sig;
		struct span m = span_str(cases[i].message);

		print_message("%s\n", cases[i].name);
		unhex(sig.rs, 64, cases[i].signature);
		assert_int_equal(p256_verify(key, &sig, m), cases[i].want);
		assert_int_equal(p256_verify_once(&at, &sig, m), cases[i].want);
		assert_int_equal(p256_verify_like(key, &at, &sig, m),
				 cases[i].want ? P256_VALID : P256_INVALID);
	}
	p256_public_free(key);
	p256_public_free(NULL);
}

static void points(void **state)
{
	static const struct {
		const char *name, *xy;
		enum rc want;
	} cases[] = {
		{ "on_curve_accepted", U_HEX, RC_OK },
		{ "off_curve_refused",
		  "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
		  "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462298",
		  RC_CRYPTO },
		{ "zero_refused", ZERO_HEX ZERO_HEX, RC_CRYPTO },
		{ "x_is_prime_refused", P_HEX ZERO_HEX, RC_CRYPTO },
		/* (0, sqrt(b)) is a point; x = p is the same number unreduced */
		{ "x_zero_accepted",
		  ZERO_HEX "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4",
		  RC_OK },
		{ "x_not_reduced_refused",
		  P_HEX "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4",
		  RC_CRYPTO },
	};
	static const struct p256_signature sig = { { 1 } };
	struct p256_public *like = NULL;
	struct p256_point u;

	(void)state;
	unhex(u.xy, 64, U_HEX);
	assert_int_equal(p256_public_new(&like, &u), RC_OK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct p256_public *key = NULL;
		struct p256_point at;

		print_message("%s\n", cases[i].name);
		unhex(at.xy, 64, cases[i].xy);
		assert_int_equal(p256_public_new(&key, &at), cases[i].want);
		assert_int_equal(key != NULL, cases[i].want == RC_OK);
		assert_false(p256_verify_once(&at, &sig, span_str("m")));
		p256_public_free(key);
		key = NULL;
		assert_int_equal(p256_public_new_like(&key, like, &at), cases[i].want);
		assert_int_equal(key != NULL, cases[i].want == RC_OK);
		assert_int_equal(p256_verify_like(like, &at, &sig, span_str("m")),
				 cases[i].want ? P256_NO_KEY : P256_INVALID);
		p256_public_free(key);
	}
	p256_public_free(like);
}

static void der(void **state)
{
	static const struct {
		const char *name, *der, *raw; /* raw NULL: refused */
	} cases[] = {
		{ "small_numbers_padded", "3006020101020102",
		  "0000000000000000000000000000000000000000000000000000000000000001"
		  "0000000000000000000000000000000000000000000000000000000000000002" },
		{ "high_bit_needs_zero", "3046022100" R_HEX "022100" S_HEX, R_HEX S_HEX },
		{ "high_bit_without_zero_refused", "30440220" R_HEX "0220" S_HEX, NULL },
		{ "needless_zero_refused", "300702020001020102", NULL },
		{ "empty_integer_refused", "30050200020102", NULL },
		{ "negative_refused", "3006020181020102", NULL },
		{ "bytes_after_refused", "300602010102010200", NULL },
		{ "bytes_inside_refused", "300702010102010200", NULL },
		{ "short_sequence_refused", "3005020101020102", NULL },
		{ "one_integer_refused", "3003020101", NULL },
		{ "set_refused", "3106020101020102", NULL },
		{ "bit_string_refused", "3006030101020102", NULL },
		{ "long_form_length_refused", "308106020101020102", NULL },
		{ "33_byte_integer_refused",
		  "3026022101" R_HEX "020101", NULL },
		{ "empty_refused", "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct p256_signature got, want;
		uint8_t bytes[128];
		size_t n;

		print_message("%s\n", cases[i].name);
		assert_true(text_hex_decode_any(bytes, sizeof(bytes), &n, span_str(cases[i].der)));
		memset(&got, 0x5a, sizeof(got));
		memset(&want, 0x5a, sizeof(want));
		if (cases[i].raw)
			unhex(want.rs, 64, cases[i].raw);
		assert_int_equal(p256_signature_from_der(&got, span_of(bytes, n)),
				 cases[i].raw != NULL);
		assert_memory_equal(&got, &want, sizeof(got));
	}
}

static void sign_then_verify(void **state)
{
	struct p256_private *k = p256_private_generate(), *again = NULL;
	struct p256_point at, at_again;
	struct p256_signature sig;
	char *pem = p256_private_to_pem(k);

	(void)state;
	p256_private_point(k, &at);
	/* enough signatures that r or s with a leading zero byte is likely */
	for (int i = 0; i < 300; i++) {
		p256_sign(k, &sig, span_of(&i, sizeof(i)));
		assert_true(p256_verify_once(&at, &sig, span_of(&i, sizeof(i))));
	}
	p256_sign(k, &sig, (struct span){ NULL, 0 });
	assert_true(p256_verify_once(&at, &sig, (struct span){ NULL, 0 }));
	assert_int_equal(p256_private_from_pem(&again, span_str(pem)), RC_OK);
	p256_private_point(again, &at_again);
	assert_memory_equal(&at, &at_again, sizeof(at));
	secret_wipe(pem, strlen(pem));
	free(pem);
	p256_private_free(again);
	p256_private_free(k);
	p256_private_free(NULL);
}

static void bad_private_keys_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"-----BEGIN PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		/* an Ed25519 key (RFC 8410 §10.3) */
		"-----BEGIN PRIVATE KEY-----\n"
		"MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
		"-----END PRIVATE KEY-----\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct p256_private *k = NULL;

		assert_int_equal(p256_private_from_pem(&k, span_str(cases[i])), RC_MALFORMED);
		assert_null(k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verification),
		cmocka_unit_test(points),
		cmocka_unit_test(der),
		cmocka_unit_test(sign_then_verify),
		cmocka_unit_test(bad_private_keys_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
