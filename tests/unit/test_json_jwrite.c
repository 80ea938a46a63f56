#include "json/jwrite.h"

#include "base/mem.h"
#include "json/jtree.h"
#include "unit.h"

static void expect(const struct buf *b, const char *want)
{
	print_message("%.*s\n", (int)b->n, (const char *)buf_span(b).p);
	assert_true(span_equal_str(buf_span(b), want));
}

static void all_values_written(void **state)
{
	struct buf b = { 0 };
	struct jwrite j = jwrite_to(&b);

	(void)state;
	buf_init(&b, 4096);
	jwrite_object(&j, NULL);
	jwrite_str(&j, "text", "a\"b\\c\n\x7f\xc3\xa4/");
	jwrite_number(&j, "number", UINT64_MAX);
	jwrite_bool(&j, "yes", true);
	jwrite_bool(&j, "no", false);
	jwrite_null(&j, "none");
	jwrite_array(&j, "list");
	jwrite_number(&j, NULL, 0);
	jwrite_object(&j, NULL);
	jwrite_end(&j);
	jwrite_array(&j, NULL);
	jwrite_end(&j);
	jwrite_end(&j);
	jwrite_hex(&j, "hex", span_str("\xfb\xff"));
	jwrite_base64(&j, "base64", span_str("\xfb\xff"));
	jwrite_base64url(&j, "base64url", span_str("\xfb\xff"));
	jwrite_hex(&j, "nothing", span_str(""));
	jwrite_utc(&j, "at", 1772323200);
	jwrite_raw(&j, "raw", span_str("{\"a\":1}"));
	assert_false(jwrite_done(&j));
	jwrite_end(&j);
	assert_true(jwrite_done(&j));
	expect(&b, "{\"text\":\"a\\\"b\\\\c\\u000a\x7f\xc3\xa4/\",\"number\":18446744073709551615,"
		   "\"yes\":true,\"no\":false,\"none\":null,\"list\":[0,{},[]],\"hex\":\"fbff\","
		   "\"base64\":\"+/8=\",\"base64url\":\"-_8\",\"nothing\":\"\","
		   "\"at\":\"2026-03-01T00:00:00Z\",\"raw\":{\"a\":1}}");
	buf_fini(&b);
}

static void what_does_not_fit_is_reported(void **state)
{
	(void)state;
	/* {"k":"0123"} is 12 bytes. */
	for (size_t max = 0; max <= 12; max++) {
		struct buf b = { 0 };
		struct jwrite j = jwrite_to(&b);

		buf_init(&b, max);
		jwrite_object(&j, NULL);
		jwrite_hex(&j, "k", span_str("\x01\x23"));
		jwrite_end(&j);
		assert_int_equal(jwrite_done(&j), max == 12);
		assert_true(b.n <= max);
		buf_fini(&b);
	}
}

static void text_that_is_no_utf8_is_reported(void **state)
{
	static const char *const wrong[] = { "\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct buf b = { 0 };
		struct jwrite j = jwrite_to(&b);

		buf_init(&b, 64);
		jwrite_str(&j, NULL, wrong[i]);
		assert_false(jwrite_done(&j));
		buf_fini(&b);
	}
}

static unsigned next(unsigned *seed)
{
	return (*seed = *seed * 1664525u + 1013904223u) >> 8;
}

static void reader_gets_back_what_was_written(void **state)
{
	unsigned seed = 7;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		AUTO(arena_fini)
		struct arena arena = { 0 };
		char text[40];
		size_t n = 0, len = next(&seed) % sizeof(text);
		struct buf b = { 0 };
		struct jwrite j = jwrite_to(&b);
		const struct jtree *tree;

		arena_init(&arena, 4096);
		for (; n < len; n++)
			text[n] = (char)(1 + next(&seed) % 126);
		buf_init(&b, 4096);
		jwrite_object(&j, NULL);
		jwrite_text(&j, "k", span_of(text, n));
		jwrite_end(&j);
		assert_true(jwrite_done(&j));
		tree = jtree_get(jtree_read(&arena, buf_span(&b)), "k");
		assert_non_null(tree);
		assert_true(span_equal(tree->text, span_of(text, n)));
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_values_written),
		cmocka_unit_test(what_does_not_fit_is_reported),
		cmocka_unit_test(text_that_is_no_utf8_is_reported),
		cmocka_unit_test(reader_gets_back_what_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
