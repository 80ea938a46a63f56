#include "edge/way.h"

#include <stdlib.h>

#include "base/mem.h"
#include "edge/admit.h"
#include "edge/farewell.h"
#include "edge/herald.h"
#include "edge/shake.h"
#include "edge/sources.h"
#include "edge/worker.h"

enum {
	LOOKUP_SLACK_MS = 1000, /* behind the deadline of the DNS's own */
};

/* A name being looked up: what the route needs again when it is known. */
struct conn_lookup {
	struct domains_waiter waiter;
	struct hello hello; /* borrows the reader */
};

void way_forget(struct conn *c)
{
	if (c->lookup)
		domains_leave(&c->lookup->waiter);
	free(STEAL(c->lookup));
}

static enum phase_step route_pass(struct conn *c)
{
	herald_add(c);
	if (!buf_add(&c->up, buf_span(&c->stream)))
		return farewell_refuse(c, TLS_ALERT_INTERNAL_ERROR,
				       "hello_too_large");
	buf_fini(&c->stream);
	phase_enter(c, CONN_CONNECT);
	return PHASE_NEXT;
}

/* Goes where the route says; the hello is not needed any more. */
static enum phase_step follow(struct conn *c)
{
	const char *limited;

	way_forget(c);
	hello_reader_fini(&c->reader);
	limited = c->route.kind == ROUTE_REFUSE ? NULL
						: admit_app(c->worker, c);
	if (limited) {
		c->route.kind = ROUTE_REFUSE;
		return farewell_refuse(c, TLS_ALERT_INTERNAL_ERROR, limited);
	}
	switch (c->route.kind) {
	case ROUTE_PASS:
		return route_pass(c);
	case ROUTE_TERMINATE:
		return shake_begin(c);
	case ROUTE_REFUSE:
	case ROUTE_LOOK_UP: /* never twice */
		break;
	}
	return farewell_refuse(c, c->route.alert, c->route.reason);
}

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
	if (follow(c) == PHASE_NEXT)
		conn_run(c);
}

static enum phase_step look_up(struct conn *c, const struct hello *hello)
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
	phase_enter(c, CONN_LOOKUP);
	phase_arm(c, limit);
	return PHASE_WAIT;
}

enum phase_step way_find(struct conn *c, const struct hello *hello)
{
	route_by(c, hello, NULL);
	return c->route.kind == ROUTE_LOOK_UP ? look_up(c, hello) : follow(c);
}

enum phase_step way_run(struct conn *c)
{
	(void)c; /* on_answer() goes on */
	return PHASE_WAIT;
}
