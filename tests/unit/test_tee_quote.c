/*
 * quote and pck: fields of real quotes and certificates; each header field,
 * size and type that is not of its form; lengths that would overflow.
 */
#include "unit.h"

#include <string.h>

#include "base/text.h"
#include "pki/cert.h"
#include "pki/pem.h"
#include "tee/pck.h"
#include "tee/quote.h"
#include "tee_vectors.h"

#define V3 "quotes/sgx_v3_00a067.bin"
#define V4 "quotes/tdx_v4_b0c0_uptodate.bin"
#define V5 "quotes/tdx_v5_90c0_uptodate.bin"

static void fields(void **state)
{
	struct span v3 = tee_vector_quote(V3), v4 = tee_vector_quote(V4), v5 = tee_vector_quote(V5);
	struct quote q;

	(void)state;
	assert_int_equal(quote_parse(&q, v4), TEE_OK);
	assert_int_equal(q.version, 4);
	assert_int_equal(q.tee, QUOTE_TDX);
	assert_int_equal(q.signed_region.n, 632);
	assert_int_equal(q.canonical.n, 4936);
	assert_ptr_equal(q.td.mr_td.p, v4.p + 184);
	assert_ptr_equal(q.td.rtmr[3].p, v4.p + 520);
	assert_ptr_equal(quote_report_data(&q).p, v4.p + 568);
	assert_ptr_equal(q.signature.p, v4.p + 636);
	assert_ptr_equal(q.qe_report.raw.p, v4.p + 770);
	assert_int_equal(q.qe_auth_data.n, 32);
	assert_int_equal(q.certification_type, 5);
	assert_ptr_equal(q.certification_data.p, v4.p + 1258);
	assert_int_equal(q.td.td_attributes, 0x10000000);
	assert_int_equal(q.td.tee_tcb_svn2.n, 0);

	assert_int_equal(quote_parse(&q, v5), TEE_OK);
	assert_int_equal(q.version, 5);
	assert_int_equal(q.signed_region.n, 702);
	assert_int_equal(q.td.tee_tcb_svn2.n, 16);
	assert_ptr_equal(q.td.mr_service_td.p, v5.p + 54 + 600);
	assert_int_equal(q.td.tee_tcb_svn2.p[0], 13);

	assert_int_equal(quote_parse(&q, v3), TEE_OK);
	assert_int_equal(q.tee, QUOTE_SGX);
	assert_int_equal(q.signed_region.n, 432);
	assert_ptr_equal(quote_report_data(&q).p, v3.p + 48 + 320);
	assert_ptr_equal(q.enclave.mr_enclave.p, v3.p + 48 + 64);
	vector_free(v3);
	vector_free(v4);
	vector_free(v5);
}

