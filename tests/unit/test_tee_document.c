/*
 * document, tcbinfo, qeidentity: the signed slice is cut out exactly; what is
 * no such document is refused; members missing, of another type, out of range.
 */
#include "unit.h"

#include <string.h>

#include "base/text.h"
#include "tee/document.h"
#include "tee/qeidentity.h"
#include "tee/tcbinfo.h"
#include "tee_vectors.h"

#define SIG64 "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
#define SIG SIG64 SIG64

static void split(void **state)
{
	static const struct {
		const char *name, *text, *object; /* NULL: refused */
	} cases[] = {
		{ "compact", "{\"doc\":{\"a\":1},\"signature\":\"" SIG "\"}", "{\"a\":1}" },
		{ "other_order", "{\"signature\":\"" SIG "\",\"doc\":{}}", "{}" },
		{ "white_space_around_is_not_signed",
		  " {\n\"doc\" : { \"a\" : 1 } , \"signature\" : \"" SIG "\" }\r\n\t",
		  "{ \"a\" : 1 }" },
		{ "braces_in_strings", "{\"doc\":{\"a\":\"}{\\\"}\"},\"signature\":\"" SIG "\"}",
		  "{\"a\":\"}{\\\"}\"}" },
		{ "every_kind_of_value",
		  "{\"doc\":{\"a\":[true,false,null,0,10,\"\\u00e9\\n\"],\"b\":{}},\"signature\":"
		  "\"" SIG "\"}",
		  "{\"a\":[true,false,null,0,10,\"\\u00e9\\n\"],\"b\":{}}" },
		{ "depth_8_allowed", "{\"doc\":{\"a\":[[[[[[[]]]]]]]},\"signature\":\"" SIG "\"}",
		  "{\"a\":[[[[[[[]]]]]]]}" },
		{ "depth_9_refused", "{\"doc\":{\"a\":[[[[[[[[]]]]]]]]},\"signature\":\"" SIG "\"}",
		  NULL },
		{ "empty_refused", "", NULL },
		{ "byte_order_mark_refused", "\xef\xbb\xbf{\"doc\":{},\"signature\":\"" SIG "\"}",
		  NULL },
		{ "array_refused", "[]", NULL },
		{ "object_missing_refused", "{\"signature\":\"" SIG "\"}", NULL },
		{ "signature_missing_refused", "{\"doc\":{}}", NULL },
		{ "object_twice_refused", "{\"doc\":{},\"doc\":{}}", NULL },
		{ "signature_twice_refused",
		  "{\"signature\":\"" SIG "\",\"signature\":\"" SIG "\"}", NULL },
		{ "third_member_refused", "{\"doc\":{},\"signature\":\"" SIG "\",\"x\":1}", NULL },
		{ "second_object_after_refused",
		  "{\"doc\":{},\"signature\":\"" SIG "\",\"doc\":{\"a\":1}}", NULL },
		{ "unknown_member_refused", "{\"dox\":{},\"signature\":\"" SIG "\"}", NULL },
		{ "escaped_name_refused", "{\"d\\u006fc\":{},\"signature\":\"" SIG "\"}", NULL },
		{ "object_is_array_refused", "{\"doc\":[],\"signature\":\"" SIG "\"}", NULL },
		{ "object_is_text_refused", "{\"doc\":\"{}\",\"signature\":\"" SIG "\"}", NULL },
		{ "signature_short_refused", "{\"doc\":{},\"signature\":\"" SIG64 "\"}", NULL },
		{ "signature_long_refused", "{\"doc\":{},\"signature\":\"" SIG "00\"}", NULL },
		{ "signature_no_hex_refused", "{\"doc\":{},\"signature\":\"g" SIG64 SIG64 "\"}",
		  NULL },
		{ "signature_number_refused", "{\"doc\":{},\"signature\":1}", NULL },
		{ "bytes_after_refused", "{\"doc\":{},\"signature\":\"" SIG "\"}x", NULL },
		{ "comma_missing_refused", "{\"doc\":{}\"signature\":\"" SIG "\"}", NULL },
		{ "comma_at_end_refused", "{\"doc\":{},\"signature\":\"" SIG "\",}", NULL },
		{ "comma_inside_refused", "{\"doc\":{\"a\":1,},\"signature\":\"" SIG "\"}", NULL },
		{ "comma_in_array_refused", "{\"doc\":{\"a\":[1,]},\"signature\":\"" SIG "\"}",
		  NULL },
		{ "negative_number_refused", "{\"doc\":{\"a\":-1},\"signature\":\"" SIG "\"}",
		  NULL },
		{ "fraction_refused", "{\"doc\":{\"a\":1.0},\"signature\":\"" SIG "\"}", NULL },
		{ "exponent_refused", "{\"doc\":{\"a\":1e2},\"signature\":\"" SIG "\"}", NULL },
		{ "leading_zero_refused", "{\"doc\":{\"a\":01},\"signature\":\"" SIG "\"}", NULL },
		{ "word_refused", "{\"doc\":{\"a\":yes},\"signature\":\"" SIG "\"}", NULL },
		{ "cut_word_refused", "{\"doc\":{\"a\":tru},\"signature\":\"" SIG "\"}", NULL },
		{ "control_byte_refused", "{\"doc\":{\"a\":\"\x01\"},\"signature\":\"" SIG "\"}",
		  NULL },
		{ "bad_escape_refused", "{\"doc\":{\"a\":\"\\x\"},\"signature\":\"" SIG "\"}",
		  NULL },
		{ "short_unicode_refused", "{\"doc\":{\"a\":\"\\u12\"},\"signature\":\"" SIG "\"}",
		  NULL },
		{ "key_without_quotes_refused", "{doc:{},\"signature\":\"" SIG "\"}", NULL },
		{ "mismatched_brackets_refused", "{\"doc\":{\"a\":[}},\"signature\":\"" SIG "\"}",
		  NULL },
		{ "comment_refused", "{/**/\"doc\":{},\"signature\":\"" SIG "\"}", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span object = { 0 };
		struct p256_signature sig;
		bool ok;

		print_message("%s\n", cases[i].name);
		memset(&sig, 0x5a, sizeof(sig));
		ok = document_split(&object, &sig, span_str(cases[i].text), "doc");
		assert_int_equal(ok, cases[i].object != NULL);
		if (ok)
			assert_true(span_equal_str(object, cases[i].object));
		else
			assert_null(object.p);
		assert_int_equal(sig.rs[1], ok ? 0x11 : 0x5a);
	}
}

static void every_prefix_refused(void **state)
{
	struct tee_collateral c = tee_vector_collateral("collateral/tdx_b0c0_202506");
	struct p256_signature sig;
	struct span object;

	(void)state;
	for (size_t n = 0; n < c.tcb_info.n; n++) {
		uint8_t *copy = vector_copy(span_of(c.tcb_info.p, n));

		assert_false(document_split(&object, &sig, span_of(copy, n), "tcbInfo"));
		free(copy);
	}
	assert_true(document_split(&object, &sig, c.tcb_info, "tcbInfo"));
	assert_false(document_split(&object, &sig, c.tcb_info, "enclaveIdentity"));
	tee_vector_collateral_free(&c);
}

static void large_documents_bounded(void **state)
{
	const size_t n = DOCUMENT_MAX + 1;
	uint8_t *text = mem_new(n);
	struct p256_signature sig;
	struct arena arena;
	struct span object;

	(void)state;
	memset(text, ' ', n);
	assert_false(document_split(&object, &sig, span_of(text, n), "doc"));
	arena_init(&arena, DOCUMENT_TREE_MAX);
	assert_null(document_load(&arena, span_of(text, n)));
	memset(text, '[', n - 1);
	assert_null(document_load(&arena, span_of(text, n - 1)));
	arena_fini(&arena);
	free(text);
}

/* A change to a real document: the first 'find' becomes 'replace'. */
struct change {
	const char *name, *find, *replace;
	enum tee_reason want;
};

static struct span changed(struct span text, const struct change *c)
{
	const uint8_t *at = memmem(text.p, text.n, c->find, strlen(c->find));
	size_t find = strlen(c->find), replace = strlen(c->replace), before;
	uint8_t *out = mem_new(text.n + replace);

	if (!at)
		fail_msg("%s: not in the document: %s", c->name, c->find);
	before = (size_t)(at - text.p);
	memcpy(out, text.p, before);
	memcpy(out + before, c->replace, replace);
	memcpy(out + before + replace, at + find, text.n - before - find);
	return span_of(out, text.n - find + replace);
}

#define BAD TEE_COLLATERAL_MALFORMED

static void tcb_info(void **state)
{
	static const struct change cases[] = {
		{ "unchanged_read", "\"id\"", "\"id\"", TEE_OK },
		{ "unknown_member_skipped", "\"id\"", "\"later\":[1],\"id\"", TEE_OK },
		{ "lower_case_fmspc_read", "B0C06F", "b0c06f", TEE_OK },
		{ "id_missing", "\"id\"", "\"ix\"", BAD },
		{ "id_unknown", "\"TDX\"", "\"SEV\"", BAD },
		{ "version_1", "\"version\":3", "\"version\":1", BAD },
		{ "version_4", "\"version\":3", "\"version\":4", BAD },
		{ "version_text", "\"version\":3", "\"version\":\"3\"", BAD },
		{ "version_2_of_tdx", "\"version\":3", "\"version\":2", BAD },
		{ "tcb_type_1", "\"tcbType\":0", "\"tcbType\":1", BAD },
		{ "tcb_type_missing", "\"tcbType\"", "\"tcbTipe\"", BAD },
		{ "date_with_offset", "Z\",\"nextUpdate\"", "+00:00\",\"nextUpdate\"", BAD },
		{ "date_february_30", "\"issueDate\":\"2025-06-19", "\"issueDate\":\"2025-02-30",
		  BAD },
		{ "next_update_missing", "nextUpdate", "nextUpdat", BAD },
		{ "fmspc_short", "B0C06F000000", "B0C06F0000", BAD },
		{ "fmspc_no_hex", "B0C06F000000", "B0C06F00000g", BAD },
		{ "pce_id_long", "\"pceId\":\"0000\"", "\"pceId\":\"000000\"", BAD },
		{ "evaluation_too_large", "\"tcbEvaluationDataNumber\":17",
		  "\"tcbEvaluationDataNumber\":4294967296", BAD },
		{ "levels_empty", "\"tcbLevels\":[{\"tcb\":{\"sgx",
		  "\"tcbLevels\":[],\"x\":[{\"tcb\":{\"sgx", BAD },
		{ "levels_object", "\"tcbLevels\":[{\"tcb\":{\"sgx",
		  "\"tcbLevels\":{},\"x\":[{\"tcb\":{\"sgx", BAD },
		{ "component_256", "[{\"svn\":", "[{\"svn\":256,\"x\":", BAD },
		{ "component_missing", "[{\"svn\":", "[{\"svx\":", BAD },
		{ "components_17", "\"sgxtcbcomponents\":[", "\"sgxtcbcomponents\":[{\"svn\":0},",
		  BAD },
		{ "tdx_components_missing", "tdxtcbcomponents", "tdxtcbcomponentz", BAD },
		{ "pce_svn_65536", "\"pcesvn\":", "\"pcesvn\":65536,\"x\":", BAD },
		{ "status_unknown", "\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"Fine\"",
		  TEE_TCB_UNRECOGNIZED },
		{ "status_of_ours", "\"tcbStatus\":\"UpToDate\"",
		  "\"tcbStatus\":\"TDRelaunchAdvised\"", TEE_TCB_UNRECOGNIZED },
		{ "status_missing", "\"tcbStatus\"", "\"tcbStatuz\"", BAD },
		{ "tcb_date_missing", "\"tcbDate\"", "\"tcbDatum\"", BAD },
		{ "advisory_with_space", "\"INTEL-SA-", "\"INTEL SA-", BAD },
		{ "advisory_number", "\"advisoryIDs\":[", "\"advisoryIDs\":[1,", BAD },
		{ "advisory_too_long", "\"INTEL-SA-", "\"INTEL-SA-0123456789012345678901234-",
		  BAD },
		{ "module_missing", "\"tdxModule\":", "\"tdxModul\":", BAD },
		{ "module_signer_short", "\"mrsigner\":\"00", "\"mrsigner\":\"", BAD },
		{ "module_id_other", "\"TDX_0", "\"TDX-0", BAD },
		{ "module_id_lower_case_read", "\"TDX_0", "\"tdx_0", TEE_OK },
		{ "module_id_no_hex", "\"TDX_0", "\"TDX_g", BAD },
		{ "module_ids_equal", "\"TDX_03", "\"TDX_01", BAD },
		{ "module_svn_65536", "\"isvsvn\":", "\"isvsvn\":65536,\"x\":", BAD },
		{ "no_module_identities_read", "tdxModuleIdentities", "tdxModuleIdentitiez",
		  TEE_OK },
		{ "module_identities_object", "\"tdxModuleIdentities\":[",
		  "\"tdxModuleIdentities\":{},\"x\":[", BAD },
		{ "member_twice", "\"tcbType\":0", "\"tcbType\":0,\"tcbType\":0", BAD },
	};
	struct tee_collateral c = tee_vector_collateral("collateral/tdx_b0c0_202506");
	struct p256_signature sig;
	struct span object;

	(void)state;
	assert_true(document_split(&object, &sig, c.tcb_info, "tcbInfo"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tcbinfo info, kept;
		struct arena arena;
		struct span text = changed(object, &cases[i]);
		enum tee_reason reason;

		print_message("%s\n", cases[i].name);
		arena_init(&arena, 1024 * 1024);
		memset(&info, 0x5a, sizeof(info));
		kept = info;
		reason = tcbinfo_parse(&info, &arena, text);
		assert_string_equal(tee_reason_name(reason), tee_reason_name(cases[i].want));
		if (reason)
			assert_memory_equal(&info, &kept, sizeof(info));
		arena_fini(&arena);
		vector_free(text);
	}
	tee_vector_collateral_free(&c);
}

/* The served order is not relied upon; two equal levels are refused. */
static void levels_sorted(void **state)
{
	static const char text[] =
		"{\"version\":2,\"issueDate\":\"2025-01-01T00:00:00Z\","
		"\"nextUpdate\":\"2025-02-01T00:00:00Z\",\"fmspc\":\"000000000000\","
		"\"pceId\":\"0000\",\"tcbType\":0,\"tcbEvaluationDataNumber\":1,\"tcbLevels\":["
		"%s]}";
	static const int pce_svns[] = { 3, 9, 5 };
	char levels[4096] = "", whole[8192];
	struct arena arena;
	struct tcbinfo info;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		size_t n = strlen(levels);

		if (i == 3) { /* the last one comes again */
			snprintf(whole, sizeof(whole), text, levels);
			arena_init(&arena, 1024 * 1024);
			assert_int_equal(tcbinfo_parse(&info, &arena, span_str(whole)), TEE_OK);
			assert_int_equal(info.tee, QUOTE_SGX);
			assert_int_equal(info.level_count, 3);
			assert_int_equal(info.levels[0].pce_svn, 9);
			assert_int_equal(info.levels[1].pce_svn, 5);
			assert_int_equal(info.levels[2].pce_svn, 3);
			arena_fini(&arena);
		}
		n += (size_t)snprintf(levels + n, sizeof(levels) - n, "%s{\"tcb\":{", i ? "," : "");
		for (int j = 1; j <= 16; j++)
			n += (size_t)snprintf(levels + n, sizeof(levels) - n,
					      "\"sgxtcbcomp%02dsvn\":1,", j);
		snprintf(levels + n, sizeof(levels) - n,
			 "\"pcesvn\":%d},\"tcbDate\":\"2025-01-01T00:00:00Z\","
			 "\"tcbStatus\":\"UpToDate\"}",
			 pce_svns[i == 3 ? 2 : i]);
	}
	snprintf(whole, sizeof(whole), text, levels);
	arena_init(&arena, 1024 * 1024);
	assert_int_equal(tcbinfo_parse(&info, &arena, span_str(whole)), BAD);
	arena_fini(&arena);
	/* an arena without room is a limit, not a crash */
	arena_init(&arena, 64);
	assert_int_equal(tcbinfo_parse(&info, &arena, span_str(whole)), BAD);
	arena_fini(&arena);
}

static void qe_identity(void **state)
{
	static const struct change cases[] = {
		{ "unchanged_read", "\"id\"", "\"id\"", TEE_OK },
		{ "qe_of_sgx_read", "\"TD_QE\"", "\"QE\"", TEE_OK },
		{ "qve_refused", "\"TD_QE\"", "\"QVE\"", BAD },
		{ "id_missing", "\"id\"", "\"ix\"", BAD },
		{ "version_1", "\"version\":2", "\"version\":1", BAD },
		{ "version_3", "\"version\":2", "\"version\":3", BAD },
		{ "miscselect_short", "\"miscselect\":\"00", "\"miscselect\":\"", BAD },
		{ "miscselect_mask_missing", "miscselectMask", "miscselectMusk", BAD },
		{ "attributes_long", "\"attributes\":\"", "\"attributes\":\"00", BAD },
		{ "attributes_mask_no_hex", "\"attributesMask\":\"F", "\"attributesMask\":\"G",
		  BAD },
		{ "mrsigner_missing", "\"mrsigner\"", "\"mrsignor\"", BAD },
		{ "isvprodid_65536", "\"isvprodid\":2", "\"isvprodid\":65536", BAD },
		{ "levels_missing", "\"tcbLevels\"", "\"tcbLevelz\"", BAD },
		{ "levels_empty_read", "\"tcbLevels\":[", "\"tcbLevels\":[],\"x\":[", TEE_OK },
		{ "isvsvn_text", "\"isvsvn\":", "\"isvsvn\":\"4\",\"x\":", BAD },
		{ "status_unknown", "\"UpToDate\"", "\"Odd\"", TEE_TCB_UNRECOGNIZED },
		{ "issue_date_missing", "\"issueDate\"", "\"issueDatum\"", BAD },
	};
	struct tee_collateral c = tee_vector_collateral("collateral/tdx_b0c0_202506");
	struct p256_signature sig;
	struct span object;

	(void)state;
	assert_true(document_split(&object, &sig, c.qe_identity, "enclaveIdentity"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span text = changed(object, &cases[i]);
		struct arena arena;
		struct qeidentity q;
		enum tee_reason reason;

		print_message("%s\n", cases[i].name);
		arena_init(&arena, 1024 * 1024);
		reason = qeidentity_parse(&q, &arena, text);
		assert_string_equal(tee_reason_name(reason), tee_reason_name(cases[i].want));
		arena_fini(&arena);
		vector_free(text);
	}
	tee_vector_collateral_free(&c);
}

/* Each field of the QE's report against the identity, and its masks. */
static void qe_report_checked(void **state)
{
	static const struct {
		const char *name;
		size_t at; /* of the enclave report */
		uint8_t flip;
		const char *field; /* NULL: accepted */
	} cases[] = {
		{ "miscselect_bit", 16, 0x01, "MISCSELECT" },
		{ "miscselect_last_byte", 19, 0x80, "MISCSELECT" },
		{ "attributes_einittokenkey", 48, 0x20, "ATTRIBUTES" },
		{ "attributes_mode64_is_masked", 48, 0x04, NULL },
		{ "xfrm_is_masked", 56, 0xff, NULL },
		{ "mrenclave_free", 64, 0x01, NULL },
		{ "mrsigner", 128, 0x01, "MRSIGNER" },
		{ "isvprodid_low", 256, 0x01, "ISVPRODID" },
		{ "isvprodid_high", 257, 0x01, "ISVPRODID" },
		{ "isvsvn_is_for_the_level", 258, 0x01, NULL },
		{ "debug", 48, 0x02, "" },
	};
	struct tee_collateral c = tee_vector_collateral("collateral/tdx_b0c0_202506");
	struct span bytes = tee_vector_quote("quotes/tdx_v4_b0c0_uptodate.bin");
	uint8_t *copy = vector_copy(bytes);
	struct p256_signature sig;
	struct arena arena;
	struct span object;
	struct qeidentity q;
	struct quote quote;

	(void)state;
	arena_init(&arena, 1024 * 1024);
	assert_true(document_split(&object, &sig, c.qe_identity, "enclaveIdentity"));
	assert_int_equal(qeidentity_parse(&q, &arena, object), TEE_OK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *field = NULL;
		enum tee_reason want = !cases[i].field	   ? TEE_OK
				       : cases[i].field[0] ? TEE_QE_IDENTITY
							   : TEE_QE_DEBUG;

		print_message("%s\n", cases[i].name);
		copy[770 + cases[i].at] ^= cases[i].flip;
		assert_int_equal(quote_parse(&quote, span_of(copy, bytes.n)), TEE_OK);
		assert_int_equal(qeidentity_check(&field, &q, &quote.qe_report), want);
		if (want == TEE_QE_IDENTITY)
			assert_string_equal(field, cases[i].field);
		copy[770 + cases[i].at] ^= cases[i].flip;
	}
	/* A bit of the identity outside its mask matches nothing. */
	q.attributes[8] = 1;
	assert_int_equal(quote_parse(&quote, bytes), TEE_OK);
	assert_int_equal(qeidentity_check(&(const char *){ 0 }, &q, &quote.qe_report),
			 TEE_QE_IDENTITY);
	arena_fini(&arena);
	free(copy);
	vector_free(bytes);
	tee_vector_collateral_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split),
		cmocka_unit_test(every_prefix_refused),
		cmocka_unit_test(large_documents_bounded),
		cmocka_unit_test(tcb_info),
		cmocka_unit_test(levels_sorted),
		cmocka_unit_test(qe_identity),
		cmocka_unit_test(qe_report_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
