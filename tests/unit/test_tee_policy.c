/*
 * policy: each rule refused with its reason and a detail that names rule,
 * expected and found; the file's grammar; images.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "tee/policy.h"

#define SEPT_VE_DISABLE (UINT64_C(1) << 28)
#define MR_1 \
	"010101010101010101010101010101010101010101010101" \
	"010101010101010101010101010101010101010101010101"
#define MR_2 \
	"020202020202020202020202020202020202020202020202" \
	"020202020202020202020202020202020202020202020202"

/* A verdict in good order: register r of the quote holds bytes r + 1. */
struct made {
	uint8_t mr[POLICY_REGISTER_COUNT][QUOTE_MR_LEN];
	uint8_t service[QUOTE_MR_LEN], attributes[16];
	struct tee_verdict v;
};

static void make(struct made *m)
{
	struct td_report *td = &m->v.quote.td;

	memset(m, 0, sizeof(*m));
	for (size_t i = 0; i < POLICY_REGISTER_COUNT; i++)
		memset(m->mr[i], (int)i + 1, QUOTE_MR_LEN);
	m->v.is_verified = true;
	m->v.tcb_status = TCB_UP_TO_DATE;
	m->v.tcb_evaluation = 18;
	m->v.qe_evaluation = 17;
	strcpy(m->v.anchor, "simulated");
	m->v.quote.tee = QUOTE_TDX;
	m->v.quote.enclave.attributes = SPAN_ARRAY(m->attributes);
	td->td_attributes = SEPT_VE_DISABLE;
	td->mr_td = SPAN_ARRAY(m->mr[POLICY_MR_TD]);
	for (size_t i = 0; i < QUOTE_RTMR_COUNT; i++)
		td->rtmr[i] = SPAN_ARRAY(m->mr[POLICY_RTMR0 + i]);
	td->mr_config_id = SPAN_ARRAY(m->mr[POLICY_MR_CONFIG_ID]);
	td->mr_owner = SPAN_ARRAY(m->mr[POLICY_MR_OWNER]);
	td->mr_owner_config = SPAN_ARRAY(m->mr[POLICY_MR_OWNER_CONFIG]);
	td->mr_seam = SPAN_ARRAY(m->mr[POLICY_MR_SEAM]);
	td->mr_service_td = SPAN_ARRAY(m->service);
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

static void attributes(void **state)
{
	static const struct {
		const char *name, *yaml;
		unsigned flips; /* bit of TDATTRIBUTES; 64: none */
		enum tee_reason want;
		const char *detail;
	} cases[] = {
		{ "default_accepted", "", 64, TEE_OK, "" },
		{ "debug", "", 0, TEE_POLICY_DEBUG,
		  "TDATTRIBUTES.DEBUG: expected clear, found set" },
		{ "debug_whatever_is_allowed", "td: {migratable: true, sept_ve_disable: false}", 0,
		  TEE_POLICY_DEBUG, "TDATTRIBUTES.DEBUG" },
		{ "sept_ve_clear", "", 28, TEE_POLICY_ATTRIBUTES,
		  "TDATTRIBUTES.SEPT_VE_DISABLE: expected set, found 0000000000000000" },
		{ "sept_ve_clear_allowed", "td: {sept_ve_disable: false}", 28, TEE_OK, "" },
		{ "migratable", "", 29, TEE_POLICY_ATTRIBUTES,
		  "TDATTRIBUTES.MIGRATABLE: expected clear" },
		{ "migratable_allowed", "td: {migratable: true}", 29, TEE_OK, "" },
		{ "lass", "", 27, TEE_OK, "" },
		{ "protection_keys", "", 30, TEE_OK, "" },
		{ "key_locker", "", 31, TEE_OK, "" },
		{ "tpa", "", 62, TEE_OK, "" },
		{ "perfmon", "", 63, TEE_OK, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct made m;

		print_message("%s\n", cases[i].name);
		make(&m);
		if (cases[i].flips < 64)
			m.v.quote.td.td_attributes ^= UINT64_C(1) << cases[i].flips;
		assert_int_equal(check_text(&m, cases[i].yaml), cases[i].want);
		assert_non_null(strstr(m.v.detail, cases[i].detail));
	}
	for (unsigned bit = 1; bit < 62; bit++) {
		struct made m;

		if (bit >= 27 && bit <= 31)
			continue;
		make(&m);
		m.v.quote.td.td_attributes |= UINT64_C(1) << bit;
		assert_int_equal(policy_check(&m.v, &tee_policy_default), TEE_POLICY_ATTRIBUTES);
		assert_non_null(strstr(m.v.detail, "reserved"));
	}
}

static void service_td(void **state)
{
	struct made m;

	(void)state;
	make(&m);
	m.service[47] = 1;
	assert_int_equal(check_text(&m, ""), TEE_POLICY_ATTRIBUTES);
	assert_non_null(strstr(m.v.detail, "MR_SERVICETD: expected zero"));
	make(&m);
	m.service[47] = 1;
	assert_int_equal(check_text(&m, "td: {migratable: true}"), TEE_OK);
	make(&m);
	m.v.quote.td.mr_service_td = (struct span){ 0 }; /* TD report 1.0 */
	assert_int_equal(check_text(&m, ""), TEE_OK);
}

static void statuses(void **state)
{
	(void)state;
	for (int s = TCB_NONE; s < TCB_STATUS_COUNT; s++) {
		bool is_final = s == TCB_NONE || s == TCB_REVOKED;
		char yaml[128];
		struct made m;

		make(&m);
		m.v.tcb_status = (enum tee_tcb_status)s;
		assert_int_equal(policy_check(&m.v, &tee_policy_default),
				 s == TCB_UP_TO_DATE ? TEE_OK
				 : is_final	     ? TEE_TCB_REVOKED
						     : TEE_TCB_STATUS);
		if (s > TCB_UP_TO_DATE && !is_final)
			assert_non_null(strstr(m.v.detail, "expected UpToDate, found"));
		if (is_final)
			continue;
		make(&m);
		m.v.tcb_status = (enum tee_tcb_status)s;
		snprintf(yaml, sizeof(yaml), "tcb: {accept: [%s]}",
			 tee_tcb_status_name((enum tee_tcb_status)s));
		assert_int_equal(check_text(&m, yaml), TEE_OK);
		if (s == TCB_UP_TO_DATE)
			continue;
		make(&m);
		assert_int_equal(check_text(&m, yaml), TEE_TCB_STATUS);
	}
	/* Not even a policy made by hand accepts what Intel revoked. */
	struct tee_policy all = tee_policy_default;
	struct made m;

	memset(all.accepts_status, 1, sizeof(all.accepts_status));
	make(&m);
	m.v.tcb_status = TCB_REVOKED;
	assert_int_equal(policy_check(&m.v, &all), TEE_TCB_REVOKED);
}

static void other_rules(void **state)
{
	struct made m;

	(void)state;
	make(&m);
	assert_int_equal(check_text(&m, "tcb: {accept: []}"), TEE_TCB_STATUS);
	make(&m);
	m.v.advisory_count = 1;
	strcpy(m.v.advisories[0], "INTEL-SA-00001");
	assert_int_equal(check_text(&m, "tcb: {advisories: [INTEL-SA-00001]}"), TEE_OK);
	assert_int_equal(check_text(&m, "tcb: {advisories: []}"), TEE_POLICY_ADVISORY);
	assert_non_null(strstr(m.v.detail, "INTEL-SA-00001 is not listed"));
	make(&m);
	assert_int_equal(check_text(&m, "tcb: {min_evaluation: 17}"), TEE_OK);
	assert_int_equal(check_text(&m, "tcb: {min_evaluation: 18}"), TEE_POLICY_EVALUATION);
	assert_non_null(strstr(m.v.detail, "expected at least 18, found 17"));
	make(&m);
	assert_int_equal(check_text(&m, "simulated: false"), TEE_OK);
	m.v.is_simulated = true;
	assert_int_equal(check_text(&m, ""), TEE_OK);
	assert_int_equal(check_text(&m, "simulated: false"), TEE_POLICY_SIMULATED);
	make(&m);
	m.v.quote.tee = QUOTE_SGX;
	assert_int_equal(check_text(&m, ""), TEE_OK);
	assert_int_equal(check_text(&m, "images: [{name: a, mr_td: " MR_1 "}]"),
			 TEE_POLICY_MEASUREMENT);
	m.attributes[0] = 2;
	assert_int_equal(check_text(&m, ""), TEE_POLICY_DEBUG);
}

#define PPID "0102030405060708090a0b0c0d0e0f10"
#define OTHER "ff02030405060708090a0b0c0d0e0f10"
#define NOW INT64_C(1800000000) /* 2027-01-15T08:00:00Z */

static void platforms(void **state)
{
	static const struct {
		const char *name, *yaml;
		enum tee_reason want;
		const char *detail;
	} cases[] = {
		{ "no_lists_any", "platforms: {}", TEE_OK, "" },
		{ "family_listed", "platforms: {fmspc: [000000000000, b0C06f000000]}", TEE_OK, "" },
		{ "family_not_listed", "platforms: {fmspc: [00906ea10000]}", TEE_POLICY_FMSPC,
		  "platforms.fmspc: expected a listed one, found b0c06f000000" },
		{ "no_family_listed", "platforms: {fmspc: []}", TEE_POLICY_FMSPC, "fmspc" },
		{ "allowed", "platforms: {allow: [{ppid: " OTHER "}, {ppid: " PPID "}]}", TEE_OK,
		  "" },
		{ "not_allowed", "platforms: {allow: [{ppid: " OTHER "}]}", TEE_POLICY_PLATFORM,
		  "platforms.allow: expected a listed ppid, found " PPID },
		{ "nobody_allowed", "platforms: {allow: []}", TEE_POLICY_PLATFORM,
		  "platforms.allow" },
		{ "allowed_to_the_second",
		  "platforms: {allow: [{ppid: " PPID ", until: 2027-01-15T08:00:00Z}]}", TEE_OK,
		  "" },
		{ "allowance_over",
		  "platforms: {allow: [{ppid: " PPID ", until: 2027-01-15T07:59:59Z}]}",
		  TEE_POLICY_PLATFORM,
		  "found " PPID ", listed until 2027-01-15T07:59:59Z" },
		{ "the_longer_of_two_entries_counts",
		  "platforms: {allow: [{ppid: " PPID "}, {ppid: " PPID
		  ", until: 2020-01-01T00:00:00Z}]}",
		  TEE_OK, "" },
		{ "denied", "platforms: {deny: [{ppid: " PPID "}]}", TEE_POLICY_PLATFORM,
		  "platforms.deny: expected a ppid not listed, found " PPID },
		{ "another_denied", "platforms: {deny: [{ppid: " OTHER "}]}", TEE_OK, "" },
		{ "denied_before_allowed",
		  "platforms: {allow: [{ppid: " PPID "}], deny: [{ppid: " PPID "}]}",
		  TEE_POLICY_PLATFORM, "platforms.deny" },
		{ "denied_to_the_second",
		  "platforms: {deny: [{ppid: " PPID ", until: 2027-01-15T08:00:00Z}]}",
		  TEE_POLICY_PLATFORM, "platforms.deny" },
		{ "denial_over",
		  "platforms: {deny: [{ppid: " PPID ", until: 2027-01-15T07:59:59Z}]}", TEE_OK,
		  "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct made m;

		print_message("%s\n", cases[i].name);
		make(&m);
		m.v.at = NOW;
		memcpy(m.v.fmspc, "\xb0\xc0\x6f\0\0\0", 6);
		for (size_t b = 0; b < sizeof(m.v.ppid); b++)
			m.v.ppid[b] = (uint8_t)(b + 1);
		assert_int_equal(check_text(&m, cases[i].yaml), cases[i].want);
		assert_non_null(strstr(m.v.detail, cases[i].detail));
	}
}

enum {
	DAY = 86400
};

static void grace(void **state)
{
	static const struct {
		const char *name, *yaml;
		enum tee_tcb_status status, platform;
		int64_t since; /* seconds before NOW; 0: not known */
		bool is_accepted;
	} cases[] = {
		{ "none_by_default", "", TCB_OUT_OF_DATE, TCB_OUT_OF_DATE, 1, false },
		{ "none_by_default_even_before", "", TCB_OUT_OF_DATE, TCB_OUT_OF_DATE, -DAY,
		  false },
		{ "last_second", "tcb: {grace: 30d}", TCB_OUT_OF_DATE, TCB_OUT_OF_DATE,
		  30 * DAY, true },
		{ "second_after", "tcb: {grace: 30d}", TCB_OUT_OF_DATE, TCB_OUT_OF_DATE,
		  30 * DAY + 1, false },
		{ "since_when_not_known", "tcb: {grace: 30d}", TCB_OUT_OF_DATE, TCB_OUT_OF_DATE, 0,
		  false },
		{ "module_behind", "tcb: {grace: 30d}", TCB_OUT_OF_DATE, TCB_UP_TO_DATE, DAY,
		  true },
		{ "hardening_is_not_forgotten", "tcb: {grace: 30d}", TCB_OUT_OF_DATE,
		  TCB_SW_HARDENING_NEEDED, DAY, false },
		{ "hardening_accepted", "tcb: {grace: 30d, accept: [SWHardeningNeeded]}",
		  TCB_OUT_OF_DATE, TCB_SW_HARDENING_NEEDED, DAY, true },
		{ "configuration_is_not_forgotten", "tcb: {grace: 30d}",
		  TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, DAY,
		  false },
		{ "configuration_accepted", "tcb: {grace: 30d, accept: [ConfigurationNeeded]}",
		  TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, DAY,
		  true },
		{ "out_of_date_accepted_anyhow", "tcb: {accept: [OutOfDate]}", TCB_OUT_OF_DATE,
		  TCB_OUT_OF_DATE, 999 * DAY, true },
		{ "relaunch_has_no_grace", "tcb: {grace: 30d}", TCB_TD_RELAUNCH_ADVISED,
		  TCB_UP_TO_DATE, DAY, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct made m;

		print_message("%s\n", cases[i].name);
		make(&m);
		m.v.at = NOW;
		m.v.tcb_status = cases[i].status;
		m.v.platform_status = cases[i].platform;
		m.v.behind_since = cases[i].since ? NOW - cases[i].since : 0;
		assert_int_equal(check_text(&m, cases[i].yaml),
				 cases[i].is_accepted ? TEE_OK : TEE_TCB_STATUS);
	}
	struct made m;

	make(&m);
	m.v.at = NOW;
	m.v.tcb_status = m.v.platform_status = TCB_OUT_OF_DATE;
	m.v.behind_since = NOW - 2 * DAY;
	assert_int_equal(check_text(&m, "tcb: {grace: 1d}"), TEE_TCB_STATUS);
	assert_string_equal(m.v.detail, "tcb.accept: expected UpToDate, found OutOfDate since "
					"2027-01-13T08:00:00Z");
	m.v.tcb_status = m.v.platform_status = TCB_REVOKED;
	assert_int_equal(check_text(&m, "tcb: {grace: 30d}"), TEE_TCB_REVOKED);
}

static void images(void **state)
{
	static const struct {
		const char *name, *yaml, *image; /* NULL: refused */
		const char *detail;
	} cases[] = {
		{ "no_list_any", "tcb: {accept: [UpToDate]}", "", "" },
		{ "empty_list_none", "images: []", NULL, "images: the list is empty" },
		{ "one_register", "images: [{name: a, mr_td: " MR_1 "}]", "a", "" },
		{ "two_registers", "images: [{name: a, mr_td: " MR_1 ", rtmr0: " MR_2 "}]", "a",
		  "" },
		{ "second_register_differs",
		  "images: [{name: a, mr_td: " MR_1 ", rtmr0: " MR_1 "}]", NULL,
		  "images.a.rtmr0: expected 0101" },
		{ "second_image",
		  "images: [{name: a, mr_td: " MR_2 "}, {name: b, rtmr0: " MR_2 "}]", "b", "" },
		{ "nearest_image_is_named",
		  "images: [{name: a, mr_td: " MR_2 "}, {name: b, mr_td: " MR_1 ", rtmr3: " MR_2
		  "}]",
		  NULL, "images.b.rtmr3: expected 0202" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct made m;

		print_message("%s\n", cases[i].name);
		make(&m);
		assert_int_equal(check_text(&m, cases[i].yaml),
				 cases[i].image ? TEE_OK : TEE_POLICY_MEASUREMENT);
		assert_string_equal(m.v.image, cases[i].image ? cases[i].image : "");
		assert_non_null(strstr(m.v.detail, cases[i].detail));
	}
}

static void every_register_pinned(void **state)
{
	(void)state;
	for (int r = 0; r < POLICY_REGISTER_COUNT; r++) {
		const char *name = policy_register_name((enum policy_register)r);
		char yaml[256], expected[64];
		size_t n = (size_t)snprintf(yaml, sizeof(yaml), "images: [{name: a, %s: \"", name);
		struct made m;

		for (int i = 0; i < QUOTE_MR_LEN; i++)
			n += (size_t)snprintf(yaml + n, sizeof(yaml) - n, "%02X", r + 1);
		snprintf(yaml + n, sizeof(yaml) - n, "\"}]");
		make(&m);
		assert_int_equal(check_text(&m, yaml), TEE_OK);
		for (int other = 0; other < POLICY_REGISTER_COUNT; other++) {
			make(&m);
			m.mr[other][47] ^= 1;
			assert_int_equal(check_text(&m, yaml),
					 other == r ? TEE_POLICY_MEASUREMENT : TEE_OK);
			snprintf(expected, sizeof(expected), "images.a.%s: expected", name);
			if (other == r)
				assert_non_null(strstr(m.v.detail, expected));
		}
	}
}

static void files(void **state)
{
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
		  "p.yaml: images[0]: expected at least one register" },
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

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char error[POLICY_ERROR_MAX] = "";
		struct tee_policy p, kept;
		struct arena arena;

		print_message("%s\n", cases[i].name);
		arena_init(&arena, 1024 * 1024);
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
				   "td:\n"
				   "  migratable: true\n"
				   "  sept_ve_disable: false\n"
				   "simulated: false\n"
				   "clock_skew: 5m\n"
				   "images:\n"
				   "  - name: gateway\n"
				   "    mr_td: " MR_1 "\n"
				   "    mr_seam: " MR_2 "\n";
	char error[POLICY_ERROR_MAX] = "";
	struct tee_policy p;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1024 * 1024);
	assert_int_equal(policy_read(&p, &arena, "p", span_str(yaml), error), RC_OK);
	assert_true(p.accepts_status[TCB_UP_TO_DATE] && p.accepts_status[TCB_SW_HARDENING_NEEDED]);
	assert_false(p.accepts_status[TCB_OUT_OF_DATE]);
	assert_true(p.has_advisories && p.advisory_count == 1);
	assert_string_equal(p.advisories[0], "INTEL-SA-00615");
	assert_int_equal(p.min_evaluation, 17);
	assert_true(p.allows_migratable && p.allows_sept_ve && p.refuses_simulated);
	assert_int_equal(p.clock_skew_s, 300);
	assert_int_equal(p.image_count, 1);
	assert_string_equal(p.images[0].name, "gateway");
	assert_true(p.images[0].is_pinned[POLICY_MR_TD] && p.images[0].is_pinned[POLICY_MR_SEAM]);
	assert_false(p.images[0].is_pinned[POLICY_RTMR0]);
	assert_int_equal(p.images[0].value[POLICY_MR_SEAM][47], 2);
	arena_fini(&arena);
	/* an empty file is the default */
	arena_init(&arena, 1024 * 1024);
	assert_int_equal(policy_read(&p, &arena, "p", span_str(""), error), RC_OK);
	assert_memory_equal(p.accepts_status, tee_policy_default.accepts_status,
			    sizeof(p.accepts_status));
	assert_false(p.has_images || p.has_advisories || p.allows_migratable || p.allows_sept_ve);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes),
		cmocka_unit_test(service_td),
		cmocka_unit_test(statuses),
		cmocka_unit_test(other_rules),
		cmocka_unit_test(platforms),
		cmocka_unit_test(grace),
		cmocka_unit_test(images),
		cmocka_unit_test(every_register_pinned),
		cmocka_unit_test(files),
		cmocka_unit_test(whole_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
