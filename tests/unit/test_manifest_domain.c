/* Names of a manifest: which are ones, and which stand for which. */
#include "unit.h"

#include "manifest/domain.h"

struct name_case {
	const char *name, *text;
	bool want;
};
static const struct name_case names[] = {
	{ "two_labels", "example.org", true },
	{ "digit_first", "0a.1b", true },
	{ "wildcard", "*.example.org", true },
	{ "one_label", "localhost", false },
	{ "wildcard_of_one_label", "*.org", false },
	{ "wildcard_alone", "*", false },
	{ "wildcard_inside", "a.*.org", false },
	{ "wildcard_twice", "*.*.example.org", false },
	{ "part_of_a_label_wild", "a*.example.org", false },
	{ "dot_at_the_end", "example.org.", false },
	{ "dot_at_the_start", ".example.org", false },
	{ "empty", "", false },
	{ "upper_case", "Example.org", false },
	{ "underscore", "_x.example.org", false },
	{ "hyphen_first", "-a.example.org", false },
	{ "hyphen_last", "a-.example.org", false },
};

static void names_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (domain_is(names[i].text) != names[i].want)
			fail_msg("%s", names[i].name);
}

static void a_label_has_at_most_63_bytes(void **state)
{
	char text[80];

	(void)state;
	for (size_t i = 0; i < 64; i++)
		text[i] = 'a';
	assert_true(domain_is_label(text, 63));
	assert_false(domain_is_label(text, 64));
	assert_false(domain_is_label(text, 0));
}

struct cover_case {
	const char *name, *pattern, *of;
	bool want;
};
static const struct cover_case covers[] = {
	{ "itself", "www.example.org", "www.example.org", true },
	{ "wildcard_itself", "*.example.org", "*.example.org", true },
	{ "one_label_more", "*.example.org", "www.example.org", true },
	{ "two_labels_more", "*.example.org", "a.www.example.org", false },
	{ "no_label_more", "*.example.org", "example.org", false },
	{ "another_name", "www.example.org", "api.example.org", false },
	{ "name_of_a_wildcard", "www.example.org", "*.example.org", false },
	{ "wildcard_of_a_wildcard", "*.example.org", "*.www.example.org", false },
};

static void patterns_cover_one_label(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(covers) / sizeof(*covers); i++)
		if (domain_covers(covers[i].pattern, covers[i].of) != covers[i].want)
			fail_msg("%s", covers[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_judged),
		cmocka_unit_test(a_label_has_at_most_63_bytes),
		cmocka_unit_test(patterns_cover_one_label),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
