#include "unit.h"

#include "dns/persist.h"

static const struct {
	const char *name, *text;
	enum rc want;
	bool permits, permits_wild, foreign; /* at time 1000 */
} cases[] = {
	{ "plain", "ca.test; accounturi=https://ca.test/1", RC_OK, true, false, false },
	{ "wildcard", "ca.test; accounturi=https://ca.test/1; policy=wildcard", RC_OK, true, true,
	  false },
	{ "wildcard_without_case", "ca.test;accounturi=https://ca.test/1;policy=WildCard", RC_OK,
	  true, true, false },
	{ "other_policy_is_none", "ca.test; accounturi=https://ca.test/1; policy=x", RC_OK, true,
	  false, false },
	{ "not_over", "ca.test; accounturi=https://ca.test/1; persistUntil=1000", RC_OK, true,
	  false, false },
	{ "over", "ca.test; accounturi=https://ca.test/1; persistUntil=999", RC_OK, false, false,
	  false },
	{ "unknown_parameter", "ca.test; accounturi=https://ca.test/1; x=y", RC_OK, true, false,
	  false },
	{ "a48_foreign_account", "ca.test; accounturi=https://ca.test/2", RC_OK, false, false,
	  true },
	{ "a48_foreign_ca", "evil.test; accounturi=https://ca.test/1", RC_OK, false, false, true },
	{ "a48_foreign_that_is_over", "evil.test; accounturi=x; persistUntil=1", RC_OK, false,
	  false, true },
	{ "no_account", "ca.test", RC_MALFORMED, false, false, false },
	{ "empty_account", "ca.test; accounturi=", RC_MALFORMED, false, false, false },
	{ "no_issuer", "; accounturi=x", RC_MALFORMED, false, false, false },
	{ "account_twice", "ca.test; accounturi=a; accounturi=a", RC_MALFORMED, false, false,
	  false },
	{ "account_twice_in_other_case", "ca.test; accounturi=a; AccountURI=b", RC_MALFORMED, false,
	  false, false },
	{ "policy_twice", "ca.test; accounturi=a; policy=wildcard; policy=x", RC_MALFORMED, false,
	  false, false },
	{ "until_no_number", "ca.test; accounturi=a; persistUntil=-1", RC_MALFORMED, false, false,
	  false },
	{ "until_with_zeros", "ca.test; accounturi=a; persistUntil=01", RC_MALFORMED, false, false,
	  false },
	{ "semicolon_last", "ca.test; accounturi=a;", RC_MALFORMED, false, false, false },
	{ "another_text", "v=spf1 -all", RC_MALFORMED, false, false, false },
};

static void read_and_judged(void **state)
{
	const struct span issuer = span_str("ca.test");
	const struct caa_pin pin = { &issuer, 1, span_str("https://ca.test/1"), NULL, 0 };
	const struct caa_pins pins = { &pin, 1 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct persist p = { .until = 77 };
		enum rc rc = persist_read(&p, span_str(cases[i].text));

		if (rc != cases[i].want)
			fail_msg("%s", cases[i].name);
		assert_int_equal(persist_is_foreign(span_str(cases[i].text), &pins),
				 cases[i].foreign);
		if (rc) {
			assert_int_equal(p.until, 77);
			continue;
		}
		if (persist_permits(&p, &pin, false, 1000) != cases[i].permits ||
		    persist_permits(&p, &pin, true, 1000) != cases[i].permits_wild)
			fail_msg("%s", cases[i].name);
	}
}

static void written_and_read(void **state)
{
	struct persist p = { span_str("ca.test"), span_str("https://ca.test/1"), true, true, 123 },
		       q;
	char text[256];
	struct wr w = WR_ARRAY(text);

	(void)state;
	persist_write(&w, &p);
	assert_true(span_equal_str(wr_span(&w), "ca.test; accounturi=https://ca.test/1; "
						"policy=wildcard; persistUntil=123"));
	assert_int_equal(persist_read(&q, wr_span(&w)), RC_OK);
	assert_true(q.is_wildcard && q.has_until && q.until == 123);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_and_judged),
		cmocka_unit_test(written_and_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
