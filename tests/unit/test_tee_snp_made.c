/*
 * SEV-SNP through tee_verify() under a made-up AMD, for what no real sample
 * shows: VLEK, Genoa, Turin, later report versions, revocation; and each check
 * refused with its reason.
 */
#include "unit.h"

#include <string.h>

#include "snp_plan.h"
#include "snp_prepared.h"
#include "tee/policy.h"

static struct made_keys keys;

static int make_keys(void **state)
{
	(void)state;
	made_keys_init(&keys);
	return 0;
}

static int drop_keys(void **state)
{
	(void)state;
	made_keys_fini(&keys);
	return 0;
}

static enum tee_reason judge_plan(struct tee_verdict *v, const struct plan *p,
				  const struct tee_policy *policy)
{
	struct plan_documents d;
	struct tee_collateral collateral = { 0 };
	struct tee_anchor anchor;
	struct tee_input in = {
		.collateral = &collateral,
		.anchors = &anchor,
		.anchor_count = 1,
		.policy = policy,
		.at = MADE_AT,
	};

	plan_documents(&d, p);
	in.quote = SPAN_ARRAY(d.report);
	assert_int_equal(tee_anchor_simulated_snp(&anchor, d.root), RC_OK);
	collateral.snp = (struct snp_collateral){ .vek = d.vek, .chain = d.chain, .crl = d.crl };
	memset(v, 0x5a, sizeof(*v));
	tee_verify(v, &in);
	snp_expect_same_prepared(v, &in);
	/* borrows what is going out of scope */
	v->snp = (struct snp_report){ 0 };
	return v->reason;
}

