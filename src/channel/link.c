#include "channel/link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem.h"

enum {
	READ_CHUNK = 16 * 1024,
	/* Chunks read in one turn before others get theirs. */
	READ_BUDGET = 8,
	/* Ciphertext waiting for the socket above which nothing more is read:
	 * a peer that does not take answers gets to ask for no more. */
	OUTPUT_HIGH = 128 * 1024,
	/* How long what was said last may take to arrive. */
	LINGER_MS = 2000,
	WHY_MAX = 256,
};

enum phase {
	PHASE_CONNECTING,
	PHASE_HANDSHAKE,
	PHASE_OPEN,
	PHASE_FLUSHING, /* over; what is pending is being sent */
	PHASE_LINGERING, /* our side is shut; waits for the peer's end */
	PHASE_CLOSED,
};

struct link {
	struct link_options options;
	enum phase phase;
	int fd;
	struct loop_watch watch;
	/* the session's deadline, the phase's, or the call of closed() */
	struct loop_timer timer;
	uint64_t phase_at_ms; /* deadline of the phase; UINT64_MAX: none */
	struct tls_conn *tls;
	struct channel *channel; /* from PHASE_OPEN on */
	struct batch_wait wait;
	char why[WHY_MAX];
	/* Our frames on the stack: an owner that frees the link inside a
	 * callback frees it when the last of them returns. */
	unsigned depth;
	bool is_freed;
};

/* ---- the end */

static void stop_io(struct link *l)
{
	loop_watch_del(l->options.loop, &l->watch);
	if (l->fd >= 0)
		(void)close(l->fd);
	l->fd = -1;
	batch_cancel(l->options.batch, &l->wait);
}

/* The first reason stays. */
static void say_why(struct link *l, const char *what, const char *detail)
{
	if (!l->why[0])
		(void)snprintf(l->why, sizeof(l->why), "%s%s%.*s", what,
			       detail[0] ? ": " : "", WHY_MAX / 2, detail);
}

/* Nothing more is sent or read; closed() is called from the timer, where none
 * of our frames are below it. */
static void finish(struct link *l)
{
	if (l->phase == PHASE_CLOSED)
		return;
	l->phase = PHASE_CLOSED;
	stop_io(l);
	loop_timer_arm(l->options.loop, &l->timer,
		       loop_now_ms(l->options.loop));
}

static void destroy(struct link *l)
{
	channel_free(l->channel);
	tls_conn_free(l->tls);
	free(l);
}

static void enter(struct link *l)
{
	l->depth++;
}

static void leave(struct link *l)
{
	if (--l->depth == 0 && l->is_freed)
		destroy(l);
}

/* ---- sending */

/* False: the socket is gone. */
static bool send_some(struct link *l)
{
	struct buf *out = tls_output(l->tls);

	while (buf_span(out).n) {
		struct span s = buf_span(out);
		ssize_t n = send(l->fd, s.p, s.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0) {
			say_why(l, "send", strerrordesc_np(errno));
			return false;
		}
		buf_consume(out, (size_t)n);
	}
	return true;
}

/* Hands what the session has to say to TLS, unless much is waiting already. */
static bool encrypt(struct link *l)
{
	struct buf *plain;

	if (!l->channel || buf_span(tls_output(l->tls)).n > OUTPUT_HIGH)
		return true;
	plain = channel_output(l->channel);
	if (buf_span(plain).n == 0)
		return true;
	if (tls_write(l->tls, buf_span(plain)) != TLS_OK) {
		say_why(l, "tls", tls_conn_error(l->tls));
		return false;
	}
	/* Most of a session's life is waiting: it keeps no storage for that. */
	buf_wipe(plain);
	return true;
}

static bool is_all_sent(const struct link *l)
{
	return (!l->channel || buf_span(channel_output(l->channel)).n == 0) &&
	       buf_span(tls_output(l->tls)).n == 0;
}

/* ---- session events */

static void begin_closing(struct link *l)
{
	if (l->phase >= PHASE_FLUSHING)
		return;
	l->phase = PHASE_FLUSHING;
	l->phase_at_ms = loop_now_ms(l->options.loop) + LINGER_MS;
}

static void pump(struct link *l);
static void push(struct link *l);

static void on_evidence(void *arg, enum rc rc, struct span quote,
			uint64_t leaf_index, uint64_t leaf_count,
			const struct merkle_hash *path, size_t path_count)
{
	struct link *l = arg;
	struct buf log;

	enter(l);
	buf_init(&log, EVENTLOG_MAX);
	if (!rc)
		rc = l->options.eventlog(l->options.arg, &log);
	if (rc)
		channel_refuse(l->channel, CHANNEL_NO_QUOTE, rc_name(rc));
	else
		channel_quoted(l->channel, quote, buf_span(&log), leaf_index,
			       leaf_count, path, path_count,
			       loop_now_ms(l->options.loop));
	buf_fini(&log);
	pump(l);
	push(l);
	leave(l);
}

