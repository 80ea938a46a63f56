/*
 * relay: bytes between client and backend, both ways, each with its own end.
 *
 * A direction reads its source only when nothing of it is owed to the sink, so
 * a connection holds at most one buffer a direction (limits.buffer).  The end
 * of a stream is passed on once everything before it was delivered: FIN, or
 * close_notify and FIN to a TLS client.  A TLS client that ends TCP without
 * close_notify was cut off, and its backend sees a reset.  A backend that is
 * reset has all it said delivered, and then TCP ends, without close_notify: the
 * client can tell.
 *
 * Where the edge reads requests (edge/requests.h) they pass through there, in
 * both directions; one that is refused is the end of both.
 */
#ifndef POSTERN_EDGE_RELAY_H
#define POSTERN_EDGE_RELAY_H

#include "edge/conn.h"

enum relay_status {
	RELAY_WAIT, /* nothing more can be moved now */
	RELAY_AGAIN, /* the turn's budget is used up, there is more */
	RELAY_DONE, /* both directions ended in order */
	RELAY_SWITCH, /* c->up is for the other service: own_switch() */
	RELAY_REFUSED, /* a request: c->requests knows why */
	RELAY_CUT, /* one side failed; the client is owed a last word */
	RELAY_BROKEN, /* the client is gone, or was cut off: c->result */
};

enum relay_status relay_run(struct conn *c);

/*
 * Reads the client's bytes, decrypted, into out; a failure sets c->result.
 * SIDE_MOVED with *n == 0: much was read that held nothing; come back later.
 */
enum side_status relay_take(struct conn *c, uint8_t *out, size_t cap,
			    size_t *n);
/*
 * The client's bytes on their way through c->requests, into c->up: with
 * *direct, see requests_take().  What the edge has to say itself is owed to the
 * client then.  RELAY_AGAIN, RELAY_REFUSED, or RELAY_BROKEN with c->result.
 */
enum relay_status relay_requests(struct conn *c, struct span *direct,
				 struct span bytes);
/* What is owed to the client: TLS output or 'down'. */
struct buf *relay_owed(struct conn *c);

#endif
