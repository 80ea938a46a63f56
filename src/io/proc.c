#include "io/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/clock.h"

enum {
	READ_STEP = 16 * 1024,
};

/* A running child and what it says. */
struct child {
	const struct proc_options *options;
	pid_t pid;
	int pid_fd;
	int out_fd; /* -1: its output goes where ours goes, or has ended */
	struct buf *out;
};

/*
 * The child's input stands in a file of memory, so that writing it can neither
 * block nor meet a closed pipe.
 */
static bool make_input(int *fd, struct span in)
{
	*fd = memfd_create("stdin", MFD_CLOEXEC);
	if (*fd < 0)
		return false;
	while (in.n) {
		ssize_t n = write(*fd, in.p, in.n);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			in = span_of(in.p + n, in.n - (size_t)n);
	}
	return lseek(*fd, 0, SEEK_SET) == 0;
}

/* No signal blocked or ignored, whatever we do with ours; and a process group
 * of its own, so that what it starts can be ended with it. */
static int set_attributes(posix_spawnattr_t *a)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	/* These two cannot be set, and asking for it is an error. */
	sigdelset(&all, SIGKILL);
	sigdelset(&all, SIGSTOP);
	(void)posix_spawnattr_setsigmask(a, &none); /* cannot fail */
	(void)posix_spawnattr_setsigdefault(a, &all); /* cannot fail */
	(void)posix_spawnattr_setpgroup(a, 0); /* cannot fail */
	return posix_spawnattr_setflags(a, POSIX_SPAWN_SETSIGMASK |
						   POSIX_SPAWN_SETSIGDEF |
						   POSIX_SPAWN_SETPGROUP);
}

static int spawn(struct child *c, const char *const *argv, int in_fd,
		 int out_fd)
{
	const char *const *given = c->options->environment;
	char *const *environment = (char *const *)(uintptr_t)given;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int error;

	error = posix_spawn_file_actions_init(&actions);
	if (error)
		return error;
	error = posix_spawnattr_init(&attributes);
	if (error) {
		posix_spawn_file_actions_destroy(&actions);
		return error;
	}
	error = posix_spawn_file_actions_adddup2(&actions, in_fd, 0);
	if (!error && out_fd >= 0)
		error = posix_spawn_file_actions_adddup2(&actions, out_fd, 1);
	if (!error && out_fd >= 0)
		error = posix_spawn_file_actions_adddup2(&actions, out_fd, 2);
	/* Also what was handed to us by somebody who forgot CLOEXEC. */
	if (!error)
		error = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	if (!error)
		error = set_attributes(&attributes);
	if (!error)
		error = posix_spawnp(&c->pid, argv[0], &actions, &attributes,
				     (char *const *)(uintptr_t)argv,
				     given ? environment : environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

static enum rc start(struct child *c, const char *const *argv, struct span in)
{
	AUTO(mem_auto_close)
	int in_fd = -1;
	AUTO(mem_auto_close)
	int write_fd = -1;
	int pipe_fds[2], error;

	if (!make_input(&in_fd, in))
		return RC_SYS;
	if (c->out) {
		if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) != 0)
			return RC_SYS;
		c->out_fd = pipe_fds[0];
		write_fd = pipe_fds[1];
		/* Only our end is not blocking; the child's is as usual. */
		if (fcntl(write_fd, F_SETFL, 0) != 0)
			return RC_SYS;
	}
	error = spawn(c, argv, in_fd, write_fd);
	if (error) {
		errno = error;
		return RC_SYS;
	}
	c->pid_fd = pidfd_open(c->pid, 0);
	if (c->pid_fd >= 0)
		return RC_OK;
	error = errno;
	(void)kill(c->pid, SIGKILL); /* it is ours and not waited for */
	(void)waitpid(c->pid, NULL, 0);
	errno = error;
	return RC_SYS;
}

/* Takes what the pipe holds now.  What is over the bound is thrown away, so
 * that the child can go on. */
static void drain(struct child *c)
{
	uint8_t step[READ_STEP];
	ssize_t n;

	while (c->out_fd >= 0) {
		size_t room = buf_room(c->out);

		n = read(c->out_fd, step, sizeof(step));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			close(c->out_fd);
			c->out_fd = -1;
			return;
		}
		if ((size_t)n < room)
			room = (size_t)n;
		/* It fits: that is what room means. */
		(void)!buf_add(c->out, span_of(step, room));
	}
}

/* RC_OK: it ended by itself; RC_LIMIT: it is late; RC_CLOSED: it was told to
 * end, and did or is late. */
static enum rc wait_end(struct child *c, uint64_t deadline_ms)
{
	int stop_fd = c->options->stop_fd > 0 ? c->options->stop_fd : -1;
	enum rc late = RC_LIMIT;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = c->pid_fd, .events = POLLIN },
			{ .fd = c->out_fd, .events = POLLIN },
			{ .fd = stop_fd, .events = POLLIN },
		};
		uint64_t now_ms = clock_boot_ms();
		int wait_ms = now_ms < deadline_ms
				      ? (int)(deadline_ms - now_ms)
				      : 0;
		int n = poll(fds, 3, wait_ms);

		drain(c);
		if (n > 0 && fds[0].revents)
			return late == RC_CLOSED ? late : RC_OK;
		if (n == 0 && wait_ms == 0)
			return late;
		if (n > 0 && fds[2].revents) {
			(void)kill(-c->pid, SIGTERM); /* it may have ended */
			stop_fd = -1;
			late = RC_CLOSED;
			deadline_ms = clock_boot_ms() + PROC_GRACE_MS;
		}
	}
}

static enum rc finish(struct child *c, enum rc waited, int *status)
{
	int end = 0;

	/* Those it left behind are ended with it, in time or not. */
	(void)kill(-c->pid, SIGKILL); /* there may be none */
	while (waitpid(c->pid, &end, 0) < 0 && errno == EINTR) {
	}
	if (status)
		*status = end;
	if (waited)
		return waited;
	return WIFEXITED(end) && WEXITSTATUS(end) == 0 ? RC_OK : RC_DENIED;
}

enum rc proc_run(const char *const *argv, struct span in, struct buf *out,
		 unsigned timeout_ms, int *status)
{
	const struct proc_options options = { .timeout_ms = timeout_ms };

	return proc_run_with(argv, in, out, &options, status);
}

enum rc proc_run_with(const char *const *argv, struct span in, struct buf *out,
		      const struct proc_options *options, int *status)
{
	struct child c = {
		.options = options, .pid_fd = -1, .out_fd = -1, .out = out
	};
	uint64_t deadline_ms = clock_boot_ms() + options->timeout_ms;
	enum rc rc = start(&c, argv, in);
	int error = errno;

	if (!rc)
		rc = finish(&c, wait_end(&c, deadline_ms), status);
	mem_auto_close(&c.pid_fd);
	mem_auto_close(&c.out_fd);
	errno = error;
	return rc;
}