static void on_session_end(struct link *l, const struct channel_event *e)
{
	static const char *const what[2][2] = {
		{ "refused", "refused by the peer" },
		{ "withdrawn", "withdrawn by the peer" },
	};
	char why[WHY_MAX];

	(void)snprintf(why, sizeof(why), "%s%s%.200s",
		       channel_reason_name(e->reason), e->detail[0] ? ": " : "",
		       e->detail);
	say_why(l, what[e->kind == CHANNEL_WITHDRAWN][e->by_peer], why);
	batch_cancel(l->options.batch, &l->wait);
	begin_closing(l);
}

/* Gives the owner every event that waits. */
static void pump(struct link *l)
{
	struct channel_event e;

	while (l->phase == PHASE_OPEN) {
		channel_next(l->channel, &e);
		if (e.kind == CHANNEL_NOTHING)
			break;
		if (e.kind == CHANNEL_QUOTE) {
			batch_ask(l->options.batch, &l->wait, &e.binder,
				  on_evidence, l);
			continue;
		}
		if (e.kind == CHANNEL_REFUSED || e.kind == CHANNEL_WITHDRAWN)
			on_session_end(l, &e);
		l->options.event(l->options.arg, l, &e);
	}
	secret_wipe(&e, sizeof(e));
}

static bool export_of(void *arg, uint8_t out[32], const char *label,
		      struct span context)
{
	const struct link *l = arg;

	return tls_export(l->tls, out, label, context);
}

static void verify_of(void *arg, struct tee_verdict *out, struct span quote)
{
	struct link *l = arg;

	l->options.verify(l->options.arg, out, quote);
}

/* TLS is up: the session begins, unless TLS cannot name both ends. */
static bool open_session(struct link *l)
{
	const struct link_options *o = &l->options;
	struct channel_params p = {
		.role = o->role,
		.claims = o->claims,
		.manifest = o->manifest,
		.purpose = o->purpose,
		.export = export_of,
		.verify = verify_of,
		.arg = l,
		.step_timeout_ms = o->step_timeout_ms,
		.round_min_ms = o->round_min_ms,
		.talk_ms = o->talk_ms,
	};

	memcpy(p.wg_public, o->wg_public, sizeof(p.wg_public));
	if (strcmp(tls_conn_alpn(l->tls),
		   o->alpn ? o->alpn : CHANNEL_ALPN) != 0 ||
	    !tls_conn_own_spki(l->tls, &p.own_spki) ||
	    !tls_conn_peer_spki(l->tls, &p.peer_spki)) {
		say_why(l, "tls", "no certificate or no protocol");
		return false;
	}
	l->channel = channel_new(&p, loop_now_ms(o->loop));
	l->phase = PHASE_OPEN;
	l->phase_at_ms = UINT64_MAX;
	return true;
}

/* ---- receiving */

/* Ciphertext to TLS.  False: the socket is gone. */
static bool receive(struct link *l)
{
	uint8_t chunk[READ_CHUNK];
	ssize_t n;

	for (int i = 0; i < READ_BUDGET; i++) {
		size_t room = tls_feed_room(l->tls);

		if (room == 0)
			return true;
		if (room > sizeof(chunk))
			room = sizeof(chunk);
		n = recv(l->fd, chunk, room, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0) {
			say_why(l, "receive", strerrordesc_np(errno));
			return false;
		}
		if (n == 0) {
			tls_feed_eof(l->tls);
			return true;
		}
		if (tls_feed(l->tls, span_of(chunk, (size_t)n)))
			return true;
	}
	return true;
}

/* Goes on with the handshake.  False: it failed; an alert may be waiting. */
static bool shake(struct link *l)
{
	switch (tls_handshake(l->tls)) {
	case TLS_OK:
		return open_session(l);
	case TLS_WANT:
		return true;
	case TLS_EOF:
	case TLS_FAILED:
		break;
	}
	say_why(l, "tls", tls_conn_error(l->tls));
	return false;
}

/* Plaintext to the session, as long as it is wanted. */
static void read_session(struct link *l)
{
	uint8_t plain[READ_CHUNK];
	enum tls_status status = TLS_OK;
	size_t n;

	while (l->phase == PHASE_OPEN && status == TLS_OK) {
		status = tls_read(l->tls, plain, sizeof(plain), &n);
		if (status == TLS_OK)
			channel_input(l->channel, span_of(plain, n),
				      loop_now_ms(l->options.loop));
		pump(l);
	}
	if (l->phase != PHASE_OPEN)
		return;
	if (status == TLS_WANT)
		return;
	if (status == TLS_EOF)
		say_why(l, "closed by the peer", "");
	else
		say_why(l, "tls", tls_conn_error(l->tls));
	begin_closing(l);
}

/* After our last byte: reads and forgets, so that a close with unread bytes
 * does not destroy what the peer has yet to read (RFC 1122 §4.2.2.13). */
static void linger(struct link *l)
{
	uint8_t chunk[READ_CHUNK];
	ssize_t n;

	for (int i = 0; i < READ_BUDGET; i++) {
		n = recv(l->fd, chunk, sizeof(chunk), 0);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			return;
		if (n <= 0) {
			finish(l);
			return;
		}
	}
}

