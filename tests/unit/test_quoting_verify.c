/*
 * The simulated platform before the one verifier: in good order it is accepted
 * under its own anchor and refused under Intel's; each thing out of order gets
 * the reason that belongs to it.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "case_dump.h"
#include "quoting/collateral_dir.h"
#include "quoting/sim_docs.h"
#include "quoting/sim_quote.h"
#include "tee/policy.h"
#include "tee/verify.h"
#include "vectors.h"

enum {
	NOW = 1'800'000'000,
	DAY = 86400,
	YEAR = 365 * DAY,
};

static const uint8_t report_data[64] = "what the quote is over";
static const struct sim_knobs usual;

/* One platform for all tests: making keys is what costs. */
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

/* Everything issued by the knobs at NOW and verified at 'at'. */
static void judge_with(struct tee_verdict *v, struct world *w, const struct sim_knobs *k,
		       const struct tee_anchor *anchors, size_t anchor_count, int64_t at)
{
	struct collateral_files docs;
	struct buf quote;

	buf_init(&quote, QUOTE_MAX);
	assert_int_equal(sim_pki_certify(&w->pki, k, NOW), RC_OK);
	assert_int_equal(sim_docs_make(&docs, &w->pki, k, NOW), RC_OK);
	assert_int_equal(sim_quote(&quote, &w->pki, &w->td, report_data, k), RC_OK);
	struct tee_collateral view = collateral_view(&docs);
	const struct tee_input in = {
		.quote = buf_span(&quote),
		.collateral = &view,
		.anchors = anchors,
		.anchor_count = anchor_count,
		.at = at,
	};
	struct tee_verdict without;
	case_dump(&w->pki, buf_span(&quote), &view, at);
	tee_verify(v, &in);
	/* The PCK CRL's chain saves work and decides nothing. */
	view.pck_crl_chain = (struct span){ 0 };
	tee_verify(&without, &in);
	if (v->reason != without.reason)
		print_message("%s / %s\n", v->detail, without.detail);
	assert_string_equal(tee_reason_name(v->reason), tee_reason_name(without.reason));
	v->quote = (struct quote){ 0 }; /* its bytes go away here */
	collateral_fini(&docs);
	buf_fini(&quote);
}

static void judge(struct tee_verdict *v, struct world *w, const struct sim_knobs *k)
{
	judge_with(v, w, k, &w->anchor, 1, NOW);
}

static void good_order_is_accepted_and_says_simulated(void **state)
{
	struct world *w = *state;
	struct tee_verdict v;

	judge(&v, w, NULL);
	assert_string_equal(tee_reason_name(v.reason), "ok");
	assert_true(v.is_verified);
	assert_true(v.is_simulated);
	assert_int_equal(v.tcb_status, TCB_UP_TO_DATE);
	assert_int_equal(v.advisory_count, 0);
	assert_memory_equal(v.fmspc, "SIM\0\0\0", 6);
	assert_memory_equal(v.ppid, "SIM", 3);
	assert_int_equal(v.earliest_issue, NOW);
	assert_int_equal(v.earliest_expiry, NOW + SIM_DOCS_VALID_S);
}

static void intels_anchor_alone_does_not_trust_it(void **state)
{
	struct tee_verdict v;

	judge_with(&v, *state, NULL, &tee_anchor_intel, 1, NOW);
	assert_string_equal(tee_reason_name(v.reason), "root-untrusted");
	assert_false(v.is_verified);
	assert_false(v.is_simulated);
}

static void both_anchors_say_which_one_it_was(void **state)
{
	struct world *w = *state;
	const struct tee_anchor both[] = { tee_anchor_intel, w->anchor };
	struct tee_verdict v;

	judge_with(&v, w, NULL, both, 2, NOW);
	assert_string_equal(tee_reason_name(v.reason), "ok");
	assert_true(v.is_simulated);
}

static void another_installations_anchor_does_not_trust_it(void **state)
{
	struct tee_anchor other;
	struct tee_verdict v;
	struct sim_pki pki;

	assert_int_equal(sim_pki_generate(&pki, NULL, NOW), RC_OK);
	sim_pki_anchor(&other, &pki);
	judge_with(&v, *state, NULL, &other, 1, NOW);
	assert_string_equal(tee_reason_name(v.reason), "root-untrusted");
	sim_pki_fini(&pki);
}

