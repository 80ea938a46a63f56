/* cert: Intel's root and a real PCK chain; prefixes; flips; refusals. */
#include "unit.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "base/text.h"
#include "der_odd.h"
#include "pki/cert.h"
#include "pki/pem.h"
#include "pki/spki.h"
#include "vectors.h"

#define ROOT "tests/vectors/tdx/roots/intel_sgx_root_ca.der"
#define CHAIN "tests/vectors/tdx/collateral/tdx_b0c0_202506/tcb_info_issuer_chain.pem"
#define QUOTE "tests/vectors/tdx/quotes/tdx_v4_b0c0_uptodate.bin"

static void intel_root_read(void **state)
{
	struct span der = vector_load(ROOT);
	struct cert c;

	(void)state;
	assert_int_equal(cert_parse(&c, der), RC_OK);
	assert_true(span_equal(c.issuer, c.subject));
	assert_true(span_equal_str(c.common_name, "Intel SGX Root CA"));
	assert_true(cert_name_has(&c, "SGX Root CA"));
	assert_true(cert_name_has(&c, "Intel"));
	assert_false(cert_name_has(&c, "SGX Root CAs"));
	assert_false(cert_name_has(&c, "PCK"));
	assert_int_equal(c.not_before, 1526899510); /* 2018-05-21T10:45:10Z */
	assert_int_equal(c.not_after, 2524607999); /* 2049-12-31T23:59:59Z */
	assert_true(c.is_ca);
	assert_int_equal(c.path_len, 1);
	assert_int_equal(c.key_usage, CERT_USE_CERT_SIGN | CERT_USE_CRL_SIGN);
	assert_int_equal(c.serial.n, 20);
	assert_memory_equal(c.serial.p, "\x22\x65\x0c\xd6", 4);
	assert_int_equal(c.ski.n, 20);
	assert_true(span_equal(c.ski, c.aki));
	assert_int_equal(c.sgx.n, 0);
	assert_true(cert_names_issuer(&c, &c));
	assert_true(p256_verify(&c.key, &c.signature, c.tbs));
	vector_free(der);
}

static void pck_leaf_read(void **state)
{
	struct span quote = vector_load(QUOTE), blocks[3];
	uint8_t room[8192];
	struct wr w = WR_ARRAY(room);
	struct cert leaf, ca, root;

	(void)state;
	assert_int_equal(pem_decode(blocks, 3, &w, PEM_CERTIFICATE,
				    span_of(quote.p + 1258, 3678)),
			 RC_OK);
	assert_int_equal(cert_parse(&leaf, blocks[0]), RC_OK);
	assert_int_equal(cert_parse(&ca, blocks[1]), RC_OK);
	assert_int_equal(cert_parse(&root, blocks[2]), RC_OK);
	assert_true(cert_names_issuer(&leaf, &ca));
	assert_true(cert_names_issuer(&ca, &root));
	assert_false(cert_names_issuer(&leaf, &root));
	assert_false(leaf.is_ca);
	assert_int_equal(leaf.path_len, CERT_NO_PATH_LEN);
	assert_int_equal(leaf.key_usage, 3);
	assert_int_equal(leaf.sgx.n, 554);
	assert_true(cert_name_has(&leaf, "SGX PCK Certificate"));
	assert_int_equal(ca.path_len, 0);
	assert_true(p256_verify(&ca.key, &leaf.signature, leaf.tbs));
	assert_true(p256_verify(&root.key, &ca.signature, ca.tbs));
	assert_false(p256_verify(&root.key, &leaf.signature, leaf.tbs));
	vector_free(quote);
}

static void every_prefix_refused(void **state)
{
	struct span der = vector_load(ROOT);

	(void)state;
	for (size_t n = 0; n < der.n; n++) {
		uint8_t *copy = vector_copy(span_of(der.p, n));
		struct cert c;

		memset(&c, 0x5a, sizeof(c));
		assert_int_equal(cert_parse(&c, span_of(copy, n)), RC_MALFORMED);
		assert_int_equal(((const uint8_t *)&c)[0], 0x5a);
		free(copy);
	}
	vector_free(der);
}

