#include "unit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "io/log.h"

enum {
	LINE_MAX_LEN = 2048,
};

/* The last line without its time, which is checked to look like one. */
static char *take_line(char line[LINE_MAX_LEN + 1], int fd)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ ";
	ssize_t n = read(fd, line, LINE_MAX_LEN + 1);

	assert_in_range(n, sizeof(shape), LINE_MAX_LEN);
	assert_int_equal(line[n - 1], '\n');
	line[n - 1] = '\0';
	for (size_t i = 0; shape[i]; i++) {
		if (shape[i] == 'd')
			assert_in_range(line[i], '0', '9');
		else
			assert_int_equal(line[i], shape[i]);
	}
	return line + strlen(shape);
}

static int fds[2];

static int setup(void **state)
{
	(void)state;
	return pipe(fds);
}

static int teardown(void **state)
{
	(void)state;
	close(fds[0]);
	close(fds[1]);
	return 0;
}

static struct log to_pipe(enum log_level max)
{
	return (struct log){ .fd = fds[1], .program = "edge", .max = max };
}

static void each_kind_is_written(void **state)
{
	struct log l = to_pipe(LOG_DEBUG);
	char line[LINE_MAX_LEN + 1];

	(void)state;
	log_event(&l, LOG_INFO, "started");
	assert_string_equal(take_line(line, fds[0]), "info edge event=started");
	log_event(&l, LOG_ERROR, "e", LSTR("a", "x.y:1/z@-[]+,%_"), LSTR("b", "two words"),
		  LSTR("c", ""), LSTR("d", NULL));
	assert_string_equal(take_line(line, fds[0]),
			    "error edge event=e a=x.y:1/z@-[]+,%_ b=\"two words\" c=\"\" d=\"\"");
	log_event(&l, LOG_WARN, "e", LU64("u", UINT64_MAX), LI64("i", INT64_MIN),
		  LHEX("h", span_str("\x01\xff")), LERRNO("r", ENOENT), LERRNO("s", 99999));
	assert_string_equal(take_line(line, fds[0]),
			    "warn edge event=e u=18446744073709551615 i=-9223372036854775808 "
			    "h=01ff r=\"No such file or directory\" s=99999");
}

static void stranger_bytes_are_escaped(void **state)
{
	struct log l = to_pipe(LOG_DEBUG);
	char line[LINE_MAX_LEN + 1];

	(void)state;
	log_event(&l, LOG_DEBUG, "e", LSPAN("v", span_str("a\"\\\n event=x\x1b\x80=")));
	assert_string_equal(take_line(line, fds[0]),
			    "debug edge event=e v=\"a\\x22\\x5c\\x0a event=x\\x1b\\x80=\"");
	log_event(&l, LOG_DEBUG, "e", LSPAN("v", span_str("=")), LSPAN("n", span_of("\0", 1)),
		  LSPAN("w", span_of(NULL, 0)));
	assert_string_equal(take_line(line, fds[0]),
			    "debug edge event=e v=\"=\" n=\"\\x00\" w=\"\"");
}

static void long_values_are_cut(void **state)
{
	struct log l = to_pipe(LOG_DEBUG);
	char line[LINE_MAX_LEN + 1], long_value[400], *got;

	(void)state;
	memset(long_value, 'a', sizeof(long_value));
	log_event(&l, LOG_INFO, "e", LSPAN("v", SPAN_ARRAY(long_value)), LU64("n", 1));
	got = take_line(line, fds[0]);
	assert_int_equal(strspn(strchr(got, '"') + 1, "a"), 256);
	assert_non_null(strstr(got, "aaa...\" n=1"));
	log_event(&l, LOG_INFO, "e", LHEX("v", SPAN_ARRAY(long_value)), LU64("n", 1));
	got = take_line(line, fds[0]);
	assert_int_equal(strlen(got), strlen("info edge event=e v=... n=1") + 256);
}

static void long_line_loses_whole_fields(void **state)
{
	struct log l = to_pipe(LOG_DEBUG);
	char line[LINE_MAX_LEN + 1], bytes[256], *got;

	(void)state;
	memset(bytes, 0x80, sizeof(bytes)); /* four columns each */
	log_event(&l, LOG_INFO, "e", LSPAN("a", SPAN_ARRAY(bytes)), LSPAN("b", SPAN_ARRAY(bytes)),
		  LU64("c", 1));
	got = take_line(line, fds[0]);
	assert_null(strstr(got, " b="));
	assert_null(strstr(got, " c="));
	assert_non_null(strstr(got, "\\x80\" cut=true"));
}

