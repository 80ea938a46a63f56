/* crl: Intel's lists with and without entries; prefixes; flips; refusals. */
#include "unit.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "base/text.h"
#include "der_odd.h"
#include "pki/crl.h"
#include "vectors.h"

#define SET "tests/vectors/tdx/collateral/tdx_b0c0_202506/"
#define ROOT "tests/vectors/tdx/roots/intel_sgx_root_ca.der"

static void lists_read(void **state)
{
	static const uint8_t first[] = {
		0x6f, 0xc3, 0x4e, 0x50, 0x23, 0xe7, 0x28, 0x92, 0x34, 0x35,
		0xd6, 0x1a, 0xa4, 0xb8, 0x3c, 0x61, 0x81, 0x66, 0xad, 0x35
	};
	uint8_t other[sizeof(first)];
	struct span pck = vector_load(SET "pck.crl.der");
	struct span root = vector_load(SET "root_ca.crl.der"), der = vector_load(ROOT);
	struct crl c;
	struct cert issuer;

	(void)state;
	assert_int_equal(crl_parse(&c, pck), RC_OK);
	assert_int_equal(c.entry_count, 44);
	assert_int_equal(c.this_update, 1750327235); /* 2025-06-19T10:00:35Z */
	assert_int_equal(c.next_update, 1750327235 + 30 * 86400);
	assert_int_equal(c.number.n, 1);
	assert_true(crl_lists(&c, SPAN_ARRAY(first)));
	memcpy(other, first, sizeof(other));
	other[19] ^= 1;
	assert_false(crl_lists(&c, SPAN_ARRAY(other)));
	assert_false(crl_lists(&c, span_of(first, sizeof(first) - 1)));
	assert_int_equal(cert_parse(&issuer, der), RC_OK);
	assert_false(crl_names_issuer(&c, &issuer));

	assert_int_equal(crl_parse(&c, root), RC_OK);
	assert_int_equal(c.entry_count, 0);
	assert_false(crl_lists(&c, SPAN_ARRAY(first)));
	assert_true(crl_names_issuer(&c, &issuer));
	assert_true(p256_verify(&issuer.key, &c.signature, c.tbs));
	issuer.ski.n--; /* another key of the same name */
	assert_false(crl_names_issuer(&c, &issuer));
	vector_free(der);
	vector_free(root);
	vector_free(pck);
}

static void every_prefix_refused(void **state)
{
	struct span der = vector_load(SET "pck.crl.der");

	(void)state;
	for (size_t n = 0; n < der.n; n++) {
		uint8_t *copy = vector_copy(span_of(der.p, n));
		struct crl c;

		memset(&c, 0x5a, sizeof(c));
		assert_int_equal(crl_parse(&c, span_of(copy, n)), RC_MALFORMED);
		assert_int_equal(*(uint8_t *)&c, 0x5a);
		free(copy);
	}
	vector_free(der);
}

