/* webkey: keys on P-256 in their usual form are read by hand and checked by arithmetic of our own;
 * all others by libcrypto.  Both have to say the same. */
#define OPENSSL_SUPPRESS_DEPRECATED /* a group with a generator of our own */
#include "unit.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
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

static enum webkey_kind kind_of_key(EVP_PKEY *key)
{
	uint8_t *spki = NULL;
	int n = i2d_PUBKEY(key, &spki);
	enum webkey_kind kind = webkey_kind_of(span_of(spki, (size_t)n));

	assert_true(n > 0);
	OPENSSL_free(spki);
	return kind;
}

/* A curve by its name only, and only one that the web knows. */
static void curves(void **state)
{
	static const struct {
		const char *name, *encoding;
		bool is_taken;
	} cases[] = {
		{ "P-256", OSSL_PKEY_EC_ENCODING_GROUP, true },
		{ "P-384", OSSL_PKEY_EC_ENCODING_GROUP, true },
		{ "P-521", OSSL_PKEY_EC_ENCODING_GROUP, true },
		{ "P-224", OSSL_PKEY_EC_ENCODING_GROUP, false },
		{ "secp256k1", OSSL_PKEY_EC_ENCODING_GROUP, false },
		{ "brainpoolP256r1", OSSL_PKEY_EC_ENCODING_GROUP, false },
		{ "P-256", OSSL_PKEY_EC_ENCODING_EXPLICIT, false },
		{ "P-384", OSSL_PKEY_EC_ENCODING_EXPLICIT, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		EVP_PKEY *k = EVP_EC_gen(cases[i].name);

		assert_int_equal(EVP_PKEY_set_utf8_string_param(k, OSSL_PKEY_PARAM_EC_ENCODING,
								cases[i].encoding),
				 1);
		if (kind_of_key(k) != (cases[i].is_taken ? WEBKEY_EC : WEBKEY_NONE))
			fail_msg("%s, %s", cases[i].name, cases[i].encoding);
		EVP_PKEY_free(k);
	}
}

/* The same point of P-384, which is now the generator, too: so the private key is 1, and whoever
 * wants to has it. */
static EVP_PKEY *with_own_generator(EVP_PKEY *of)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_secp384r1);
	EC_POINT *point = EC_POINT_new(group);
	BIGNUM *order = BN_dup(EC_GROUP_get0_order(group));
	EC_KEY *made = EC_KEY_new();
	EVP_PKEY *out = EVP_PKEY_new();
	uint8_t octets[97];
	size_t n;

	assert_int_equal(EVP_PKEY_get_octet_string_param(of, OSSL_PKEY_PARAM_PUB_KEY, octets,
							 sizeof(octets), &n),
			 1);
	assert_int_equal(EC_POINT_oct2point(group, point, octets, n, NULL), 1);
	assert_int_equal(EC_GROUP_set_generator(group, point, order, BN_value_one()), 1);
	EC_GROUP_set_asn1_flag(group, OPENSSL_EC_EXPLICIT_CURVE);
	assert_int_equal(EC_KEY_set_group(made, group), 1);
	assert_int_equal(EC_KEY_set_public_key(made, point), 1);
	assert_int_equal(EC_KEY_set_private_key(made, BN_value_one()), 1);
	assert_int_equal(EVP_PKEY_assign_EC_KEY(out, made), 1);
	BN_free(order);
	EC_POINT_free(point);
	EC_GROUP_free(group);
	return out;
}

/* Whose signature libcrypto takes, and we do not. */
static void generator_of_a_stranger(void **state)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	struct made m;
	EVP_PKEY *honest;

	(void)state;
	make(&m, "P-384", "uncompressed", EVP_sha384());
	assert_true(holds(&m, SPAN_ARRAY(with_sha384)));
	honest = m.key;
	m.key = with_own_generator(honest);
	EVP_PKEY_free(honest);
	OPENSSL_free(m.spki);
	m.spki = NULL;
	m.spki_len = (size_t)i2d_PUBKEY(m.key, &m.spki);
	m.signature_len = sizeof(m.signature);
	assert_int_equal(EVP_DigestSignInit(c, NULL, EVP_sha384(), NULL, m.key), 1);
	assert_int_equal(EVP_DigestSign(c, m.signature, &m.signature_len, message,
					sizeof(message)),
			 1);
	EVP_MD_CTX_free(c);
	assert_int_equal(webkey_kind_of(span_of(m.spki, m.spki_len)), WEBKEY_NONE);
	assert_false(holds(&m, SPAN_ARRAY(with_sha384)));
	assert_false(holds_in_parts(&m, WEBKEY_EC));
	end(&m);
}

