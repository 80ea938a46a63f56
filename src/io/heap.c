#include "io/heap.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "io/loop.h"

enum {
	HEAP_FIRST_CAP = 64,
};

void heap_fini(struct heap *h)
{
	free(h->at);
	*h = (struct heap){ 0 };
}

struct loop_timer *heap_first(const struct heap *h)
{
	return h->n ? h->at[0] : NULL;
}

static bool is_before(const struct loop_timer *a, const struct loop_timer *b)
{
	return a->at_ms < b->at_ms ||
	       (a->at_ms == b->at_ms && a->order < b->order);
}

static void put(struct heap *h, size_t i, struct loop_timer *t)
{
	h->at[i] = t;
	t->slot = i + 1;
}

/* Places t at i or above. */
static void rise(struct heap *h, size_t i, struct loop_timer *t)
{
	while (i > 0 && is_before(t, h->at[(i - 1) / 2])) {
		put(h, i, h->at[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put(h, i, t);
}

/* Places t at i or below. */
static void sink(struct heap *h, size_t i, struct loop_timer *t)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= h->n)
			break;
		if (child + 1 < h->n &&
		    is_before(h->at[child + 1], h->at[child]))
			child++;
		if (!is_before(h->at[child], t))
			break;
		put(h, i, h->at[child]);
		i = child;
	}
	put(h, i, t);
}

void heap_add(struct heap *h, struct loop_timer *t)
{
	if (h->n == h->cap) {
		h->cap = h->cap ? h->cap * 2 : HEAP_FIRST_CAP;
		h->at = mem_grow(h->at, h->cap, sizeof(struct loop_timer *));
	}
	rise(h, h->n++, t);
}

void heap_remove(struct heap *h, struct loop_timer *t)
{
	size_t i = t->slot - 1;
	struct loop_timer *last = h->at[h->n - 1];

	assert(t->slot > 0 && i < h->n && h->at[i] == t);
	h->n--;
	t->slot = 0;
	if (last == t)
		return;
	if (i > 0 && is_before(last, h->at[(i - 1) / 2]))
		rise(h, i, last);
	else
		sink(h, i, last);
}
