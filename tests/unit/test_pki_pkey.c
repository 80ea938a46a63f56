/* pkey, san: keys and names go into libcrypto and come out the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "pki/pkey.h"
#include "pki/san.h"

static void public_is_the_half_of_private(void **state)
{
	struct p256_private *key = p256_private_generate();
	struct p256_point at;
	EVP_PKEY *a = pkey_private(key), *b;

	(void)state;
	p256_private_point(key, &at);
	b = pkey_public(&at);
	assert_int_equal(EVP_PKEY_eq(a, b), 1);
	EVP_PKEY_free(b);
	at.xy[63] ^= 1;
	assert_null(pkey_public(&at));
	assert_int_equal(pkey_failed(), RC_CRYPTO);
	EVP_PKEY_free(a);
	p256_private_free(key);
}

static void names_of_no_length_are_refused(void **state)
{
	static const struct request_name names[] = {
		{ REQUEST_DNS, { (const uint8_t *)"a.b", 3 } },
		{ REQUEST_IP, { (const uint8_t *)"12345", 5 } },
	};
	GENERAL_NAMES *one = san_of(names, 1);

	(void)state;
	assert_int_equal(sk_GENERAL_NAME_num(one), 1);
	san_auto(&one);
	assert_null(san_of(names, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(public_is_the_half_of_private),
		cmocka_unit_test(names_of_no_length_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
