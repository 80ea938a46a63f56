#include "vm/monitor.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/clock.h"
#include "io/sock.h"

enum {
	READ_STEP = 16 * 1024,
};

static enum rc say(char error[MONITOR_ERROR_MAX], enum rc rc, const char *what)
{
	(void)snprintf(error, MONITOR_ERROR_MAX, "QMP: %s", what);
	return rc;
}

/* Until the descriptor is ready for 'events'. */
static enum rc wait_fd(int fd, short events, uint64_t end_ms,
		       char error[MONITOR_ERROR_MAX])
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		uint64_t now_ms = clock_boot_ms();
		int n;

		if (now_ms >= end_ms)
			return say(error, RC_LIMIT, "no answer in time");
		n = poll(&p, 1, (int)(end_ms - now_ms));
		if (n > 0)
			return RC_OK;
		if (n < 0 && errno != EINTR)
			return say(error, RC_SYS, "poll failed");
	}
}

static enum rc send_all(int fd, struct span bytes, uint64_t end_ms,
			char error[MONITOR_ERROR_MAX])
{
	while (bytes.n) {
		ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
		enum rc rc;

		if (n > 0) {
			(void)rd_skip(&bytes, (size_t)n); /* n is in bounds */
			continue;
		}
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return say(error, RC_CLOSED, "the connection ended");
		rc = wait_fd(fd, POLLOUT, end_ms, error);
		if (rc)
			return rc;
	}
	return RC_OK;
}

static enum rc receive(struct monitor *m, uint64_t end_ms,
		       char error[MONITOR_ERROR_MAX])
{
	enum rc rc = wait_fd(m->fd, POLLIN, end_ms, error);
	uint8_t *space;
	size_t room;
	ssize_t n;

	if (rc)
		return rc;
	space = buf_space(&m->in, READ_STEP, &room);
	if (room == 0)
		return say(error, RC_LIMIT, "a line that is too long");
	n = read(m->fd, space, room);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		return say(error, RC_CLOSED, "the connection ended");
	if (n > 0)
		buf_commit(&m->in, (size_t)n);
	return RC_OK;
}

/* The next line, read; its bytes stay in the buffer until *used of them are
 * consumed. */
static enum rc next_message(struct qmp_message *out, size_t *used,
			    struct monitor *m, uint64_t end_ms,
			    char error[MONITOR_ERROR_MAX])
{
	for (;;) {
		struct span have = buf_span(&m->in);
		const uint8_t *end = NULL;
		struct span line;

		if (have.n)
			end = memchr(have.p, '\n', have.n);
		if (!end) {
			enum rc rc = receive(m, end_ms, error);

			if (rc)
				return rc;
			continue;
		}
		line = span_of(have.p, (size_t)(end - have.p));
		*used = line.n + 1;
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		arena_fini(&m->arena);
		arena_init(&m->arena, QMP_ARENA_MAX);
		if (qmp_read(out, &m->arena, line))
			return say(error, RC_MALFORMED, "no QMP message");
		return RC_OK;
	}
}

static void give_up(struct monitor *m)
{
	(void)close(m->fd);
	m->fd = -1;
	buf_fini(&m->in);
	arena_fini(&m->arena);
}

static enum rc greet(struct monitor *m, unsigned timeout_ms,
		     char error[MONITOR_ERROR_MAX])
{
	uint64_t end_ms = clock_boot_ms() + timeout_ms;
	struct qmp_message message;
	size_t used;
	enum rc rc = wait_fd(m->fd, POLLOUT, end_ms, error);

	if (!rc && sock_error(m->fd) != 0)
		rc = say(error, RC_CLOSED, "nobody listens");
	if (!rc)
		rc = next_message(&message, &used, m, end_ms, error);
	if (rc)
		return rc;
	buf_consume(&m->in, used);
	if (message.kind != QMP_GREETING)
		return say(error, RC_MALFORMED, "no greeting");
	return monitor_ask(m, NULL, "qmp_capabilities", (struct span){ 0 },
			   timeout_ms, error);
}

enum rc monitor_open(struct monitor *out, const char *path, unsigned timeout_ms,
		     char error[MONITOR_ERROR_MAX])
{
	struct monitor m = { .fd = -1 };
	char text[sizeof("unix:") + 108];
	struct sock_addr at;
	enum rc rc;

	(void)snprintf(text, sizeof(text), "unix:%.108s", path);
	if (!sock_addr_parse(&at, span_str(text)))
		return say(error, RC_SYS, "no socket can have that path");
	if (sock_connect(&m.fd, &at))
		return say(error, RC_CLOSED, "nobody listens");
	buf_init(&m.in, QMP_LINE_MAX);
	arena_init(&m.arena, QMP_ARENA_MAX);
	rc = greet(&m, timeout_ms, error);
	if (rc) {
		give_up(&m);
		return rc;
	}
	*out = m;
	return RC_OK;
}

void monitor_close(struct monitor *m)
{
	give_up(m);
}

/* RC_STALE: it is no answer to our question. */
static enum rc judge(const struct qmp_message *q, uint64_t id,
		     char error[MONITOR_ERROR_MAX])
{
	if (q->kind == QMP_GREETING)
		return say(error, RC_MALFORMED, "a greeting again");
	if (q->kind == QMP_EVENT || !q->has_id || q->id != id)
		return RC_STALE;
	if (q->kind == QMP_RETURN)
		return RC_OK;
	(void)snprintf(error, MONITOR_ERROR_MAX, "QMP: %s: %s", q->word,
		       q->desc);
	return RC_DENIED;
}

enum rc monitor_ask(struct monitor *m, const struct jtree **out,
		    const char *command, struct span arguments,
		    unsigned timeout_ms, char error[MONITOR_ERROR_MAX])
{
	uint64_t end_ms = clock_boot_ms() + timeout_ms;
	uint8_t text[QMP_COMMAND_MAX];
	struct wr w = WR_ARRAY(text);
	struct span bytes;
	enum rc rc;

	qmp_command(&w, command, arguments, ++m->last_id);
	if (!wr_done(&w, &bytes))
		return say(error, RC_LIMIT, "a question that is too long");
	rc = send_all(m->fd, bytes, end_ms, error);
	while (!rc) {
		struct qmp_message q;
		size_t used;

		rc = next_message(&q, &used, m, end_ms, error);
		if (rc)
			break;
		rc = judge(&q, m->last_id, error);
		if (!rc && out)
			*out = q.value;
		/* Texts without escapes are views of the line: it stays in
		 * memory, which the next read may write over. */
		buf_consume(&m->in, used);
		if (rc != RC_STALE)
			break;
		rc = RC_OK;
	}
	return rc;
}
