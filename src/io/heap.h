/*
 * heap: the loop's armed timers, earliest first; among equals, the one armed
 * first.  A binary heap in an array; each timer knows its place in it, so that
 * moving and removing cost O(log n).
 *
 * Borrows the timers: each is removed before its storage dies.
 */
#ifndef POSTERN_IO_HEAP_H
#define POSTERN_IO_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct loop_timer;

/* Zeroed: empty. */
struct heap {
	struct loop_timer **at;
	size_t n, cap;
};

void heap_fini(struct heap *h);
/* The earliest timer; NULL when none is armed. */
struct loop_timer *heap_first(const struct heap *h);
/* Adds a timer whose at_ms and order are set. */
void heap_add(struct heap *h, struct loop_timer *t);
/* Removes a timer that is in the heap. */
void heap_remove(struct heap *h, struct loop_timer *t);

#endif
