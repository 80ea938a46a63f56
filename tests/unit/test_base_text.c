#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

static void expect_text(const struct wr *w, const char *want)
{
	assert_false(w->over);
	if (!span_equal_str(wr_span(w), want))
		fail_msg("got \"%.*s\", not \"%s\"", (int)w->n, (const char *)w->p, want);
}

static void hex_both_ways(void **state)
{
	uint8_t bytes[256], got[256];
	char text[512];
	struct wr w = WR_ARRAY(text);
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 256; i++)
		bytes[i] = (uint8_t)i;
	text_hex(&w, SPAN_ARRAY(bytes));
	assert_memory_equal(text, "000102030405060708090a0b", 24);
	assert_true(text_hex_decode(got, 256, wr_span(&w)));
	assert_memory_equal(got, bytes, 256);
	assert_true(text_hex_decode_any(got, 256, &n, span_str("aBCdeF")));
	assert_int_equal(n, 3);
	assert_memory_equal(got, "\xab\xcd\xef", 3);
	assert_true(text_hex_decode_any(got, 0, &n, span_str("")));
	assert_int_equal(n, 0);
}

static void wrong_hex_refused(void **state)
{
	static const char *const wrong[] = { "0", "000", "0g00", "00 0", "0x00", "00\n0", "/0:0",
					     "@0G0", "`0g0", "00000", "0000000" };
	uint8_t got[2] = { 7, 7 };
	size_t n = 99;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_false(text_hex_decode(got, 2, span_str(wrong[i])));
	assert_false(text_hex_decode(got, 2, span_str("00")));
	assert_false(text_hex_decode(got, 2, span_str("000000")));
	assert_false(text_hex_decode_any(got, 2, &n, span_str("000000")));
	assert_false(text_hex_decode_any(got, 2, &n, span_str("0g")));
	assert_int_equal(got[0], 7);
	assert_int_equal(got[1], 7);
	assert_int_equal(n, 99);
}

/* Every character as a digit, against the alphabets of RFC 4648 §4 and §8. */
static void every_character_is_its_digit(void **state)
{
	static const char hex[] = "0123456789abcdef0123456789ABCDEF";
	static const char base64[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		uint8_t text[4] = { '0', (uint8_t)c, 'A', 'A' }, got[3];
		const char *at = c ? strchr(hex, (int)c) : NULL;
		struct wr w = WR_ARRAY(text);
		size_t n;

		assert_int_equal(text_hex_decode(got, 1, span_of(text, 2)), at != NULL);
		if (at)
			assert_int_equal(got[0], (at - hex) % 16);
		text[0] = 'A';
		at = c ? strchr(base64, (int)c) : NULL;
		assert_int_equal(text_base64_decode(got, 3, &n, span_of(text, 4)), at != NULL);
		if (!at)
			continue;
		assert_int_equal(got[0] << 4 | got[1] >> 4, at - base64);
		text_base64(&w, span_of(got, 3));
		assert_int_equal(text[1], c);
	}
}

/* RFC 4648 §10. */
static void base64_vectors(void **state)
{
	static const char *const vectors[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xbf", "+/+/" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		char text[32];
		uint8_t got[32];
		struct wr w = WR_ARRAY(text);
		size_t n;

		text_base64(&w, span_str(vectors[i][0]));
		expect_text(&w, vectors[i][1]);
		assert_true(text_base64_decode(got, strlen(vectors[i][0]), &n, wr_span(&w)));
		assert_true(span_equal_str(span_of(got, n), vectors[i][0]));
		if (n)
			assert_false(text_base64_decode(got, n - 1, &n, wr_span(&w)));
	}
}

static void wrong_base64_refused(void **state)
{
	static const char *const wrong[] = {
		"Z", "Zg", "Zg=", "Zg===", "=", "====", "Z===", "Zg==Zg==", "Zg=g", "Z=g=",
		"Zm9v\n", "Zm9v ", " Zm9", "Zm9-", "Zm9_", "Zm9v====",
		"Zh==", "Zm9=", /* bits that no byte uses */
	};
	uint8_t got[32] = { 7 };
	size_t n = 99;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		print_message("%s\n", wrong[i]);
		assert_false(text_base64_decode(got, sizeof(got), &n, span_str(wrong[i])));
	}
	assert_int_equal(n, 99);
	assert_int_equal(got[0], 7);
}

