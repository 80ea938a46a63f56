/*
 * jtree: what is JSON and what is not, as a JSON library reads it, plus the
 * bounds that are ours.
 */
#include "unit.h"

#include <jansson.h>
#include <string.h>

#include "base/wr.h"
#include "tee/document.h"

enum {
	ARENA_MAX = 1024 * 1024,
	RANDOM_TEXTS = 200000,
};

static void accepted_or_not(void **state)
{
	static const struct {
		const char *name, *text;
		bool want;
	} cases[] = {
		{ "object", "{\"a\":1}", true },
		{ "array", "[1,2]", true },
		{ "number", " 0 ", true },
		{ "word", "true", true },
		{ "depth_8", "[[[[[[[[]]]]]]]]", true },
		{ "depth_9_refused", "[[[[[[[[[]]]]]]]]]", false },
		{ "member_twice_refused", "{\"a\":1,\"a\":1}", false },
		{ "inner_member_twice_refused", "{\"a\":{\"b\":1,\"b\":2}}", false },
		{ "escaped_member_twice_refused", "{\"a\":1,\"\\u0061\":1}", false },
		{ "member_of_two_objects", "[{\"a\":1},{\"a\":1}]", true },
		{ "bad_utf8_refused", "{\"a\":\"\xff\"}", false },
		{ "overlong_utf8_refused", "\"\xc0\x80\"", false },
		{ "overlong_slash_refused", "\"\xe0\x80\xaf\"", false },
		{ "cut_utf8_refused", "\"\xe2\x82\"", false },
		{ "utf8_surrogate_refused", "\"\xed\xa0\x80\"", false },
		{ "utf8_above_10ffff_refused", "\"\xf4\x90\x80\x80\"", false },
		{ "utf8_of_4_bytes", "\"\xf0\x9f\x98\x80\"", true },
		{ "nul_refused", "\"\\u0000\"", false },
		{ "surrogate_pair", "\"\\ud83d\\ude00\"", true },
		{ "lone_high_refused", "\"\\ud83d\"", false },
		{ "lone_low_refused", "\"\\ude00\"", false },
		{ "high_then_high_refused", "\"\\ud83d\\ud83d\"", false },
		{ "high_then_newline_refused", "\"\\ud83d\\n\"", false },
		{ "largest_number", "18446744073709551615", true },
		{ "huge_number_refused", "18446744073709551616", false },
		{ "nothing_refused", "", false },
		{ "two_values_refused", "{} {}", false },
		{ "negative_refused", "{\"a\":-1}", false },
		{ "fraction_refused", "1.5", false },
		{ "exponent_refused", "1e3", false },
		{ "leading_zero_refused", "01", false },
		{ "trailing_comma_refused", "[1,]", false },
		{ "bare_key_refused", "{a:1}", false },
		{ "key_alone_refused", "{\"a\"}", false },
		{ "control_byte_refused", "\"\n\"", false },
		{ "bad_escape_refused", "\"\\x\"", false },
		{ "short_unicode_refused", "\"\\u12\"", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena arena;

		print_message("%s\n", cases[i].name);
		arena_init(&arena, ARENA_MAX);
		assert_int_equal(jtree_read(&arena, span_str(cases[i].text)) != NULL,
				 cases[i].want);
		arena_fini(&arena);
	}
}

static void values_read(void **state)
{
	static const char text[] = " {\"a\" : [1, 23, {\"x\":null}], \"b\\n\\u00e9\":\"\\\"\\u20ac"
				   "\\ud83d\\ude00\\/\\b\\f\\r\\t\\\\\", \"c\":false,\"d\":true} ";
	struct arena arena;
	const struct jtree *root, *a, *b;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	root = jtree_read(&arena, span_str(text));
	assert_non_null(root);
	assert_int_equal(root->type, JTREE_OBJECT);
	assert_int_equal(root->count, 4);
	a = jtree_get(root, "a");
	assert_int_equal(a->type, JTREE_ARRAY);
	assert_int_equal(a->count, 3);
	assert_int_equal(a->first->number, 1);
	assert_int_equal(a->first->next->number, 23);
	assert_int_equal(jtree_get(a->first->next->next, "x")->type, JTREE_NULL);
	assert_null(a->first->next->next->next);
	b = jtree_get(root, "b\n\xc3\xa9");
	assert_true(span_equal_str(b->text, "\"\xe2\x82\xac\xf0\x9f\x98\x80/\b\f\r\t\\"));
	assert_false(jtree_get(root, "c")->is_true);
	assert_true(jtree_get(root, "d")->is_true);
	assert_null(jtree_get(root, "e"));
	assert_null(jtree_get(a, "a"));
	assert_null(jtree_get(NULL, "a"));
	arena_fini(&arena);
}

/* What a stranger can make us do is bounded, in memory and in comparisons. */
static void bounds(void **state)
{
	char text[8192];
	struct wr w = WR_ARRAY(text);
	struct arena arena;
	struct span s;

	(void)state;
	for (int members = JTREE_MEMBERS_MAX; members < JTREE_MEMBERS_MAX + 2; members++) {
		w = WR_ARRAY(text);
		for (int i = 0; i < members; i++)
			wr_printf(&w, "%c\"%d\":%d", i ? ',' : '{', i, i);
		wr_str(&w, "}");
		assert_true(wr_done(&w, &s));
		arena_init(&arena, ARENA_MAX);
		assert_int_equal(jtree_read(&arena, s) != NULL, members == JTREE_MEMBERS_MAX);
		arena_fini(&arena);
	}
	for (size_t room = 0; room < 200; room += 16) {
		arena_init(&arena, room);
		assert_null(jtree_read(&arena, span_str("[\"\\n\",1,2]")));
		assert_true(arena.used <= room);
		arena_fini(&arena);
	}
}

static bool same(const struct jtree *t, const json_t *j)
{
	const struct jtree *child = NULL;

	if (!t || !j)
		return false;
	switch (t->type) {
	case JTREE_NULL:
		return json_is_null(j);
	case JTREE_BOOL:
		return json_is_boolean(j) && json_is_true(j) == t->is_true;
	case JTREE_NUMBER:
		return json_is_integer(j) && (uint64_t)json_integer_value(j) == t->number;
	case JTREE_TEXT:
		return json_is_string(j) &&
		       span_equal(t->text, span_of(json_string_value(j), json_string_length(j)));
	case JTREE_ARRAY:
		if (!json_is_array(j) || json_array_size(j) != t->count)
			return false;
		child = t->first;
		for (size_t i = 0; child; child = child->next, i++)
			if (!same(child, json_array_get(j, i)))
				return false;
		return true;
	case JTREE_OBJECT:
		if (!json_is_object(j) || json_object_size(j) != t->count)
			return false;
		for (child = t->first; child; child = child->next) {
			char key[64];

			(void)snprintf(key, sizeof(key), "%.*s", (int)child->key.n,
				       (const char *)child->key.p);
			if (!same(child, json_object_get(j, key)))
				return false;
		}
		return true;
	}
	return false;
}

/* Random texts of pieces of JSON: whatever we read, jansson reads alike; what
 * it reads and we do not has a number that is not plain digits. */
static void reads_as_jansson(void **state)
{
	static const char *const pieces[] = {
		"{",
		"}",
		"[",
		"]",
		",",
		":",
		"\"",
		"\"a\"",
		"\"b\"",
		"\"a\":",
		"\"\\n\"",
		"\"\\u0061\"",
		"\"\\u00e9\"",
		"1",
		"0",
		"23",
		"true",
		"false",
		"null",
		" ",
		"\"\xc3\xa9\"",
		"\xff",
		"\\",
		"-",
		".",
		"e",
	};
	uint32_t seed = 20260301;
	size_t read = 0;

	(void)state;
	for (size_t n = 0; n < RANDOM_TEXTS; n++) {
		char text[64];
		struct wr w = WR_ARRAY(text);
		const struct jtree *t;
		struct arena arena;
		struct span s;
		json_t *j;

		for (size_t i = 0; i < 1 + n % 9; i++) {
			seed = seed * 1664525 + 1013904223;
			wr_str(&w, pieces[(seed >> 16) % (sizeof(pieces) / sizeof(pieces[0]))]);
		}
		assert_true(wr_done(&w, &s));
		arena_init(&arena, ARENA_MAX);
		t = jtree_read(&arena, s);
		j = json_loadb(text, s.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
		if (t && !same(t, j))
			fail_msg("read otherwise: %.*s", (int)s.n, text);
		if (!t && j && !memchr(text, '-', s.n) && !memchr(text, '.', s.n) &&
		    !memchr(text, 'e', s.n))
			fail_msg("refused: %.*s", (int)s.n, text);
		read += t != NULL;
		json_decref(j);
		arena_fini(&arena);
	}
	print_message("%zu of %d read\n", read, RANDOM_TEXTS);
	assert_true(read > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepted_or_not),
		cmocka_unit_test(values_read),
		cmocka_unit_test(bounds),
		cmocka_unit_test(reads_as_jansson),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
