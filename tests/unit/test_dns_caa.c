/* CAA values: RFC 8659 §4.2's and RFC 8657's own examples, and everything around the grammar. */
#include "unit.h"

#include "dns/caa.h"

enum {
	ARENA_MAX = 64 * 1024,
};

#define RFC8657_ACCOUNT "https://example.net/account/1234"

static const struct {
	const char *name;
	const char *records; /* separated by '|' */
	const char *issuer, *account, *method;
	bool wild;
	enum caa_reason want;
} cases[] = {
	/* RFC 8659 §4.2 */
	{ "rfc8659_issuer_named", "0 issue \"ca1.example.net\"", "ca1.example.net", "", "", 0,
	  CAA_MATCHES },
	{ "rfc8659_issuer_not_named", "0 issue \"ca1.example.net\"", "ca2.example.org", "", "", 0,
	  CAA_NOT_NAMED },
	{ "rfc8659_two_issuers", "0 issue \"ca1.example.net\"|0 issue \"ca2.example.org\"",
	  "ca2.example.org", "", "", 0, CAA_MATCHES },
	{ "rfc8659_nobody", "0 issue \";\"", "ca1.example.net", "", "", 0, CAA_NOT_NAMED },
	{ "rfc8659_empty_value_is_nobody", "0 issue \"\"", "ca1.example.net", "", "", 0,
	  CAA_NOT_NAMED },
	{ "rfc8659_malformed_is_nobody", "0 issue \"%%%%%\"", "ca1.example.net", "", "", 0,
	  CAA_NOT_NAMED },
	{ "rfc8659_unknown_parameter", "0 issue \"ca1.example.net; account=230123\"",
	  "ca1.example.net", "", "", 0, CAA_MATCHES },
	{ "rfc8659_wild_without_issuewild", "0 issue \"ca1.example.net\"", "ca1.example.net", "",
	  "", 1, CAA_MATCHES },
	/* RFC 8659 §4.3 */
	{ "rfc8659_wild_by_issuewild",
	  "0 issue \"ca1.example.net\"|0 issuewild \"ca2.example.org\"", "ca2.example.org", "", "",
	  1, CAA_MATCHES },
	{ "rfc8659_wild_not_by_issue",
	  "0 issue \"ca1.example.net\"|0 issuewild \"ca2.example.org\"", "ca1.example.net", "", "",
	  1, CAA_NOT_NAMED },
	{ "rfc8659_wild_only_has_no_say_on_names", "0 issuewild \"ca2.example.org\"",
	  "ca1.example.net", "", "", 0, CAA_NO_ISSUE },
	/* §4.1, §4.5 */
	{ "rfc8659_unknown_critical", "0 issue \"ca1.example.net\"|128 tbs \"Unknown\"",
	  "ca1.example.net", "", "", 0, CAA_CRITICAL },
	{ "critical_issue_is_known", "128 issue \"ca1.example.net\"", "ca1.example.net", "", "", 0,
	  CAA_MATCHES },
	{ "reserved_flags_are_ignored", "1 tbs \"x\"|0 issue \"ca1.example.net\"",
	  "ca1.example.net", "", "", 0, CAA_MATCHES },
	{ "tags_without_case", "0 IsSuE \"ca1.example.net\"", "ca1.example.net", "", "", 0,
	  CAA_MATCHES },
	{ "issuers_without_case", "0 issue \"CA1.Example.NET\"", "ca1.example.net", "", "", 0,
	  CAA_MATCHES },
	{ "dot_at_the_issuers_end_is_malformed", "0 issue \"ca1.example.net.\"", "ca1.example.net",
	  "", "", 0, CAA_NOT_NAMED },
	/* RFC 8657 appendix A */
	{ "rfc8657_account", "0 issue \"example.net; accounturi=" RFC8657_ACCOUNT "\"",
	  "example.net", RFC8657_ACCOUNT, "dns-01", 0, CAA_MATCHES },
	{ "rfc8657_method", "0 issue \"example.net; validationmethods=dns-01\"", "example.net", "",
	  "dns-01", 0, CAA_MATCHES },
	{ "rfc8657_other_method", "0 issue \"example.net; validationmethods=dns-01\"",
	  "example.net", "", "http-01", 0, CAA_OTHER_METHOD },
	{ "rfc8657_both",
	  "0 issue \"example.net; accounturi=" RFC8657_ACCOUNT
	  "; validationmethods=dns-01,xyz-01\"",
	  "example.net", RFC8657_ACCOUNT, "xyz-01", 0, CAA_MATCHES },
	{ "rfc8657_one_of_two_records",
	  "0 issue \"example.net; accounturi=" RFC8657_ACCOUNT
	  "; validationmethods=dns-01\"|0 issue \"example.net; "
	  "accounturi=https://example.net/account/2345; "
	  "validationmethods=http-01\"",
	  "example.net", "https://example.net/account/2345", "http-01", 0, CAA_MATCHES },
	{ "rfc8657_no_account_given", "0 issue \"example.net; accounturi=" RFC8657_ACCOUNT "\"",
	  "example.net", "", "dns-01", 0, CAA_OTHER_ACCOUNT },
	{ "methods_empty", "0 issue \"example.net; validationmethods=\"", "example.net", "",
	  "dns-01", 0, CAA_OTHER_METHOD },
	{ "methods_twice",
	  "0 issue \"example.net; validationmethods=dns-01; validationmethods=dns-01\"",
	  "example.net", "", "dns-01", 0, CAA_UNSATISFIABLE },
	{ "method_in_other_case", "0 issue \"example.net; validationmethods=DNS-01\"",
	  "example.net", "", "dns-01", 0, CAA_OTHER_METHOD },
	{ "methods_with_a_comma_last", "0 issue \"example.net; validationmethods=dns-01,\"",
	  "example.net", "", "dns-01", 0, CAA_OTHER_METHOD },
	{ "methods_with_two_commas", "0 issue \"example.net; validationmethods=dns-01,,x\"",
	  "example.net", "", "dns-01", 0, CAA_OTHER_METHOD },
	{ "account_empty", "0 issue \"example.net; accounturi=\"", "example.net", "x", "dns-01", 0,
	  CAA_OTHER_ACCOUNT },
	/* white space, §4.2 */
	{ "white_space_everywhere", "0 issue \" \tca.test\t ;\t a = b \t; c=\t \"", "ca.test", "",
	  "", 0, CAA_MATCHES },
	{ "semicolon_with_nothing_behind", "0 issue \"ca.test;\"", "ca.test", "", "", 0,
	  CAA_MATCHES },
	{ "semicolon_last_after_a_parameter", "0 issue \"ca.test; a=b;\"", "ca.test", "", "", 0,
	  CAA_NOT_NAMED },
	{ "space_in_a_value", "0 issue \"ca.test; a=b c\"", "ca.test", "", "", 0, CAA_NOT_NAMED },
	{ "parameter_without_equals", "0 issue \"ca.test; a\"", "ca.test", "", "", 0,
	  CAA_NOT_NAMED },
	{ "parameter_without_a_name", "0 issue \"ca.test; =b\"", "ca.test", "", "", 0,
	  CAA_NOT_NAMED },
	{ "no_semicolon", "0 issue \"ca.test accounturi=x\"", "ca.test", "x", "", 0,
	  CAA_NOT_NAMED },
	{ "label_that_begins_with_a_hyphen", "0 issue \"-ca.test\"", "-ca.test", "", "", 0,
	  CAA_NOT_NAMED },
	{ "label_that_ends_in_a_hyphen", "0 issue \"ca-.test\"", "ca-.test", "", "", 0,
	  CAA_NOT_NAMED },
	{ "nul_in_a_value", "0 issue \"ca.test\\000\"", "ca.test", "", "", 0, CAA_NOT_NAMED },
	{ "one_good_among_malformed", "0 issue \"ca.test; a\"|0 issue \"ca.test\"", "ca.test", "",
	  "", 0, CAA_MATCHES },
};

