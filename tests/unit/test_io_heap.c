/* The timer heap beside a list searched from one end to the other. */
#include "unit.h"

#include <stdlib.h>

#include "io/heap.h"
#include "io/loop.h"

enum {
	TIMERS = 200,
	STEPS = 20000,
};

static struct loop_timer *stupid_first(struct loop_timer *t, size_t n)
{
	struct loop_timer *first = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!t[i].slot)
			continue;
		if (!first || t[i].at_ms < first->at_ms ||
		    (t[i].at_ms == first->at_ms && t[i].order < first->order))
			first = &t[i];
	}
	return first;
}

static void same_as_stupid_on_random_input(void **state)
{
	static const uint64_t ranges[] = { 3, 100, 1000000 };
	(void)state;

	for (size_t r = 0; r < 3; r++) {
		struct loop_timer t[TIMERS] = { 0 };
		struct heap h = { 0 };
		uint64_t order = 0;
		unsigned seed = (unsigned)r + 1;

		for (int step = 0; step < STEPS; step++) {
			struct loop_timer *one = &t[(unsigned)rand_r(&seed) % TIMERS];

			if (one->slot) {
				heap_remove(&h, one);
				assert_int_equal(one->slot, 0);
			} else {
				one->at_ms = (unsigned)rand_r(&seed) % ranges[r];
				one->order = order++;
				heap_add(&h, one);
			}
			assert_ptr_equal(heap_first(&h), stupid_first(t, TIMERS));
		}
		while (heap_first(&h)) {
			assert_ptr_equal(heap_first(&h), stupid_first(t, TIMERS));
			heap_remove(&h, heap_first(&h));
		}
		assert_null(stupid_first(t, TIMERS));
		heap_fini(&h);
	}
}

static void empty_has_no_first(void **state)
{
	struct heap h = { 0 };

	(void)state;
	assert_null(heap_first(&h));
	heap_fini(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_stupid_on_random_input),
		cmocka_unit_test(empty_has_no_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
