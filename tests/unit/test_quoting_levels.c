/*
 * TCB levels and TDX module identities of documents made for the purpose, and
 * what of them evaluation numbers tell: the same platform before early and
 * standard collateral.
 *
 * "x n", "qvl": see test_quoting_documents.c.
 */
#include "unit.h"

#include <stdio.h>

#include "sim_world.h"

enum {
	V4_SVN = 48, /* TEE_TCB_SVN in a quote of version 4 */
	V4_SIGNER_SEAM = 112,
	LEVELS_MAX = 3,
	MODULES_MAX = 3,
};

struct level {
	uint8_t sgx0; /* of component 1; the others are what we have; 0: none */
	uint16_t pce_svn;
	uint8_t tdx[3];
	const char *status;
};

struct module {
	const char *id;
	uint8_t signer; /* first byte of MRSIGNER */
	uint16_t svn[2]; /* UpToDate, OutOfDate; 0: no such level */
};

static void put_components(struct wr *w, const char *key, const uint8_t svn[16])
{
	wr_printf(w, "\"%s\":[", key);
	for (size_t i = 0; i < 16; i++)
		wr_printf(w, "%s{\"svn\":%u}", i ? "," : "", svn[i]);
	wr_str(w, "]");
}

static void put_level(struct wr *w, const struct level *l)
{
	const uint8_t sgx[16] = { l->sgx0, 3, 2, 2, 3, 1, 0, 5 };
	uint8_t tdx[16] = { 0 };

	memcpy(tdx, l->tdx, sizeof(l->tdx));
	wr_str(w, "{\"tcb\":{");
	put_components(w, "sgxtcbcomponents", sgx);
	wr_printf(w, ",\"pcesvn\":%u,", l->pce_svn);
	put_components(w, "tdxtcbcomponents", tdx);
	wr_printf(w, "},\"tcbDate\":\"2025-05-14T00:00:00Z\",\"tcbStatus\":\"%s\"}", l->status);
}

static void put_module_form(struct wr *w, uint8_t signer)
{
	wr_printf(w, "\"mrsigner\":\"%02x", signer);
	for (int i = 1; i < QUOTE_MR_LEN; i++)
		wr_str(w, "00");
	wr_str(w, "\",\"attributes\":\"0000000000000000\","
		  "\"attributesMask\":\"FFFFFFFFFFFFFFFF\"");
}

static void put_module(struct wr *w, const struct module *m)
{
	static const char *const words[] = { "UpToDate", "OutOfDate" };
	bool is_first = true;

	wr_printf(w, "{\"id\":\"%s\",", m->id);
	put_module_form(w, m->signer);
	wr_str(w, ",\"tcbLevels\":[");
	for (size_t i = 0; i < 2; i++) {
		if (!m->svn[i])
			continue;
		wr_printf(w,
			  "%s{\"tcb\":{\"isvsvn\":%u},\"tcbDate\":\"2025-05-14T00:00:00Z\","
			  "\"tcbStatus\":\"%s\"}",
			  is_first ? "" : ",", m->svn[i], words[i]);
		is_first = false;
	}
	wr_str(w, "]}");
}

static struct span tcb_info(struct wr *w, unsigned evaluation, const struct level *levels,
			    const struct module *modules)
{
	struct span object;

	wr_printf(w,
		  "{\"id\":\"TDX\",\"version\":3,\"issueDate\":\"2027-01-15T00:00:00Z\","
		  "\"nextUpdate\":\"2027-02-14T00:00:00Z\",\"fmspc\":\"53494D000000\","
		  "\"pceId\":\"0000\",\"tcbType\":0,\"tcbEvaluationDataNumber\":%u,"
		  "\"tdxModule\":{",
		  evaluation);
	put_module_form(w, 0);
	wr_str(w, "},\"tdxModuleIdentities\":[");
	for (size_t i = 0; i < MODULES_MAX && modules[i].id; i++) {
		wr_str(w, i ? "," : "");
		put_module(w, &modules[i]);
	}
	wr_str(w, "],\"tcbLevels\":[");
	for (size_t i = 0; i < LEVELS_MAX && levels[i].sgx0; i++) {
		wr_str(w, i ? "," : "");
		put_level(w, &levels[i]);
	}
	wr_str(w, "]}");
	assert_true(wr_done(w, &object));
	return object;
}

/* The platform: component 1 is 3, PCESVN 11. */
#define OLD \
	{ \
		1, 5, { 0, 0, 0 }, "OutOfDate" \
	}
#define ONE \
	{ \
		"TDX_01", 0, \
		{ \
			4, 2 \
		} \
	}
#define THREE \
	{ \
		"TDX_03", 0, \
		{ \
			3, 1 \
		} \
	}

