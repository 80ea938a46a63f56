/* body: framings, cut anywhere, and each way a chunk can be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http1/body.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

struct row {
	const char *name;
	enum body_side side;
	enum head_framing framing;
	uint64_t length;
	const char *bytes;
	bool is_ok, is_done;
	size_t taken;
};

static const struct row ROWS[] = {
	{ "none", BODY_REQUEST, HEAD_NO_BODY, 0, "GET", true, true, 0 },
	{ "counted", BODY_REQUEST, HEAD_LENGTH, 3, "abcGET", true, true, 3 },
	{ "counted_short", BODY_REQUEST, HEAD_LENGTH, 9, "abc", true, false, 3 },
	{ "endless", BODY_RESPONSE, HEAD_UNTIL_CLOSE, 0, "abc", true, false, 3 },
	{ "chunks", BODY_REQUEST, HEAD_CHUNKED, 0, "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\nGET",
	  true,
	  true, 28 },
	{ "no_chunk", BODY_REQUEST, HEAD_CHUNKED, 0, "0\r\n\r\nGET", true, true, 5 },
	{ "zeros_before", BODY_REQUEST, HEAD_CHUNKED, 0, "0003\r\nabc\r\n000\r\n\r\n", true, true,
	  18 },
	{ "fifteen_digits", BODY_REQUEST, HEAD_CHUNKED, 0, "fffffffffffffff\r\nab", true, false,
	  19 },
	{ "sixteen_digits_rejected", BODY_REQUEST, HEAD_CHUNKED, 0, "0000000000000003\r\n", false,
	  false,
	  15 },
	{ "no_digit_rejected", BODY_REQUEST, HEAD_CHUNKED, 0, "\r\n", false, false, 0 },
	{ "sign_rejected", BODY_REQUEST, HEAD_CHUNKED, 0, "+3\r\n", false, false, 0 },
	{ "prefix_rejected", BODY_REQUEST, HEAD_CHUNKED, 0, "0x3\r\n", false, false, 1 },
	{ "space_rejected", BODY_REQUEST, HEAD_CHUNKED, 0, "3 \r\n", false, false, 1 },
	{ "extension_rejected", BODY_REQUEST, HEAD_CHUNKED, 0, "3;a=b\r\n", false, false, 1 },
	{ "size_bare_lf_rejected", BODY_REQUEST, HEAD_CHUNKED, 0, "3\nabc", false, false, 1 },
	{ "size_cr_cr_rejected", BODY_REQUEST, HEAD_CHUNKED, 0, "3\r\r\n", false, false, 2 },
	{ "data_long_rejected", BODY_REQUEST, HEAD_CHUNKED, 0, "3\r\nabcd\r\n", false, false, 6 },
	{ "data_bare_lf_rejected", BODY_REQUEST, HEAD_CHUNKED, 0, "3\r\nabc\n", false, false, 6 },
	{ "trailer_rejected", BODY_REQUEST, HEAD_CHUNKED, 0, "0\r\nX: y\r\n\r\n", false, false, 3 },
	{ "last_bare_lf_rejected", BODY_REQUEST, HEAD_CHUNKED, 0, "0\r\n\n", false, false, 3 },
	{ "last_cr_x_rejected", BODY_REQUEST, HEAD_CHUNKED, 0, "0\r\n\rX", false, false, 4 },
	{ "response_extension", BODY_RESPONSE, HEAD_CHUNKED, 0,
	  "3;a=\"b\"\r\nabc\r\n0 ;x\r\n\r\nX", true,
	  true, 22 },
	{ "response_trailers", BODY_RESPONSE, HEAD_CHUNKED, 0, "0\r\nX: y\r\nZ: a\r\n\r\nX", true,
	  true,
	  17 },
	{ "response_extension_lf_rejected", BODY_RESPONSE, HEAD_CHUNKED, 0, "3;a\nabc", false,
	  false, 3 },
	{ "response_trailer_lf_rejected", BODY_RESPONSE, HEAD_CHUNKED, 0, "0\r\nX\n", false, false,
	  4 },
	{ "response_trailer_start_lf_rejected", BODY_RESPONSE, HEAD_CHUNKED, 0, "0\r\n\nX", false,
	  false,
	  3 },
};

/* In pieces of 'step' bytes. */
static bool run(const struct row *row, size_t step, size_t *taken, bool *is_done)
{
	size_t all = strlen(row->bytes), n, got;
	struct body b;
	bool is_ok = true;

	body_init(&b, row->side, row->framing, row->length);
	for (*taken = 0; is_ok && *taken < all && !body_is_done(&b); *taken += got) {
		n = all - *taken < step ? all - *taken : step;
		is_ok = body_take(&b, span_of(row->bytes + *taken, n), &got);
	}
	*is_done = body_is_done(&b);
	return is_ok;
}

static void test_rows_in_every_cut(void **state)
{
	size_t taken;
	bool is_done;

	(void)state;
	for (size_t i = 0; i < COUNT(ROWS); i++)
		for (size_t step = 1; step < 32; step++)
			if (run(&ROWS[i], step, &taken, &is_done) != ROWS[i].is_ok ||
			    taken != ROWS[i].taken || is_done != ROWS[i].is_done)
				fail_msg("%s: %zu", ROWS[i].name, taken);
}

static void test_overhead_is_bounded(void **state)
{
	struct body b;
	size_t n, all = 0;
	bool is_ok = true;

	(void)state;
	body_init(&b, BODY_RESPONSE, HEAD_CHUNKED, 0);
	assert_true(body_take(&b, span_str("0\r\n"), &n));
	while (is_ok && all < 1 << 20) {
		is_ok = body_take(&b, span_str("X: y\r\n"), &n);
		all += n;
	}
	assert_false(is_ok);
	assert_true(all > 8192 && all < 65536);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_in_every_cut),
		cmocka_unit_test(test_overhead_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
