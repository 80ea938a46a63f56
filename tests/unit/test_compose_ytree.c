/* ytree: which YAML is taken, where its nodes stand, what merges bring. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "compose/ytree.h"

enum {
	ARENA_MAX = 8 * 1024 * 1024,
};

static enum rc read_text(const struct ytree **out, struct arena *arena, const char *text,
			 char *error)
{
	arena_init(arena, ARENA_MAX);
	return ytree_read(out, arena, span_str(text), error);
}

static void nodes_know_their_lines(void **state)
{
	static const char text[] = "# comment\n"
				   "services:\n"
				   "  web:\n"
				   "    image: \"x\"\n"
				   "    ports:\n"
				   "      - 80:80\n"
				   "      - target: 81\n"
				   "        published: 81\n";
	AUTO(arena_fini)
	struct arena arena;
	char error[YTREE_ERROR_MAX] = "";
	const struct ytree *root, *web, *ports;

	(void)state;
	assert_int_equal(read_text(&root, &arena, text, error), RC_OK);
	web = ytree_get(ytree_get(root, "services"), "web");
	assert_int_equal(web->line, 4);
	assert_int_equal(ytree_get(root, "services")->first->line, 3);
	assert_true(ytree_is(ytree_get(web, "image"), "x"));
	assert_false(ytree_get(web, "image")->is_plain);
	ports = ytree_get(web, "ports");
	assert_int_equal(ports->count, 2);
	assert_int_equal(ports->first->value->line, 6);
	assert_int_equal(ytree_get(ports->first->next->value, "published")->line, 8);
	assert_null(ytree_get(web, "nothing"));
	assert_null(ytree_get(ports, "0"));
}

static void merges_and_aliases_followed(void **state)
{
	static const char text[] = "x-a: &a { image: one, privileged: true }\n"
				   "x-b: &b { image: two, user: me }\n"
				   "s1: { <<: *a }\n"
				   "s2: { <<: *a, image: own }\n"
				   "s3: { <<: [*b, *a] }\n"
				   "x-c: &c { <<: *b }\n"
				   "s4: { <<: *c }\n"
				   "s5: *b\n";
	static const struct {
		const char *service, *key, *want;
	} rows[] = {
		{ "s1", "image", "one" },
		{ "s1", "privileged", "true" },
		{ "s2", "image", "own" },
		{ "s2", "privileged", "true" },
		{ "s3", "image", "two" },
		{ "s3", "privileged", "true" },
		{ "s4", "user", "me" },
		{ "s5", "user", "me" },
	};
	AUTO(arena_fini)
	struct arena arena;
	char error[YTREE_ERROR_MAX] = "";
	const struct ytree *root;

	(void)state;
	assert_int_equal(read_text(&root, &arena, text, error), RC_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s.%s\n", rows[i].service, rows[i].key);
		assert_true(ytree_is(ytree_get(ytree_get(root, rows[i].service), rows[i].key),
				     rows[i].want));
	}
	assert_null(ytree_get(ytree_get(root, "s1"), "user"));
}

static void mistakes_have_lines(void **state)
{
	static const struct {
		const char *name, *text, *want;
		enum rc rc;
	} rows[] = {
		{ "key_twice", "a: 1\nb: 2\na: 3\n", "3: this key comes twice", RC_MALFORMED },
		{ "key_twice_below", "a:\n  b: 1\n  b: 2\n", "3: this key comes twice",
		  RC_MALFORMED },
		{ "key_is_a_list", "? [a]\n: 1\n", "1: a key that is no text", RC_MALFORMED },
		{ "alias_without_anchor", "a: 1\nb: *x\n", "2: an alias without its anchor",
		  RC_MALFORMED },
		{ "inside_itself", "a: &x\n  b: *x\n", "2: an alias for what it is in",
		  RC_MALFORMED },
		{ "two_documents", "a: 1\n---\nb: 2\n", "2: a second document", RC_MALFORMED },
		{ "odd_tag", "a: !!binary aGk=\n", "1: a tag that is not usual", RC_MALFORMED },
		{ "own_tag", "a: !reset [x]\n", "1: a tag that is not usual", RC_MALFORMED },
		{ "nul", "a: \"\\0\"\n", "1: a NUL in a text", RC_MALFORMED },
		{ "not_utf8", "a: \xff\n", "1: not UTF-8", RC_MALFORMED },
		{ "tab", "a:\n\tb: 1\n", "2: ", RC_MALFORMED },
		{ "open_quote", "a: \"x\n", "2: ", RC_MALFORMED },
		{ "merge_of_a_text", "a: { <<: x }\n", "1: << takes a map", RC_MALFORMED },
		{ "merge_of_texts", "a: { <<: [x] }\n", "1: << takes maps", RC_MALFORMED },
		{ "merge_of_nine", "a: { <<: [{},{},{},{},{},{},{},{},{}] }\n",
		  "1: << takes a map, or up to 8", RC_MALFORMED },
		{ "merges_too_deep",
		  "a: &a {x: 1}\nb: &b {<<: *a}\nc: &c {<<: *b}\nd: &d {<<: *c}\ne: {<<: *d}\n",
		  "5: << nested too deep", RC_LIMIT },
		{ "deep", "[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]",
		  "1: nested too deep", RC_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(arena_fini)
		struct arena arena;
		char error[YTREE_ERROR_MAX] = "";
		const struct ytree *root = NULL;

		if (read_text(&root, &arena, rows[i].text, error) != rows[i].rc || root ||
		    strncmp(error, rows[i].want, strlen(rows[i].want)) != 0)
			fail_msg("%s: \"%s\"", rows[i].name, error);
	}
}

static void too_much_is_limit(void **state)
{
	AUTO(mem_auto_free)
	char *text = mem_new(2 * YTREE_NODES_MAX + 8);
	AUTO(arena_fini)
	struct arena arena;
	AUTO(arena_fini)
	struct arena small;
	char error[YTREE_ERROR_MAX] = "";
	const struct ytree *root = NULL;

	(void)state;
	text[0] = '[';
	for (size_t i = 0; i < YTREE_NODES_MAX; i++)
		memcpy(text + 1 + 2 * i, "a,", 2);
	strcat(text, "]");
	assert_int_equal(read_text(&root, &arena, text, error), RC_LIMIT);
	arena_init(&small, 64);
	assert_int_equal(ytree_read(&root, &small, span_str("a: [b, c, d]"), error), RC_LIMIT);
	assert_null(root);
}

static void words_judged(void **state)
{
	AUTO(arena_fini)
	struct arena arena;
	char error[YTREE_ERROR_MAX] = "";
	const struct ytree *root;

	(void)state;
	assert_int_equal(read_text(&root, &arena,
				   "a: true\nb: \"true\"\nc: Yes\nd: no\ne:\nf: ~\ng: null\n"
				   "h: \"\"\ni: []\n",
				   error),
			 RC_OK);
	assert_true(ytree_is_true(ytree_get(root, "a")));
	assert_false(ytree_is_true(ytree_get(root, "b")));
	assert_true(ytree_is_true(ytree_get(root, "c")));
	assert_false(ytree_is_true(ytree_get(root, "d")));
	assert_false(ytree_is_true(NULL));
	assert_true(ytree_is_null(ytree_get(root, "e")));
	assert_true(ytree_is_null(ytree_get(root, "f")));
	assert_true(ytree_is_null(ytree_get(root, "g")));
	assert_false(ytree_is_null(ytree_get(root, "h")));
	assert_false(ytree_is_null(ytree_get(root, "i")));
	assert_true(ytree_is_null(NULL));
}

static void nothing_is_an_empty_map(void **state)
{
	AUTO(arena_fini)
	struct arena arena;
	char error[YTREE_ERROR_MAX] = "";
	const struct ytree *root;

	(void)state;
	assert_int_equal(read_text(&root, &arena, "# only this\n", error), RC_OK);
	assert_int_equal(root->type, YTREE_MAP);
	assert_int_equal(root->count, 0);
	assert_int_equal(ytree_read(&root, &arena, (struct span){ 0 }, error), RC_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_know_their_lines),
		cmocka_unit_test(merges_and_aliases_followed),
		cmocka_unit_test(mistakes_have_lines),
		cmocka_unit_test(too_much_is_limit),
		cmocka_unit_test(words_judged),
		cmocka_unit_test(nothing_is_an_empty_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
