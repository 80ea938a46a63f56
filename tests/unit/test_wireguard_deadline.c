/* The heap of deadlines against a search of all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wireguard/deadline.h"

enum {
	ENTRIES = 40,
	STEPS = 50'000,
};

static void equals_a_search_on_random_changes(void **state)
{
	struct deadline e[ENTRIES] = { 0 };
	struct deadlines h = { 0 };
	uint32_t seed = 7;

	(void)state;
	assert_null(deadline_first(&h));
	deadline_reserve(&h, ENTRIES);
	for (int i = 0; i < STEPS; i++) {
		struct deadline *d, *first;
		uint64_t best = UINT64_MAX;

		seed = seed * 1664525u + 1013904223u;
		d = &e[(seed >> 8) % ENTRIES];
		if (seed >> 30)
			deadline_set(&h, d, seed >> 16 & 0xff);
		else
			deadline_remove(&h, d);
		for (int k = 0; k < ENTRIES; k++)
			if (e[k].slot && e[k].at_ms < best)
				best = e[k].at_ms;
		first = deadline_first(&h);
		if (first)
			assert_true(first->at_ms == best);
		else
			assert_true(best == UINT64_MAX);
	}
	deadline_fini(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equals_a_search_on_random_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
