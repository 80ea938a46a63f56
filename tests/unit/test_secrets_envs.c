/* Environments: lines and JSON read, refused, and back again. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "secrets/envs.h"

static void lines_are_taken_as_they_are(void **state)
{
	static const char text[] =
		"# a comment\n\nA=1\nB= two words \nC=a=b\"'$X\\\nD=\n_e9=\xc3\xa4";
	static const char *const want[][2] = {
		{ "A", "1" },
		{ "B", " two words " },
		{ "C", "a=b\"'$X\\" },
		{ "D", "" },
		{ "_e9", "\xc3\xa4" },
	};
	struct envs e;
	size_t line;

	(void)state;
	assert_int_equal(envs_read_lines(&e, span_str(text), &line), RC_OK);
	assert_int_equal(e.count, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_string_equal(e.list[i].name, want[i][0]);
		assert_string_equal(e.list[i].value, want[i][1]);
	}
	envs_fini(&e);
}

static void lines_refused_by_number(void **state)
{
	static const struct {
		const char *text;
		size_t line;
	} cases[] = {
		{ "A", 1 },
		{ "A=1\n B=2", 2 },
		{ "A=1\nA=2", 2 },
		{ "\n=x", 2 },
		{ "A=\xff", 1 },
		{ "A=1\r\n", 1 },
		{ "export A=1", 1 },
		{ "#\n#\nPATH=/x", 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct envs e;
		size_t line = 0;

		if (envs_read_lines(&e, span_str(cases[i].text), &line) != RC_MALFORMED ||
		    line != cases[i].line)
			fail_msg("%s: line %zu", cases[i].text, line);
	}
	struct envs e;
	size_t line;

	assert_int_equal(envs_read_lines(&e, span_of("A=\0", 3), &line), RC_MALFORMED);
}

static void json_comes_back(void **state)
{
	static const char text[] = "A=x \"y\" \\ \x01\nB=\xc3\xa4";
	struct envs e, again;
	struct buf json;
	size_t line;

	(void)state;
	buf_init(&json, ENVS_TEXT_MAX);
	assert_int_equal(envs_read_lines(&e, span_str(text), &line), RC_OK);
	assert_int_equal(envs_write_json(&e, &json), RC_OK);
	assert_int_equal(envs_read_json(&again, buf_span(&json)), RC_OK);
	assert_int_equal(again.count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(e.list[i].name, again.list[i].name);
		assert_string_equal(e.list[i].value, again.list[i].value);
	}
	buf_fini(&json);
	envs_fini(&e);
	envs_fini(&again);
}

/* What dstack's SDKs encrypt. */
static void dstacks_json_is_read(void **state)
{
	struct envs e;

	(void)state;
	assert_int_equal(envs_read_json(&e,
					span_str("{\"env\": [{\"key\": \"A\", "
						 "\"value\": \"1\"}]}")),
			 RC_OK);
	assert_string_equal(e.list[0].value, "1");
	envs_fini(&e);
	assert_int_equal(envs_read_json(&e, span_str("{\"env\":[]}")), RC_OK);
	assert_int_equal(e.count, 0);
	envs_fini(&e);
}

static void json_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"[]",
		"{}",
		"{\"env\":{}}",
		"{\"env\":[],\"x\":1}",
		"{\"env\":[1]}",
		"{\"env\":[{\"key\":\"A\"}]}",
		"{\"env\":[{\"key\":\"A\",\"value\":1}]}",
		"{\"env\":[{\"key\":\"A\",\"value\":\"\",\"x\":\"\"}]}",
		"{\"env\":[{\"key\":\"A B\",\"value\":\"\"}]}",
		"{\"env\":[{\"key\":\"LD_PRELOAD\",\"value\":\"\"}]}",
		"{\"env\":[{\"key\":\"A\",\"value\":\"\"},{\"key\":\"A\",\"value\":\"\"}]}",
		"{\"env\":[{\"key\":\"A\",\"value\":\"\\u0000\"}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct envs e;

		if (envs_read_json(&e, span_str(cases[i])) != RC_MALFORMED)
			fail_msg("%s", cases[i]);
	}
}

static void one_too_many_is_refused(void **state)
{
	char text[4096];
	struct envs e;
	size_t n = 0, line;

	(void)state;
	for (size_t i = 0; i < GUEST_ENVS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "A%zu=\n", i);
	assert_int_equal(envs_read_lines(&e, span_of(text, n), &line), RC_OK);
	envs_fini(&e);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "B=\n");
	assert_int_equal(envs_read_lines(&e, span_of(text, n), &line), RC_LIMIT);
	assert_int_equal(line, GUEST_ENVS_MAX + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_taken_as_they_are),
		cmocka_unit_test(lines_refused_by_number),
		cmocka_unit_test(json_comes_back),
		cmocka_unit_test(dstacks_json_is_read),
		cmocka_unit_test(json_refused),
		cmocka_unit_test(one_too_many_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
