#include "edge/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "edge/epoch.h"
#include "edge/message.h"
#include "edge/prober.h"
#include "edge/report.h"
#include "edge/worker.h"
#include "io/sandbox.h"

enum {
	OTHER_FILES = 128, /* descriptors beside those of connections */
	FILES_A_CONNECTION = 2,
	SAY_MS = 1000,
};

/* A setup that was judged and waits for the word to use it. */
struct next {
	struct setup *setup;
	struct message message;
	int fds[PASSFD_COUNT_MAX]; /* the new listeners */
	size_t fd_count;
};

struct job {
	struct log log;
	struct loop_watch control;
	struct setup *setup;
	struct next next;
	struct board *board;
	struct store *store;
	struct worker worker;
	struct prober *prober; /* in the first worker, else NULL */
	bool is_started;
};

static void say(const struct job *j, enum message_type type, uint64_t a,
		const char *text)
{
	struct message m = { .type = type, .a = a };

	(void)snprintf(m.text, sizeof(m.text), "%s", text);
	/* A master that does not listen will see our end. */
	if (message_send(JOB_CONTROL_FD, &m, NULL, 0, SAY_MS))
		log_event(&j->log, LOG_WARN, "master_silent");
}

static void drop_next(struct next *n)
{
	size_t i;

	setup_free(n->setup);
	for (i = 0; i < n->fd_count; i++)
		mem_auto_close(&n->fds[i]);
	*n = (struct next){ 0 };
}

/* As many connections as the descriptors allow. */
static size_t files_max(const struct job *j)
{
	size_t share = j->setup->config.limits.connections;
	struct rlimit files = { 0 };
	size_t fit = 1;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return share;
	if (files.rlim_cur == RLIM_INFINITY)
		return SIZE_MAX;
	if (files.rlim_cur > OTHER_FILES + FILES_A_CONNECTION)
		fit = (files.rlim_cur - OTHER_FILES) / FILES_A_CONNECTION;
	share = (share + j->board->worker_count - 1) / j->board->worker_count;
	if (fit < share)
		log_event(&j->log, LOG_WARN, "connections_limited",
			  LSTR("reason", "RLIMIT_NOFILE"),
			  LU64("connections", fit), LU64("configured", share));
	return fit;
}

static enum rc lock_down(const struct job *j, const char **what)
{
	const struct sandbox_path paths[] = {
		{ .path = "/dev/null" }, /* the reserve descriptor */
		/* Readers write their place into LMDB's lock file. */
		{ .path = j->store ? j->setup->config.store : NULL,
		  .is_writable = true },
		{ 0 },
	};
	enum rc rc;

	*what = "capabilities";
	if (sandbox_drop(0, NULL))
		return RC_SYS;
	*what = "landlock";
	rc = sandbox_landlock(paths);
	if (rc == RC_UNSUPPORTED)
		log_event(&j->log, LOG_WARN, "no_landlock");
	else if (rc)
		return rc;
	*what = "seccomp";
	return sandbox_seccomp(SANDBOX_DATAPLANE);
}

/* Everything a worker is but its listeners.  It owns j->setup from here on. */
static enum rc start(struct job *j, const struct message *m, int board_fd,
		     const struct tickets *tickets,
		     char error[SETUP_ERROR_MAX])
{
	struct worker_options options = { .log = &j->log,
					  .index = (uint32_t)m->b,
					  .tickets = tickets };
	const char *what = "board";
	char why[256], name[16];
	enum rc rc;

	j->log.max = (enum log_level)j->setup->config.log;
	j->log.format = (enum log_format)j->setup->config.log_format;
	(void)snprintf(name, sizeof(name), "postern-edge/%u",
		       (unsigned)(m->b % 100));
	(void)prctl(PR_SET_NAME, name);
	rc = board_map(&j->board, board_fd);
	if (!rc && m->b >= j->board->worker_count)
		rc = RC_MALFORMED;
	if (!rc && *j->setup->config.store) {
		rc = store_open(&j->store, j->setup->config.store, STORE_READ,
				0, why);
		if (rc) {
			(void)snprintf(error, SETUP_ERROR_MAX, "store: %s",
				       why);
			return rc;
		}
	}
	if (!rc) {
		options.setup = j->setup;
		options.store = j->store;
		options.board = j->board;
		options.files_max = files_max(j);
		what = "loop";
		rc = worker_init(&j->worker, &options);
	}
	if (!rc)
		rc = lock_down(j, &what);
	/* Its thread lives under the sandbox. */
	if (!rc && m->b == 0 && j->store) {
		what = "prober";
		rc = prober_start(&j->prober, &j->setup->config.tunnel, &j->log,
				  j->store, &j->board->health);
	}
	if (rc)
		(void)snprintf(error, SETUP_ERROR_MAX, "%s: %s", what,
			       strerror(errno));
	j->is_started = !rc;
	return rc;
}

static enum rc prepare(struct job *j, struct passfd *p, const struct message *m,
		       char error[SETUP_ERROR_MAX])
{
	size_t first = j->is_started ? 1 : 2, i;
	AUTO(files_fini)
	struct files files = { 0 };
	AUTO(tickets_wipe)
	struct tickets tickets = { 0 };
	enum rc rc = RC_MALFORMED;

	drop_next(&j->next);
	(void)snprintf(error, SETUP_ERROR_MAX, "not a setup");
	if (p->count != first + m->c || m->c > m->id_count)
		return rc;
	if (!files_unpack(&files, p->fds[0]) && epoch_find(&tickets, &files))
		rc = setup_load(&j->next.setup, &files, m->text, error);
	if (!rc && !j->is_started) {
		j->setup = j->next.setup;
		rc = start(j, m, p->fds[1], &tickets, error);
		j->next.setup = NULL;
	}
	if (rc)
		return rc;
	j->next.message = *m;
	for (i = 0; i < m->c; i++) {
		j->next.fds[j->next.fd_count++] = p->fds[first + i];
		p->fds[first + i] = -1;
	}
	return RC_OK;
}

