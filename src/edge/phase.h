/*
 * phase: what the states of a connection have in common: each has a module that
 * runs it (greeting, way, shake, opening, connect, relay, farewell), and these
 * are the ways from one to another.
 *
 * A phase's function does all that can be done now.  It returns PHASE_WAIT when
 * an event has to come first, or the connection is dead, and PHASE_NEXT when
 * conn_run() is to call the function of the state that c is in by then.
 */
#ifndef POSTERN_EDGE_PHASE_H
#define POSTERN_EDGE_PHASE_H

#include "edge/conn.h"

struct edge_timeouts;

enum phase_step {
	PHASE_WAIT,
	PHASE_NEXT,
};

/* As configured when asked. */
const struct edge_timeouts *phase_timeouts(const struct conn *c);
uint64_t phase_now_ms(const struct conn *c);
/* The deadline of the state: conn_start()'s timer, again from now on. */
void phase_arm(struct conn *c, uint64_t in_ms);

/* Every change of state but the first and the last comes through here. */
void phase_enter(struct conn *c, enum conn_state state);
/* There is more to do, but others come first: PHASE_WAIT. */
enum phase_step phase_later(struct conn *c);

/*
 * The end: closes, counts and logs; c is freed at the end of the turn.  With
 * is_abort the peers see resets; see conn_abort().  Once; harmless again.
 */
void phase_close(struct conn *c, bool is_abort);
/* conn_abort() as a step: PHASE_WAIT. */
enum phase_step phase_abort(struct conn *c, const char *result);

#endif
