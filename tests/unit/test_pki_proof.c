/* proof: the certificate of RFC 8737 §3, read back by libcrypto. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "pki/pkey.h"
#include "pki/proof.h"

enum {
	NOW = 1'800'000'000,
	DAY = 86400,
};

static X509 *made(struct p256_private *key, const struct request_name *name,
		  const struct sha256 *digest)
{
	struct buf der = { 0 };
	const uint8_t *p;
	X509 *x;

	buf_init(&der, REQUEST_DER_MAX);
	assert_int_equal(proof_make(&der, key, name, digest, NOW - DAY, NOW + DAY), RC_OK);
	p = buf_span(&der).p;
	x = d2i_X509(NULL, &p, (long)der.n);
	assert_non_null(x);
	buf_fini(&der);
	return x;
}

static void assert_extension(const X509 *x, const struct sha256 *digest)
{
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
	int at = X509_get_ext_by_OBJ(x, oid, -1);
	X509_EXTENSION *e = X509_get_ext(x, at);
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(e);

	assert_true(at >= 0);
	assert_int_equal(X509_get_ext_by_OBJ(x, oid, at), -1);
	assert_int_equal(X509_EXTENSION_get_critical(e), 1);
	assert_int_equal(ASN1_STRING_length(value), 2 + 32);
	assert_memory_equal(ASN1_STRING_get0_data(value), "\x04\x20", 2);
	assert_memory_equal(ASN1_STRING_get0_data(value) + 2, digest->b, 32);
	ASN1_OBJECT_free(oid);
}

static void proof_is_what_the_rfc_says(void **state)
{
	static const uint8_t address[] = { 127, 0, 0, 1 };
	static const struct request_name names[] = {
		{ REQUEST_DNS, { (const uint8_t *)"www.example.org", 15 } },
		{ REQUEST_IP, { address, sizeof(address) } },
	};
	struct p256_private *key = p256_private_generate();
	EVP_PKEY *same = pkey_private(key);
	struct sha256 digest;

	(void)state;
	/* A hash of zeros has to have a serial number, too. */
	for (size_t i = 0; i < 4; i++) {
		X509 *x;
		GENERAL_NAMES *san;
		int type;
		time_t now = NOW;

		memset(digest.b, i & 2 ? 0 : 0xa5, sizeof(digest.b));
		x = made(key, &names[i & 1], &digest);
		assert_int_equal(X509_verify(x, same), 1);
		assert_int_equal(X509_get_version(x), 2);
		assert_int_equal(X509_check_issued(x, x), X509_V_OK);
		assert_int_equal(ASN1_INTEGER_get(X509_get_serialNumber(x)) == 0, 0);
		assert_int_equal(X509_cmp_time(X509_get0_notBefore(x), &now), -1);
		assert_int_equal(X509_cmp_time(X509_get0_notAfter(x), &now), 1);
		assert_extension(x, &digest);
		san = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
		assert_int_equal(sk_GENERAL_NAME_num(san), 1);
		(void)GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(san, 0), &type);
		assert_int_equal(type, i & 1 ? GEN_IPADD : GEN_DNS);
		GENERAL_NAMES_free(san);
		X509_free(x);
	}
	EVP_PKEY_free(same);
	p256_private_free(key);
}

static void failures_change_nothing(void **state)
{
	static const struct request_name empty = { REQUEST_DNS, { NULL, 0 } };
	static const struct request_name good = { REQUEST_DNS, { (const uint8_t *)"a.b", 3 } };
	const struct sha256 digest = { { 1 } };
	struct p256_private *key = p256_private_generate();
	struct buf der = { 0 };

	(void)state;
	buf_init(&der, 50);
	assert_int_equal(proof_make(&der, key, &empty, &digest, 0, 1), RC_MALFORMED);
	assert_int_equal(proof_make(&der, key, &good, &digest, 0, 1), RC_LIMIT);
	assert_int_equal(der.n, 0);
	buf_fini(&der);
	p256_private_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proof_is_what_the_rfc_says),
		cmocka_unit_test(failures_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