#define B0C0 "tests/vectors/tdx/collateral/tdx_b0c0_202506"

/* A real quote beside both anchors: Intel's is the one it rests on. */
static void real_quote_stays_real_beside_a_simulator(void **state)
{
	struct world *w = *state;
	const struct tee_anchor both[] = { w->anchor, tee_anchor_intel };
	struct span quote = vector_load("tests/vectors/tdx/quotes/tdx_v4_b0c0_uptodate.bin");
	struct collateral_files docs;
	char error[256] = "";
	struct tee_verdict v;

	assert_int_equal(collateral_load(&docs, B0C0, NULL, error), RC_OK);
	const struct tee_collateral view = collateral_view(&docs);
	struct tee_input in = {
		.quote = quote,
		.collateral = &view,
		.anchors = both,
		.anchor_count = 2,
	};
	assert_true(text_utc(&in.at, span_str("2025-07-01T00:00:00Z")));
	tee_verify(&v, &in);
	assert_string_equal(tee_reason_name(v.reason), "ok");
	assert_false(v.is_simulated);
	in.anchor_count = 1; /* the simulator's alone */
	tee_verify(&v, &in);
	assert_string_equal(tee_reason_name(v.reason), "root-untrusted");
	collateral_fini(&docs);
	vector_free(quote);
}

/* Real documents do not vouch for a simulated quote, nor the reverse. */
static void real_collateral_does_not_fit_a_simulated_quote(void **state)
{
	struct world *w = *state;
	const struct tee_anchor both[] = { w->anchor, tee_anchor_intel };
	struct collateral_files docs;
	struct tee_verdict v;
	char error[256] = "";
	struct buf quote;

	buf_init(&quote, QUOTE_MAX);
	assert_int_equal(sim_pki_certify(&w->pki, NULL, NOW), RC_OK);
	assert_int_equal(sim_quote(&quote, &w->pki, &w->td, report_data, NULL), RC_OK);
	assert_int_equal(collateral_load(&docs, B0C0, NULL, error), RC_OK);
	const struct tee_collateral view = collateral_view(&docs);
	const struct tee_input in = {
		.quote = buf_span(&quote),
		.collateral = &view,
		.anchors = both,
		.anchor_count = 2,
		.at = NOW,
	};
	tee_verify(&v, &in);
	assert_int_not_equal(v.reason, TEE_OK);
	assert_false(v.is_verified);
	collateral_fini(&docs);
	buf_fini(&quote);
}

