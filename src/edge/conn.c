#include "edge/conn.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "edge/access.h"
#include "edge/admit.h"
#include "crypto/rng.h"
#include "edge/proxy.h"
#include "edge/relay.h"
#include "edge/requests.h"
#include "edge/sources.h"
#include "edge/worker.h"

enum {
	READS_A_TURN = 8, /* of what is thrown away, before others run */
	LINGER_MS = 2000, /* for the last word to arrive before the end */
	LOOKUP_SLACK_MS = 1000, /* behind the deadline of the DNS's own */
};

/* Whether a state can be left at once for another. */
enum step {
	STEP_WAIT,
	STEP_NEXT,
};

static enum step run_hello(struct conn *c);
static enum step run_lookup(struct conn *c);
static enum step run_handshake(struct conn *c);
static enum step run_request(struct conn *c);
static enum step run_connect(struct conn *c);
static enum step run_relay(struct conn *c);
static enum step run_drain(struct conn *c);

static enum step (*const steps[])(struct conn *c) = {
	[CONN_HELLO] = run_hello,
	[CONN_LOOKUP] = run_lookup,
	[CONN_HANDSHAKE] = run_handshake,
	[CONN_REQUEST] = run_request,
	[CONN_CONNECT] = run_connect,
	[CONN_RELAY] = run_relay,
	[CONN_DRAIN] = run_drain,
};

static const struct edge_timeouts *timeouts(const struct conn *c)
{
	return &c->worker->config->timeouts;
}

static uint64_t now_ms(const struct conn *c)
{
	return loop_now_ms(c->worker->loop);
}

static void arm(struct conn *c, uint64_t in_ms)
{
	loop_timer_arm(c->worker->loop, &c->timer, now_ms(c) + in_ms);
}

const char *conn_state_name(enum conn_state state)
{
	static const char *const names[] = {
		[CONN_HELLO] = "hello",
		[CONN_LOOKUP] = "lookup",
		[CONN_HANDSHAKE] = "handshake",
		[CONN_REQUEST] = "request",
		[CONN_CONNECT] = "connect",
		[CONN_RELAY] = "relay",
		[CONN_DRAIN] = "drain",
		[CONN_DEAD] = "dead",
	};

	return names[state];
}

/* Every change of state but the first and the last comes through here. */
static void enter(struct conn *c, enum conn_state state)
{
	board_counter *states = c->worker->counters->states;

	static_assert((int)CONN_DEAD == (int)BOARD_STATES);
	board_sub(&states[c->state], 1);
	board_add(&states[state], 1);
	c->state = state;
	c->step_ms = now_ms(c);
}

/* A name being looked up: what the route needs again when it is known. */
struct conn_lookup {
	struct domains_waiter waiter;
	struct hello hello; /* borrows the reader */
};

/* End. */

static void end_lookup(struct conn *c)
{
	if (c->lookup)
		domains_leave(&c->lookup->waiter);
	free(STEAL(c->lookup));
}

static void conn_free(void *arg)
{
	struct conn *c = arg;

	free(c);
}

/* What was borrowed goes back; bytes that are still owed are lost. */
static void return_all(struct conn *c)
{
	struct pool *pool = &c->worker->pool;

	buf_reset(&c->up);
	buf_reset(&c->down);
	pool_settle(pool, &c->up);
	pool_settle(pool, &c->down);
	bulk_drop(&c->bulk_up, pool);
	bulk_drop(&c->bulk_down, pool);
	if (!c->tls)
		return;
	pool_settle(pool, tls_input(c->tls));
	pool_settle(pool, tls_output(c->tls));
}

static void conn_close(struct conn *c, bool is_abort)
{
	struct worker *w = c->worker;
	bool is_client_served = c->client.is_shut;

	if (c->state == CONN_DEAD)
		return;
	board_sub(&w->counters->states[c->state], 1);
	c->state = CONN_DEAD;
	end_lookup(c);
	connect_end(c);
	side_close(&c->client, w->loop, is_abort && !is_client_served);
	side_close(&c->backend, w->loop, is_abort);
	loop_timer_disarm(w->loop, &c->timer);
	worker_note_bytes(w, c);
	access_log(w, c);
	worker_remove(w, c);
	hello_reader_fini(&c->reader);
	buf_fini(&c->stream);
	return_all(c);
	tls_conn_free(c->tls);
	requests_free(c->requests);
	loop_defer(w->loop, conn_free, c);
}

