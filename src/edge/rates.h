/*
 * rates: how fast counters of the board grow: a look every second, and the
 * mean of the last RATES_SECONDS.
 */
#ifndef POSTERN_EDGE_RATES_H
#define POSTERN_EDGE_RATES_H

#include "edge/board.h"

enum {
	RATES_SECONDS = 10,
};

enum rates_of {
	RATES_CONNECTIONS,
	RATES_HANDSHAKES,
	RATES_REFUSED, /* shed or limited */
	RATES_UP,
	RATES_DOWN, /* bytes */
	RATES_COUNT,
};

/* Zeroed: never looked. */
struct rates {
	uint64_t values[RATES_SECONDS + 1][RATES_COUNT];
	uint64_t at_ms[RATES_SECONDS + 1];
	size_t n; /* looks so far */
};

/* What is counted now, of all workers. */
uint64_t rates_total(const struct board *b, enum rates_of of);
void rates_look(struct rates *r, const struct board *b, uint64_t now_ms);
/* Per second, rounded down; 0 before the second look. */
uint64_t rates_per_s(const struct rates *r, enum rates_of of);

#endif
