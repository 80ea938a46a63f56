/*
 * rate: how often somebody may ask: a bucket each that fills evenly and holds a
 * tenth of a minute's worth (at least 8, so that a start that asks several
 * times is not refused).
 *
 * Bounded: where there are more askers than places, the fullest bucket of a set
 * is given up, which is the one that a newcomer differs least from.
 *
 * Pure: the time is the caller's.
 */
#ifndef POSTERN_KEYS_RATE_H
#define POSTERN_KEYS_RATE_H

#include "base/span.h"

struct keys_rate;

/* Returns owned: keys_rate_free(). */
struct keys_rate *keys_rate_new(void);
void keys_rate_free(struct keys_rate *r);

/* Takes one of the 'per_minute' (1..) of this asker; false: there is none
 * left. */
bool keys_rate_pass(struct keys_rate *r, struct span asker, uint32_t per_minute,
		    uint64_t now_ms);

#endif
