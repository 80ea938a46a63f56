/*
 * qgs: a request byte by byte, and responses that are whole, early, refused or
 * not of the grammar.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "quoting/qgs.h"

static void request_laid_out(void **state)
{
	/* clang-format off */
	static const uint8_t head[] = {
		0x00, 0x00, 0x04, 0x18, /* frame: 1048 bytes, big-endian */
		0x01, 0x00, 0x00, 0x00, /* version 1.0 */
		0x00, 0x00, 0x00, 0x00, /* get-quote request */
		0x18, 0x04, 0x00, 0x00, /* 1048 bytes, little-endian */
		0x00, 0x00, 0x00, 0x00, /* no error */
		0x00, 0x04, 0x00, 0x00, /* report of 1024 bytes */
		0x00, 0x00, 0x00, 0x00, /* no id list */
	};
	/* clang-format on */
	uint8_t report[TDREPORT_LEN], bytes[QGS_REQUEST_LEN + 1];
	struct wr w = WR_ARRAY(bytes);
	struct span got;

	(void)state;
	memset(report, 0x33, sizeof(report));
	qgs_request_write(&w, report);
	assert_true(wr_done(&w, &got));
	assert_int_equal(got.n, QGS_REQUEST_LEN);
	assert_memory_equal(got.p, head, sizeof(head));
	assert_memory_equal(got.p + sizeof(head), report, sizeof(report));
}

/* A response with id "ID" and quote "QUOTE"; fields at these places. */
enum {
	AT_FRAME_LEN = 3,
	AT_MAJOR = 4,
	AT_MINOR = 6,
	AT_TYPE = 8,
	AT_SIZE = 12,
	AT_ERROR = 16,
	AT_ID_LEN = 20,
	AT_QUOTE_LEN = 24,
	RESPONSE_LEN = 28 + 2 + 5,
};

static struct span make(uint8_t out[RESPONSE_LEN + 1])
{
	struct wr w = wr_over(out, RESPONSE_LEN);

	wr_be32(&w, RESPONSE_LEN - 4);
	wr_le16(&w, 1);
	wr_le16(&w, 0);
	wr_le32(&w, 1);
	wr_le32(&w, RESPONSE_LEN - 4);
	wr_le32(&w, 0);
	wr_le32(&w, 2);
	wr_le32(&w, 5);
	wr_str(&w, "IDQUOTE");
	return wr_span(&w);
}

/* clang-format off */
static const struct {
	const char *name;
	size_t at;
	uint8_t value;
	enum qgs_reading want;
} changed[] = {
	{ "newer_minor_version_accepted", AT_MINOR, 1, QGS_QUOTE },
	{ "major_version_2_malformed", AT_MAJOR, 2, QGS_MALFORMED },
	{ "request_as_answer_malformed", AT_TYPE, 0, QGS_MALFORMED },
	{ "size_unlike_frame_malformed", AT_SIZE, RESPONSE_LEN - 5, QGS_MALFORMED },
	{ "refusal_is_one", AT_ERROR + 1, 0x20, QGS_REFUSED },
	{ "id_longer_than_message_malformed", AT_ID_LEN, 8, QGS_MALFORMED },
	{ "id_of_64_kilobytes_malformed", AT_ID_LEN + 2, 1, QGS_MALFORMED },
	{ "bytes_left_over_malformed", AT_QUOTE_LEN, 4, QGS_MALFORMED },
	{ "quote_longer_than_message_malformed", AT_QUOTE_LEN, 6, QGS_MALFORMED },
	{ "no_quote_malformed", AT_QUOTE_LEN, 0, QGS_MALFORMED },
	{ "quote_of_16_megabytes_malformed", AT_QUOTE_LEN + 3, 1, QGS_MALFORMED },
	{ "frame_of_16_megabytes_malformed", 0, 1, QGS_MALFORMED },
	{ "frame_without_header_malformed", AT_FRAME_LEN, 15, QGS_MALFORMED },
	{ "frame_not_whole_is_waited_for", AT_FRAME_LEN, RESPONSE_LEN - 3, QGS_MORE },
	{ "bytes_after_frame_malformed", AT_FRAME_LEN, RESPONSE_LEN - 5, QGS_MALFORMED },
};
/* clang-format on */

static void responses_read_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++) {
		uint8_t bytes[RESPONSE_LEN + 1];
		struct span response = make(bytes), quote = { 0 };
		uint32_t error = 0;
		enum qgs_reading got;

		print_message("%s\n", changed[i].name);
		bytes[changed[i].at] = changed[i].value;
		got = qgs_reply_read(&quote, &error, response);
		assert_int_equal(got, changed[i].want);
		assert_int_equal(quote.n, got == QGS_QUOTE ? 5 : 0);
		assert_int_equal(error, got == QGS_REFUSED ? 0x2000 : 0);
	}
}

static void quote_found_when_whole(void **state)
{
	uint8_t bytes[RESPONSE_LEN + 1];
	struct span response = make(bytes), quote = { 0 };
	uint32_t error = 0;

	(void)state;
	for (size_t n = 0; n < response.n; n++) {
		uint8_t *copy = mem_new(n + 1);

		memcpy(copy, response.p, n);
		assert_int_equal(qgs_reply_read(&quote, &error, span_of(copy, n)), QGS_MORE);
		free(copy);
	}
	assert_int_equal(qgs_reply_read(&quote, &error, response), QGS_QUOTE);
	assert_true(span_equal_str(quote, "QUOTE"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_laid_out),
		cmocka_unit_test(responses_read_or_refused),
		cmocka_unit_test(quote_found_when_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
