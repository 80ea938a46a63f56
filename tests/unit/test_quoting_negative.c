/*
 * What a verifier must refuse though it is signed: quotes and documents of the
 * simulated platform with one thing changed and signed again by the right key.
 *
 * "dq n" is case n of the sample suite of dcap-qvl, "x n" a case neither that
 * nor Intel's library tests.  Those not here are in test_quoting_verify (knobs
 * of the simulator), test_quoting_resigned (authentication data),
 * test_tee_tcb (merging, Intel's truth table) and test_tee_verify (real
 * quotes: every truncation, every byte, documents in each other's place).
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "pki/pem.h"
#include "quoting/collateral_dir.h"
#include "quoting/sim_docs.h"
#include "quoting/sim_quote.h"
#include "tee/policy.h"
#include "tee/verify.h"

enum {
	NOW = 1'800'000'000,
	TEXT_MAX = 300 * 1024,
	OLD_MODULE = 3, /* ISVSVN of a module that is OutOfDate */
	EDITS_MAX = 3,
	/* places in a v4 quote (Intel TDX DCAP Quoting Library API, A.3) */
	V4_SVN = 48,
	V4_ATTRIBUTES = 168,
	V4_AUTH_SIZE = 632,
	V4_KEY = 700,
	V4_OUTER_TYPE = 764,
	V4_OUTER_SIZE = 766,
	V4_AUTH_DATA_LEN = 1218,
	V4_INNER_TYPE = 1252,
	V4_INNER_SIZE = 1254,
	V5_BODY_TYPE = 48,
	V5_BODY_SIZE = 50,
	V5_SVN = 54,
	V5_SVN2 = 54 + 584,
	/* places in an enclave report */
	REPORT_MISC = 16,
	REPORT_ATTRIBUTES = 48,
};

static const uint8_t report_data[64] = "what the quote is over";

struct world {
	struct sim_pki pki;
	struct tee_anchor anchor;
	struct sim_td td;
};

static int setup(void **state)
{
	static struct world w;

	assert_int_equal(sim_pki_generate(&w.pki, NULL, NOW), RC_OK);
	sim_pki_anchor(&w.anchor, &w.pki);
	sim_td_launch(&w.td, "base", NULL);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	sim_pki_fini(&w->pki);
	return 0;
}

static const char *judge(struct tee_verdict *v, const struct world *w, struct span quote,
			 const struct tee_collateral *c)
{
	static const struct tee_policy all = {
		.accepts_status = { [TCB_UP_TO_DATE] = true },
	};

	tee_verify(v, &(struct tee_input){
			      .quote = quote,
			      .collateral = c,
			      .anchors = &w->anchor,
			      .anchor_count = 1,
			      .policy = &all,
			      .at = NOW,
		      });
	return tee_reason_name(v->reason);
}

static int differs(const char *name, const char *got, const char *want, const struct tee_verdict *v)
{
	if (strcmp(got, want) == 0)
		return 0;
	print_message("%s: got %s (%s), want %s\n", name, got, v->detail, want);
	return 1;
}

/* Documents: the signed object edited as text and signed again. */
struct edit {
	const char *find, *put; /* the first of them; put NULL: every one goes */
};

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

static void add_edited(struct wr *w, struct span text, const struct edit *e)
{
	const uint8_t *at;
	size_t find;

	if (!e->find) {
		wr_bytes(w, text);
		return;
	}
	find = strlen(e->find);
	at = memmem(text.p, text.n, e->find, find);
	if (!at)
		fail_msg("not there: %s", e->find);
	wr_bytes(w, span_of(text.p, (size_t)(at - text.p)));
	wr_str(w, e->put);
	at += find;
	wr_bytes(w, span_of(at, text.n - (size_t)(at - text.p)));
}

/* The object of a document as the simulator prints it. */
static struct span object_of(struct span text, const char *key)
{
	size_t head = strlen(key) + 4, tail = sizeof(",\"signature\":\"\"}") - 1 + 128;

	return span_of(text.p + head, text.n - head - tail);
}

static void add_signature(struct wr *w, const struct p256_signature *sig, bool upper)
{
	wr_str(w, "\"signature\":\"");
	for (size_t i = 0; i < sizeof(sig->rs); i++)
		wr_printf(w, upper ? "%02X" : "%02x", sig->rs[i]);
	wr_str(w, "\"");
}

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

/* The platform's quote and documents, both in good order but for the knobs. */
struct set {
	struct collateral_files docs;
	struct buf quote;
};

