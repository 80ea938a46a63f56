/* The management port's lines. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "guestinit/manage.h"

static void only_stop_is_a_request(void **state)
{
	static const char *const others[] = {
		"",
		"{}",
		"stop",
		"{\"stop\":true}",
		"{\"stop\":{\"now\":1}}",
		"{\"stop\":[]}",
		"{\"stop\":{},\"x\":1}",
		"{\"stop\":{}",
		"[{\"stop\":{}}]",
		"{\"stop\":{},\"stop\":{}}",
		"{\"exec\":\"/bin/sh\"}",
	};

	(void)state;
	assert_int_equal(manage_read(span_str("{\"stop\":{}}")), MANAGE_STOP);
	assert_int_equal(manage_read(span_str(" { \"stop\" : { } } ")), MANAGE_STOP);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(manage_read(span_str(others[i])), MANAGE_UNKNOWN);
}

static void lines_written(void **state)
{
	static const char want[] = "{\"step\":\"network\",\"ms\":12}\n"
				   "{\"service\":\"agent\",\"state\":\"ended\",\"status\":137,"
				   "\"ms\":13}\n"
				   "{\"refused\":\"a\\\\x0ab\",\"ms\":14}\n"
				   "{\"stopping\":true,\"ms\":15}\n";
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	manage_step(&out, "network", 12);
	manage_service(&out, "agent", "ended", 137, 13);
	manage_refused(&out, span_str("a\nb"), 14);
	manage_stopping(&out, 15);
	assert_true(span_equal_str(buf_span(&out), want));
	buf_fini(&out);
}

/* A stranger's bytes make one line, whatever they are. */
static void any_reason_is_one_line(void **state)
{
	uint8_t reason[2048];
	struct buf out;

	(void)state;
	for (int byte = 0; byte < 256; byte++) {
		struct span line;

		memset(reason, byte, sizeof(reason));
		buf_init(&out, MANAGE_LINE_MAX);
		manage_refused(&out, SPAN_ARRAY(reason), 1);
		line = buf_span(&out);
		assert_true(line.n > 0 && line.n <= MANAGE_LINE_MAX);
		assert_ptr_equal(memchr(line.p, '\n', line.n), line.p + line.n - 1);
		buf_fini(&out);
	}
}

static void line_without_room_dropped_whole(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 30);
	manage_step(&out, "network", 12);
	assert_int_equal(out.n, 27);
	manage_step(&out, "agent", 13);
	assert_int_equal(out.n, 27);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_stop_is_a_request),
		cmocka_unit_test(lines_written),
		cmocka_unit_test(any_reason_is_one_line),
		cmocka_unit_test(line_without_room_dropped_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
