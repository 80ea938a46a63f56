/*
 * connect: finds an instance that takes a connection.
 *
 * The first target is tried alone for a while (timeouts.race), then the next
 * beside it, and so on; one that refuses makes room for the next at once.  The
 * first that accepts has it, the others are closed.  After the last one has
 * begun, timeouts.connect bounds them all.
 *
 * A target on this machine stands at once, and is told c->up right away.
 *
 * What came of each is told to the worker's balance: refusals, silence to the
 * end, and silence while a later one answered count against an instance.
 */
#ifndef POSTERN_EDGE_CONNECT_H
#define POSTERN_EDGE_CONNECT_H

struct conn;
struct connect_rivals;

enum connect_status {
	CONNECT_WAIT, /* for an event or the connection's timer */
	CONNECT_DONE, /* c->backend is connected, to c->target */
	CONNECT_REFUSED, /* nobody accepts */
	CONNECT_TIMEOUT, /* nobody answers */
};

/* Begins, or goes on after an event; there is at least one target. */
enum connect_status connect_run(struct conn *c);
/* The connection's timer has fired. */
enum connect_status connect_late(struct conn *c);
/* The connection ends: so do attempts under way, and its part of the load. */
void connect_end(struct conn *c);

#endif