static EVP_PKEY *rsa_of(const BIGNUM *n, const BIGNUM *e)
{
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params;
	EVP_PKEY *k = NULL;

	assert_int_equal(OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n), 1);
	assert_int_equal(OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e), 1);
	params = OSSL_PARAM_BLD_to_param(b);
	assert_int_equal(EVP_PKEY_fromdata_init(c), 1);
	assert_int_equal(EVP_PKEY_fromdata(c, &k, EVP_PKEY_PUBLIC_KEY, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	EVP_PKEY_CTX_free(c);
	return k;
}

static void rsa_exponents(void **state)
{
	static const struct {
		const char *e;
		bool is_taken;
	} cases[] = {
		{ "3", true },
		{ "10001", true },
		{ "ffffffff", true },
		{ "100000001", false },
		{ "10000", false },
		{ "1", false },
		{ "0", false },
		{ "10000000000000000000000000000001", false },
	};
	EVP_PKEY *honest = EVP_RSA_gen(2048);
	BIGNUM *n = NULL;

	(void)state;
	assert_int_equal(kind_of_key(honest), WEBKEY_RSA);
	assert_int_equal(EVP_PKEY_get_bn_param(honest, OSSL_PKEY_PARAM_RSA_N, &n), 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		BIGNUM *e = NULL;
		EVP_PKEY *k;

		assert_true(BN_hex2bn(&e, cases[i].e) > 0);
		k = rsa_of(n, e);
		if (kind_of_key(k) != (cases[i].is_taken ? WEBKEY_RSA : WEBKEY_NONE))
			fail_msg("%s", cases[i].e);
		EVP_PKEY_free(k);
		BN_free(e);
	}
	BN_free(n);
	EVP_PKEY_free(honest);
}

/* Ed25519 has no digest to choose, and one length. */
static void make_ed25519(struct made *m)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	memset(m, 0, sizeof(*m));
	m->key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	m->spki_len = (size_t)i2d_PUBKEY(m->key, &m->spki);
	m->signature_len = sizeof(m->signature);
	assert_int_equal(EVP_DigestSignInit(c, NULL, NULL, NULL, m->key), 1);
	assert_int_equal(EVP_DigestSign(c, m->signature, &m->signature_len, message,
					sizeof(message)),
			 1);
	EVP_MD_CTX_free(c);
}

static void ed25519_signs_whole_messages(void **state)
{
	static const uint8_t algorithm[] = { 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70 };
	uint8_t raw[WEBKEY_ED25519_LEN];
	size_t raw_len = sizeof(raw);
	struct span signature;
	struct made m;

	(void)state;
	make_ed25519(&m);
	signature = span_of(m.signature, m.signature_len);
	assert_int_equal(EVP_PKEY_get_raw_public_key(m.key, raw, &raw_len), 1);
	assert_int_equal(webkey_kind_of(span_of(m.spki, m.spki_len)), WEBKEY_ED25519);
	assert_true(holds(&m, SPAN_ARRAY(algorithm)));
	assert_true(webkey_ed25519(raw, SPAN_ARRAY(message), signature));
	/* Of another message, longer, by another key, as if it were another kind. */
	assert_false(webkey_ed25519(raw, span_of(message, 3), signature));
	assert_false(webkey_ed25519(raw, SPAN_ARRAY(message),
				    span_of(m.signature, m.signature_len + 1)));
	assert_false(holds(&m, SPAN_ARRAY(with_sha256)));
	raw[0] ^= 1;
	assert_false(webkey_ed25519(raw, SPAN_ARRAY(message), signature));
	end(&m);
}

static void algorithms_that_are_none(void **state)
{
	static const struct {
		const char *name;
		uint8_t der[16];
		size_t n;
		bool ok;
	} cases[] = {
		{ "good", { 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70 }, 7, true },
		{ "empty", { 0 }, 0, false },
		{ "no_sequence", { 0x31, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70 }, 7, false },
		{ "bytes_behind", { 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x00 }, 8, false },
		{ "no_identifier", { 0x30, 0x02, 0x05, 0x00 }, 4, false },
		{ "empty_identifier", { 0x30, 0x02, 0x06, 0x00 }, 4, false },
		{ "not_known", { 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x71 }, 7, false },
		{ "odd_parameters",
		  { 0x30, 0x07, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x00 },
		  9,
		  false },
		{ "null_holds",
		  { 0x30, 0x08, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x05, 0x01, 0x00 },
		  10,
		  false },
		{ "after_the_null",
		  { 0x30, 0x09, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x05, 0x00, 0x05, 0x00 },
		  11,
		  false },
	};
	struct made m;

	(void)state;
	make_ed25519(&m);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("%s\n", cases[i].name);
		assert_int_equal(holds(&m, span_of(cases[i].der, cases[i].n)), cases[i].ok);
	}
	end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_of_a_key),
		cmocka_unit_test(another_digest),
		cmocka_unit_test(flipped_or_longer),
		cmocka_unit_test(longer_key),
		cmocka_unit_test(curves),
		cmocka_unit_test(generator_of_a_stranger),
		cmocka_unit_test(rsa_exponents),
		cmocka_unit_test(ed25519_signs_whole_messages),
		cmocka_unit_test(algorithms_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
