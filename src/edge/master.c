#include "edge/master.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "edge/desk.h"
#include "edge/epoch.h"
#include "edge/handover.h"
#include "edge/issued.h"
#include "edge/notify.h"
#include "edge/reload.h"
#include "edge/upgrade.h"
#include "io/clock.h"
#include "io/sandbox.h"

enum {
	LOOK_MS = 1000, /* at the counters, for their rates */
};

/* Logs why the start fails; errno is the reason unless 'why' is given. */
static bool fail_start(const struct master *m, const char *what,
		       const char *why)
{
	if (why)
		log_event(&m->log, LOG_ERROR, "start_failed",
			  LSTR("what", what), LSTR("reason", why));
	else
		log_event(&m->log, LOG_ERROR, "start_failed",
			  LSTR("what", what), LERRNO("reason", errno));
	return false;
}

bool master_reload(struct master *m, char error[MESSAGE_TEXT_MAX])
{
	bool is_good;

	notify_send("RELOADING=1");
	is_good = courier_run(&m->courier, COURIER_MAY, error);
	notify_send("READY=1");
	if (is_good)
		courier_settle(&m->courier);
	if (is_good) {
		m->reloads++;
		log_event(&m->log, LOG_INFO, "reloaded",
			  LU64("generation", m->generation));
	} else {
		m->reloads_failed++;
		log_event(&m->log, LOG_ERROR, "reload_failed",
			  LSTR("reason", error));
	}
	return is_good;
}

bool master_take(struct master *m, char error[MESSAGE_TEXT_MAX])
{
	return courier_run(&m->courier, COURIER_MUST, error);
}

static const char *keys_socket(void *arg)
{
	const struct master *m = arg;

	return m->setup->config.cert.keys;
}

void master_set_level(struct master *m, enum log_level level)
{
	m->log.max = level;
	crew_set_level(&m->crew, level);
	log_event(&m->log, LOG_INFO, "log_level", LU64("level", level));
}

/* ---- the operator's sockets ---- */

bool master_open_desk(struct master *m)
{
	const char *at;

	return desk_open(m, &at) ? fail_start(m, at, NULL) : true;
}

/* Somebody may ask for rates, at any time. */
static void on_look(void *arg)
{
	struct master *m = arg;

	rates_look(&m->rates, m->board, loop_now_ms(m->loop));
	loop_timer_arm(m->loop, &m->look, loop_now_ms(m->loop) + LOOK_MS);
}

/* ---- drain ---- */

static void on_drained(void *arg)
{
	struct master *m = arg;

	loop_stop(m->loop);
}

void master_retire(struct master *m)
{
	m->state = MASTER_DRAINING;
	courier_end(&m->courier);
	sockets_fini(&m->sockets);
	crew_drain(&m->crew);
}

static void drain(struct master *m)
{
	uint64_t connections = crew_connections(&m->crew);

	if (m->state == MASTER_STARTING || m->state == MASTER_TAKING) {
		m->status = EXIT_FAILURE;
		loop_stop(m->loop);
		return;
	}
	notify_send("STOPPING=1");
	master_retire(m);
	log_event(&m->log, LOG_INFO, "draining",
		  LU64("connections", connections));
}

/* ---- the start ---- */

static void serve(struct master *m)
{
	bool is_good = master_open_desk(m);

	if (is_good && notify_pid_file(m->setup->config.pid_file, getpid()))
		is_good = fail_start(m, "pid_file", NULL);
	if (!is_good) {
		m->status = EXIT_FAILURE;
		loop_stop(m->loop);
		return;
	}
	crew_begin(&m->crew);
	m->state = MASTER_SERVING;
	if (m->admin || m->metrics)
		on_look(m);
	courier_settle(&m->courier);
	if (m->options.is_takeover) {
		loop_watch_del(m->loop, &m->before);
		(void)handover_say(HANDOVER_FD, MESSAGE_SERVING, "");
		(void)close(HANDOVER_FD);
	} else {
		notify_send("READY=1");
	}
	log_event(&m->log, LOG_INFO, "ready", LU64("workers", m->crew.count),
		  LU64("listeners", m->setup->config.listen.count),
		  LU64("connections_max", m->setup->config.limits.connections));
}

