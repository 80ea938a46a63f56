#include "unit.h"

#include <string.h>

#include "dns/name.h"

static const struct {
	const char *what, *text;
	const char *again; /* NULL: refused */
} written[] = {
	{ "plain", "www.example.org", "www.example.org" },
	{ "case_is_folded", "WwW.ExAmple.ORG", "www.example.org" },
	{ "dot_at_the_end", "example.org.", "example.org" },
	{ "root", ".", "." },
	{ "underscore", "_acme-challenge.example.org", "_acme-challenge.example.org" },
	{ "wildcard_first", "*.example.org", "*.example.org" },
	{ "a_label", "xn--bcher-kva.example", "xn--bcher-kva.example" },
	{ "empty", "", NULL },
	{ "empty_label", "a..b", NULL },
	{ "dot_first", ".a", NULL },
	{ "two_dots_at_the_end", "a..", NULL },
	{ "two_dots", "..", NULL },
	{ "wildcard_in_the_middle", "a.*.example.org", NULL },
	{ "wildcard_in_a_label", "a*.example.org", NULL },
	{ "unicode",
	  "b\xc3\xbc"
	  "cher.example",
	  NULL },
	{ "space", "a b.example", NULL },
	{ "escape", "a\\046b.example", NULL },
	{ "label_of_63", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b",
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b" },
	{ "label_of_64", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b",
	  NULL },
};

static void written_names(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(written) / sizeof(*written); i++) {
		struct dns_name n = { 0 };
		char text[DNS_NAME_TEXT];
		enum rc rc = dns_name_parse(&n, span_str(written[i].text));

		if ((rc == RC_OK) != (written[i].again != NULL))
			fail_msg("%s", written[i].what);
		if (rc) {
			assert_int_equal(n.n, 0);
			continue;
		}
		dns_name_text(text, &n);
		assert_string_equal(text, written[i].again);
	}
}

static void nul_is_refused(void **state)
{
	struct dns_name n = { 0 };

	(void)state;
	assert_int_equal(dns_name_parse(&n, span_of("a\0b.example", 11)), RC_MALFORMED);
}

/* 127 labels of one letter are 254 bytes and the root's: the most there can be. */
static void longest_name(void **state)
{
	char text[512];
	struct dns_name n = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < 127; i++)
		memcpy(text + 2 * i, "a.", 2);
	assert_int_equal(dns_name_parse(&n, span_of(text, 253)), RC_OK);
	assert_int_equal(n.n, DNS_NAME_MAX);
	assert_int_equal(dns_name_labels(&n), DNS_LABELS_MAX);
	assert_false(dns_name_prefix(&n, "b", &n));
	memcpy(text + 254, "a.", 2);
	assert_int_equal(dns_name_parse(&n, span_of(text, 255)), RC_MALFORMED);
}

static const struct {
	const char *what;
	const char *bytes;
	size_t n, at;
	const char *want; /* NULL: refused */
} wire[] = {
	{ "plain", "\3www\0", 5, 0, "www" },
	{ "pointer_back", "\3com\0\1a\xc0\0", 9, 5, "a.com" },
	{ "pointer_to_a_pointer", "\3com\0\1a\xc0\0\1b\xc0\5", 13, 9, "b.a.com" },
	{ "pointer_to_itself", "\xc0\0", 2, 0, NULL },
	{ "pointer_forward", "\xc0\2\3com\0", 7, 0, NULL },
	{ "pointers_in_a_circle", "\1a\xc0\4\1b\xc0\0", 8, 4, NULL },
	{ "pointer_into_the_same_name", "\1a\1b\xc0\2", 6, 0, NULL },
	{ "reserved_bits",
	  "\x40"
	  "a\0",
	  3, 0, NULL },
	{ "cut_in_a_label", "\3ww", 3, 0, NULL },
	{ "no_end", "\1a", 2, 0, NULL },
	{ "cut_pointer", "\1a\xc0", 3, 0, NULL },
	{ "odd_bytes_are_escaped", "\3a.b\1\0\0", 7, 0, "a\\046b.\\000" },
	{ "star_in_a_label_is_escaped", "\2*a\0", 4, 0, "\\042a" },
};

static void names_of_messages(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wire) / sizeof(*wire); i++) {
		struct span whole = span_of(wire[i].bytes, wire[i].n);
		struct span at = span_of(whole.p + wire[i].at, whole.n - wire[i].at);
		struct span before = at;
		struct dns_name n = { 0 };
		char text[DNS_NAME_TEXT];

		if (dns_name_read(&n, &at, whole) != (wire[i].want != NULL))
			fail_msg("%s", wire[i].what);
		if (!wire[i].want) {
			assert_int_equal(n.n, 0);
			assert_int_equal(at.n, before.n);
			continue;
		}
		dns_name_text(text, &n);
		assert_string_equal(text, wire[i].want);
		assert_int_equal(at.n, 0);
	}
}

static struct dns_name name(const char *text)
{
	struct dns_name n = { 0 };

	assert_int_equal(dns_name_parse(&n, span_str(text)), RC_OK);
	return n;
}

static void relations_are_by_label(void **state)
{
	struct dns_name a = name("www.example.org"), zone = name("example.org");
	struct dns_name near = name("wwwexample.org"), out, root;
	char text[DNS_NAME_TEXT];

	(void)state;
	dns_name_root(&root);
	assert_true(dns_name_is_under(&a, &zone) && dns_name_is_under(&zone, &zone));
	assert_true(dns_name_is_under(&a, &root));
	assert_false(dns_name_is_under(&near, &zone) || dns_name_is_under(&zone, &a));
	assert_true(dns_name_parent(&out, &a) && dns_name_equal(&out, &zone));
	assert_false(dns_name_parent(&out, &root));
	assert_true(dns_name_relative(text, &a, &zone));
	assert_string_equal(text, "www");
	assert_true(dns_name_relative(text, &zone, &zone));
	assert_string_equal(text, "");
	assert_false(dns_name_relative(text, &near, &zone));
	assert_true(dns_name_prefix(&out, "_acme-challenge", &a));
	dns_name_text(text, &out);
	assert_string_equal(text, "_acme-challenge.www.example.org");
	out = name("other.test");
	assert_true(dns_name_replace(&out, &a, &zone, &out));
	dns_name_text(text, &out);
	assert_string_equal(text, "www.other.test");
	a = name("*.example.org");
	assert_true(dns_name_is_wildcard(&a) && !dns_name_is_wildcard(&zone));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_names),
		cmocka_unit_test(nul_is_refused),
		cmocka_unit_test(longest_name),
		cmocka_unit_test(names_of_messages),
		cmocka_unit_test(relations_are_by_label),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
