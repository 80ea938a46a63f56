/* names: exact before wildcard, one label of it, and each pattern once. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "edge/names.h"

static void make(struct names *n, const char *const *patterns)
{
	const struct names_entry *first, *again;
	size_t i;

	for (i = 0; patterns[i]; i++)
		assert_true(names_add(n, span_str(patterns[i]), i));
	assert_true(names_sort(n, &first, &again));
}

static void exact_then_wildcard_then_none(void **state)
{
	static const char *const patterns[] = {
		"*.example.net", "admin.example.net", "WWW.Example.COM",
		"*.a.example.net", "example.net", NULL
	};
	static const struct {
		const char *name;
		int want; /* -1: none */
	} rows[] = {
		{ "x.example.net", 0 },
		{ "admin.example.net", 1 },
		{ "www.example.com", 2 },
		{ "x.a.example.net", 3 },
		{ "a.example.net", 0 },
		{ "example.net", 4 },
		{ "x.y.example.net", -1 },
		{ "net", -1 },
		{ "example.com", -1 },
		{ "*.example.net", 0 }, /* never asked: no name has a star */
		{ ".example.net", -1 },
		{ "xexample.net", -1 },
		{ "", -1 },
	};
	struct names n = { 0 };
	size_t i, number;

	(void)state;
	make(&n, patterns);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		number = 99;
		if (names_find(&n, &number, rows[i].name) != (rows[i].want >= 0) ||
		    number != (rows[i].want >= 0 ? (size_t)rows[i].want : 99))
			fail_msg("%s: %zu", rows[i].name, number);
	}
	names_fini(&n);
	assert_false(names_find(&n, &number, "x.example.net"));
}

static void longest_name_is_found(void **state)
{
	char name[254], pattern[256] = "*";
	const char *const patterns[] = { pattern, NULL };
	struct names n = { 0 };
	size_t number;

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	name[63] = name[127] = name[191] = '.';
	name[253] = '\0';
	memcpy(pattern + 1, name + 63, sizeof(name) - 63);
	make(&n, patterns);
	assert_true(names_find(&n, &number, name));
	names_fini(&n);
}

static void other_patterns_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"*",
		"*.",
		"a*.example.net",
		"*a.example.net",
		"a.*.example.net",
		"*.*.example.net",
		".example.net",
		"example.net.",
		"192.0.2.1",
		"exa mple.net",
		"ex\xc3\xa4.net",
	};
	struct names n = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (names_add(&n, span_str(bad[i]), 0))
			fail_msg("%s", bad[i]);
	assert_false(names_add(&n, span_of("a.net\0.b.net", 12), 0));
	assert_int_equal(n.count, 0);
	/* In a file, as it is written. */
	assert_false(names_is_pattern(span_str("Example.net")));
	assert_true(names_is_pattern(span_str("*.example.net")));
}

static void same_pattern_of_two_is_told(void **state)
{
	const struct names_entry *first, *again;
	struct names n = { 0 };

	(void)state;
	assert_true(names_add(&n, span_str("a.example.net"), 5));
	assert_true(names_add(&n, span_str("b.example.net"), 1));
	/* Twice in one certificate is no harm. */
	assert_true(names_add(&n, span_str("A.example.net"), 5));
	assert_true(names_sort(&n, &first, &again));
	assert_true(names_add(&n, span_str("A.EXAMPLE.net"), 3));
	assert_false(names_sort(&n, &first, &again));
	assert_int_equal(first->number, 3);
	assert_int_equal(again->number, 5);
	assert_string_equal(again->pattern, "a.example.net");
	names_fini(&n);
}

/* Against looking at each pattern in turn. */
static void random_tables_agree_with_a_scan(void **state)
{
	unsigned seed = 1;
	size_t i, k;

	(void)state;
	for (k = 0; k < 200; k++) {
		const struct names_entry *first, *again;
		char patterns[40][16], name[16];
		struct names n = { 0 };
		size_t count = 0, got = 99, want = 99;
		bool is_twice = false;

		for (i = 0; i < 12; i++) {
			size_t j;

			seed = seed * 1103515245u + 12345u;
			snprintf(patterns[count], 16, "%s.%c%s", seed >> 16 & 1 ? "*" : "a",
				 'a' + (int)(seed >> 17 & 3), seed >> 19 & 1 ? ".b" : "");
			for (j = 0; j < count; j++)
				is_twice = is_twice || strcmp(patterns[j], patterns[count]) == 0;
			assert_true(names_add(&n, span_str(patterns[count]), count));
			count++;
		}
		assert_int_equal(names_sort(&n, &first, &again), !is_twice);
		snprintf(name, sizeof(name), "a.%c%s", 'a' + (int)(seed >> 20 & 3),
			 seed >> 22 & 1 ? ".b" : "");
		for (i = 0; i < count && !is_twice; i++)
			if (strcmp(patterns[i] + 1, name + 1) == 0 &&
			    (patterns[i][0] == 'a' || want == 99))
				want = i;
		if (!is_twice) {
			(void)names_find(&n, &got, name);
			assert_int_equal(got, want);
		}
		names_fini(&n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_then_wildcard_then_none),
		cmocka_unit_test(longest_name_is_found),
		cmocka_unit_test(other_patterns_are_refused),
		cmocka_unit_test(same_pattern_of_two_is_told),
		cmocka_unit_test(random_tables_agree_with_a_scan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
