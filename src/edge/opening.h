/*
 * opening: what a client says first once TLS is up (REQUEST): a backend is not
 * connected to before that, and where requests are looked at (requests.h) not
 * before the whole head of the first.
 */
#ifndef POSTERN_EDGE_OPENING_H
#define POSTERN_EDGE_OPENING_H

#include "edge/phase.h"

/* CONN_REQUEST: with something for the backend c is in CONN_CONNECT. */
enum phase_step opening_run(struct conn *c);
/*
 * Goes to CONN_CONNECT with these first bytes, maybe none, for the backend, as
 * they are.
 */
enum phase_step opening_connect(struct conn *c, struct span first);

#endif
