/*
 * ring: a bounded queue of pointers that many threads fill and one empties,
 * without locks.
 *
 * Each slot has a number that says whose turn it is; a producer claims a slot
 * by moving the queue's tail, fills it, and passes the turn on.  One that is
 * interrupted between the two hides what others put behind it until it goes on:
 * the consumer sees the ring empty meanwhile, so whoever puts something in
 * wakes the consumer after that, and not before.
 */
#ifndef POSTERN_WGD_RING_H
#define POSTERN_WGD_RING_H

#include <stdbool.h>
#include <stddef.h>

struct ring;

/* 'capacity' is a power of two.  Returns owned: ring_free(), when empty. */
struct ring *ring_new(size_t capacity);
void ring_free(struct ring *r);

/* From any thread.  False: it is full.  'p' is not NULL. */
[[nodiscard]] bool ring_push(struct ring *r, void *p);
/* From one thread.  What a thread put in comes in its order; NULL: none. */
void *ring_pop(struct ring *r);

#endif