void conn_abort(struct conn *c, const char *result)
{
	c->result = c->result ? c->result : result;
	conn_close(c, true);
}

static enum step abort_with(struct conn *c, const char *result)
{
	conn_abort(c, result);
	return STEP_WAIT;
}

/* The last word is in the output: send it, then end. */
static enum step drain(struct conn *c, const char *result)
{
	c->result = c->result ? c->result : result;
	side_close(&c->backend, c->worker->loop, true);
	enter(c, CONN_DRAIN);
	arm(c, LINGER_MS);
	return STEP_NEXT;
}

/* Refuses with an alert, which TLS has not encrypted yet. */
static enum step refuse(struct conn *c, enum tls_alert alert,
			const char *result)
{
	tls_write_alert(&c->down, alert);
	return drain(c, result);
}

/* No backend: says so in the client's protocol, or by an alert. */
static enum step answer(struct conn *c, enum answer_why why)
{
	uint8_t text[ANSWER_MAX];
	struct wr w = WR_ARRAY(text);

	if (!c->tls)
		return refuse(c, TLS_ALERT_INTERNAL_ERROR, answer_reason(why));
	/* Where the edge has no words, close_notify would be a clean end. */
	if (c->route.alpn == CERTS_NONE)
		return drain(c, answer_reason(why));
	answer_write(&w, why, c->route.alpn);
	/* A TLS connection that failed has its alert in the output. */
	(void)tls_write(c->tls, wr_span(&w));
	tls_close(c->tls);
	return drain(c, answer_reason(why));
}

/*
 * A request is refused: says so, where the connection has a place for it.
 * Where it has none a close_notify would be the clean end of something else.
 */
static enum step refuse_request(struct conn *c)
{
	struct requests_refusal why;
	uint8_t text[ANSWER_MAX];
	struct wr w = WR_ARRAY(text);
	struct span piece, none = span_of(NULL, 0);

	requests_refusal(c->requests, &why);
	if (why.status)
		answer_write_refusal(&w, why.status, why.reason);
	if (why.needs_goaway)
		answer_write_goaway(&w, why.error, why.reason);
	/* As in answer(). */
	if (wr_span(&w).n)
		(void)tls_write(c->tls, wr_span(&w));
	else if (c->requests->is_h2)
		while (requests_give(c->requests, &none, &piece) ==
		       REQUESTS_SEND)
			(void)tls_write(c->tls, piece);
	if (wr_span(&w).n || c->requests->is_h2)
		tls_close(c->tls);
	return drain(c, c->requests->result);
}

static enum step refuse_late(struct conn *c)
{
	requests_late(c->requests);
	return refuse_request(c);
}

static void run_again(void *arg)
{
	struct conn *c = arg;

	c->is_deferred = false;
	conn_run(c);
}

/* There is more to do, but others come first. */
static enum step run_later(struct conn *c)
{
	if (!c->is_deferred)
		loop_defer(c->worker->loop, run_again, c);
	c->is_deferred = true;
	return STEP_WAIT;
}

static enum step run_drain(struct conn *c)
{
	enum side_status status;
	size_t n;
	int i;

	status = side_flush(&c->client, relay_owed(c), SIDE_END_FOLLOWS,
			    &c->bytes_down);
	if (status == SIDE_BLOCKED)
		return STEP_WAIT;
	if (status == SIDE_BROKEN)
		return abort_with(c, "client_reset");
	side_shut(&c->client, false);
	/* What the client still sends is read, lest the end be a reset that
	 * overtakes our last word.  The deadline bounds it. */
	for (i = 0; i < READS_A_TURN; i++) {
		status = side_recv(&c->client, c->worker->scratch,
				   c->worker->scratch_len, &n);
		if (status != SIDE_MOVED)
			break;
	}
	if (status == SIDE_MOVED)
		return run_later(c);
	if (status != SIDE_BLOCKED)
		conn_close(c, false);
	return STEP_WAIT;
}

/* HELLO */