/* clang-format off */
static const struct {
	const char *name;
	struct sim_knobs knobs;
	const char *want;
} table[] = {
	/* the quote's format */
	{ "version_5_accepted", { .quote = { .version = 5 } }, "ok" },
	{ "version_5_td_report_1_5_accepted", { .quote = { .version = 5, .is_15 = true } }, "ok" },
	{ "zero_padding_accepted", { .quote = { .is_padded = true } }, "ok" },
	{ "version_3_refused", { .quote = { .version = 3 } }, "quote-tee-type-unsupported" },
	{ "version_6_refused", { .quote = { .version = 6 } }, "quote-version-unsupported" },
	{ "key_type_p384_refused", { .quote = { .key_type = 3 } }, "quote-key-type-unsupported" },
	{ "other_vendor_refused", { .quote = { .vendor_differs = true } }, "quote-vendor-unknown" },
	{ "tee_type_unknown_refused", { .quote = { .tee_type = 0x82 } }, "quote-tee-type-unsupported" },
	{ "trailing_bytes_refused", { .quote = { .trailing = 'x' } }, "quote-trailing-bytes" },
	{ "auth_size_beyond_end_refused", { .quote = { .auth_size_add = 1 } }, "quote-too-short" },
	{ "certification_type_6_inside_refused", { .quote = { .certification_type = 6 } }, "quote-certification-type" },

	/* the PCK chain */
	{ "chain_in_reverse_accepted", { .quote = { .chain = SIM_CHAIN_REVERSED } }, "ok" },
	{ "chain_without_root_refused", { .quote = { .chain = SIM_CHAIN_NO_ROOT } }, "pck-chain-malformed" },
	{ "chain_of_garbage_refused", { .quote = { .chain = SIM_CHAIN_GARBAGE } }, "pck-certificate-malformed" },
	{ "leaf_twice_refused", { .quote = { .chain = SIM_CHAIN_TWICE } }, "pck-issuer-mismatch" },
	{ "leaf_by_stranger_refused", { .pki = { .leaf_by_stranger = true } }, "pck-signature-invalid" },
	{ "ca_by_stranger_refused", { .pki = { .ca_by_stranger = true } }, "pck-signature-invalid" },
	{ "leaf_expired_refused", { .pki = { .leaf_valid = { NOW - YEAR, NOW - DAY } } }, "pck-expired" },
	{ "leaf_not_yet_valid_refused", { .pki = { .leaf_valid = { NOW + DAY, NOW + YEAR } } }, "pck-not-yet-valid" },
	{ "ca_expired_refused", { .pki = { .ca_valid = { NOW - YEAR, NOW - DAY } } }, "pck-expired" },
	{ "root_expired_refused", { .pki = { .root_valid = { NOW - YEAR, NOW - DAY } } }, "pck-expired" },
	{ "leaf_that_is_a_ca_refused", { .pki = { .leaf_is_ca = true } }, "pck-basic-constraints" },
	{ "ca_that_is_no_ca_refused", { .pki = { .ca_is_end = true } }, "pck-basic-constraints" },
	{ "leaf_with_other_name_refused", { .pki = { .leaf_name = "Somebody" } }, "pck-subject-unexpected" },
	{ "ca_with_other_name_refused", { .pki = { .ca_name = "Somebody" } }, "pck-subject-unexpected" },
	{ "leaf_without_sgx_extension_refused", { .pki = { .leaf_without_sgx = true } }, "pck-extension-malformed" },
	{ "sgx_extension_cut_refused", { .pki = { .leaf_sgx_cut = true } }, "pck-extension-malformed" },

	/* CRLs */
	{ "revoked_leaf_refused", { .docs = { .revokes_leaf = true } }, "pck-revoked" },
	{ "revoked_ca_refused", { .docs = { .revokes_ca = true } }, "pck-ca-revoked" },
	{ "revoked_signer_refused", { .docs = { .revokes_signer = true } }, "tcb-signer-revoked" },
	{ "pck_crl_by_stranger_refused", { .docs = { .pck_crl_by_stranger = true } }, "crl-signature-invalid" },
	{ "root_crl_by_stranger_refused", { .docs = { .root_crl_by_stranger = true } }, "crl-signature-invalid" },
	{ "pck_crl_of_the_root_refused", { .docs = { .pck_crl_of_root = true } }, "crl-issuer-mismatch" },
	{ "pck_crl_expired_refused", { .docs = { .pck_crl_valid = { NOW - 2 * DAY, NOW - DAY } } }, "crl-expired" },
	{ "pck_crl_of_tomorrow_refused", { .docs = { .pck_crl_valid = { NOW + DAY, NOW + 2 * DAY } } }, "crl-not-yet-valid" },
	{ "root_crl_of_tomorrow_refused", { .docs = { .root_crl_valid = { NOW + DAY, NOW + 2 * DAY } } }, "crl-not-yet-valid" },
	{ "root_crl_expired_refused", { .docs = { .root_crl_valid = { NOW - 2 * DAY, NOW - DAY } } }, "crl-expired" },

	/* TCB info and QE identity */
	{ "tcb_info_by_stranger_refused", { .docs = { .tcb_by_stranger = true } }, "collateral-signature-invalid" },
	{ "tcb_info_changed_refused", { .docs = { .tcb_changed_after = true } }, "collateral-signature-invalid" },
	{ "tcb_info_cut_refused", { .docs = { .tcb_cut = true } }, "collateral-malformed" },
	{ "tcb_info_expired_refused", { .docs = { .tcb_valid = { NOW - 2 * DAY, NOW - DAY } } }, "collateral-expired" },
	{ "tcb_info_of_tomorrow_refused", { .docs = { .tcb_valid = { NOW + DAY, NOW + 2 * DAY } } }, "collateral-not-yet-valid" },
	{ "tcb_info_for_sgx_refused", { .docs = { .tcb_id = "SGX" } }, "collateral-tee-mismatch" },
	{ "fmspc_of_another_refused", { .docs = { .fmspc_differs = true } }, "fmspc-mismatch" },
	{ "pceid_of_another_refused", { .docs = { .pce_id_differs = true } }, "pceid-mismatch" },
	{ "pceid_of_leaf_differs_refused", { .pki = { .leaf_pce_id = 1 } }, "pceid-mismatch" },
	{ "qe_identity_by_stranger_refused", { .docs = { .qe_by_stranger = true } }, "collateral-signature-invalid" },
	{ "qe_identity_cut_refused", { .docs = { .qe_cut = true } }, "collateral-malformed" },
	{ "qe_identity_expired_refused", { .docs = { .qe_valid = { NOW - 2 * DAY, NOW - DAY } } }, "collateral-expired" },
	{ "qe_identity_of_tomorrow_refused", { .docs = { .qe_valid = { NOW + DAY, NOW + 2 * DAY } } }, "collateral-not-yet-valid" },
	{ "qe_identity_for_sgx_refused", { .docs = { .qe_id = "QE" } }, "collateral-tee-mismatch" },
	{ "documents_signed_by_pck_chain_refused", { .docs = { .signer_chain_of_leaf = true } }, "tcb-signer-chain-invalid" },
	{ "signer_by_stranger_refused", { .pki = { .signer_by_stranger = true } }, "tcb-signer-chain-invalid" },
	{ "signer_with_other_name_refused", { .pki = { .signer_name = "Somebody" } }, "tcb-signer-chain-invalid" },
	{ "signer_that_is_a_ca_refused", { .pki = { .signer_is_ca = true } }, "tcb-signer-chain-invalid" },
	{ "signer_expired_refused", { .pki = { .signer_valid = { NOW - YEAR, NOW - DAY } } }, "collateral-expired" },

	/* the quoting enclave */
	{ "qe_report_by_stranger_refused", { .quote = { .qe_by_stranger = true } }, "qe-report-signature-invalid" },
	{ "qe_vouches_for_another_key_refused", { .quote = { .qe_hash_differs = true } }, "qe-report-data-mismatch" },
	{ "qe_in_debug_refused", { .quote = { .qe_is_debug = true } }, "qe-debug" },
	{ "qe_of_another_signer_refused", { .quote = { .qe_signer_differs = true } }, "qe-identity-mismatch" },
	{ "qe_of_another_product_refused", { .quote = { .qe_product_differs = true } }, "qe-identity-mismatch" },
	{ "qe_svn_below_all_levels_refused", { .quote = { .qe_svn = 1 } }, "qe-tcb-not-supported" },
	{ "qe_level_above_ours_refused", { .docs = { .qe_svn_floor = 9 } }, "qe-tcb-not-supported" },

	/* the module */
	{ "module_version_unknown_refused", { .quote = { .module_svn = 5, .module_version = 9 } }, "tdx-module-mismatch" },
	{ "module_identity_missing_refused", { .docs = { .without_module = true } }, "tdx-module-mismatch" },
	{ "module_svn_below_all_refused", { .docs = { .module_svn_floor = 9 } }, "tdx-module-tcb-not-supported" },
	{ "module_by_another_signer_refused", { .quote = { .seam_signer_set = true } }, "tdx-module-mismatch" },
	{ "seam_attributes_set_refused", { .quote = { .seam_attributes_set = true } }, "tdx-module-mismatch" },

	/* the quote's signature */
	{ "quote_by_stranger_refused", { .quote = { .by_stranger = true } }, "quote-signature-invalid" },
	{ "register_changed_after_signing_refused", { .quote = { .changed_after = true } }, "quote-signature-invalid" },
	{ "attestation_key_off_curve_refused", { .quote = { .key_off_curve = true } }, "attestation-key-invalid" },

	/* TCB status */
	{ "tcb_below_all_levels_refused", { .pki = { .leaf_component_drop = 3 } }, "tcb-level-not-supported" },
	{ "pcesvn_below_all_levels_refused", { .pki = { .leaf_pce_svn = 4 } }, "tcb-level-not-supported" },
	{ "pcesvn_of_old_level_refused", { .pki = { .leaf_pce_svn = 6 } }, "tcb-status-not-accepted" },
	{ "status_out_of_date_refused", { .docs = { .tcb_status = "OutOfDate" } }, "tcb-status-not-accepted" },
	{ "status_hardening_refused", { .docs = { .tcb_status = "SWHardeningNeeded" } }, "tcb-status-not-accepted" },
	{ "status_revoked_refused", { .docs = { .tcb_status = "Revoked" } }, "tcb-revoked" },
	{ "status_nobody_knows_refused", { .docs = { .tcb_status = "Splendid" } }, "tcb-status-unrecognized" },
	{ "module_out_of_date_refused", { .docs = { .module_status = "OutOfDate" } }, "tcb-status-not-accepted" },
	{ "module_revoked_refused", { .docs = { .module_status = "Revoked" } }, "tcb-revoked" },
	{ "qe_out_of_date_refused", { .docs = { .qe_status = "OutOfDate" } }, "tcb-status-not-accepted" },
	{ "qe_revoked_refused", { .docs = { .qe_status = "Revoked" } }, "tcb-revoked" },

	/* an enclave: SGX, version 3 */
	{ "enclave_accepted", { .quote = { .is_enclave = true }, .docs = { .tcb_id = "SGX", .qe_id = "QE" } }, "ok" },
	{ "enclave_in_debug_refused", { .quote = { .is_enclave = true, .enclave_is_debug = true }, .docs = { .tcb_id = "SGX", .qe_id = "QE" } }, "policy-debug" },
	{ "enclave_with_tcb_info_for_tdx_refused", { .quote = { .is_enclave = true }, .docs = { .qe_id = "QE" } }, "collateral-tee-mismatch" },
	{ "enclave_with_identity_of_td_qe_refused", { .quote = { .is_enclave = true }, .docs = { .tcb_id = "SGX" } }, "collateral-tee-mismatch" },

	/* policy */
	{ "debug_td_refused", { .quote = { .td_attributes_flip = SIM_TD_DEBUG } }, "policy-debug" },
	{ "sept_ve_not_disabled_refused", { .quote = { .td_attributes_flip = 1 << 28 } }, "policy-td-attributes" },
	{ "migratable_refused", { .quote = { .td_attributes_flip = 1 << 29 } }, "policy-td-attributes" },
	{ "reserved_attribute_refused", { .quote = { .td_attributes_flip = 1 << 8 } }, "policy-td-attributes" },
	{ "service_td_refused", { .quote = { .version = 5, .is_15 = true, .has_service_td = true } }, "policy-td-attributes" },
};
/* clang-format on */

