#include "cli/vm_keep.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/commands.h"
#include "cli/fmt.h"
#include "cli/vm_machine.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/loop.h"
#include "io/sock.h"
#include "vm/manage.h"
#include "vm/monitor.h"
#include "vm/platform.h"
#include "vm/qemu.h"
#include "vm/tap.h"

enum {
	TICK_MS = 50, /* while QEMU's sockets are not there */
	BOUND_MS = 5000, /* between two looks at the logs' sizes */
	LOG_MAX = 8 * 1024 * 1024,
	QMP_MS = 2000,
	QMP_FIRST_MS = 20000, /* of a machine that is loaded from a disk */
	LEFT_MS = 5000, /* for a QEMU of a keeper that was killed */
	LINES_MAX = 64 * 1024, /* of the guest, before they are read */
	ERROR_MAX = MONITOR_ERROR_MAX,
	TAP_NAME_MAX = 16,
	EXEC_FAILED = 127,
};

struct keep {
	const char *name;
	struct arena arena;
	struct vm_machine machine;
	struct vm_run run;
	struct loop *loop;
	struct loop_watch qemu_watch, manage_watch;
	struct loop_timer tick, bound, stop;
	struct buf lines;
	char td[32]; /* trust domain's name; "": none was launched */
	char error[ERROR_MAX];
	int lock, ready_fd, tap_fd, pid_fd, manage_fd;
	uint64_t started_ms;
	bool is_answering; /* QEMU's monitor did */
	bool is_stopping;
	bool was_told; /* the guest, to stop */
};

static void note(struct keep *k)
{
	/* What cannot be written is seen as an old report. */
	(void)folder_write_run(&k->run, k->name);
}

static void tell_ready(struct keep *k, const char *line)
{
	if (k->ready_fd < 0)
		return;
	(void)!write(k->ready_fd, line, strlen(line)); /* or nobody waits */
	(void)close(k->ready_fd);
	k->ready_fd = -1;
}

static void say(struct keep *k, const char *what)
{
	printf("%lld %s: %s\n", (long long)clock_unix_ms(), k->name, what);
	(void)fflush(stdout);
}

/* Before. */

/* A keeper that was killed takes QEMU along; one that is stuck in the kernel
 * may take a moment. */
static bool end_left(struct keep *k)
{
	uint64_t end_ms = clock_boot_ms() + LEFT_MS;
	char ignored[VM_ERROR_MAX];
	struct vm_run old;

	if (folder_read_run(&old, k->name, ignored) || old.qemu <= 0)
		return true;
	while (old.qemu_start &&
	       folder_start_time(old.qemu) == old.qemu_start) {
		(void)kill(old.qemu, SIGKILL);
		if (clock_boot_ms() > end_ms) {
			(void)snprintf(k->error, ERROR_MAX,
				       "process %d of an earlier run does not "
				       "end",
				       (int)old.qemu);
			return false;
		}
		(void)usleep(TICK_MS * 1000);
	}
	return true;
}

static bool make_run_folder(struct keep *k)
{
	char path[FOLDER_PATH_MAX];

	folder_run(path, k->name, "");
	if (file_make_dirs(FOLDER_RUN, 0755) == RC_OK &&
	    fmt_remove_tree(path) == RC_OK &&
	    file_make_dirs(path, 0700) == RC_OK)
		return true;
	(void)snprintf(k->error, ERROR_MAX, "%s: %s", path, strerror(errno));
	return false;
}

/* The CPU's power switch, where the CPU is played by a program. */
static bool launch_td(struct keep *k)
{
	const struct vm_machine *m = &k->machine;
	char ignored[PLATFORM_ERROR_MAX];
	const char *control = m->settings.control;
	struct platform_td td = {
		.name = k->td,
		.socket = m->spec.platform,
		.image = m->image.name,
		.manifest = m->spec.manifest,
		.measured = fmt(&k->arena, "%s/measured.json",
				m->image.folder),
	};

	if (!*control || m->settings.accel == VM_TDX)
		return true;
	(void)snprintf(k->td, sizeof(k->td), "vm.%s", k->name);
	/* Of a run that was killed; there is none, mostly. */
	(void)platform_stop(control, k->td, ignored);
	if (platform_launch(control, &td, k->error) == RC_OK)
		return true;
	k->td[0] = '\0';
	return false;
}