/* The first bytes for a backend that asks for them. */
static void add_proxy_header(struct conn *c)
{
	struct sock_addr self = { .len = sizeof(self.un) };
	uint8_t header[PROXY_MAX];
	struct wr w = WR_ARRAY(header);

	static const char *const alpn[CERTS_COUNT] = {
		[CERTS_HTTP1] = "http/1.1",
		[CERTS_H2] = "h2",
	};
	char id[2 * CONN_ID_LEN + 1];
	struct wr hex = WR_ARRAY(id);
	struct proxy_extra extra = { .name = span_str(c->route.name.full) };

	if (!c->route.proxy_protocol)
		return;
	text_hex(&hex, SPAN_ARRAY(c->id));
	extra.id = wr_span(&hex);
	if (c->tls && alpn[c->route.alpn] && *tls_conn_alpn(c->tls))
		extra.alpn = span_str(alpn[c->route.alpn]);
	/* Without our own address it is a LOCAL header. */
	if (getsockname(c->client.fd, &self.sa, &self.len) != 0)
		self = (struct sock_addr){ 0 };
	sock_addr_unmap(&self);
	proxy_write(&w, c->route.proxy_protocol == 1 ? PROXY_V1 : PROXY_V2,
		    &c->peer, &self, &extra);
	(void)!buf_add(&c->up, wr_span(&w)); /* empty until now */
}

static enum step route_pass(struct conn *c)
{
	add_proxy_header(c);
	if (!buf_add(&c->up, buf_span(&c->stream)))
		return refuse(c, TLS_ALERT_INTERNAL_ERROR, "hello_too_large");
	buf_fini(&c->stream);
	enter(c, CONN_CONNECT);
	return STEP_NEXT;
}

/*
 * The name libssl reads is the one that was routed: a second hello, after a
 * HelloRetryRequest, may not ask for another.
 */
static bool is_same_name(void *arg, const char *sni)
{
	struct conn *c = arg;
	const struct edge_config *config = c->worker->config;
	struct span asked = route_name(config, span_str(sni));
	struct name name;

	if (name_parse(&name, asked, span_str(config->base)) == RC_OK &&
	    strcmp(name.full, c->route.name.full) == 0)
		return true;
	c->result = "name_changed";
	return false;
}

/*
 * A ticket is good for the name and the app it was given out for, at the port
 * and in the protocol it was used with: another tenant of this edge can neither
 * take it nor have a client show it.
 */
static bool allow_resumption(struct conn *c)
{
	const uint8_t port[2] = { (uint8_t)(c->route.port >> 8),
				  (uint8_t)c->route.port };
	const uint8_t kind[2] = { c->route.has_app, (uint8_t)c->route.alpn };
	const struct span parts[] = {
		span_str("postern/ticket-scope/v1"),
		SPAN_ARRAY(c->route.app_id),
		SPAN_ARRAY(port),
		SPAN_ARRAY(kind),
		span_str(c->route.name.full),
	};
	struct sha256 scope;

	sha256_parts(&scope, parts, sizeof(parts) / sizeof(parts[0]));
	return tls_conn_resume(c->tls, &c->worker->tickets, &scope);
}

static enum step route_terminate(struct conn *c)
{
	struct tls_context *context =
		c->worker->certs->contexts[c->route.alpn];

	if (tls_conn_new(&c->tls, context, NULL))
		return refuse(c, TLS_ALERT_INTERNAL_ERROR, "tls_failed");
	tls_conn_mind_name(c->tls, is_same_name, c);
	tls_conn_be_light(c->tls, c->worker->engine);
	if (!allow_resumption(c))
		return refuse(c, TLS_ALERT_INTERNAL_ERROR, "tls_failed");
	/* The stream's bound is within what a connection takes. */
	static_assert((int)HELLO_STREAM_MAX <= (int)TLS_INPUT_MAX);
	if (tls_feed(c->tls, buf_span(&c->stream)))
		return abort_with(c, "tls_failed");
	buf_fini(&c->stream);
	enter(c, CONN_HANDSHAKE);
	arm(c, timeouts(c)->handshake);
	return STEP_NEXT;
}

/* Goes where the route says; the hello is not needed any more. */
static enum step follow(struct conn *c)
{
	const char *limited;

