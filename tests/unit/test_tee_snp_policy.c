/* snp_policy: each rule refused with reason, rule, expected and found; the
 * file's grammar; images of either TEE. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "tee/policy.h"

#define CHIP_1 \
	"0101010101010101010101010101010101010101010101010101010101010101" \
	"0101010101010101010101010101010101010101010101010101010101010101"
#define CHIP_2 \
	"0202020202020202020202020202020202020202020202020202020202020202" \
	"0202020202020202020202020202020202020202020202020202020202020202"
#define MR_3 \
	"030303030303030303030303030303030303030303030303" \
	"030303030303030303030303030303030303030303030303"
#define MR_5 \
	"050505050505050505050505050505050505050505050505" \
	"050505050505050505050505050505050505050505050505"
#define HOST_4 "0404040404040404040404040404040404040404040404040404040404040404"
#define HOST_5 "0505050505050505050505050505050505050505050505050505050505050505"

/* A verdict in good order: chip id of ones, measurement of threes, host data of
 * fours, key digest of fives. */
struct made {
	uint8_t chip[64], measurement[48], host[32], key[48];
	struct tee_verdict v;
};

static void make(struct made *m)
{
	memset(m, 0, sizeof(*m));
	memset(m->chip, 1, sizeof(m->chip));
	memset(m->measurement, 3, sizeof(m->measurement));
	memset(m->host, 4, sizeof(m->host));
	memset(m->key, 5, sizeof(m->key));
	m->v.kind = TEE_KIND_SNP;
	m->v.is_verified = true;
	m->v.at = 1767225600; /* 2026-01-01T00:00:00Z */
	m->v.snp = (struct snp_report){
		.version = 3,
		.policy = SNP_POLICY_RESERVED_ONE | SNP_POLICY_SMT,
		.measurement = SPAN_ARRAY(m->measurement),
		.host_data = SPAN_ARRAY(m->host),
		.id_key_digest = SPAN_ARRAY(m->key),
		.chip_id = SPAN_ARRAY(m->chip),
	};
	m->v.snp_platform = (struct snp_platform){
		.product = SNP_GENOA,
		.csp_id = "example-cloud",
		.reported = { .bootloader = 7, .tee = 1, .snp = 20, .microcode = 84 },
	};
}

static enum tee_reason check_text(struct made *m, const char *yaml)
{
	char error[POLICY_ERROR_MAX] = "";
	struct tee_policy p;
	struct arena arena;
	enum tee_reason reason;

	arena_init(&arena, 1024 * 1024);
	if (policy_read(&p, &arena, "policy.yaml", span_str(yaml), error))
		fail_msg("%s", error);
	reason = policy_check(&m->v, &p);
	arena_fini(&arena);
	return reason;
}

enum change {
	NOTHING,
	MIGRATE,
	DEBUG,
	NO_SMT,
	ONE_SOCKET,
	VMPL_1,
	VMPL_3,
	BY_HOST,
	VLEK,
	MASKED,
	MILAN,
};

static void change(struct made *m, enum change c)
{
	struct snp_report *r = &m->v.snp;

	switch (c) {
	case NOTHING:
		return;
	case MIGRATE:
		r->policy |= SNP_POLICY_MIGRATE_MA;
		return;
	case DEBUG:
		r->policy |= SNP_POLICY_DEBUG;
		return;
	case NO_SMT:
		r->policy &= ~SNP_POLICY_SMT;
		return;
	case ONE_SOCKET:
		r->policy |= SNP_POLICY_SINGLE_SOCKET;
		return;
	case VMPL_1:
		r->vmpl = 1;
		return;
	case VMPL_3:
		r->vmpl = 3;
		return;
	case BY_HOST:
		r->vmpl = SNP_VMPL_HOST;
		return;
	case VLEK:
		r->signing_key = SNP_VLEK;
		return;
	case MASKED:
		memset(m->chip, 0, sizeof(m->chip));
		return;
	case MILAN:
		m->v.snp_platform.product = SNP_MILAN;
		return;
	}
}

