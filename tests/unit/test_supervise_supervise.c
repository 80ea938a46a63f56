/* supervise: order, readiness, restarts, tasks, output and the end. */
#include "unit.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "folder.h"
#include "supervise/supervise.h"
#include "io/clock.h"
#include "io/file.h"

enum {
	WAIT_MS = 10000,
	STEP_US = 10000,
};

/* A folder, and a child that supervises services in it. */
struct fixture {
	struct folder made;
	const char *folder;
	char report[96];
	struct arena arena;
	pid_t pid;
};

static void setup(struct fixture *f)
{
	*f = (struct fixture){ 0 };
	arena_init(&f->arena, 65536);
	folder_make(&f->made);
	f->folder = f->made.path;
	(void)snprintf(f->report, sizeof(f->report), "%s/report.json", f->folder);
}

__attribute__((format(printf, 2, 3))) static const char *fmt(struct arena *a, const char *form,
							     ...)
{
	char text[256];
	va_list args;

	va_start(args, form);
	assert_true(vsnprintf(text, sizeof(text), form, args) < (int)sizeof(text));
	va_end(args);
	return arena_dup(a, span_str(text));
}

static void run(struct fixture *f, const struct service *services, size_t count)
{
	const struct supervise_options o = { .node = "test",
					     .log_dir = f->folder,
					     .report = f->report };
	sigset_t set;

	f->pid = fork();
	if (f->pid != 0)
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* As the first process of a namespace is. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	supervise(services, count, &o);
	_exit(0);
}

/* Asks for the end; how long it took. */
static uint64_t finish(struct fixture *f)
{
	uint64_t began = clock_boot_ms();
	int status;

	kill(f->pid, SIGTERM);
	assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	arena_fini(&f->arena);
	folder_remove(&f->made);
	return clock_boot_ms() - began;
}

/* Service i of the report is in 'state' with at least so many restarts. */
static bool is_in(const struct fixture *f, size_t i, const char *state, int restarts)
{
	json_t *root = json_load_file(f->report, 0, NULL);
	json_t *s = json_array_get(json_object_get(root, "services"), i);
	const char *found = json_string_value(json_object_get(s, "state"));
	bool is = found && strcmp(found, state) == 0 &&
		  json_integer_value(json_object_get(s, "restarts")) >= restarts;

	json_decref(root);
	return is;
}

static long pid_of(const struct fixture *f, size_t i)
{
	json_t *root = json_load_file(f->report, 0, NULL);
	json_t *s = json_array_get(json_object_get(root, "services"), i);
	long pid = (long)json_integer_value(json_object_get(s, "pid"));

	json_decref(root);
	return pid;
}

static void wait_until(const struct fixture *f, size_t i, const char *state, int restarts)
{
	uint64_t end = clock_boot_ms() + WAIT_MS;

	while (!is_in(f, i, state, restarts)) {
		if (clock_boot_ms() > end)
			fail_msg("service %zu is not %s", i, state);
		usleep(STEP_US);
	}
}

static void assert_log(const struct fixture *f, const char *service, const char *want)
{
	char path[96];
	AUTO(buf_fini)
	struct buf b = { 0 };

	(void)snprintf(path, sizeof(path), "%s/%s.log", f->folder, service);
	buf_init(&b, 65536);
	assert_int_equal(file_read(&b, path), RC_OK);
	assert_true(span_equal_str(buf_span(&b), want));
}

static void task_before_daemon_runs_first(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	{
		const char *flag = fmt(&f.arena, "%s/flag", f.folder);
		const struct service services[] = {
			{ .name = "task",
			  .kind = SERVICE_TASK,
			  .argv = { "sh", "-c",
				    fmt(&f.arena, "echo out; echo err >&2; sleep 0.1; touch %s",
					flag) } },
			{ .name = "daemon",
			  .argv = { "sh", "-c",
				    fmt(&f.arena, "test -e %s && exec sleep 60", flag) } },
		};

		run(&f, services, 2);
		wait_until(&f, 1, "ready", 0);
		assert_true(is_in(&f, 0, "done", 0));
		assert_log(&f, "task", "out\nerr\n");
	}
	finish(&f);
}