static void each_knob_gets_its_reason(void **state)
{
	struct world *w = *state;
	int failed = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct tee_verdict v;
		const char *got;

		judge(&v, w, &table[i].knobs);
		case_name(table[i].name);
		got = tee_reason_name(v.reason);
		if (strcmp(got, table[i].want) != 0) {
			print_message("%s: got %s (%s)\n", table[i].name, got, v.detail);
			failed++;
		}
		assert_true(v.reason == TEE_OK || v.detail[0] != '\0');
	}
	assert_int_equal(failed, 0);
}

static void documents_end_after_thirty_days(void **state)
{
	struct world *w = *state;
	struct tee_verdict v;

	judge_with(&v, w, NULL, &w->anchor, 1, NOW + SIM_DOCS_VALID_S);
	assert_string_equal(tee_reason_name(v.reason), "ok");
	judge_with(&v, w, NULL, &w->anchor, 1, NOW + SIM_DOCS_VALID_S + 1);
	assert_int_not_equal(v.reason, TEE_OK);
}

/* A policy that pins an image's registers, as --print-policy prints them. */
static void policy_tells_images_apart(void **state)
{
	struct world *w = *state;
	struct policy_image image = {
		.name = "base",
		.is_pinned = { [POLICY_MR_TD] = true, [POLICY_RTMR1] = true },
	};
	struct tee_policy policy = tee_policy_default;
	struct collateral_files docs;
	struct tee_verdict v;
	struct sha384 r;
	struct buf quote;

	policy.has_images = true;
	policy.images = &image;
	policy.image_count = 1;
	sim_image_register(&r, "base", "mrtd");
	memcpy(image.value[POLICY_MR_TD], r.b, sizeof(r.b));
	sim_image_register(&r, "base", "rtmr1");
	memcpy(image.value[POLICY_RTMR1], r.b, sizeof(r.b));
	assert_int_equal(sim_pki_certify(&w->pki, NULL, NOW), RC_OK);
	assert_int_equal(sim_docs_make(&docs, &w->pki, NULL, NOW), RC_OK);
	const struct tee_collateral view = collateral_view(&docs);
	for (int i = 0; i < 2; i++) {
		struct sim_td td;

		buf_init(&quote, QUOTE_MAX);
		sim_td_launch(&td, i ? "other" : "base", NULL);
		assert_int_equal(sim_quote(&quote, &w->pki, &td, report_data, NULL), RC_OK);
		const struct tee_input in = {
			.quote = buf_span(&quote),
			.collateral = &view,
			.anchors = &w->anchor,
			.anchor_count = 1,
			.policy = &policy,
			.at = NOW,
		};
		tee_verify(&v, &in);
		assert_string_equal(tee_reason_name(v.reason), i ? "measurement-not-listed" : "ok");
		buf_fini(&quote);
	}
	collateral_fini(&docs);
}

