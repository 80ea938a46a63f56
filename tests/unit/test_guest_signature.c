/* Sign and Verify: what each algorithm is over, and what does not check. */
#include "unit.h"

#include <string.h>

#include "crypto/ed25519.h"
#include "crypto/hash.h"
#include "crypto/secp256k1.h"
#include "guest/signature.h"

static const struct key32 secret = { { 1, 2, 3 } };
static const uint8_t text[32] = "thirty-two bytes to be signed..";

static void faults_are_said(void **state)
{
	static const struct {
		const char *name;
		enum call_algorithm algorithm;
		size_t n;
		const char *why; /* a word of it; NULL: none */
	} cases[] = {
		{ "any_length", CALL_SECP256K1, 31, NULL },
		{ "nothing", CALL_SECP256K1, 0, NULL },
		{ "ed25519_nothing", CALL_ED25519, 0, NULL },
		{ "digest", CALL_SECP256K1_PREHASHED, 32, NULL },
		{ "digest_short", CALL_SECP256K1_PREHASHED, 31, "32 bytes" },
		{ "digest_empty", CALL_SECP256K1_PREHASHED, 0, "32 bytes" },
		{ "raw_signs_nothing", CALL_RAW, 32, "algorithm" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct call c = { .algorithm = cases[i].algorithm,
					.data = span_of(text, cases[i].n) };
		const char *why = signature_fault(&c);

		if ((why != NULL) != (cases[i].why != NULL) || (why && !strstr(why, cases[i].why)))
			fail_msg("%s: %s", cases[i].name, why ? why : "none");
	}
}

static size_t public_of(uint8_t out[SECP256K1_PUBLIC_LEN], enum call_algorithm algorithm)
{
	if (algorithm == CALL_ED25519) {
		ed25519_public(out, &secret);
		return ED25519_PUBLIC_LEN;
	}
	secp256k1_public(out, &secret);
	return SECP256K1_PUBLIC_LEN;
}

static void what_is_made_is_good_and_any_change_is_not(void **state)
{
	static const enum call_algorithm algorithms[] = { CALL_SECP256K1, CALL_SECP256K1_PREHASHED,
							  CALL_ED25519 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		uint8_t signature[SIGNATURE_LEN], key[SECP256K1_PUBLIC_LEN], data[32];
		struct call c = { .algorithm = algorithms[i], .data = SPAN_ARRAY(data) };

		memcpy(data, text, sizeof(data));
		signature_make(signature, &secret, &c);
		c.signature = SPAN_ARRAY(signature);
		c.public_key = span_of(key, public_of(key, algorithms[i]));
		assert_true(signature_check(&c));
		data[31] ^= 1;
		assert_false(signature_check(&c));
		data[31] ^= 1;
		signature[10] ^= 1;
		assert_false(signature_check(&c));
		signature[10] ^= 1;
		c.signature.n--;
		assert_false(signature_check(&c));
		c.signature.n++;
		c.public_key.n--;
		assert_false(signature_check(&c));
		c.public_key.n++;
		assert_true(signature_check(&c));
	}
}

static void secp256k1_is_over_the_datas_hash(void **state)
{
	uint8_t signature[SIGNATURE_LEN], key[SECP256K1_PUBLIC_LEN];
	struct call c = { .algorithm = CALL_SECP256K1, .data = SPAN_ARRAY(text) };
	struct sha256 h;

	(void)state;
	signature_make(signature, &secret, &c);
	sha256_of(&h, c.data);
	c.algorithm = CALL_SECP256K1_PREHASHED;
	c.data = SPAN_ARRAY(h.b);
	c.signature = SPAN_ARRAY(signature);
	c.public_key = span_of(key, public_of(key, CALL_SECP256K1));
	assert_true(signature_check(&c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_said),
		cmocka_unit_test(what_is_made_is_good_and_any_change_is_not),
		cmocka_unit_test(secp256k1_is_over_the_datas_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