static void rules(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		enum change change;
		const char *yaml;
		enum tee_reason want;
		const char *detail;
	} cases[] = {
		{ "default", NOTHING, "", TEE_OK, "" },
		{ "debug", DEBUG, "", TEE_POLICY_DEBUG,
		  "GUEST_POLICY.DEBUG: expected clear, found 00000000000b0000" },
		{ "debug_whatever_is_allowed", DEBUG,
		  "snp: {migration_agent: true, vmpl: 3, require_crl: false}", TEE_POLICY_DEBUG, "" },
		{ "migration", MIGRATE, "", TEE_POLICY_SNP_GUEST,
		  "snp.migration_agent: GUEST_POLICY.MIGRATE_MA: expected clear, found" },
		{ "migration_allowed", MIGRATE, "snp: {migration_agent: true}", TEE_OK, "" },
		{ "smt_refused", NOTHING, "snp: {smt: false}", TEE_POLICY_SNP_GUEST,
		  "snp.smt: GUEST_POLICY.SMT: expected clear" },
		{ "no_smt", NO_SMT, "snp: {smt: false}", TEE_OK, "" },
		{ "two_sockets", NOTHING, "snp: {single_socket: true}", TEE_POLICY_SNP_GUEST,
		  "snp.single_socket: GUEST_POLICY.SINGLE_SOCKET: expected set" },
		{ "one_socket", ONE_SOCKET, "snp: {single_socket: true}", TEE_OK, "" },
		{ "vmpl_1", VMPL_1, "", TEE_POLICY_SNP_VMPL,
		  "snp.vmpl: expected at most 0, found 1" },
		{ "vmpl_1_allowed", VMPL_1, "snp: {vmpl: 1}", TEE_OK, "" },
		{ "vmpl_3_over_2", VMPL_3, "snp: {vmpl: 2}", TEE_POLICY_SNP_VMPL,
		  "expected at most 2, found 3" },
		{ "host_report", BY_HOST, "snp: {vmpl: 3}", TEE_POLICY_SNP_VMPL, "one of the host's" },
		{ "vlek", VLEK, "", TEE_OK, "" },
		{ "vlek_refused", VLEK, "snp: {vlek: false}", TEE_POLICY_SNP_SIGNER,
		  "snp.vlek: expected a VCEK, found a VLEK of example-cloud" },
		{ "vcek_with_vlek_refused", NOTHING, "snp: {vlek: false}", TEE_OK, "" },
		{ "tcb_just_so", NOTHING,
		  "snp: {min_tcb: [{product: Genoa, bootloader: 7, tee: 1, snp: 20, microcode: 84}]}",
		  TEE_OK, "" },
		{ "bootloader_old", NOTHING, "snp: {min_tcb: [{product: Genoa, bootloader: 8}]}",
		  TEE_POLICY_SNP_TCB, "snp.min_tcb.bootloader: expected at least 8, found 7" },
		{ "tee_old", NOTHING, "snp: {min_tcb: [{product: Genoa, tee: 2}]}",
		  TEE_POLICY_SNP_TCB, "snp.min_tcb.tee: expected at least 2, found 1" },
		{ "snp_old", NOTHING, "snp: {min_tcb: [{product: Genoa, snp: 21}]}",
		  TEE_POLICY_SNP_TCB, "snp.min_tcb.snp: expected at least 21, found 20" },
		{ "microcode_old", NOTHING, "snp: {min_tcb: [{product: Genoa, microcode: 255}]}",
		  TEE_POLICY_SNP_TCB, "snp.min_tcb.microcode: expected at least 255, found 84" },
		{ "fmc_old", NOTHING, "snp: {min_tcb: [{product: Genoa, fmc: 1}]}",
		  TEE_POLICY_SNP_TCB, "snp.min_tcb.fmc: expected at least 1, found 0" },
		{ "second_entry_of_a_product", NOTHING,
		  "snp: {min_tcb: [{product: Genoa}, {product: Genoa, snp: 21}]}", TEE_POLICY_SNP_TCB,
		  "snp.min_tcb.snp" },
		{ "other_products_minimum", NOTHING,
		  "snp: {min_tcb: [{product: Genoa}, {product: Milan, snp: 255}]}", TEE_OK, "" },
		{ "product_not_listed", MILAN, "snp: {min_tcb: [{product: Genoa}]}",
		  TEE_POLICY_SNP_TCB, "snp.min_tcb: expected a listed product, found Milan" },
		{ "no_product_listed", NOTHING, "snp: {min_tcb: []}", TEE_POLICY_SNP_TCB, "" },
		{ "chip_allowed", NOTHING, "snp: {allow: [{chip_id: " CHIP_1 "}]}", TEE_OK, "" },
		{ "chip_not_allowed", NOTHING, "snp: {allow: [{chip_id: " CHIP_2 "}]}",
		  TEE_POLICY_PLATFORM, "snp.allow: expected a listed chip, found " CHIP_1 },
		{ "nothing_allowed", NOTHING, "snp: {allow: []}", TEE_POLICY_PLATFORM, "" },
		{ "allowed_until_now", NOTHING,
		  "snp: {allow: [{chip_id: " CHIP_1 ", until: 2026-01-01T00:00:00Z}]}", TEE_OK, "" },
		{ "allowed_until_before", NOTHING,
		  "snp: {allow: [{chip_id: " CHIP_1 ", until: 2025-12-31T23:59:59Z}]}",
		  TEE_POLICY_PLATFORM, "listed until 2025-12-31T23:59:59Z" },
		{ "longest_entry_counts", NOTHING,
		  "snp: {allow: [{chip_id: " CHIP_1 ", until: 2027-01-01T00:00:00Z},"
		  " {chip_id: " CHIP_1 ", until: 2025-12-31T23:59:59Z}]}",
		  TEE_OK, "" },
		{ "chip_denied", NOTHING, "snp: {deny: [{chip_id: " CHIP_1 "}]}", TEE_POLICY_PLATFORM,
		  "snp.deny: expected a chip not listed, found " CHIP_1 },
		{ "denied_before_allowed", NOTHING,
		  "snp: {deny: [{chip_id: " CHIP_1 "}], allow: [{chip_id: " CHIP_1 "}]}",
		  TEE_POLICY_PLATFORM, "snp.deny" },
		{ "denied_until_before", NOTHING,
		  "snp: {deny: [{chip_id: " CHIP_1 ", until: 2025-12-31T23:59:59Z}]}", TEE_OK, "" },
		{ "another_denied", NOTHING, "snp: {deny: [{chip_id: " CHIP_2 "}]}", TEE_OK, "" },
		{ "masked", MASKED, "", TEE_OK, "" },
		{ "masked_with_deny", MASKED, "snp: {deny: [{chip_id: " CHIP_2 "}]}",
		  TEE_POLICY_PLATFORM, "snp.deny: expected a chip id, found it masked" },
		{ "masked_with_allow", MASKED, "snp: {allow: [{chip_id: " CHIP_2 "}]}",
		  TEE_POLICY_PLATFORM, "snp.allow: expected a chip id, found it masked" },
		{ "vlek_with_deny", VLEK, "snp: {deny: [{chip_id: " CHIP_2 "}]}", TEE_OK, "" },
		{ "vlek_proves_no_chip", VLEK, "snp: {allow: [{chip_id: " CHIP_1 "}]}",
		  TEE_POLICY_PLATFORM, "snp.allow: expected a chip's own key (VCEK), found a VLEK" },
		/* rules of quotes say nothing of reports */
		{ "tcb_and_platforms", NOTHING,
		  "tcb: {accept: [], min_evaluation: 99}\n"
		  "platforms: {fmspc: [b0c06f000000], allow: []}",
		  TEE_OK, "" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct made m;

		print_message("%s\n", cases[i].name);
		make(&m);
		change(&m, cases[i].change);
		assert_int_equal(check_text(&m, cases[i].yaml), cases[i].want);
		assert_non_null(strstr(m.v.detail, cases[i].detail));
		assert_int_equal(m.v.detail[0] == 0, cases[i].want == TEE_OK);
	}
}

