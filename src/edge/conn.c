#include "edge/conn.h"

#include <stdlib.h>

#include "base/mem.h"
#include "crypto/rng.h"
#include "edge/farewell.h"
#include "edge/greeting.h"
#include "edge/opening.h"
#include "edge/own.h"
#include "edge/proxy.h"
#include "edge/relay.h"
#include "edge/requests.h"
#include "edge/shake.h"
#include "edge/sockets.h"
#include "edge/way.h"
#include "edge/worker.h"

static enum phase_step run_connect(struct conn *c);
static enum phase_step run_relay(struct conn *c);

static enum phase_step (*const steps[])(struct conn *c) = {
	[CONN_HELLO] = greeting_run,
	[CONN_LOOKUP] = way_run,
	[CONN_HANDSHAKE] = shake_run,
	[CONN_REQUEST] = opening_run,
	[CONN_CONNECT] = run_connect,
	[CONN_RELAY] = run_relay,
	[CONN_DRAIN] = farewell_run,
};

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

void conn_abort(struct conn *c, const char *result)
{
	c->result = c->result ? c->result : result;
	phase_close(c, true);
}

/* When to look at the clock at the latest: a direction may end meanwhile and
 * shorten what is allowed. */
static uint64_t relay_limit(const struct conn *c)
{
	const struct edge_timeouts *t = phase_timeouts(c);

	return t->idle < t->half_closed ? t->idle : t->half_closed;
}

static enum phase_step after_connect(struct conn *c, enum connect_status status)
{
	switch (status) {
	case CONNECT_WAIT:
		return PHASE_WAIT;
	case CONNECT_REFUSED:
		return farewell_no_backend(c, ANSWER_REFUSED);
	case CONNECT_TIMEOUT:
		return farewell_no_backend(c, ANSWER_TIMEOUT);
	case CONNECT_DONE:
		break;
	}
	c->connect_ms = phase_now_ms(c) - c->step_ms;
	board_observe(&c->worker->counters->connect_ms, c->connect_ms);
	phase_enter(c, CONN_RELAY);
	c->active_ms = phase_now_ms(c);
	phase_arm(c, relay_limit(c));
	return PHASE_NEXT;
}

static enum phase_step run_connect(struct conn *c)
{
	if (c->route.target_count == 0)
		return farewell_no_backend(c, c->route.is_own_only
						      ? ANSWER_H2_ONLY
						      : ANSWER_NO_INSTANCE);
	return after_connect(c, connect_run(c));
}

static enum phase_step run_relay(struct conn *c)
{
	enum relay_status status = relay_run(c);

	worker_note_bytes(c->worker, c);
	switch (status) {
	case RELAY_WAIT:
		return own_release(c) ? PHASE_NEXT : PHASE_WAIT;
	case RELAY_AGAIN:
		return phase_later(c);
	case RELAY_SWITCH:
		return own_switch(c);
	case RELAY_DONE:
		c->result = "ok";
		phase_close(c, false);
		return PHASE_WAIT;
	case RELAY_REFUSED:
		return farewell_request(c);
	case RELAY_CUT:
		return farewell_drain(c, "backend_reset");
	case RELAY_BROKEN:
		break;
	}
	/* A client that has all it asked for need not say goodbye. */
	if (c->client.is_shut)
		c->result = "ok";
	return phase_abort(c, "broken");
}

static bool has_part_of_head(const struct conn *c)
{
	return c->requests && c->requests->head_since_ms;
}

/* How long it may take yet until it is whole. */
static uint64_t head_left(const struct conn *c)
{
	uint64_t due = c->requests->head_since_ms + phase_timeouts(c)->request;

	return due > phase_now_ms(c) ? due - phase_now_ms(c) : 0;
}

static void relay_deadline(struct conn *c)
{
	bool is_half = c->client.is_shut || c->backend.is_shut;
	uint64_t limit = is_half ? phase_timeouts(c)->half_closed
				 : phase_timeouts(c)->idle;
	uint64_t quiet = phase_now_ms(c) - c->active_ms;

	if (has_part_of_head(c) && head_left(c) == 0) {
		(void)farewell_late(c);
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
	phase_arm(c, limit);
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
		(void)greeting_late(c);
		break;
	case CONN_LOOKUP:
		(void)farewell_refuse(c, TLS_ALERT_INTERNAL_ERROR,
				      "dns_timeout");
		break;
	case CONN_HANDSHAKE:
		tls_abandon(c->tls, TLS_ALERT_USER_CANCELED);
		(void)farewell_drain(c, "handshake_timeout");
		break;
	case CONN_REQUEST:
		if (has_part_of_head(c)) {
			(void)farewell_late(c);
			break;
		}
		tls_close(c->tls);
		(void)farewell_drain(c, "request_timeout");
		break;
	case CONN_CONNECT:
		if (after_connect(c, connect_late(c)) == PHASE_WAIT)
			return;
		break;
	case CONN_RELAY:
		relay_deadline(c);
		return;
	case CONN_DRAIN:
		phase_close(c, false);
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
	while (c->state != CONN_DEAD && steps[c->state](c) == PHASE_NEXT)
		;
}

enum rc conn_start(const struct listener *l, int fd,
		   const struct sock_addr *peer, uint64_t source_key)
{
	struct worker *w = l->worker;
	struct conn *c = mem_new(sizeof(*c));
	size_t owed_max = w->config->limits.buffer + CONN_SLACK;
	enum rc rc;

	*c = (struct conn){
		.worker = w,
		.client = SIDE_NULL,
		.backend = SIDE_NULL,
		.peer = *peer,
		.turn = w->turn,
		.is_plain = sockets_is_plain(l->id),
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
	phase_arm(c, phase_timeouts(c)->hello);
	conn_run(c);
	return RC_OK;
}
