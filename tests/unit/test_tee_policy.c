/*
 * policy: each rule refused with its reason and a detail that names rule,
 * expected and found.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "policy_made.h"

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
		{ "debug_whatever_is_allowed",
		  "td: {migratable: true, service_td: true, sept_ve_disable: false}", 0,
		  TEE_POLICY_DEBUG, "TDATTRIBUTES.DEBUG" },
		{ "sept_ve_clear", "", 28, TEE_POLICY_ATTRIBUTES,
		  "td.sept_ve_disable: expected SEPT_VE_DISABLE set, found clear "
		  "(TDATTRIBUTES 0000000000000000)" },
		{ "sept_ve_clear_allowed", "td: {sept_ve_disable: false}", 28, TEE_OK, "" },
		{ "sept_ve_set_where_clear_is_allowed", "td: {sept_ve_disable: false}", 64, TEE_OK,
		  "" },
		{ "migratable", "", 29, TEE_POLICY_ATTRIBUTES,
		  "td.migratable: expected MIGRATABLE clear, found set" },
		{ "migratable_allowed", "td: {migratable: true}", 29, TEE_OK, "" },
		{ "migratable_is_not_service_td", "td: {service_td: true}", 29,
		  TEE_POLICY_ATTRIBUTES, "td.migratable: expected" },
		{ "lass", "", 27, TEE_OK, "" },
		{ "protection_keys", "", 30, TEE_OK, "" },
		{ "protection_keys_refused", "td: {pks: false}", 30, TEE_POLICY_ATTRIBUTES,
		  "td.pks: expected PKS clear, found set" },
		{ "no_protection_keys", "td: {pks: false}", 64, TEE_OK, "" },
		{ "key_locker", "", 31, TEE_OK, "" },
		{ "key_locker_refused", "td: {key_locker: false}", 31, TEE_POLICY_ATTRIBUTES,
		  "td.key_locker: expected KL clear, found set" },
		{ "no_key_locker", "td: {key_locker: false}", 64, TEE_OK, "" },
		{ "tpa", "", 62, TEE_OK, "" },
		{ "perfmon", "", 63, TEE_OK, "" },
		{ "perfmon_refused", "td: {perfmon: false}", 63, TEE_POLICY_ATTRIBUTES,
		  "td.perfmon: expected PERFMON clear, found set (TDATTRIBUTES 8000000010000000)" },
		{ "no_perfmon", "td: {perfmon: false}", 64, TEE_OK, "" },
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
		assert_non_null(strstr(m.v.detail, "reserved bits: expected clear, found"));
	}
}

static void service_td(void **state)
{
	struct made m;

	(void)state;
	make(&m);
	m.mr[POLICY_MR_SERVICE_TD][47] = 1;
	assert_int_equal(check_text(&m, ""), TEE_POLICY_ATTRIBUTES);
	assert_non_null(strstr(m.v.detail, "td.service_td: expected MR_SERVICETD zero, found 00"));
	assert_int_equal(check_text(&m, "td: {migratable: true}"), TEE_POLICY_ATTRIBUTES);
	assert_int_equal(check_text(&m, "td: {service_td: true}"), TEE_OK);
	m.v.quote.td.mr_service_td = (struct span){ 0 }; /* TD report 1.0 */
	assert_int_equal(check_text(&m, ""), TEE_OK);
	assert_int_equal(check_text(&m, "images: [{name: a, mr_service_td: " MR_1 "}]"),
			 TEE_POLICY_MEASUREMENT);
	assert_non_null(strstr(m.v.detail, "found none"));
}