static void images(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name, *yaml;
		enum tee_reason want;
		const char *image, *detail;
	} cases[] = {
		{ "all_three",
		  "images: [{name: a, measurement: " MR_3 ", host_data: " HOST_4
		  ", id_key_digest: " MR_5 "}]",
		  TEE_OK, "a", "" },
		{ "measurement_alone", "images: [{name: a, measurement: " MR_3 "}]", TEE_OK, "a", "" },
		{ "host_data_alone", "images: [{name: a, host_data: " HOST_4 "}]", TEE_OK, "a", "" },
		{ "key_alone", "images: [{name: a, id_key_digest: " MR_5 "}]", TEE_OK, "a", "" },
		{ "second_matches",
		  "images: [{name: a, measurement: " MR_5 "}, {name: b, measurement: " MR_3 "}]",
		  TEE_OK, "b", "" },
		{ "another_measurement", "images: [{name: a, measurement: " MR_5 "}]",
		  TEE_POLICY_MEASUREMENT, "",
		  "images.a.measurement: expected " MR_5 ", found " MR_3 },
		{ "another_host_data", "images: [{name: a, host_data: " HOST_5 "}]",
		  TEE_POLICY_MEASUREMENT, "",
		  "images.a.host_data: expected " HOST_5 ", found " HOST_4 },
		{ "key_differs_after_measurement",
		  "images: [{name: a, measurement: " MR_3 ", id_key_digest: " MR_3 "}]",
		  TEE_POLICY_MEASUREMENT, "",
		  "images.a.id_key_digest: expected " MR_3 ", found " MR_5 },
		{ "image_of_tdx", "images: [{name: a, mr_td: " MR_3 "}]", TEE_POLICY_MEASUREMENT, "",
		  "images: expected evidence of a listed kind, found SEV-SNP" },
		{ "image_of_sgx", "images: [{name: a, mr_enclave: " HOST_4 "}]",
		  TEE_POLICY_MEASUREMENT, "", "expected evidence of a listed kind" },
		{ "image_of_each",
		  "images: [{name: a, mr_td: " MR_3 "}, {name: b, measurement: " MR_3 "}]", TEE_OK,
		  "b", "" },
		{ "empty_list", "images: []", TEE_POLICY_MEASUREMENT, "", "images: expected a listed one, found an empty list" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct made m;

		print_message("%s\n", cases[i].name);
		make(&m);
		assert_int_equal(check_text(&m, cases[i].yaml), cases[i].want);
		assert_string_equal(m.v.image, cases[i].image);
		assert_non_null(strstr(m.v.detail, cases[i].detail));
	}
}

