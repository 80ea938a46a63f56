/* Ed25519 against RFC 8032 §7.1, and refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/ed25519.h"

static const struct {
	const char *secret, *public, *message, *signature;
} cases[] = {
	{ "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
	  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
	  "5fb8821590a33bacc61e39701cf9b46b"
	  "d25bf5f0595bbe24655141438e7a100b" },
	{ "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
	  "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
	  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
	  "085ac1e43e15996e458f3613d0f11d8c"
	  "387b2eaeb4302aeeb00d291612bb0c00" },
};

static void rfc8032_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint8_t public[32], signature[64], want[64], message[4];
		struct key32 secret;
		size_t n = 0;

		assert_true(text_hex_decode(secret.b, 32, span_str(cases[i].secret)));
		assert_true(text_hex_decode_any(message, sizeof(message), &n,
						span_str(cases[i].message)));
		ed25519_public(public, &secret);
		assert_true(text_hex_decode(want, 32, span_str(cases[i].public)));
		assert_memory_equal(public, want, 32);
		ed25519_sign(signature, &secret, span_of(message, n));
		assert_true(text_hex_decode(want, 64, span_str(cases[i].signature)));
		assert_memory_equal(signature, want, 64);
		assert_true(ed25519_verify(public, signature, span_of(message, n)));
		for (size_t k = 0; k < 64; k++) {
			signature[k] ^= 1;
			assert_false(ed25519_verify(public, signature, span_of(message, n)));
			signature[k] ^= 1;
		}
		assert_false(ed25519_verify(public, signature, span_str("other")));
	}
}

static void bytes_that_are_no_point_refused(void **state)
{
	uint8_t key[32], signature[64] = { 0 };

	(void)state;
	memset(key, 0xff, sizeof(key));
	assert_false(ed25519_verify(key, signature, span_str("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc8032_vectors),
		cmocka_unit_test(bytes_that_are_no_point_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