static void set_make(struct set *s, const struct world *w, const struct sim_knobs *k)
{
	buf_init(&s->quote, QUOTE_MAX);
	assert_int_equal(sim_docs_make(&s->docs, &w->pki, k, NOW), RC_OK);
	assert_int_equal(sim_quote(&s->quote, &w->pki, &w->td, report_data, k), RC_OK);
}

static void set_fini(struct set *s)
{
	collateral_fini(&s->docs);
	buf_fini(&s->quote);
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

/* Quotes: bytes changed before signing, or after it. */
struct byte {
	size_t at;
	uint8_t mask, value; /* (old & ~mask) | value; mask 0: none */
};

static const struct quote_case {
	const char *name;
	struct sim_knobs knobs;
	struct byte report[EDITS_MAX]; /* of the QE report, signed again */
	struct byte signed_bytes[EDITS_MAX]; /* header and body, signed again */
	struct byte after[EDITS_MAX]; /* of the quote as it is sent */
	size_t cut; /* bytes left; 0: all */
	const char *want;
	enum tee_tcb_status status;
} quotes[] = {
#define SET(at, value) \
	{ \
		at, 0xff, value \
	}
#define SIGNED(...) .signed_bytes = { __VA_ARGS__ }
#define AFTER(...) .after = { __VA_ARGS__ }
	/* clang-format off */
	{ "unchanged_accepted", .want = "ok", .status = TCB_UP_TO_DATE },
	/* dq 2, 4 */
	{ "sgx_in_version_4", SIGNED(SET(4, 0)), .want = "quote-tee-type-unsupported" },
	{ "version_5_in_the_layout_of_4", SIGNED(SET(0, 5)), .want = "quote-body-mismatch" },
	/* dq 10, 11 */
	{ "protection_keys_accepted", SIGNED({ V4_ATTRIBUTES + 3, 0x40, 0x40 }), .want = "ok", .status = TCB_UP_TO_DATE },
	{ "key_locker_accepted", SIGNED({ V4_ATTRIBUTES + 3, 0x80, 0x80 }), .want = "ok", .status = TCB_UP_TO_DATE },
	/* dq 14 to 22 */
	{ "four_bytes", .cut = 4, .want = "quote-too-short" },
	{ "version_0", SIGNED(SET(0, 0)), .want = "quote-version-unsupported" },
	{ "version_1", SIGNED(SET(0, 1)), .want = "quote-version-unsupported" },
	{ "version_2", SIGNED(SET(0, 2)), .want = "quote-version-unsupported" },
	{ "version_6", SIGNED(SET(0, 6)), .want = "quote-version-unsupported" },
	{ "version_255", SIGNED(SET(0, 255)), .want = "quote-version-unsupported" },
	{ "version_260", SIGNED(SET(1, 1)), .want = "quote-version-unsupported" },
	{ "key_type_0", SIGNED(SET(2, 0)), .want = "quote-key-type-unsupported" },
	{ "key_type_1", SIGNED(SET(2, 1)), .want = "quote-key-type-unsupported" },
	{ "key_type_3", SIGNED(SET(2, 3)), .want = "quote-key-type-unsupported" },
	{ "key_type_255", SIGNED(SET(2, 255)), .want = "quote-key-type-unsupported" },
	/* dq 44 to 46, from the report's side */
	{ "qe_report_miscselect", .report = { SET(REPORT_MISC, 1) }, .want = "qe-identity-mismatch" },
	{ "qe_report_attributes", .report = { { REPORT_ATTRIBUTES, 0x20, 0x20 } }, .want = "qe-identity-mismatch" },
	{ "qe_report_attribute_outside_mask_accepted", .report = { { REPORT_ATTRIBUTES, 0x04, 0x04 } }, .want = "ok", .status = TCB_UP_TO_DATE },
	/* Intel: v5 descriptor */
	{ "body_type_of_an_enclave", { .quote = { .version = 5 } }, SIGNED(SET(V5_BODY_TYPE, 1)), .want = "quote-body-mismatch" },
	{ "body_type_4", { .quote = { .version = 5 } }, SIGNED(SET(V5_BODY_TYPE, 4)), .want = "quote-body-mismatch" },
	{ "body_type_of_1_5_with_size_of_1_0", { .quote = { .version = 5 } }, SIGNED(SET(V5_BODY_TYPE, 3)), .want = "quote-body-mismatch" },
	{ "body_size_one_more", { .quote = { .version = 5 } }, SIGNED({ V5_BODY_SIZE, 0x01, 0x01 }), .want = "quote-body-mismatch" },
	{ "body_size_huge", { .quote = { .version = 5 } }, SIGNED(SET(V5_BODY_SIZE + 3, 0xff)), .want = "quote-body-mismatch" },
	/* Intel: sizes that do not tile; x 18, 19 */
	{ "auth_size_one_less", AFTER({ V4_AUTH_SIZE, 0x01, 0x00 }, { V4_AUTH_SIZE + 1, 0xff, 0x00 }), .want = "quote-auth-size" },
	{ "auth_size_4_gib", AFTER(SET(V4_AUTH_SIZE + 3, 0xff)), .want = "quote-too-short" },
	{ "outer_type_5", AFTER(SET(V4_OUTER_TYPE, 5)), .want = "quote-certification-type" },
	{ "outer_size_4_gib", AFTER(SET(V4_OUTER_SIZE + 3, 0xff)), .want = "quote-auth-size" },
	{ "auth_data_64_kib", AFTER(SET(V4_AUTH_DATA_LEN, 0xff), SET(V4_AUTH_DATA_LEN + 1, 0xff)), .want = "quote-auth-size" },
	{ "inner_size_4_gib", AFTER(SET(V4_INNER_SIZE + 3, 0xff)), .want = "quote-auth-size" },
	{ "inner_type_0", AFTER(SET(V4_INNER_TYPE, 0)), .want = "quote-certification-type" },
	{ "inner_type_6", AFTER(SET(V4_INNER_TYPE, 6)), .want = "quote-certification-type" },
	{ "inner_type_7", AFTER(SET(V4_INNER_TYPE, 7)), .want = "quote-certification-type" },
	{ "inner_type_8", AFTER(SET(V4_INNER_TYPE, 8)), .want = "quote-certification-type" },
	/* x 29: a module of its own identity skips components 0 and 1 */
	{ "module_below_a_component_of_the_level_accepted", SIGNED(SET(V4_SVN, 4)), .want = "ok", .status = TCB_UP_TO_DATE },
	{ "module_of_an_old_level", SIGNED(SET(V4_SVN, 3)), .want = "tcb-status-not-accepted", .status = TCB_OUT_OF_DATE },
	{ "module_03_03_is_not_known", SIGNED(SET(V4_SVN, 3), SET(V4_SVN + 1, 3)), .want = "tdx-module-mismatch" },
	/* statuses end to end */
	{ "configuration_needed", { .docs = { .tcb_status = "ConfigurationNeeded" } }, .want = "tcb-status-not-accepted", .status = TCB_CONFIGURATION_NEEDED },
	{ "configuration_and_hardening", { .docs = { .tcb_status = "ConfigurationAndSWHardeningNeeded" } }, .want = "tcb-status-not-accepted", .status = TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED },
	{ "configuration_and_module_behind", { .docs = { .tcb_status = "ConfigurationNeeded", .module_status = "OutOfDate" } }, .want = "tcb-status-not-accepted", .status = TCB_OUT_OF_DATE_CONFIGURATION_NEEDED },
	{ "configuration_and_qe_behind", { .docs = { .tcb_status = "ConfigurationNeeded", .qe_status = "OutOfDate" } }, .want = "tcb-status-not-accepted", .status = TCB_OUT_OF_DATE_CONFIGURATION_NEEDED },
	{ "out_of_date_configuration", { .docs = { .tcb_status = "OutOfDateConfigurationNeeded" } }, .want = "tcb-status-not-accepted", .status = TCB_OUT_OF_DATE_CONFIGURATION_NEEDED },
	/* clang-format on */
};

static void apply(uint8_t *bytes, size_t n, const struct byte *edits)
{
	for (size_t i = 0; i < EDITS_MAX && edits[i].mask; i++) {
		assert_true(edits[i].at < n);
		bytes[edits[i].at] = (uint8_t)((bytes[edits[i].at] & ~edits[i].mask) |
					       edits[i].value);
	}
}

/* The quote with the row's changes, each part signed again by its key. */
static struct span make_quote(uint8_t *out, const struct world *w, struct span from,
			      const struct quote_case *c)
{
	struct p256_signature sig;
	struct quote q;
	size_t report, body;

	assert_int_equal(quote_parse(&q, from), TEE_OK);
	memcpy(out, from.p, from.n);
	report = (size_t)(q.qe_report.raw.p - from.p);
	body = q.signed_region.n;
	apply(out + report, q.qe_report.raw.n, c->report);
	p256_sign(w->pki.key[SIM_KEY_PCK], &sig, span_of(out + report, q.qe_report.raw.n));
	memcpy(out + (q.qe_report_signature.p - from.p), sig.rs, sizeof(sig.rs));
	apply(out, body, c->signed_bytes);
	p256_sign(w->pki.key[SIM_KEY_ATTESTATION], &sig, span_of(out, body));
	memcpy(out + (q.signature.p - from.p), sig.rs, sizeof(sig.rs));
	apply(out, from.n, c->after);
	return span_of(out, c->cut ? c->cut : from.n);
}

static void each_quote_gets_its_reason(void **state)
{
	const struct world *w = *state;
	int failed = 0;

	for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++) {
		uint8_t room[QUOTE_MAX];
		struct tee_collateral c;
		struct tee_verdict v;
		struct set s;

		set_make(&s, w, &quotes[i].knobs);
		c = collateral_view(&s.docs);
		failed += differs(quotes[i].name,
				  judge(&v, w,
					make_quote(room, w, buf_span(&s.quote), &quotes[i]),
					&c),
				  quotes[i].want, &v);
		if (v.tcb_status != quotes[i].status) {
			print_message("%s: status %s\n", quotes[i].name,
				      tee_tcb_status_name(v.tcb_status));
			failed++;
		}
		set_fini(&s);
	}
	assert_int_equal(failed, 0);
}

