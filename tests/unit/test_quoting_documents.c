/*
 * Documents of the simulated platform with one thing changed and signed again
 * by the right key: what a verifier must refuse though it is signed.
 *
 * "dq n" is case n of the sample suite of dcap-qvl, "x n" a case that neither
 * it nor Intel's library has; tests/negative_cases.tsv is the whole list.
 */
#include "unit.h"

#include <stdlib.h>
#include <time.h>

#include "sim_world.h"

enum {
	TEXT_MAX = 300 * 1024,
};

/* Documents: the signed object edited as text and signed again. */
enum frame {
	FRAME_USUAL,
	FRAME_SIGNATURE_FIRST,
	FRAME_WHITE_AROUND,
	FRAME_WHITE_INSIDE, /* the signed bytes, after signing */
	FRAME_OBJECT_TWICE,
	FRAME_SIGNATURE_TWICE,
	FRAME_OTHER_MEMBER,
	FRAME_NO_SIGNATURE,
	FRAME_BOM,
	FRAME_TRAILING,
	FRAME_ZERO_SIGNATURE,
	FRAME_UPPER_HEX,
	FRAME_OTHERS_SIGNATURE, /* that of the other document */
};

struct document_case {
	const char *name;
	bool is_qe; /* QE identity, else TCB info */
	struct edit edit;
	enum frame frame;
	const char *want;
};

#define SGX_COMPONENTS "\"sgxtcbcomponents\":[{\"svn\":2},{\"svn\":2},{\"svn\":2}"
#define MALFORMED "collateral-malformed"

