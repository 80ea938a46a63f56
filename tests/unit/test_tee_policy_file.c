/* policy_file: what a file may say, and every mistake with its line. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "policy_made.h"

#define HASH "0101010101010101010101010101010101010101010101010101010101010101"
/* Lines 3 to 9 of a file. */
#define LIST(use, file, more) \
	"platforms:\n  lists:\n    - name: a\n      use: " use "\n      file: " file "\n" more
#define KEY_OF(first, second) \
	"      key: |\n" \
	"        -----BEGIN PUBLIC KEY-----\n" \
	"        " first "\n" \
	"        " second "\n" \
	"        -----END PUBLIC KEY-----\n"
#define KEY \
	KEY_OF("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGzC5i59uf8IbJC2QWGYAIlYXyJqd", \
	       "2s1mZJJZKV2GF/il+dCFiFlGPeHekS7oMnYfjqmgfFk1yZ5/UkGBW3Hqqg==")
#define BAD_KEY \
	KEY_OF("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGzC5i59uf8IbJC2QWGYAIlYXyJqd", \
	       "2s1mZJJZKV2GF/il+dCFiFlGPeHekS7oMnYfjqmgfFk1yZ5/UkGBW3Aqqg==")
#define OTHER_KIND \
	"      key: |\n        -----BEGIN PUBLIC KEY-----\n" \
	"        MCowBQYDK2VwAyEAUi7JhxalIXOimIXb0SZi9q5HlA6cQ8DtnPzvrpFU7Og=\n" \
	"        -----END PUBLIC KEY-----\n"

