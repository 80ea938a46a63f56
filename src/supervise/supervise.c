#include "supervise/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/sock.h"

enum {
	DELAY_MIN_MS = 100,
	DELAY_MAX_MS = 10000,
	LIVED_MS = 10000, /* a life this long forgets earlier failures */
	SETTLED_MS = 100, /* running this long is ready, where nothing tells */
	STOP_MS = 3000,
	TICK_BUSY_MS = 20, /* while something is not ready */
	TICK_IDLE_MS = 1000,
	READY_CONNECT_MS = 100,
	LOG_MAX = 8 * 1024 * 1024,
	LOG_COPY_MAX = 4 * LOG_MAX, /* it grows between two looks */
	LISTEN_FDS_START = 3,
	EXEC_FAILED = 127,
};

enum state {
	STATE_WAITING,
	STATE_STARTING,
	STATE_READY,
	STATE_DELAYED,
	STATE_DONE,
};

static const char *const state_names[] = {
	[STATE_WAITING] = "waiting",
	[STATE_STARTING] = "starting",
	[STATE_READY] = "ready",
	[STATE_DELAYED] = "delayed",
	[STATE_DONE] = "done",
};

struct running {
	const struct service *service;
	enum state state;
	bool was_up;
	pid_t pid; /* 0: not running */
	unsigned restarts;
	uint64_t started_ms, start_at_ms, delay_ms;
	int64_t since_unix_ms;
	char exit[32]; /* how it ended last: "exit 1", "signal 9" */
};

struct supervisor {
	const struct supervise_options *options;
	struct running running[SERVICES_MAX];
	size_t count;
	bool is_changed;
};

static void set_state(struct supervisor *s, struct running *r, enum state state)
{
	r->state = state;
	r->since_unix_ms = clock_unix_ms();
	s->is_changed = true;
}

static void report(struct supervisor *s)
{
	json_t *services = json_array();
	json_t *root;
	char *text;

	for (size_t i = 0; i < s->count; i++) {
		const struct running *r = &s->running[i];

		(void)json_array_append_new(
			services,
			json_pack("{s:s, s:s, s:i, s:i, s:I, s:s}", "name",
				  r->service->name, "state",
				  state_names[r->state], "pid", (int)r->pid,
				  "restarts", (int)r->restarts, "since_unix_ms",
				  (json_int_t)r->since_unix_ms, "exit",
				  r->exit));
	}
	root = json_pack("{s:s, s:o}", "node", s->options->node, "services",
			 services);
	text = json_dumps(root, JSON_COMPACT);
	/* A report that cannot be written is seen as an old one. */
	(void)file_replace(s->options->report, span_str(text), 0644);
	free(text);
	json_decref(root);
	s->is_changed = false;
}

/* Opened for appending, so that emptying it needs no word to the service. */
static int open_log(const struct supervisor *s, const struct service *service)
{
	char path[512], old[520];
	struct stat st;

	if (!s->options->log_dir)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/%s.log", s->options->log_dir,
		       service->name);
	(void)snprintf(old, sizeof(old), "%s.1", path);
	if (stat(path, &st) == 0 && st.st_size > LOG_MAX)
		(void)rename(path, old);
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

/* Where a copy cannot be kept, the bound comes first. */
static void keep_copy(const char *to, const char *from)
{
	AUTO(buf_fini)
	struct buf text = { 0 };

	buf_init(&text, LOG_COPY_MAX);
	if (file_read(&text, from) == RC_OK)
		(void)file_replace(to, buf_span(&text), 0640);
}

/* A service that never restarts still gets its file bounded. */
static void bound_logs(const struct supervisor *s)
{
	if (!s->options->log_dir)
		return;
	for (size_t i = 0; i < s->count; i++) {
		char path[512], old[520];
		struct stat st;

		(void)snprintf(path, sizeof(path), "%s/%s.log",
			       s->options->log_dir,
			       s->running[i].service->name);
		if (stat(path, &st) != 0 || st.st_size <= LOG_MAX)
			continue;
		(void)snprintf(old, sizeof(old), "%s.1", path);
		keep_copy(old, path);
		(void)!truncate(path, 0);
	}
}