/* The other way round: an image of SEV-SNP matches no TD. */
static void image_of_snp_and_a_td(void **state)
{
	uint8_t zero[48] = { 0 };
	struct made m;

	(void)state;
	make(&m);
	m.v.kind = TEE_KIND_TDX;
	m.v.tcb_status = TCB_UP_TO_DATE;
	m.v.quote.tee = QUOTE_TDX;
	m.v.quote.td.td_attributes = UINT64_C(1) << 28;
	m.v.quote.td.xfam = 0xe7;
	m.v.snp_platform = (struct snp_platform){ 0 };
	m.v.quote.td.mr_td = SPAN_ARRAY(zero);
	m.v.snp = (struct snp_report){ 0 };
	assert_int_equal(check_text(&m, ""), TEE_OK);
	assert_int_equal(check_text(&m, "images: [{name: a, measurement: " MR_3 "}]"),
			 TEE_POLICY_MEASUREMENT);
	assert_int_equal(check_text(&m, "images: [{name: a, host_data: " HOST_4 "}]"),
			 TEE_POLICY_MEASUREMENT);
	/* and rules of reports say nothing of quotes */
	assert_int_equal(check_text(&m, "snp: {min_tcb: [], allow: [], smt: false}"), TEE_OK);
}

/* Every rule that refuses is said, in the order of policy_check(). */
static void all_faults(void **state)
{
	struct tee_policy p = tee_policy_default;
	struct policy_fault faults[POLICY_FAULTS_MAX];
	struct made m;

	(void)state;
	make(&m);
	assert_int_equal(policy_faults(faults, &m.v, &p), 0);
	change(&m, DEBUG);
	change(&m, VMPL_1);
	p.snp.has_min_tcb = p.snp.has_allowed = p.has_images = true;
	m.v.is_simulated = p.refuses_simulated = true;
	assert_int_equal(policy_faults(faults, &m.v, &p), 6);
	assert_int_equal(faults[0].reason, TEE_POLICY_DEBUG);
	assert_int_equal(faults[1].reason, TEE_POLICY_SNP_VMPL);
	assert_int_equal(faults[2].reason, TEE_POLICY_SNP_TCB);
	assert_int_equal(faults[3].reason, TEE_POLICY_PLATFORM);
	assert_int_equal(faults[4].reason, TEE_POLICY_SIMULATED);
	assert_int_equal(faults[5].reason, TEE_POLICY_MEASUREMENT);
	assert_int_equal(policy_check(&m.v, &p), faults[0].reason);
}

