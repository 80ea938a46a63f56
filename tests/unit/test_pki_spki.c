/* spki: P-256 keys in the one form that names them. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "base/text.h"
#include "pki/pkey.h"
#include "pki/spki.h"

/* The key of RFC 6979 §A.2.5. */
static const char known[] = "3059301306072a8648ce3d020106082a8648ce3d030107034200"
			    "04"
			    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
			    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";

static struct p256_point known_key(uint8_t der[SPKI_LEN])
{
	struct p256_point at;

	assert_true(text_hex_decode(der, SPKI_LEN, span_str(known)));
	memcpy(at.xy, der + SPKI_LEN - P256_POINT_LEN, sizeof(at.xy));
	return at;
}

static void known_key_both_ways(void **state)
{
	uint8_t want[SPKI_LEN], der[SPKI_LEN];
	const struct p256_point at = known_key(want);
	struct p256_point got;
	struct sha256 hash, want_hash;

	(void)state;
	spki_of(der, &at);
	assert_memory_equal(der, want, SPKI_LEN);
	assert_true(spki_read(&got, SPAN_ARRAY(der)));
	assert_memory_equal(got.xy, at.xy, sizeof(at.xy));
	spki_hash(&hash, &at);
	sha256_of(&want_hash, SPAN_ARRAY(want));
	assert_memory_equal(hash.b, want_hash.b, sizeof(hash.b));
}

static void libcrypto_writes_the_same(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		struct p256_private *key = p256_private_generate();
		struct p256_point at;
		EVP_PKEY *other = pkey_private(key);
		uint8_t der[SPKI_LEN], *theirs = NULL;

		p256_private_point(key, &at);
		spki_of(der, &at);
		assert_int_equal(i2d_PUBKEY(other, &theirs), SPKI_LEN);
		assert_memory_equal(der, theirs, SPKI_LEN);
		OPENSSL_free(theirs);
		EVP_PKEY_free(other);
		p256_private_free(key);
	}
}

static void refused(struct span der)
{
	struct p256_point got, before;

	memset(&got, 0xa5, sizeof(got));
	before = got;
	assert_false(spki_read(&got, der));
	assert_memory_equal(&got, &before, sizeof(got));
}

/* A bit of the head makes another form or curve, one of the point leaves the
 * curve. */
static void any_bit_flipped_refused(void **state)
{
	uint8_t der[SPKI_LEN];

	(void)state;
	(void)known_key(der);
	for (size_t i = 0; i < 8 * sizeof(der); i++) {
		der[i / 8] ^= (uint8_t)(1u << i % 8);
		refused(SPAN_ARRAY(der));
		der[i / 8] ^= (uint8_t)(1u << i % 8);
	}
}

static void every_prefix_and_a_byte_more_refused(void **state)
{
	uint8_t der[SPKI_LEN + 1] = { 0 };

	(void)state;
	(void)known_key(der);
	refused((struct span){ 0 });
	for (size_t n = 1; n <= sizeof(der); n++) {
		uint8_t *p = malloc(n); /* its own, for ASan */

		assert_non_null(p);
		memcpy(p, der, n);
		if (n != SPKI_LEN)
			refused(span_of(p, n));
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_key_both_ways),
		cmocka_unit_test(libcrypto_writes_the_same),
		cmocka_unit_test(any_bit_flipped_refused),
		cmocka_unit_test(every_prefix_and_a_byte_more_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