static void hand_over(const struct service *service)
{
	char number[16];
	int safe[SERVICE_FDS_MAX];

	/* Out of the way first: a source may stand where a target goes. */
	for (unsigned i = 0; i < service->fd_count; i++) {
		safe[i] = fcntl(service->fds[i], F_DUPFD_CLOEXEC,
				LISTEN_FDS_START + SERVICE_FDS_MAX);
		if (safe[i] < 0)
			_exit(EXEC_FAILED);
	}
	for (unsigned i = 0; i < service->fd_count; i++) {
		if (dup2(safe[i], LISTEN_FDS_START + (int)i) < 0)
			_exit(EXEC_FAILED);
	}
	(void)snprintf(number, sizeof(number), "%u", service->fd_count);
	(void)setenv("LISTEN_FDS", number, 1);
	(void)snprintf(number, sizeof(number), "%d", (int)getpid());
	(void)setenv("LISTEN_PID", number, 1);
}

_Noreturn static void become(const struct service *service, int log)
{
	struct rlimit files;
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	(void)setsid();
	if (log >= 0 && (dup2(log, 1) < 0 || dup2(log, 2) < 0))
		_exit(EXEC_FAILED);
	if (service->fd_count > 0)
		hand_over(service);
	if (service->group && (setgroups(0, NULL) != 0 ||
			       setgid(service->group) != 0))
		_exit(EXEC_FAILED);
	/* After the group: a change of it takes the signal away (prctl(2)). */
	if (service->dies_with_us && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		_exit(EXEC_FAILED);
	execvp(service->argv[0], (char *const *)(uintptr_t)service->argv);
	dprintf(2, "%s: %s\n", service->argv[0], strerror(errno));
	_exit(EXEC_FAILED);
}

static void start(struct supervisor *s, struct running *r, uint64_t now_ms)
{
	AUTO(mem_auto_close)
	int log = open_log(s, r->service);
	pid_t pid = fork();

	if (pid == 0)
		become(r->service, log);
	r->started_ms = now_ms;
	if (pid < 0) {
		(void)snprintf(r->exit, sizeof(r->exit), "no process");
		r->start_at_ms = now_ms + DELAY_MAX_MS;
		set_state(s, r, STATE_DELAYED);
		return;
	}
	r->pid = pid;
	set_state(s, r, STATE_STARTING);
}

static bool accepts(const char *where)
{
	struct timeval wait = { .tv_usec = READY_CONNECT_MS * 1000 };
	struct sock_addr to;
	AUTO(mem_auto_close)
	int fd = -1;

	if (!sock_addr_parse(&to, span_str(where)))
		return false;
	fd = socket(to.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	return connect(fd, &to.sa, to.len) == 0;
}

static bool is_ready(const struct running *r, uint64_t now_ms)
{
	if (r->service->ready)
		return accepts(r->service->ready);
	return now_ms - r->started_ms >= SETTLED_MS;
}

/* What may happen now to one service; true when the next one may start. */
static bool step(struct supervisor *s, struct running *r, uint64_t now_ms)
{
	switch (r->state) {
	case STATE_WAITING:
		start(s, r, now_ms);
		return false;
	case STATE_DELAYED:
		if (now_ms >= r->start_at_ms)
			start(s, r, now_ms);
		return false;
	case STATE_STARTING:
		if (r->service->kind == SERVICE_TASK)
			return false;
		if (!is_ready(r, now_ms))
			return false;
		set_state(s, r, STATE_READY);
		return true;
	case STATE_READY:
	case STATE_DONE:
		return true;
	}
	return false;
}

/* Those after a service wait for it once, at the start; later they live with
 * its absence, as in production. */
static bool step_all(struct supervisor *s, uint64_t now_ms)
{
	bool may_start = true, is_settled = true;

	for (size_t i = 0; i < s->count; i++) {
		struct running *r = &s->running[i];
		bool is_up = (r->state != STATE_WAITING || may_start) &&
			     step(s, r, now_ms);

		r->was_up = r->was_up || is_up;
		may_start = may_start && r->was_up;
		is_settled = is_settled && is_up;
	}
	return is_settled;
}

/*
 * The process that took the place of one that has ended: the file names a
 * child of ours, for orphans are (init of a namespace), that still runs.
 */
static pid_t successor(const struct running *r)
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	struct span s, line;
	uint64_t pid;
	int status;

	buf_init(&text, 32);
	if (!r->service->pid_file || file_read(&text, r->service->pid_file))
		return 0;
	s = buf_span(&text);
	if (!rd_until(&s, &line, '\n') || !text_u64(&pid, line, INT32_MAX) ||
	    pid == 0 || (pid_t)pid == r->pid)
		return 0;
	return waitpid((pid_t)pid, &status, WNOHANG) == 0 ? (pid_t)pid : 0;
}

static void ended(struct supervisor *s, struct running *r, int status,
		  uint64_t now_ms)
{
	pid_t next = successor(r);

	if (next > 0) {
		r->pid = next;
		r->started_ms = now_ms;
		set_state(s, r, STATE_READY);
		return;
	}
	r->pid = 0;
	if (WIFSIGNALED(status))
		(void)snprintf(r->exit, sizeof(r->exit), "signal %d",
			       WTERMSIG(status));
	else
		(void)snprintf(r->exit, sizeof(r->exit), "exit %d",
			       WEXITSTATUS(status));
	if (r->service->kind == SERVICE_TASK && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 0) {
		set_state(s, r, STATE_DONE);
		return;
	}
	if (now_ms - r->started_ms > LIVED_MS || r->delay_ms == 0)
		r->delay_ms = DELAY_MIN_MS;
	else if (r->delay_ms < DELAY_MAX_MS)
		r->delay_ms *= 2;
	r->start_at_ms = now_ms + r->delay_ms;
	r->restarts++;
	set_state(s, r, STATE_DELAYED);
}

static void reap(struct supervisor *s, uint64_t now_ms)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < s->count; i++) {
			if (s->running[i].pid == pid)
				ended(s, &s->running[i], status, now_ms);
		}
	}
}

