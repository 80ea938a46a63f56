#include "edge/crew.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "edge/job.h"

enum {
	SEND_MS = 1000,
	REPORT_MS = 1000,
};

static const char *const worker_argv[] = { "postern-edge", "--worker", NULL };

static void launch(struct crew_member *m);

static uint64_t now(const struct crew_member *m)
{
	return loop_now_ms(m->crew->options.loop);
}

static void arm(struct crew_member *m, uint64_t in_ms)
{
	loop_timer_arm(m->crew->options.loop, &m->timer, now(m) + in_ms);
}

static enum rc tell(struct crew_member *m, enum message_type type, uint64_t a)
{
	const struct message message = { .type = type, .a = a };

	return message_send(m->process.control, &message, NULL, 0, SEND_MS);
}

static bool has(const struct crew_member *m, uint32_t id)
{
	size_t i;

	for (i = 0; i < m->id_count; i++)
		if (m->ids[i] == id)
			return true;
	return false;
}

/* Sends a setup: those of its sockets that the worker has by number, the
 * others themselves, and the board to one that is new. */
static enum rc send_setup(struct crew_member *m, const struct crew_setup *setup)
{
	const struct crew *c = m->crew;
	const struct sockets *s = setup->sockets;
	struct message out = { .type = MESSAGE_SETUP,
			       .a = setup->generation,
			       .b = m->index };
	int fds[PASSFD_COUNT_MAX];
	size_t n = 0, i, pass;

	fds[n++] = setup->files_fd;
	if (m->state == CREW_STARTING)
		fds[n++] = c->options.board_fd;
	/* First those it has, then the new ones. */
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < s->count; i++) {
			if (!sockets_is_for(&s->at[i], m->index,
					    (uint32_t)c->count) ||
			    has(m, s->at[i].id) != (pass == 0))
				continue;
			if (out.id_count >= MESSAGE_IDS_MAX ||
			    n >= PASSFD_COUNT_MAX)
				return RC_LIMIT;
			out.ids[out.id_count++] = s->at[i].id;
			if (pass == 0)
				continue;
			fds[n++] = s->at[i].fd;
			out.c++;
		}
	}
	(void)snprintf(out.text, sizeof(out.text), "%s", setup->path);
	return message_send(m->process.control, &out, fds, n, SEND_MS);
}

/* The worker has these sockets now. */
static void note_sockets(struct crew_member *m, const struct crew_setup *setup)
{
	const struct sockets *s = setup->sockets;
	size_t i;

	m->id_count = 0;
	for (i = 0; i < s->count && m->id_count < MESSAGE_IDS_MAX; i++)
		if (sockets_is_for(&s->at[i], m->index,
				   (uint32_t)m->crew->count))
			m->ids[m->id_count++] = s->at[i].id;
	m->generation = setup->generation;
}

static void forget(struct crew_member *m)
{
	struct loop *l = m->crew->options.loop;

	loop_watch_del(l, &m->control);
	loop_watch_del(l, &m->end);
	loop_timer_disarm(l, &m->timer);
	spawn_fini(&m->process);
	m->id_count = 0;
	m->state = CREW_GONE;
	board_forget(m->crew->options.board, m->index);
}

static bool is_over(const struct crew *c)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		if (c->members[i].state != CREW_GONE)
			return false;
	return true;
}

static void restart_later(struct crew_member *m)
{
	if (now(m) - m->started_ms > CREW_LIVED_MS)
		m->delay_ms = 0;
	/* The first time at once: somebody waits in its queue. */
	if (m->delay_ms == 0)
		arm(m, 0);
	else
		arm(m, m->delay_ms);
	m->delay_ms = m->delay_ms ? m->delay_ms * 2 : CREW_DELAY_MIN_MS;
	if (m->delay_ms > CREW_DELAY_MAX_MS)
		m->delay_ms = CREW_DELAY_MAX_MS;
	m->restarts++;
}

static void ended(struct crew_member *m, int status)
{
	struct crew *c = m->crew;
	bool was_ready = m->state == CREW_SERVING || m->state == CREW_READY;

	log_event(c->options.log,
		  m->state == CREW_DRAINING ? LOG_DEBUG : LOG_ERROR,
		  "worker_ended", LU64("worker", m->index),
		  LI64("pid", m->process.pid),
		  LSTR("by", WIFSIGNALED(status) ? "signal" : "exit"),
		  LI64("status", WIFSIGNALED(status) ? WTERMSIG(status)
						     : WEXITSTATUS(status)));
	m->process.pid = 0;
	forget(m);
	if (c->is_draining) {
		if (is_over(c))
			c->options.drained(c->options.arg);
		return;
	}
	/* Before the first time there is nothing to go on with. */
	if (!c->is_begun && !was_ready) {
		c->options.failed(c->options.arg);
		return;
	}
	restart_later(m);
}

