/* The map against an array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wireguard/map.h"

enum {
	KEYS = 64, /* few, so that they meet */
	STEPS = 100'000,
};

static void equals_an_array_on_random_changes(void **state)
{
	void *want[KEYS] = { 0 };
	size_t count = 0;
	struct map m = { 0 };
	uint32_t seed = 99;

	(void)state;
	assert_null(map_get(&m, 1));
	map_del(&m, 1);
	map_reserve(&m, KEYS);
	for (int i = 0; i < STEPS; i++) {
		uint32_t k;
		uint64_t key;

		seed = seed * 1664525u + 1013904223u;
		k = seed >> 8 & (KEYS - 1);
		/* Neighbours of one home, also across the table's end. */
		key = (uint64_t)(k & 7) * m.capacity + (k >> 3) + m.capacity - 4;
		if (want[k]) {
			assert_ptr_equal(map_get(&m, key), want[k]);
			map_del(&m, key);
			want[k] = NULL;
			count--;
		} else {
			assert_null(map_get(&m, key));
			want[k] = &want[k];
			map_put(&m, key, want[k]);
			count++;
		}
		assert_int_equal(m.count, count);
		k = seed >> 16 & (KEYS - 1);
		key = (uint64_t)(k & 7) * m.capacity + (k >> 3) + m.capacity - 4;
		assert_ptr_equal(map_get(&m, key), want[k]);
	}
	map_fini(&m);
}

static void reserve_keeps_what_is_there(void **state)
{
	struct map m = { 0 };
	int values[1000];

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		map_reserve(&m, i + 1);
		map_put(&m, i * 2654435761u, &values[i]);
	}
	for (size_t i = 0; i < 1000; i++)
		assert_ptr_equal(map_get(&m, i * 2654435761u), &values[i]);
	map_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equals_an_array_on_random_changes),
		cmocka_unit_test(reserve_keeps_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