/*
 * The TD was built by a module that is behind, and the one that runs is not:
 * relaunch is advised, with ConfigurationNeeded where the level says so.
 */
static void relaunch_is_advised(void **state)
{
	static const struct {
		const char *name, *platform;
		uint8_t svn, svn2;
		enum tee_tcb_status want;
	} cases[] = {
		{ "old_module_runs_still", NULL, 0, 0, TCB_OUT_OF_DATE },
		{ "new_module_runs", NULL, 0, 1, TCB_TD_RELAUNCH_ADVISED },
		{ "new_module_runs_configuration", "ConfigurationNeeded", 0, 1,
		  TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED },
		{ "built_by_the_new_module", NULL, 1, 1, TCB_UP_TO_DATE },
	};
	const struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct sim_knobs knobs = {
			.quote = { .version = 5, .is_15 = true },
			.docs = { .tcb_status = cases[i].platform },
		};
		struct quote_case c = { 0 };
		uint8_t room[QUOTE_MAX];
		struct tee_collateral view;
		struct tee_verdict v;
		struct set s;
		uint8_t now;

		set_make(&s, w, &knobs);
		now = s.quote.p[V5_SVN];
		view = collateral_view(&s.docs);
		c.signed_bytes[0] =
			(struct byte)SET(V5_SVN, cases[i].svn ? now : OLD_MODULE);
		c.signed_bytes[1] =
			(struct byte)SET(V5_SVN2, cases[i].svn2 ? now : OLD_MODULE);
		(void)judge(&v, w, make_quote(room, w, buf_span(&s.quote), &c), &view);
		print_message("%s: %s (%s)\n", cases[i].name, tee_tcb_status_name(v.tcb_status),
			      v.detail);
		assert_int_equal(v.tcb_status, cases[i].want);
		assert_int_equal(v.reason,
				 cases[i].want == TCB_UP_TO_DATE ? TEE_OK : TEE_TCB_STATUS);
		set_fini(&s);
	}
}

