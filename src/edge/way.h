/*
 * way: from a ClientHello to what its connection does next: refused, passed
 * through, or its TLS ended here; with the DNS asked first for a custom name
 * (LOOKUP).
 */
#ifndef POSTERN_EDGE_WAY_H
#define POSTERN_EDGE_WAY_H

#include "edge/phase.h"

/*
 * Routes by the hello, which c->reader holds, and goes that way: c is in
 * CONN_CONNECT, CONN_HANDSHAKE or CONN_DRAIN then, or in CONN_LOOKUP, out of
 * which the DNS's answer takes it by itself.
 */
enum phase_step way_find(struct conn *c, const struct hello *hello);
/* CONN_LOOKUP: there is nothing to do but to wait. */
enum phase_step way_run(struct conn *c);
/* Waits for no answer any more. */
void way_forget(struct conn *c);

#endif
