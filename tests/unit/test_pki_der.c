/* der: lengths, integers, booleans, times in their one form only. */
#include "unit.h"

#include <string.h>

#include "base/text.h"
#include "pki/der.h"

static struct span unhex(uint8_t *room, size_t cap, const char *hex)
{
	size_t n;

	assert_true(text_hex_decode_any(room, cap, &n, span_str(hex)));
	return span_of(room, n);
}

static void elements(void **state)
{
	static const struct {
		const char *name, *hex;
		int content; /* length of the content; -1: refused */
	} cases[] = {
		{ "empty_sequence", "3000", 0 },
		{ "short_form", "0403010203", 3 },
		{ "bytes_after_stay", "04010105", 1 },
		{ "nothing_refused", "", -1 },
		{ "tag_alone_refused", "30", -1 },
		{ "cut_content_refused", "040301", -1 },
		{ "tag_of_two_bytes_refused", "1f0100", -1 },
		{ "indefinite_refused", "30800000", -1 },
		{ "long_form_below_128_refused", "04817f", -1 },
		{ "long_form_with_zero_refused", "0482000100", -1 },
		{ "cut_length_refused", "048201", -1 },
		{ "four_length_bytes_refused", "048401000000", -1 },
		{ "reserved_length_refused", "04ff", -1 },
		{ "huge_length_refused", "0483ffffff00", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t room[64], tag = 0x5a;
		struct span s = unhex(room, sizeof(room), cases[i].hex), kept = s;
		struct span content = { 0 }, whole = { 0 };
		bool ok = der_any(&s, &tag, &content, &whole);

		print_message("%s\n", cases[i].name);
		assert_int_equal(ok, cases[i].content >= 0);
		if (!ok) {
			assert_int_equal(tag, 0x5a);
			assert_ptr_equal(s.p, kept.p);
			assert_int_equal(s.n, kept.n);
			continue;
		}
		assert_int_equal(content.n, cases[i].content);
		assert_int_equal(whole.n, content.n + 2);
		assert_int_equal(s.n, kept.n - whole.n);
	}
}

static void long_lengths(void **state)
{
	static const size_t sizes[] = { 127, 128, 255, 256, 65535, 65536, 100000 };
	static uint8_t zero[100000];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n = sizes[i];
		uint8_t *bytes = test_calloc(1, n + 8);
		struct wr w = wr_over(bytes, n + 8);
		struct span s, content;

		wr_u8(&w, DER_OCTET_STRING);
		if (n >= 65536) {
			wr_u8(&w, 0x83);
			wr_be24(&w, (uint32_t)n);
		} else if (n >= 256) {
			wr_u8(&w, 0x82);
			wr_be16(&w, (uint16_t)n);
		} else {
			if (n >= 128)
				wr_u8(&w, 0x81);
			wr_u8(&w, (uint8_t)n);
		}
		wr_bytes(&w, span_of(zero, n));
		s = wr_span(&w);
		assert_true(der_take(&s, DER_OCTET_STRING, &content));
		assert_int_equal(content.n, n);
		assert_true(rd_end(&s));
		s = span_of(bytes, wr_span(&w).n - 1);
		assert_false(der_take(&s, DER_OCTET_STRING, &content));
		test_free(bytes);
	}
}

