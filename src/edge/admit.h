/*
 * admit: whether a connection may begin, by the limits of its source, of its
 * app, and of the worker's load.
 *
 * Limits hold for all workers together, as near as sketch.h says.
 */
#ifndef POSTERN_EDGE_ADMIT_H
#define POSTERN_EDGE_ADMIT_H

#include "edge/conn.h"

/* Why not: a constant word; NULL: it may. */

/* Straight from the queue, before it costs anything; *key is its source's. */
const char *admit_source(struct worker *w, const struct sock_addr *peer,
			 uint64_t *key);
/* The same for one from a load balancer, which has said whose it is; counts it
 * under that source until admit_end(). */
const char *admit_named(struct worker *w, struct conn *c);
/* Once it is known whom it asks for, before any public-key work.  Counts it
 * until admit_end(). */
const char *admit_app(struct worker *w, struct conn *c);

/* Counts the connection under its source, where known, until admit_end(). */
void admit_begin(struct worker *w, struct conn *c);
void admit_end(struct worker *w, struct conn *c);

#endif
