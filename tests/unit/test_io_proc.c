#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/clock.h"
#include "io/proc.h"

enum {
	LONG_MS = 20000,
};

#define SH(script) ((const char *const[]){ "sh", "-c", (script), NULL })

static void run(const char *const *argv, const char *in, unsigned timeout_ms, enum rc want,
		const char *want_out)
{
	struct buf out;
	struct span got;

	buf_init(&out, 1 << 20);
	assert_int_equal(proc_run(argv, span_str(in), &out, timeout_ms, NULL), want);
	got = buf_span(&out);
	if (!span_equal_str(got, want_out))
		fail_msg("got \"%.*s\"", (int)got.n, (const char *)got.p);
	buf_fini(&out);
}

static void output_and_error_are_taken(void **state)
{
	(void)state;
	run(SH("echo a; echo b >&2; echo c"), "", LONG_MS, RC_OK, "a\nb\nc\n");
}

static void input_is_given(void **state)
{
	(void)state;
	run((const char *const[]){ "cat", NULL }, "some\ntext", LONG_MS, RC_OK, "some\ntext");
	run((const char *const[]){ "cat", NULL }, "", LONG_MS, RC_OK, "");
}

static void unread_input_is_no_failure(void **state)
{
	static char large[1 << 20];

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	run((const char *const[]){ "true", NULL }, large, LONG_MS, RC_OK, "");
	large[0] = '\0';
}

static void failure_says_its_status(void **state)
{
	int status = 0;

	(void)state;
	assert_int_equal(proc_run(SH("exit 3"), span_str(""), NULL, LONG_MS, &status), RC_DENIED);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	assert_int_equal(proc_run(SH("kill -9 $$"), span_str(""), NULL, LONG_MS, &status),
			 RC_DENIED);
	assert_true(WIFSIGNALED(status));
}

static void absent_program_cannot_start(void **state)
{
	(void)state;
	run((const char *const[]){ "/no/such/program", NULL }, "", LONG_MS, RC_SYS, "");
	assert_int_equal(errno, ENOENT);
}

static void arguments_meet_no_shell(void **state)
{
	(void)state;
	run((const char *const[]){ "printf", "%s", "$(id) 'a\"; *", NULL }, "", LONG_MS, RC_OK,
	    "$(id) 'a\"; *");
}

static void late_child_and_its_children_are_killed(void **state)
{
	uint64_t start = clock_boot_ms();

	(void)state;
	run(SH("echo a; sleep 1000 & sleep 1000"), "", 200, RC_LIMIT, "a\n");
	assert_in_range(clock_boot_ms() - start, 199, 10000);
}

static void child_that_leaves_another_behind_ends(void **state)
{
	uint64_t start = clock_boot_ms();

	(void)state;
	/* The one left behind still holds the pipe. */
	run(SH("sleep 1000 & echo a"), "", LONG_MS, RC_OK, "a\n");
	assert_true(clock_boot_ms() - start < 10000);
}

static void output_over_the_bound_is_dropped(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 10);
	assert_int_equal(proc_run(SH("yes | head -c 1000000"), span_str(""), &out, LONG_MS, NULL),
			 RC_OK);
	assert_true(span_equal_str(buf_span(&out), "y\ny\ny\ny\ny\n"));
	buf_fini(&out);
}

static void signals_of_the_caller_are_not_inherited(void **state)
{
	sigset_t set, old;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &old);
	signal(SIGPIPE, SIG_IGN);
	/* The last seven digits: the usual signals.  Of sed itself: a shell
	 * blocks all of them for the moment in which it starts one. */
	run(SH("exec sed -n 's/Sig\\(Blk\\|Ign\\):.*\\(.......\\)$/\\1 \\2/p' /proc/self/status"),
	    "", LONG_MS, RC_OK, "Blk 0000000\nIgn 0000000\n");
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void no_descriptor_is_inherited(void **state)
{
	(void)state;
	/* 0, 1, 2 and the folder that ls has open. */
	run(SH("ls /proc/self/fd | tr '\\n' ' '"), "", LONG_MS, RC_OK, "0 1 2 3 ");
}

static void environment_is_what_was_given(void **state)
{
	static const char *const environment[] = { "A=1", "B=x y", NULL };
	const struct proc_options o = { .timeout_ms = LONG_MS, .environment = environment };
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	assert_int_equal(proc_run_with((const char *const[]){ "env", NULL }, span_str(""), &out, &o,
				       NULL),
			 RC_OK);
	assert_true(span_equal_str(buf_span(&out), "A=1\nB=x y\n"));
	buf_fini(&out);
}

/* Told to end before it begins; one listens, the other does not. */
static void stopped_child_ends_soon(void **state)
{
	static const char *const scripts[] = { "sleep 1000", "trap '' TERM; sleep 1000" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct proc_options o = { .timeout_ms = LONG_MS };
		uint64_t start = clock_boot_ms();
		int fds[2];

		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		o.stop_fd = fds[0];
		assert_int_equal(write(fds[1], "", 1), 1);
		assert_int_equal(proc_run_with(SH(scripts[i]), span_str(""), NULL, &o, NULL),
				 RC_CLOSED);
		assert_true(clock_boot_ms() - start < PROC_GRACE_MS + 3000);
		close(fds[0]);
		close(fds[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_and_error_are_taken),
		cmocka_unit_test(input_is_given),
		cmocka_unit_test(unread_input_is_no_failure),
		cmocka_unit_test(failure_says_its_status),
		cmocka_unit_test(absent_program_cannot_start),
		cmocka_unit_test(arguments_meet_no_shell),
		cmocka_unit_test(late_child_and_its_children_are_killed),
		cmocka_unit_test(child_that_leaves_another_behind_ends),
		cmocka_unit_test(output_over_the_bound_is_dropped),
		cmocka_unit_test(signals_of_the_caller_are_not_inherited),
		cmocka_unit_test(no_descriptor_is_inherited),
		cmocka_unit_test(environment_is_what_was_given),
		cmocka_unit_test(stopped_child_ends_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
