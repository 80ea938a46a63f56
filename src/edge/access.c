#include "edge/access.h"

#include "edge/worker.h"

void access_refused(struct worker *w, const struct sock_addr *peer,
		    const char *reason)
{
	char text[128];
	struct wr at = WR_ARRAY(text);
	uint64_t dropped;

	board_result(w->counters, reason);
	if (!log_limit_pass(&w->refused_limit, loop_now_ms(w->loop), &dropped))
		return;
	sock_addr_write(&at, peer);
	log_event(w->log, LOG_INFO, "refused", LSPAN("peer", wr_span(&at)),
		  LSTR("reason", reason), LU64("dropped", dropped));
}

const char *access_mode(const struct conn *c)
{
	if (c->is_plain)
		return "plain";
	switch (c->route.kind) {
	case ROUTE_PASS:
		return "pass";
	case ROUTE_TERMINATE:
		return "terminate";
	case ROUTE_REFUSE:
	case ROUTE_LOOK_UP: /* it ended meanwhile */
		break;
	}
	return "refuse";
}

static struct span hex_of(bool has, const uint8_t id[STORE_ID_LEN])
{
	return span_of(id, has ? STORE_ID_LEN : 0);
}

static void write_line(struct worker *w, const struct conn *c,
		       uint64_t dropped)
{
	const struct route_target *t = &c->route.targets[0];
	bool has_target = c->route.has_app &&
			  c->target < c->route.target_count;
	char text[128];
	struct wr at = WR_ARRAY(text);

	if (has_target)
		t = &c->route.targets[c->target];
	sock_addr_write(&at, &c->peer);
	log_event(w->log, LOG_INFO, "connection",
		  LSPAN("peer", wr_span(&at)),
		  LHEX("id", SPAN_ARRAY(c->id)),
		  LSTR("name", c->route.name.full),
		  LSTR("mode", access_mode(c)),
		  LHEX("app", hex_of(c->route.has_app, c->route.app_id)),
		  LHEX("instance", hex_of(has_target, t->instance_id)),
		  LU64("port", c->route.port),
		  LU64("up", c->bytes_up),
		  LU64("down", c->bytes_down),
		  LU64("ms", loop_now_ms(w->loop) - c->started_ms),
		  LU64("handshake_ms", c->handshake_ms),
		  LU64("connect_ms", c->connect_ms),
		  LSTR("result", c->result ? c->result : "ok"),
		  LU64("worker", w->index),
		  LU64("dropped", dropped));
}

void access_log(struct worker *w, const struct conn *c)
{
	struct log_limit *limit = &w->served_limit;
	uint64_t dropped;

	board_result(w->counters, c->result ? c->result : "ok");
	if (c->route.kind == ROUTE_REFUSE)
		limit = &w->refused_limit;
	if (w->log->max < LOG_INFO ||
	    !log_limit_pass(limit, loop_now_ms(w->loop), &dropped))
		return;
	write_line(w, c, dropped);
}