/* clang-format off */
static const struct document_case documents[] = {
	{ "unchanged_accepted", false, { 0 }, 0, "ok" },
	{ "unchanged_qe_accepted", true, { 0 }, 0, "ok" },
	/* dq 5, 26, 47 */
	{ "tdx_components_missing", false, { "\"tdxtcbcomponents\"", "\"tdxtcbcomponentz\"" }, 0, MALFORMED },
	{ "not_json", false, { "\"version\":3", "\"version\"=3" }, 0, MALFORMED },
	{ "levels_empty", false, { "\"tcbLevels\":[{\"tcb\":{\"sgx", "\"tcbLevels\":[],\"x\":[{\"tcb\":{\"sgx" }, 0, MALFORMED },
	/* dq 27, 28: one component above ours loses the level, whatever the others */
	{ "one_sgx_component_above_ours", false, { SGX_COMPONENTS, "\"sgxtcbcomponents\":[{\"svn\":1},{\"svn\":3},{\"svn\":2}" }, 0, "tcb-status-not-accepted" },
	{ "one_tdx_component_above_ours", false, { "\"tdxtcbcomponents\":[{\"svn\":5},{\"svn\":0},{\"svn\":2}", "\"tdxtcbcomponents\":[{\"svn\":0},{\"svn\":0},{\"svn\":99}" }, 0, "tcb-status-not-accepted" },
	/* dq 29 */
	{ "all_of_ours_higher_accepted", false, { "\"tdxtcbcomponents\":[{\"svn\":5},{\"svn\":0},{\"svn\":2}", "\"tdxtcbcomponents\":[{\"svn\":0},{\"svn\":0},{\"svn\":1}" }, 0, "ok" },
	/* dq 32, 41 */
	{ "signature_of_zeros", false, { 0 }, FRAME_ZERO_SIGNATURE, "collateral-signature-invalid" },
	{ "qe_signature_of_zeros", true, { 0 }, FRAME_ZERO_SIGNATURE, "collateral-signature-invalid" },
	/* dq 39, 44, 45 */
	{ "qe_not_json", true, { "\"version\":2", "\"version\":2," }, 0, MALFORMED },
	{ "qe_miscselect_differs", true, { "\"miscselect\":\"00000000\"", "\"miscselect\":\"01000000\"" }, 0, "qe-identity-mismatch" },
	{ "qe_attributes_differ", true, { "\"attributes\":\"11", "\"attributes\":\"31" }, 0, "qe-identity-mismatch" },
	{ "qe_masks_honoured", true, { "\"miscselectMask\":\"FFFFFFFF\"", "\"miscselectMask\":\"00000000\"" }, 0, "ok" },
	{ "qe_value_outside_its_mask", true, { "\"attributesMask\":\"FB", "\"attributesMask\":\"EA" }, 0, "qe-identity-mismatch" },
	{ "qe_levels_empty", true, { "\"tcbLevels\":[", "\"tcbLevels\":[],\"x\":[" }, 0, "qe-tcb-not-supported" },
	/* x 1: members twice, outside and inside, and under an escape */
	{ "object_twice", false, { 0 }, FRAME_OBJECT_TWICE, MALFORMED },
	{ "signature_twice", false, { 0 }, FRAME_SIGNATURE_TWICE, MALFORMED },
	{ "member_twice", false, { "\"tcbType\":0", "\"tcbType\":0,\"tcbType\":0" }, 0, MALFORMED },
	{ "member_twice_escaped", false, { "\"tcbType\":0", "\"tcbType\":0,\"tcbTyp\\u0065\":0" }, 0, MALFORMED },
	{ "member_twice_deep", false, { "\"isvsvn\":", "\"isvsvn\":1,\"isvsvn\":" }, 0, MALFORMED },
	/* x 2, 3, 4 */
	{ "white_space_inside_the_signed_bytes", false, { 0 }, FRAME_WHITE_INSIDE, "collateral-signature-invalid" },
	{ "white_space_around_accepted", false, { 0 }, FRAME_WHITE_AROUND, "ok" },
	{ "signature_first_accepted", false, { 0 }, FRAME_SIGNATURE_FIRST, "ok" },
	{ "upper_case_signature_accepted", false, { 0 }, FRAME_UPPER_HEX, "ok" },
	{ "signature_of_the_other_document", true, { 0 }, FRAME_OTHERS_SIGNATURE, "collateral-signature-invalid" },
	{ "no_signature", false, { 0 }, FRAME_NO_SIGNATURE, MALFORMED },
	{ "a_third_member", false, { 0 }, FRAME_OTHER_MEMBER, MALFORMED },
	{ "bytes_behind", false, { 0 }, FRAME_TRAILING, MALFORMED },
	/* x 24: dates */
	{ "leap_day_that_is_none", false, { "\"issueDate\":\"2027", "\"issueDate\":\"2027-02-29T00:00:00Z\",\"x\":\"2027" }, 0, MALFORMED },
	{ "leap_day_accepted", false, { "\"issueDate\":\"2027", "\"issueDate\":\"2024-02-29T00:00:00Z\",\"x\":\"2027" }, 0, "ok" },
	{ "leap_second", false, { "\"issueDate\":\"2027", "\"issueDate\":\"2016-12-31T23:59:60Z\",\"x\":\"2027" }, 0, MALFORMED },
	{ "year_9999_accepted", false, { "\"nextUpdate\":\"2027", "\"nextUpdate\":\"9999-12-31T23:59:59Z\",\"x\":\"2027" }, 0, "ok" },
	{ "offset_instead_of_z", false, { "\"issueDate\":\"2027", "\"issueDate\":\"2024-01-01T00:00:00+00:00\",\"x\":\"2027" }, 0, MALFORMED },
	{ "fraction_of_a_second", false, { "\"issueDate\":\"2027", "\"issueDate\":\"2024-01-01T00:00:00.0Z\",\"x\":\"2027" }, 0, MALFORMED },
	/* x 27, 28 */
	{ "fmspc_in_small_letters_accepted", false, { "\"fmspc\":\"53494D", "\"fmspc\":\"53494d" }, 0, "ok" },
	{ "byte_order_mark", false, { 0 }, FRAME_BOM, MALFORMED },
	/* Intel's parser tests: each member missing, of another type, out of range */
	{ "version_1", false, { "\"version\":3", "\"version\":1" }, 0, MALFORMED },
	{ "version_4", false, { "\"version\":3", "\"version\":4" }, 0, MALFORMED },
	{ "version_2_is_not_tdx", false, { "\"version\":3", "\"version\":2" }, 0, MALFORMED },
	{ "version_missing", false, { "\"version\":3,", "" }, 0, MALFORMED },
	{ "version_as_text", false, { "\"version\":3", "\"version\":\"3\"" }, 0, MALFORMED },
	{ "version_negative", false, { "\"version\":3", "\"version\":-3" }, 0, MALFORMED },
	{ "version_as_fraction", false, { "\"version\":3", "\"version\":3.0" }, 0, MALFORMED },
	{ "version_with_exponent", false, { "\"version\":3", "\"version\":3e0" }, 0, MALFORMED },
	{ "id_missing", false, { "\"id\":\"TDX\",", "" }, 0, MALFORMED },
	{ "id_unknown", false, { "\"id\":\"TDX\"", "\"id\":\"tdx\"" }, 0, MALFORMED },
	{ "issue_date_missing", false, { "\"issueDate\"", "\"issued\"" }, 0, MALFORMED },
	{ "next_update_missing", false, { "\"nextUpdate\"", "\"next\"" }, 0, MALFORMED },
	{ "fmspc_missing", false, { "\"fmspc\"", "\"fmspd\"" }, 0, MALFORMED },
	{ "fmspc_short", false, { "\"fmspc\":\"53", "\"fmspc\":\"" }, 0, MALFORMED },
	{ "fmspc_long", false, { "\"fmspc\":\"53", "\"fmspc\":\"0053" }, 0, MALFORMED },
	{ "fmspc_not_hex", false, { "\"fmspc\":\"53", "\"fmspc\":\"5g" }, 0, MALFORMED },
	{ "pce_id_missing", false, { "\"pceId\"", "\"pceid\"" }, 0, MALFORMED },
	{ "pce_id_short", false, { "\"pceId\":\"00", "\"pceId\":\"" }, 0, MALFORMED },
	{ "tcb_type_missing", false, { "\"tcbType\":0,", "" }, 0, MALFORMED },
	{ "tcb_type_1", false, { "\"tcbType\":0", "\"tcbType\":1" }, 0, MALFORMED },
	{ "evaluation_missing", false, { "\"tcbEvaluationDataNumber\"", "\"x\"" }, 0, MALFORMED },
	{ "evaluation_over_32_bits", false, { "\"tcbEvaluationDataNumber\":", "\"tcbEvaluationDataNumber\":4294967296,\"x\":" }, 0, MALFORMED },
	{ "component_256", false, { "{\"svn\":2}", "{\"svn\":256}" }, 0, MALFORMED },
	{ "component_255_is_above_ours", false, { "{\"svn\":2}", "{\"svn\":255}" }, 0, "tcb-status-not-accepted" },
	{ "fifteen_components", false, { "{\"svn\":2},", "" }, 0, MALFORMED },
	{ "seventeen_components", false, { "{\"svn\":2},", "{\"svn\":2},{\"svn\":0}," }, 0, MALFORMED },
	{ "component_without_svn", false, { "{\"svn\":2}", "{\"snv\":2}" }, 0, MALFORMED },
	{ "pcesvn_missing", false, { "\"pcesvn\":11", "\"pcesnv\":11" }, 0, MALFORMED },
	{ "pcesvn_65536", false, { "\"pcesvn\":11", "\"pcesvn\":65536" }, 0, MALFORMED },
	{ "levels_missing", false, { "\"tcbLevels\":[{\"tcb\":{\"sgx", "\"tcbLevelz\":[{\"tcb\":{\"sgx" }, 0, MALFORMED },
	{ "two_levels_of_the_same_svns", false, { "\"pcesvn\":5", "\"pcesvn\":11" }, 0, MALFORMED },
	{ "status_missing", false, { "\"tcbStatus\":\"OutOfDate\",\"advisoryIDs\"", "\"advisoryIDs\"" }, 0, MALFORMED },
	{ "status_of_old_level_unknown", false, { "\"tcbStatus\":\"OutOfDate\",\"advisoryIDs\"", "\"tcbStatus\":\"Outdated\",\"advisoryIDs\"" }, 0, "tcb-status-unrecognized" },
	{ "advisories_no_list", false, { "[\"INTEL-SA-00837\"]", "\"INTEL-SA-00837\"" }, 0, MALFORMED },
	{ "advisory_no_text", false, { "[\"INTEL-SA-00837\"]", "[837]" }, 0, MALFORMED },
	{ "unknown_member_accepted", false, { "\"tcbType\":0", "\"tcbType\":0,\"later\":[{}]" }, 0, "ok" },
	{ "module_missing", false, { "\"tdxModule\":", "\"tdxModula\":" }, 0, MALFORMED },
	{ "module_identities_missing", false, { "\"tdxModuleIdentities\":", "\"tdxModuleIdentity\":" }, 0, "tdx-module-mismatch" },
	{ "module_identities_empty", false, { "\"tdxModuleIdentities\":", "\"tdxModuleIdentities\":[],\"x\":" }, 0, "tdx-module-mismatch" },
	/* words of a platform that a module or an enclave never has */
	{ "module_needs_hardening", false, { "\"isvsvn\":4},\"tcbDate\":\"2025-05-14T00:00:00Z\",\"tcbStatus\":\"UpToDate\"", "\"isvsvn\":4},\"tcbDate\":\"2025-05-14T00:00:00Z\",\"tcbStatus\":\"SWHardeningNeeded\"" }, 0, "tcb-status-unrecognized" },
	{ "module_needs_configuration", false, { "\"isvsvn\":4},\"tcbDate\":\"2025-05-14T00:00:00Z\",\"tcbStatus\":\"UpToDate\"", "\"isvsvn\":4},\"tcbDate\":\"2025-05-14T00:00:00Z\",\"tcbStatus\":\"ConfigurationNeeded\"" }, 0, "tcb-status-unrecognized" },
	{ "qe_needs_configuration_is_out_of_date", true, { "\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"ConfigurationNeeded\"" }, 0, "tcb-status-not-accepted" },
	{ "qe_out_of_date_configuration_is_out_of_date", true, { "\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"OutOfDateConfigurationNeeded\"" }, 0, "tcb-status-not-accepted" },
	{ "qe_needs_hardening", true, { "\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"SWHardeningNeeded\"" }, 0, "tcb-status-unrecognized" },
	{ "qe_needs_both", true, { "\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"ConfigurationAndSWHardeningNeeded\"" }, 0, "tcb-status-unrecognized" },
	{ "module_id_not_of_its_form", false, { "\"id\":\"TDX_", "\"id\":\"TDX-" }, 0, MALFORMED },
	{ "module_id_in_small_letters_accepted", false, { "\"id\":\"TDX_", "\"id\":\"tdx_" }, 0, "ok" },
	{ "qe_version_1", true, { "\"version\":2", "\"version\":1" }, 0, MALFORMED },
	{ "qe_version_3", true, { "\"version\":2", "\"version\":3" }, 0, MALFORMED },
	{ "qe_id_unknown", true, { "\"id\":\"TD_QE\"", "\"id\":\"QVE\"" }, 0, MALFORMED },
	{ "qe_id_missing", true, { "\"id\":\"TD_QE\",", "" }, 0, MALFORMED },
	{ "qe_issue_date_missing", true, { "\"issueDate\"", "\"issued\"" }, 0, MALFORMED },
	{ "qe_next_update_missing", true, { "\"nextUpdate\"", "\"next\"" }, 0, MALFORMED },
	{ "qe_evaluation_missing", true, { "\"tcbEvaluationDataNumber\"", "\"x\"" }, 0, MALFORMED },
	{ "qe_miscselect_missing", true, { "\"miscselect\"", "\"x\"" }, 0, MALFORMED },
	{ "qe_miscselect_mask_short", true, { "\"miscselectMask\":\"FF", "\"miscselectMask\":\"" }, 0, MALFORMED },
	{ "qe_attributes_missing", true, { "\"attributes\"", "\"x\"" }, 0, MALFORMED },
	{ "qe_attributes_mask_missing", true, { "\"attributesMask\"", "\"x\"" }, 0, MALFORMED },
	{ "qe_mrsigner_missing", true, { "\"mrsigner\"", "\"x\"" }, 0, MALFORMED },
	{ "qe_isvprodid_65536", true, { "\"isvprodid\":2", "\"isvprodid\":65536" }, 0, MALFORMED },
	{ "qe_levels_missing", true, { "\"tcbLevels\"", "\"x\"" }, 0, MALFORMED },
	{ "qe_isvsvn_65536", true, { "\"isvsvn\":", "\"isvsvn\":65536,\"x\":" }, 0, MALFORMED },
	{ "qe_isvsvn_equal_accepted", true, { "\"isvsvn\":", "\"isvsvn\":6,\"x\":" }, 0, "ok" },
	{ "qe_isvsvn_one_above_ours", true, { "\"isvsvn\":", "\"isvsvn\":7,\"x\":" }, 0, "qe-tcb-not-supported" },
	{ "qe_two_levels_of_one_svn", true, { "\"tcbLevels\":[", "\"tcbLevels\":[{\"tcb\":{\"isvsvn\":4},\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}," }, 0, MALFORMED },
};
/* clang-format on */

