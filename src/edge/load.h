/*
 * load: when a worker has more than it can do, and what part of the new
 * connections it turns away then.
 *
 * Three signals, looked at every LOAD_TICK_MS while connections come in: how
 * late the loop is, how full the kernel's queue of connections is, how much
 * memory is in use.  Each tick over a limit adds a quarter to the part that is
 * shed, each tick under all of them takes a sixteenth off: quick to protect
 * those who are connected already, slow to believe that it is over.
 *
 * Pure: measured values in, a decision out.
 */
#ifndef POSTERN_EDGE_LOAD_H
#define POSTERN_EDGE_LOAD_H

#include <stdbool.h>
#include <stdint.h>

enum {
	LOAD_TICK_MS = 100,
	LOAD_PARTS = 16, /* of all new connections */
	LOAD_MORE = 4, /* parts more a tick over a limit */
	LOAD_LESS = 1,
};

struct load_limits {
	uint64_t lag_ms, memory; /* 0: none */
};

struct load_signals {
	uint64_t lag_ms, memory;
	uint64_t queued, queue_max; /* the fullest listener */
};

/* Zeroed: nothing is shed. */
struct load {
	unsigned shed; /* parts of LOAD_PARTS */
	unsigned turn;
};

void load_tick(struct load *l, const struct load_limits *limits,
	       const struct load_signals *now);
/* Whether the next connection is turned away. */
[[nodiscard]] bool load_sheds(struct load *l);
/* Nothing is shed: the ticks may rest until the next connection. */
bool load_is_calm(const struct load *l);

#endif