/* A flip is refused by the grammar or breaks the signature, never neither. */
static void every_flip_refused(void **state)
{
	struct span der = vector_load(ROOT);
	uint8_t *copy = vector_copy(der);
	struct p256_point key;
	struct cert c;

	(void)state;
	assert_int_equal(cert_parse(&c, der), RC_OK);
	key = c.key;
	for (size_t i = 0; i < der.n * 8; i++) {
		copy[i / 8] ^= (uint8_t)(1U << i % 8);
		if (cert_parse(&c, span_of(copy, der.n)) == RC_OK)
			assert_false(p256_verify(&key, &c.signature, c.tbs));
		copy[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	free(copy);
	vector_free(der);
}

/* Offsets of the root: extensions begin at 387 with AKI. */
static void refusals(void **state)
{
	static const struct {
		const char *name, *find, *replace;
		enum rc want;
	} cases[] = {
		{ "version_2_unsupported", "a003020102", "a003020101", RC_UNSUPPORTED },
		{ "serial_negative_malformed", "021422650c", "0214a2650c", RC_MALFORMED },
		{ "inner_algorithm_unsupported", "300a06082a8648ce3d0403023068",
		  "300a06082a8648ce3d0403033068", RC_UNSUPPORTED },
		{ "outer_algorithm_differs_malformed", "300a06082a8648ce3d0403020349",
		  "300a06082a8648ce3d0403030349", RC_MALFORMED },
		{ "other_curve_unsupported", "2a8648ce3d030107", "2a8648ce3d030106",
		  RC_UNSUPPORTED },
		{ "compressed_point_unsupported", "034200040ba9", "034200020ba9", RC_UNSUPPORTED },
		{ "unused_bits_malformed", "034200040ba9", "034201040ba9", RC_MALFORMED },
		{ "common_name_twice_malformed", "060355040a0c11", "06035504030c11", RC_MALFORMED },
		{ "month_13_malformed", "170d3138303532313130", "170d3138313332313130",
		  RC_MALFORMED },
		{ "no_zulu_malformed", "3130343531305a", "3130343531302b", RC_MALFORMED },
		{ "unknown_critical_unsupported", "0603551d0f0101ff", "0603551d0d0101ff",
		  RC_UNSUPPORTED },
		{ "extension_twice_malformed", "0603551d0e", "0603551d23", RC_MALFORMED },
		{ "critical_01_malformed", "0603551d0f0101ff", "0603551d0f010101", RC_MALFORMED },
		{ "critical_false_written_malformed", "0603551d0f0101ff", "0603551d0f010100",
		  RC_MALFORMED },
		{ "ca_false_written_malformed", "30060101ff020101", "3006010100020101",
		  RC_MALFORMED },
		{ "key_usage_unused_bit_set_malformed", "03020106", "03020206", RC_MALFORMED },
		{ "long_length_malformed", "30820", "30830", RC_MALFORMED },
	};
	struct span der = vector_load(ROOT);
	char *hex = mem_new(der.n * 2 + 1);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wr w = wr_over(hex, der.n * 2);
		uint8_t *bytes = mem_new(der.n);
		struct cert c;
		char *at;

		print_message("%s\n", cases[i].name);
		text_hex(&w, der);
		at = strstr(hex, cases[i].find);
		if (!at)
			fail_msg("not in the certificate: %s", cases[i].find);
		else
			memcpy(at, cases[i].replace, strlen(cases[i].replace));
		assert_true(text_hex_decode(bytes, der.n, span_of(hex, der.n * 2)));
		memset(&c, 0x5a, sizeof(c));
		assert_int_equal(cert_parse(&c, span_of(bytes, der.n)), cases[i].want);
		assert_int_equal(((const uint8_t *)&c)[0], 0x5a);
		free(bytes);
	}
	free(hex);
	vector_free(der);
}

static void too_large_refused(void **state)
{
	uint8_t *big = mem_new(CERT_MAX + 1);
	struct cert c;

	(void)state;
	assert_int_equal(cert_parse(&c, span_of(big, CERT_MAX + 1)), RC_LIMIT);
	free(big);
}

static enum rc read_cert(void *arg, struct span der)
{
	struct cert c, before;
	enum rc rc;

	(void)arg;
	memset(&c, 0xa5, sizeof(c));
	before = c;
	rc = cert_parse(&c, der);
	if (rc)
		assert_memory_equal(&c, &before, sizeof(c));
	return rc;
}

/* Nothing is taken that libcrypto does not. */
static bool libcrypto_reads_cert(void *arg, struct span der)
{
	const uint8_t *p = der.p;
	X509 *x = d2i_X509(NULL, &p, (long)der.n);
	bool ok = x && p == der.p + der.n;

	X509_free(x);
	(void)arg;
	ERR_clear_error();
	return ok;
}

static void elements_one_by_one(void **state)
{
	struct span quote = vector_load(QUOTE), blocks[3];
	uint8_t room[8192];
	struct wr w = WR_ARRAY(room);

	(void)state;
	assert_int_equal(pem_decode(blocks, 3, &w, PEM_CERTIFICATE,
				    span_of(quote.p + 1258, 3678)),
			 RC_OK);
	for (size_t i = 0; i < 3; i++) {
		struct der_odd o = { .read = read_cert, .agrees = libcrypto_reads_cert };

		der_odd_each(&o, blocks[i]);
	}
	vector_free(quote);
}

/* SubjectPublicKeyInfo by itself. */
static void public_keys(void **state)
{
	static const struct {
		const char *name;
		size_t at; /* a byte that is changed */
		uint8_t to;
		size_t more; /* bytes behind it */
		enum rc want;
	} cases[] = {
		{ "good", 0, 0x30, 0, RC_OK },
		{ "bytes_behind", 0, 0x30, 1, RC_MALFORMED },
		{ "no_sequence", 0, 0x31, 0, RC_MALFORMED },
		{ "other_curve", 22, 0x06, 0, RC_UNSUPPORTED },
		{ "no_bit_string", 23, 0x04, 0, RC_MALFORMED },
		{ "compressed", 26, 0x02, 0, RC_UNSUPPORTED },
		{ "whole_is_longer", 1, 0x5a, 1, RC_MALFORMED },
	};
	struct p256_private *key = p256_private_generate();
	struct p256_point at;

	(void)state;
	p256_private_point(key, &at);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t der[SPKI_LEN + 1] = { 0 };
		struct p256_point got = { { 9 } };

		print_message("%s\n", cases[i].name);
		spki_of(der, &at);
		der[cases[i].at] = cases[i].to;
		assert_int_equal(cert_public_key(&got, span_of(der, SPKI_LEN + cases[i].more)),
				 cases[i].want);
		if (cases[i].want)
			assert_int_equal(got.xy[0], 9);
		else
			assert_memory_equal(got.xy, at.xy, sizeof(at.xy));
	}
	p256_private_free(key);
}

/* The bit string is a byte longer, and so is all around it. */
static void point_of_65_bytes_refused(void **state)
{
	const struct p256_point at = { { 1 } };
	uint8_t der[SPKI_LEN + 1] = { 0 };
	struct p256_point got;

	(void)state;
	spki_of(der, &at);
	der[1]++;
	der[24]++;
	assert_int_equal(cert_public_key(&got, SPAN_ARRAY(der)), RC_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intel_root_read),
		cmocka_unit_test(pck_leaf_read),
		cmocka_unit_test(every_prefix_refused),
		cmocka_unit_test(every_flip_refused),
		cmocka_unit_test(refusals),
		cmocka_unit_test(too_large_refused),
		cmocka_unit_test(elements_one_by_one),
		cmocka_unit_test(public_keys),
		cmocka_unit_test(point_of_65_bytes_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
