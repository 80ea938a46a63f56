/* Members in their one form; base64url by table as base/text has it. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "evidence/jget.h"

/* The value of {"a":"TEXT"} by both readers. */
static void both_agree(const char *text, size_t n)
{
	char json[128];
	struct wr w = WR_ARRAY(json);
	struct arena arena;
	struct jget g = { .arena = &arena };
	const struct jtree *top;
	struct span got = { 0 };
	uint8_t want[96];
	size_t want_n = 0;
	bool is, should;

	arena_init(&arena, 16 * 1024);
	wr_str(&w, "{\"a\":\"");
	wr_bytes(&w, span_of(text, n));
	wr_str(&w, "\"}");
	top = jget_top(&g, wr_span(&w), sizeof(json));
	assert_non_null(top);
	is = jget_base64url_value(&g, &got, jtree_get(top, "a"));
	should = text_base64url_decode(want, sizeof(want), &want_n, span_of(text, n));
	if (is != should)
		fail_msg("%.*s", (int)n, text);
	if (is) {
		assert_int_equal(got.n, want_n);
		assert_true(span_equal(got, span_of(want, want_n)));
	}
	arena_fini(&arena);
}

static void base64url_is_as_the_other_reader_has_it(void **state)
{
	static const char alphabet[] = "ABCDabcd0189-_+/=. ";
	unsigned seed = 1;

	(void)state;
	both_agree("", 0);
	for (size_t a = 0; a + 1 < sizeof(alphabet); a++)
		for (size_t b = 0; b + 1 < sizeof(alphabet); b++) {
			const char text[] = { 'A', alphabet[a], alphabet[b] };

			both_agree(text, 1);
			both_agree(text, 2);
			both_agree(text, 3);
		}
	for (int i = 0; i < 20000; i++) {
		char text[64];
		size_t n = (size_t)rand_r(&seed) % sizeof(text);

		for (size_t k = 0; k < n; k++)
			text[k] = alphabet[(size_t)rand_r(&seed) %
					   (i % 4 ? 14 : sizeof(alphabet) - 1)];
		both_agree(text, n);
	}
}

static bool get_all(struct jget *g, const struct jtree *top)
{
	struct sha256 hash;
	struct span text;
	uint64_t number;
	int64_t at;
	bool is;

	return jget_ascii(g, &text, top, "ascii", 4) && jget_number(g, &number, top, "number", 9) &&
	       jget_time(g, &at, top, "time") && jget_bool(g, &is, top, "bool") &&
	       jget_hash(g, &hash, top, "hash");
}

#define H "00000000000000000000000000000000000000000000000000000000000000ab"
static void members_have_one_form(void **state)
{
	static const struct {
		const char *name, *json;
		enum rc want;
	} cases[] = {
		{ "good",
		  "{\"ascii\":\"abcd\",\"number\":9,\"time\":1,\"bool\":true,\"hash\":\"" H "\"}",
		  RC_OK },
		{ "long",
		  "{\"ascii\":\"abcde\",\"number\":9,\"time\":1,\"bool\":true,\"hash\":\"" H "\"}",
		  RC_MALFORMED },
		{ "empty",
		  "{\"ascii\":\"\",\"number\":9,\"time\":1,\"bool\":true,\"hash\":\"" H "\"}",
		  RC_MALFORMED },
		{ "large",
		  "{\"ascii\":\"a\",\"number\":10,\"time\":1,\"bool\":true,\"hash\":\"" H "\"}",
		  RC_MALFORMED },
		{ "late",
		  "{\"ascii\":\"a\",\"number\":1,\"time\":253402300800,\"bool\":true,\"hash\":\"" H
		  "\"}",
		  RC_MALFORMED },
		{ "no_bool",
		  "{\"ascii\":\"a\",\"number\":1,\"time\":1,\"bool\":1,\"hash\":\"" H "\"}",
		  RC_MALFORMED },
		{ "short_hash",
		  "{\"ascii\":\"a\",\"number\":1,\"time\":1,\"bool\":true,\"hash\":\"00\"}",
		  RC_MALFORMED },
		{ "missing", "{\"ascii\":\"a\"}", RC_MALFORMED },
		{ "array", "[]", RC_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena arena;
		struct jget g = { .arena = &arena };
		const struct jtree *top;

		arena_init(&arena, 16 * 1024);
		top = jget_top(&g, span_str(cases[i].json), 1024);
		if (top)
			assert_int_equal(get_all(&g, top), cases[i].want == RC_OK);
		if (g.rc != cases[i].want)
			fail_msg("%s: %s", cases[i].name, rc_name(g.rc));
		arena_fini(&arena);
	}
}

static void the_first_fault_stays(void **state)
{
	struct arena arena;
	struct jget g = { .arena = &arena };

	(void)state;
	arena_init(&arena, 1024);
	assert_null(jget_top(&g, span_str("{}"), 1));
	assert_int_equal(g.rc, RC_LIMIT);
	assert_false(jget_fail(&g, RC_MALFORMED));
	assert_int_equal(g.rc, RC_LIMIT);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64url_is_as_the_other_reader_has_it),
		cmocka_unit_test(members_have_one_form),
		cmocka_unit_test(the_first_fault_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