static void add_member(struct wr *w, const char *key, struct span object)
{
	wr_printf(w, "\"%s\":", key);
	wr_bytes(w, object);
}

static void frame_document(struct wr *w, enum frame f, const char *key, struct span object,
			   const struct p256_signature *sig)
{
	if (f == FRAME_BOM)
		wr_str(w, "\xef\xbb\xbf");
	wr_str(w, f == FRAME_WHITE_AROUND ? " \n{ " : "{");
	if (f == FRAME_SIGNATURE_FIRST) {
		add_signature(w, sig, false);
		wr_str(w, ",");
	}
	if (f == FRAME_WHITE_INSIDE) {
		wr_printf(w, "\"%s\":{ ", key);
		wr_bytes(w, span_of(object.p + 1, object.n - 1));
	} else {
		add_member(w, key, object);
	}
	if (f == FRAME_OBJECT_TWICE) {
		wr_str(w, ",");
		add_member(w, key, object);
	}
	if (f == FRAME_OTHER_MEMBER)
		wr_str(w, ",\"x\":1");
	if (f != FRAME_SIGNATURE_FIRST && f != FRAME_NO_SIGNATURE) {
		wr_str(w, f == FRAME_WHITE_AROUND ? " ,\r\n" : ",");
		add_signature(w, sig, f == FRAME_UPPER_HEX);
	}
	if (f == FRAME_SIGNATURE_TWICE) {
		wr_str(w, ",");
		add_signature(w, sig, false);
	}
	wr_str(w, f == FRAME_WHITE_AROUND ? "\t}\n" : "}");
	if (f == FRAME_TRAILING)
		wr_str(w, "{}");
}