/* Waits for the next signal, at most ms; 0 when none came. */
static int next_signal(unsigned ms)
{
	struct timespec wait = { .tv_sec = ms / 1000,
				 .tv_nsec = (long)(ms % 1000) * 1000000 };
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	got = sigtimedwait(&set, NULL, &wait);
	return got > 0 ? got : 0;
}

static void stop(struct supervisor *s, struct running *r)
{
	unsigned wait_ms = r->service->stop_ms ? r->service->stop_ms : STOP_MS;
	uint64_t end_ms = clock_boot_ms() + wait_ms;

	if (r->pid == 0)
		return;
	(void)kill(r->pid, SIGTERM);
	while (r->pid != 0 && clock_boot_ms() < end_ms) {
		(void)next_signal(TICK_BUSY_MS);
		reap(s, clock_boot_ms());
	}
	if (r->pid != 0)
		(void)kill(r->pid, SIGKILL);
}

void supervise(const struct service *services, size_t count,
	       const struct supervise_options *options)
{
	struct supervisor s = { .options = options, .count = count };

	for (size_t i = 0; i < count; i++)
		s.running[i].service = &services[i];
	for (;;) {
		bool is_settled = step_all(&s, clock_boot_ms());

		if (s.is_changed)
			report(&s);
		if (is_settled)
			bound_logs(&s);
		if (next_signal(is_settled ? TICK_IDLE_MS : TICK_BUSY_MS) ==
		    SIGTERM)
			break;
		reap(&s, clock_boot_ms());
	}
	for (size_t i = count; i > 0; i--)
		stop(&s, &s.running[i - 1]);
}
