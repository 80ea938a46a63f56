#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum {
	STEPS = 20000,
	MAX = 3000,
};

/* The queue beside one that always moves everything. */
static void same_as_stupid_on_random_input(void **state)
{
	static uint8_t want[MAX];
	unsigned seed = 1;
	size_t n = 0;
	struct buf b;

	(void)state;
	buf_init(&b, MAX);
	for (int step = 0; step < STEPS; step++) {
		uint8_t bytes[500], *at;
		size_t k = (unsigned)rand_r(&seed) % sizeof(bytes), room;

		memset(bytes, step, sizeof(bytes));
		switch (rand_r(&seed) % 4) {
		case 0:
			assert_int_equal(buf_add(&b, span_of(bytes, k)), k <= MAX - n);
			if (k <= MAX - n) {
				memcpy(want + n, bytes, k);
				n += k;
			}
			break;
		case 1:
			at = buf_space(&b, k, &room);
			assert_int_equal(room, k < MAX - n ? k : MAX - n);
			assert_int_equal(at == NULL, room == 0);
			if (room) {
				memset(at, step, room);
				buf_commit(&b, room / 2);
				memset(want + n, step, room / 2);
				n += room / 2;
			}
			break;
		default:
			k = k < n ? k : n;
			buf_consume(&b, k);
			memmove(want, want + k, n - k);
			n -= k;
		}
		assert_int_equal(buf_room(&b), MAX - n);
		assert_true(b.cap <= MAX);
		assert_true(span_equal(buf_span(&b), span_of(want, n)));
	}
	buf_fini(&b);
}

static void bound_holds(void **state)
{
	struct buf b;
	size_t n;

	(void)state;
	buf_init(&b, 4);
	assert_true(buf_add(&b, span_str("abcd")));
	assert_false(buf_add(&b, span_str("e")));
	assert_true(buf_add(&b, span_str("")));
	assert_null(buf_space(&b, 1, &n));
	assert_int_equal(n, 0);
	assert_true(span_equal_str(buf_span(&b), "abcd"));
	buf_consume(&b, 1);
	assert_true(buf_add(&b, span_str("e")));
	assert_true(span_equal_str(buf_span(&b), "bcde"));
	buf_reset(&b);
	assert_int_equal(buf_span(&b).n, 0);
	assert_int_equal(buf_room(&b), 4);
	buf_fini(&b);
	/* Usable again, under the same bound. */
	assert_false(buf_add(&b, span_str("abcde")));
	assert_true(buf_add(&b, span_str("abcd")));
	buf_wipe(&b);
	assert_null(b.p);
	assert_int_equal(buf_room(&b), 4);
}

static void zeroed_is_a_valid_empty_one(void **state)
{
	struct buf b = { 0 };
	size_t n;

	(void)state;
	assert_int_equal(buf_span(&b).n, 0);
	assert_false(buf_add(&b, span_str("a")));
	assert_true(buf_add(&b, span_str("")));
	assert_null(buf_space(&b, 10, &n));
	buf_consume(&b, 0);
	buf_reset(&b);
	buf_wipe(&b);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_stupid_on_random_input),
		cmocka_unit_test(bound_holds),
		cmocka_unit_test(zeroed_is_a_valid_empty_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
