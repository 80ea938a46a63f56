#include "unit.h"

#include "dns/wanted.h"

enum {
	ARENA_MAX = 64 * 1024,
};

#define S(s) \
	{ \
		(const uint8_t *)(s), sizeof(s) - 1 \
	}

static const struct span two_issuers[] = { S("ca.test"), S("ca.example") };
static const struct span dns_only[] = { S("dns-01") };
static const struct span tls_and_dns[] = { S("tls-alpn-01"), S("dns-01") };
static const struct span tls_only[] = { S("tls-alpn-01") };
#define ACCOUNT S("https://ca.test/acct/1")

static const struct {
	const char *name;
	struct caa_pin pin;
	enum wanted_kinds kinds;
	const char *iodef;
	const char *want; /* texts separated by '|'; NULL: malformed */
} cases[] = {
	{ "both_kinds_always",
	  { two_issuers, 1, ACCOUNT, dns_only, 1 },
	  WANTED_WILDCARDS_TOO,
	  "",
	  "0 issue \"ca.test; accounturi=https://ca.test/acct/1; validationmethods=dns-01\"|"
	  "0 issuewild \"ca.test; accounturi=https://ca.test/acct/1; validationmethods=dns-01\"|" },
	{ "without_wildcards_nobody_has_them",
	  { two_issuers, 1, ACCOUNT, dns_only, 1 },
	  WANTED_NAMES,
	  "",
	  "0 issue \"ca.test; accounturi=https://ca.test/acct/1; validationmethods=dns-01\"|"
	  "0 issuewild \";\"|" },
	{ "wildcards_by_dns_only",
	  { two_issuers, 1, ACCOUNT, tls_and_dns, 2 },
	  WANTED_WILDCARDS_TOO,
	  "",
	  "0 issue \"ca.test; accounturi=https://ca.test/acct/1; "
	  "validationmethods=tls-alpn-01,dns-01\"|"
	  "0 issuewild \"ca.test; accounturi=https://ca.test/acct/1; validationmethods=dns-01\"|" },
	{ "no_method_for_wildcards",
	  { two_issuers, 1, ACCOUNT, tls_only, 1 },
	  WANTED_WILDCARDS_TOO,
	  "",
	  "0 issue \"ca.test; accounturi=https://ca.test/acct/1; validationmethods=tls-alpn-01\"|"
	  "0 issuewild \";\"|" },
	{ "every_name_of_the_ca_and_iodef",
	  { two_issuers, 2, ACCOUNT, dns_only, 1 },
	  WANTED_NAMES,
	  "mailto:a@b.test",
	  "0 issue \"ca.test; accounturi=https://ca.test/acct/1; validationmethods=dns-01\"|"
	  "0 issue \"ca.example; accounturi=https://ca.test/acct/1; validationmethods=dns-01\"|"
	  "0 issuewild \";\"|0 iodef \"mailto:a@b.test\"|" },
	{ "no_account", { two_issuers, 1, S(""), dns_only, 1 }, WANTED_NAMES, "", NULL },
	{ "no_method", { two_issuers, 1, ACCOUNT, NULL, 0 }, WANTED_NAMES, "", NULL },
	{ "no_issuer", { NULL, 0, ACCOUNT, dns_only, 1 }, WANTED_NAMES, "", NULL },
	{ "semicolon_in_an_account",
	  { two_issuers, 1, S("https://a/;b"), dns_only, 1 },
	  WANTED_NAMES,
	  "",
	  NULL },
	{ "space_in_an_account",
	  { two_issuers, 1, S("https://a/ b"), dns_only, 1 },
	  WANTED_NAMES,
	  "",
	  NULL },
	{ "space_in_iodef",
	  { two_issuers, 1, ACCOUNT, dns_only, 1 },
	  WANTED_NAMES,
	  "mailto:a b",
	  NULL },
};

static void made(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct caa_pins pins = { &cases[i].pin, 1 };
		struct wanted wanted = { 0 };
		char text[2048];
		struct wr w = WR_ARRAY(text);
		struct arena arena;
		enum rc rc;

		arena_init(&arena, ARENA_MAX);
		rc = wanted_make(&wanted, &arena, &pins, cases[i].kinds, span_str(cases[i].iodef));
		if ((rc == RC_OK) != (cases[i].want != NULL))
			fail_msg("%s: %s", cases[i].name, rc_name(rc));
		for (k = 0; k < wanted.count; k++) {
			wanted_text(&w, &wanted.items[k]);
			wr_u8(&w, '|');
		}
		if (cases[i].want && !span_equal_str(wr_span(&w), cases[i].want))
			fail_msg("%s: %.*s", cases[i].name, (int)w.n, text);
		arena_fini(&arena);
	}
}

/* What we write is held by us alone and permits us: caa.c agrees with wanted.c. */
static void made_sets_are_exclusive(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < 5; i++) {
		const struct caa_pins pins = { &cases[i].pin, 1 };
		struct wanted wanted;
		struct wanted_drift drift;
		uint8_t bytes[8][512];
		struct span rdatas[8];
		struct caa_set set;
		struct arena arena;
		struct caa_request request = { cases[i].pin.issuers[0], cases[i].pin.account,
					       cases[i].pin.methods[0], false };

		arena_init(&arena, ARENA_MAX);
		assert_int_equal(wanted_make(&wanted, &arena, &pins, cases[i].kinds, span_str("")),
				 RC_OK);
		for (k = 0; k < wanted.count; k++) {
			struct wr w = WR_ARRAY(bytes[k]);

			wanted_rdata(&w, &wanted.items[k]);
			rdatas[k] = wr_span(&w);
		}
		assert_int_equal(caa_set_read(&set, &arena, rdatas, wanted.count), RC_OK);
		assert_int_equal(caa_may_issue(&set, &request).reason, CAA_MATCHES);
		for (k = 0; k < set.count; k++)
			assert_int_equal(caa_property_hole(&set.items[k], &pins), CAA_HOLE_NONE);
		wanted_compare(&drift, &wanted, &set);
		assert_false(wanted_has_drifted(&drift));
		/* One fewer, and one more. */
		set.count--;
		wanted_compare(&drift, &wanted, &set);
		assert_true(drift.missing_count == 1 && drift.extra_count == 0);
		set.count++;
		wanted.count--;
		wanted_compare(&drift, &wanted, &set);
		assert_true(drift.missing_count == 0 && drift.extra_count == 1);
		arena_fini(&arena);
	}
}

static void flags_are_drift_and_case_of_tags_is_none(void **state)
{
	const struct caa_pins pins = { &cases[1].pin, 1 };
	struct wanted wanted;
	struct wanted_drift drift;
	struct caa_property p[2];
	struct caa_set set = { p, 2 };
	struct arena arena;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	assert_int_equal(wanted_make(&wanted, &arena, &pins, WANTED_NAMES, span_str("")), RC_OK);
	p[0] = (struct caa_property){ .tag_text = span_str("ISSUEWILD"),
				      .value = wanted.items[1].value };
	p[1] = (struct caa_property){ .tag_text = span_str("issue"),
				      .value = wanted.items[0].value };
	wanted_compare(&drift, &wanted, &set);
	assert_false(wanted_has_drifted(&drift));
	p[1].flags = CAA_FLAG_CRITICAL;
	wanted_compare(&drift, &wanted, &set);
	assert_true(drift.missing_count == 1 && drift.extra_count == 1);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made),
		cmocka_unit_test(made_sets_are_exclusive),
		cmocka_unit_test(flags_are_drift_and_case_of_tags_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