static void changes(void **state)
{
	static const struct {
		const char *name, *quote;
		size_t at;
		const char *bytes; /* hex, written there */
		enum tee_reason want;
	} cases[] = {
		{ "version_0", V4, 0, "0000", TEE_QUOTE_VERSION },
		{ "version_1", V4, 0, "0100", TEE_QUOTE_VERSION },
		{ "version_2", V4, 0, "0200", TEE_QUOTE_VERSION },
		{ "version_6", V4, 0, "0600", TEE_QUOTE_VERSION },
		{ "version_255", V4, 0, "ff00", TEE_QUOTE_VERSION },
		{ "version_high_byte", V4, 0, "0401", TEE_QUOTE_VERSION },
		{ "version_3_with_tdx", V4, 0, "0300", TEE_QUOTE_TEE_TYPE },
		{ "version_5_with_v4_layout", V4, 0, "0500", TEE_QUOTE_BODY },
		{ "version_4_with_sgx", V3, 0, "0400", TEE_QUOTE_TEE_TYPE },
		{ "key_type_0", V4, 2, "0000", TEE_QUOTE_KEY_TYPE },
		{ "key_type_1", V4, 2, "0100", TEE_QUOTE_KEY_TYPE },
		{ "key_type_p384", V4, 2, "0300", TEE_QUOTE_KEY_TYPE },
		{ "key_type_255", V4, 2, "ff00", TEE_QUOTE_KEY_TYPE },
		{ "tee_sgx_in_v4", V4, 4, "00000000", TEE_QUOTE_TEE_TYPE },
		{ "tee_unknown", V4, 4, "82000000", TEE_QUOTE_TEE_TYPE },
		{ "reserved_in_v3", V3, 4, "81000000", TEE_QUOTE_TEE_TYPE },
		{ "svns_in_header_free", V4, 8, "01020304", TEE_OK },
		{ "vendor_other", V4, 12, "00", TEE_QUOTE_VENDOR },
		{ "user_data_free", V4, 28, "ffff", TEE_OK },
		{ "body_type_sgx_in_v5", V5, 48, "0100", TEE_QUOTE_BODY },
		{ "body_type_10_with_15_size", V5, 48, "0200", TEE_QUOTE_BODY },
		{ "body_type_0", V5, 48, "0000", TEE_QUOTE_BODY },
		{ "body_type_4", V5, 48, "0400", TEE_QUOTE_BODY },
		{ "body_size_999", V5, 50, "e7030000", TEE_QUOTE_BODY },
		{ "body_size_huge", V5, 50, "ffffffff", TEE_QUOTE_BODY },
		{ "auth_size_one_less", V4, 632, "cb", TEE_QUOTE_AUTH_SIZE },
		{ "auth_size_one_more", V4, 632, "cd", TEE_QUOTE_AUTH_SIZE },
		{ "auth_size_huge", V4, 632, "ffffffff", TEE_QUOTE_TOO_SHORT },
		{ "auth_size_0", V4, 632, "00000000", TEE_QUOTE_AUTH_SIZE },
		{ "outer_type_5", V4, 764, "0500", TEE_QUOTE_CERT_TYPE },
		{ "outer_type_7", V4, 764, "0700", TEE_QUOTE_CERT_TYPE },
		{ "outer_size_huge", V4, 766, "ffffffff", TEE_QUOTE_AUTH_SIZE },
		{ "outer_size_one_less", V4, 766, "45", TEE_QUOTE_AUTH_SIZE },
		{ "auth_data_size_huge", V4, 1218, "ffff", TEE_QUOTE_AUTH_SIZE },
		{ "auth_data_size_33", V4, 1218, "21", TEE_QUOTE_AUTH_SIZE },
		{ "inner_type_0", V4, 1252, "0000", TEE_QUOTE_CERT_TYPE },
		{ "inner_type_4_read", V4, 1252, "0400", TEE_OK },
		{ "inner_type_6", V4, 1252, "0600", TEE_QUOTE_CERT_TYPE },
		{ "inner_type_7", V4, 1252, "0700", TEE_QUOTE_CERT_TYPE },
		{ "inner_size_huge", V4, 1254, "ffffffff", TEE_QUOTE_AUTH_SIZE },
		{ "inner_size_one_less", V4, 1254, "5d", TEE_QUOTE_AUTH_SIZE },
		{ "first_padding_byte_set", V4, 4936, "01", TEE_QUOTE_TRAILING },
		{ "last_padding_byte_set", V4, 5005, "80", TEE_QUOTE_TRAILING },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span bytes = tee_vector_quote(cases[i].quote);
		uint8_t *copy = vector_copy(bytes);
		struct quote q, kept;
		enum tee_reason reason;
		size_t n;

		print_message("%s\n", cases[i].name);
		assert_true(text_hex_decode_any(copy + cases[i].at, bytes.n - cases[i].at, &n,
						span_str(cases[i].bytes)));
		memset(&q, 0x5a, sizeof(q));
		kept = q;
		reason = quote_parse(&q, span_of(copy, bytes.n));
		assert_string_equal(tee_reason_name(reason), tee_reason_name(cases[i].want));
		if (reason)
			assert_memory_equal(&q, &kept, sizeof(q));
		free(copy);
		vector_free(bytes);
	}
}

static void every_prefix_refused(void **state)
{
	static const char *const names[] = { V3, V4, V5 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct span bytes = tee_vector_quote(names[i]);
		struct quote q;
		size_t whole;

		assert_int_equal(quote_parse(&q, bytes), TEE_OK);
		whole = q.canonical.n;
		for (size_t n = 0; n < whole; n++) {
			uint8_t *copy = vector_copy(span_of(bytes.p, n));

			assert_int_equal(quote_parse(&q, span_of(copy, n)), TEE_QUOTE_TOO_SHORT);
			free(copy);
		}
		vector_free(bytes);
	}
}

static void too_large_refused(void **state)
{
	uint8_t *bytes = mem_new(QUOTE_MAX + 1);
	struct span real = tee_vector_quote(V4);
	struct quote q;

	(void)state;
	memcpy(bytes, real.p, real.n);
	assert_int_equal(quote_parse(&q, span_of(bytes, QUOTE_MAX)), TEE_OK);
	assert_int_equal(quote_parse(&q, span_of(bytes, QUOTE_MAX + 1)), TEE_QUOTE_TOO_LARGE);
	vector_free(real);
	free(bytes);
}