static bool open_tap(struct keep *k)
{
	const struct vm_settings *s = &k->machine.settings;
	char name[TAP_NAME_MAX];

	if (s->net != VM_NET_TAP)
		return true;
	(void)snprintf(name, sizeof(name), "%.15s", k->name);
	if (tap_open(&k->tap_fd,
		     &(struct tap_options){
			     .netns = *s->netns ? s->netns : NULL,
			     .name = *s->netns ? name : "tap0",
			     .bridge = *s->bridge ? s->bridge : NULL },
		     k->error))
		return false;
	k->machine.spec.tap_fd = k->tap_fd;
	return true;
}

/* QEMU. */

/* It has the guest's card as a descriptor; of this machine's networks it needs
 * none, unless it is to play one. */
_Noreturn static void run_qemu(const struct keep *k,
			       const struct qemu_args *args, pid_t keeper)
{
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != keeper)
		_exit(EXEC_FAILED);
	(void)setsid();
	if (k->tap_fd >= 0)
		(void)fcntl(k->tap_fd, F_SETFD, 0);
	if (k->machine.settings.net != VM_NET_USER &&
	    unshare(CLONE_NEWNET) != 0)
		_exit(EXEC_FAILED);
	execv(args->argv[0], (char *const *)(uintptr_t)args->argv);
	fprintf(stderr, "%s: %s\n", args->argv[0], strerror(errno));
	_exit(EXEC_FAILED);
}

static bool start_qemu(struct keep *k)
{
	struct qemu_args args;
	pid_t keeper = getpid(), pid;
	int null;

	if (qemu_args(&args, &k->machine.spec, &k->arena, k->error))
		return false;
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) != 0) {
		(void)snprintf(k->error, ERROR_MAX, "/dev/null: %s",
			       strerror(errno));
		return false;
	}
	(void)close(null);
	k->started_ms = clock_boot_ms();
	pid = fork();
	if (pid == 0)
		run_qemu(k, &args, keeper);
	k->pid_fd = pid > 0 ? pidfd_open(pid, 0) : -1;
	if (k->pid_fd < 0) {
		(void)snprintf(k->error, ERROR_MAX, "no process for QEMU: %s",
			       strerror(errno));
		return false;
	}
	k->run.qemu = pid;
	k->run.qemu_start = folder_start_time(pid);
	k->run.began_unix_ms = clock_unix_ms();
	mem_auto_close(&k->tap_fd);
	k->tap_fd = -1;
	note(k);
	return true;
}

/* While it runs. */

static void add_step(struct keep *k, const struct manage_line *l)
{
	struct vm_step *step;

	if (k->run.step_count == FOLDER_STEPS_MAX) /* the first ones stay */
		k->run.step_count--;
	step = &k->run.steps[k->run.step_count++];
	*step = (struct vm_step){ .guest_ms = l->ms,
				  .ms = clock_boot_ms() - k->started_ms };
	memcpy(step->step, l->step, sizeof(step->step));
	memcpy(step->text, l->text, sizeof(step->text));
	note(k);
}

static void read_lines(struct keep *k)
{
	for (;;) {
		struct span have = buf_span(&k->lines);
		const uint8_t *end =
			have.n ? memchr(have.p, '\n', have.n) : NULL;
		struct manage_line line;

		if (!end)
			break;
		manage_read(&line, span_of(have.p, (size_t)(end - have.p)));
		if (line.kind == MANAGE_STEP)
			add_step(k, &line);
		buf_consume(&k->lines, (size_t)(end - have.p) + 1);
	}
	/* A line without an end is longer than any of ours. */
	if (k->lines.n > MANAGE_LINE_MAX)
		buf_reset(&k->lines);
}

static void tell_stop(struct keep *k)
{
	static const char stop[] = MANAGE_STOP;

	if (!k->is_stopping || k->was_told || k->manage_fd < 0)
		return;
	k->was_told = send(k->manage_fd, stop, strlen(stop), MSG_NOSIGNAL) ==
		      (ssize_t)strlen(stop);
}

