#include "wireguard/deadline.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

void deadline_fini(struct deadlines *h)
{
	free(h->entries);
	*h = (struct deadlines){ 0 };
}

void deadline_reserve(struct deadlines *h, size_t count)
{
	size_t capacity = h->capacity ? h->capacity : 16;

	if (count <= h->capacity)
		return;
	while (capacity < count)
		capacity *= 2;
	h->entries = mem_grow(h->entries, capacity, sizeof(struct deadline *));
	h->capacity = capacity;
}

static void place(struct deadlines *h, size_t at, struct deadline *e)
{
	h->entries[at] = e;
	e->slot = at + 1;
}

static void sift_up(struct deadlines *h, size_t at)
{
	struct deadline *e = h->entries[at];

	while (at && h->entries[(at - 1) / 2]->at_ms > e->at_ms) {
		place(h, at, h->entries[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	place(h, at, e);
}

static void sift_down(struct deadlines *h, size_t at)
{
	struct deadline *e = h->entries[at];

	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < h->count && h->entries[child + 1]->at_ms <
						    h->entries[child]->at_ms)
			child++;
		if (child >= h->count || h->entries[child]->at_ms >= e->at_ms)
			break;
		place(h, at, h->entries[child]);
		at = child;
	}
	place(h, at, e);
}

void deadline_set(struct deadlines *h, struct deadline *e, uint64_t at_ms)
{
	e->at_ms = at_ms;
	if (!e->slot) {
		assert(h->count < h->capacity);
		place(h, h->count++, e);
	}
	sift_up(h, e->slot - 1);
	sift_down(h, e->slot - 1);
}

void deadline_remove(struct deadlines *h, struct deadline *e)
{
	size_t at = e->slot - 1;
	struct deadline *last;

	if (!e->slot)
		return;
	e->slot = 0;
	last = h->entries[--h->count];
	if (last == e)
		return;
	place(h, at, last);
	sift_up(h, at);
	sift_down(h, last->slot - 1);
}

struct deadline *deadline_first(const struct deadlines *h)
{
	return h->count ? h->entries[0] : NULL;
}
