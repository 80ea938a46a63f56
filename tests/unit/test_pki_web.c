/* web, webtbs: certificates that libcrypto made and that the world has, read;
 * the shared part as libcrypto has it; prefixes, flips, refusals. */
#include "unit.h"

#include <stdio.h>

#include <openssl/err.h>

#include "base/text.h"
#include "der_odd.h"
#include "pki/pem.h"
#include "pki/webkey.h"
#include "pki/webtbs.h"
#include "vectors.h"
#include "web_pki.h"

static struct web_spec leaf_spec(const struct web_ca *ca, EVP_PKEY *key)
{
	return (struct web_spec){
		.name = "app.example.com",
		.key = key,
		.issuer = ca->x,
		.issuer_key = ca->key,
		.from = WEB_PKI_T0,
		.until = WEB_PKI_T0 + 90 * DAY,
		.serial = 0x80ff, /* a sign octet in front */
		.san = "DNS:app.example.com,DNS:*.app.example.com,IP:192.0.2.7,email:a@b.c",
		.constraints = "critical,CA:FALSE",
		.usage = "critical,digitalSignature",
		.eku = "serverAuth,clientAuth",
		.crl_points = "URI:http://crl.example/1.crl,URI:ldap://crl.example/",
		.aia = "OCSP;URI:http://ocsp.example/,caIssuers;URI:http://ca.example/i.der",
		.has_ids = true,
	};
}

static void fields_read(void **state)
{
	struct web_ca ca;
	EVP_PKEY *key = web_key();
	struct web_cert c;
	struct web_spec spec;
	struct web_san san;
	struct span der, left, url, spki = web_spki(key);
	static const uint8_t serial[] = { 0x00, 0x80, 0xff }, ip[] = { 192, 0, 2, 7 };
	X509 *x;

	(void)state;
	web_ca_init(&ca, "Issuer", NULL);
	spec = leaf_spec(&ca, key);
	x = web_issue(&spec);
	der = web_der(x);
	assert_int_equal(web_parse(&c, der), RC_OK);
	assert_true(span_equal(c.der, der));
	assert_true(span_equal(c.serial, SPAN_ARRAY(serial)));
	assert_true(span_equal_str(c.common_name, "app.example.com"));
	assert_true(span_equal_str(c.issuer_common_name, "Issuer"));
	assert_true(span_equal_str(c.issuer_organization, "Test CA"));
	assert_int_equal(c.not_before, WEB_PKI_T0);
	assert_int_equal(c.not_after, WEB_PKI_T0 + 90 * DAY);
	assert_true(span_equal(c.spki, spki));
	assert_false(c.is_ca);
	assert_int_equal(c.path_len, WEB_NO_PATH_LEN);
	assert_true(c.has_key_usage);
	assert_int_equal(c.key_usage, WEB_USE_SIGNATURE);
	assert_int_equal(c.eku, WEB_EKU_SERVER | WEB_EKU_CLIENT);
	assert_int_equal(c.dns_count, 2);
	assert_int_equal(c.ip_count, 1);
	assert_int_equal(c.unknown_critical, 0);
	assert_false(c.is_precert);
	assert_int_equal(c.scts.n, 0);
	assert_true(span_equal(c.aki, ca.view.ski));
	assert_int_equal(c.ski.n, 20);
	assert_true(span_equal_str(c.ca_issuers, "http://ca.example/i.der"));
	assert_true(web_crl_url(&c, &url));
	assert_true(span_equal_str(url, "http://crl.example/1.crl"));
	left = c.sans;
	assert_true(web_san_next(&left, &san));
	assert_int_equal(san.type, WEB_SAN_DNS);
	assert_true(span_equal_str(san.value, "app.example.com"));
	assert_true(web_san_next(&left, &san));
	assert_true(span_equal_str(san.value, "*.app.example.com"));
	assert_true(web_san_next(&left, &san));
	assert_int_equal(san.type, WEB_SAN_IP);
	assert_true(span_equal(san.value, SPAN_ARRAY(ip)));
	assert_true(web_san_next(&left, &san));
	assert_int_equal(san.type, WEB_SAN_OTHER);
	assert_false(web_san_next(&left, &san));
	assert_true(web_names_issuer(&c, &ca.view));
	assert_false(web_names_issuer(&ca.view, &c));
	assert_true(webkey_signed(ca.view.spki, c.algorithm, c.tbs, c.signature));
	assert_false(webkey_signed(c.spki, c.algorithm, c.tbs, c.signature));
	web_free_der(spki);
	web_free_der(der);
	X509_free(x);
	EVP_PKEY_free(key);
	web_ca_fini(&ca);
}