/* clang-format off */
static const struct {
	const char *name;
	uint8_t svn[3]; /* the TD's; 0: 5, 1, 2 */
	uint8_t signer; /* first byte of MRSIGNERSEAM */
	struct level levels[LEVELS_MAX];
	struct module modules[MODULES_MAX];
	const char *want;
	enum tee_tcb_status status;
} cases[] = {
	/* qvl: fall to the lower level, whatever it says */
	{ "all_reached", .levels = { { 3, 11, { 5, 0, 2 }, "UpToDate" }, OLD }, .modules = { ONE }, .want = "ok", .status = TCB_UP_TO_DATE },
	{ "lower_level_up_to_date", .levels = { { 4, 11, { 0 }, "UpToDate" }, { 3, 11, { 0 }, "UpToDate" } }, .modules = { ONE }, .want = "ok", .status = TCB_UP_TO_DATE },
	{ "lower_level_hardening", .levels = { { 4, 11, { 0 }, "UpToDate" }, { 3, 11, { 0 }, "SWHardeningNeeded" } }, .modules = { ONE }, .want = "tcb-status-not-accepted", .status = TCB_SW_HARDENING_NEEDED },
	{ "lower_level_configuration", .levels = { { 4, 11, { 0 }, "UpToDate" }, { 3, 11, { 0 }, "ConfigurationNeeded" } }, .modules = { ONE }, .want = "tcb-status-not-accepted", .status = TCB_CONFIGURATION_NEEDED },
	{ "lower_level_both", .levels = { { 4, 11, { 0 }, "UpToDate" }, { 3, 11, { 0 }, "ConfigurationAndSWHardeningNeeded" } }, .modules = { ONE }, .want = "tcb-status-not-accepted", .status = TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED },
	{ "lower_level_out_of_date", .levels = { { 4, 11, { 0 }, "UpToDate" }, { 3, 11, { 0 }, "OutOfDate" } }, .modules = { ONE }, .want = "tcb-status-not-accepted", .status = TCB_OUT_OF_DATE },
	{ "lower_level_out_of_date_configuration", .levels = { { 4, 11, { 0 }, "UpToDate" }, { 3, 11, { 0 }, "OutOfDateConfigurationNeeded" } }, .modules = { ONE }, .want = "tcb-status-not-accepted", .status = TCB_OUT_OF_DATE_CONFIGURATION_NEEDED },
	{ "lower_level_revoked", .levels = { { 4, 11, { 0 }, "UpToDate" }, { 3, 11, { 0 }, "Revoked" } }, .modules = { ONE }, .want = "tcb-revoked", .status = TCB_REVOKED },
	{ "upper_level_revoked_and_reached", .levels = { { 3, 11, { 0 }, "Revoked" }, OLD }, .modules = { ONE }, .want = "tcb-revoked", .status = TCB_REVOKED },
	{ "upper_level_revoked_and_not_reached", .levels = { { 4, 11, { 0 }, "Revoked" }, { 3, 11, { 0 }, "UpToDate" } }, .modules = { ONE }, .want = "ok", .status = TCB_UP_TO_DATE },
	/* qvl: one number higher or lower */
	{ "only_the_pcesvn_higher", .levels = { { 3, 10, { 0 }, "UpToDate" }, OLD }, .modules = { ONE }, .want = "ok", .status = TCB_UP_TO_DATE },
	{ "only_the_pcesvn_lower", .levels = { { 3, 12, { 0 }, "UpToDate" }, OLD }, .modules = { ONE }, .want = "tcb-status-not-accepted", .status = TCB_OUT_OF_DATE },
	{ "only_a_component_lower", .levels = { { 4, 11, { 0 }, "UpToDate" }, OLD }, .modules = { ONE }, .want = "tcb-status-not-accepted", .status = TCB_OUT_OF_DATE },
	{ "pcesvn_makes_up_for_nothing", .levels = { { 4, 1, { 0 }, "UpToDate" } }, .modules = { ONE }, .want = "tcb-level-not-supported" },
	{ "a_component_makes_up_for_nothing", .levels = { { 1, 12, { 0 }, "UpToDate" } }, .modules = { ONE }, .want = "tcb-level-not-supported" },
	{ "every_number_of_the_level_higher", .levels = { { 9, 99, { 9, 9, 9 }, "UpToDate" } }, .modules = { ONE }, .want = "tcb-level-not-supported" },
	{ "microcode_behind_falls_to_the_lower_level", .levels = { { 3, 11, { 5, 0, 3 }, "UpToDate" }, { 3, 11, { 5, 0, 2 }, "OutOfDate" } }, .modules = { ONE }, .want = "tcb-status-not-accepted", .status = TCB_OUT_OF_DATE },
	{ "microcode_below_every_level", .levels = { { 3, 11, { 0, 0, 4 }, "UpToDate" }, { 3, 11, { 0, 0, 3 }, "OutOfDate" } }, .modules = { ONE }, .want = "tcb-level-not-supported" },
	/* x 29: a versioned module is told by its identity, not by components 0 and 1 */
	{ "module_03_03_by_its_own_identity", { 3, 3, 2 }, .levels = { { 3, 11, { 5, 0, 2 }, "UpToDate" } }, .modules = { ONE, THREE }, .want = "ok", .status = TCB_UP_TO_DATE },
	{ "module_01_04_by_its_own_identity", { 4, 1, 7 }, .levels = { { 3, 11, { 5, 0, 7 }, "UpToDate" } }, .modules = { ONE, THREE }, .want = "ok", .status = TCB_UP_TO_DATE },
	{ "module_01_02_out_of_date", { 2, 1, 6 }, .levels = { { 3, 11, { 5, 0, 2 }, "UpToDate" } }, .modules = { ONE, THREE }, .want = "tcb-status-not-accepted", .status = TCB_OUT_OF_DATE },
	{ "module_03_01_out_of_date", { 1, 3, 2 }, .levels = { { 3, 11, { 5, 0, 2 }, "UpToDate" } }, .modules = { ONE, THREE }, .want = "tcb-status-not-accepted", .status = TCB_OUT_OF_DATE },
	{ "module_03_00_below_its_levels", { 0, 3, 2 }, .levels = { { 3, 11, { 0 }, "UpToDate" } }, .modules = { ONE, THREE }, .want = "tdx-module-tcb-not-supported" },
	{ "module_02_unknown", { 9, 2, 2 }, .levels = { { 3, 11, { 0 }, "UpToDate" } }, .modules = { ONE, THREE }, .want = "tdx-module-mismatch" },
	{ "module_without_levels", { 9, 2, 2 }, .levels = { { 3, 11, { 0 }, "UpToDate" } }, .modules = { { "TDX_02", 0, { 0 } } }, .want = "tdx-module-tcb-not-supported" },
	{ "module_id_is_hex", { 9, 26, 2 }, .levels = { { 3, 11, { 0 }, "UpToDate" } }, .modules = { ONE, { "TDX_1A", 0, { 9 } } }, .want = "ok", .status = TCB_UP_TO_DATE },
	{ "module_id_in_small_letters", { 9, 26, 2 }, .levels = { { 3, 11, { 0 }, "UpToDate" } }, .modules = { ONE, { "tdx_1a", 0, { 9 } } }, .want = "ok", .status = TCB_UP_TO_DATE },
	{ "module_id_twice_in_two_cases", { 9, 26, 2 }, .levels = { { 3, 11, { 0 }, "UpToDate" } }, .modules = { { "TDX_1A", 0, { 9 } }, { "TDX_1a", 0, { 1 } } }, .want = "collateral-malformed" },
	{ "module_by_the_signer_of_its_identity", { 3, 3, 2 }, .signer = 7, .levels = { { 3, 11, { 0 }, "UpToDate" } }, .modules = { ONE, { "TDX_03", 7, { 3 } } }, .want = "ok", .status = TCB_UP_TO_DATE },
	{ "module_by_the_signer_of_another", { 5, 1, 2 }, .signer = 7, .levels = { { 3, 11, { 0 }, "UpToDate" } }, .modules = { ONE, { "TDX_03", 7, { 3 } } }, .want = "tdx-module-mismatch" },
	/* version 0 has no identity: all sixteen components count */
	{ "module_00_by_all_components", { 5, 0, 2 }, .levels = { { 3, 11, { 5, 0, 2 }, "UpToDate" } }, .want = "ok", .status = TCB_UP_TO_DATE },
	{ "module_00_a_component_behind", { 4, 0, 2 }, .levels = { { 3, 11, { 5, 0, 2 }, "UpToDate" }, { 3, 11, { 4, 0, 2 }, "OutOfDate" } }, .want = "tcb-status-not-accepted", .status = TCB_OUT_OF_DATE },
	{ "module_00_below_every_level", { 3, 0, 2 }, .levels = { { 3, 11, { 5, 0, 2 }, "UpToDate" }, { 3, 11, { 4, 0, 2 }, "OutOfDate" } }, .want = "tcb-level-not-supported" },
};
/* clang-format on */

