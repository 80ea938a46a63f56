/*
 * greeting: a connection's first bytes (HELLO): the PROXY header of a listed
 * source, then the ClientHello; HTTP without TLS is told so, but where it is
 * what is spoken (plain.h).
 */
#ifndef POSTERN_EDGE_GREETING_H
#define POSTERN_EDGE_GREETING_H

#include "edge/phase.h"

/* CONN_HELLO: reads; with the whole hello goes on as way_find(), or as
 * plain_take(). */
enum phase_step greeting_run(struct conn *c);
/* Its deadline is there: PHASE_NEXT, as farewell_refuse(). */
enum phase_step greeting_late(struct conn *c);

#endif
