/* webkey: keys on P-256 in their usual form are read by hand and checked by arithmetic of our own;
 * all others by libcrypto.  Both have to say the same. */
#include "unit.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

#include "pki/webkey.h"

/* AlgorithmIdentifier of ECDSA with SHA-256 (RFC 5758 §3.2), with SHA-384 */
static const uint8_t with_sha256[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
				       0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
static const uint8_t with_sha384[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
				       0x48, 0xce, 0x3d, 0x04, 0x03, 0x03 };
static const uint8_t message[] = "what was signed";

struct made {
	EVP_PKEY *key;
	uint8_t *spki, signature[160];
	size_t spki_len, signature_len;
};

static void make(struct made *m, const char *curve, const char *form, const EVP_MD *md)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	memset(m, 0, sizeof(*m));
	m->key = EVP_EC_gen(curve);
	assert_int_equal(EVP_PKEY_set_utf8_string_param(m->key, "point-format", form), 1);
	m->spki_len = (size_t)i2d_PUBKEY(m->key, &m->spki);
	m->signature_len = sizeof(m->signature);
	assert_int_equal(EVP_DigestSignInit(c, NULL, md, NULL, m->key), 1);
	assert_int_equal(EVP_DigestSign(c, m->signature, &m->signature_len, message,
					sizeof(message)),
			 1);
	EVP_MD_CTX_free(c);
}

static void end(struct made *m)
{
	OPENSSL_free(m->spki);
	EVP_PKEY_free(m->key);
}

static bool holds(const struct made *m, struct span algorithm)
{
	return webkey_signed(span_of(m->spki, m->spki_len), algorithm, SPAN_ARRAY(message),
			     span_of(m->signature, m->signature_len));
}

static bool holds_in_parts(const struct made *m, enum webkey_kind kind)
{
	const struct span parts[] = { span_of(message, 4), span_of(NULL, 0),
				      span_of(message + 4, sizeof(message) - 4) };

	return webkey_verify(span_of(m->spki, m->spki_len), kind, parts, 3,
			     span_of(m->signature, m->signature_len));
}

static void every_form_of_a_key(void **state)
{
	static const struct {
		const char *name, *curve, *form;
	} cases[] = {
		{ "p256_as_usual", "P-256", "uncompressed" },
		{ "p256_compressed", "P-256", "compressed" },
		{ "p384", "P-384", "uncompressed" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct made m;

		make(&m, cases[i].curve, cases[i].form, EVP_sha256());
		if (webkey_kind_of(span_of(m.spki, m.spki_len)) != WEBKEY_EC ||
		    !holds(&m, SPAN_ARRAY(with_sha256)) || !holds_in_parts(&m, WEBKEY_EC))
			fail_msg("%s", cases[i].name);
		if (holds(&m, SPAN_ARRAY(with_sha384)) || holds_in_parts(&m, WEBKEY_RSA) ||
		    holds_in_parts(&m, WEBKEY_ED25519))
			fail_msg("%s: as another", cases[i].name);
		end(&m);
	}
}

static void another_digest(void **state)
{
	struct made m;

	(void)state;
	make(&m, "P-256", "uncompressed", EVP_sha384());
	assert_true(holds(&m, SPAN_ARRAY(with_sha384)));
	assert_false(holds(&m, SPAN_ARRAY(with_sha256)));
	end(&m);
}

/* Wherever a byte of signature or key is another one, and with one more behind. */
static void flipped_or_longer(void **state)
{
	struct made m;

	(void)state;
	make(&m, "P-256", "uncompressed", EVP_sha256());
	for (size_t i = 0; i < m.signature_len; i++) {
		m.signature[i] ^= 1;
		assert_false(holds(&m, SPAN_ARRAY(with_sha256)));
		m.signature[i] ^= 1;
	}
	for (size_t i = 0; i < m.spki_len; i++) {
		/* libcrypto forgives bits said to be unused that are zero */
		if (i == 25)
			continue;
		m.spki[i] ^= 1;
		if (holds(&m, SPAN_ARRAY(with_sha256)))
			fail_msg("byte %zu", i);
		if (i >= m.spki_len - 64) /* off the curve */
			assert_int_equal(webkey_kind_of(span_of(m.spki, m.spki_len)), WEBKEY_NONE);
		m.spki[i] ^= 1;
	}
	assert_true(holds(&m, SPAN_ARRAY(with_sha256)));
	m.signature_len++;
	assert_false(holds(&m, SPAN_ARRAY(with_sha256)));
	end(&m);
}

static void longer_key(void **state)
{
	uint8_t more[92] = { 0 };
	struct made m;

	(void)state;
	make(&m, "P-256", "uncompressed", EVP_sha256());
	assert_int_equal(m.spki_len, sizeof(more) - 1);
	memcpy(more, m.spki, m.spki_len);
	assert_int_equal(webkey_kind_of(SPAN_ARRAY(more)), WEBKEY_NONE);
	for (size_t n = 0; n < m.spki_len; n++)
		assert_int_equal(webkey_kind_of(span_of(m.spki, n)), WEBKEY_NONE);
	end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_of_a_key),
		cmocka_unit_test(another_digest),
		cmocka_unit_test(flipped_or_longer),
		cmocka_unit_test(longer_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