static void judged(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct caa_request request = { span_str(cases[i].issuer),
					       span_str(cases[i].account),
					       span_str(cases[i].method), cases[i].wild };
		struct span rest = span_str(cases[i].records), one, rdatas[8];
		struct caa_judgement j;
		struct caa_set set;
		uint8_t bytes[8][512];
		struct arena arena;
		size_t n = 0;

		arena_init(&arena, ARENA_MAX);
		for (; rd_until(&rest, &one, '|'); n++) {
			struct wr w = WR_ARRAY(bytes[n]);

			assert_int_equal(caa_text_rdata(&w, one), RC_OK);
			rdatas[n] = wr_span(&w);
		}
		assert_int_equal(caa_set_read(&set, &arena, rdatas, n), RC_OK);
		j = caa_may_issue(&set, &request);
		if (j.reason != cases[i].want)
			fail_msg("%s: %s", cases[i].name, caa_reason_name(j.reason));
		assert_int_equal(j.answer, j.reason <= CAA_MATCHES ? CAA_PERMITTED : CAA_FORBIDDEN);
		assert_int_equal(j.by != NULL, j.reason >= CAA_MATCHES);
		assert_non_null(caa_reason_rule(j.reason));
		arena_fini(&arena);
	}
}

static const struct {
	const char *name;
	const char *rdata;
	size_t n;
	enum rc want;
} records[] = {
	{ "shortest", "\0\1a", 3, RC_OK },
	{ "no_tag_length", "\0", 1, RC_MALFORMED },
	{ "empty", "", 0, RC_MALFORMED },
	{ "empty_tag", "\0\0", 2, RC_MALFORMED },
	{ "cut_tag", "\0\3is", 4, RC_MALFORMED },
	{ "hyphen_in_a_tag", "\0\3a-b", 5, RC_MALFORMED },
};

