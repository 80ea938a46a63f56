/* balance: least loaded first, ejection and back, in a time of our own. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/balance.h"

#define ID(n) ((const uint8_t[BALANCE_ID_LEN]){ 0xee, (uint8_t)((n) >> 8), (uint8_t)(n) })

enum {
	SECOND = 1000,
	START = 1'000'000,
};

static int setup(void **state)
{
	struct balance *b = test_calloc(1, sizeof(*b));

	balance_init(b, 0x1234'5678'9abc'def0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	balance_fini(*state);
	test_free(*state);
	return 0;
}

/* The order among instances 0..count-1 as text: "201"; 'failing' a bit each. */
static const char *order(char text[8], const struct balance *b, size_t count, unsigned failing,
			 unsigned turn, uint64_t now)
{
	static const uint8_t ids[4][BALANCE_ID_LEN] = { { 0xee, 0, 0 },
							{ 0xee, 0, 1 },
							{ 0xee, 0, 2 },
							{ 0xee, 0, 3 } };
	struct balance_candidate c[4];
	size_t at[4], n;

	for (size_t i = 0; i < count; i++)
		c[i] = (struct balance_candidate){ ids[i], failing >> i & 1 };
	n = balance_order(b, at, 3, c, count, turn, now);
	for (size_t i = 0; i < n; i++)
		text[i] = (char)('0' + at[i]);
	text[n] = '\0';
	return text;
}

#define assert_order(want, ...) assert_string_equal(order((char[8]){ 0 }, __VA_ARGS__), want)

static void fail_times(struct balance *b, const uint8_t *id, int times, uint64_t now)
{
	while (times--)
		balance_failed(b, id, now);
}

static void equals_take_turns(void **state)
{
	assert_order("012", *state, 3, 0, 0, START);
	assert_order("120", *state, 3, 0, 1, START);
	assert_order("201", *state, 3, 0, 5, START);
	assert_order("012", *state, 4, 0, 0, START);
	assert_order("", *state, 0, 0, 7, START);
}

static void least_loaded_first(void **state)
{
	struct balance *b = *state;

	balance_begin(b, ID(0));
	balance_begin(b, ID(0));
	balance_begin(b, ID(1));
	assert_order("210", b, 3, 0, 0, START);
	balance_end(b, ID(0));
	balance_end(b, ID(0));
	assert_order("021", b, 3, 0, 0, START);
	balance_end(b, ID(1));
	assert_int_equal(b->count, 0);
}

/* Each connection to the least loaded: no instance ever has two more than
 * another, however connections end. */
static void loads_stay_even(void **state)
{
	struct balance *b = *state;
	unsigned held[3] = { 0 }, seed = 7;

	for (unsigned i = 0; i < 3000; i++) {
		char text[8];
		unsigned n = (unsigned)(order(text, b, 3, 0, i, START)[0] - '0');

		balance_begin(b, ID(n));
		held[n]++;
		for (unsigned k = 0; k < 3; k++)
			assert_true(held[n] <= held[k] + 1);
		seed = seed * 1103515245 + 12345;
		n = seed >> 16 & 3;
		if (n < 3 && held[n] > 20) {
			balance_end(b, ID(n));
			held[n]--;
		}
	}
	for (unsigned k = 0; k < 3; k++)
		while (held[k]--)
			balance_end(b, ID(k));
	assert_int_equal(b->count, 0);
}

static void ejected_after_failures_in_a_row(void **state)
{
	struct balance *b = *state;

	fail_times(b, ID(0), 2, START);
	balance_worked(b, ID(0), START);
	fail_times(b, ID(0), 2, START);
	assert_false(balance_is_ejected(b, ID(0), START));
	fail_times(b, ID(0), 1, START);
	assert_true(balance_is_ejected(b, ID(0), START));
	assert_order("120", b, 3, 0, 0, START);
	assert_true(balance_is_ejected(b, ID(0), START + 5 * SECOND - 1));
	assert_false(balance_is_ejected(b, ID(0), START + 5 * SECOND));
	assert_order("012", b, 3, 0, 0, START + 5 * SECOND);
}

