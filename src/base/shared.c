#include "base/shared.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"

struct shared {
	atomic_size_t count;
	struct buf bytes;
};

struct shared *shared_of(struct buf *bytes)
{
	struct shared *s = mem_new(sizeof(*s));

	atomic_init(&s->count, 1);
	s->bytes = *bytes;
	*bytes = (struct buf){ 0 };
	return s;
}

struct shared *shared_ref(struct shared *s)
{
	atomic_fetch_add_explicit(&s->count, 1, memory_order_relaxed);
	return s;
}

void shared_unref(struct shared *s)
{
	/* The last one sees all that the others did before. */
	if (!s || atomic_fetch_sub_explicit(&s->count, 1,
					    memory_order_acq_rel) != 1)
		return;
	buf_wipe(&s->bytes);
	free(s);
}

struct span shared_span(const struct shared *s)
{
	return buf_span(&s->bytes);
}
