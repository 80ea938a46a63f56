/*
 * streams: beside a list that is searched from its beginning, and each bound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http2/streams.h"

enum {
	NUMBERS = 600,
};

static uint64_t seed = 1;
static unsigned rnd(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

static void test_open_beside_a_stupid_one(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		bool is_open[2 * NUMBERS] = { false };
		struct streams s;

		streams_init(&s);
		for (uint32_t next = 1; next < 2 * NUMBERS;) {
			uint32_t any = rnd(2 * NUMBERS);

			if (rnd(3)) {
				s.last = next;
				assert_true(streams_open(&s, next));
				is_open[next] = true;
				next += 2 * (1 + rnd(4));
			} else if (rnd(2)) {
				streams_close(&s, any);
				is_open[any] = false;
			} else {
				streams_end(&s, any);
				is_open[any] = is_open[any] && any > s.last;
			}
			for (uint32_t i = 0; i < 2 * NUMBERS; i++)
				assert_int_equal(streams_is_open(&s, i), is_open[i]);
		}
		streams_fini(&s);
	}
}

static void test_bounds(void **state)
{
	struct streams s;
	uint32_t i;

	(void)state;
	streams_init(&s);
	for (i = 0; i < STREAMS_OPEN_MAX; i++)
		assert_true(streams_open(&s, 2 * i + 1));
	assert_false(streams_open(&s, 2 * i + 1));
	s.last = 2 * i - 1;
	for (i = 0; i < STREAMS_REFUSED_MAX; i++) {
		assert_true(streams_refuse(&s, 2 * i + 1));
		assert_false(streams_is_open(&s, 2 * i + 1));
	}
	assert_false(streams_refuse(&s, 2 * i + 1));
	assert_true(streams_is_refused(&s, 1));
	assert_false(streams_is_refused(&s, 2 * i + 1));
	for (i = 0; i <= STREAMS_ENDED_MAX; i++)
		streams_end(&s, 2 * i + 1);
	assert_false(streams_has_ended(&s, 1));
	assert_true(streams_has_ended(&s, 3));
	assert_true(streams_has_ended(&s, 2 * i - 1));
	/* One that was never opened is none that has ended. */
	streams_end(&s, s.last + 2);
	assert_false(streams_has_ended(&s, s.last + 2));
	streams_fini(&s);
}

static void test_resets(void **state)
{
	struct streams s;

	(void)state;
	streams_init(&s);
	for (int i = 0; i < STREAMS_RESETS_MAX; i++)
		assert_true(streams_reset(&s));
	assert_false(streams_reset(&s));
	s.requests = 2 * (STREAMS_RESETS_MAX + 2);
	assert_true(streams_reset(&s));
	assert_false(streams_reset(&s));
	streams_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_beside_a_stupid_one),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_resets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