	end_lookup(c);
	hello_reader_fini(&c->reader);
	limited = c->route.kind == ROUTE_REFUSE ? NULL
						: admit_app(c->worker, c);
	if (limited) {
		c->route.kind = ROUTE_REFUSE;
		return refuse(c, TLS_ALERT_INTERNAL_ERROR, limited);
	}
	switch (c->route.kind) {
	case ROUTE_PASS:
		return route_pass(c);
	case ROUTE_TERMINATE:
		return route_terminate(c);
	case ROUTE_REFUSE:
	case ROUTE_LOOK_UP: /* never twice */
		break;
	}
	return refuse(c, c->route.alert, c->route.reason);
}

/* LOOKUP */

static void route_by(struct conn *c, const struct hello *hello,
		     const struct domain_answer *answer)
{
	struct route_input in = router_input(&c->worker->router, c->turn);

	in.domain = answer;
	route_choose(&c->route, hello, &in);
}

static void on_answer(void *arg, const struct domain_answer *answer)
{
	struct conn *c = arg;

	route_by(c, &c->lookup->hello, answer);
	if (follow(c) == STEP_NEXT)
		conn_run(c);
}

static enum step look_up(struct conn *c, const struct hello *hello)
{
	uint64_t limit = c->worker->config->dns.timeout + LOOKUP_SLACK_MS;
	struct domain_answer answer;

	c->lookup = mem_new(sizeof(*c->lookup));
	*c->lookup = (struct conn_lookup){
		.waiter = { .fn = on_answer, .arg = c },
		.hello = *hello,
	};
	if (router_look_up(&c->worker->router, &answer, c->route.name.full,
			   sources_id(&c->peer), &c->lookup->waiter)) {
		route_by(c, hello, &answer);
		return follow(c);
	}
	enter(c, CONN_LOOKUP);
	arm(c, limit);
	return STEP_WAIT;
}

static enum step run_lookup(struct conn *c)
{
	(void)c; /* nothing to do but to wait for on_answer() */
	return STEP_WAIT;
}

static enum step route(struct conn *c, const struct hello *hello)
{
	route_by(c, hello, NULL);
	return c->route.kind == ROUTE_LOOK_UP ? look_up(c, hello) : follow(c);
}

static enum step refuse_plain(struct conn *c)
{
	uint8_t text[ANSWER_MAX];
	struct wr w = WR_ARRAY(text);

	if (!answer_is_http(buf_span(&c->stream)))
		return refuse(c, TLS_ALERT_DECODE_ERROR, "not_tls");
	answer_write(&w, ANSWER_PLAIN_HTTP, CERTS_HTTP1);
	(void)!buf_add(&c->down, wr_span(&w)); /* empty until now */
	return drain(c, answer_reason(ANSWER_PLAIN_HTTP));
}

static enum step feed_hello(struct conn *c)
{
	struct hello hello;

	switch (hello_feed(&c->reader, &hello, buf_span(&c->stream))) {
	case HELLO_MORE:
		return STEP_NEXT;
	case HELLO_DONE:
		return route(c, &hello);
	case HELLO_NOT_TLS:
		return refuse_plain(c);
	case HELLO_MALFORMED:
		return refuse(c, TLS_ALERT_DECODE_ERROR, "hello_malformed");
	case HELLO_TOO_LARGE:
		return refuse(c, TLS_ALERT_DECODE_ERROR, "hello_too_large");
	case HELLO_OLD:
		return refuse(c, TLS_ALERT_PROTOCOL_VERSION, "tls_version");
	}
	return STEP_WAIT;
}

/*
 * A load balancer's first word: from here on the connection is that of whom it
 * names, and counts among those of that source.
 */
static enum step feed_proxy(struct conn *c)
{
	struct proxy_header header;
	const char *why;

	switch (proxy_read(&header, buf_span(&c->stream))) {
	case PROXY_MORE:
		return STEP_NEXT;
	case PROXY_MALFORMED:
		return abort_with(c, "bad_proxy");
	case PROXY_DONE:
		break;
	}
	c->has_front = false;
	if (!header.is_local) {
		c->peer = header.from;
		sock_addr_unmap(&c->peer);
		why = admit_named(c->worker, c);
		if (why)
			return abort_with(c, why);
	}
	buf_consume(&c->stream, header.n);
	return c->stream.n ? feed_hello(c) : STEP_NEXT;
}

static enum step run_hello(struct conn *c)
{
	struct worker *w = c->worker;
	size_t cap = buf_room(&c->stream), n;

