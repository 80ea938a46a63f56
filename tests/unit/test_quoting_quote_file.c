/*
 * quote_file: each form in which a quote is kept gives the same bytes; what is
 * no such form is taken raw or refused, and nothing is touched then.
 */
#include "unit.h"

#include <string.h>

#include "quoting/quote_file.h"
#include "vectors.h"

#define QUOTE "tests/vectors/tdx/quotes/tdx_v4_b0c0_uptodate.bin"
#define REPORT "tests/vectors/tdx/dstack/quote-report.json"
#define REPORT_QUOTE "tests/vectors/tdx/quotes/tdx_v4_90c0_dstack.bin"

static void each_form_is_read(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name, *text;
		enum rc want;
		const char *quote, *log; /* NULL: as the text */
	} cases[] = {
		{ "hex", "48656c6c6f", RC_OK, "Hello", "" },
		{ "hex_upper_case", "48656C6C6F", RC_OK, "Hello", "" },
		{ "hex_in_lines", "4865\r\n6c 6c\t6f\n", RC_OK, "Hello", "" },
		{ "base64", "SGVsbG8=", RC_OK, "Hello", "" },
		{ "base64_in_lines", "SGVs\nbG8=\n", RC_OK, "Hello", "" },
		{ "hex_0x", "0x48656c6c6f\n", RC_OK, "Hello", "" },
		{ "hex_0X", "0X48656C6C6F", RC_OK, "Hello", "" },
		{ "hex_0x_twice_is_raw", "0x0x4865!", RC_OK, NULL, "" },
		{ "base64_without_padding", "SGVsbG8", RC_OK, "Hello", "" },
		{ "base64_of_urls", "fn5-fz8_", RC_OK, "~~~\x7f??", "" },
		{ "base64_padded_too_much_is_raw", "SGVsbG8==", RC_OK, NULL, "" },
		{ "odd_hex_is_raw", "48656", RC_OK, NULL, "" },
		{ "other_text_is_raw", "Hello!", RC_OK, NULL, "" },
		{ "nothing_is_raw", "", RC_OK, "", "" },
		{ "json_hex", "{\"quote\":\"48656c6c6f\"}", RC_OK, "Hello", "" },
		{ "json_base64", "{\"quote\":\"SGVsbG8=\"}", RC_OK, "Hello", "" },
		{ "json_hex_0x", "{\"quote\":\"0x48656c6c6f\"}", RC_OK, "Hello", "" },
		{ "json_base64_of_urls", "{\"quote\":\"fn5-fz8_\"}", RC_OK, "~~~\x7f??", "" },
		{ "json_after_white_space", "\r\n {\"quote\":\"4865\"}", RC_OK, "He", "" },
		{ "json_log_text", "{\"quote\":\"4865\",\"event_log\":\"[1]\"}", RC_OK, "He", "[1]" },
		{ "json_log_array", "{\"quote\":\"4865\",\"event_log\":[ 1 ]}", RC_OK, "He", "[1]" },
		{ "json_other_members", "{\"vm_config\":{},\"quote\":\"4865\"}", RC_OK, "He", "" },
		{ "json_without_quote", "{\"qote\":\"4865\"}", RC_MALFORMED, NULL, NULL },
		{ "json_quote_number", "{\"quote\":4865}", RC_MALFORMED, NULL, NULL },
		{ "json_quote_no_text", "{\"quote\":\"!\"}", RC_MALFORMED, NULL, NULL },
		{ "json_quote_twice", "{\"quote\":\"48\",\"quote\":\"48\"}", RC_MALFORMED, NULL,
		  NULL },
		{ "json_cut", "{\"quote\":\"48\"", RC_MALFORMED, NULL, NULL },
		{ "json_with_bytes_behind", "{\"quote\":\"48\"}x", RC_MALFORMED, NULL, NULL },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct quote_file f = { 0 };
		struct span text = span_str(cases[i].text);
		uint8_t *copy = vector_copy(text);

		print_message("%s\n", cases[i].name);
		assert_int_equal(quote_file_parse(&f, span_of(copy, text.n)), cases[i].want);
		free(copy); /* what was read is a copy */
		if (cases[i].want) {
			assert_null(f.quote.p);
			assert_int_equal(f.quote.max, 0);
		} else {
			const char *quote = cases[i].quote ? cases[i].quote : cases[i].text;

			assert_true(span_equal_str(buf_span(&f.quote), quote));
			assert_true(span_equal_str(buf_span(&f.event_log), cases[i].log));
		}
		quote_file_fini(&f);
	}
}

static void real_files(void **state)
{
	struct span raw = vector_load(QUOTE), other = vector_load(REPORT_QUOTE);
	char error[QUOTE_FILE_ERROR_MAX] = "";
	struct quote_file f;

	(void)state;
	assert_int_equal(quote_file_read(&f, QUOTE, error), RC_OK);
	assert_true(span_equal(buf_span(&f.quote), raw));
	quote_file_fini(&f);
	assert_int_equal(quote_file_read(&f, REPORT, error), RC_OK);
	assert_true(span_equal(buf_span(&f.quote), other));
	assert_true(buf_span(&f.event_log).n > 1000);
	quote_file_fini(&f);
	vector_free(raw);
	vector_free(other);
}

static void too_large_refused(void **state)
{
	const size_t n = QUOTE_FILE_BYTES_MAX + 1;
	uint8_t *bytes = mem_new(n);
	struct quote_file f = { 0 };

	(void)state;
	memset(bytes, '!', n);
	assert_int_equal(quote_file_parse(&f, span_of(bytes, n)), RC_LIMIT);
	assert_null(f.quote.p);
	assert_int_equal(quote_file_parse(&f, span_of(bytes, n - 1)), RC_OK);
	quote_file_fini(&f);
	/* an event log that no reader of logs would take */
	memset(bytes, '1', n);
	memcpy(bytes, "{\"quote\":\"48\",\"event_log\":\"", 27);
	memcpy(bytes + n - 3, "\"}", 2);
	assert_int_equal(quote_file_parse(&f, span_of(bytes, n - 1)), RC_MALFORMED);
	free(bytes);
}

static void refusals_name_the_file(void **state)
{
	char error[QUOTE_FILE_ERROR_MAX] = "";
	struct quote_file f = { 0 };

	(void)state;
	assert_int_equal(quote_file_read(&f, "/nonexistent/quote", error), RC_SYS);
	assert_string_equal(error, "/nonexistent/quote: No such file or directory");
	assert_int_equal(quote_file_read(&f, "tests/vectors/tdx/eventlog/ccel_ovmf.json", error),
			 RC_MALFORMED);
	assert_non_null(strstr(error, "ccel_ovmf.json: expected a JSON object"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_is_read),
		cmocka_unit_test(real_files),
		cmocka_unit_test(too_large_refused),
		cmocka_unit_test(refusals_name_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
