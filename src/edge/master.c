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
#include "edge/admin.h"
#include "edge/epoch.h"
#include "edge/handover.h"
#include "edge/issued.h"
#include "edge/notify.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/sandbox.h"

enum {
	ADMIN_MODE = 0600,
	METRICS_MODE = 0666, /* numbers only; a scraper is somebody else */
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

/* ---- setup: at the start and at every reload ---- */

/* What came of reading everything, until it is used. */
struct loaded {
	struct setup *setup;
	struct sockets sockets; /* made of the master's */
	int files_fd;
};

/* Who takes keys takes nothing else: what is on disk nobody may have meant to
 * be used yet. */
static enum rc begin_files(const struct master *m, struct files *f,
			   enum courier_need need, char error[MESSAGE_TEXT_MAX])
{
	struct span issued = buf_span(&m->courier.document);
	enum rc rc = RC_OK;

	if (need == COURIER_MUST)
		rc = files_unpack(f, m->files_fd);
	if (!rc && issued.n)
		rc = issued_keep(f, issued);
	if (rc)
		(void)snprintf(error, MESSAGE_TEXT_MAX, "files: %s",
			       file_why(rc));
	return rc;
}

static enum rc pack(struct master *m, struct loaded *l, struct files *f,
		    char error[MESSAGE_TEXT_MAX])
{
	enum rc rc = RC_OK;

	/* Keys that nobody is to serve any more. */
	if (!l->setup->config.cert.keys && m->courier.document.n)
		rc = issued_keep(f, span_str(""));
	tickets_advance(&m->tickets, loop_now_ms(m->loop));
	if (!rc)
		rc = epoch_keep(f, &m->tickets);
	if (!rc)
		rc = files_pack(f, &l->files_fd);
	if (rc)
		(void)snprintf(error, MESSAGE_TEXT_MAX, "files: %s",
			       file_why(rc));
	return rc;
}

static bool load(struct master *m, struct loaded *out, enum courier_need need,
		 char error[MESSAGE_TEXT_MAX])
{
	AUTO(files_fini)
	struct files files = { 0 };
	struct loaded l = { .files_fd = -1 };
	const char *obstacle = NULL;
	enum rc rc = begin_files(m, &files, need, error);

	if (!rc)
		rc = setup_load(&l.setup, &files, m->options.config, error);
	if (!rc && m->setup)
		obstacle = setup_obstacle(m->setup, l.setup);
	if (obstacle) {
		(void)snprintf(error, MESSAGE_TEXT_MAX,
			       "%s: %s: only an upgrade or a restart can "
			       "change it",
			       m->options.config, obstacle);
		rc = RC_DENIED;
	}
	if (!rc)
		rc = pack(m, &l, &files, error);
	if (!rc)
		rc = sockets_make(&l.sockets, &m->sockets, &l.setup->config,
				  &m->next_socket_id, error);
	if (rc) {
		mem_auto_close(&l.files_fd);
		setup_free(l.setup);
		return false;
	}
	*out = l;
	return true;
}

static void use(struct master *m, struct loaded *l)
{
	setup_free(m->setup);
	mem_auto_close(&m->files_fd);
	m->setup = l->setup;
	m->files_fd = l->files_fd;
	sockets_replace(&m->sockets, &l->sockets);
	m->loaded_unix_ms = clock_unix_ms();
	m->log.max = (enum log_level)m->setup->config.log;
	m->log.format = (enum log_format)m->setup->config.log_format;
}

static struct crew_setup crew_setup(const struct master *m)
{
	return (struct crew_setup){ .generation = m->generation,
				    .path = m->options.config,
				    .files_fd = m->files_fd,
				    .sockets = &m->sockets };
}

/* courier's: everything anew, with what it has, or its document alone. */
static bool change(void *arg, enum courier_need need,
		   char error[MESSAGE_TEXT_MAX])
{
	struct master *m = arg;
	struct crew_setup setup = crew_setup(m);
	struct loaded l;

	if (m->state != MASTER_SERVING) {
		(void)snprintf(error, MESSAGE_TEXT_MAX, "not serving");
		return false;
	}
	if (!load(m, &l, need, error))
		return false;
	setup.generation = m->generation + 1;
	setup.files_fd = l.files_fd;
	setup.sockets = &l.sockets;
	if (!crew_change(&m->crew, &setup, error)) {
		setup_free(l.setup);
		mem_auto_close(&l.files_fd);
		sockets_drop(&l.sockets, &m->sockets);
		/* Its number is spent: a late answer may still name it. */
		m->generation++;
		m->crew.setup.generation = m->generation;
		return false;
	}
	m->generation++;
	use(m, &l);
	m->crew.setup = crew_setup(m);
	return true;
}

/* Workers to come get the new keys alone: the old ones are to be forgotten. */
static void on_epoch(void *arg)
{
	AUTO(files_fini)
	struct files files = { 0 };
	struct master *m = arg;
	int fd = -1;

	tickets_advance(&m->tickets, loop_now_ms(m->loop));
	loop_timer_arm(m->loop, &m->epoch, m->tickets.ends_at_ms);
	if (files_unpack(&files, m->files_fd) ||
	    epoch_keep(&files, &m->tickets) || files_pack(&files, &fd)) {
		log_event(&m->log, LOG_ERROR, "tickets_not_changed",
			  LERRNO("reason", errno));
		return;
	}
	mem_auto_close(&m->files_fd);
	m->files_fd = fd;
	m->crew.setup.files_fd = fd;
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

static void close_servers(struct master *m)
{
	http_server_free(m->admin);
	http_server_free(m->metrics);
	m->admin = m->metrics = NULL;
}

static bool open_servers(struct master *m)
{
	const struct edge_config *c = &m->setup->config;
	const char *at = c->admin;
	enum rc rc = RC_OK;

	if (*c->admin)
		rc = http_server_new(&m->admin, m->loop, at, ADMIN_MODE,
				     admin_answer, m);
	if (!rc && *c->admin && c->admin_uid)
		rc = http_server_admit(m->admin, (uid_t)c->admin_uid);
	if (!rc && *c->metrics) {
		at = c->metrics;
		rc = http_server_new(&m->metrics, m->loop, at, METRICS_MODE,
				     admin_metrics, m);
	}
	return rc ? fail_start(m, at, NULL) : true;
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

/* Our copies of the sockets go first: once the workers say that theirs are
 * closed nobody listens, unless another master does. */
static void drain(struct master *m)
{
	uint64_t connections = crew_connections(&m->crew);

	if (m->state == MASTER_STARTING || m->state == MASTER_TAKING) {
		m->status = EXIT_FAILURE;
		loop_stop(m->loop);
		return;
	}
	m->state = MASTER_DRAINING;
	courier_end(&m->courier);
	notify_send("STOPPING=1");
	sockets_fini(&m->sockets);
	crew_drain(&m->crew);
	log_event(&m->log, LOG_INFO, "draining",
		  LU64("connections", connections));
}

/* ---- upgrade: the old master's side ---- */

bool master_is_upgrading(const struct master *m)
{
	return m->next.pid > 0;
}

static void upgrade_over(struct master *m)
{
	loop_watch_del(m->loop, &m->next_control);
	loop_watch_del(m->loop, &m->next_end);
	loop_timer_disarm(m->loop, &m->next_late);
}

static void upgrade_failed(struct master *m, const char *why)
{
	upgrade_over(m);
	(void)kill(m->next.pid, SIGKILL); /* a child that was not waited for */
	spawn_fini(&m->next);
	(void)snprintf(m->next_error, sizeof(m->next_error), "%s", why);
	log_event(&m->log, LOG_ERROR, "upgrade_failed", LSTR("reason", why));
	if (!m->admin && !m->metrics)
		(void)open_servers(m); /* logged; traffic goes on */
}

static void upgrade_done(struct master *m)
{
	upgrade_over(m);
	log_event(&m->log, LOG_INFO, "upgraded", LI64("pid", m->next.pid));
	notify_main_pid(m->next.pid);
	/* It is nobody's child from now on but its supervisor's. */
	m->next.pid = 0;
	spawn_fini(&m->next);
	m->state = MASTER_DRAINING;
	courier_end(&m->courier);
	sockets_fini(&m->sockets);
	crew_drain(&m->crew);
}

static void on_next(void *arg, uint32_t events)
{
	AUTO(passfd_fini)
	struct passfd p = { 0 };
	struct master *m = arg;
	struct message message;
	enum rc rc = passfd_recv(m->next.control, &p, 0);

	(void)events;
	if (rc == RC_LIMIT)
		return;
	if (rc || message_read(&message, &p)) {
		upgrade_failed(m, "the new process went away");
		return;
	}
	if (message.type == MESSAGE_TAKING) {
		close_servers(m);
		if (handover_say(m->next.control, MESSAGE_GO, ""))
			upgrade_failed(m, "the new process went away");
	} else if (message.type == MESSAGE_SERVING) {
		upgrade_done(m);
	} else {
		upgrade_failed(m, message.text);
	}
}

static void on_next_end(void *arg, uint32_t events)
{
	(void)events;
	/* What it said before is heard first. */
	on_next(arg, 0);
	if (master_is_upgrading(arg))
		upgrade_failed(arg, "the new process ended");
}

static void on_next_late(void *arg)
{
	upgrade_failed(arg, "the new process is not ready in time");
}

static bool start_next(struct master *m)
{
	const char *const argv[] = { m->options.argv[0], "--config",
				     m->options.config, "--takeover", NULL };
	AUTO(mem_auto_close)
	int exe = open(m->exe_path, O_PATH | O_CLOEXEC);

	return exe >= 0 &&
	       spawn_start(&m->next, exe, argv, HANDOVER_FD) == RC_OK;
}

bool master_upgrade(struct master *m, char error[MESSAGE_TEXT_MAX])
{
	const char *why = NULL;

	if (m->state != MASTER_SERVING)
		why = "not serving";
	else if (master_is_upgrading(m))
		why = "one is on its way";
	else if (!start_next(m))
		why = strerror(errno);
	if (why) {
		(void)snprintf(error, MESSAGE_TEXT_MAX, "%s", why);
		log_event(&m->log, LOG_ERROR, "upgrade_failed",
			  LSTR("reason", why));
		return false;
	}
	m->next_error[0] = '\0';
	/* Without them clients shake hands in full. */
	(void)epoch_keep(&m->kept, &m->tickets);
	/* And without these they would wait for postern-cert. */
	if (m->courier.document.n)
		(void)issued_keep(&m->kept, buf_span(&m->courier.document));
	log_event(&m->log, LOG_INFO, "upgrading", LI64("pid", m->next.pid));
	loop_timer_arm(m->loop, &m->next_late, clock_boot_ms() + HANDOVER_MS);
	if (loop_watch_add(m->loop, &m->next_control, m->next.control, EPOLLIN,
			   on_next, m) ||
	    loop_watch_add(m->loop, &m->next_end, m->next.pid_fd, EPOLLIN,
			   on_next_end, m) ||
	    handover_send(m->next.control, &m->sockets, m->board, &m->kept)) {
		(void)snprintf(error, MESSAGE_TEXT_MAX,
			       "the new process takes nothing");
		upgrade_failed(m, error);
		files_fini(&m->kept);
		return false;
	}
	files_fini(&m->kept); /* as at the start */
	return true;
}

/* ---- the start ---- */

static void serve(struct master *m)
{
	bool is_good = open_servers(m);

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
			(void)master_upgrade(m, error); /* logged */
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
	const struct crew_setup setup = crew_setup(m);

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
		.use = change,
		.arg = m,
	};
	struct span issued;

	courier_init(&m->courier, &options);
	if (issued_find(&m->kept, &issued))
		(void)!buf_add(&m->courier.document, issued); /* it fits */
}

/* The configuration says whom to ask for certificates; one that cannot be used
 * is not there yet, and asked for again. */
static bool load_first(struct master *m, char error[MESSAGE_TEXT_MAX])
{
	struct loaded l;

	if (!load(m, &l, COURIER_MAY, error)) {
		if (m->courier.document.n == 0)
			return false;
		buf_wipe(&m->courier.document);
		if (!load(m, &l, COURIER_MAY, error))
			return false;
	}
	use(m, &l);
	if (m->courier.document.n)
		return true;
	courier_begin(&m->courier);
	if (m->courier.document.n == 0)
		return true;
	if (load(m, &l, COURIER_MAY, error)) {
		use(m, &l);
		return true;
	}
	log_event(&m->log, LOG_WARN, "certificates_not_taken",
		  LSTR("reason", error));
	buf_wipe(&m->courier.document);
	return true;
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
	if (!load_first(m, error))
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
	close_servers(m);
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
		.epoch = { .fn = on_epoch, .arg = m },
		.next_late = { .fn = on_next_late, .arg = m },
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