static void files(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name, *yaml, *error;
	} cases[] = {
		{ "unknown_key", "tcp: {}\n", "p.yaml:1: tcp: unknown" },
		{ "unknown_status", "tcb:\n  accept: [Fine]\n",
		  "p.yaml:2: tcb.accept[0]: expected" },
		{ "revoked_is_not_offered", "tcb:\n  accept: [Revoked]\n",
		  "p.yaml:2: tcb.accept[0]: expected" },
		{ "short_register", "images:\n  - name: a\n    mr_td: 00\n",
		  "p.yaml:3: images[0].mr_td: expected 96 hex digits" },
		{ "no_name", "images:\n  - mr_td: " MR_1 "\n", "name: missing" },
		{ "no_register", "images:\n  - name: a\n",
		  "p.yaml:2: images[0]: expected at least one TDX register; or for SGX mr_enclave, or "
		  "mr_signer with isv_prod_id" },
		{ "both_kinds", "images: [{name: a, mr_td: " MR_1 ", min_isv_svn: 1}]\n",
		  "p.yaml:1: images[0]: expected at least one TDX register" },
		{ "signer_without_product", "images:\n  - name: b\n    mr_enclave: " HASH "\n  - name: a\n    mr_signer: " HASH "\n",
		  "p.yaml:4: images[1]: expected at least one TDX register" },
		{ "product_without_signer", "images: [{name: a, isv_prod_id: 1}]\n",
		  "images[0]: expected at least" },
		{ "short_hash", "images: [{name: a, mr_enclave: 00}]\n",
		  "images[0].mr_enclave: expected 64 hex digits" },
		{ "svn_too_large", "images: [{name: a, mr_enclave: " HASH ", min_isv_svn: 65536}]\n",
		  "images[0].min_isv_svn: expected a number from 0 to 65535" },
		{ "service_td_that_is_no_switch", "td: {service_td: 1}\n",
		  "p.yaml:1: td.service_td: expected true or false" },
		{ "short_xfam", "td: {xfam: e7}\n", "td.xfam: expected 16 hex digits" },
		{ "module_without_name", "td:\n  modules:\n    - mr_seam: " MR_1 "\n",
		  "p.yaml:3: td.modules[0].name: missing" },
		{ "module_without_measurement", "td:\n  modules:\n    - name: a\n",
		  "p.yaml:3: td.modules[0].mr_seam: missing, expected 96 hex digits" },
		{ "short_module", "td: {modules: [{name: a, mr_seam: 00}]}\n",
		  "td.modules[0].mr_seam: expected 96 hex digits" },
		{ "date_that_is_no_time", "tcb:\n  issued_after: 2026-03-01\n",
		  "p.yaml:2: tcb.issued_after: expected a time such as 2027-01-01T00:00:00Z" },
		{ "root_crl_date_that_is_no_time", "tcb: {root_crl_issued_after: never}\n",
		  "tcb.root_crl_issued_after: expected a time" },
		{ "unknown_sgx_type", "platforms: {sgx_type: [big]}\n",
		  "platforms.sgx_type[0]: expected one of standard, scalable, "
		  "scalable-with-integrity" },
		{ "instance_zero", "platforms: {deny: [{ppid: " PPID ", instance: 00000000000000000000000000000000}]}\n",
		  "platforms.deny[0].instance: expected 32 hex digits, not all zero" },
		{ "list_without_key", LIST("allow", "a.json", ""),
		  "p.yaml:3: platforms.lists[0].key: missing, expected a P-256 public key in PEM" },
		{ "list_of_unknown_use", LIST("shun", "a.json", KEY),
		  "p.yaml:4: platforms.lists[0].use: expected one of allow, deny" },
		{ "list_at_an_absolute_path", LIST("allow", "/a.json", KEY),
		  "p.yaml:5: platforms.lists[0].file: expected a path below the policy's folder" },
		{ "list_above", LIST("allow", "../a.json", KEY), "lists[0].file: expected a path" },
		{ "list_above_by_a_detour", LIST("allow", "a/../../b", KEY), "lists[0].file" },
		{ "list_that_is_the_folder_above", LIST("allow", "a/..", KEY), "lists[0].file" },
		{ "list_without_file", LIST("allow", "''", KEY), "lists[0].file" },
		{ "key_that_is_none", LIST("allow", "a.json", "      key: hello\n"),
		  "p.yaml:6: platforms.lists[0].key: expected a P-256 public key in PEM" },
		{ "key_off_the_curve", LIST("allow", "a.json", BAD_KEY), "lists[0].key: expected" },
		{ "key_of_another_kind", LIST("allow", "a.json", OTHER_KIND), "lists[0].key: expected" },
		{ "deny_with_min_level", LIST("deny", "a.json", KEY "      min_level: 1\n"),
		  "p.yaml:3: platforms.lists[0]: expected min_level and operator only with use: allow" },
		{ "deny_with_operator", LIST("deny", "a.json", KEY "      operator: me\n"),
		  "platforms.lists[0]: expected min_level" },
		{ "level_too_high", LIST("allow", "a.json", KEY "      min_level: 256\n"),
		  "lists[0].min_level: expected a number from 0 to 255" },
		{ "operator_with_a_quote", LIST("allow", "a.json", KEY "      operator: 'a\"b'\n"),
		  "lists[0].operator: expected 1 to 63 printable" },
		{ "register_twice",
		  "images:\n  - name: a\n    mr_td: " MR_1 "\n    mr_td: " MR_1 "\n",
		  "given twice" },
		{ "evaluation_too_large", "tcb: {min_evaluation: 4294967296}\n", "min_evaluation" },
		{ "skew_over_an_hour", "clock_skew: 2h\n", "clock_skew" },
		{ "long_advisory", "tcb: {advisories: [INTEL-SA-000000000000000000000000]}\n",
		  "advisories[0]" },
		{ "short_ppid", "platforms:\n  deny:\n    - ppid: 00\n",
		  "p.yaml:3: platforms.deny[0].ppid: expected" },
		{ "deny_without_ppid", "platforms:\n  deny:\n    - until: 2027-01-01T00:00:00Z\n",
		  "platforms.deny[0].ppid: missing" },
		{ "until_that_is_no_time",
		  "platforms: {deny: [{ppid: " PPID ", until: 2027-02-29}]}\n",
		  "until: expected a time such as" },
		{ "short_fmspc", "platforms: {fmspc: [00]}\n", "platforms.fmspc[0]" },
		{ "grace_over_a_year", "tcb: {grace: 367d}\n", "tcb.grace" },
		{ "list_instead_of_mapping", "[]\n", "expected a mapping" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char error[POLICY_ERROR_MAX] = "";
		struct tee_policy p, kept;
		struct arena arena;

		print_message("%s\n", cases[i].name);
		arena_init(&arena, POLICY_ARENA_MAX);
		memset(&p, 0x5a, sizeof(p));
		kept = p;
		assert_int_equal(policy_read(&p, &arena, "p.yaml", span_str(cases[i].yaml), error),
				 RC_MALFORMED);
		if (!strstr(error, cases[i].error))
			fail_msg("%s", error);
		assert_memory_equal(&p, &kept, sizeof(p));
		arena_fini(&arena);
	}
}

