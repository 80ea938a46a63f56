#include "unit.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
	struct arena a;
	uint8_t *pieces[200];
	size_t sizes[200];
	unsigned seed = 1;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < 200; i++) {
		sizes[i] = 1 + (unsigned)rand_r(&seed) % (i % 10 ? 100 : 6000);
		pieces[i] = arena_new(&a, 1, sizes[i]);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
		assert_true(span_is_zero(span_of(pieces[i], sizes[i])));
		memset(pieces[i], (int)i + 1, sizes[i]);
	}
	for (size_t i = 0; i < 200; i++)
		for (size_t k = 0; k < sizes[i]; k++)
			assert_int_equal(pieces[i][k], (uint8_t)(i + 1));
	arena_fini(&a);
}

static void bound_holds(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 64);
	assert_non_null(arena_new(&a, 3, 16));
	assert_null(arena_new(&a, 1, 17));
	assert_non_null(arena_new(&a, 1, 16));
	assert_null(arena_new(&a, 1, 1));
	assert_null(arena_dup(&a, span_str("")));
	arena_fini(&a);
	assert_non_null(arena_new(&a, 1, 64));
	arena_fini(&a);
}

static void huge_products_refused(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, SIZE_MAX);
	assert_null(arena_new(&a, SIZE_MAX / 2, 3));
	assert_null(arena_new(&a, SIZE_MAX, 1));
	assert_null(arena_new(&a, 1, SIZE_MAX - 3));
	arena_fini(&a);
}

static void copies_end_in_nul(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1000);
	assert_string_equal(arena_dup(&a, span_str("abc")), "abc");
	assert_string_equal(arena_dup(&a, span_of(NULL, 0)), "");
	assert_memory_equal(arena_dup(&a, span_of("a\0b", 3)), "a\0b", 4);
	arena_fini(&a);
}

static void zeroed_holds_nothing(void **state)
{
	struct arena a = { 0 };

	(void)state;
	assert_null(arena_new(&a, 1, 1));
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
		cmocka_unit_test(bound_holds),
		cmocka_unit_test(huge_products_refused),
		cmocka_unit_test(copies_end_in_nul),
		cmocka_unit_test(zeroed_holds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
