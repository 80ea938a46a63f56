/* simproto: frames, requests and replies, each written and read back. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "quoting/simproto.h"

static const uint8_t report_data[64] = "what the quote is over";

static struct simproto_request quote_request(void)
{
	struct simproto_request r = { .op = SIMPROTO_QUOTE };

	memcpy(r.report_data, report_data, sizeof(r.report_data));
	return r;
}

static const struct simproto_request extend_3 = {
	.op = SIMPROTO_EXTEND,
	.rtmr = 3,
	.digest = { "a digest of forty-eight bytes, as SHA-384 makes" },
};

/* Content of the frame that stands in 'all' whole. */
static struct span frame_of(struct span all)
{
	struct span frame;
	size_t whole = 0;

	assert_int_equal(simproto_frame(&frame, &whole, all, SIMPROTO_REPLY_MAX), SIMPROTO_FRAME);
	assert_int_equal(whole, all.n);
	assert_int_equal(frame.n, all.n - SIMPROTO_HEADER_LEN);
	return frame;
}

static void requests_read_back(void **state)
{
	const struct simproto_request all[] = {
		quote_request(),
		extend_3,
		{ .op = SIMPROTO_READ, .rtmr = 0 },
		{ .op = SIMPROTO_READ, .rtmr = 3 },
		{ .op = SIMPROTO_KEY, .label = { "a label of thirty-two bytes" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		uint8_t bytes[SIMPROTO_HEADER_LEN + SIMPROTO_REQUEST_MAX];
		struct wr w = WR_ARRAY(bytes);
		struct simproto_request back;

		simproto_request_write(&w, &all[i]);
		assert_false(w.over);
		assert_int_equal(simproto_request_read(&back, frame_of(wr_span(&w))), RC_OK);
		assert_memory_equal(&back, &all[i], sizeof(back));
	}
}

static void every_prefix_is_more_to_come(void **state)
{
	uint8_t bytes[SIMPROTO_HEADER_LEN + SIMPROTO_REQUEST_MAX];
	struct wr w = WR_ARRAY(bytes);

	(void)state;
	simproto_request_write(&w, &extend_3);
	for (size_t n = 0; n < w.n; n++) {
		uint8_t *copy = mem_new(n + !n);
		struct span frame;
		size_t whole;

		memcpy(copy, bytes, n);
		assert_int_equal(simproto_frame(&frame, &whole, span_of(copy, n), 100),
				 SIMPROTO_MORE);
		free(copy);
	}
}

static void every_shorter_request_is_malformed(void **state)
{
	uint8_t bytes[SIMPROTO_HEADER_LEN + SIMPROTO_REQUEST_MAX];
	const struct simproto_request read_0 = { .op = SIMPROTO_READ };
	const struct simproto_request key = { .op = SIMPROTO_KEY };
	const struct simproto_request all[] = { quote_request(), extend_3, read_0, key };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct wr w = WR_ARRAY(bytes);

		simproto_request_write(&w, &all[i]);
		struct span frame = frame_of(wr_span(&w));
		for (size_t n = 0; n < frame.n; n++) {
			uint8_t *copy = mem_new(n + !n);
			struct simproto_request back = { .rtmr = 77 };

			memcpy(copy, frame.p, n);
			assert_int_equal(simproto_request_read(&back, span_of(copy, n)),
					 RC_MALFORMED);
			assert_int_equal(back.rtmr, 77);
			free(copy);
		}
	}
}

static void bad_requests_are_malformed(void **state)
{
	static const struct {
		const char *name;
		uint8_t bytes[4];
		size_t n;
	} table[] = {
		{ "op_zero", { 0, 3 }, 2 },
		{ "op_unknown", { 5, 3 }, 2 },
		{ "label_too_short", { SIMPROTO_KEY, 3 }, 2 },
		{ "register_four_does_not_exist", { SIMPROTO_READ, 4 }, 2 },
		{ "read_with_a_byte_left_over", { SIMPROTO_READ, 3, 0 }, 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct simproto_request r;

		print_message("%s\n", table[i].name);
		assert_int_equal(simproto_request_read(&r, span_of(table[i].bytes, table[i].n)),
				 RC_MALFORMED);
	}
}

static void lengths_nobody_sends_are_refused(void **state)
{
	static const uint8_t zero[] = { 0, 0, 0, 0 };
	static const uint8_t above[] = { 0, 0, 0, 101, 1 };
	static const uint8_t huge[] = { 0xff, 0xff, 0xff, 0xff };
	struct span frame;
	size_t whole;

	(void)state;
	assert_int_equal(simproto_frame(&frame, &whole, SPAN_ARRAY(zero), 100), SIMPROTO_TOO_LONG);
	assert_int_equal(simproto_frame(&frame, &whole, SPAN_ARRAY(above), 100), SIMPROTO_TOO_LONG);
	assert_int_equal(simproto_frame(&frame, &whole, SPAN_ARRAY(huge), 100), SIMPROTO_TOO_LONG);
	assert_int_equal(simproto_frame(&frame, &whole, SPAN_ARRAY(above), 101), SIMPROTO_MORE);
}

static void replies_read_back(void **state)
{
	enum simproto_status status;
	uint8_t bytes[128];
	struct span body;

	(void)state;
	struct wr w = WR_ARRAY(bytes);
	simproto_reply_write(&w, SIMPROTO_OK, SPAN_ARRAY(report_data));
	assert_int_equal(simproto_reply_read(&status, &body, frame_of(wr_span(&w))), RC_OK);
	assert_int_equal(status, SIMPROTO_OK);
	assert_true(span_equal(body, SPAN_ARRAY(report_data)));
	w = WR_ARRAY(bytes);
	simproto_reply_write(&w, SIMPROTO_DENIED, (struct span){ 0 });
	assert_int_equal(simproto_reply_read(&status, &body, frame_of(wr_span(&w))), RC_OK);
	assert_int_equal(status, SIMPROTO_DENIED);
	assert_int_equal(body.n, 0);
}

static void bad_replies_are_malformed(void **state)
{
	static const uint8_t unknown[] = { 4 };
	static const uint8_t denied_with_body[] = { SIMPROTO_DENIED, 0 };
	enum simproto_status status;
	struct span body;

	(void)state;
	assert_int_equal(simproto_reply_read(&status, &body, span_str("")), RC_MALFORMED);
	assert_int_equal(simproto_reply_read(&status, &body, SPAN_ARRAY(unknown)), RC_MALFORMED);
	assert_int_equal(simproto_reply_read(&status, &body, SPAN_ARRAY(denied_with_body)),
			 RC_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_read_back),
		cmocka_unit_test(every_prefix_is_more_to_come),
		cmocka_unit_test(every_shorter_request_is_malformed),
		cmocka_unit_test(bad_requests_are_malformed),
		cmocka_unit_test(lengths_nobody_sends_are_refused),
		cmocka_unit_test(replies_read_back),
		cmocka_unit_test(bad_replies_are_malformed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