static void xfam(void **state)
{
	static const struct {
		const char *name, *yaml;
		uint64_t bits;
		const char *detail; /* NULL: accepted */
	} cases[] = {
		{ "least", "", 3, NULL },
		{ "typical", "", 0xe7, NULL },
		{ "with_amx", "", 0x602e7, NULL },
		{ "all_of_today", "", 0x6dbe7, NULL },
		{ "no_sse", "", 0xe5, "XFAM bits 0 and 1: expected set, found 00000000000000e5" },
		{ "no_x87_whatever_is_allowed", "td: {xfam: ffffffffffffffff}", 0xe6, "XFAM bits" },
		{ "unknown_bit", "", 0x800e7,
		  "td.xfam: expected no bits but 000000000006dbe7, found 00000000000800e7" },
		{ "unknown_bit_allowed", "td: {xfam: 00000000000EDBE7}", 0x800e7, NULL },
		{ "amx_not_allowed", "td: {xfam: 00000000000000e7}", 0x602e7, "td.xfam: expected" },
		{ "topmost_bit", "", UINT64_C(1) << 63 | 3, "td.xfam" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct made m;

		print_message("%s\n", cases[i].name);
		make(&m);
		m.v.quote.td.xfam = cases[i].bits;
		assert_int_equal(check_text(&m, cases[i].yaml),
				 cases[i].detail ? TEE_POLICY_XFAM : TEE_OK);
		assert_non_null(strstr(m.v.detail, cases[i].detail ? cases[i].detail : ""));
	}
}

/* An enclave has no TD's attributes. */
static void enclave_knows_no_td_rules(void **state)
{
	struct made m;

	(void)state;
	make(&m);
	m.v.quote.tee = QUOTE_SGX;
	memset(&m.v.quote.td, 0, sizeof(m.v.quote.td));
	assert_int_equal(check_text(&m, "td: {modules: []}"), TEE_OK);
}

static void modules(void **state)
{
	/* mr_seam of the verdict is all bytes POLICY_MR_SEAM + 1 */
	static const char listed[] =
		"090909090909090909090909090909090909090909090909"
		"090909090909090909090909090909090909090909090909";
	char yaml[512];
	struct made m;

	(void)state;
	make(&m);
	snprintf(yaml, sizeof(yaml),
		 "td: {modules: [{name: a, mr_seam: " MR_1 "}, {name: b, mr_seam: '%s'}]}", listed);
	assert_int_equal(check_text(&m, yaml), TEE_OK);
	assert_int_equal(check_text(&m, "td: {modules: [{name: a, mr_seam: " MR_1 "}]}"),
			 TEE_POLICY_MODULE);
	assert_non_null(strstr(m.v.detail, "td.modules: expected a listed mr_seam, found 0909"));
	assert_int_equal(check_text(&m, "td: {modules: []}"), TEE_POLICY_MODULE);
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
	assert_string_equal(m.v.detail, "tcb.accept: expected none, found UpToDate");
	make(&m);
	m.v.advisory_count = 1;
	strcpy(m.v.advisories[0], "INTEL-SA-00001");
	assert_int_equal(check_text(&m, "tcb: {advisories: [INTEL-SA-00001]}"), TEE_OK);
	assert_int_equal(check_text(&m, "tcb: {advisories: []}"), TEE_POLICY_ADVISORY);
	assert_string_equal(m.v.detail,
			    "tcb.advisories: expected listed ones, found INTEL-SA-00001");
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
	m.attributes[0] = 2;
	assert_int_equal(check_text(&m, ""), TEE_POLICY_DEBUG);
	assert_non_null(strstr(m.v.detail, "ATTRIBUTES.DEBUG: expected clear, found set"));
}

/* The verdict: collateral of 2027-01-13T08:00:00Z, root CRL 200 days old. */
static void freshness(void **state)
{
	static const struct {
		const char *name, *yaml, *detail; /* NULL: accepted */
	} cases[] = {
		{ "that_second", "tcb: {issued_after: 2027-01-13T08:00:00Z}", NULL },
		{ "second_later", "tcb: {issued_after: 2027-01-13T08:00:01Z}",
		  "tcb.issued_after: expected collateral of 2027-01-13T08:00:01Z or later, found "
		  "2027-01-13T08:00:00Z" },
		{ "root_crl_that_second", "tcb: {root_crl_issued_after: 2026-06-29T08:00:00Z}",
		  NULL },
		{ "root_crl_second_later", "tcb: {root_crl_issued_after: 2026-06-29T08:00:01Z}",
		  "tcb.root_crl_issued_after: expected a root CRL of 2026-06-29T08:00:01Z or "
		  "later, found 2026-06-29T08:00:00Z" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct made m;

		print_message("%s\n", cases[i].name);
		make(&m);
		assert_int_equal(check_text(&m, cases[i].yaml),
				 cases[i].detail ? TEE_POLICY_FRESHNESS : TEE_OK);
		assert_string_equal(m.v.detail, cases[i].detail ? cases[i].detail : "");
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

/* Every rule that refuses is said, in the order of policy_check(). */
static void all_faults(void **state)
{
	struct tee_policy p = tee_policy_default;
	struct policy_fault faults[POLICY_FAULTS_MAX];
	struct tee_verdict before;
	struct made m;

	(void)state;
	make(&m);
	assert_int_equal(policy_faults(faults, &m.v, &p), 0);
	p.has_images = p.has_allowed = p.refuses_simulated = true;
	m.v.is_simulated = true;
	m.v.tcb_status = TCB_OUT_OF_DATE;
	m.v.quote.td.td_attributes |= 1;
	before = m.v;
	assert_int_equal(policy_faults(faults, &m.v, &p), 5);
	assert_memory_equal(&m.v, &before, sizeof(before));
	assert_int_equal(faults[0].reason, TEE_POLICY_DEBUG);
	assert_int_equal(faults[1].reason, TEE_TCB_STATUS);
	assert_non_null(strstr(faults[1].detail, "found OutOfDate"));
	assert_int_equal(faults[2].reason, TEE_POLICY_PLATFORM);
	assert_int_equal(faults[3].reason, TEE_POLICY_SIMULATED);
	assert_int_equal(faults[4].reason, TEE_POLICY_MEASUREMENT);
	assert_int_equal(policy_check(&m.v, &p), faults[0].reason);
	assert_string_equal(m.v.detail, faults[0].detail);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes),
		cmocka_unit_test(service_td),
		cmocka_unit_test(xfam),
		cmocka_unit_test(enclave_knows_no_td_rules),
		cmocka_unit_test(modules),
		cmocka_unit_test(statuses),
		cmocka_unit_test(other_rules),
		cmocka_unit_test(freshness),
		cmocka_unit_test(grace),
		cmocka_unit_test(all_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
