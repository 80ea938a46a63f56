/* secp256k1 against eth-keys 0.8 (a Python library of its own): public keys and
 * a signature; signing, verifying and recovering against each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/rng.h"
#include "crypto/secp256k1.h"

static const char order_minus_1[] =
	"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140";
static const char order[] = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
static const char zero[] = "0000000000000000000000000000000000000000000000000000000000000000";
static const char one[] = "0000000000000000000000000000000000000000000000000000000000000001";
static const char ones[] = "0101010101010101010101010101010101010101010101010101010101010101";

static struct key32 secret_of(const char *hex)
{
	struct key32 out;

	assert_true(text_hex_decode(out.b, 32, span_str(hex)));
	return out;
}

static void secrets_are_below_the_order(void **state)
{
	static const struct {
		const char *hex;
		bool is_secret;
	} cases[] = { { zero, false }, { one, true }, { order_minus_1, true }, { order, false } };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		const struct key32 k = secret_of(cases[i].hex);

		assert_int_equal(secp256k1_is_secret(&k), cases[i].is_secret);
	}
}

static void public_keys_are_those_of_eth_keys(void **state)
{
	static const struct {
		const char *secret, *want;
	} cases[] = {
		{ ones, "031b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f" },
		{ one, "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798" },
		{ order_minus_1,
		  "0379be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798" },
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const struct key32 k = secret_of(cases[i].secret);
		uint8_t got[33], want[33];

		assert_true(text_hex_decode(want, 33, span_str(cases[i].want)));
		secp256k1_public(got, &k);
		assert_memory_equal(got, want, 33);
	}
}

static void a_signature_of_eth_keys_is_recovered(void **state)
{
	const struct key32 k = secret_of(ones);
	uint8_t sig[65], digest[32], want[33], got[33];

	(void)state;
	for (size_t i = 0; i < 32; i++)
		digest[i] = (uint8_t)i;
	assert_true(text_hex_decode(
		sig, 65,
		span_str("02559ab98a8908ba4cf0f914eb8b66651405ab69ab7c461dd140e40baa1b5e1d"
			 "2ef6ac88a13e2226f76a9d8d49bb9cf3061dac1364c0dfe7b69cd165a8d08f0700")));
	secp256k1_public(want, &k);
	assert_true(secp256k1_recover(got, sig, digest));
	assert_memory_equal(got, want, 33);
	assert_true(secp256k1_verify(SPAN_ARRAY(want), sig, digest));
}

static void what_is_signed_is_verified_and_recovered(void **state)
{
	(void)state;
	for (size_t i = 0; i < 64; i++) {
		uint8_t sig[65], digest[32], public[33], got[33];
		struct key32 k;

		rng_bytes(k.b, 32);
		rng_bytes(digest, 32);
		if (!secp256k1_is_secret(&k))
			continue;
		secp256k1_public(public, &k);
		secp256k1_sign(sig, &k, digest);
		assert_true(secp256k1_verify(SPAN_ARRAY(public), sig, digest));
		assert_true(secp256k1_recover(got, sig, digest));
		assert_memory_equal(got, public, 33);
		digest[i % 32] ^= 1;
		assert_false(secp256k1_verify(SPAN_ARRAY(public), sig, digest));
		if (secp256k1_recover(got, sig, digest))
			assert_memory_not_equal(got, public, 33);
	}
}

/* n - s is as good to plain ECDSA, and refused here. */
static void high_s_and_no_scalars_refused(void **state)
{
	const struct key32 k = secret_of(ones);
	uint8_t sig[65], digest[32] = { 9 }, public[33], n[32], got[33];
	unsigned borrow = 0;

	(void)state;
	secp256k1_public(public, &k);
	secp256k1_sign(sig, &k, digest);
	assert_true(text_hex_decode(n, 32, span_str(order)));
	for (size_t i = 32; i-- > 0;) {
		unsigned v = 256U + n[i] - sig[32 + i] - borrow;

		sig[32 + i] = (uint8_t)v;
		borrow = v < 256;
	}
	sig[64] ^= 1;
	assert_false(secp256k1_verify(SPAN_ARRAY(public), sig, digest));
	assert_false(secp256k1_recover(got, sig, digest));
	memset(sig, 0, 32);
	assert_false(secp256k1_verify(SPAN_ARRAY(public), sig, digest));
	memset(sig, 0xff, 64);
	assert_false(secp256k1_verify(SPAN_ARRAY(public), sig, digest));
	assert_false(secp256k1_recover(got, sig, digest));
}

static void points_off_the_curve_refused(void **state)
{
	const struct key32 k = secret_of(ones);
	uint8_t sig[65], digest[32] = { 9 }, public[65];

	(void)state;
	secp256k1_public(public, &k);
	secp256k1_sign(sig, &k, digest);
	for (size_t n = 0; n < 33; n++)
		assert_false(secp256k1_verify(span_of(public, n), sig, digest));
	public[0] = 5;
	assert_false(secp256k1_verify(span_of(public, 33), sig, digest));
	memset(public, 4, sizeof(public));
	assert_false(secp256k1_verify(span_of(public, 65), sig, digest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_are_below_the_order),
		cmocka_unit_test(public_keys_are_those_of_eth_keys),
		cmocka_unit_test(a_signature_of_eth_keys_is_recovered),
		cmocka_unit_test(what_is_signed_is_verified_and_recovered),
		cmocka_unit_test(high_s_and_no_scalars_refused),
		cmocka_unit_test(points_off_the_curve_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
