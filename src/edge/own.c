#include "edge/own.h"

#include <stdlib.h>

#include "base/mem.h"
#include "edge/herald.h"
#include "edge/relay.h"
#include "edge/requests.h"
#include "edge/worker.h"

bool own_is_near(const struct conn *c)
{
	const struct worker *w = c->worker;

	return c->route.alpn != CERTS_NONE && !c->route.is_proof &&
	       route_has_own(w->config, w->certs, &c->route.name);
}

bool own_is_at(const struct conn *c)
{
	return c->route.alpn == CERTS_HTTP1 && own_is_near(c);
}

static void turn_to_own(struct conn *c)
{
	c->app_route = mem_new(sizeof(*c->app_route));
	*c->app_route = c->route;
	c->route.has_app = false;
	c->route.proxy_protocol = 0;
	c->route.targets[0].address = c->worker->config->cert.public;
	c->route.target_count = 1;
}

static void turn_to_app(struct conn *c)
{
	const struct route_input in =
		router_input(&c->worker->router, c->turn);
	const struct route before = *c->app_route;

	free(c->app_route);
	c->app_route = NULL;
	c->route = before;
	route_refresh(&c->route, &in);
	/* What requests are read for was fixed with the first of them; a new
	 * connection is for what the port asks now. */
	if (c->route.is_forwarding != before.is_forwarding ||
	    c->route.is_any_host != before.is_any_host)
		c->route.target_count = 0;
}

/* Puts the PROXY header before what is there. */
static bool put_header(struct conn *c)
{
	AUTO(buf_fini)
	struct buf request = { 0 };

	if (!c->route.proxy_protocol)
		return true;
	buf_init(&request, c->up.n);
	if (!buf_add(&request, buf_span(&c->up)))
		return false;
	buf_reset(&c->up);
	herald_add(c);
	return buf_add(&c->up, buf_span(&request));
}

bool own_align(struct conn *c, size_t header_len)
{
	bool is_own = c->requests && requests_are_own(c->requests);

	if (c->requests)
		(void)requests_have_switched(c->requests);
	if (is_own == (c->app_route != NULL))
		return true;
	if (is_own) {
		turn_to_own(c);
		buf_consume(&c->up, header_len);
		return true;
	}
	turn_to_app(c);
	return put_header(c);
}

static void let_go(struct conn *c)
{
	/* While the route is still the backend's. */
	connect_end(c);
	side_close(&c->backend, c->worker->loop, false);
	c->backend = SIDE_NULL;
	c->target = c->tried = 0;
	c->retry_until_ms = 0;
	/* These were said of it, not of the next. */
	c->is_up_dead = c->is_backend_reset = false;
}

enum phase_step own_switch(struct conn *c)
{
	let_go(c);
	if (!own_align(c, 0))
		return phase_abort(c, "tls_failed");
	phase_enter(c, CONN_CONNECT);
	return PHASE_NEXT;
}

bool own_release(struct conn *c)
{
	if (!c->app_route || !requests_are_idle(c->requests) || c->up.n ||
	    relay_owed(c)->n || c->client.is_shut || c->backend.is_eof)
		return false;
	let_go(c);
	phase_enter(c, CONN_REQUEST);
	phase_arm(c, phase_timeouts(c)->idle);
	return true;
}
