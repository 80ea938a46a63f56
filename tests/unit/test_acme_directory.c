/* directory: the example of RFC 8555 7.1.1, profiles, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "acme/directory.h"

#define ENTRIES \
	"\"newNonce\":\"https://example.com/acme/new-nonce\"," \
	"\"newAccount\":\"https://example.com/acme/new-account\"," \
	"\"newOrder\":\"https://example.com/acme/new-order\"," \
	"\"newAuthz\":\"https://example.com/acme/new-authz\"," \
	"\"revokeCert\":\"https://example.com/acme/revoke-cert\"," \
	"\"keyChange\":\"https://example.com/acme/key-change\""

static void example_of_the_rfc(void **state)
{
	static struct directory d;

	(void)state;
	assert_int_equal(directory_read(&d, span_str("{" ENTRIES ",\"meta\":{"
						     "\"termsOfService\":\"https://example.com/"
						     "acme/terms/2017-5-30\","
						     "\"website\":\"https://www.example.com/\","
						     "\"caaIdentities\":[\"example.com\"],"
						     "\"profiles\":{\"classic\":\"ninety days\","
						     "\"shortlived\":\"\"},"
						     "\"externalAccountRequired\":true}}")),
			 RC_OK);
	assert_string_equal(d.url[DIRECTORY_NEW_ORDER], "https://example.com/acme/new-order");
	assert_string_equal(d.url[DIRECTORY_NEW_AUTHZ], "https://example.com/acme/new-authz");
	assert_string_equal(d.url[DIRECTORY_RENEWAL_INFO], "");
	assert_string_equal(d.terms, "https://example.com/acme/terms/2017-5-30");
	assert_int_equal(d.issuer_count, 1);
	assert_string_equal(d.issuer[0], "example.com");
	assert_true(d.needs_binding && d.has_profiles);
	assert_true(directory_has_profile(&d, "shortlived"));
	assert_false(directory_has_profile(&d, "tlsserver"));
}

static void others_are_refused(void **state)
{
	static const struct {
		const char *name, *json;
		enum rc want;
	} cases[] = {
		{ "empty", "", RC_MALFORMED },
		{ "list", "[]", RC_MALFORMED },
		{ "without_entries", "{\"newNonce\":\"https://example.com/n\"}", RC_MALFORMED },
		{ "entry_is_a_number", "{" ENTRIES ",\"renewalInfo\":1}", RC_MALFORMED },
		{ "entry_with_a_line_end", "{" ENTRIES ",\"renewalInfo\":\"https://e.example/\\r"
					   "\\nX: y\"}",
		  RC_MALFORMED },
		{ "member_twice", "{" ENTRIES "," ENTRIES "}", RC_MALFORMED },
		{ "meta_is_a_text", "{" ENTRIES ",\"meta\":\"\"}", RC_MALFORMED },
		{ "binding_is_a_text", "{" ENTRIES ",\"meta\":{\"externalAccountRequired\":\"yes"
				       "\"}}",
		  RC_MALFORMED },
		{ "too_many_issuers",
		  "{" ENTRIES ",\"meta\":{\"caaIdentities\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f"
		  "\",\"g\",\"h\",\"i\"]}}",
		  RC_LIMIT },
	};
	static struct directory d;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].name);
		assert_int_equal(directory_read(&d, span_str(cases[i].json)), cases[i].want);
		assert_string_equal(d.url[0], "");
	}
}

static void urls_keep_to_https_and_fit(void **state)
{
	static char text[ACME_URL_MAX + 1];
	char out[ACME_URL_MAX] = "untouched";

	(void)state;
	assert_true(directory_url(out, span_str("https://a.example/x"), "https://ca.example/"));
	assert_false(directory_url(out, span_str("http://a.example/x"), "https://ca.example/"));
	assert_true(directory_url(out, span_str("http://a.example/y"), "http://ca.example/"));
	assert_false(directory_url(out, span_str("ftp://a.example/"), "http://ca.example/"));
	assert_false(directory_url(out, span_str("/order/1"), "https://ca.example/"));
	assert_false(directory_url(out, span_str("https://a.example/ b"), "https://ca.example/"));
	assert_false(directory_url(out, span_str("https://a.example/\xc3\xbc"),
				   "https://ca.example/"));
	memset(text, 'x', sizeof(text));
	memcpy(text, "https://", 8);
	assert_false(directory_url(out, span_of(text, ACME_URL_MAX), ""));
	assert_string_equal(out, "http://a.example/y");
	assert_true(directory_url(out, span_of(text, ACME_URL_MAX - 1), ""));
}

static void entries_keep_to_the_directory(void **state)
{
	static struct directory d;

	(void)state;
	assert_int_equal(directory_read(&d, span_str("{" ENTRIES "}")), RC_OK);
	assert_true(directory_keeps_to(&d, "https://ca.example/"));
	for (size_t i = 0; i < DIRECTORY_ENTRIES; i++) {
		struct directory one = d;

		strcpy(one.url[i], "http://ca.example/x");
		assert_false(directory_keeps_to(&one, "https://ca.example/"));
		assert_true(directory_keeps_to(&one, "http://ca.example/"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(example_of_the_rfc),
		cmocka_unit_test(others_are_refused),
		cmocka_unit_test(urls_keep_to_https_and_fit),
		cmocka_unit_test(entries_keep_to_the_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
