/*
 * router: what one worker knows beside the store when it routes: how loaded and
 * how reachable instances are, which are down, where custom names lead.
 */
#ifndef POSTERN_EDGE_ROUTER_H
#define POSTERN_EDGE_ROUTER_H

#include "edge/board.h"
#include "edge/resolver.h"
#include "edge/route.h"
#include "edge/setup.h"

struct router {
	const struct edge_config *config;
	const struct certs *certs;
	const struct terms *terms;
	const struct backends *backends;
	struct store *store;
	const struct board *board;
	struct loop *loop;
	struct balance balance;
	struct health_reader health;
	/* NULL without name servers */
	struct domains *domains;
	struct resolver *resolver;
	struct loop_timer expire; /* of names being asked for */
};

/* All arguments are borrowed. */
void router_init(struct router *r, const struct setup *setup,
		 struct store *store, struct loop *loop,
		 const struct board *board);
/* Another setup, as setup_obstacle() lets it change. */
void router_configure(struct router *r, const struct setup *setup);
/* Nobody may be waiting for a name.  Harmless on a zeroed one. */
void router_fini(struct router *r);

/* What a decision stands on now. */
struct route_input router_input(struct router *r, unsigned turn);

/* As domains_look(); only with name servers. */
bool router_look_up(struct router *r, struct domain_answer *out,
		    const char *name, uint64_t source,
		    struct domains_waiter *w);

#endif
