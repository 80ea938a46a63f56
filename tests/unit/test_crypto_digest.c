/* digest: against libcrypto's EVP on random input, and RFC 4231's HMACs. */
#include "unit.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/rng.h"

static const EVP_MD *evp(enum digest_kind kind)
{
	return kind == DIGEST_SHA384 ? EVP_sha384() : EVP_sha256();
}

static void value_is_that_of_all_that_was_added(void **state)
{
	uint8_t bytes[700], got[DIGEST_MAX], want[64];
	struct digest d, copy;
	size_t at, n, i;
	int kind;

	(void)state;
	for (i = 0; i < 200; i++) {
		kind = (int)(i % 2);
		rng_bytes(bytes, sizeof(bytes));
		digest_init(&d, (enum digest_kind)kind);
		for (at = 0; at < sizeof(bytes); at += n) {
			n = rng_u32() % 200;
			if (n > sizeof(bytes) - at)
				n = sizeof(bytes) - at;
			digest_add(&d, span_of(bytes + at, n));
			/* Asking changes nothing, and a copy goes its own way. */
			digest_value(&d, got);
			copy = d;
			digest_add(&copy, span_str("else"));
			assert_int_equal(EVP_Digest(bytes, at + n, want, NULL,
						    evp((enum digest_kind)kind), NULL),
					 1);
			assert_memory_equal(got, want, digest_len((enum digest_kind)kind));
		}
	}
}

static void of_nothing(void **state)
{
	uint8_t got[DIGEST_MAX], want[64];
	struct digest d;

	(void)state;
	digest_init(&d, DIGEST_SHA256);
	digest_add(&d, span_of(NULL, 0));
	digest_value(&d, got);
	assert_int_equal(EVP_Digest("", 0, want, NULL, EVP_sha256(), NULL), 1);
	assert_memory_equal(got, want, 32);
}

static void rfc4231_4_hmac(void **state)
{
	static const struct {
		const char *key, *data, *sha256, *sha384;
	} rows[] = {
		/* §4.2 */
		{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
		  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
		  "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
		  "faea9ea9076ede7f4af152e8b2fa9cb6" },
		/* §4.3 */
		{ "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
		  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
		  "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
		  "8e2240ca5e69e2c78b3239ecfab21649" },
	};
	uint8_t key[64], data[64], got[DIGEST_MAX], want[DIGEST_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t k = strlen(rows[i].key) / 2, n = strlen(rows[i].data) / 2;
		struct span whole = span_of(data, n);

		assert_true(text_hex_decode(key, k, span_str(rows[i].key)));
		assert_true(text_hex_decode(data, n, span_str(rows[i].data)));
		assert_true(text_hex_decode(want, 32, span_str(rows[i].sha256)));
		digest_hmac(got, DIGEST_SHA256, span_of(key, k), &whole, 1);
		assert_memory_equal(got, want, 32);
		assert_true(text_hex_decode(want, 48, span_str(rows[i].sha384)));
		digest_hmac(got, DIGEST_SHA384, span_of(key, k), &whole, 1);
		assert_memory_equal(got, want, 48);
	}
}

/* Keys shorter than a block, as long, and longer; data in parts. */
static void hmac_as_libcrypto_has_it(void **state)
{
	uint8_t key[300], data[300], got[DIGEST_MAX], want[64];
	size_t i;

	(void)state;
	for (i = 0; i < 2 * sizeof(key); i++) {
		enum digest_kind kind = i % 2 ? DIGEST_SHA384 : DIGEST_SHA256;
		size_t n = i / 2, cut = n / 3;
		const struct span parts[] = { span_of(data, cut), span_of(NULL, 0),
					      span_of(data + cut, n - cut) };

		rng_bytes(key, sizeof(key));
		rng_bytes(data, sizeof(data));
		digest_hmac(got, kind, span_of(key, n), parts, 3);
		assert_non_null(HMAC(evp(kind), key, (int)n, data, n, want, NULL));
		assert_memory_equal(got, want, digest_len(kind));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(value_is_that_of_all_that_was_added),
		cmocka_unit_test(of_nothing),
		cmocka_unit_test(rfc4231_4_hmac),
		cmocka_unit_test(hmac_as_libcrypto_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
