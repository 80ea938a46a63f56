#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/span.h"

static void empty_spans_are_equal(void **state)
{
	struct span none = span_of(NULL, 0);

	(void)state;
	assert_true(span_equal(none, span_str("")));
	assert_true(span_equal_str(none, ""));
	assert_true(span_has_prefix(none, span_str("")));
	assert_true(span_is_zero(none));
	assert_true(rd_end(&none));
	assert_true(span_equal_nocase(none, span_str("")));
}

static void spans_compare(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal, nocase, prefix; /* b is a prefix of a */
	} cases[] = {
		{ "abc", "abc", true, true, true },
		{ "abc", "abd", false, false, false },
		{ "abc", "ab", false, false, true },
		{ "ab", "abc", false, false, false },
		{ "aBc", "AbC", false, true, false },
		{ "a@c", "a`c", false, false, false }, /* one bit, as letters differ */
		{ "a[c", "a{c", false, false, false },
		{ "\xc3\x84", "\xc3\xa4", false, false, false }, /* no letters of ASCII */
		{ "abc", "", false, false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct span a = span_str(cases[i].a), b = span_str(cases[i].b);

		assert_int_equal(span_equal(a, b), cases[i].equal);
		assert_int_equal(span_equal_str(a, cases[i].b), cases[i].equal);
		assert_int_equal(span_equal_nocase(a, b), cases[i].nocase);
		assert_int_equal(span_has_prefix(a, b), cases[i].prefix);
	}
}

static void zero_is_told(void **state)
{
	uint8_t bytes[32] = { 0 };

	(void)state;
	assert_true(span_is_zero(SPAN_ARRAY(bytes)));
	for (size_t i = 0; i < 32; i++) {
		bytes[i] = 0x80;
		assert_false(span_is_zero(SPAN_ARRAY(bytes)));
		bytes[i] = 0;
	}
}

static void numbers_are_read(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
					 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28,
					 29, 30, 31, 0xff };
	struct span s = SPAN_ARRAY(bytes);
	uint64_t v64;
	uint32_t v32;
	uint16_t v16;
	uint8_t v8;

	(void)state;
	assert_true(rd_u8(&s, &v8) && v8 == 1);
	assert_true(rd_be16(&s, &v16) && v16 == 0x0203);
	assert_true(rd_be24(&s, &v32) && v32 == 0x040506);
	assert_true(rd_be32(&s, &v32) && v32 == 0x0708090a);
	assert_true(rd_be64(&s, &v64) && v64 == 0x0b0c0d0e0f101112);
	assert_true(rd_le16(&s, &v16) && v16 == 0x1413);
	assert_true(rd_le32(&s, &v32) && v32 == 0x18171615);
	assert_int_equal(s.n, 8);
	assert_true(rd_le64(&s, &v64) && v64 == 0xff1f1e1d1c1b1a19);
	assert_true(rd_end(&s));
}

union any {
	uint64_t v64;
	uint32_t v32;
	uint16_t v16;
	uint8_t v8;
	uint8_t bytes[8];
	struct span span;
};

static bool try_n(struct span *s, union any *out)
{
	return rd_n(s, &out->span, 5);
}

static bool try_skip(struct span *s, union any *out)
{
	(void)out;
	return rd_skip(s, 5);
}

static bool try_copy(struct span *s, union any *out)
{
	return rd_copy(s, out->bytes, 5);
}

#define TRY(what, member) \
	static bool try_##what(struct span *s, union any *out) \
	{ \
		return rd_##what(s, &out->member); \
	}
TRY(u8, v8)
TRY(be16, v16)
TRY(be24, v32)
TRY(be32, v32)
TRY(be64, v64)
TRY(le16, v16)
TRY(le32, v32)
TRY(le64, v64)
TRY(vec8, span)
TRY(vec16, span)
TRY(vec24, span)