static void on_end(void *arg, uint32_t events)
{
	struct crew_member *m = arg;
	struct spawn s = m->process;
	int status;

	(void)events;
	if (spawn_reap(&s, &status))
		ended(m, status);
}

static bool all_ready(const struct crew *c)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		if (c->members[i].state != CREW_READY)
			return false;
	return true;
}

/* A worker that is ready later than the others begins by itself. */
static void begin(struct crew_member *m)
{
	struct crew *c = m->crew;

	if (m->generation != c->setup.generation) {
		/* What it judged is not what counts any more. */
		(void)kill(m->process.pid, SIGKILL);
		return;
	}
	if (tell(m, MESSAGE_COMMIT, m->generation)) {
		(void)kill(m->process.pid, SIGKILL);
		return;
	}
	loop_timer_disarm(c->options.loop, &m->timer);
	note_sockets(m, &c->setup);
	m->state = CREW_SERVING;
	log_event(c->options.log, LOG_DEBUG, "worker_serving",
		  LU64("worker", m->index), LI64("pid", m->process.pid));
}

static void prepared(struct crew_member *m)
{
	struct crew *c = m->crew;

	if (m->state != CREW_STARTING)
		return;
	m->state = CREW_READY;
	if (c->is_begun)
		begin(m);
	else if (all_ready(c))
		c->options.ready(c->options.arg);
}

static void obey(struct crew_member *m, const struct message *message)
{
	if (message->type == MESSAGE_PREPARED) {
		prepared(m);
	} else if (message->type == MESSAGE_FAILED) {
		log_event(m->crew->options.log, LOG_ERROR, "worker_failed",
			  LU64("worker", m->index),
			  LSTR("reason", message->text));
		if (m->state == CREW_STARTING)
			(void)kill(m->process.pid, SIGKILL);
	}
	/* An answer that nobody waits for any more is late. */
}

static void on_control(void *arg, uint32_t events)
{
	AUTO(passfd_fini)
	struct passfd p = { 0 };
	struct crew_member *m = arg;
	struct message message;
	enum rc rc = passfd_recv(m->process.control, &p, 0);

	(void)events;
	if (rc == RC_LIMIT)
		return;
	if (rc || message_read(&message, &p)) {
		/* Its end is told by on_end(). */
		loop_watch_del(m->crew->options.loop, &m->control);
		return;
	}
	obey(m, &message);
}

static void on_timer(void *arg)
{
	struct crew_member *m = arg;

	if (m->state == CREW_GONE) {
		launch(m);
		return;
	}
	log_event(m->crew->options.log, LOG_ERROR, "worker_late",
		  LU64("worker", m->index));
	(void)kill(m->process.pid, SIGKILL);
}

static bool watch(struct crew_member *m)
{
	struct loop *l = m->crew->options.loop;

	return loop_watch_add(l, &m->control, m->process.control, EPOLLIN,
			      on_control, m) == RC_OK &&
	       loop_watch_add(l, &m->end, m->process.pid_fd, EPOLLIN, on_end,
			      m) == RC_OK;
}

static void launch(struct crew_member *m)
{
	struct crew *c = m->crew;

	m->started_ms = now(m);
	if (spawn_start(&m->process, c->options.exe_fd, worker_argv,
			JOB_CONTROL_FD)) {
		log_event(c->options.log, LOG_ERROR, "worker_not_started",
			  LERRNO("reason", errno));
		restart_later(m);
		return;
	}
	m->state = CREW_STARTING;
	m->generation = c->setup.generation;
	arm(m, CREW_START_MS);
	/* One that cannot be told what to do is replaced when it has ended. */
	if (!watch(m) || send_setup(m, &c->setup))
		(void)kill(m->process.pid, SIGKILL);
}

void crew_start(struct crew *c, const struct crew_options *options,
		const struct crew_setup *setup)
{
	size_t i;

	*c = (struct crew){ .options = *options,
			    .setup = *setup,
			    .count = options->board->worker_count };
	for (i = 0; i < c->count; i++) {
		struct crew_member *m = &c->members[i];

		*m = (struct crew_member){
			.crew = c,
			.index = (uint32_t)i,
			.process = SPAWN_NULL,
			.timer = { .fn = on_timer, .arg = m },
		};
		launch(m);
	}
}

void crew_begin(struct crew *c)
{
	size_t i;

	c->is_begun = true;
	for (i = 0; i < c->count; i++)
		if (c->members[i].state == CREW_READY)
			begin(&c->members[i]);
}

void crew_fini(struct crew *c)
{
	size_t i;

	for (i = 0; i < c->count; i++) {
		struct crew_member *m = &c->members[i];

		if (m->process.pid > 0)
			(void)kill(m->process.pid, SIGKILL);
		forget(m);
	}
}