/* x 13, 14; dq 35, 36: keys that are no points, signatures that are none. */
static void keys_and_signatures_of_no_value(void **state)
{
	static const uint8_t order[32] = {
		0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
		0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51
	};
	static const uint8_t prime[32] = {
		0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
	};
	static const uint8_t zero[32], one[32] = { [31] = 1 };
	static const struct {
		const char *name;
		const uint8_t *a, *b; /* the halves; NULL: left as it is */
		enum {
			KEY,
			QUOTE_SIGNATURE,
			QE_SIGNATURE
		} part;
		const char *want;
	} cases[] = {
		{ "point_at_infinity", zero, zero, KEY, "attestation-key-invalid" },
		{ "x_is_the_prime", prime, NULL, KEY, "attestation-key-invalid" },
		{ "y_is_the_prime", NULL, prime, KEY, "attestation-key-invalid" },
		{ "r_zero", zero, NULL, QUOTE_SIGNATURE, "quote-signature-invalid" },
		{ "s_zero", NULL, zero, QUOTE_SIGNATURE, "quote-signature-invalid" },
		{ "both_zero", zero, zero, QUOTE_SIGNATURE, "quote-signature-invalid" },
		{ "both_one", one, one, QUOTE_SIGNATURE, "quote-signature-invalid" },
		{ "r_is_the_order", order, NULL, QUOTE_SIGNATURE, "quote-signature-invalid" },
		{ "s_is_the_order", NULL, order, QUOTE_SIGNATURE, "quote-signature-invalid" },
		{ "qe_both_zero", zero, zero, QE_SIGNATURE, "qe-report-signature-invalid" },
		{ "qe_r_is_the_order", order, NULL, QE_SIGNATURE, "qe-report-signature-invalid" },
	};
	const struct world *w = *state;
	struct set s;

	set_make(&s, w, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct tee_collateral c = collateral_view(&s.docs);
		struct span from = buf_span(&s.quote), part;
		uint8_t bytes[QUOTE_MAX];
		struct p256_signature sig;
		struct tee_verdict v;
		struct quote q;
		uint8_t *at;

		assert_int_equal(quote_parse(&q, from), TEE_OK);
		memcpy(bytes, from.p, from.n);
		part = cases[i].part == KEY	       ? q.attestation_key
		       : cases[i].part == QE_SIGNATURE ? q.qe_report_signature
						       : q.signature;
		at = bytes + (part.p - from.p);
		if (cases[i].a)
			memcpy(at, cases[i].a, 32);
		if (cases[i].b)
			memcpy(at + 32, cases[i].b, 32);
		if (cases[i].part == KEY) {
			/* the QE vouches for this key */
			struct span bound[] = { span_of(at, 64), q.qe_auth_data };
			size_t report = (size_t)(q.qe_report.raw.p - from.p);
			struct sha256 hash;

			sha256_parts(&hash, bound, 2);
			memcpy(bytes + report + 320, hash.b, 32);
			p256_sign(w->pki.key[SIM_KEY_PCK], &sig,
				  span_of(bytes + report, q.qe_report.raw.n));
			memcpy(bytes + (q.qe_report_signature.p - from.p), sig.rs, 64);
		}
		print_message("%s\n", cases[i].name);
		assert_string_equal(judge(&v, w, span_of(bytes, from.n), &c), cases[i].want);
	}
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

/* x 8, 9; dq 30, 31, 53, 54: certificates in roles that are not theirs. */
static void certificates_in_other_roles(void **state)
{
	const struct world *w = *state;
	const struct {
		const char *name;
		enum sim_cert first, second; /* SIM_CERT_COUNT: none */
		const char *want;
	} cases[] = {
		{ "empty", SIM_CERT_COUNT, SIM_CERT_COUNT, "collateral-missing" },
		{ "signer_alone", SIM_CERT_SIGNER, SIM_CERT_COUNT, "tcb-signer-chain-invalid" },
		{ "root_alone", SIM_CERT_ROOT, SIM_CERT_COUNT, "tcb-signer-chain-invalid" },
		{ "root_twice", SIM_CERT_ROOT, SIM_CERT_ROOT, "tcb-signer-chain-invalid" },
		{ "ca_as_signer", SIM_CERT_CA, SIM_CERT_ROOT, "tcb-signer-chain-invalid" },
		{ "pck_as_signer", SIM_CERT_PCK, SIM_CERT_ROOT, "tcb-signer-chain-invalid" },
		{ "ca_as_root", SIM_CERT_SIGNER, SIM_CERT_CA, "root-untrusted" },
		{ "root_first_accepted", SIM_CERT_ROOT, SIM_CERT_SIGNER, "ok" },
	};
	struct set s;

	set_make(&s, w, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int is_qe = 0; is_qe < 2; is_qe++) {
			struct tee_collateral c = collateral_view(&s.docs);
			const char *want = cases[i].want;
			struct tee_verdict v;
			struct buf pem;

			buf_init(&pem, 8192);
			if (cases[i].first != SIM_CERT_COUNT)
				assert_int_equal(sim_pki_pem(&pem, &w->pki, cases[i].first), RC_OK);
			if (cases[i].second != SIM_CERT_COUNT)
				assert_int_equal(sim_pki_pem(&pem, &w->pki, cases[i].second),
						 RC_OK);
			*(is_qe ? &c.qe_identity_chain : &c.tcb_info_chain) = buf_span(&pem);
			print_message("%s %d\n", cases[i].name, is_qe);
			assert_string_equal(judge(&v, w, buf_span(&s.quote), &c), want);
			buf_fini(&pem);
		}
	}
	set_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_document_gets_its_reason),
		cmocka_unit_test(each_quote_gets_its_reason),
		cmocka_unit_test(relaunch_is_advised),
		cmocka_unit_test(keys_and_signatures_of_no_value),
		cmocka_unit_test(large_documents_cost_no_time),
		cmocka_unit_test(certificates_in_other_roles),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
