/* name: one spelling of each name; sets of them; the names of addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "acme/name.h"

static void names_have_one_spelling(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
	} cases[] = {
		{ "example.org", "example.org" },
		{ "EXAMPLE.org.", "example.org" },
		{ "*.Example.org", "*.example.org" },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
		{ "1.example.org", "1.example.org" },
		{ "192.0.2.1", "192.0.2.1" },
		{ "2001:DB8:0::1", "2001:db8::1" },
		{ "", NULL },
		{ ".", NULL },
		{ "org", NULL },
		{ "example..org", NULL },
		{ ".example.org", NULL },
		{ "-a.example.org", NULL },
		{ "a-.example.org", NULL },
		{ "a_b.example.org", NULL },
		{ "b\xc3\xbc"
		  "cher.example",
		  NULL },
		{ "a b.example", NULL },
		{ "*.*.example.org", NULL },
		{ "a.*.example.org", NULL },
		{ "*", NULL },
		{ "*.org", NULL },
		{ "192.0.2.256", NULL },
		{ "192.0.2", NULL },
		{ "1.2.3.0x4", NULL },
		{ "a.123", NULL },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example",
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct name n = { .text = "untouched" };
		enum rc rc = name_read(&n, span_str(cases[i].text));

		print_message("%s\n", cases[i].text);
		assert_int_equal(rc, cases[i].want ? RC_OK : RC_MALFORMED);
		assert_string_equal(n.text, cases[i].want ? cases[i].want : "untouched");
	}
}

static void nul_is_in_no_name(void **state)
{
	struct name n;

	(void)state;
	assert_int_equal(name_read(&n, span_of("192.0.2.1\0x", 11)), RC_MALFORMED);
	assert_int_equal(name_read(&n, span_of("a.example\0.org", 14)), RC_MALFORMED);
}

static void identifiers_have_their_type(void **state)
{
	struct name n;

	(void)state;
	assert_int_equal(name_of_identifier(&n, span_str("dns"), span_str("a.example")), RC_OK);
	assert_int_equal(name_of_identifier(&n, span_str("ip"), span_str("192.0.2.1")), RC_OK);
	assert_int_equal(name_of_identifier(&n, span_str("dns"), span_str("192.0.2.1")),
			 RC_MALFORMED);
	assert_int_equal(name_of_identifier(&n, span_str("ip"), span_str("a.example")),
			 RC_MALFORMED);
	assert_int_equal(name_of_identifier(&n, span_str("dns"), span_str("*.a.example")),
			 RC_MALFORMED);
}

static void sets_are_equal_whatever_their_order(void **state)
{
	static const char *const some[] = { "b.example", "*.b.example", "192.0.2.1", "a.example" };
	static struct names a, b;
	struct sha256 x, y;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(names_put(&a, span_str(some[i])), RC_OK);
		assert_int_equal(names_put(&b, span_str(some[3 - i])), RC_OK);
	}
	assert_true(names_equal(&a, &b));
	names_hash(&a, &x);
	names_hash(&b, &y);
	assert_memory_equal(&x, &y, sizeof(x));
	assert_int_equal(names_put(&a, span_str("A.example.")), RC_MALFORMED);
	assert_int_equal(a.count, 4);
	assert_non_null(names_get(&a, "*.b.example"));
	assert_null(names_get(&a, "c.example"));
	assert_int_equal(names_put(&a, span_str("c.example")), RC_OK);
	assert_false(names_equal(&a, &b));
	names_hash(&a, &x);
	assert_memory_not_equal(&x, &y, sizeof(x));
	for (int i = 0; a.count < NAMES_MAX; i++) {
		char text[32];

		snprintf(text, sizeof(text), "n%d.example", i);
		assert_int_equal(names_put(&a, span_str(text)), RC_OK);
	}
	assert_int_equal(names_put(&a, span_str("one-more.example")), RC_LIMIT);
}

/* The examples of RFC 8738 6. */
static void addresses_are_asked_for_by_their_reverse_name(void **state)
{
	static const char *const cases[][2] = {
		{ "*.example.org", "example.org" },
		{ "192.0.2.1", "1.2.0.192.in-addr.arpa" },
		{ "2001:db8::1",
		  "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa" },
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char text[256];
		struct wr w = WR_ARRAY(text);
		struct name n;

		assert_int_equal(name_read(&n, span_str(cases[i][0])), RC_OK);
		name_sni(&w, &n);
		assert_true(span_equal_str(wr_span(&w), cases[i][1]));
	}
}

static void long_names_and_full_sets_are_refused(void **state)
{
	static struct names set, other;
	char text[512];
	struct name n;

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t i = 50; i < sizeof(text); i += 51)
		text[i] = '.';
	assert_int_equal(name_read(&n, span_of(text, sizeof(text) - 2)), RC_MALFORMED);
	assert_int_equal(names_put(&set, span_str("no name")), RC_MALFORMED);
	for (int i = 0; i < NAMES_MAX; i++) {
		snprintf(text, sizeof(text), "n%d.example", i);
		assert_int_equal(names_put(&set, span_str(text)), RC_OK);
	}
	assert_int_equal(names_put(&set, span_str("one.more.example")), RC_LIMIT);
	assert_int_equal(set.count, NAMES_MAX);
	/* As many, and not the same. */
	assert_int_equal(names_put(&other, span_str("a.example")), RC_OK);
	set.count = 1;
	assert_false(names_equal(&set, &other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_have_one_spelling),
		cmocka_unit_test(nul_is_in_no_name),
		cmocka_unit_test(identifiers_have_their_type),
		cmocka_unit_test(sets_are_equal_whatever_their_order),
		cmocka_unit_test(addresses_are_asked_for_by_their_reverse_name),
		cmocka_unit_test(long_names_and_full_sets_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