/* The quote with these SVNs and this signer of its module, signed again. */
static struct span requote(uint8_t *out, const struct world *w, struct span from,
			   const uint8_t svn[3], uint8_t signer)
{
	struct p256_signature sig;
	struct quote q;

	assert_int_equal(quote_parse(&q, from), TEE_OK);
	memcpy(out, from.p, from.n);
	if (svn[0] || svn[1])
		memcpy(out + V4_SVN, svn, 3);
	out[V4_SIGNER_SEAM] = signer;
	p256_sign(w->pki.key[SIM_KEY_ATTESTATION], &sig, span_of(out, q.signed_region.n));
	memcpy(out + (q.signature.p - from.p), sig.rs, sizeof(sig.rs));
	return span_of(out, from.n);
}

static void each_level_and_module(void **state)
{
	const struct world *w = *state;
	int failed = 0;
	struct set s;

	set_make(&s, w, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t object[16 * 1024], text[16 * 1024], room[QUOTE_MAX];
		struct wr o = WR_ARRAY(object), t = WR_ARRAY(text);
		struct tee_collateral c = collateral_view(&s.docs);
		struct tee_verdict v;
		struct span quote;

		quote = requote(room, w, buf_span(&s.quote), cases[i].svn, cases[i].signer);
		c.tcb_info = sign_document(&t, w, "tcbInfo",
					   tcb_info(&o, 18, cases[i].levels, cases[i].modules));
		failed += differs(cases[i].name, judge(&v, w, quote, &c), cases[i].want, &v);
		if (v.tcb_status != cases[i].status) {
			print_message("%s: status %s\n", cases[i].name,
				      tee_tcb_status_name(v.tcb_status));
			failed++;
		}
	}
	assert_int_equal(failed, 0);
	set_fini(&s);
}