/* What is given to the TD and what the verifier reads out are the same. */
static void quote_carries_the_td(void **state)
{
	struct world *w = *state;
	static const uint8_t config_id[QUOTE_MR_LEN] = { 1, 2, 3 };
	const struct sha384 digest = { "extended" };
	struct sim_td td;
	struct quote q;
	struct buf bytes;

	buf_init(&bytes, QUOTE_MAX);
	assert_int_equal(sim_pki_certify(&w->pki, NULL, NOW), RC_OK);
	sim_td_launch(&td, "base", config_id);
	assert_true(span_is_zero(SPAN_ARRAY(td.rtmr[3].b)));
	assert_true(sim_td_extend(&td, 3, &digest));
	assert_true(sim_td_extend(&td, 2, &digest));
	assert_false(sim_td_extend(&td, 1, &digest));
	assert_false(sim_td_extend(&td, 4, &digest));
	assert_int_equal(sim_quote(&bytes, &w->pki, &td, report_data, NULL), RC_OK);
	assert_int_equal(quote_parse(&q, buf_span(&bytes)), TEE_OK);
	assert_int_equal(q.version, 4);
	assert_int_equal(q.tee, QUOTE_TDX);
	assert_true(span_equal(q.td.report_data, SPAN_ARRAY(report_data)));
	assert_true(span_equal(q.td.mr_config_id, SPAN_ARRAY(config_id)));
	assert_true(span_equal(q.td.mr_td, SPAN_ARRAY(td.mr_td.b)));
	for (size_t i = 0; i < QUOTE_RTMR_COUNT; i++)
		assert_true(span_equal(q.td.rtmr[i], SPAN_ARRAY(td.rtmr[i].b)));
	assert_int_equal(q.td.td_attributes, td.attributes);
	assert_int_equal(q.td.xfam, td.xfam);
	assert_int_equal(q.certification_data.p[q.certification_data.n - 1], 0);
	buf_fini(&bytes);
}