/* Every reader on every length that is too short, in its own allocation. */
static void failed_read_changes_nothing(void **state)
{
	static const struct {
		bool (*try)(struct span *s, union any *out);
		size_t need;
	} readers[] = {
		{ try_n, 5 },
		{ try_skip, 5 },
		{ try_copy, 5 },
		{ try_u8, 1 },
		{ try_be16, 2 },
		{ try_be24, 3 },
		{ try_be32, 4 },
		{ try_be64, 8 },
		{ try_le16, 2 },
		{ try_le32, 4 },
		{ try_le64, 8 },
		/* 0xff claims a length that is not there */
		{ try_vec8, 256 },
		{ try_vec16, 300 },
		{ try_vec24, 300 },
	};
	union any out, before;

	(void)state;
	memset(&out, 0x5a, sizeof(out));
	before = out;
	for (size_t r = 0; r < sizeof(readers) / sizeof(*readers); r++) {
		for (size_t n = 0; n < readers[r].need; n++) {
			uint8_t *own = malloc(n ? n : 1);
			struct span s = span_of(own, n);

			memset(own, 0xff, n ? n : 1);
			assert_false(readers[r].try(&s, &out));
			assert_memory_equal(&out, &before, sizeof(out));
			assert_ptr_equal(s.p, own);
			assert_int_equal(s.n, n);
			free(own);
		}
	}
}

static void huge_length_refused(void **state)
{
	struct span s = span_str("abc"), out;

	(void)state;
	assert_false(rd_n(&s, &out, SIZE_MAX));
	assert_false(rd_skip(&s, 4));
	assert_int_equal(s.n, 3);
}

static void vectors_are_read(void **state)
{
	static const uint8_t bytes[] = { 2, 'a', 'b', 0, 1, 'c', 0, 0, 0, 0, 0, 3, 'd', 'e', 'f' };
	struct span s = SPAN_ARRAY(bytes), out;

	(void)state;
	assert_true(rd_vec8(&s, &out) && span_equal_str(out, "ab"));
	assert_true(rd_vec16(&s, &out) && span_equal_str(out, "c"));
	assert_true(rd_vec24(&s, &out) && out.n == 0);
	assert_true(rd_vec24(&s, &out) && span_equal_str(out, "def"));
	assert_true(rd_end(&s));
}

static void vector_longer_than_its_rest_refused(void **state)
{
	static const uint8_t one[] = { 3, 'a', 'b' }, two[] = { 0xff, 0xff, 'a' },
			     three[] = { 0, 0, 2, 'a' };
	struct span a = SPAN_ARRAY(one), b = SPAN_ARRAY(two), c = SPAN_ARRAY(three);
	struct span out = span_str("untouched");

	(void)state;
	assert_false(rd_vec8(&a, &out) || rd_vec16(&b, &out) || rd_vec24(&c, &out));
	assert_int_equal(a.n, 3);
	assert_int_equal(b.n, 3);
	assert_int_equal(c.n, 4);
	assert_true(span_equal_str(out, "untouched"));
}

static void rest_is_read_until_a_separator(void **state)
{
	struct span s = span_str("a,,bc"), out = { 0 };

	(void)state;
	assert_true(rd_until(&s, &out, ',') && span_equal_str(out, "a"));
	assert_true(rd_until(&s, &out, ',') && out.n == 0);
	assert_true(rd_until(&s, &out, ',') && span_equal_str(out, "bc"));
	assert_false(rd_until(&s, &out, ','));
	assert_true(span_equal_str(out, "bc"));
	/* One that ends it leaves nothing. */
	s = span_str("x,");
	assert_true(rd_until(&s, &out, ',') && span_equal_str(out, "x"));
	assert_false(rd_until(&s, &out, ','));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_spans_are_equal),
		cmocka_unit_test(spans_compare),
		cmocka_unit_test(zero_is_told),
		cmocka_unit_test(numbers_are_read),
		cmocka_unit_test(failed_read_changes_nothing),
		cmocka_unit_test(huge_length_refused),
		cmocka_unit_test(vectors_are_read),
		cmocka_unit_test(vector_longer_than_its_rest_refused),
		cmocka_unit_test(rest_is_read_until_a_separator),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