/*
 * x 23: the same platform by "standard" data, which is the older release, and by
 * "early" data, which knows a newer level.  Both are signed and in date; the
 * evaluation number is what tells them apart, and a policy can demand one.
 */
static void early_and_standard(void **state)
{
	static const struct level standard[LEVELS_MAX] = { { 3, 11, { 0 }, "UpToDate" } };
	static const struct level early[LEVELS_MAX] = {
		{ 4, 11, { 0 }, "UpToDate" },
		{ 3, 11, { 0 }, "OutOfDate" },
	};
	static const struct module modules[MODULES_MAX] = { ONE };
	static const struct {
		const char *name;
		const struct level *levels;
		unsigned tcb, qe; /* evaluation numbers */
		uint32_t min;
		const char *want;
	} table[] = {
		{ "standard_accepted", standard, 17, 17, 0, "ok" },
		{ "early_out_of_date", early, 18, 18, 0, "tcb-status-not-accepted" },
		{ "standard_below_the_least", standard, 17, 17, 18, "policy-tcb-evaluation" },
		{ "standard_at_the_least", standard, 17, 17, 17, "ok" },
		{ "early_at_the_least", early, 18, 18, 18, "tcb-status-not-accepted" },
		{ "tcb_info_alone_below_the_least", standard, 17, 18, 18,
		  "policy-tcb-evaluation" },
		{ "qe_identity_alone_below_the_least", standard, 18, 17, 18,
		  "policy-tcb-evaluation" },
		{ "numbers_apart_are_told", standard, 18, 17, 0, "ok" },
	};
	const struct world *w = *state;
	int failed = 0;
	struct set s;

	set_make(&s, w, NULL);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t object[16 * 1024], text[16 * 1024], qe[8192], qe_text[8192], put[64];
		struct wr o = WR_ARRAY(object), t = WR_ARRAY(text);
		struct wr q = WR_ARRAY(qe), qt = WR_ARRAY(qe_text);
		struct tee_policy policy = tee_policy_default;
		struct tee_collateral c = collateral_view(&s.docs);
		const struct tee_input in = {
			.quote = buf_span(&s.quote),
			.collateral = &c,
			.anchors = &w->anchor,
			.anchor_count = 1,
			.policy = &policy,
			.at = NOW,
		};
		struct edit edit = { "tcbEvaluationDataNumber\":18", (char *)put };
		struct tee_verdict v;

		snprintf((char *)put, sizeof(put), "tcbEvaluationDataNumber\":%u", table[i].qe);
		add_edited(&q, object_of(c.qe_identity, "enclaveIdentity"), &edit);
		c.qe_identity = sign_document(&qt, w, "enclaveIdentity", wr_span(&q));
		c.tcb_info = sign_document(&t, w, "tcbInfo",
					   tcb_info(&o, table[i].tcb, table[i].levels, modules));
		policy.min_evaluation = table[i].min;
		tee_verify(&v, &in);
		failed += differs(table[i].name, tee_reason_name(v.reason), table[i].want, &v);
		assert_int_equal(v.tcb_evaluation, table[i].tcb);
		assert_int_equal(v.qe_evaluation, table[i].qe);
	}
	assert_int_equal(failed, 0);
	set_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_level_and_module),
		cmocka_unit_test(early_and_standard),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
