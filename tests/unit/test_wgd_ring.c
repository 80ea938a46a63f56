/* The ring: one thread for what it promises, several for that it keeps it. */
#include "unit.h"

#include <pthread.h>
#include <sched.h>

#include "wgd/ring.h"

enum {
	CAPACITY = 8,
	PRODUCERS = 4,
	EACH = 50'000,
};

static void first_in_first_out_and_bounded(void **state)
{
	struct ring *r = ring_new(CAPACITY);
	char things[3 * CAPACITY];
	size_t in = 0, out = 0;

	(void)state;
	assert_null(ring_pop(r));
	/* Rounds that end at each place of the ring. */
	for (size_t n = 1; n <= CAPACITY; n++)
		for (size_t round = 0; round < 2 * CAPACITY; round++) {
			for (size_t i = 0; i < n; i++)
				assert_true(ring_push(r, &things[in++ % sizeof(things)]));
			if (n == CAPACITY)
				assert_false(ring_push(r, things));
			for (size_t i = 0; i < n; i++)
				assert_ptr_equal(ring_pop(r), &things[out++ % sizeof(things)]);
			assert_null(ring_pop(r));
		}
	ring_free(r);
}

struct thing {
	unsigned producer, number;
};

struct producer {
	struct ring *ring;
	struct thing things[EACH];
	unsigned self;
	pthread_t thread;
};

static void *produce(void *arg)
{
	struct producer *p = arg;

	for (unsigned i = 0; i < EACH; i++) {
		p->things[i] = (struct thing){ p->self, i };
		while (!ring_push(p->ring, &p->things[i]))
			sched_yield();
	}
	return NULL;
}

/* Nothing is lost, nothing comes twice, and what one thread put in comes in its
 * order, as it was written. */
static void several_threads_put_in(void **state)
{
	static struct producer p[PRODUCERS];
	struct ring *r = ring_new(CAPACITY);
	unsigned next[PRODUCERS] = { 0 }, total = 0;

	(void)state;
	for (unsigned i = 0; i < PRODUCERS; i++) {
		p[i].ring = r;
		p[i].self = i;
		assert_int_equal(pthread_create(&p[i].thread, NULL, produce, &p[i]), 0);
	}
	while (total < PRODUCERS * EACH) {
		const struct thing *t = ring_pop(r);

		if (!t) {
			sched_yield();
			continue;
		}
		assert_true(t->producer < PRODUCERS);
		assert_int_equal(t->number, next[t->producer]++);
		total++;
	}
	for (unsigned i = 0; i < PRODUCERS; i++)
		assert_int_equal(pthread_join(p[i].thread, NULL), 0);
	assert_null(ring_pop(r));
	ring_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_in_first_out_and_bounded),
		cmocka_unit_test(several_threads_put_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