/* Precertificate, certificate and libcrypto give the same bytes, wherever the
 * extensions stand and however long they make the lengths. */
static void shared_part_is_libcryptos(void **state)
{
	static const size_t sizes[] = { 1, 60, 100, 130, 200, 300, 500, 4000 };
	struct web_ca ca;
	EVP_PKEY *key = web_key();

	(void)state;
	web_ca_init(&ca, "Issuer", NULL);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct web_spec spec = leaf_spec(&ca, key);
		uint8_t scts[4000], room[8192], *hash = NULL;
		struct wr w = WR_ARRAY(room);
		struct span pre_der, der, want;
		struct web_cert pre, c, tbs_only;
		struct sha256 a, b, d;
		X509 *x;

		memset(scts, 0x61, sizeof(scts));
		spec.is_precert = true;
		x = web_issue(&spec);
		pre_der = web_der(x);
		want = web_tbs_by_libcrypto(x);
		X509_free(x);
		spec.is_precert = false;
		spec.scts = span_of(scts, sizes[i]);
		x = web_issue(&spec);
		der = web_der(x);
		X509_free(x);
		assert_int_equal(web_parse(&pre, pre_der), RC_OK);
		assert_int_equal(web_parse(&c, der), RC_OK);
		assert_true(pre.is_precert);
		assert_false(c.is_precert);
		assert_int_equal(c.scts.n, sizes[i]);
		webtbs_write(&w, &c);
		assert_true(span_equal(wr_span(&w), want));
		w = WR_ARRAY(room);
		webtbs_write(&w, &pre);
		assert_true(span_equal(wr_span(&w), want));
		webtbs_sha256(&a, &pre);
		webtbs_sha256(&b, &c);
		assert_memory_equal(&a, &b, sizeof(a));
		/* What a log holds is that by itself. */
		assert_int_equal(web_parse_tbs(&tbs_only, want), RC_OK);
		assert_int_equal(tbs_only.der.n, 0);
		webtbs_sha256(&d, &tbs_only);
		assert_memory_equal(&a, &d, sizeof(a));
		assert_true(span_equal(tbs_only.sans, span_of(tbs_only.sans.p, c.sans.n)));
		free(hash);
		web_free_der(want);
		web_free_der(der);
		web_free_der(pre_der);
	}
	EVP_PKEY_free(key);
	web_ca_fini(&ca);
}

/* Only the SCT list: with it gone there are no extensions, so the field goes. */
static void last_extension_takes_the_field_with_it(void **state)
{
	static const uint8_t scts[] = { 1, 2, 3 };
	EVP_PKEY *key = web_key();
	struct web_spec spec = { .name = "x",
				 .key = key,
				 .from = WEB_PKI_T0,
				 .until = WEB_PKI_T0 + DAY,
				 .scts = SPAN_ARRAY(scts) };
	X509 *x = web_issue(&spec);
	struct span der = web_der(x), tbs;
	uint8_t room[4096];
	struct wr w = WR_ARRAY(room);
	struct web_cert c, again;

	(void)state;
	assert_int_equal(web_parse(&c, der), RC_OK);
	webtbs_write(&w, &c);
	tbs = wr_span(&w);
	assert_int_equal(web_parse_tbs(&again, tbs), RC_OK);
	assert_int_equal(again.extensions.n, 0);
	assert_true(span_equal(again.spki, span_of(again.spki.p, c.spki.n)));
	web_free_der(der);
	X509_free(x);
	EVP_PKEY_free(key);
}

static struct span make_leaf(struct web_ca *ca)
{
	static const uint8_t scts[] = { 0, 3, 0, 1, 9 };
	EVP_PKEY *key = web_key();
	struct web_spec spec;
	struct span der;
	X509 *x;

	web_ca_init(ca, "Issuer", NULL);
	spec = leaf_spec(ca, key);
	spec.scts = SPAN_ARRAY(scts);
	x = web_issue(&spec);
	der = web_der(x);
	X509_free(x);
	EVP_PKEY_free(key);
	return der;
}

