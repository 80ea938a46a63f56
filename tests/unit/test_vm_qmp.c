/* qmp: what counts as a message of QEMU, and what is asked. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "vm/qmp.h"

static const char greeting[] =
	"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 2, \"minor\": 0, \"major\": 10}, "
	"\"package\": \"Debian\"}, \"capabilities\": [\"oob\"]}}";
static const char event[] =
	"{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"SHUTDOWN\", "
	"\"data\": {\"guest\": true, \"reason\": \"guest-shutdown\"}}";

static enum rc read_text(struct qmp_message *out, struct arena *arena, const char *text)
{
	arena_init(arena, QMP_ARENA_MAX);
	return qmp_read(out, arena, span_str(text));
}

static void messages_read(void **state)
{
	AUTO(arena_fini)
	struct arena a;
	AUTO(arena_fini)
	struct arena b;
	AUTO(arena_fini)
	struct arena c;
	AUTO(arena_fini)
	struct arena d;
	struct qmp_message m = { 0 };

	(void)state;
	assert_int_equal(read_text(&m, &a, greeting), RC_OK);
	assert_int_equal(m.kind, QMP_GREETING);
	assert_int_equal(read_text(&m, &b, event), RC_OK);
	assert_int_equal(m.kind, QMP_EVENT);
	assert_string_equal(m.word, "SHUTDOWN");
	assert_true(jtree_get(m.value, "guest")->is_true);
	assert_int_equal(read_text(&m, &c,
				   "{\"return\": {\"status\": \"running\"}, \"id\": 3}"),
			 RC_OK);
	assert_int_equal(m.kind, QMP_RETURN);
	assert_true(m.has_id);
	assert_int_equal(m.id, 3);
	assert_true(span_equal_str(jtree_get(m.value, "status")->text, "running"));
	assert_int_equal(read_text(&m, &d,
				   "{\"id\": 4, \"error\": {\"class\": \"GenericError\", "
				   "\"desc\": \"no \\u001b[31m\"}}"),
			 RC_OK);
	assert_int_equal(m.kind, QMP_ERROR);
	assert_string_equal(m.word, "GenericError");
	assert_string_equal(m.desc, "no \\x1b[31m");
}

static void strange_lines_refused(void **state)
{
	static const struct {
		const char *name, *text;
		enum rc want;
	} rows[] = {
		{ "empty", "", RC_MALFORMED },
		{ "no_json", "QMP", RC_MALFORMED },
		{ "list", "[]", RC_MALFORMED },
		{ "nothing_known", "{}", RC_UNSUPPORTED },
		{ "other_member", "{\"id\": 1}", RC_UNSUPPORTED },
		{ "id_is_text", "{\"return\": {}, \"id\": \"1\"}", RC_MALFORMED },
		{ "return_twice", "{\"return\": {}, \"return\": {}}", RC_MALFORMED },
		{ "error_without_class", "{\"error\": {\"desc\": \"x\"}}", RC_MALFORMED },
		{ "error_without_desc", "{\"error\": {\"class\": \"x\"}}", RC_MALFORMED },
		{ "class_with_blank", "{\"error\": {\"class\": \"a b\", \"desc\": \"\"}}",
		  RC_MALFORMED },
		{ "event_is_number", "{\"event\": 1}", RC_MALFORMED },
		{ "event_empty", "{\"event\": \"\"}", RC_MALFORMED },
		{ "event_long",
		  "{\"event\": \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
		  RC_MALFORMED },
		{ "greeting_is_text", "{\"QMP\": \"hi\"}", RC_MALFORMED },
		{ "something_after", "{\"return\": {}} {}", RC_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(arena_fini)
		struct arena arena;
		struct qmp_message m = { .id = 77 };

		print_message("%s\n", rows[i].name);
		assert_int_equal(read_text(&m, &arena, rows[i].text), rows[i].want);
		assert_int_equal(m.id, 77);
	}
}

static void every_prefix_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n < strlen(event); n++) {
		AUTO(arena_fini)
		struct arena arena;
		AUTO(mem_auto_free)
		char *own = mem_dup_n(event, n);
		struct qmp_message m = { .id = 77 };

		arena_init(&arena, QMP_ARENA_MAX);
		assert_int_not_equal(qmp_read(&m, &arena, span_of(own, n)), RC_OK);
		assert_int_equal(m.id, 77);
	}
}

static void long_words_cut(void **state)
{
	AUTO(arena_fini)
	struct arena arena;
	char text[2048];
	struct qmp_message m;

	(void)state;
	(void)snprintf(text, sizeof(text), "{\"error\": {\"class\": \"E\", \"desc\": \"%01000d\"}}",
		       0);
	assert_int_equal(read_text(&m, &arena, text), RC_OK);
	assert_in_range(strlen(m.desc), 32, QMP_DESC_MAX - 1);
}

static void questions_written(void **state)
{
	char text[128] = "";
	struct wr w = wr_over(text, sizeof(text) - 1);

	(void)state;
	qmp_command(&w, "query-status", (struct span){ 0 }, 1);
	qmp_command(&w, "block_resize", span_str("{\"size\":1}"), 18446744073709551615u);
	assert_string_equal(text, "{\"execute\":\"query-status\",\"id\":1}\r\n"
				  "{\"execute\":\"block_resize\",\"arguments\":{\"size\":1},"
				  "\"id\":18446744073709551615}\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_read),
		cmocka_unit_test(strange_lines_refused),
		cmocka_unit_test(every_prefix_refused),
		cmocka_unit_test(long_words_cut),
		cmocka_unit_test(questions_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