/* The one before has freed its sockets, or is gone: either way it is us now. */
static void on_before(void *arg, uint32_t events)
{
	AUTO(passfd_fini)
	struct passfd p = { 0 };
	struct master *m = arg;
	struct message message;
	enum rc rc = passfd_recv(HANDOVER_FD, &p, 0);

	(void)events;
	if (rc == RC_LIMIT)
		return;
	if (rc == RC_OK && message_read(&message, &p) == RC_OK &&
	    message.type == MESSAGE_GO && m->state == MASTER_TAKING) {
		serve(m);
		return;
	}
	(void)fail_start(m, "takeover", "the old process went away");
	m->status = EXIT_FAILURE;
	loop_stop(m->loop);
}

static void on_ready(void *arg)
{
	struct master *m = arg;

	if (!m->options.is_takeover) {
		serve(m);
		return;
	}
	m->state = MASTER_TAKING;
	if (handover_say(HANDOVER_FD, MESSAGE_TAKING, "") == RC_OK)
		return;
	m->status = EXIT_FAILURE;
	loop_stop(m->loop);
}

static void on_failed(void *arg)
{
	struct master *m = arg;

	(void)fail_start(m, "workers", "one does not start");
	m->status = EXIT_FAILURE;
	loop_stop(m->loop);
}

static void on_signals(void *arg, uint32_t events)
{
	char error[MESSAGE_TEXT_MAX];
	struct signalfd_siginfo info;
	struct master *m = arg;

	(void)events;
	while (read(m->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGHUP:
			(void)master_reload(m, error); /* logged */
			break;
		case SIGUSR2:
			(void)upgrade_start(m, error); /* logged */
			break;
		default:
			drain(m);
		}
	}
}

static bool watch_signals(struct master *m)
{
	static const int taken[] = { SIGHUP, SIGINT, SIGTERM, SIGUSR2 };
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		sigaddset(&set, taken[i]);
	/* A log nobody reads any more must not end the gateway. */
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return false;
	m->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return m->signal_fd >= 0 &&
	       loop_watch_add(m->loop, &m->signals, m->signal_fd, EPOLLIN,
			      on_signals, m) == RC_OK;
}

/* As many descriptors as may be: workers inherit the limit. */
static void raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	files.rlim_cur = files.rlim_max;
	/* If it stays as it is, each worker sees that. */
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

/* The program as it is now, whatever happens to its file; and where the next
 * version will be found. */
static bool find_self(struct master *m)
{
	static const char gone[] = " (deleted)";
	ssize_t n = readlink("/proc/self/exe", m->exe_path,
			     sizeof(m->exe_path) - 1);
	size_t len = n > 0 ? (size_t)n : 0, tail = sizeof(gone) - 1;

	if (len == 0)
		return false;
	m->exe_path[len] = '\0';
	if (len > tail && strcmp(m->exe_path + len - tail, gone) == 0)
		m->exe_path[len - tail] = '\0';
	m->exe_fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	return m->exe_fd >= 0;
}

static bool take_over(struct master *m, struct handover *h)
{
	enum rc rc;

	if (!m->options.is_takeover)
		return true;
	if (fcntl(HANDOVER_FD, F_SETFD, FD_CLOEXEC) != 0)
		return fail_start(m, "takeover", NULL);
	rc = handover_receive(h, HANDOVER_FD);
	if (rc)
		return fail_start(m, "takeover", rc_name(rc));
	m->sockets = h->sockets;
	h->sockets = (struct sockets){ 0 };
	m->next_socket_id = (uint32_t)m->sockets.count;
	m->kept = h->kept;
	h->kept = (struct files){ 0 };
	if (loop_watch_add(m->loop, &m->before, HANDOVER_FD, EPOLLIN, on_before,
			   m))
		return fail_start(m, "takeover", NULL);
	return true;
}

static void start_crew(struct master *m)
{
	const struct crew_options options = {
		.loop = m->loop,
		.log = &m->log,
		.board = m->board,
		.board_fd = m->board_fd,
		.exe_fd = m->exe_fd,
		.ready = on_ready,
		.failed = on_failed,
		.drained = on_drained,
		.arg = m,
	};
	const struct crew_setup setup = reload_crew_setup(m);

	crew_start(&m->crew, &options, &setup);
}