static void every_prefix_refused(void **state)
{
	struct web_ca ca;
	struct span der = make_leaf(&ca);

	(void)state;
	for (size_t n = 0; n < der.n; n++) {
		uint8_t *copy = vector_copy(span_of(der.p, n));
		struct web_cert c;

		memset(&c, 0x5a, sizeof(c));
		assert_int_equal(web_parse(&c, span_of(copy, n)), RC_MALFORMED);
		assert_int_equal(*(uint8_t *)&c, 0x5a);
		free(copy);
	}
	web_free_der(der);
	web_ca_fini(&ca);
}

/* A flipped bit is refused, or it breaks the signature: none is without use. */
static void every_flip_noticed(void **state)
{
	struct web_ca ca;
	struct span der = make_leaf(&ca);
	uint8_t *copy = vector_copy(der);
	struct web_cert c;

	(void)state;
	for (size_t i = 0; i < der.n * 8; i += 3) {
		copy[i / 8] ^= (uint8_t)(1U << i % 8);
		if (web_parse(&c, span_of(copy, der.n)) == RC_OK)
			assert_false(webkey_signed(ca.view.spki, c.algorithm, c.tbs, c.signature));
		copy[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	free(copy);
	web_free_der(der);
	web_ca_fini(&ca);
}

/* One place of the DER changed, found by its hex. */
static void refusals(void **state)
{
	static const struct {
		const char *name, *find, *replace;
		enum rc want;
	} cases[] = {
		{ "version_1_unsupported", "a003020102", "a003020100", RC_UNSUPPORTED },
		{ "version_4_unsupported", "a003020102", "a003020103", RC_UNSUPPORTED },
		{ "negative_serial", "02030080ff", "02038080ff", RC_MALFORMED },
		{ "long_serial_form", "02030080ff", "02030000ff", RC_MALFORMED },
		{ "critical_written_false", "0603551d0f0101ff", "0603551d0f010100", RC_MALFORMED },
		{ "critical_neither", "0603551d0f0101ff", "0603551d0f010101", RC_MALFORMED },
		{ "empty_dns_name_read", "8704c0000207", "8202c0008200", RC_OK },
		{ "address_of_three_bytes", "8704c0000207", "8703c0008200", RC_MALFORMED },
		{ "constraints_end_early", "0603551d130101ff04023000",
		  "0603551d130101ff04023001", RC_MALFORMED },
		{ "key_usage_unused_bits_set", "03020780", "03020781", RC_MALFORMED },
		{ "sct_list_not_in_octets", "0407040500030001", "0407030500030001",
		  RC_MALFORMED },
		{ "other_algorithm_inside", "2a8648ce3d04030230", "2a8648ce3d04030330",
		  RC_MALFORMED },
		{ "date_without_seconds", "170d3236303130313030", "170b3236303130313030",
		  RC_MALFORMED },
	};
	struct web_ca ca;
	struct span der = make_leaf(&ca);
	char *hex = mem_new(der.n * 2 + 1);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wr w = wr_over(hex, der.n * 2);
		uint8_t *bytes = mem_new(der.n);
		struct web_cert c;
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
		assert_int_equal(web_parse(&c, span_of(bytes, der.n)), cases[i].want);
		if (cases[i].want)
			assert_int_equal(*(uint8_t *)&c, 0x5a);
		free(bytes);
	}
	free(hex);
	web_free_der(der);
	web_ca_fini(&ca);
}

static void limits_kept(void **state)
{
	uint8_t *big = mem_new(WEB_CERT_MAX + 1);
	struct web_cert c;

	(void)state;
	assert_int_equal(web_parse(&c, span_of(big, WEB_CERT_MAX + 1)), RC_LIMIT);
	assert_int_equal(web_parse_tbs(&c, span_of(big, WEB_CERT_MAX + 1)), RC_LIMIT);
	free(big);
}

/* RFC 5280 §4.2: none twice, known or not. */
static void extension_twice_refused(void **state)
{
	static const uint8_t content[] = { 0x05, 0x00 };
	EVP_PKEY *key = web_key();
	struct web_spec spec = { .name = "x",
				 .key = key,
				 .from = WEB_PKI_T0,
				 .until = WEB_PKI_T0 + DAY };

	(void)state;
	for (int twice = 0; twice < 2; twice++) {
		X509 *x = web_issue(&spec);
		struct web_cert c;
		struct span der;

		web_extend_raw(x, "1.2.3.4", false, SPAN_ARRAY(content));
		web_extend_raw(x, twice ? "1.2.3.4" : "1.2.3.5", false, SPAN_ARRAY(content));
		web_need(X509_sign(x, key, EVP_sha256()) > 0, "sign");
		der = web_der(x);
		assert_int_equal(web_parse(&c, der), twice ? RC_MALFORMED : RC_OK);
		web_free_der(der);
		X509_free(x);
	}
	EVP_PKEY_free(key);
}

static void unknown_critical_is_counted(void **state)
{
	EVP_PKEY *key = web_key();
	struct web_spec spec = { .name = "x",
				 .key = key,
				 .from = WEB_PKI_T0,
				 .until = WEB_PKI_T0 + DAY,
				 .unknown_critical = "1.2.3.4" };
	static const uint8_t oid[] = { 0x2a, 0x03, 0x04 };
	X509 *x = web_issue(&spec);
	struct span der = web_der(x), value;
	struct web_cert c;
	bool is_critical;

	(void)state;
	assert_int_equal(web_parse(&c, der), RC_OK);
	assert_int_equal(c.unknown_critical, 1);
	assert_true(web_extension(&c, SPAN_ARRAY(oid), &value, &is_critical));
	assert_true(is_critical);
	assert_int_equal(value.n, 2);
	assert_false(web_extension(&c, web_oid_scts(), &value, &is_critical));
	web_free_der(der);
	X509_free(x);
	EVP_PKEY_free(key);
}

static enum rc read_web(void *arg, struct span der)
{
	struct web_cert c, before;
	struct web_san san;
	struct web_crl_point point;
	struct span left, url;
	enum rc rc;

	(void)arg;
	memset(&c, 0xa5, sizeof(c));
	before = c;
	rc = web_parse(&c, der);
	if (rc) {
		assert_memory_equal(&c, &before, sizeof(c));
		return rc;
	}
	for (left = c.sans; web_san_next(&left, &san);)
		;
	for (left = c.crl_points; web_crl_point_next(&left, &point);)
		;
	(void)web_crl_url(&c, &url);
	return rc;
}

/* Nothing is taken that libcrypto does not, but a key that is then none to verify with. */
static bool libcrypto_reads(void *arg, struct span der)
{
	const uint8_t *p = der.p;
	struct web_cert c;
	X509 *x = d2i_X509(NULL, &p, (long)der.n);
	bool ok = x && p == der.p + der.n;

	(void)arg;
	X509_free(x);
	ERR_clear_error();
	assert_int_equal(web_parse(&c, der), RC_OK);
	return ok || webkey_kind_of(c.spki) == WEBKEY_NONE;
}

static void elements_one_by_one(void **state)
{
	struct web_ca ca;
	EVP_PKEY *key = web_key();
	struct web_spec spec;

	(void)state;
	web_ca_init(&ca, "Issuer", NULL);
	spec = leaf_spec(&ca, key);
	for (int i = 0; i < 3; i++) {
		struct der_odd o = { .read = read_web, .agrees = libcrypto_reads };
		X509 *x;
		struct span der;

		if (i == 1)
			spec.constraints = "critical,CA:TRUE,pathlen:3";
		if (i == 2)
			spec.eku = "anyExtendedKeyUsage,1.3.6.1.4.1.11129.2.4.4";
		x = web_issue(&spec);
		der = web_der(x);
		der_odd_each(&o, der);
		web_free_der(der);
		X509_free(x);
	}
	EVP_PKEY_free(key);
	web_ca_fini(&ca);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_read),
		cmocka_unit_test(shared_part_is_libcryptos),
		cmocka_unit_test(last_extension_takes_the_field_with_it),
		cmocka_unit_test(every_prefix_refused),
		cmocka_unit_test(every_flip_noticed),
		cmocka_unit_test(refusals),
		cmocka_unit_test(limits_kept),
		cmocka_unit_test(extension_twice_refused),
		cmocka_unit_test(unknown_critical_is_counted),
		cmocka_unit_test(elements_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