/* Back for one chance; each failure then doubles the time, up to a bound. */
static void kept_out_twice_as_long_each_time(void **state)
{
	static const unsigned want_s[] = { 5, 10, 20, 40, 80, 160, 300, 300, 300 };
	struct balance *b = *state;
	uint64_t now = START;

	fail_times(b, ID(0), BALANCE_FAILURES, now);
	for (size_t i = 0; i < sizeof(want_s) / sizeof(*want_s); i++) {
		uint64_t until = now + want_s[i] * SECOND;

		/* What was under way when it was ejected does not count. */
		fail_times(b, ID(0), 5, now + 1);
		assert_true(balance_is_ejected(b, ID(0), until - 1));
		assert_false(balance_is_ejected(b, ID(0), until));
		now = until;
		balance_failed(b, ID(0), now);
	}
}

static void forgiven_after_working_as_long(void **state)
{
	struct balance *b = *state;

	fail_times(b, ID(0), BALANCE_FAILURES, START); /* until +5 s */
	balance_worked(b, ID(0), START + 6 * SECOND);
	balance_failed(b, ID(0), START + 7 * SECOND); /* still on probation: 10 s */
	assert_true(balance_is_ejected(b, ID(0), START + 16 * SECOND));
	balance_worked(b, ID(0), START + 27 * SECOND);
	fail_times(b, ID(0), 2, START + 28 * SECOND);
	assert_false(balance_is_ejected(b, ID(0), START + 28 * SECOND));
}

static void last_resort_that_works_is_back(void **state)
{
	struct balance *b = *state;

	fail_times(b, ID(0), BALANCE_FAILURES, START);
	balance_worked(b, ID(0), START + 1);
	assert_false(balance_is_ejected(b, ID(0), START + 1));
}

static void never_more_than_half_ejected(void **state)
{
	struct balance *b = *state;

	fail_times(b, ID(1), BALANCE_FAILURES, START);
	assert_order("021", b, 3, 0, 0, START);
	fail_times(b, ID(2), BALANCE_FAILURES, START + 1);
	/* Two of three are out: the one whose time ends first is back in. */
	assert_order("012", b, 3, 0, 0, START + 1);
	assert_order("102", b, 3, 0, 1, START + 1);
	fail_times(b, ID(0), BALANCE_FAILURES, START + 2);
	assert_order("120", b, 3, 0, 0, START + 2);
	/* An instance alone is never out. */
	assert_order("0", b, 1, 0, 0, START + 2);
}

static void failing_last_unless_all_are(void **state)
{
	struct balance *b = *state;

	assert_order("021", b, 3, 1 << 1, 0, START);
	fail_times(b, ID(2), BALANCE_FAILURES, START);
	assert_order("021", b, 3, 1 << 1, 0, START);
	balance_begin(b, ID(0));
	/* Loaded beats ejected beats failing. */
	assert_order("021", b, 3, 1 << 1, 0, START);
	assert_order("120", b, 3, 7, 1, START);
	balance_end(b, ID(0));
}

/* Strangers cannot make it remember without bound. */
static void memory_is_bounded(void **state)
{
	struct balance *b = *state;

	balance_begin(b, ID(60000));
	for (unsigned i = 0; i < 3 * BALANCE_MEMORY; i++)
		fail_times(b, ID(i), BALANCE_FAILURES, START + i);
	assert_true(b->count <= BALANCE_MEMORY + 1);
	assert_int_equal(balance_load(b, ID(60000)), 1);
	balance_end(b, ID(60000));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(equals_take_turns),
		T(least_loaded_first),
		T(loads_stay_even),
		T(ejected_after_failures_in_a_row),
		T(kept_out_twice_as_long_each_time),
		T(forgiven_after_working_as_long),
		T(last_resort_that_works_is_back),
		T(never_more_than_half_ejected),
		T(failing_last_unless_all_are),
		T(memory_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
