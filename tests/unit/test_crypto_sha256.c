/* sha256: FIPS 180-4 vectors are in test_crypto_hash; here libcrypto's other way to the same. */
#include "unit.h"

#include <string.h>

#include <openssl/evp.h>

#include "crypto/sha256.h"

/* Every length around the block's, whole and in parts. */
static void agrees_with_evp(void **state)
{
	uint8_t message[200];

	(void)state;
	memset(message, 'm', sizeof(message));
	for (size_t n = 0; n <= sizeof(message); n++) {
		const struct span parts[] = { span_of(message, n / 3),
					      { NULL, 0 },
					      span_of(message + n / 3, n - n / 3) };
		struct sha256 want, got;

		assert_int_equal(EVP_Digest(message, n, want.b, NULL, EVP_sha256(), NULL), 1);
		sha256_parts(&got, parts, 3);
		assert_memory_equal(&got, &want, sizeof(got));
		sha256_of(&got, span_of(message, n));
		assert_memory_equal(&got, &want, sizeof(got));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_evp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
