/*
 * arena: memory of one message: many small pieces, freed at once.
 *
 * Bounded: an arena made for MAX bytes never holds more, and a piece that does
 * not fit is NULL, which the caller reports as RC_LIMIT.
 */
#ifndef POSTERN_BASE_ARENA_H
#define POSTERN_BASE_ARENA_H

#include "base/span.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used, max; /* bytes handed out; bound on it */
};

void arena_init(struct arena *a, size_t max);
/* Frees every piece; the arena is empty and usable again.  For AUTO(). */
void arena_fini(struct arena *a);
/* The same, after erasing what they held. */
void arena_wipe(struct arena *a);

/* count zeroed objects of n bytes, aligned for any; NULL over the bound. */
void *arena_new(struct arena *a, size_t count, size_t n);
/* A copy with a NUL after it; NULL over the bound. */
char *arena_dup(struct arena *a, struct span s);

#endif