/* Uses what was prepared. */
static bool commit(struct job *j, uint64_t generation)
{
	struct next *n = &j->next;
	const struct message *m = &n->message;
	struct setup *old = j->setup;
	size_t i, first = m->id_count - n->fd_count;

	if (m->type != MESSAGE_SETUP || m->a != generation)
		return false;
	if (n->setup) {
		j->setup = n->setup;
		n->setup = NULL;
		worker_configure(&j->worker, j->setup);
		setup_free(old);
		j->log.max = (enum log_level)j->setup->config.log;
		j->log.format = (enum log_format)j->setup->config.log_format;
		prober_log(j->prober, &j->log);
	}
	for (i = 0; i < n->fd_count; i++) {
		if (worker_listen(&j->worker, m->ids[first + i], n->fds[i]))
			return false;
		n->fds[i] = -1;
	}
	worker_keep_listeners(&j->worker, m->ids, m->id_count);
	drop_next(n);
	return true;
}

static void drain(struct job *j)
{
	if (!j->is_started)
		exit(EXIT_SUCCESS);
	worker_drain(&j->worker);
}

static void obey(struct job *j, struct passfd *p, const struct message *m)
{
	char error[SETUP_ERROR_MAX];

	switch (m->type) {
	case MESSAGE_SETUP:
		if (prepare(j, p, m, error))
			say(j, MESSAGE_FAILED, m->a, error);
		else
			say(j, MESSAGE_PREPARED, m->a, "");
		return;
	case MESSAGE_COMMIT:
		if (!commit(j, m->a)) {
			log_event(&j->log, LOG_ERROR, "commit_failed");
			exit(EXIT_FAILURE);
		}
		return;
	case MESSAGE_ABORT:
		drop_next(&j->next);
		return;
	case MESSAGE_DRAIN:
		drain(j);
		say(j, MESSAGE_DRAINING, 0, "");
		return;
	case MESSAGE_LEVEL:
		j->log.max = (enum log_level)m->a;
		prober_log(j->prober, &j->log);
		return;
	case MESSAGE_REPORT:
		if (p->count == 1)
			report_write(p->fds[0], &j->worker);
		say(j, MESSAGE_REPORTED, m->a, "");
		return;
	case MESSAGE_PREPARED:
	case MESSAGE_FAILED:
	case MESSAGE_DRAINING:
	case MESSAGE_REPORTED:
	case MESSAGE_LISTENER:
	case MESSAGE_DRAINED:
	case MESSAGE_KEPT:
	case MESSAGE_TAKING:
	case MESSAGE_GO:
	case MESSAGE_SERVING:
	case MESSAGE_TYPE_COUNT:
		break;
	}
	log_event(&j->log, LOG_ERROR, "odd_message", LU64("type", m->type));
}

/* False: there is no master any more. */
static bool hear(struct job *j, int timeout_ms)
{
	AUTO(passfd_fini)
	struct passfd p = { 0 };
	struct message m;
	enum rc rc = passfd_recv(JOB_CONTROL_FD, &p, timeout_ms);

	if (rc == RC_LIMIT)
		return true;
	if (rc || message_read(&m, &p))
		return false;
	obey(j, &p, &m);
	return true;
}

static void on_control(void *arg, uint32_t events)
{
	struct job *j = arg;

	(void)events;
	if (hear(j, 0))
		return;
	log_event(&j->log, LOG_WARN, "master_lost");
	loop_watch_del(j->worker.loop, &j->control);
	if (!j->worker.is_draining)
		worker_drain(&j->worker);
}

static void ignore_signals(void)
{
	static const int ignored[] = { SIGPIPE, SIGHUP, SIGINT, SIGTERM,
				       SIGUSR1, SIGUSR2 };
	size_t i;

	for (i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		(void)signal(ignored[i], SIG_IGN);
}

static int run(struct job *j)
{
	if (!hear(j, JOB_READY_MS) || !j->is_started)
		return EXIT_FAILURE;
	if (loop_watch_add(j->worker.loop, &j->control, JOB_CONTROL_FD, EPOLLIN,
			   on_control, j))
		return EXIT_FAILURE;
	if (worker_run(&j->worker) == RC_OK)
		return EXIT_SUCCESS;
	log_event(&j->log, LOG_ERROR, "loop_failed", LERRNO("reason", errno));
	return EXIT_FAILURE;
}

int job_main(void)
{
	struct job j = { .log = { .fd = STDERR_FILENO, .program = "edge" },
			 .worker = { .reserve_fd = -1, .meter = METER_NULL } };
	int status;

	ignore_signals();
	if (sandbox_basics() ||
	    fcntl(JOB_CONTROL_FD, F_SETFD, FD_CLOEXEC) != 0)
		return EXIT_FAILURE;
	status = run(&j);
	drop_next(&j.next);
	prober_stop(j.prober);
	worker_fini(&j.worker);
	store_close(j.store);
	board_free(j.board);
	setup_free(j.setup);
	return status;
}
