/*
 * sketch: counts and token buckets against plain arrays of each, in virtual
 * time; what a collision may and may not do.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "edge/sketch.h"

enum {
	KEYS = 300,
	WRITERS = 4,
};

static uint64_t key_of(uint32_t i)
{
	return sketch_hash(0x5eed, &i, sizeof(i));
}

/* Few keys in a wide table: with this secret none of them collide in all
 * rows, so that the sketch is exact. */
static void counts_are_those_of_an_array(void **state)
{
	struct sketch_count *s = mem_new_array(WRITERS, sizeof(*s));
	uint32_t model[WRITERS][KEYS] = { 0 }, want, i, w, step;

	(void)state;
	srand(11);
	for (step = 0; step < 300000; step++) {
		i = (uint32_t)rand() % KEYS;
		w = (uint32_t)rand() % WRITERS;
		if (rand() % 2 && model[w][i]) {
			sketch_count_remove(&s[w], key_of(i));
			model[w][i]--;
		} else {
			sketch_count_add(&s[w], key_of(i));
			model[w][i]++;
		}
		if (step % 64)
			continue;
		for (want = 0, w = 0; w < WRITERS; w++)
			want += model[w][i];
		assert_int_equal(sketch_count_of(s, WRITERS, key_of(i)), want);
	}
	/* One writer dies: what it held is forgotten, the rest is not. */
	sketch_count_reset(&s[2]);
	for (i = 0; i < KEYS; i++) {
		want = model[0][i] + model[1][i] + model[3][i];
		assert_int_equal(sketch_count_of(s, WRITERS, key_of(i)), want);
	}
	free(s);
}

/* Crowded: never too little, and seldom too much. */
static void a_crowd_is_never_undercounted(void **state)
{
	enum {
		CROWD = 20000,
	};
	struct sketch_count *s = mem_new(sizeof(*s));
	uint32_t i, k, over = 0;

	(void)state;
	for (i = 0; i < CROWD; i++)
		for (k = 0; k <= i % 3; k++)
			sketch_count_add(s, key_of(i));
	for (i = 0; i < CROWD; i++) {
		assert_true(sketch_count_of(s, 1, key_of(i)) >= i % 3 + 1);
		over += sketch_count_of(s, 1, key_of(i)) > 16;
	}
	assert_int_equal(over, 0);
	free(s);
}

/* The stupid form of a bucket: tokens in thousandths, refilled each look. */
struct bucket {
	uint64_t milli, at_ms;
};

static bool take(struct bucket *b, const struct sketch_bucket *rule, uint64_t now_ms)
{
	b->milli += (now_ms - b->at_ms) * rule->per_s;
	b->at_ms = now_ms;
	if (b->milli > rule->burst * 1000)
		b->milli = rule->burst * 1000;
	if (b->milli < 1000)
		return false;
	b->milli -= 1000;
	return true;
}

static void buckets_are_those_of_an_array(void **state)
{
	/* Rates whose tokens take whole milliseconds: both are exact then. */
	static const struct sketch_bucket rules[] = {
		{ 1, 1 },
		{ 1, 5 },
		{ 10, 20 },
		{ 100, 200 },
		{ 1000, 2000 },
		{ 250, 3 },
	};
	struct sketch_rate *s = mem_new(sizeof(*s));
	struct bucket model[KEYS] = { 0 };
	size_t r, step, passed;
	uint64_t now;
	uint32_t i;

	(void)state;
	srand(5);
	for (r = 0; r < sizeof(rules) / sizeof(*rules); r++) {
		memset(s, 0, sizeof(*s));
		now = 1000000;
		for (i = 0; i < KEYS; i++)
			model[i] = (struct bucket){ rules[r].burst * 1000, now };
		passed = 0;
		for (step = 0; step < 100000; step++) {
			now += (uint64_t)rand() % 3;
			i = (uint32_t)(rand() % 4 ? rand() % 4 : rand() % KEYS);
			bool want = take(&model[i], &rules[r], now);

			assert_int_equal(sketch_rate_pass(s, key_of(i), &rules[r], now), want);
			passed += want;
		}
		assert_in_range(passed, 100, 100000);
	}
	free(s);
}

static void no_rate_is_no_limit(void **state)
{
	const struct sketch_bucket none = { 0, 0 };
	struct sketch_rate *s = mem_new(sizeof(*s));
	int i;

	(void)state;
	for (i = 0; i < 100000; i++)
		assert_true(sketch_rate_pass(s, 1, &none, 5));
	free(s);
}

/* A flood of one key leaves its neighbours' buckets alone. */
static void a_refused_flood_charges_nobody(void **state)
{
	const struct sketch_bucket rule = { 10, 20 };
	struct sketch_rate *s = mem_new(sizeof(*s));
	uint32_t i, refused = 0;

	(void)state;
	for (i = 0; i < 1000000; i++)
		refused += !sketch_rate_pass(s, key_of(7), &rule, 1000000 + i / 1000);
	assert_int_equal(refused, 1000000 - 20 - 9);
	for (i = 1000; i < 6000; i++)
		assert_true(sketch_rate_pass(s, key_of(i), &rule, 1001000));
	free(s);
}

static void hashes_depend_on_everything(void **state)
{
	uint8_t bytes[20] = { 0 };
	uint64_t base = sketch_hash(1, bytes, sizeof(bytes));
	size_t i;

	(void)state;
	assert_int_not_equal(sketch_hash(2, bytes, sizeof(bytes)), base);
	assert_int_not_equal(sketch_hash(1, bytes, sizeof(bytes) - 1), base);
	for (i = 0; i < sizeof(bytes); i++) {
		bytes[i] = 1;
		assert_int_not_equal(sketch_hash(1, bytes, sizeof(bytes)), base);
		bytes[i] = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_those_of_an_array),
		cmocka_unit_test(a_crowd_is_never_undercounted),
		cmocka_unit_test(buckets_are_those_of_an_array),
		cmocka_unit_test(no_rate_is_no_limit),
		cmocka_unit_test(a_refused_flood_charges_nobody),
		cmocka_unit_test(hashes_depend_on_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
