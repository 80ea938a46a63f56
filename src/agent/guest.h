/*
 * guest: the guest API's sockets: one for each container that the manifest's
 * "guest" lists, so that who asks is known by where it asks.
 *
 * A container sees its own, as /run/postern.sock, /var/run/dstack.sock and
 * /var/run/tappd.sock, because docker-compose mounts it there: guest_override()
 * is what it is told.  The sockets stand in a folder that root alone may enter,
 * whose name is new at each start: containers that have one are made anew when
 * the agent was restarted, since a socket's file does not outlive its server.
 *
 * Each container may ask for so much: 50 requests a second and 100 at once, 2
 * quotes or events a second and 20 at once, 4 of those waiting, 32 connections.
 * Over that it gets 429.  Quotes and events are made one after another in a
 * thread, after the tunnel's (measured.h).
 */
#ifndef POSTERN_AGENT_GUEST_H
#define POSTERN_AGENT_GUEST_H

#include "agent/appkeys.h"
#include "agent/measured.h"
#include "io/log.h"
#include "io/loop.h"

struct guest;

struct guest_options {
	struct loop *loop;
	const struct log *log;
	const struct identity *identity;
	struct measured *measured;
	const struct appkeys *keys; /* asked at the start, once */
	const char *status; /* a path in the folder where ours is made */
	bool is_simulated;
};

/*
 * Makes the sockets, and one quote to know the registers.  A provider without a
 * key is logged, and requests for keys are refused then.  RC_CLOSED, RC_LIMIT:
 * the provider is away, or asked too often.  RC_SYS, ...: error says why.
 * Copies options; returns owned: guest_free(), before the loop.
 */
enum rc guest_new(struct guest **out, const struct guest_options *options,
		  char error[NODE_ERROR_MAX]);
void guest_free(struct guest *g);

/* Appends the compose file that mounts the sockets, for docker-compose beside
 * the manifest's own; what that mounts at the same places gives way.  RC_LIMIT
 * when it does not fit. */
enum rc guest_override(const struct guest *g, struct buf *out);

/* Requests answered, and refused by the rules, since the start. */
struct guest_counts {
	uint64_t answered, not_allowed, too_many;
	size_t container_count;
};
void guest_counts(const struct guest *g, struct guest_counts *out);

#endif
