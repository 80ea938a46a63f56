/* runner: programs started for one who may not. */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "certd/alarm.h"
#include "certd/runner.h"
#include "folder.h"
#include "io/file.h"

static void ends_are_told_apart(void **state)
{
	static const struct {
		const char *name, *words[12];
		enum runner_which which;
		unsigned timeout_ms;
		enum rc want;
	} table[] = {
		{ "exit_0", { "-c", "exit 0" }, RUNNER_HOOK, 5000, RC_OK },
		{ "exit_1", { "-c", "exit 1" }, RUNNER_HOOK, 5000, RC_DENIED },
		{ "too_long", { "-c", "sleep 60" }, RUNNER_HOOK, 100, RC_LIMIT },
		{ "other_program", { "1", "=", "2" }, RUNNER_ALARM, 5000, RC_DENIED },
		{ "its_words", { "1", "=", "1" }, RUNNER_ALARM, 5000, RC_OK },
		{ "as_many_words_as_may_be",
		  { "-c", "test $# = 5", "0", "1", "2", "3", "4", "5" },
		  RUNNER_HOOK,
		  5000,
		  RC_OK },
		{ "a_word_too_many",
		  { "-c", "exit 0", "0", "1", "2", "3", "4", "5", "6" },
		  RUNNER_HOOK,
		  5000,
		  RC_LIMIT },
		{ "no_such_number", { "-c", "exit 0" }, RUNNER_PROGRAMS, 5000, RC_UNSUPPORTED },
	};
	static const char *const programs[RUNNER_PROGRAMS] = { "/bin/sh", "/usr/bin/test" };
	static const char *const none[RUNNER_PROGRAMS] = { NULL, "/bin/sh" };
	struct runner *r;

	(void)state;
	assert_int_equal(runner_new(&r, programs), RC_OK);
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (runner_run(r, table[i].which, table[i].words, table[i].timeout_ms) !=
		    table[i].want)
			fail_msg("%s", table[i].name);
	/* And it goes on. */
	assert_int_equal(runner_run(r, RUNNER_HOOK, table[0].words, 5000), RC_OK);
	runner_free(r);
	assert_int_equal(runner_new(&r, none), RC_OK);
	assert_int_equal(runner_run(r, RUNNER_HOOK, table[0].words, 5000), RC_UNSUPPORTED);
	runner_free(r);
}

/* Raised once, over once; the operator's program is told of both. */
static void alarm_is_told_once(void **state)
{
	struct log quiet = { .fd = -1, .program = "t" };
	char error[NODE_ERROR_MAX], script[128], told[128], text[512];
	const char *const programs[RUNNER_PROGRAMS] = { "/bin/true", script };
	const char *const nothing[] = { NULL };
	struct folder f;
	struct audit *audit;
	struct runner *r;
	struct alarm *a;
	struct buf out;

	(void)state;
	folder_make(&f);
	folder_file(told, &f, "told");
	snprintf(text, sizeof(text), "#!/bin/sh\necho \"$@\" >>%s\n", told);
	folder_file(script, &f, "page");
	assert_int_equal(file_replace(script, span_str(text), 0755), RC_OK);
	assert_int_equal(runner_new(&r, programs), RC_OK);
	assert_int_equal(audit_open(&audit, f.path, &quiet, error), RC_OK);
	a = alarm_new(&quiet, audit, r);
	alarm_over(a, "kind", "x");
	alarm_raise(a, "kind", "x", "why");
	alarm_raise(a, "kind", "x", "still");
	alarm_raise(a, "kind", "y", "too");
	assert_int_equal(alarm_count(a), 2);
	buf_init(&out, 4096);
	assert_int_equal(alarm_write(a, &out), RC_OK);
	assert_non_null(memmem(buf_span(&out).p, out.n, "\"text\":\"still\"", 14));
	buf_fini(&out);
	alarm_over(a, "kind", "x");
	assert_int_equal(alarm_count(a), 1);
	/* Those before have ended. */
	assert_int_equal(runner_run(r, RUNNER_HOOK, nothing, 5000), RC_OK);
	buf_init(&out, 4096);
	assert_int_equal(file_read(&out, told), RC_OK);
	assert_true(span_equal_str(buf_span(&out), "raised kind x why\nraised kind y too\n"
						   "over kind x \n"));
	buf_fini(&out);
	alarm_free(a);
	audit_close(audit);
	runner_free(r);
	folder_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_are_told_apart),
		cmocka_unit_test(alarm_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
