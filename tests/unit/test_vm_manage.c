/* manage: what a host takes from a guest's lines. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "vm/manage.h"

static void lines_read(void **state)
{
	static const struct {
		const char *text;
		enum manage_kind kind;
		const char *step, *more;
		uint64_t ms;
	} rows[] = {
		{ "{\"step\":\"network\",\"ms\":1234}", MANAGE_STEP, "network", "", 1234 },
		{ "{\"service\":\"agent\",\"state\":\"started\",\"status\":0,\"ms\":5}",
		  MANAGE_STEP, "agent-started", "", 5 },
		{ "{\"service\":\"agent\",\"state\":\"ended\",\"status\":9,\"ms\":5}", MANAGE_STEP,
		  "agent-ended", "status 9", 5 },
		{ "{\"refused\":\"config: \\u001b[2J\",\"ms\":81}", MANAGE_STEP, "refused",
		  "config: \\x1b[2J", 81 },
		{ "{\"stopping\":true,\"ms\":7}", MANAGE_STEP, "stopping", "", 7 },
		{ "{\"step\":\"network\"}", MANAGE_UNKNOWN, "", "", 0 },
		{ "{\"step\":\"net work\",\"ms\":1}", MANAGE_UNKNOWN, "", "", 0 },
		{ "{\"step\":\"\",\"ms\":1}", MANAGE_UNKNOWN, "", "", 0 },
		{ "{\"step\":\"abcdefghijklmnopqrstuvwxyzabcde\",\"ms\":1}", MANAGE_UNKNOWN, "", "",
		  0 },
		{ "{\"step\":1,\"ms\":1}", MANAGE_UNKNOWN, "", "", 0 },
		{ "{\"step\":\"x\",\"ms\":-1}", MANAGE_NOISE, "", "", 0 },
		{ "{\"service\":\"agent\",\"ms\":1}", MANAGE_UNKNOWN, "", "", 0 },
		{ "{\"refused\":1,\"ms\":1}", MANAGE_UNKNOWN, "", "", 0 },
		{ "{\"stopping\":false,\"ms\":1}", MANAGE_UNKNOWN, "", "", 0 },
		{ "{\"hello\":{},\"ms\":1}", MANAGE_UNKNOWN, "", "", 0 },
		{ "{}", MANAGE_UNKNOWN, "", "", 0 },
		{ "[1]", MANAGE_NOISE, "", "", 0 },
		{ "", MANAGE_NOISE, "", "", 0 },
		{ "step", MANAGE_NOISE, "", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct manage_line l;

		print_message("%s\n", rows[i].text);
		memset(&l, 0xff, sizeof(l));
		manage_read(&l, span_str(rows[i].text));
		assert_int_equal(l.kind, rows[i].kind);
		assert_string_equal(l.step, rows[i].step);
		assert_string_equal(l.text, rows[i].more);
		assert_int_equal(l.ms, rows[i].ms);
	}
}

static void long_line_is_noise(void **state)
{
	char text[MANAGE_LINE_MAX + 64];
	struct manage_line l;

	(void)state;
	(void)snprintf(text, sizeof(text), "{\"refused\":\"%0900d\",\"ms\":1}", 0);
	manage_read(&l, span_str(text));
	assert_int_equal(l.kind, MANAGE_STEP);
	assert_in_range(strlen(l.text), 100, MANAGE_TEXT_MAX - 1);
	(void)snprintf(text, sizeof(text), "{\"refused\":\"%01010d\",\"ms\":1}", 0);
	manage_read(&l, span_str(text));
	assert_int_equal(l.kind, MANAGE_NOISE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_read),
		cmocka_unit_test(long_line_is_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