static void records_are_read_strictly(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(records) / sizeof(*records); i++) {
		struct span rdata = span_of(records[i].rdata, records[i].n);
		struct caa_set set = { .count = 77 };
		struct arena arena;

		arena_init(&arena, ARENA_MAX);
		if (caa_set_read(&set, &arena, &rdata, 1) != records[i].want)
			fail_msg("%s", records[i].name);
		assert_int_equal(set.count, records[i].want ? 77 : 1);
		arena_fini(&arena);
	}
}

static void too_many_records(void **state)
{
	struct span rdatas[CAA_PROPERTIES_MAX + 1];
	struct caa_set set;
	struct arena arena;
	size_t i;

	(void)state;
	for (i = 0; i <= CAA_PROPERTIES_MAX; i++)
		rdatas[i] = span_of("\0\1a", 3);
	arena_init(&arena, ARENA_MAX);
	assert_int_equal(caa_set_read(&set, &arena, rdatas, CAA_PROPERTIES_MAX), RC_OK);
	assert_int_equal(caa_set_read(&set, &arena, rdatas, CAA_PROPERTIES_MAX + 1), RC_LIMIT);
	arena_fini(&arena);
	arena_init(&arena, 64);
	assert_int_equal(caa_set_read(&set, &arena, rdatas, 8), RC_LIMIT);
	arena_fini(&arena);
}

static void text_comes_back(void **state)
{
	static const char text[] = "128 iodef \"a\\\"b\\\\c\\000\\255\"";
	uint8_t bytes[64], out[64];
	struct wr w = WR_ARRAY(bytes), again = WR_ARRAY(out);
	struct caa_set set;
	struct arena arena;
	struct span rdata;

	(void)state;
	assert_int_equal(caa_text_rdata(&w, span_str(text)), RC_OK);
	rdata = wr_span(&w);
	arena_init(&arena, ARENA_MAX);
	assert_int_equal(caa_set_read(&set, &arena, &rdata, 1), RC_OK);
	assert_int_equal(set.items[0].value.n, 7);
	caa_write_text(&again, &set.items[0]);
	assert_true(span_equal_str(wr_span(&again), text));
	arena_fini(&arena);
}

static void texts_refused(void **state)
{
	static const char *const bad[] = { "",
					   "0",
					   "0 issue \"a",
					   "0 issue \"a\" b",
					   "256 issue \"a\"",
					   "x issue \"a\"",
					   "0 issue a b",
					   "0 issue \"\\25\"",
					   "0 issue \"\\256\"",
					   "0 issue \"\\2a5\"" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		uint8_t bytes[64];
		struct wr w = WR_ARRAY(bytes);

		if (caa_text_rdata(&w, span_str(bad[i])) == RC_OK)
			fail_msg("%s", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judged),
		cmocka_unit_test(records_are_read_strictly),
		cmocka_unit_test(too_many_records),
		cmocka_unit_test(text_comes_back),
		cmocka_unit_test(texts_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