static void integers(void **state)
{
	static const struct {
		const char *name, *hex;
		enum der_tag tag;
		uint32_t max;
		int64_t want; /* -1: refused */
	} cases[] = {
		{ "zero", "020100", DER_INTEGER, 255, 0 },
		{ "one", "020101", DER_INTEGER, 255, 1 },
		{ "255_needs_two_bytes", "020200ff", DER_INTEGER, 255, 255 },
		{ "max_inclusive", "0203010000", DER_INTEGER, 65536, 65536 },
		{ "four_bytes_max", "020500ffffffff", DER_INTEGER, UINT32_MAX, UINT32_MAX },
		{ "enumerated", "0a0102", DER_ENUMERATED, 2, 2 },
		{ "over_max_refused", "020103", DER_INTEGER, 2, -1 },
		{ "negative_refused", "0201ff", DER_INTEGER, 255, -1 },
		{ "needless_zero_refused", "0202007f", DER_INTEGER, 255, -1 },
		{ "empty_refused", "0200", DER_INTEGER, 255, -1 },
		{ "five_bytes_refused", "02050100000000", DER_INTEGER, UINT32_MAX, -1 },
		{ "six_bytes_refused", "0206010000000000", DER_INTEGER, UINT32_MAX, -1 },
		{ "other_tag_refused", "0a0101", DER_INTEGER, 255, -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t room[16];
		struct span s = unhex(room, sizeof(room), cases[i].hex);
		uint32_t v = 77;
		bool ok = der_uint(&s, cases[i].tag, &v, cases[i].max);

		print_message("%s\n", cases[i].name);
		assert_int_equal(ok, cases[i].want >= 0);
		assert_int_equal(v, ok ? cases[i].want : 77);
		assert_int_equal(s.n == 0, ok);
	}
}

static void small_kinds(void **state)
{
	static const uint8_t oid[] = { 0x55, 0x04, 0x03 };
	struct span s, bits;
	uint8_t room[16];
	bool v = true;

	(void)state;
	s = unhex(room, sizeof(room), "0101ff");
	assert_true(der_boolean(&s, &v) && v);
	s = unhex(room, sizeof(room), "010100");
	assert_true(der_boolean(&s, &v) && !v);
	s = unhex(room, sizeof(room), "010101");
	assert_false(der_boolean(&s, &v));
	s = unhex(room, sizeof(room), "0102ffff");
	assert_false(der_boolean(&s, &v));
	s = unhex(room, sizeof(room), "0302000a");
	assert_true(der_bits(&s, &bits) && bits.n == 1 && bits.p[0] == 0x0a);
	s = unhex(room, sizeof(room), "0302010a");
	assert_false(der_bits(&s, &bits)); /* an unused bit */
	s = unhex(room, sizeof(room), "0300");
	assert_false(der_bits(&s, &bits));
	s = unhex(room, sizeof(room), "0603550403");
	assert_true(der_oid_is(&s, SPAN_ARRAY(oid)) && rd_end(&s));
	s = unhex(room, sizeof(room), "0603550404");
	assert_false(der_oid_is(&s, SPAN_ARRAY(oid)));
	s = unhex(room, sizeof(room), "02020080");
	assert_true(der_integer(&s, &bits) && bits.n == 2);
	s = unhex(room, sizeof(room), "020180");
	assert_false(der_integer(&s, &bits));
}

static void times(void **state)
{
	static const struct {
		const char *name;
		uint8_t tag;
		const char *text;
		int64_t want; /* -1: refused */
	} cases[] = {
		{ "utc_2018", DER_UTC_TIME, "180521104510Z", 1526899510 },
		{ "utc_2049_end", DER_UTC_TIME, "491231235959Z", 2524607999 },
		{ "utc_1970_start", DER_UTC_TIME, "700101000000Z", 0 },
		{ "generalized_2050", DER_GENERALIZED_TIME, "20500101000000Z", 2524608000 },
		{ "generalized_9999_end", DER_GENERALIZED_TIME, "99991231235959Z", 253402300799 },
		{ "leap_day", DER_UTC_TIME, "240229000000Z", 1709164800 },
		{ "utc_1969_refused", DER_UTC_TIME, "691231235959Z", -1 },
		{ "generalized_2049_refused", DER_GENERALIZED_TIME, "20491231235959Z", -1 },
		{ "no_leap_day_refused", DER_UTC_TIME, "230229000000Z", -1 },
		{ "month_0_refused", DER_UTC_TIME, "180021104510Z", -1 },
		{ "month_13_refused", DER_UTC_TIME, "181321104510Z", -1 },
		{ "day_32_refused", DER_UTC_TIME, "180532104510Z", -1 },
		{ "hour_24_refused", DER_UTC_TIME, "180521244510Z", -1 },
		{ "minute_60_refused", DER_UTC_TIME, "180521106010Z", -1 },
		{ "leap_second_refused", DER_UTC_TIME, "161231235960Z", -1 },
		{ "no_seconds_refused", DER_UTC_TIME, "1805211045Z", -1 },
		{ "offset_refused", DER_UTC_TIME, "180521104510+0000", -1 },
		{ "fraction_refused", DER_GENERALIZED_TIME, "20500101000000.5Z", -1 },
		{ "letters_refused", DER_UTC_TIME, "18052110451oZ", -1 },
		{ "space_refused", DER_UTC_TIME, " 80521104510Z", -1 },
		{ "after_z_refused", DER_UTC_TIME, "180521104510ZZ", -1 },
		{ "other_tag_refused", DER_PRINTABLE_STRING, "180521104510Z", -1 },
		{ "empty_refused", DER_UTC_TIME, "", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t room[64];
		struct wr w = WR_ARRAY(room);
		struct span s;
		int64_t at = -7;
		bool ok;

		print_message("%s\n", cases[i].name);
		wr_u8(&w, cases[i].tag);
		wr_vec8(&w, span_str(cases[i].text));
		s = wr_span(&w);
		ok = der_time(&s, &at);
		assert_int_equal(ok, cases[i].want >= 0);
		assert_int_equal(at, ok ? cases[i].want : -7);
		assert_int_equal(s.n == 0, ok);
	}
}

static void object_identifiers(void **state)
{
	static const struct {
		const char *name;
		uint8_t der[8];
		size_t n;
		bool ok;
	} cases[] = {
		{ "one_octet", { 6, 1, 0x55 }, 3, true },
		{ "several", { 6, 3, 0x55, 0x1d, 0x0f }, 5, true },
		{ "long_number", { 6, 3, 0x2b, 0x86, 0x01 }, 5, true },
		{ "zero_number", { 6, 2, 0x2b, 0x00 }, 4, true },
		{ "empty", { 6, 0 }, 2, false },
		{ "number_cut", { 6, 2, 0x2b, 0x86 }, 4, false },
		{ "padded_first", { 6, 2, 0x80, 0x01 }, 4, false },
		{ "padded_later", { 6, 3, 0x2b, 0x80, 0x01 }, 5, false },
		{ "zero_inside_a_number", { 6, 4, 0x2b, 0x81, 0x80, 0x01 }, 6, true },
		{ "another_tag", { 4, 1, 0x55 }, 3, false },
		{ "content_cut", { 6, 2, 0x55 }, 3, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct span s = span_of(cases[i].der, cases[i].n), before = s;
		struct span oid = { (const uint8_t *)"x", 77 };

		print_message("%s\n", cases[i].name);
		assert_int_equal(der_oid(&s, &oid), cases[i].ok);
		if (cases[i].ok) {
			assert_true(rd_end(&s));
			assert_int_equal(oid.n, cases[i].n - 2);
		} else {
			assert_ptr_equal(s.p, before.p);
			assert_int_equal(s.n, before.n);
			assert_int_equal(oid.n, 77);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements),
		cmocka_unit_test(long_lengths),
		cmocka_unit_test(integers),
		cmocka_unit_test(small_kinds),
		cmocka_unit_test(times),
		cmocka_unit_test(object_identifiers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