static void on_manage(void *arg, uint32_t events)
{
	struct keep *k = arg;
	size_t room;
	uint8_t *space = buf_space(&k->lines, MANAGE_LINE_MAX, &room);
	ssize_t n = read(k->manage_fd, space, room);

	(void)events;
	if (n > 0) {
		buf_commit(&k->lines, (size_t)n);
		read_lines(k);
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	loop_watch_del(k->loop, &k->manage_watch);
	mem_auto_close(&k->manage_fd);
	k->manage_fd = -1;
}

static void connect_manage(struct keep *k)
{
	char text[FOLDER_PATH_MAX + 8];
	struct sock_addr at;

	(void)snprintf(text, sizeof(text), "unix:%s", k->machine.spec.manage);
	if (k->manage_fd >= 0 || !sock_addr_parse(&at, span_str(text)) ||
	    sock_connect(&k->manage_fd, &at))
		return;
	if (loop_watch_add(k->loop, &k->manage_watch, k->manage_fd, EPOLLIN,
			   on_manage, k) == RC_OK)
		return;
	mem_auto_close(&k->manage_fd);
	k->manage_fd = -1;
}

/* QEMU listens before it answers: then the machine is made. */
static void ask_first(struct keep *k)
{
	char ignored[MONITOR_ERROR_MAX];
	struct monitor m;

	if (access(k->machine.spec.qmp, F_OK) != 0 ||
	    monitor_open(&m, k->machine.spec.qmp, QMP_FIRST_MS, ignored))
		return;
	monitor_close(&m);
	k->is_answering = true;
	tell_ready(k, "ok\n");
}

static void on_tick(void *arg)
{
	struct keep *k = arg;

	if (k->run.qemu <= 0)
		return;
	if (!k->is_answering)
		ask_first(k);
	if (k->is_answering)
		connect_manage(k);
	tell_stop(k);
	loop_timer_arm(k->loop, &k->tick, loop_now_ms(k->loop) + TICK_MS);
}

static void bound_log(struct keep *k, const char *file)
{
	char path[FOLDER_PATH_MAX], old[FOLDER_PATH_MAX];
	struct stat st;

	folder_state(path, k->name, file);
	if (stat(path, &st) != 0 || st.st_size <= LOG_MAX)
		return;
	(void)snprintf(old, sizeof(old), "%.120s.1", path);
	/* Where a copy cannot be kept, the bound comes first. */
	(void)fmt_copy(old, path, 0600);
	(void)!truncate(path, 0);
}

static void on_bound(void *arg)
{
	struct keep *k = arg;

	bound_log(k, "serial.log");
	bound_log(k, "run.log");
	loop_timer_arm(k->loop, &k->bound, loop_now_ms(k->loop) + BOUND_MS);
}

static void on_stop_late(void *arg)
{
	struct keep *k = arg;

	if (k->run.qemu <= 0)
		return;
	say(k, "the guest does not end; QEMU is ended");
	(void)kill(k->run.qemu, SIGKILL);
}

static void on_signal(void *arg, int signal)
{
	struct keep *k = arg;

	(void)signal;
	if (k->is_stopping)
		return;
	k->is_stopping = true;
	tell_stop(k);
	loop_timer_arm(k->loop, &k->stop,
		       loop_now_ms(k->loop) + VM_KEEP_STOP_MS);
}

static bool has_step(const struct keep *k, const char *step)
{
	for (size_t i = 0; i < k->run.step_count; i++) {
		if (strcmp(k->run.steps[i].step, step) == 0)
			return true;
	}
	return false;
}

static void explain_end(struct keep *k, int status)
{
	char *why = k->run.why;

	if (k->is_stopping)
		(void)snprintf(why, FOLDER_WHY_MAX, "%s",
			       WIFEXITED(status) ? "stopped"
						 : "stopped by force");
	else if (WIFSIGNALED(status))
		(void)snprintf(why, FOLDER_WHY_MAX,
			       "QEMU was ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		(void)snprintf(why, FOLDER_WHY_MAX,
			       "QEMU ended with status %d; see run.log",
			       WEXITSTATUS(status));
	else if (has_step(k, MANAGE_REFUSED))
		(void)snprintf(why, FOLDER_WHY_MAX,
			       "the guest refused to start");
	else
		(void)snprintf(why, FOLDER_WHY_MAX, "the guest powered off");
}

static void on_qemu_end(void *arg, uint32_t events)
{
	struct keep *k = arg;
	int status;

	(void)events;
	if (waitpid(k->run.qemu, &status, WNOHANG) != k->run.qemu)
		return;
	/* What it still said. */
	if (k->manage_fd >= 0)
		on_manage(k, 0);
	explain_end(k, status);
	k->run.qemu = 0;
	/* Which may be due in this turn of the loop, too. */
	loop_timer_disarm(k->loop, &k->tick);
	loop_timer_disarm(k->loop, &k->stop);
	loop_stop(k->loop);
}

/* All of it. */

static bool start(struct keep *k)
{
	k->tick = (struct loop_timer){ .fn = on_tick, .arg = k };
	k->bound = (struct loop_timer){ .fn = on_bound, .arg = k };
	k->stop = (struct loop_timer){ .fn = on_stop_late, .arg = k };
	k->run.keeper = getpid();
	if (loop_new(&k->loop) || loop_signals(k->loop, on_signal, k)) {
		(void)snprintf(k->error, ERROR_MAX, "no event loop");
		return false;
	}
	if (!end_left(k) || !make_run_folder(k) || !launch_td(k) ||
	    !open_tap(k) || !start_qemu(k))
		return false;
	if (loop_watch_add(k->loop, &k->qemu_watch, k->pid_fd, EPOLLIN,
			   on_qemu_end, k)) {
		(void)snprintf(k->error, ERROR_MAX, "QEMU cannot be watched");
		return false;
	}
	loop_timer_arm(k->loop, &k->tick, loop_now_ms(k->loop));
	loop_timer_arm(k->loop, &k->bound, loop_now_ms(k->loop) + BOUND_MS);
	return true;
}

static void end(struct keep *k)
{
	char path[FOLDER_PATH_MAX], ignored[PLATFORM_ERROR_MAX];

	if (k->run.qemu > 0) {
		(void)kill(k->run.qemu, SIGKILL);
		(void)waitpid(k->run.qemu, NULL, 0);
		k->run.qemu = 0;
	}
	if (*k->td) /* gone with the platform, where that is gone */
		(void)platform_stop(k->machine.settings.control, k->td,
				    ignored);
	folder_run(path, k->name, "");
	(void)fmt_remove_tree(path); /* sockets nobody listens at */
	k->run.ended_unix_ms = clock_unix_ms();
	note(k);
}

static int keep_locked(struct keep *k)
{
	int status = CLI_OK;

	if (start(k)) {
		if (loop_run(k->loop))
			(void)snprintf(k->run.why, FOLDER_WHY_MAX,
				       "the keeper's loop failed");
		if (!k->is_answering)
			(void)snprintf(k->error, ERROR_MAX, "%s", k->run.why);
	} else {
		(void)snprintf(k->run.why, FOLDER_WHY_MAX, "%.120s", k->error);
	}
	end(k);
	say(k, k->run.why);
	if (!k->is_answering) {
		tell_ready(k, fmt(&k->arena, "%s\n", k->error));
		fprintf(stderr, "postern vm: %s: %s\n", k->name, k->error);
		status = CLI_REFUSED;
	}
	return status;
}

int vm_keep(const char *name, int ready_fd)
{
	struct keep k = { .name = name,
			  .lock = -1,
			  .ready_fd = ready_fd,
			  .tap_fd = -1,
			  .pid_fd = -1,
			  .manage_fd = -1 };
	int status = CLI_REFUSED;
	enum rc rc;

	(void)signal(SIGPIPE, SIG_IGN);
	if (ready_fd >= 0) /* nothing of QEMU's */
		(void)fcntl(ready_fd, F_SETFD, FD_CLOEXEC);
	arena_init(&k.arena, VM_MACHINE_ARENA_MAX);
	buf_init(&k.lines, LINES_MAX);
	rc = vm_machine_read(&k.machine, &k.arena, name, k.error);
	if (!rc) {
		rc = folder_lock(&k.lock, name);
		if (rc)
			(void)snprintf(k.error, ERROR_MAX, "%s",
				       rc == RC_DENIED ? "it runs already"
						       : strerror(errno));
	}
	if (rc) {
		tell_ready(&k, fmt(&k.arena, "%s\n", k.error));
		fprintf(stderr, "postern vm: %s: %s\n", name, k.error);
	} else {
		status = keep_locked(&k);
		/* Who locks it next is not to be taken for us. */
		(void)!ftruncate(k.lock, 0);
	}
	if (k.loop)
		loop_free(k.loop);
	mem_auto_close(&k.manage_fd);
	mem_auto_close(&k.pid_fd);
	mem_auto_close(&k.tap_fd);
	mem_auto_close(&k.lock);
	buf_fini(&k.lines);
	arena_fini(&k.arena);
	return status;
}
