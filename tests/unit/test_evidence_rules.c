/* What a relying party asks: a YAML file, every mistake with its line. */
#include "unit.h"

#include <string.h>

#include "evidence/rules.h"

static void everything_is_read(void **state)
{
	static const char text[] =
		"platform: platform.yaml\n"
		"simulated_root: root.pem\n"
		"apps:\n"
		"  - app_id: 0102030405060708090a0b0c0d0e0f1011121314\n"
		"  - app_id: 0102030405060708090a0b0c0d0e0f1011121315\n"
		"    compose_hash: "
		"00000000000000000000000000000000000000000000000000000000000000ff\n"
		"ca:\n"
		"  directories: [ca.example]\n"
		"  issuers: [ca.example, other.example]\n"
		"  methods: [dns-01]\n"
		"  accounts: [\"https://ca.example/acct/1\"]\n"
		"  caa_reuse: 500ms\n"
		"dnssec: optional\n"
		"report_data: strict\n"
		"sources: 3\n"
		"beacon_age: 12h\n"
		"keys: [00000000000000000000000000000000000000000000000000000000000000aa]\n"
		"witnesses: tlog.policy\n"
		"optional: [audit.proof, caa.proof]\n";
	char error[RULES_ERROR_MAX] = "";
	struct arena arena;
	struct rules r;

	(void)state;
	arena_init(&arena, 64 * 1024);
	if (rules_read(&r, &arena, "rules", span_str(text), error))
		fail_msg("%s", error);
	assert_string_equal(r.platform, "platform.yaml");
	assert_string_equal(r.simulated_root, "root.pem");
	assert_string_equal(r.witnesses, "tlog.policy");
	assert_int_equal(r.app_count, 2);
	assert_false(r.apps[0].has_compose);
	assert_true(r.apps[1].has_compose);
	assert_int_equal(r.apps[1].compose[31], 0xff);
	assert_int_equal(r.apps[1].app_id[19], 0x15);
	assert_int_equal(r.issuer_count, 2);
	assert_true(span_equal_str(r.issuers[1], "other.example"));
	assert_true(span_equal_str(r.accounts[0], "https://ca.example/acct/1"));
	assert_true(r.is_dnssec_optional);
	assert_int_equal(r.report_data, RULES_STRICT);
	assert_int_equal(r.sources, 3);
	assert_int_equal(r.beacon_age_s, 12 * 3600);
	assert_int_equal(r.caa_reuse_s, 1); /* 500 ms, rounded up */
	assert_int_equal(r.keys[0][31], 0xaa);
	assert_true(rules_is_optional(&r, "caa.proof"));
	assert_false(rules_is_optional(&r, "caa"));
	arena_fini(&arena);
}

static void an_empty_file_is_the_default(void **state)
{
	char error[RULES_ERROR_MAX] = "";
	struct arena arena;
	struct rules r;

	(void)state;
	arena_init(&arena, 64 * 1024);
	assert_int_equal(rules_read(&r, &arena, "rules", span_str(""), error), RC_OK);
	assert_int_equal(r.app_count, 0);
	assert_int_equal(r.sources, RULES_SOURCES);
	assert_int_equal(r.beacon_age_s, RULES_BEACON_AGE_S);
	assert_int_equal(r.caa_reuse_s, RULES_CAA_REUSE_S);
	assert_false(r.is_dnssec_optional);
	assert_int_equal(r.report_data, RULES_WITH_CORE);
	assert_true(span_equal_str(r.issuers[0], "letsencrypt.org"));
	for (size_t i = 0; i < r.method_count; i++)
		assert_false(span_equal_str(r.methods[i], "http-01"));
	arena_fini(&arena);
}

static void mistakes_are_told_with_their_line(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "platfrom: x\n", "rules:1" },
		{ "dnssec: maybe\n", "dnssec" },
		{ "sources: 0\n", "sources" },
		{ "apps:\n  - compose_hash: 00\n", "rules:2" },
		{ "apps:\n  - app_id: 00\n", "app_id" },
		{ "ca:\n  methods: [\"a;b\"]\n", "methods" },
		{ "ca:\n  accounts: [ca.example]\n", "accounts" },
		{ "ca:\n  issuers: []\n", "issuers" },
		{ "ca:\n  caa_reuse: soon\n", "caa_reuse" },
		{ "keys: [00]\n", "keys" },
		{ "beacon_age: 3\n", "beacon_age" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char error[RULES_ERROR_MAX] = "";
		struct arena arena;
		struct rules r;

		arena_init(&arena, 64 * 1024);
		assert_int_equal(rules_read(&r, &arena, "rules", span_str(cases[i].text), error),
				 RC_MALFORMED);
		if (!strstr(error, cases[i].says))
			fail_msg("%s: %s", cases[i].text, error);
		arena_fini(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_read),
		cmocka_unit_test(an_empty_file_is_the_default),
		cmocka_unit_test(mistakes_are_told_with_their_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
