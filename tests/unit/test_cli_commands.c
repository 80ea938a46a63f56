/* commands: the distance of words, and what is suggested. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/commands.h"

static void distances(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned want;
	} rows[] = {
		{ "", "", 0 },
		{ "up", "up", 0 },
		{ "up", "upp", 1 },
		{ "dwon", "down", 2 },
		{ "statsu", "status", 2 },
		{ "", "abc", 3 },
		{ "lease", "release", 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(cli_distance(rows[i].a, rows[i].b), rows[i].want);
		assert_int_equal(cli_distance(rows[i].b, rows[i].a), rows[i].want);
	}
}

static void suggestions(void **state)
{
	static const char *const names[] = { "up", "down", "status", "quote" };
	static const struct {
		const char *word, *want;
	} rows[] = {
		{ "staus", "status" },
		{ "qoute", "quote" },
		{ "upp", "up" },
		{ "frobnicate", NULL },
		{ "a-word-of-more-than-thirty-two-bytes", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *got = cli_suggest(rows[i].word, names, 4);

		if (rows[i].want)
			assert_string_equal(got, rows[i].want);
		else
			assert_null(got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distances),
		cmocka_unit_test(suggestions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