	if (cap > w->scratch_len)
		cap = w->scratch_len;
	if (cap == 0)
		return refuse(c, TLS_ALERT_DECODE_ERROR, "hello_too_large");
	switch (side_recv(&c->client, w->scratch, cap, &n)) {
	case SIDE_BLOCKED:
		return STEP_WAIT;
	case SIDE_BROKEN:
		return abort_with(c, "client_reset");
	case SIDE_EOF:
		if (c->has_front && c->stream.n > 0)
			return abort_with(c, "bad_proxy");
		if (c->stream.n > 0)
			return refuse(c, TLS_ALERT_DECODE_ERROR, "hello_cut");
		/* Nothing was asked: a health check, a scan. */
		c->result = "no_hello";
		conn_close(c, false);
		return STEP_WAIT;
	case SIDE_MOVED:
		break;
	}
	if (!buf_add(&c->stream, span_of(w->scratch, n)))
		return refuse(c, TLS_ALERT_DECODE_ERROR, "hello_too_large");
	return c->has_front ? feed_proxy(c) : feed_hello(c);
}

/* HANDSHAKE */

/*
 * A client may have taken long since its hello, and addresses change hands:
 * what the store says now counts.
 */
static enum step begin_connect(struct conn *c, struct span first)
{
	const struct route_input in =
		router_input(&c->worker->router, c->turn);

	route_refresh(&c->route, &in);
	add_proxy_header(c);
	/* One buffer; the rest of its room is for the header before it. */
	if (!buf_add(&c->up, first))
		return abort_with(c, "tls_failed");
	enter(c, CONN_CONNECT);
	return STEP_NEXT;
}

static enum step handshake_done(struct conn *c)
{
	struct board_worker *counters = c->worker->counters;

	c->handshake_ms = now_ms(c) - c->step_ms;
	board_add(&counters->handshakes, 1);
	board_observe(&counters->handshake_ms, c->handshake_ms);
	c->active_ms = now_ms(c);
	pool_settle(&c->worker->pool, tls_input(c->tls));
	pool_settle(&c->worker->pool, tls_output(c->tls));
	/* Over HTTP the client speaks first; elsewhere the backend may. */
	if (c->route.alpn == CERTS_NONE)
		return begin_connect(c, span_of(NULL, 0));
	enter(c, CONN_REQUEST);
	arm(c, timeouts(c)->request);
	return STEP_NEXT;
}

static enum step feed_handshake(struct conn *c)
{
	struct worker *w = c->worker;
	size_t n;

	switch (side_recv(&c->client, w->scratch, w->scratch_len, &n)) {
	case SIDE_BLOCKED:
		return STEP_WAIT;
	case SIDE_BROKEN:
		return abort_with(c, "client_reset");
	case SIDE_EOF:
		tls_feed_eof(c->tls);
		return STEP_NEXT;
	case SIDE_MOVED:
		break;
	}
	if (tls_feed(c->tls, span_of(w->scratch, n)))
		return abort_with(c, "tls_failed");
	return STEP_NEXT;
}

static enum step run_handshake(struct conn *c)
{
	enum tls_status status = tls_handshake(c->tls);
	enum side_status sent;

	if (status == TLS_FAILED) {
		board_add(&c->worker->counters->handshakes_failed, 1);
		return drain(c, "handshake_failed");
	}
	/* Who speaks first does not wait for a ticket: it goes out with what
	 * the backend answers, a packet less. */
	c->is_held = status == TLS_OK && c->route.alpn != CERTS_NONE;
	if (c->is_held)
		return handshake_done(c);
	sent = side_flush(&c->client, tls_output(c->tls), SIDE_NO_MORE,
			  &c->bytes_down);
	if (sent == SIDE_BROKEN)
		return abort_with(c, "client_reset");
	return status == TLS_OK ? handshake_done(c) : feed_handshake(c);
}

/* REQUEST */

/*
 * The first bytes are here: whether requests are looked at is for what the
 * store says now, as in begin_connect().
 */