static void every_flip_refused(void **state)
{
	struct span der = vector_load(SET "root_ca.crl.der"), root = vector_load(ROOT);
	uint8_t *copy = vector_copy(der);
	struct cert issuer;
	struct crl c;

	(void)state;
	assert_int_equal(cert_parse(&issuer, root), RC_OK);
	for (size_t i = 0; i < der.n * 8; i++) {
		copy[i / 8] ^= (uint8_t)(1U << i % 8);
		if (crl_parse(&c, span_of(copy, der.n)) == RC_OK)
			assert_false(p256_verify(&issuer.key, &c.signature, c.tbs));
		copy[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	free(copy);
	vector_free(root);
	vector_free(der);
}

static void refusals(void **state)
{
	static const struct {
		const char *name, *find, *replace;
		enum rc want;
	} cases[] = {
		{ "version_1_unsupported", "020101300a06", "020100300a06", RC_UNSUPPORTED },
		{ "inner_algorithm_unsupported", "ce3d0403023070", "ce3d0403033070",
		  RC_UNSUPPORTED },
		{ "outer_algorithm_malformed", "2a8648ce3d0403020349", "2a8648ce3d0403030349",
		  RC_MALFORMED },
		{ "no_next_update_malformed", "170d3235303731393130", "160d3235303731393130",
		  RC_MALFORMED },
		{ "entry_serial_negative_malformed", "02146fc3", "0214efc3", RC_MALFORMED },
		{ "entry_date_malformed", "ad35170d32353036", "ad35170d32353133", RC_MALFORMED },
		{ "list_without_number_malformed", "0603551d14", "0603551d1d", RC_MALFORMED },
		{ "list_without_issuer_key_malformed", "0603551d23", "0603551d1d", RC_MALFORMED },
		{ "number_twice_malformed", "0603551d23", "0603551d14", RC_MALFORMED },
		{ "sequence_number_malformed", "0603551d140403020101", "0603551d140403020181",
		  RC_MALFORMED },
	};
	struct span der = vector_load(SET "pck.crl.der");
	char *hex = mem_new(der.n * 2 + 1);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wr w = wr_over(hex, der.n * 2);
		uint8_t *bytes = mem_new(der.n);
		struct crl c;
		char *at;

		print_message("%s\n", cases[i].name);
		text_hex(&w, der);
		at = strstr(hex, cases[i].find);
		if (!at)
			fail_msg("not in the list: %s", cases[i].find);
		else
			memcpy(at, cases[i].replace, strlen(cases[i].replace));
		assert_true(text_hex_decode(bytes, der.n, span_of(hex, der.n * 2)));
		memset(&c, 0x5a, sizeof(c));
		assert_int_equal(crl_parse(&c, span_of(bytes, der.n)), cases[i].want);
		assert_int_equal(*(uint8_t *)&c, 0x5a);
		free(bytes);
	}
	free(hex);
	vector_free(der);
}

/*
 * A list whose entry or which itself has a critical extension: what the list
 * means is then not what we think.  Made from parts, since Intel has none.
 */
static struct span wrap(uint8_t *room, size_t cap, uint8_t tag, struct span content)
{
	struct wr w = wr_over(room, cap);

	wr_u8(&w, tag);
	if (content.n >= 256) {
		wr_u8(&w, 0x82);
		wr_be16(&w, (uint16_t)content.n);
	} else {
		if (content.n >= 128)
			wr_u8(&w, 0x81);
		wr_u8(&w, (uint8_t)content.n);
	}
	wr_bytes(&w, content);
	return wr_span(&w);
}

static void critical_extensions(void **state)
{
	static const struct {
		const char *name, *entries, *extra;
		enum rc want;
	} cases[] = {
		{ "none_read", "", "", RC_OK },
		{ "entry_without_extensions_read", "30143012020101170d3235303631393130303033355a",
		  "", RC_OK },
		{ "entry_extension_read",
		  "302230200201 01170d3235303631393130303033355a300c300a0603551d1504030a0101", "",
		  RC_OK },
		{ "entry_critical_unsupported",
		  "302530230201 01170d3235303631393130303033355a300f300d0603551d150101ff04030a0101",
		  "", RC_UNSUPPORTED },
		{ "empty_entries_malformed", "3000", "", RC_MALFORMED },
		{ "delta_list_unsupported", "", "300d0603551d1b0101ff0403020101", RC_UNSUPPORTED },
		{ "unknown_not_critical_read", "", "300a0603551d1b0403020101", RC_OK },
		{ "critical_false_written_malformed", "", "300d0603551d1b0101000403020101",
		  RC_MALFORMED },
	};
	static const char start[] = "020101300a06082a8648ce3d0403023000"
				    "170d3235303631393130303033355a170d3235303731393130303033355a";
	static const char number_and_aki[] = "300a0603551d140403020101"
					     "300e0603551d23040730058003010203";
	static const char signature[] = "300a06082a8648ce3d04030203090030060201010201 01";

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char hex[1024];
		uint8_t a[512], b[512], c[512], d[512];
		struct span list, explicit, tbs, whole;
		size_t n = 0;
		struct wr w = WR_ARRAY(d);
		struct crl crl;

		print_message("%s\n", cases[i].name);
		snprintf(hex, sizeof(hex), "%s%s", number_and_aki, cases[i].extra);
		assert_true(text_hex_decode_any(a, sizeof(a), &n, span_str(hex)));
		list = wrap(b, sizeof(b), 0x30, span_of(a, n));
		explicit = wrap(c, sizeof(c), 0xa0, list);
		n = 0;
		for (size_t k = 0,
			    m = (size_t)snprintf(hex, sizeof(hex), "%s%s", start, cases[i].entries);
		     k <= m; k++)
			if (hex[k] != ' ')
				hex[n++] = hex[k];
		assert_true(text_hex_decode_any(a, sizeof(a), &n, span_str(hex)));
		wr_bytes(&w, span_of(a, n));
		wr_bytes(&w, explicit);
		tbs = wrap(b, sizeof(b), 0x30, wr_span(&w));
		n = 0;
		for (size_t k = 0; k < sizeof(signature); k++)
			if (signature[k] != ' ')
				hex[n++] = signature[k];
		assert_true(text_hex_decode_any(a, sizeof(a), &n, span_str(hex)));
		w = WR_ARRAY(d);
		wr_bytes(&w, tbs);
		wr_bytes(&w, span_of(a, n));
		whole = wrap(c, sizeof(c), 0x30, wr_span(&w));
		assert_int_equal(crl_parse(&crl, whole), cases[i].want);
	}
}

static enum rc read_crl(void *arg, struct span der)
{
	struct crl c, before;
	enum rc rc;

	(void)arg;
	memset(&c, 0xa5, sizeof(c));
	before = c;
	rc = crl_parse(&c, der);
	if (rc)
		assert_memory_equal(&c, &before, sizeof(c));
	return rc;
}

/* Nothing is taken that libcrypto does not, but a list whose issuer is then another than that of
 * 'arg', the list as it was. */
static bool libcrypto_reads_crl(void *arg, struct span der)
{
	const uint8_t *p = der.p;
	struct crl was, is;
	X509_CRL *x = d2i_X509_CRL(NULL, &p, (long)der.n);
	bool ok = x && p == der.p + der.n;

	X509_CRL_free(x);
	ERR_clear_error();
	assert_int_equal(crl_parse(&was, *(const struct span *)arg), RC_OK);
	assert_int_equal(crl_parse(&is, der), RC_OK);
	return ok || !span_equal(was.issuer, is.issuer);
}

static void elements_one_by_one(void **state)
{
	static const char *const lists[] = { SET "pck.crl.der", SET "root_ca.crl.der" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct span der = vector_load(lists[i]);
		struct der_odd o = { .read = read_crl,
				     .agrees = libcrypto_reads_crl,
				     .arg = &der };

		der_odd_each(&o, der);
		vector_free(der);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_read),
		cmocka_unit_test(every_prefix_refused),
		cmocka_unit_test(every_flip_refused),
		cmocka_unit_test(refusals),
		cmocka_unit_test(critical_extensions),
		cmocka_unit_test(elements_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