static struct span make_document(struct wr *w, const struct world *world,
				 const struct collateral_files *docs,
				 const struct document_case *c)
{
	const char *key = c->is_qe ? "enclaveIdentity" : "tcbInfo";
	struct span text = buf_span(c->is_qe ? &docs->qe_identity : &docs->tcb_info);
	struct span other = buf_span(c->is_qe ? &docs->tcb_info : &docs->qe_identity);
	uint8_t room[32 * 1024];
	struct wr object = WR_ARRAY(room);
	struct p256_signature sig = { 0 };

	add_edited(&object, object_of(text, key), &c->edit);
	assert_false(object.over);
	if (c->frame == FRAME_OTHERS_SIGNATURE)
		p256_sign(world->pki.key[SIM_KEY_SIGNER], &sig,
			  object_of(other, c->is_qe ? "tcbInfo" : "enclaveIdentity"));
	else if (c->frame != FRAME_ZERO_SIGNATURE)
		p256_sign(world->pki.key[SIM_KEY_SIGNER], &sig, wr_span(&object));
	frame_document(w, c->frame, key, wr_span(&object), &sig);
	assert_false(w->over);
	return wr_span(w);
}

static void each_document_gets_its_reason(void **state)
{
	const struct world *w = *state;
	struct set s;
	int failed = 0;

	set_make(&s, w, NULL);
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		struct tee_collateral c = collateral_view(&s.docs);
		uint8_t room[64 * 1024];
		struct wr text = WR_ARRAY(room);
		struct tee_verdict v;
		struct span made = make_document(&text, w, &s.docs, &documents[i]);

		*(documents[i].is_qe ? &c.qe_identity : &c.tcb_info) = made;
		failed += differs(documents[i].name, judge(&v, w, buf_span(&s.quote), &c),
				  documents[i].want, &v);
		assert_int_equal(v.reason == TEE_OK, v.detail[0] == '\0');
	}
	assert_int_equal(failed, 0);
	set_fini(&s);
}

/* x 25, 26: what is only large is refused, soon. */
static void large_documents_cost_no_time(void **state)
{
	const struct world *w = *state;
	char *text = mem_new(TEXT_MAX);
	struct tee_collateral c;
	struct tee_verdict v;
	struct set s;
	clock_t from;

	set_make(&s, w, NULL);
	c = collateral_view(&s.docs);
	for (int deep = 0; deep < 2; deep++) {
		struct wr t = wr_over((uint8_t *)text, TEXT_MAX);

		wr_str(&t, "{\"tcbInfo\":{\"x\":");
		for (int i = 0; i < 100'000; i++)
			wr_str(&t, deep ? "[" : i ? ",1"
						  : "[1");
		wr_str(&t, "]}}");
		c.tcb_info = wr_span(&t);
		from = clock();
		assert_string_equal(judge(&v, w, buf_span(&s.quote), &c), MALFORMED);
		assert_true(clock() - from < CLOCKS_PER_SEC / 2);
	}
	free(text);
	set_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_document_gets_its_reason),
		cmocka_unit_test(large_documents_cost_no_time),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