static void begin_requests(struct conn *c)
{
	const struct route_input in =
		router_input(&c->worker->router, c->turn);
	size_t read_max = c->worker->scratch_len;
	struct span name = span_str(c->route.name.full);

	route_refresh(&c->route, &in);
	if (c->route.is_any_host)
		name.n = 0;
	if (c->route.is_any_host && !c->route.is_forwarding &&
	    c->route.alpn != CERTS_H2)
		return;
	c->requests = requests_new(&(struct requests_options){
		.is_h2 = c->route.alpn == CERTS_H2,
		.name = name,
		.is_forwarding = c->route.is_forwarding,
		.client = &c->peer,
		.id = c->id,
		.read_max = read_max,
	});
	buf_init(&c->up, PROXY_MAX + requests_out_max(read_max));
	add_proxy_header(c);
}

/* As begin_connect(), of a head that took a while.  What it was read for, and
 * the PROXY header, cannot be taken back. */
static void refresh(struct conn *c)
{
	const struct route_input in =
		router_input(&c->worker->router, c->turn);
	const struct route before = c->route;

	route_refresh(&c->route, &in);
	if (c->route.is_forwarding != before.is_forwarding ||
	    c->route.is_any_host != before.is_any_host ||
	    c->route.proxy_protocol != before.proxy_protocol)
		c->route.target_count = 0;
}

/* Goes on to connect once there is something for the backend. */
static enum step first_requests(struct conn *c, struct span bytes)
{
	size_t before = c->up.n;
	struct span direct;

	switch (relay_requests(c, &direct, bytes)) {
	case RELAY_REFUSED:
		return refuse_request(c);
	case RELAY_BROKEN:
		return drain(c, "tls_failed");
	case RELAY_AGAIN:
	case RELAY_WAIT:
	case RELAY_DONE:
	case RELAY_CUT:
		break;
	}
	if (c->up.n == before && direct.n == 0)
		return STEP_NEXT;
	if (!buf_add(&c->up, direct))
		return abort_with(c, "tls_failed");
	c->state = CONN_CONNECT;
	return STEP_NEXT;
}

static enum step run_request(struct conn *c)
{
	struct worker *w = c->worker;
	size_t n;

	switch (relay_take(c, w->scratch, w->scratch_len, &n)) {
	case SIDE_BLOCKED:
		return STEP_WAIT;
	case SIDE_BROKEN:
		return drain(c, "tls_failed");
	case SIDE_EOF:
		tls_close(c->tls);
		return drain(c, "no_request");
	case SIDE_MOVED:
		break;
	}
	if (n == 0)
		return run_later(c);
	if (c->requests)
		refresh(c);
	else
		begin_requests(c);
	if (!c->requests)
		return begin_connect(c, span_of(w->scratch, n));
	return first_requests(c, span_of(w->scratch, n));
}

/* CONNECT */

/* When to look at the clock at the latest: a direction may end meanwhile and
 * shorten what is allowed. */
static uint64_t relay_limit(const struct conn *c)
{
	const struct edge_timeouts *t = timeouts(c);

	return t->idle < t->half_closed ? t->idle : t->half_closed;
}

static enum step after_connect(struct conn *c, enum connect_status status)
{
	switch (status) {
	case CONNECT_WAIT:
		return STEP_WAIT;
	case CONNECT_REFUSED:
		return answer(c, ANSWER_REFUSED);
	case CONNECT_TIMEOUT:
		return answer(c, ANSWER_TIMEOUT);
	case CONNECT_DONE:
		break;
	}
	c->connect_ms = now_ms(c) - c->step_ms;
	board_observe(&c->worker->counters->connect_ms, c->connect_ms);
	enter(c, CONN_RELAY);
	c->active_ms = now_ms(c);
	arm(c, relay_limit(c));
	return STEP_NEXT;
}

static enum step run_connect(struct conn *c)
{
	if (c->route.target_count == 0)
		return answer(c, ANSWER_NO_INSTANCE);
	return after_connect(c, connect_run(c));
}

/* RELAY */

static enum step run_relay(struct conn *c)
{
	enum relay_status status = relay_run(c);

	worker_note_bytes(c->worker, c);
	switch (status) {
	case RELAY_WAIT:
		return STEP_WAIT;
	case RELAY_AGAIN:
		return run_later(c);
	case RELAY_DONE:
		c->result = "ok";
		conn_close(c, false);
		return STEP_WAIT;
	case RELAY_REFUSED:
		return refuse_request(c);
	case RELAY_CUT:
		return drain(c, "backend_reset");
	case RELAY_BROKEN:
		break;
	}
	/* A client that has all it asked for need not say goodbye. */
	if (c->client.is_shut)
		c->result = "ok";
	return abort_with(c, "broken");
}

