/* logline: fields of both forms of a line, which app it is about, and JSON. */
#include "unit.h"

#include <string.h>

#include <jansson.h>

#include "cli/logline.h"

#define ID "abcdef0123456789abcdef0123456789abcdef01"

static const char text[] =
	"2026-11-23T07:31:02.123Z info edge event=connection peer=192.0.2.1:9 "
	"name=hello-8080s.example.net app=" ID " empty=\"\" why=\"two words\" n=7";
static const char json[] =
	"{\"time\":\"x\",\"event\":\"connection\",\"name\":\"hello.example.net\","
	"\"app\":\"" ID "\",\"why\":\"a \\\\x22 b\",\"n\":7}";

struct row {
	const char *line, *name, *want; /* NULL: none */
};

static const struct row rows[] = {
	{ text, "event", "connection" },
	{ text, "peer", "192.0.2.1:9" },
	{ text, "empty", "" },
	{ text, "why", "two words" },
	{ text, "n", "7" },
	{ text, "eve", NULL },
	{ text, "vent", NULL },
	{ json, "event", "connection" },
	{ json, "why", "a \\\\x22 b" },
	{ json, "n", "7" },
	{ json, "peer", NULL },
	{ "", "n", NULL },
	{ " n=", "n", "" },
	{ "{\"n\":", "n", "" },
	{ "{\"n\":\"cut", "n", "cut" },
};

static void fields_of_both_forms(void **state)
{
	struct span got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool has = logline_field(&got, span_str(rows[i].line), rows[i].name);

		if (has != (rows[i].want != NULL) || (has && !span_equal_str(got, rows[i].want)))
			fail_msg("row %zu: %.*s", i, has ? (int)got.n : 0, (const char *)got.p);
	}
}

static const struct {
	const char *line, *app;
	bool want;
} apps[] = {
	{ text, "hello", true },
	{ text, ID, true },
	{ text, "abcd", true },
	{ text, "abc", false }, /* too short to mean an id */
	{ text, "hell", false },
	{ text, "bcde", false },
	{ json, "hello", true },
	{ json, "abcdef", true },
	{ json, "other", false },
	{ " name=hello-world.example.net", "hello", false },
	{ " name=hello-g.example.net", "hello", true },
	{ " app_name=hello", "hello", true },
	{ " app_id=" ID, "abcdef01", true },
	{ " app=hello", "hello", true },
	{ "hello", "hello", false },
};

static void lines_of_an_app(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(apps) / sizeof(*apps); i++)
		if (logline_is_of_app(span_str(apps[i].line), apps[i].app) != apps[i].want)
			fail_msg("%s in %s", apps[i].app, apps[i].line);
}

/* What comes out is JSON, whatever went in. */
static void json_of_anything(void **state)
{
	static const char *const lines[] = { text, json, "{}", "", "{", "}", "a\"b\\c\x01\x80" };
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		json_t *j;

		buf_init(&out, 4096);
		assert_true(logline_json(&out, span_str(lines[i]), "gate\"way", "edge"));
		j = json_loadb((const char *)buf_span(&out).p, out.n, 0, NULL);
		if (!json_is_object(j))
			fail_msg("%s", lines[i]);
		assert_string_equal(json_string_value(json_object_get(j, "node")), "gate\"way");
		assert_string_equal(json_string_value(json_object_get(j, "service")), "edge");
		if (lines[i] == json)
			assert_int_equal(json_integer_value(json_object_get(j, "n")), 7);
		else if (strcmp(lines[i], "{}") != 0)
			assert_non_null(json_object_get(j, "line"));
		json_decref(j);
		buf_fini(&out);
	}
	buf_init(&out, 20);
	assert_false(logline_json(&out, span_str(text), "gateway", "edge"));
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_of_both_forms),
		cmocka_unit_test(lines_of_an_app),
		cmocka_unit_test(json_of_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
