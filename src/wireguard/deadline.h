/*
 * deadline: which of many deadlines is the next.  A binary heap of entries
 * embedded in their owners; arming allocates nothing.
 */
#ifndef POSTERN_WIREGUARD_DEADLINE_H
#define POSTERN_WIREGUARD_DEADLINE_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed but for 'of': not in a heap. */
struct deadline {
	uint64_t at_ms;
	size_t slot; /* 1 + place in the heap; 0: not in it */
	void *of;
};

/* Zeroed: empty, without room. */
struct deadlines {
	struct deadline **entries;
	size_t count, capacity;
};

void deadline_fini(struct deadlines *h);
/* From now on 'count' entries fit. */
void deadline_reserve(struct deadlines *h, size_t count);
/* Puts the entry in, within the room reserved, or moves it. */
void deadline_set(struct deadlines *h, struct deadline *e, uint64_t at_ms);
/* Harmless when it is not in the heap. */
void deadline_remove(struct deadlines *h, struct deadline *e);
/* The earliest, or NULL. */
struct deadline *deadline_first(const struct deadlines *h);

#endif
