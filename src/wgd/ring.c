#include "wgd/ring.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"

enum {
	CACHE_LINE = 64,
};

/* Slot i is free for the push number n when turn == n, and full for the pop
 * number n when turn == n + 1; n % capacity is i. */
struct slot {
	_Atomic size_t turn;
	void *p;
};

struct ring {
	_Atomic size_t tail; /* number of the next push */
	char apart[CACHE_LINE]; /* from what only the consumer writes */
	size_t head; /* number of the next pop */
	size_t capacity;
	struct slot slots[];
};

struct ring *ring_new(size_t capacity)
{
	struct ring *r = mem_new(sizeof(*r) + capacity * sizeof(*r->slots));

	assert(capacity && !(capacity & (capacity - 1)));
	r->capacity = capacity;
	for (size_t i = 0; i < capacity; i++)
		atomic_init(&r->slots[i].turn, i);
	return r;
}

void ring_free(struct ring *r)
{
	free(r);
}

static struct slot *slot_of(struct ring *r, size_t number)
{
	return &r->slots[number & (r->capacity - 1)];
}

bool ring_push(struct ring *r, void *p)
{
	size_t n = atomic_load_explicit(&r->tail, memory_order_relaxed);
	struct slot *s;

	for (;;) {
		size_t turn;

		s = slot_of(r, n);
		turn = atomic_load_explicit(&s->turn, memory_order_acquire);
		if (turn == n) {
			if (atomic_compare_exchange_weak_explicit(
				    &r->tail, &n, n + 1, memory_order_relaxed,
				    memory_order_relaxed))
				break;
		} else if (turn + r->capacity == n + 1) {
			return false; /* its last one was not taken out yet */
		} else {
			n = atomic_load_explicit(&r->tail,
						 memory_order_relaxed);
		}
	}
	s->p = p;
	atomic_store_explicit(&s->turn, n + 1, memory_order_release);
	return true;
}

void *ring_pop(struct ring *r)
{
	struct slot *s = slot_of(r, r->head);
	void *p;

	if (atomic_load_explicit(&s->turn, memory_order_acquire) !=
	    r->head + 1)
		return NULL;
	p = s->p;
	atomic_store_explicit(&s->turn, r->head + r->capacity,
			      memory_order_release);
	r->head++;
	return p;
}