static void quote_that_does_not_fit_is_a_limit(void **state)
{
	struct world *w = *state;
	struct buf small;

	buf_init(&small, 1000);
	assert_int_equal(sim_quote(&small, &w->pki, &w->td, report_data, &usual), RC_LIMIT);
	assert_int_equal(small.n, 0);
	buf_fini(&small);
}

/* The formula of sim_quote.h, by another hand (coreutils' sha384sum). */
static void image_registers_are_the_documented_ones(void **state)
{
	static const char want[] =
		"da1446c5fe07c414007d38858819cad74012fa784961ef3413cba34452b8089a"
		"de7d7eb8177eff62e180f22c8ab9389f";
	uint8_t bytes[48];
	struct sha384 r;

	(void)state;
	assert_true(text_hex_decode(bytes, sizeof(bytes), span_str(want)));
	sim_image_register(&r, "base", "mrtd");
	assert_memory_equal(r.b, bytes, sizeof(bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_order_is_accepted_and_says_simulated),
		cmocka_unit_test(intels_anchor_alone_does_not_trust_it),
		cmocka_unit_test(both_anchors_say_which_one_it_was),
		cmocka_unit_test(another_installations_anchor_does_not_trust_it),
		cmocka_unit_test(real_quote_stays_real_beside_a_simulator),
		cmocka_unit_test(real_collateral_does_not_fit_a_simulated_quote),
		cmocka_unit_test(each_knob_gets_its_reason),
		cmocka_unit_test(documents_end_after_thirty_days),
		cmocka_unit_test(policy_tells_images_apart),
		cmocka_unit_test(quote_carries_the_td),
		cmocka_unit_test(quote_that_does_not_fit_is_a_limit),
		cmocka_unit_test(image_registers_are_the_documented_ones),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