static void made_accepted(void **state)
{
	static const struct {
		const char *name;
		enum snp_product product;
		enum snp_signing_key key;
		uint32_t version;
		uint8_t family, model;
		const char *product_name;
	} cases[] = {
		{ "milan_vcek_v2", SNP_MILAN, SNP_VCEK, 2, 0, 0, "Milan-B0" },
		{ "milan_vlek_v2", SNP_MILAN, SNP_VLEK, 2, 0, 0, "Milan" },
		{ "milan_vcek_v3", SNP_MILAN, SNP_VCEK, 3, 0x19, 0x01, "Milan-B0" },
		{ "genoa_vcek_v3", SNP_GENOA, SNP_VCEK, 3, 0x19, 0x11, "Genoa-B1" },
		{ "siena_vcek_v3", SNP_GENOA, SNP_VCEK, 3, 0x19, 0xa0, "Siena-A1" },
		{ "bergamo_vcek_v5", SNP_GENOA, SNP_VCEK, 5, 0x19, 0xa1, "Bergamo" },
		{ "genoa_vlek_v5", SNP_GENOA, SNP_VLEK, 5, 0x19, 0x11, "Genoa" },
		{ "turin_vcek_v3", SNP_TURIN, SNP_VCEK, 3, 0x1a, 0x02, "Turin" },
		{ "turin_vcek_v5", SNP_TURIN, SNP_VCEK, 5, 0x1a, 0x11, "Turin-B0" },
		{ "turin_vlek_v5", SNP_TURIN, SNP_VLEK, 5, 0x1a, 0x11, "Turin" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tee_verdict v;
		struct plan p;

		print_message("%s\n", cases[i].name);
		plan_init(&p, &keys, cases[i].product, cases[i].key);
		p.report.version = cases[i].version;
		p.report.cpu_family = cases[i].family;
		p.report.cpu_model = cases[i].model;
		p.vek.extensions[EXT_PRODUCT] = plan_text(AMD "2", cases[i].product_name);
		if (judge_plan(&v, &p, NULL))
			fail_msg("%s: %s", tee_reason_name(v.reason), v.detail);
		assert_true(v.is_verified && v.is_simulated && v.snp_platform.has_crl);
		assert_string_equal(v.anchor, "simulated");
		assert_string_equal(v.snp_platform.product_name, cases[i].product_name);
		assert_string_equal(v.snp_platform.csp_id,
				    cases[i].key == SNP_VLEK ? "example-cloud" : "");
		assert_memory_equal(&v.snp_platform.reported,
				    cases[i].product == SNP_TURIN ? &plan_turin_tcb : &plan_tcb,
				    sizeof(plan_tcb));
		assert_true(v.earliest_issue == MADE_AT - 86400);
		assert_true(v.earliest_expiry == MADE_AT + 30 * 86400);
	}
}

static const uint64_t serial_vcek[] = { 0 }, serial_vlek[] = { 77 }, serial_ask[] = { 2 };
static const uint64_t serial_ark[] = { 1 }, serial_others[] = { 3, 4, 5 };

static void do_nothing(struct plan *p)
{
	(void)p;
}
static void do_reverse(struct plan *p)
{
	p->chain_reversed = true;
}
static void do_nested_hwid(struct plan *p)
{
	struct made_extension *e = &p->vek.extensions[EXT_OWNER];

	memmove(e->bytes + 2, e->bytes, e->n);
	e->bytes[0] = 0x04;
	e->bytes[1] = (uint8_t)e->n;
	e->n += 2;
}
static void do_list_others(struct plan *p)
{
	p->crl.serials = serial_others;
	p->crl.serial_count = 3;
}
static void do_list_vcek(struct plan *p)
{
	p->crl.serials = serial_vcek;
	p->crl.serial_count = 1;
}
static void do_list_vlek(struct plan *p)
{
	p->crl.serials = serial_vlek;
	p->crl.serial_count = 1;
}
static void do_list_ask(struct plan *p)
{
	p->crl.serials = serial_ask;
	p->crl.serial_count = 1;
}
static void do_list_ark(struct plan *p)
{
	p->crl.serials = serial_ark;
	p->crl.serial_count = 1;
}
static void do_no_crl(struct plan *p)
{
	p->no_crl = true;
}
static void do_crl_by_ask(struct plan *p)
{
	p->crl.issuer = p->ask.subject;
	p->crl.signer = keys.ask;
}
static void do_crl_forged(struct plan *p)
{
	p->crl.signer = keys.other;
}
static void do_crl_delta(struct plan *p)
{
	p->crl.has_critical = true;
}
static void do_crl_expired(struct plan *p)
{
	p->crl.to = MADE_AT - 1;
}
static void do_crl_last_second(struct plan *p)
{
	p->crl.to = MADE_AT;
}
static void do_crl_not_yet(struct plan *p)
{
	p->crl.from = MADE_AT + POLICY_CLOCK_SKEW_S + 1;
}
static void do_anchor(struct plan *p)
{
	p->other_anchor = true;
}
static void do_ask_forged(struct plan *p)
{
	p->ask.signer = keys.other;
}
static void do_vek_forged(struct plan *p)
{
	p->vek.signer = keys.other;
}
static void do_vek_by_ark(struct plan *p)
{
	p->vek.signer = keys.ark;
	p->vek.issuer = p->ark.subject;
}
static void do_vek_pss_sha256(struct plan *p)
{
	p->vek.md = EVP_sha256();
}
static void do_vek_rsa(struct plan *p)
{
	p->vek.key = keys.other; /* the report is signed with P-384 */
}
static void do_report_forged(struct plan *p)
{
	p->other_report_key = true;
}
static void do_ask_no_ca(struct plan *p)
{
	p->ask.constraints = "critical,CA:FALSE";
}
static void do_ask_no_usage(struct plan *p)
{
	p->ask.usage = "critical,digitalSignature";
}
static void do_vek_ca(struct plan *p)
{
	p->vek.constraints = "critical,CA:TRUE";
}
static void do_vek_critical(struct plan *p)
{
	p->vek.extensions[EXT_SPL4].is_critical = true;
}
static void do_ark_name(struct plan *p)
{
	p->ark.subject = p->ark.issuer = p->ask.issuer = p->crl.issuer = "ARK-Rome";
}
static void do_ask_name(struct plan *p)
{
	p->ask.subject = p->vek.issuer = "SEV-Genoa";
}
static void do_vlek_name(struct plan *p)
{
	p->vek.subject = "SEV-VLEK";
}
static void do_report_says_vlek(struct plan *p)
{
	p->report.signing_key = SNP_VLEK;
}
static void do_vek_expired(struct plan *p)
{
	p->vek.to = MADE_AT - 1;
}
static void do_ask_expired(struct plan *p)
{
	p->ask.to = MADE_AT - 1;
}
static void do_ark_not_yet(struct plan *p)
{
	p->ark.from = MADE_AT + POLICY_CLOCK_SKEW_S + 1;
}
static void do_vek_not_yet(struct plan *p)
{
	p->vek.from = MADE_AT + POLICY_CLOCK_SKEW_S + 1;
}
static void do_hwid(struct plan *p)
{
	p->vek.extensions[EXT_OWNER].bytes[63] ^= 1;
}
static void do_hwid_short(struct plan *p)
{
	p->vek.extensions[EXT_OWNER].n = 63;
}
static void do_hwid_of_turin(struct plan *p)
{
	p->vek.extensions[EXT_OWNER].n = 8;
}
static void do_hwid_and_more(struct plan *p) /* Turin: chip id of 9 bytes */
{
	p->chip_id[8] = 1;
}
static void do_no_hwid(struct plan *p)
{
	p->vek.extensions[EXT_OWNER].oid = "1.2.3.4";
}
static void do_hwid_and_csp(struct plan *p)
{
	p->vek.extensions[EXT_SPL4] = plan_text(AMD "5", "cloud");
}
static void do_masked(struct plan *p)
{
	memset(p->chip_id, 0, sizeof(p->chip_id));
}
static void do_tcb_bl(struct plan *p)
{
	p->vek.extensions[EXT_BL].bytes[2] = 5;
}
static void do_tcb_ucode(struct plan *p)
{
	p->vek.extensions[EXT_UCODE] = plan_integer(AMD "3.8", 0xdc);
}
static void do_tcb_reported(struct plan *p)
{
	p->report.reported_tcb -= UINT64_C(1) << 48;
}
static void do_tcb_reserved(struct plan *p)
{
	p->report.launch_tcb |= UINT64_C(1) << 32;
}
static void do_tcb_fmc(struct plan *p)
{
	p->vek.extensions[EXT_FMC] = plan_integer(AMD "3.9", 3);
}
static void do_no_fmc(struct plan *p)
{
	p->vek.extensions[EXT_FMC].oid = "1.2.3.4";
}
static void do_spl4(struct plan *p)
{
	p->vek.extensions[EXT_SPL4] = plan_integer(AMD "3.4", 1);
}
static void do_spl_of_two_bytes(struct plan *p)
{
	p->vek.extensions[EXT_BL] = (struct made_extension){ AMD "3.1", { 2, 2, 1, 4 }, 4, false };
}
static void do_spl_trailing(struct plan *p)
{
	p->vek.extensions[EXT_BL].bytes[3] = 0;
	p->vek.extensions[EXT_BL].n = 4;
}
static void do_no_snp_spl(struct plan *p)
{
	p->vek.extensions[EXT_SNP].oid = "1.2.3.4";
}
static void do_struct_version(struct plan *p)
{
	p->vek.extensions[EXT_VERSION] = plan_integer(AMD "1", 2);
}
static void do_product_name(struct plan *p)
{
	p->vek.extensions[EXT_PRODUCT] = plan_text(AMD "2", "Genoa-B1");
}
static void do_product_prefix(struct plan *p)
{
	p->vek.extensions[EXT_PRODUCT] = plan_text(AMD "2", "Milano");
}
static void do_product_empty(struct plan *p)
{
	p->vek.extensions[EXT_PRODUCT] = plan_text(AMD "2", "");
}
static void do_product_octets(struct plan *p)
{
	p->vek.extensions[EXT_PRODUCT].bytes[0] = 0x0c;
}
static void do_cpu(struct plan *p)
{
	p->report.version = 3;
	p->report.cpu_family = 0x19;
	p->report.cpu_model = 0x11;
}
static void do_cpu_unknown(struct plan *p)
{
	p->report.version = 5;
	p->report.cpu_family = 0x1b;
}
static void do_debug(struct plan *p)
{
	p->report.policy |= SNP_POLICY_DEBUG;
}
static void do_csp_missing(struct plan *p)
{
	p->vek.extensions[EXT_OWNER] = plan_octets(AMD "4", span_of(p->chip_id, 64));
}

static void made_refused(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		void (*spoil)(struct plan *p);
		enum snp_product product;
		enum snp_signing_key key;
		enum tee_reason want;
	} cases[] = {
		{ "in_good_order", do_nothing, SNP_MILAN, SNP_VCEK, TEE_OK },
		{ "ark_before_ask", do_reverse, SNP_MILAN, SNP_VCEK, TEE_OK },
		{ "hwid_as_octet_string", do_nested_hwid, SNP_MILAN, SNP_VCEK, TEE_OK },
		{ "turin_hwid_as_octet_string", do_nested_hwid, SNP_TURIN, SNP_VCEK, TEE_OK },
		{ "crl_lists_others", do_list_others, SNP_MILAN, SNP_VCEK, TEE_OK },
		{ "crl_in_its_last_second", do_crl_last_second, SNP_MILAN, SNP_VCEK, TEE_OK },
		{ "masked_chip_vlek", do_masked, SNP_MILAN, SNP_VLEK, TEE_OK },
		{ "revoked_vcek", do_list_vcek, SNP_MILAN, SNP_VCEK, TEE_VEK_REVOKED },
		{ "revoked_vlek", do_list_vlek, SNP_MILAN, SNP_VLEK, TEE_VEK_REVOKED },
		{ "revoked_ask", do_list_ask, SNP_MILAN, SNP_VCEK, TEE_VEK_CA_REVOKED },
		{ "revoked_asvk", do_list_ask, SNP_GENOA, SNP_VLEK, TEE_VEK_CA_REVOKED },
		{ "revoked_ark", do_list_ark, SNP_MILAN, SNP_VCEK, TEE_VEK_CA_REVOKED },
		{ "no_crl", do_no_crl, SNP_MILAN, SNP_VCEK, TEE_COLLATERAL_MISSING },
		{ "crl_by_the_ask", do_crl_by_ask, SNP_MILAN, SNP_VCEK, TEE_CRL_ISSUER },
		{ "crl_forged", do_crl_forged, SNP_MILAN, SNP_VCEK, TEE_CRL_SIGNATURE },
		{ "crl_delta", do_crl_delta, SNP_MILAN, SNP_VCEK, TEE_CRL_MALFORMED },
		{ "crl_expired", do_crl_expired, SNP_MILAN, SNP_VCEK, TEE_CRL_EXPIRED },
		{ "crl_not_yet", do_crl_not_yet, SNP_MILAN, SNP_VCEK, TEE_CRL_NOT_YET },
		{ "another_ark_of_the_same_key", do_anchor, SNP_MILAN, SNP_VCEK, TEE_PCK_ROOT },
		{ "ask_forged", do_ask_forged, SNP_MILAN, SNP_VCEK, TEE_VEK_SIGNATURE },
		{ "vcek_forged", do_vek_forged, SNP_MILAN, SNP_VCEK, TEE_VEK_SIGNATURE },
		{ "vcek_by_the_ark", do_vek_by_ark, SNP_MILAN, SNP_VCEK, TEE_VEK_ISSUER },
		{ "vcek_with_sha256", do_vek_pss_sha256, SNP_MILAN, SNP_VCEK, TEE_VEK_CERT },
		{ "vcek_with_an_rsa_key", do_vek_rsa, SNP_MILAN, SNP_VCEK, TEE_VEK_CERT },
		{ "report_forged", do_report_forged, SNP_MILAN, SNP_VCEK, TEE_SNP_SIGNATURE },
		{ "vlek_report_forged", do_report_forged, SNP_TURIN, SNP_VLEK, TEE_SNP_SIGNATURE },
		{ "ask_is_no_ca", do_ask_no_ca, SNP_MILAN, SNP_VCEK, TEE_VEK_CA_FLAG },
		{ "ask_may_not_sign", do_ask_no_usage, SNP_MILAN, SNP_VCEK, TEE_VEK_CA_FLAG },
		{ "vcek_is_a_ca", do_vek_ca, SNP_MILAN, SNP_VCEK, TEE_VEK_CA_FLAG },
		{ "critical_extension", do_vek_critical, SNP_MILAN, SNP_VCEK, TEE_VEK_CERT },
		{ "unknown_product_line", do_ark_name, SNP_MILAN, SNP_VCEK, TEE_VEK_NAME },
		{ "ask_of_another_line", do_ask_name, SNP_MILAN, SNP_VCEK, TEE_VEK_NAME },
		{ "vlek_under_an_ask", do_vlek_name, SNP_MILAN, SNP_VCEK, TEE_VEK_NAME },
		{ "report_says_vlek", do_report_says_vlek, SNP_MILAN, SNP_VCEK, TEE_VEK_NAME },
		{ "vcek_expired", do_vek_expired, SNP_MILAN, SNP_VCEK, TEE_VEK_EXPIRED },
		{ "ask_expired", do_ask_expired, SNP_MILAN, SNP_VCEK, TEE_VEK_EXPIRED },
		{ "ark_not_yet", do_ark_not_yet, SNP_MILAN, SNP_VCEK, TEE_VEK_NOT_YET },
		{ "vcek_not_yet", do_vek_not_yet, SNP_MILAN, SNP_VCEK, TEE_VEK_NOT_YET },
		{ "another_chip", do_hwid, SNP_MILAN, SNP_VCEK, TEE_VEK_CHIP },
		{ "chip_id_goes_on_turin", do_hwid_and_more, SNP_TURIN, SNP_VCEK, TEE_VEK_CHIP },
		{ "hwid_of_63_bytes", do_hwid_short, SNP_MILAN, SNP_VCEK, TEE_VEK_EXTENSION },
		{ "hwid_of_turin_on_milan", do_hwid_of_turin, SNP_MILAN, SNP_VCEK,
		  TEE_VEK_EXTENSION },
		{ "no_hwid", do_no_hwid, SNP_MILAN, SNP_VCEK, TEE_VEK_EXTENSION },
		{ "hwid_and_cspid", do_hwid_and_csp, SNP_MILAN, SNP_VCEK, TEE_VEK_EXTENSION },
		{ "vlek_with_hwid", do_csp_missing, SNP_MILAN, SNP_VLEK, TEE_VEK_EXTENSION },
		{ "masked_chip_vcek", do_masked, SNP_MILAN, SNP_VCEK, TEE_VEK_CHIP },
		{ "bootloader_differs", do_tcb_bl, SNP_MILAN, SNP_VCEK, TEE_VEK_TCB },
		{ "microcode_differs", do_tcb_ucode, SNP_MILAN, SNP_VLEK, TEE_VEK_TCB },
		{ "reported_tcb_differs", do_tcb_reported, SNP_GENOA, SNP_VCEK, TEE_VEK_TCB },
		{ "fmc_differs", do_tcb_fmc, SNP_TURIN, SNP_VCEK, TEE_VEK_TCB },
		{ "launch_tcb_reserved", do_tcb_reserved, SNP_MILAN, SNP_VCEK, TEE_SNP_RESERVED },
		{ "no_fmc_on_turin", do_no_fmc, SNP_TURIN, SNP_VCEK, TEE_VEK_EXTENSION },
		{ "reserved_spl_set", do_spl4, SNP_MILAN, SNP_VCEK, TEE_VEK_EXTENSION },
		{ "spl_over_255", do_spl_of_two_bytes, SNP_MILAN, SNP_VCEK, TEE_VEK_EXTENSION },
		{ "spl_with_a_byte_over", do_spl_trailing, SNP_MILAN, SNP_VCEK, TEE_VEK_EXTENSION },
		{ "no_snp_spl", do_no_snp_spl, SNP_MILAN, SNP_VCEK, TEE_VEK_EXTENSION },
		{ "struct_version_2", do_struct_version, SNP_MILAN, SNP_VCEK, TEE_VEK_EXTENSION },
		{ "product_empty", do_product_empty, SNP_MILAN, SNP_VCEK, TEE_VEK_EXTENSION },
		{ "product_as_utf8", do_product_octets, SNP_MILAN, SNP_VCEK, TEE_VEK_EXTENSION },
		{ "product_of_another_line", do_product_name, SNP_MILAN, SNP_VCEK, TEE_VEK_PRODUCT },
		{ "product_that_begins_alike", do_product_prefix, SNP_MILAN, SNP_VCEK,
		  TEE_VEK_PRODUCT },
		{ "cpu_of_another_line", do_cpu, SNP_MILAN, SNP_VCEK, TEE_VEK_PRODUCT },
		{ "cpu_unknown", do_cpu_unknown, SNP_MILAN, SNP_VCEK, TEE_VEK_PRODUCT },
		{ "debug", do_debug, SNP_MILAN, SNP_VCEK, TEE_POLICY_DEBUG },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tee_verdict v;
		struct plan p;

		print_message("%s\n", cases[i].name);
		plan_init(&p, &keys, cases[i].product, cases[i].key);
		cases[i].spoil(&p);
		if (judge_plan(&v, &p, NULL) != cases[i].want)
			fail_msg("%s, not %s: %s", tee_reason_name(v.reason),
				 tee_reason_name(cases[i].want), v.detail);
		assert_int_equal(v.detail[0] == 0, v.reason == TEE_OK);
	}
}

/* Clocks that differ: only for what is not valid yet. */
static void clock_skew(void **state)
{
	struct tee_policy policy = tee_policy_default;
	struct tee_verdict v;
	struct plan p;

	(void)state;
	policy.clock_skew_s = 60;
	plan_init(&p, &keys, SNP_MILAN, SNP_VCEK);
	p.crl.from = MADE_AT + 60;
	assert_int_equal(judge_plan(&v, &p, &policy), TEE_OK);
	p.crl.from = MADE_AT + 61;
	assert_int_equal(judge_plan(&v, &p, &policy), TEE_CRL_NOT_YET);
	plan_init(&p, &keys, SNP_MILAN, SNP_VCEK);
	p.vek.to = MADE_AT - 1;
	assert_int_equal(judge_plan(&v, &p, &policy), TEE_VEK_EXPIRED);
	policy = tee_policy_default;
	policy.refuses_simulated = true;
	plan_init(&p, &keys, SNP_MILAN, SNP_VCEK);
	assert_int_equal(judge_plan(&v, &p, &policy), TEE_POLICY_SIMULATED);
	assert_true(v.is_verified);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_accepted),
		cmocka_unit_test(made_refused),
		cmocka_unit_test(clock_skew),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