/* Says to the one before why its place is not taken. */
static bool refuse(struct master *m, const char *what, const char *why)
{
	(void)fail_start(m, what, why);
	if (m->options.is_takeover)
		(void)handover_say(HANDOVER_FD, MESSAGE_FAILED,
				   why ? why : what);
	return false;
}

/* With what the master before us had. */
static void init_courier(struct master *m)
{
	const struct courier_options options = {
		.loop = m->loop,
		.log = &m->log,
		.keys_path = keys_socket,
		.use = reload_change,
		.arg = m,
	};
	struct span issued;

	courier_init(&m->courier, &options);
	if (issued_find(&m->kept, &issued))
		(void)!buf_add(&m->courier.document, issued); /* it fits */
}

static bool start(struct master *m)
{
	AUTO(handover_fini)
	struct handover h = { 0 };
	char error[MESSAGE_TEXT_MAX], why[256];
	size_t i;

	if (sandbox_basics())
		return fail_start(m, "basics", NULL);
	raise_limits();
	if (!find_self(m))
		return fail_start(m, "/proc/self/exe", NULL);
	if (loop_new(&m->loop) || !watch_signals(m))
		return fail_start(m, "loop", NULL);
	if (!take_over(m, &h))
		return false;
	if (!epoch_find(&m->tickets, &m->kept))
		tickets_init(&m->tickets, loop_now_ms(m->loop));
	init_courier(m);
	files_fini(&m->kept); /* a copy would outlive its epoch */
	if (!reload_first(m, error))
		return refuse(m, "setup", error);
	loop_timer_arm(m->loop, &m->epoch, m->tickets.ends_at_ms);
	/* What is bound later at a reload may be a low port. */
	if (sandbox_drop(1ull << CAP_NET_BIND_SERVICE, NULL) &&
	    sandbox_drop(0, NULL))
		return refuse(m, "capabilities", NULL);
	if (*m->setup->config.store &&
	    store_open(&m->store, m->setup->config.store, STORE_READ, 0, why))
		return refuse(m, "store", why);
	if (board_new(&m->board, &m->board_fd,
		      (uint32_t)m->setup->config.workers))
		return refuse(m, "board", NULL);
	for (i = 0; i < h.drained_count; i++)
		(void)board_drain(m->board, h.drained[i]); /* as many fit */
	m->generation = 1;
	start_crew(m);
	return true;
}

static void finish(struct master *m)
{
	desk_close(m);
	crew_fini(&m->crew);
	if (m->next.pid > 0)
		(void)kill(m->next.pid, SIGKILL);
	spawn_fini(&m->next);
	sockets_fini(&m->sockets);
	store_close(m->store);
	board_free(m->board);
	mem_auto_close(&m->board_fd);
	mem_auto_close(&m->files_fd);
	mem_auto_close(&m->signal_fd);
	mem_auto_close(&m->exe_fd);
	files_fini(&m->kept);
	courier_fini(&m->courier);
	tickets_wipe(&m->tickets);
	loop_free(m->loop);
	setup_free(m->setup);
}

int master_main(const struct master_options *options)
{
	struct master *m = mem_new(sizeof(*m));
	int status;

	*m = (struct master){
		.options = *options,
		.log = { .fd = STDERR_FILENO,
			 .program = "edge",
			 .max = LOG_INFO },
		.signal_fd = -1,
		.exe_fd = -1,
		.files_fd = -1,
		.board_fd = -1,
		.next = SPAWN_NULL,
		.look = { .fn = on_look, .arg = m },
		.epoch = { .fn = reload_epoch, .arg = m },
		.next_late = { .fn = upgrade_late, .arg = m },
		.status = EXIT_SUCCESS,
		.started_ms = clock_boot_ms(),
	};
	if (!start(m)) {
		m->status = EXIT_FAILURE;
	} else if (loop_run(m->loop)) {
		log_event(&m->log, LOG_ERROR, "loop_failed",
			  LERRNO("reason", errno));
		m->status = EXIT_FAILURE;
	}
	finish(m);
	if (m->status == EXIT_SUCCESS)
		log_event(&m->log, LOG_INFO, "stopped");
	status = m->status;
	free(m);
	return status;
}