static void whole_file(void **state)
{
	static const char yaml[] = "tcb:\n"
				   "  accept: [UpToDate, SWHardeningNeeded]\n"
				   "  advisories: [INTEL-SA-00615]\n"
				   "  min_evaluation: 17\n"
				   "  issued_after: 2026-03-01T00:00:00Z\n"
				   "  root_crl_issued_after: 2026-01-01T00:00:00Z\n"
				   "td:\n"
				   "  migratable: true\n"
				   "  service_td: true\n"
				   "  perfmon: false\n"
				   "  pks: false\n"
				   "  key_locker: false\n"
				   "  xfam: 00000000000000E7\n"
				   "  modules: [{name: m, mr_seam: " MR_1 "}]\n"
				   "  sept_ve_disable: false\n"
				   "platforms:\n"
				   "  sgx_type: [scalable]\n"
				   "  smt: false\n"
				   "  dynamic: false\n"
				   "  cached_keys: false\n"
				   "  lists:\n"
				   "    - name: ours\n"
				   "      use: deny\n"
				   "      file: lists/ours.json\n" KEY
				   "      min_serial: 12\n"
				   "    - name: theirs\n"
				   "      use: allow\n"
				   "      file: theirs..json\n" KEY
				   "      min_level: 2\n"
				   "      operator: Example GmbH\n"
				   "simulated: false\n"
				   "clock_skew: 5m\n"
				   "images:\n"
				   "  - name: gateway\n"
				   "    mr_td: " MR_1 "\n"
				   "    mr_seam: " MR_2 "\n"
				   "  - name: enclave\n"
				   "    mr_enclave: " HASH "\n"
				   "    min_isv_svn: 2\n";
	char error[POLICY_ERROR_MAX] = "";
	struct tee_policy p;
	struct arena arena;

	(void)state;
	arena_init(&arena, POLICY_ARENA_MAX);
	assert_int_equal(policy_read(&p, &arena, "p", span_str(yaml), error), RC_OK);
	assert_true(p.accepts_status[TCB_UP_TO_DATE] && p.accepts_status[TCB_SW_HARDENING_NEEDED]);
	assert_false(p.accepts_status[TCB_OUT_OF_DATE]);
	assert_true(p.has_advisories && p.advisory_count == 1);
	assert_string_equal(p.advisories[0], "INTEL-SA-00615");
	assert_int_equal(p.min_evaluation, 17);
	assert_true(p.allows_migratable && p.allows_sept_ve && p.refuses_simulated);
	assert_int_equal(p.clock_skew_s, 300);
	assert_true(p.allows_service_td && p.refuses_perfmon && p.refuses_pks);
	assert_true(p.refuses_key_locker && p.xfam == 0xe7);
	assert_true(p.has_modules && p.module_count == 1 && p.modules[0].mr_seam[47] == 1);
	assert_string_equal(p.modules[0].name, "m");
	assert_int_equal(p.issued_after, 1772323200);
	assert_int_equal(p.root_crl_issued_after, 1767225600);
	assert_true(p.refuses_smt && p.refuses_dynamic && p.refuses_cached_keys);
	assert_true(p.refuses_sgx_type[PCK_STANDARD] && !p.refuses_sgx_type[PCK_SCALABLE]);
	assert_int_equal(p.list_count, 2);
	assert_string_equal(p.lists[0].name, "ours");
	assert_int_equal(p.lists[0].use, PLATFORM_DENY);
	assert_string_equal(p.lists[0].file, "lists/ours.json");
	assert_int_equal(p.lists[0].min_serial, 12);
	assert_int_equal(p.lists[0].state, TEE_LIST_MISSING);
	assert_null(p.lists[0].operator);
	assert_int_equal(p.lists[1].use, PLATFORM_ALLOW);
	assert_int_equal(p.lists[1].min_level, 2);
	assert_string_equal(p.lists[1].operator, "Example GmbH");
	assert_int_equal(p.image_count, 2);
	assert_true(!p.images[0].is_enclave && p.images[1].is_enclave);
	assert_true(p.images[1].enclave.pins_enclave && !p.images[1].enclave.pins_signer);
	assert_int_equal(p.images[1].enclave.mr_enclave[31], 1);
	assert_int_equal(p.images[1].enclave.min_isv_svn, 2);
	assert_string_equal(p.images[0].name, "gateway");
	assert_true(p.images[0].is_pinned[POLICY_MR_TD] && p.images[0].is_pinned[POLICY_MR_SEAM]);
	assert_false(p.images[0].is_pinned[POLICY_RTMR0]);
	assert_int_equal(p.images[0].value[POLICY_MR_SEAM][47], 2);
	arena_fini(&arena);
	/* an empty file is the default */
	arena_init(&arena, POLICY_ARENA_MAX);
	assert_int_equal(policy_read(&p, &arena, "p", span_str(""), error), RC_OK);
	assert_memory_equal(p.accepts_status, tee_policy_default.accepts_status,
			    sizeof(p.accepts_status));
	assert_false(p.has_images || p.has_advisories || p.allows_migratable || p.allows_sept_ve);
	assert_false(p.has_modules || p.list_count || p.refuses_smt || p.refuses_perfmon);
	assert_true(p.xfam == POLICY_XFAM);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),
		cmocka_unit_test(whole_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