/* Deadlines. */

static bool has_part_of_head(const struct conn *c)
{
	return c->requests && c->requests->head_since_ms;
}

/* How long it may take yet until it is whole. */
static uint64_t head_left(const struct conn *c)
{
	uint64_t due = c->requests->head_since_ms + timeouts(c)->request;

	return due > now_ms(c) ? due - now_ms(c) : 0;
}

static void relay_deadline(struct conn *c)
{
	bool is_half = c->client.is_shut || c->backend.is_shut;
	uint64_t limit = is_half ? timeouts(c)->half_closed : timeouts(c)->idle;
	uint64_t quiet = now_ms(c) - c->active_ms;

	if (has_part_of_head(c) && head_left(c) == 0) {
		(void)refuse_late(c);
		conn_run(c);
		return;
	}
	if (quiet >= limit) {
		conn_abort(c, is_half ? "half_closed_timeout" : "idle_timeout");
		return;
	}
	limit -= quiet;
	if (limit > relay_limit(c))
		limit = relay_limit(c);
	if (has_part_of_head(c) && limit > head_left(c))
		limit = head_left(c);
	arm(c, limit);
}

static void on_timer(void *arg)
{
	struct conn *c = arg;

	switch (c->state) {
	case CONN_HELLO:
		if (c->has_front) {
			conn_abort(c, "bad_proxy");
			return;
		}
		(void)refuse(c, TLS_ALERT_DECODE_ERROR, "hello_timeout");
		break;
	case CONN_LOOKUP:
		(void)refuse(c, TLS_ALERT_INTERNAL_ERROR, "dns_timeout");
		break;
	case CONN_HANDSHAKE:
		tls_abandon(c->tls, TLS_ALERT_USER_CANCELED);
		(void)drain(c, "handshake_timeout");
		break;
	case CONN_REQUEST:
		if (has_part_of_head(c)) {
			(void)refuse_late(c);
			break;
		}
		tls_close(c->tls);
		(void)drain(c, "request_timeout");
		break;
	case CONN_CONNECT:
		if (after_connect(c, connect_late(c)) == STEP_WAIT)
			return;
		break;
	case CONN_RELAY:
		relay_deadline(c);
		return;
	case CONN_DRAIN:
		conn_close(c, false);
		return;
	case CONN_DEAD:
		return;
	}
	conn_run(c);
}

static void on_client(void *arg, uint32_t events)
{
	struct conn *c = arg;

	side_event(&c->client, events);
	conn_run(c);
}

void conn_run(struct conn *c)
{
	while (c->state != CONN_DEAD && steps[c->state](c) == STEP_NEXT)
		;
}

enum rc conn_start(struct worker *w, int fd, const struct sock_addr *peer,
		   uint64_t source_key)
{
	struct conn *c = mem_new(sizeof(*c));
	size_t owed_max = w->config->limits.buffer + CONN_SLACK;
	enum rc rc;

	*c = (struct conn){
		.worker = w,
		.client = SIDE_NULL,
		.backend = SIDE_NULL,
		.peer = *peer,
		.turn = w->turn,
		.has_front = edge_config_is_front(w->config, peer),
		.timer = { .fn = on_timer, .arg = c },
		.started_ms = loop_now_ms(w->loop),
		.source_key = source_key,
	};
	rc = side_open(&c->client, w->loop, fd, SIDE_ACCEPTED, on_client, c);
	if (rc) {
		free(c);
		return rc;
	}
	c->is_counted = !c->has_front;
	rng_bytes(c->id, sizeof(c->id));
	hello_reader_init(&c->reader);
	buf_init(&c->stream, HELLO_STREAM_MAX +
				     (c->has_front ? PROXY_READ_MAX : 0));
	buf_init(&c->down, owed_max);
	if (owed_max < HELLO_STREAM_MAX + CONN_SLACK)
		owed_max = HELLO_STREAM_MAX + CONN_SLACK;
	buf_init(&c->up, owed_max);
	worker_add(w, c);
	arm(c, timeouts(c)->hello);
	conn_run(c);
	return RC_OK;
}