static void files(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name, *yaml, *error;
	} cases[] = {
		{ "unknown_key", "snp:\n  debug: true\n", "p.yaml:2: snp.debug: unknown" },
		{ "vmpl_4", "snp:\n  vmpl: 4\n", "p.yaml:2: snp.vmpl: expected" },
		{ "unknown_product", "snp:\n  min_tcb: [{product: Rome}]\n",
		  "p.yaml:2: snp.min_tcb[0].product: expected" },
		{ "no_product", "snp:\n  min_tcb: [{snp: 1}]\n", "p.yaml:2: snp.min_tcb[0].product" },
		{ "part_over_255", "snp:\n  min_tcb: [{product: Milan, snp: 256}]\n",
		  "p.yaml:2: snp.min_tcb[0].snp: expected" },
		{ "short_chip", "snp:\n  deny: [{chip_id: \"00\"}]\n",
		  "p.yaml:2: snp.deny[0].chip_id: expected" },
		{ "chip_without_id", "snp:\n  allow: [{until: 2027-01-01T00:00:00Z}]\n",
		  "p.yaml:2: snp.allow[0].chip_id" },
		{ "no_time", "snp:\n  allow: [{chip_id: " CHIP_1 ", until: soon}]\n",
		  "p.yaml:2: snp.allow[0].until: expected a time" },
		{ "long_host_data", "images:\n  - name: a\n    host_data: \"00" HOST_4 "\"\n",
		  "p.yaml:3: images[0].host_data: expected 64 hex digits" },
		{ "image_of_two_kinds",
		  "images:\n  - {name: a, mr_td: " MR_3 ", measurement: " MR_3 "}\n",
		  "p.yaml:2: images[0]: expected at least one TDX register; or" },
		{ "image_of_snp_and_sgx",
		  "images:\n  - {name: a, min_isv_svn: 1, host_data: " HOST_4 "}\n",
		  "p.yaml:2: images[0]: expected at least one TDX register; or" },
		{ "short_measurement", "images:\n  - name: a\n    measurement: " HOST_4 "\n",
		  "p.yaml:3: images[0].measurement: expected 96 hex digits" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char error[POLICY_ERROR_MAX] = "";
		struct tee_policy p;
		struct arena arena;

		print_message("%s\n", cases[i].name);
		arena_init(&arena, 1024 * 1024);
		assert_int_equal(policy_read(&p, &arena, "p.yaml", span_str(cases[i].yaml), error),
				 RC_MALFORMED);
		if (!strstr(error, cases[i].error))
			fail_msg("%s", error);
		arena_fini(&arena);
	}
}

static void whole_file(void **state)
{
	static const char text[] =
		"snp:\n"
		"  migration_agent: true\n  smt: false\n  single_socket: true\n"
		"  vmpl: 2\n  vlek: false\n  require_crl: false\n"
		"  min_tcb:\n"
		"    - {product: Turin, fmc: 1, bootloader: 2, tee: 3, snp: 4, microcode: 5}\n"
		"    - {product: Milan, microcode: 219}\n"
		"  allow: [{chip_id: " CHIP_1 ", until: 2027-01-01T00:00:00Z}]\n"
		"  deny: [{chip_id: " CHIP_2 "}]\n";
	static const struct snp_tcb least = { 1, 2, 3, 4, 5 };
	char error[POLICY_ERROR_MAX] = "";
	struct tee_policy p;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1024 * 1024);
	assert_int_equal(policy_read(&p, &arena, "p", span_str(text), error), RC_OK);
	assert_true(p.snp.allows_migration_agent && p.snp.refuses_smt);
	assert_true(p.snp.requires_single_socket && p.snp.refuses_vlek && p.snp.allows_no_crl);
	assert_int_equal(p.snp.vmpl_max, 2);
	assert_true(p.snp.has_min_tcb && p.snp.has_allowed);
	assert_int_equal(p.snp.min_tcb_count, 2);
	assert_int_equal(p.snp.min_tcb[0].product, SNP_TURIN);
	assert_memory_equal(&p.snp.min_tcb[0].least, &least, sizeof(least));
	assert_int_equal(p.snp.min_tcb[1].product, SNP_MILAN);
	assert_int_equal(p.snp.min_tcb[1].least.microcode, 219);
	assert_int_equal(p.snp.allowed_count, 1);
	assert_true(p.snp.allowed[0].until == 1798761600);
	assert_int_equal(p.snp.denied_count, 1);
	assert_int_equal(p.snp.denied[0].chip_id[63], 2);
	/* an empty file is the default */
	assert_int_equal(policy_read(&p, &arena, "p", span_str(""), error), RC_OK);
	assert_false(p.snp.allows_migration_agent || p.snp.refuses_smt);
	assert_false(p.snp.requires_single_socket || p.snp.refuses_vlek || p.snp.allows_no_crl);
	assert_false(p.snp.has_min_tcb || p.snp.has_allowed || p.snp.denied_count);
	assert_int_equal(p.snp.vmpl_max, 0);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),
		cmocka_unit_test(images),
		cmocka_unit_test(image_of_snp_and_a_td),
		cmocka_unit_test(all_faults),
		cmocka_unit_test(files),
		cmocka_unit_test(whole_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
