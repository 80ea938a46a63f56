/*
 * tests/negative_cases.tsv is complete, and what it says is there: each case of
 * the suites it names has a line, and each line a test that exists.
 */
#include "unit.h"

#include <string.h>

#include "vectors.h"

enum {
	FIELDS = 4,
	PATH_LEN = 256,
};

/* How many cases each suite has. */
static const struct {
	const char *suite;
	unsigned count;
} suites[] = {
	{ "dq", 54 },
	{ "dqu", 12 },
	{ "qp", 15 },
	{ "qv", 24 },
	{ "qs", 10 },
	{ "qe", 10 },
	{ "qt", 10 },
	{ "qc", 13 },
	{ "qk", 4 },
	{ "qr", 6 },
	{ "qi", 8 },
	{ "go", 14 },
	{ "x", 30 },
	{ "sim", 6 },
};

enum {
	SUITES = sizeof(suites) / sizeof(suites[0]),
};

static struct span load_test(struct span name)
{
	bool is_elsewhere = memchr(name.p, '/', name.n) != NULL;
	bool is_whole = memchr(name.p, '.', name.n) != NULL;
	char path[PATH_LEN];

	snprintf(path, sizeof(path), "tests/%s%.*s%s",
		 is_elsewhere ? "" : is_whole ? "unit/"
					      : "unit/test_",
		 (int)name.n, (const char *)name.p, is_whole ? "" : ".c");
	return vector_load(path);
}

/* "name" stands in a table, or name( begins a function, and not as a part of
 * a longer word. */
static bool has_test(struct span source, struct span name)
{
	char text[PATH_LEN];

	snprintf(text, sizeof(text), "\"%.*s\"", (int)name.n, (const char *)name.p);
	if (memmem(source.p, source.n, text, strlen(text)))
		return true;
	snprintf(text, sizeof(text), " %.*s(", (int)name.n, (const char *)name.p);
	return memmem(source.p, source.n, text, strlen(text)) != NULL;
}

static void check_line(struct span line, const char *suite, unsigned number)
{
	struct span field[FIELDS], source, name;
	char id[32];

	for (size_t i = 0; i < FIELDS; i++)
		assert_true(rd_until(&line, &field[i], '\t') && field[i].n);
	snprintf(id, sizeof(id), "%s-%u", suite, number);
	if (!span_equal_str(field[0], id))
		fail_msg("expected %s, found %.*s", id, (int)field[0].n,
			 (const char *)field[0].p);
	source = load_test(field[2]);
	while (rd_until(&field[3], &name, ' '))
		if (!has_test(source, name))
			fail_msg("%s: no test %.*s in %.*s", id, (int)name.n,
				 (const char *)name.p, (int)field[2].n,
				 (const char *)field[2].p);
	vector_free(source);
}

static void each_case_has_its_test(void **state)
{
	struct span file = vector_load("tests/negative_cases.tsv"), s = file, line;
	unsigned number = 0;
	size_t suite = 0;

	(void)state;
	while (rd_until(&s, &line, '\n')) {
		if (!line.n || line.p[0] == '#')
			continue;
		assert_true(suite < SUITES);
		check_line(line, suites[suite].suite, ++number);
		if (number < suites[suite].count)
			continue;
		suite++;
		number = 0;
	}
	assert_int_equal(suite, SUITES);
	assert_int_equal(number, 0);
	vector_free(file);
}

/* The check above can fail. */
static void what_is_not_there_is_noticed(void **state)
{
	struct span source = span_str("{ \"row\", }\nstatic void rule(void **s)\nrules");

	(void)state;
	assert_true(has_test(source, span_str("row")));
	assert_true(has_test(source, span_str("rule")));
	assert_false(has_test(source, span_str("ro")));
	assert_false(has_test(source, span_str("ule")));
	assert_false(has_test(source, span_str("rules")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case_has_its_test),
		cmocka_unit_test(what_is_not_there_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