/* The vectors of RFC 4648 §10 without padding, and those of the two digits that differ. */
static void base64url_vectors(void **state)
{
	static const char *const vectors[][2] = {
		{ "", "" },
		{ "f", "Zg" },
		{ "fo", "Zm8" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg" },
		{ "fooba", "Zm9vYmE" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xbf", "-_-_" },
		{ "\xff\xe0", "_-A" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		char text[32];
		uint8_t got[32];
		struct wr w = WR_ARRAY(text);
		size_t n;

		text_base64url(&w, span_str(vectors[i][0]));
		expect_text(&w, vectors[i][1]);
		assert_true(text_base64url_decode(got, strlen(vectors[i][0]), &n, wr_span(&w)));
		assert_true(span_equal_str(span_of(got, n), vectors[i][0]));
		if (n)
			assert_false(text_base64url_decode(got, n - 1, &n, wr_span(&w)));
	}
}

static void wrong_base64url_refused(void **state)
{
	static const char *const wrong[] = {
		"Z", "Zm9vZ", "Zg==", "Zg=", "=", "Zm9v=", "Zm9+", "Zm9/", "Zm9v\n", " Zm9",
		"Zm9vZ=", "Zh", "Zm9", "Zm9vZm9vZm9", /* bits that no byte uses */
	};
	uint8_t got[32] = { 7 };
	size_t n = 99;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		print_message("%s\n", wrong[i]);
		assert_false(text_base64url_decode(got, sizeof(got), &n, span_str(wrong[i])));
	}
	assert_int_equal(n, 99);
	assert_int_equal(got[0], 7);
}

static void base64_both_ways_on_random_bytes(void **state)
{
	unsigned seed = 1;

	(void)state;
	for (size_t n = 0; n < 200; n++) {
		uint8_t bytes[200], got[200];
		char text[300];
		struct wr w = WR_ARRAY(text);
		size_t got_n;

		for (size_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)rand_r(&seed);
		text_base64(&w, span_of(bytes, n));
		assert_int_equal(w.n, (n + 2) / 3 * 4);
		assert_true(text_base64_decode(got, n, &got_n, wr_span(&w)));
		assert_int_equal(got_n, n);
		assert_memory_equal(got, bytes, n);
	}
}

static void numbers_parse(void **state)
{
	static const struct {
		const char *text;
		uint64_t max, want;
		bool is_read;
	} cases[] = {
		{ "0", 0, 0, true },
		{ "1", 0, 0, false },
		{ "65535", 65535, 65535, true },
		{ "65536", 65535, 0, false },
		{ "18446744073709551615", UINT64_MAX, UINT64_MAX, true },
		{ "18446744073709551616", UINT64_MAX, 0, false },
		{ "99999999999999999999", UINT64_MAX, 0, false },
		{ "184467440737095516150", UINT64_MAX, 0, false },
		{ "", UINT64_MAX, 0, false },
		{ "00", UINT64_MAX, 0, false },
		{ "01", UINT64_MAX, 0, false },
		{ "+1", UINT64_MAX, 0, false },
		{ "-1", UINT64_MAX, 0, false },
		{ "1 ", UINT64_MAX, 0, false },
		{ " 1", UINT64_MAX, 0, false },
		{ "1a", UINT64_MAX, 0, false },
		{ "0x1", UINT64_MAX, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t v = 0x5a5a;

		assert_int_equal(text_u64(&v, span_str(cases[i].text), cases[i].max),
				 cases[i].is_read);
		assert_true(v == (cases[i].is_read ? cases[i].want : 0x5a5a));
	}
}

static void letters_are_lowered(void **state)
{
	char text[] = "AZaz@[`{09-.\xc4";

	(void)state;
	text_lower(text, strlen(text));
	assert_string_equal(text, "azaz@[`{09-.\xc4");
}

static void times_parse(void **state)
{
	static const struct {
		const char *text;
		int64_t want; /* -1: refused */
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2000-02-29T23:59:59Z", 951868799 },
		{ "2024-02-29T00:00:00Z", 1709164800 },
		{ "2038-01-19T03:14:08Z", 2147483648 },
		{ "9999-12-31T23:59:59Z", 253402300799 },
		{ "1969-12-31T23:59:59Z", -1 },
		{ "2023-02-29T00:00:00Z", -1 },
		{ "2100-02-29T00:00:00Z", -1 },
		{ "2024-00-01T00:00:00Z", -1 },
		{ "2024-13-01T00:00:00Z", -1 },
		{ "2024-01-00T00:00:00Z", -1 },
		{ "2024-01-32T00:00:00Z", -1 },
		{ "2024-04-31T00:00:00Z", -1 },
		{ "2024-01-01T24:00:00Z", -1 },
		{ "2024-01-01T00:60:00Z", -1 },
		{ "2024-01-01T00:00:60Z", -1 },
		{ "2024-01-01t00:00:00Z", -1 },
		{ "2024-01-01T00:00:00z", -1 },
		{ "2024-01-01 00:00:00Z", -1 },
		{ "2024-01-01T00:00:00", -1 },
		{ "2024-01-01T00:00:00+00:00", -1 },
		{ "2024-01-01T00:00:00.0Z", -1 },
		{ "2024-1-01T00:00:00Z", -1 },
		{ "+024-01-01T00:00:00Z", -1 },
		{ "2024-01-01T00:00:00ZZ", -1 },
		{ "", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t t = -7;
		char text[32];
		struct wr w = WR_ARRAY(text);
		bool is_read = text_utc(&t, span_str(cases[i].text));

		print_message("%s\n", cases[i].text);
		assert_int_equal(is_read, cases[i].want >= 0);
		assert_true(t == (is_read ? cases[i].want : -7));
		if (!is_read)
			continue;
		text_utc_write(&w, t);
		expect_text(&w, cases[i].text);
	}
}

/* Every day from 1970 to 2110 and some to 9999, as the C library counts. */
static void times_agree_with_the_library(void **state)
{
	(void)state;
	for (int64_t t = 1; t < 253402300800; t += t < 4417977600 ? 86399 : 8640000 + 86399) {
		char text[32], want[64];
		struct wr w = WR_ARRAY(text);
		time_t library = (time_t)t;
		struct tm tm;
		int64_t back;

		gmtime_r(&library, &tm);
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm);
		text_utc_write(&w, t);
		expect_text(&w, want);
		assert_true(text_utc(&back, wr_span(&w)) && back == t);
	}
}

static void days_before_1970_count_down(void **state)
{
	int64_t days = 5;

	(void)state;
	assert_true(text_days(&days, 1969, 12, 31) && days == -1);
	assert_true(text_days(&days, 1, 1, 1) && days == -719162);
	assert_false(text_days(&days, 0, 1, 1));
	assert_false(text_days(&days, 1900, 2, 29));
	assert_true(text_days(&days, 2000, 2, 29) && days == 11016);
}

static void strange_bytes_are_escaped(void **state)
{
	static const struct {
		const char *bytes;
		size_t n, max;
		const char *want;
	} cases[] = {
		{ "abc 123 ~!", 10, 100, "abc 123 ~!" },
		{ "\"\\", 2, 100, "\\x22\\x5c" },
		{ "\0\n\x1f\x7f\x80\xff", 6, 100, "\\x00\\x0a\\x1f\\x7f\\x80\\xff" },
		{ "abcdef", 6, 6, "abcdef" },
		{ "abcdef", 6, 5, "abcde..." },
		{ "abcdef", 6, 0, "..." },
		{ "", 0, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[64];
		struct wr w = WR_ARRAY(text);

		text_escape(&w, span_of(cases[i].bytes, cases[i].n), cases[i].max);
		expect_text(&w, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hex_both_ways),
		cmocka_unit_test(wrong_hex_refused),
		cmocka_unit_test(every_character_is_its_digit),
		cmocka_unit_test(base64_vectors),
		cmocka_unit_test(wrong_base64_refused),
		cmocka_unit_test(base64url_vectors),
		cmocka_unit_test(wrong_base64url_refused),
		cmocka_unit_test(base64_both_ways_on_random_bytes),
		cmocka_unit_test(numbers_parse),
		cmocka_unit_test(letters_are_lowered),
		cmocka_unit_test(times_parse),
		cmocka_unit_test(times_agree_with_the_library),
		cmocka_unit_test(days_before_1970_count_down),
		cmocka_unit_test(strange_bytes_are_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
