#include "edge/opening.h"

#include "edge/farewell.h"
#include "edge/herald.h"
#include "edge/own.h"
#include "edge/proxy.h"
#include "edge/relay.h"
#include "edge/requests.h"
#include "edge/worker.h"

/*
 * A client may have taken long since its hello, and addresses change hands:
 * what the store says now counts.
 */
enum phase_step opening_connect(struct conn *c, struct span first)
{
	const struct route_input in =
		router_input(&c->worker->router, c->turn);

	route_refresh(&c->route, &in);
	herald_add(c);
	/* One buffer; the rest of its room is for the header before it. */
	if (!buf_add(&c->up, first))
		return phase_abort(c, "tls_failed");
	phase_enter(c, CONN_CONNECT);
	return PHASE_NEXT;
}

/*
 * The first bytes are here: whether requests are looked at is for what the
 * store says now, as in opening_connect().
 */
static void begin_requests(struct conn *c)
{
	const struct route_input in =
		router_input(&c->worker->router, c->turn);
	size_t read_max = c->worker->scratch_len;
	struct span name = span_str(c->route.name.full);
	struct span own_name = own_is_near(c) ? name : span_of(NULL, 0);

	route_refresh(&c->route, &in);
	if (c->route.is_any_host)
		name.n = 0;
	if (c->route.is_any_host && !c->route.is_forwarding &&
	    c->route.alpn != CERTS_H2 && own_name.n == 0)
		return;
	c->requests = requests_new(&(struct requests_options){
		.is_h2 = c->route.alpn == CERTS_H2,
		.name = name,
		.is_forwarding = c->route.is_forwarding,
		.client = &c->peer,
		.certificate = tls_conn_peer(c->tls),
		.own_name = own_name,
		.binding = tls_conn_binding(c->tls),
		.is_tls13 = tls_conn_is_tls13(c->tls),
		.id = c->id,
		.read_max = read_max,
	});
	buf_init(&c->up, PROXY_MAX + requests_out_max(read_max));
	herald_add(c);
}

/* As opening_connect(), of a head that took a while.  What it was read for, and
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
static enum phase_step first_requests(struct conn *c, struct span bytes)
{
	size_t before = c->up.n;
	struct span direct;

	switch (relay_requests(c, &direct, bytes)) {
	case RELAY_REFUSED:
		return farewell_request(c);
	case RELAY_BROKEN:
		return farewell_drain(c, "tls_failed");
	case RELAY_AGAIN:
	case RELAY_WAIT:
	case RELAY_DONE:
	case RELAY_CUT:
	case RELAY_SWITCH:
		break;
	}
	if (c->up.n == before && direct.n == 0)
		return PHASE_NEXT;
	if (!buf_add(&c->up, direct) || !own_align(c, before))
		return phase_abort(c, "tls_failed");
	phase_enter(c, CONN_CONNECT);
	return PHASE_NEXT;
}

enum phase_step opening_run(struct conn *c)
{
	struct worker *w = c->worker;
	size_t n;

	switch (relay_take(c, w->scratch, w->scratch_len, &n)) {
	case SIDE_BLOCKED:
		return PHASE_WAIT;
	case SIDE_BROKEN:
		return farewell_drain(c, "tls_failed");
	case SIDE_EOF:
		tls_close(c->tls);
		return farewell_drain(c, "no_request");
	case SIDE_MOVED:
		break;
	}
	if (n == 0)
		return phase_later(c);
	if (c->requests)
		refresh(c);
	else
		begin_requests(c);
	if (!c->requests)
		return opening_connect(c, span_of(w->scratch, n));
	return first_requests(c, span_of(w->scratch, n));
}