static void failing_task_is_tried_again(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	{
		const struct service services[] = {
			{ .name = "task",
			  .kind = SERVICE_TASK,
			  .argv = { "sh", "-c",
				    fmt(&f.arena, "cd %s; echo x >>n; test $(wc -l <n) = 3",
					f.folder) } },
		};

		run(&f, services, 1);
		wait_until(&f, 0, "done", 2);
	}
	finish(&f);
}

static void daemon_that_ends_is_started_again(void **state)
{
	static const char *const commands[][4] = {
		{ "sh", "-c", "echo life; exit 7", NULL },
		{ "sh", "-c", "kill -9 $$", NULL },
		{ "/nonexistent/program", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct service services[] = {
			{ .name = "short" },
			{ .name = "next", .argv = { "sleep", "60" } },
		};
		struct fixture f;

		setup(&f);
		memcpy(services[0].argv, commands[i], sizeof(commands[i]));
		run(&f, services, 2);
		wait_until(&f, 0, "delayed", 3);
		finish(&f);
	}
}

static void not_ready_before_its_socket_accepts(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	{
		const struct service services[] = {
			{ .name = "deaf",
			  .argv = { "sleep", "60" },
			  .ready = fmt(&f.arena, "unix:%s/sock", f.folder) },
			{ .name = "next", .argv = { "sleep", "60" } },
		};

		run(&f, services, 2);
		wait_until(&f, 0, "starting", 0);
		usleep(200000);
		assert_true(is_in(&f, 0, "starting", 0));
		assert_true(is_in(&f, 1, "waiting", 0));
	}
	finish(&f);
}

static void deaf_to_sigterm_is_killed(void **state)
{
	const struct service services[] = {
		{ .name = "stubborn",
		  .argv = { "sh", "-c", "trap '' TERM; while :; do sleep 0.05; done" },
		  .stop_ms = 300 },
	};
	struct fixture f;
	uint64_t took;

	(void)state;
	setup(&f);
	run(&f, services, 1);
	wait_until(&f, 0, "ready", 0);
	usleep(100000); /* the trap is set */
	took = finish(&f);
	assert_in_range(took, 250, 5000);
}

static void sockets_are_handed_over(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	{
		const struct service services[] = {
			{ .name = "heir",
			  .argv = { "sh", "-c",
				    "echo $LISTEN_FDS; test $LISTEN_PID = $$ && echo mine; "
				    "test -e /dev/fd/3 && test -e /dev/fd/4 && echo there; "
				    "exec sleep 60" },
			  .fds = { 2, 1 },
			  .fd_count = 2 },
		};

		run(&f, services, 1);
		wait_until(&f, 0, "ready", 0);
		usleep(200000);
		assert_log(&f, "heir", "2\nmine\nthere\n");
	}
	finish(&f);
}

/* The first process leaves when the second, its child, has said who it is. */
static void process_that_was_replaced_is_followed(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	{
		const char *file = fmt(&f.arena, "%s/pid", f.folder);
		const char *script = fmt(&f.arena,
					 "echo $$ >%s; sleep 1000 & echo $! >%s.new; "
					 "sleep 0.3; mv %s.new %s",
					 file, file, file, file);
		const struct service services[] = {
			{ .name = "edge", .argv = { "/bin/sh", "-c", script }, .pid_file = file },
		};
		char text[16] = "";
		long pid;
		FILE *in;

		run(&f, services, 1);
		wait_until(&f, 0, "ready", 0);
		usleep(600000);
		wait_until(&f, 0, "ready", 0);
		in = fopen(file, "r");
		assert_non_null(in);
		assert_non_null(fgets(text, sizeof(text), in));
		fclose(in);
		pid = strtol(text, NULL, 10);
		assert_int_equal(kill((pid_t)pid, 0), 0);
		assert_false(is_in(&f, 0, "ready", 1)); /* not restarted */
		assert_int_equal(pid_of(&f, 0), pid);
		/* Its death is the service's. */
		assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
		wait_until(&f, 0, "ready", 1);
	}
	finish(&f);
}

static struct span field_of(struct span status, const char *name)
{
	struct span line;

	while (rd_until(&status, &line, '\n'))
		if (span_has_prefix(line, span_str(name)))
			return line;
	fail_msg("no %s", name);
	return line;
}

/* Without a folder for logs it writes where its supervisor does. */
static void group_is_its_only_one(void **state)
{
	const struct service services[] = {
		{ .name = "grouped", .argv = { "sleep", "60" }, .group = 64443 },
	};
	AUTO(buf_fini)
	struct buf text = { 0 };
	struct fixture f;
	char path[64];

	(void)state;
	if (getuid() != 0)
		skip();
	setup(&f);
	run(&f, services, 1);
	wait_until(&f, 0, "ready", 0);
	(void)snprintf(path, sizeof(path), "/proc/%ld/status", pid_of(&f, 0));
	buf_init(&text, 65536);
	assert_int_equal(file_read(&text, path), RC_OK);
	assert_true(span_equal_str(field_of(buf_span(&text), "Gid:"),
				   "Gid:\t64443\t64443\t64443\t64443"));
	assert_true(span_equal_str(field_of(buf_span(&text), "Groups:"), "Groups:\t "));
	finish(&f);
}

/* From then on it is bound to its supervisor. */
static void wait_until_it_runs(pid_t pid, const char *program)
{
	uint64_t end = clock_boot_ms() + WAIT_MS;
	char path[32], comm[32] = "";
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	while (strncmp(comm, program, strlen(program)) != 0) {
		if (clock_boot_ms() > end)
			fail_msg("%d does not run %s", pid, program);
		f = fopen(path, "re");
		if (!f || !fgets(comm, sizeof(comm), f))
			comm[0] = '\0';
		if (f)
			(void)fclose(f);
		usleep(STEP_US);
	}
}

static void dies_with_its_supervisor(void **state)
{
	const struct service services[] = {
		{ .name = "bound",
		  .argv = { "sleep", "60" },
		  .group = 64443,
		  .dies_with_us = true },
		{ .name = "free", .argv = { "sleep", "60" } },
	};
	struct fixture f;
	pid_t bound, other;
	int status;

	(void)state;
	if (getuid() != 0)
		skip();
	setup(&f);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	run(&f, services, 2);
	wait_until(&f, 1, "ready", 0);
	bound = (pid_t)pid_of(&f, 0);
	other = (pid_t)pid_of(&f, 1);
	wait_until_it_runs(bound, "sleep");
	assert_int_equal(kill(f.pid, SIGKILL), 0);
	assert_int_equal(waitpid(f.pid, &status, 0), f.pid);
	/* Both are ours now; only one has ended. */
	assert_int_equal(waitpid(bound, &status, 0), bound);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(waitpid(other, &status, WNOHANG), 0);
	assert_int_equal(kill(other, SIGKILL), 0);
	assert_int_equal(waitpid(other, &status, 0), other);
	arena_fini(&f.arena);
	folder_remove(&f.made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(task_before_daemon_runs_first),
		cmocka_unit_test(failing_task_is_tried_again),
		cmocka_unit_test(daemon_that_ends_is_started_again),
		cmocka_unit_test(not_ready_before_its_socket_accepts),
		cmocka_unit_test(deaf_to_sigterm_is_killed),
		cmocka_unit_test(sockets_are_handed_over),
		cmocka_unit_test(process_that_was_replaced_is_followed),
		cmocka_unit_test(group_is_its_only_one),
		cmocka_unit_test(dies_with_its_supervisor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