/* Waits for this worker's answer of one of two types. */
static bool await(struct crew_member *m, struct message *out,
		  enum message_type good, enum message_type bad, int timeout_ms)
{
	AUTO(passfd_fini)
	struct passfd p = { 0 };

	do {
		if (passfd_recv(m->process.control, &p, timeout_ms) ||
		    message_read(out, &p))
			return false;
		/* What is late of another question is not it. */
	} while (out->type != good && out->type != bad);
	return out->type == good;
}

static bool judge(struct crew_member *m, const struct crew_setup *setup,
		  char error[MESSAGE_TEXT_MAX])
{
	struct message answer = { 0 };

	do {
		if (!await(m, &answer, MESSAGE_PREPARED, MESSAGE_FAILED,
			   CREW_ANSWER_MS)) {
			(void)snprintf(error, MESSAGE_TEXT_MAX,
				       "worker %u: %.900s", m->index,
				       answer.type == MESSAGE_FAILED
					       ? answer.text
					       : "no answer");
			return false;
		}
	} while (answer.a != setup->generation);
	return true;
}

bool crew_change(struct crew *c, const struct crew_setup *setup,
		 char error[MESSAGE_TEXT_MAX])
{
	struct crew_member *m;
	bool is_good = true;
	size_t i;

	/* All at once, so that they judge side by side. */
	for (i = 0; i < c->count; i++) {
		m = &c->members[i];
		if (m->state != CREW_SERVING)
			continue;
		if (!send_setup(m, setup))
			continue;
		(void)snprintf(error, MESSAGE_TEXT_MAX,
			       "worker %u cannot be told", m->index);
		is_good = false;
	}
	for (i = 0; i < c->count && is_good; i++)
		if (c->members[i].state == CREW_SERVING)
			is_good = judge(&c->members[i], setup, error);
	for (i = 0; i < c->count; i++) {
		m = &c->members[i];
		if (m->state != CREW_SERVING)
			continue;
		/* One that cannot be told any more is replaced by one that
		 * begins with what counts then. */
		if (tell(m, is_good ? MESSAGE_COMMIT : MESSAGE_ABORT,
			 setup->generation))
			(void)kill(m->process.pid, SIGKILL);
		else if (is_good)
			note_sockets(m, setup);
	}
	if (is_good)
		c->setup = *setup;
	return is_good;
}

void crew_drain(struct crew *c)
{
	struct message answer;
	struct crew_member *m;
	size_t i;

	c->is_draining = true;
	for (i = 0; i < c->count; i++) {
		m = &c->members[i];
		loop_timer_disarm(c->options.loop, &m->timer);
		if (m->state == CREW_GONE)
			continue;
		if (tell(m, MESSAGE_DRAIN, 0))
			(void)kill(m->process.pid, SIGKILL);
	}
	for (i = 0; i < c->count; i++) {
		m = &c->members[i];
		if (m->state == CREW_SERVING)
			(void)await(m, &answer, MESSAGE_DRAINING,
				    MESSAGE_DRAINING, SEND_MS);
		if (m->state != CREW_GONE)
			m->state = CREW_DRAINING;
	}
	if (is_over(c))
		c->options.drained(c->options.arg);
}

void crew_set_level(struct crew *c, enum log_level level)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		if (c->members[i].state == CREW_SERVING)
			(void)tell(&c->members[i], MESSAGE_LEVEL, level);
}

static void add_file(struct buf *out, int fd)
{
	uint8_t part[4096];
	ssize_t n;

	(void)lseek(fd, 0, SEEK_SET); /* memory */
	while ((n = read(fd, part, sizeof(part))) > 0)
		if (!buf_add(out, span_of(part, (size_t)n)))
			return;
}

void crew_report(struct crew *c, struct buf *out)
{
	const struct message ask = { .type = MESSAGE_REPORT };
	struct message answer;
	size_t i;

	for (i = 0; i < c->count; i++) {
		struct crew_member *m = &c->members[i];
		AUTO(mem_auto_close)
		int fd = -1;

		if (m->state != CREW_SERVING)
			continue;
		fd = memfd_create("postern-edge-report", MFD_CLOEXEC);
		if (fd < 0 ||
		    message_send(m->process.control, &ask, &fd, 1, SEND_MS))
			continue;
		if (await(m, &answer, MESSAGE_REPORTED, MESSAGE_REPORTED,
			  REPORT_MS))
			add_file(out, fd);
	}
}

uint64_t crew_connections(const struct crew *c)
{
	uint64_t n = 0;
	size_t i, s;

	for (i = 0; i < c->count; i++)
		for (s = 0; s < BOARD_STATES; s++)
			n += board_get(&c->options.board->workers[i].states[s]);
	return n;
}