static void levels_above_are_dropped(void **state)
{
	struct log l = to_pipe(LOG_WARN);
	char line[LINE_MAX_LEN + 1];

	(void)state;
	log_event(&l, LOG_INFO, "no");
	log_event(&l, LOG_DEBUG, "no");
	log_event(&l, LOG_WARN, "yes");
	assert_string_equal(take_line(line, fds[0]), "warn edge event=yes");
}

static void errno_is_preserved(void **state)
{
	struct log l = { .fd = -1, .program = "edge", .max = LOG_DEBUG };

	(void)state;
	errno = EBUSY;
	log_event(&l, LOG_INFO, "e");
	assert_int_equal(errno, EBUSY);
}

static void limit_lets_a_burst_and_then_one_an_interval(void **state)
{
	struct log_limit l = { .burst = 3, .interval_ms = 100 };
	uint64_t dropped = 99;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(log_limit_pass(&l, 5000, &dropped));
		assert_int_equal(dropped, 0);
	}
	assert_false(log_limit_pass(&l, 5000, &dropped));
	assert_false(log_limit_pass(&l, 5099, &dropped));
	assert_true(log_limit_pass(&l, 5100, &dropped));
	assert_int_equal(dropped, 2);
	assert_false(log_limit_pass(&l, 5199, &dropped));
	assert_true(log_limit_pass(&l, 5250, &dropped));
	assert_int_equal(dropped, 1);
	/* Halves of an interval are not lost. */
	assert_true(log_limit_pass(&l, 5300, &dropped));
	/* A long silence fills it to the burst, no further. */
	for (int i = 0; i < 3; i++)
		assert_true(log_limit_pass(&l, 1000000, &dropped));
	assert_false(log_limit_pass(&l, 1000000, &dropped));
}

/* After the time, whose shape the text form's test checks. */
static const char *take_json(char line[LINE_MAX_LEN + 1], int fd)
{
	static const char shape[] = "{\"time\":\"2026-11-23T07:31:02.123Z\",";
	ssize_t n = read(fd, line, LINE_MAX_LEN + 1);

	assert_in_range(n, sizeof(shape), LINE_MAX_LEN);
	assert_int_equal(line[n - 1], '\n');
	line[n - 1] = '\0';
	assert_memory_equal(line, shape, strlen("{\"time\":\""));
	return line + strlen(shape);
}

static void json_holds_the_same(void **state)
{
	struct log l = to_pipe(LOG_DEBUG);
	char line[LINE_MAX_LEN + 1], bytes[256];

	(void)state;
	l.format = LOG_JSON;
	log_event(&l, LOG_INFO, "started");
	assert_string_equal(take_json(line, fds[0]),
			    "\"level\":\"info\",\"program\":\"edge\",\"event\":\"started\"}");
	log_event(&l, LOG_WARN, "e", LSTR("a", "two words"), LSTR("b", NULL), LU64("u", UINT64_MAX),
		  LI64("i", -1), LHEX("h", span_str("\x01\xff")), LERRNO("r", ENOENT));
	assert_string_equal(take_json(line, fds[0]),
			    "\"level\":\"warn\",\"program\":\"edge\",\"event\":\"e\","
			    "\"a\":\"two words\",\"b\":\"\",\"u\":18446744073709551615,\"i\":-1,"
			    "\"h\":\"01ff\",\"r\":\"No such file or directory\"}");
	/* A stranger's quote ends no string, and its backslash is one byte. */
	log_event(&l, LOG_INFO, "e", LSPAN("v", span_str("a\"\\\n\x80\"}")));
	assert_non_null(strstr(take_json(line, fds[0]),
			       "\"v\":\"a\\\\x22\\\\x5c\\\\x0a\\\\x80\\\\x22}\"}"));
	memset(bytes, 0x80, sizeof(bytes)); /* five columns each */
	log_event(&l, LOG_INFO, "e", LSPAN("a", SPAN_ARRAY(bytes)), LSPAN("b", SPAN_ARRAY(bytes)),
		  LU64("c", 1));
	assert_non_null(strstr(take_json(line, fds[0]), "\\\\x80\",\"cut\":true}"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_kind_is_written),
		T(stranger_bytes_are_escaped),
		T(long_values_are_cut),
		T(long_line_loses_whole_fields),
		T(levels_above_are_dropped),
		T(errno_is_preserved),
		T(json_holds_the_same),
		T(limit_lets_a_burst_and_then_one_an_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
