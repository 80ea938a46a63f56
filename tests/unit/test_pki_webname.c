/* webname: RFC 9525's rules and the attacks on names (A50), in tables. */
#include "unit.h"

#include <string.h>

#include "pki/webname.h"

static void patterns(void **state)
{
	static const struct {
		const char *name, *pattern, *host;
		bool want;
	} cases[] = {
		{ "same", "a.example.com", "a.example.com", true },
		{ "case_does_not_matter", "A.eXample.com", "a.Example.COM", true },
		{ "host_trailing_dot_dropped", "a.example.com", "a.example.com.", true },
		{ "pattern_trailing_dot_never", "a.example.com.", "a.example.com", false },
		{ "wildcard_one_label", "*.example.com", "a.example.com", true },
		{ "wildcard_not_two_labels", "*.example.com", "b.a.example.com", false },
		{ "wildcard_not_itself", "*.example.com", "example.com", false },
		{ "wildcard_not_empty_label", "*.example.com", ".example.com", false },
		{ "wildcard_in_the_middle", "a.*.com", "a.example.com", false },
		{ "wildcard_in_a_label", "a*.example.com", "ab.example.com", false },
		{ "wildcard_twice", "*.*.com", "a.example.com", false },
		{ "bare_wildcard", "*", "com", false },
		{ "wildcard_alone_with_dot", "*.", "com", false },
		{ "idn_as_a_label", "xn--bcher-kva.example", "xn--bcher-kva.example", true },
		{ "idn_as_u_label", "b\xc3\xbc"
				    "cher.example",
		  "xn--bcher-kva.example", false },
		{ "suffix_is_no_match", "example.com", "aexample.com", false },
		{ "empty_host", "*.example.com", "", false },
		{ "empty_pattern", "", "a.example.com", false },
		{ "space_in_host", "a.example.com", "a.example.com ", false },
		{ "underscore_as_hosts_have_it", "*.example.com", "a_b.example.com", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].name);
		assert_int_equal(webname_matches(span_str(cases[i].pattern),
						 span_str(cases[i].host)),
				 cases[i].want);
	}
}

static void nul_byte_hides_nothing(void **state)
{
	static const uint8_t pattern[] = "a.example.com\0.evil.example";
	struct span whole = span_of(pattern, sizeof(pattern) - 1);

	(void)state;
	assert_false(webname_matches(whole, span_str("a.example.com")));
	assert_false(webname_matches(span_str("a.example.com"), whole));
	assert_false(webname_is_host(whole));
}

static void lengths(void **state)
{
	char name[260];

	(void)state;
	memset(name, 'a', sizeof(name));
	assert_true(webname_is_host(span_of(name, 63)));
	assert_false(webname_is_host(span_of(name, 64)));
	for (size_t i = 63; i < sizeof(name); i += 64)
		name[i] = '.';
	assert_true(webname_is_host(span_of(name, 253)));
	assert_false(webname_is_host(span_of(name, 254)));
	assert_false(webname_is_host(span_str("-a.example")));
	assert_false(webname_is_host(span_str("a-.example")));
	assert_false(webname_is_host(span_str("a..example")));
	assert_false(webname_is_host(span_str("a.example.")));
}

static void addresses(void **state)
{
	static const struct {
		const char *text;
		bool want;
		size_t n;
	} cases[] = {
		{ "192.0.2.1", true, 4 },
		{ "2001:db8::1", true, 16 },
		{ "::ffff:192.0.2.1", true, 16 },
		{ "192.0.2.1.", false, 0 },
		{ "192.0.2.256", false, 0 },
		{ "[2001:db8::1]", false, 0 },
		{ "a.example", false, 0 },
		{ "", false, 0 },
	};
	uint8_t out[WEB_IPV6_LEN];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(webname_address(out, &n, span_str(cases[i].text)), cases[i].want);
		if (cases[i].want)
			assert_int_equal(n, cases[i].n);
	}
}

/* SANs as bytes: dNSName a.example.com, dNSName 192.0.2.1, iPAddress 192.0.2.7,
 * URI b.example.com. */
static void covers(void **state)
{
	static const uint8_t sans[] = {
		0x82,
		13,
		'a',
		'.',
		'e',
		'x',
		'a',
		'm',
		'p',
		'l',
		'e',
		'.',
		'c',
		'o',
		'm',
		0x82,
		9,
		'1',
		'9',
		'2',
		'.',
		'0',
		'.',
		'2',
		'.',
		'1',
		0x87,
		4,
		192,
		0,
		2,
		7,
		0x86,
		13,
		'b',
		'.',
		'e',
		'x',
		'a',
		'm',
		'p',
		'l',
		'e',
		'.',
		'c',
		'o',
		'm',
	};
	struct web_cert c = { .sans = SPAN_ARRAY(sans), .common_name = span_str("cn.example.com") };

	(void)state;
	assert_true(webname_covers(&c, span_str("A.example.com")));
	assert_true(webname_covers(&c, span_str("192.0.2.7")));
	assert_false(webname_covers(&c, span_str("192.0.2.1"))); /* a dNSName is no address */
	assert_false(webname_covers(&c, span_str("b.example.com")));
	assert_false(webname_covers(&c, span_str("cn.example.com"))); /* RFC 9525: never the CN */
	assert_false(webname_covers(&c, span_str("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns),
		cmocka_unit_test(nul_byte_hides_nothing),
		cmocka_unit_test(lengths),
		cmocka_unit_test(addresses),
		cmocka_unit_test(covers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
