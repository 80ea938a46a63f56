#include "edge/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/mem.h"
#include "edge/desk.h"
#include "edge/epoch.h"
#include "edge/handover.h"
#include "edge/issued.h"
#include "edge/master.h"
#include "edge/notify.h"
#include "io/clock.h"

bool upgrade_is_on(const struct master *m)
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
		master_open_desk(m); /* logged; traffic goes on */
}

static void upgrade_done(struct master *m)
{
	upgrade_over(m);
	log_event(&m->log, LOG_INFO, "upgraded", LI64("pid", m->next.pid));
	notify_main_pid(m->next.pid);
	/* It is nobody's child from now on but its supervisor's. */
	m->next.pid = 0;
	spawn_fini(&m->next);
	master_retire(m);
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
		desk_close(m);
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
	if (upgrade_is_on(arg))
		upgrade_failed(arg, "the new process ended");
}

void upgrade_late(void *arg)
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

bool upgrade_start(struct master *m, char error[MESSAGE_TEXT_MAX])
{
	const char *why = NULL;

	if (m->state != MASTER_SERVING)
		why = "not serving";
	else if (upgrade_is_on(m))
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
