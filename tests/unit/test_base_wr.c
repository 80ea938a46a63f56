#include "unit.h"

#include <string.h>

#include "base/wr.h"

static void numbers_are_written(void **state)
{
	static const uint8_t want[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17,
					18, 20, 19, 24, 23, 22, 21, 32, 31, 30, 29, 28, 27, 26, 25,
					0, 0, 'a', 'b', 'c' };
	uint8_t bytes[64];
	struct wr w = WR_ARRAY(bytes);
	struct span out;

	(void)state;
	wr_u8(&w, 1);
	wr_be16(&w, 0x0203);
	wr_be24(&w, 0x040506);
	wr_be32(&w, 0x0708090a);
	wr_be64(&w, 0x0b0c0d0e0f101112);
	wr_le16(&w, 0x1314);
	wr_le32(&w, 0x15161718);
	wr_le64(&w, 0x191a1b1c1d1e1f20);
	wr_zero(&w, 2);
	wr_str(&w, "a");
	wr_bytes(&w, span_str("bc"));
	assert_true(wr_done(&w, &out));
	assert_true(span_equal(out, SPAN_ARRAY(want)));
	assert_true(span_equal(wr_span(&w), out));
}

static void vectors_are_written(void **state)
{
	static const uint8_t want[] = { 1, 'a', 0, 2, 'b', 'c', 0, 0, 0 };
	uint8_t bytes[16];
	struct wr w = WR_ARRAY(bytes);

	(void)state;
	wr_vec8(&w, span_str("a"));
	wr_vec16(&w, span_str("bc"));
	wr_vec24(&w, span_of(NULL, 0));
	assert_true(span_equal(wr_span(&w), SPAN_ARRAY(want)));
}

static void nested_lengths_are_closed(void **state)
{
	static const uint8_t want[] = { 0, 0, 0, 6, 0, 3, 1, 'x', 'y', 'z' };
	uint8_t bytes[16];
	struct wr w = WR_ARRAY(bytes);
	struct wr_mark a = wr_open(&w, 4), b = wr_open(&w, 2), c = wr_open(&w, 1);

	(void)state;
	wr_str(&w, "x");
	wr_close(&w, c);
	wr_str(&w, "y");
	wr_close(&w, b);
	wr_str(&w, "z");
	wr_close(&w, a);
	assert_true(span_equal(wr_span(&w), SPAN_ARRAY(want)));
}

/* Into each size of buffer: what does not fit stays out, for good. */
static void overflow_is_remembered_and_never_overruns(void **state)
{
	uint8_t bytes[24];

	(void)state;
	for (size_t cap = 0; cap < 21; cap++) {
		struct wr w = wr_over(bytes, cap);
		struct wr_mark m;
		struct span out = span_str("untouched");

		memset(bytes, 0x5a, sizeof(bytes));
		m = wr_open(&w, 2);
		wr_be64(&w, 1);
		wr_le32(&w, 2);
		wr_printf(&w, "%s", "abc");
		wr_zero(&w, 1);
		wr_u8(&w, 1);
		wr_close(&w, m);
		wr_bytes(&w, span_str("yz"));
		assert_int_equal(wr_done(&w, &out), false);
		assert_true(span_equal_str(out, "untouched"));
		assert_int_equal(wr_span(&w).n, 0);
		wr_bytes(&w, span_str(""));
		assert_true(w.over);
		for (size_t i = cap; i < sizeof(bytes); i++)
			assert_int_equal(bytes[i], 0x5a);
	}
}

static void content_too_long_for_its_length_is_overflow(void **state)
{
	static uint8_t bytes[70000], content[65536];
	struct wr w = WR_ARRAY(bytes);

	(void)state;
	wr_vec8(&w, span_of(content, 255));
	assert_false(w.over);
	wr_vec8(&w, span_of(content, 256));
	assert_true(w.over);
	w = WR_ARRAY(bytes);
	wr_vec16(&w, span_of(content, 65535));
	assert_false(w.over);
	w = WR_ARRAY(bytes);
	wr_vec16(&w, span_of(content, 65536));
	assert_true(w.over);
	w = WR_ARRAY(bytes);
	wr_be24(&w, 1 << 24);
	assert_true(w.over);
}

static void long_printf_is_overflow(void **state)
{
	char bytes[4096];
	struct wr w = WR_ARRAY(bytes);

	(void)state;
	wr_printf(&w, "%1023d", 1);
	assert_false(w.over);
	assert_int_equal(w.n, 1023);
	wr_printf(&w, "%1024d", 1);
	assert_true(w.over);
}

static void read_of_written_is_the_same(void **state)
{
	uint8_t bytes[32];
	struct wr w = WR_ARRAY(bytes);
	struct span s, v;
	uint64_t v64 = 0;
	uint32_t v32 = 0;

	(void)state;
	wr_vec24(&w, span_str("abc"));
	wr_le64(&w, UINT64_MAX - 1);
	wr_be24(&w, 0xfffffe);
	s = wr_span(&w);
	assert_true(rd_vec24(&s, &v) && rd_le64(&s, &v64) && rd_be24(&s, &v32) && rd_end(&s));
	assert_true(span_equal_str(v, "abc"));
	assert_true(v64 == UINT64_MAX - 1);
	assert_int_equal(v32, 0xfffffe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_written),
		cmocka_unit_test(vectors_are_written),
		cmocka_unit_test(nested_lengths_are_closed),
		cmocka_unit_test(overflow_is_remembered_and_never_overruns),
		cmocka_unit_test(content_too_long_for_its_length_is_overflow),
		cmocka_unit_test(long_printf_is_overflow),
		cmocka_unit_test(read_of_written_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
