/*
 * shake: TLS that ends here, to the end of its handshake (HANDSHAKE).
 *
 * The name that libssl reads is the one that was routed, and a ticket is good
 * for the name, app, port, protocol and demand for a certificate that it was
 * given out for.
 */
#ifndef POSTERN_EDGE_SHAKE_H
#define POSTERN_EDGE_SHAKE_H

#include "edge/phase.h"

/* Begins with the bytes in c->stream; c is in CONN_HANDSHAKE, or CONN_DRAIN
 * with an alert. */
enum phase_step shake_begin(struct conn *c);
/* CONN_HANDSHAKE: once done c is in CONN_REQUEST, or in CONN_CONNECT where the
 * backend may speak first. */
enum phase_step shake_run(struct conn *c);

#endif
