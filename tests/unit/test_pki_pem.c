/* pem: exactly n blocks, one form of base64, nothing between; write and read. */
#include "unit.h"

#include <string.h>

#include "pki/pem.h"

#define B "-----BEGIN CERTIFICATE-----\n"
#define E "-----END CERTIFICATE-----"
#define ONE B "AQID\n" E "\n"

static void blocks(void **state)
{
	static const struct {
		const char *name, *text;
		size_t n; /* of text; 0: strlen */
		size_t count;
		enum rc want;
	} cases[] = {
		{ "one", ONE, 0, 1, RC_OK },
		{ "three", ONE ONE ONE, 0, 3, RC_OK },
		{ "no_line_end_at_the_end", B "AQID\n" E, 0, 1, RC_OK },
		{ "nul_at_the_end", ONE "\0", sizeof(ONE), 1, RC_OK },
		{ "nul_between", ONE "\0" ONE, 2 * sizeof(ONE) - 1, 2, RC_OK },
		{ "blank_lines_between", "\n" ONE "\n\r\n" ONE "\n", 0, 2, RC_OK },
		{ "crlf", "-----BEGIN CERTIFICATE-----\r\nAQID\r\n" E "\r\n", 0, 1, RC_OK },
		{ "lines_of_any_length", B "AQID\nAQIDAQID\nAQ==\n" E, 0, 1, RC_OK },
		{ "nothing_when_none_is_wanted", "\n", 0, 0, RC_OK },
		{ "empty_refused", "", 0, 1, RC_MALFORMED },
		{ "fewer_refused", ONE ONE, 0, 3, RC_MALFORMED },
		{ "more_refused", ONE ONE, 0, 1, RC_MALFORMED },
		{ "text_before_refused", "Subject: x\n" ONE, 0, 1, RC_MALFORMED },
		{ "text_after_refused", ONE "x", 0, 1, RC_MALFORMED },
		{ "white_space_between", " " ONE "\t " ONE " \n", 0, 2, RC_OK },
		{ "other_space_between_refused", ONE "\v" ONE, 0, 2, RC_MALFORMED },
		{ "other_label_refused", "-----BEGIN X509 CRL-----\nAQID\n-----END X509 CRL-----\n",
		  0, 1, RC_MALFORMED },
		{ "other_end_label_refused", B "AQID\n-----END X509 CRL-----\n", 0, 1,
		  RC_MALFORMED },
		{ "lower_case_label_refused", "-----BEGIN certificate-----\nAQID\n" E, 0, 1,
		  RC_MALFORMED },
		{ "space_after_begin_refused", "-----BEGIN CERTIFICATE----- \nAQID\n" E, 0, 1,
		  RC_MALFORMED },
		{ "carriage_return_alone_refused", B "AQID\r" E, 0, 1, RC_MALFORMED },
		{ "no_line_end_after_begin_refused", "-----BEGIN CERTIFICATE-----AQID\n" E, 0, 1,
		  RC_MALFORMED },
		{ "no_line_end_before_end_refused", B "AQID" E, 0, 1, RC_MALFORMED },
		{ "no_end_refused", B "AQID\n", 0, 1, RC_MALFORMED },
		{ "empty_block_refused", B E, 0, 1, RC_MALFORMED },
		{ "blank_line_inside_refused", B "AQID\n\nAQID\n" E, 0, 1, RC_MALFORMED },
		{ "nul_inside_refused", B "AQ\0D\n" E, sizeof(B "AQ_D\n" E) - 1, 1, RC_MALFORMED },
		{ "space_inside_refused", B "AQ D\n" E, 0, 1, RC_MALFORMED },
		{ "line_inside_a_group_refused", B "AQ\nID\n" E, 0, 1, RC_MALFORMED },
		{ "no_padding_refused", B "AQ\n" E, 0, 1, RC_MALFORMED },
		{ "one_digit_refused", B "A===\n" E, 0, 1, RC_MALFORMED },
		{ "padding_inside_refused", B "AQ==AQID\n" E, 0, 1, RC_MALFORMED },
		{ "padding_then_line_refused", B "AQ==\nAQID\n" E, 0, 1, RC_MALFORMED },
		{ "padding_in_the_middle_refused", B "A=ID\n" E, 0, 1, RC_MALFORMED },
		{ "unused_bits_refused", B "AR==\n" E, 0, 1, RC_MALFORMED },
		{ "unused_bits_of_three_refused", B "AQJ=\n" E, 0, 1, RC_MALFORMED },
		{ "url_alphabet_refused", B "AQ-_\n" E, 0, 1, RC_MALFORMED },
		{ "too_many_blocks_limit", ONE, 0, 9, RC_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span got[9], text = span_str(cases[i].text);
		uint8_t room[64];
		struct wr w = WR_ARRAY(room);

		print_message("%s\n", cases[i].name);
		if (cases[i].n)
			text.n = cases[i].n;
		memset(got, 0x5a, sizeof(got));
		assert_int_equal(pem_decode(got, cases[i].count, &w, PEM_CERTIFICATE, text),
				 cases[i].want);
		for (size_t j = 0; j < cases[i].count; j++) {
			if (cases[i].want)
				assert_int_equal(*(uint8_t *)&got[j], 0x5a);
			else
				assert_memory_equal(got[j].p, "\x01\x02\x03", 3);
		}
	}
}

static void room_is_a_limit(void **state)
{
	struct span got[2];
	uint8_t room[5];
	struct wr w = WR_ARRAY(room);

	(void)state;
	assert_int_equal(pem_decode(got, 2, &w, PEM_CERTIFICATE, span_str(ONE ONE)), RC_LIMIT);
}

static void written_then_read(void **state)
{
	uint8_t der[200], room[256];
	char text[1024];

	(void)state;
	for (size_t n = 1; n <= sizeof(der); n++) {
		struct wr w = WR_ARRAY(text), r = WR_ARRAY(room);
		struct span got;

		for (size_t i = 0; i < n; i++)
			der[i] = (uint8_t)(i * 37 + n);
		pem_encode(&w, PEM_CRL, span_of(der, n));
		assert_int_equal(pem_decode(&got, 1, &r, PEM_CRL, wr_span(&w)), RC_OK);
		assert_true(span_equal(got, span_of(der, n)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks),
		cmocka_unit_test(room_is_a_limit),
		cmocka_unit_test(written_then_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