/* ---- the loop's side */

static uint64_t deadline(const struct link *l)
{
	uint64_t at = l->phase_at_ms;

	if (l->phase == PHASE_OPEN && channel_deadline(l->channel) < at)
		at = channel_deadline(l->channel);
	return at;
}

/* Sends what can be sent and asks the loop for what is waited for. */
static void push(struct link *l)
{
	struct loop *loop = l->options.loop;
	uint32_t events = 0;

	if (l->phase == PHASE_CLOSED)
		return;
	if (l->phase != PHASE_CONNECTING && l->phase != PHASE_LINGERING) {
		if (!encrypt(l) || !send_some(l)) {
			finish(l);
			return;
		}
	}
	if (is_all_sent(l))
		tls_conn_trim(l->tls);
	if (l->phase == PHASE_FLUSHING && is_all_sent(l)) {
		tls_close(l->tls);
		if (!send_some(l)) {
			finish(l);
			return;
		}
		(void)shutdown(l->fd, SHUT_WR); /* fails: no peer any more */
		l->phase = PHASE_LINGERING;
	}
	if (l->phase == PHASE_CONNECTING || buf_span(tls_output(l->tls)).n)
		events |= EPOLLOUT;
	if (l->phase == PHASE_LINGERING ||
	    (l->phase != PHASE_CONNECTING && l->phase != PHASE_FLUSHING &&
	     buf_span(tls_output(l->tls)).n <= OUTPUT_HIGH))
		events |= EPOLLIN;
	loop_watch_set(loop, &l->watch, events);
	if (deadline(l) == UINT64_MAX)
		loop_timer_disarm(loop, &l->timer);
	else
		loop_timer_arm(loop, &l->timer, deadline(l));
}

static bool connected(struct link *l)
{
	int error = sock_error(l->fd);

	if (error) {
		say_why(l, "connect", strerrordesc_np(error));
		return false;
	}
	l->phase = PHASE_HANDSHAKE;
	return true;
}

static void run(struct link *l, uint32_t events)
{
	if (l->phase == PHASE_CONNECTING && !connected(l)) {
		finish(l);
		return;
	}
	if (l->phase == PHASE_LINGERING) {
		linger(l);
		return;
	}
	if (l->phase == PHASE_FLUSHING) {
		/* Nothing is read any more; a reset shows in send_some(). */
		if (events & (EPOLLERR | EPOLLHUP))
			finish(l);
		return;
	}
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !receive(l)) {
		finish(l);
		return;
	}
	if (l->phase == PHASE_HANDSHAKE && !shake(l)) {
		begin_closing(l);
		return;
	}
	if (l->phase == PHASE_OPEN)
		read_session(l);
}

static void on_socket(void *arg, uint32_t events)
{
	struct link *l = arg;

	enter(l);
	run(l, events);
	push(l);
	leave(l);
}

static void on_timer(void *arg)
{
	struct link *l = arg;
	uint64_t now_ms = loop_now_ms(l->options.loop);

	enter(l);
	if (l->phase == PHASE_CLOSED) {
		l->options.closed(l->options.arg, l, l->why);
	} else if (l->phase == PHASE_OPEN) {
		channel_expire(l->channel, now_ms);
		pump(l);
		push(l);
	} else if (now_ms >= l->phase_at_ms) {
		say_why(l, "handshake timeout", "");
		finish(l);
	}
	leave(l);
}

/* ---- the owner's side */

enum rc link_new(struct link **out, const struct link_options *options, int fd)
{
	struct link *l = mem_new(sizeof(*l));
	enum rc rc;

	*l = (struct link){
		.options = *options,
		.phase = PHASE_CONNECTING,
		.fd = -1,
		.timer = { .fn = on_timer, .arg = l },
		.phase_at_ms = loop_now_ms(options->loop) +
			       options->handshake_timeout_ms,
	};
	rc = tls_conn_new(&l->tls, options->tls, options->server_name);
	if (!rc)
		rc = loop_watch_add(options->loop, &l->watch, fd,
				    EPOLLIN | EPOLLOUT, on_socket, l);
	if (rc) {
		destroy(l);
		return rc;
	}
	l->fd = fd;
	loop_timer_arm(options->loop, &l->timer, l->phase_at_ms);
	*out = l;
	return RC_OK;
}

void link_free(struct link *l)
{
	if (!l || l->is_freed)
		return;
	l->phase = PHASE_CLOSED;
	stop_io(l);
	loop_timer_disarm(l->options.loop, &l->timer);
	l->is_freed = true;
	if (l->depth == 0)
		destroy(l);
}

struct channel *link_channel(struct link *l)
{
	return l->channel;
}

void link_flush(struct link *l)
{
	enter(l);
	pump(l);
	push(l);
	leave(l);
}

void link_close(struct link *l, const char *why)
{
	enter(l);
	say_why(l, why, "");
	begin_closing(l);
	push(l);
	leave(l);
}