/* The SGX extension of a quote's leaf, copied to 'out'. */
static size_t leaf_extension(uint8_t *out, size_t cap, const char *name)
{
	struct span bytes = tee_vector_quote(name), blocks[3];
	uint8_t room[3 * CERT_MAX];
	struct wr w = WR_ARRAY(room);
	struct quote q;
	struct cert leaf;

	assert_int_equal(quote_parse(&q, bytes), TEE_OK);
	assert_int_equal(pem_decode(blocks, 3, &w, PEM_CERTIFICATE, q.certification_data), RC_OK);
	assert_int_equal(cert_parse(&leaf, blocks[0]), RC_OK);
	assert_true(leaf.sgx.n <= cap);
	memcpy(out, leaf.sgx.p, leaf.sgx.n);
	vector_free(bytes);
	return leaf.sgx.n;
}

static void pck_fields(void **state)
{
	struct pck_info p;
	uint8_t ext[1024];
	size_t n = leaf_extension(ext, sizeof(ext), V4);

	(void)state;
	assert_true(pck_parse(&p, span_of(ext, n)));
	assert_true(p.has_platform);
	assert_int_equal(p.sgx_type, PCK_SCALABLE);
	assert_memory_equal(p.component, "\3\3\2\2\4\1\0\5", 8);
	assert_memory_equal(p.cpu_svn, "\3\3\2\2\4\1\0\5", 8);
	assert_int_equal(p.pce_svn, 11);
	assert_memory_equal(p.fmspc, "\xb0\xc0\x6f\0\0\0", 6);
	n = leaf_extension(ext, sizeof(ext), V3); /* of the Processor CA */
	assert_true(pck_parse(&p, span_of(ext, n)));
	assert_false(p.has_platform);
	assert_int_equal(p.sgx_type, PCK_STANDARD);
	assert_memory_equal(p.fmspc, "\x00\xa0\x67\x11\0\0", 6);
	for (size_t i = 0; i < n; i++) {
		uint8_t *copy = vector_copy(span_of(ext, i));

		assert_false(pck_parse(&p, span_of(copy, i)));
		free(copy);
	}
}

#define OID(tail) "2a864886f84d010d01" tail

static void pck_refusals(void **state)
{
	static const struct {
		const char *name, *find, *replace;
	} cases[] = {
		{ "ppid_of_another_type", OID("01") "0410", OID("01") "0c10" },
		{ "entry_twice", "060a" OID("03"), "060a" OID("01") },
		{ "entry_unknown", "060a" OID("05"), "060a" OID("08") },
		{ "entry_0", "060a" OID("05"), "060a" OID("00") },
		{ "entry_of_another_arc", "060a" OID("05"), "060a2a864886f84d010d0205" },
		{ "sgx_type_3", "0a0101", "0a0103" },
		{ "sgx_type_integer", "0a0101", "020101" },
		{ "component_twice", "060b" OID("0202"), "060b" OID("0201") },
		{ "component_19", "060b" OID("0202"), "060b" OID("0213") },
		{ "component_negative", OID("0201") "020103", OID("0201") "0201ff" },
		{ "component_octets", OID("0201") "020103", OID("0201") "040103" },
		{ "pce_svn_enumerated", OID("0211") "02010b", OID("0211") "0a010b" },
		{ "configuration_twice", "060b" OID("0702"), "060b" OID("0701") },
		{ "configuration_4", "060b" OID("0703"), "060b" OID("0704") },
		{ "configuration_boolean_01", OID("0703") "0101ff", OID("0703") "010101" },
		{ "long_identifier", "060a" OID("05"), "060b" OID("05") },
	};
	uint8_t ext[1024], bytes[1024];
	size_t n = leaf_extension(ext, sizeof(ext), V4);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char hex[2049];
		struct wr w = wr_over(hex, 2 * n);
		struct pck_info p, kept;
		char *at;

		print_message("%s\n", cases[i].name);
		text_hex(&w, span_of(ext, n));
		hex[2 * n] = 0;
		at = strstr(hex, cases[i].find);
		if (!at)
			fail_msg("not in the extension: %s", cases[i].find);
		else
			memcpy(at, cases[i].replace, strlen(cases[i].replace));
		assert_true(text_hex_decode(bytes, n, span_of(hex, 2 * n)));
		memset(&p, 0x5a, sizeof(p));
		kept = p;
		assert_false(pck_parse(&p, span_of(bytes, n)));
		assert_memory_equal(&p, &kept, sizeof(p));
	}
	assert_false(pck_parse(&(struct pck_info){ 0 }, (struct span){ 0 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),
		cmocka_unit_test(changes),
		cmocka_unit_test(every_prefix_refused),
		cmocka_unit_test(too_large_refused),
		cmocka_unit_test(pck_fields),
		cmocka_unit_test(pck_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
