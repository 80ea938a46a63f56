/*
 * farewell: the edge's last word to a client, and the state in which it is
 * delivered (DRAIN): an alert, a small response, a GOAWAY; never a silent
 * close.
 *
 * The word goes into what is owed to the client; the backend's side is closed
 * at once.  'result' is a constant word for the log; one there already stays.
 * All but farewell_run() return PHASE_NEXT, with c in CONN_DRAIN.
 */
#ifndef POSTERN_EDGE_FAREWELL_H
#define POSTERN_EDGE_FAREWELL_H

#include "edge/phase.h"

/* The last word, or none, is in the output: send it, then end. */
enum phase_step farewell_drain(struct conn *c, const char *result);
/* Refuses with an alert, which TLS has not encrypted yet. */
enum phase_step farewell_refuse(struct conn *c, enum tls_alert alert,
				const char *result);
/* No backend: says so in the client's protocol, or by an alert. */
enum phase_step farewell_no_backend(struct conn *c, enum answer_why why);
/*
 * c->requests has refused a request: says so, where the connection has a place
 * for it.  Where it has none a close_notify would be the clean end of something
 * else.
 */
enum phase_step farewell_request(struct conn *c);
/* The same of a head that did not come in time. */
enum phase_step farewell_late(struct conn *c);

/* CONN_DRAIN: sends, then reads what the client still says until it ends, or
 * the deadline does. */
enum phase_step farewell_run(struct conn *c);

#endif
