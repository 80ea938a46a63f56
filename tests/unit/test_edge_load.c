/* load: when new connections are turned away, and when no longer. */
#include "unit.h"

#include <string.h>

#include "edge/load.h"

static const struct load_limits limits = { .lag_ms = 500, .memory = 1000 };

struct row {
	const char *name;
	struct load_signals now;
	bool is_over;
};

static const struct row rows[] = {
	{ "nothing", { 0 }, false },
	{ "late_but_within", { .lag_ms = 499 }, false },
	{ "late", { .lag_ms = 500 }, true },
	{ "memory_within", { .memory = 999 }, false },
	{ "memory", { .memory = 1000 }, true },
	{ "queue_within", { .queued = 89, .queue_max = 100 }, false },
	{ "queue", { .queued = 90, .queue_max = 100 }, true },
	{ "no_queue", { .queued = 0, .queue_max = 0 }, false },
};

static void each_signal_counts(void **state)
{
	struct load l;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		l = (struct load){ 0 };
		load_tick(&l, &limits, &rows[i].now);
		if (load_is_calm(&l) == rows[i].is_over)
			fail_msg("%s", rows[i].name);
	}
}

static void no_limit_is_never_over(void **state)
{
	const struct load_limits none = { 0 };
	const struct load_signals much = { .lag_ms = 1 << 20, .memory = UINT64_MAX };
	struct load l = { 0 };

	(void)state;
	load_tick(&l, &none, &much);
	assert_true(load_is_calm(&l));
}

static unsigned shed_of_16(struct load *l)
{
	unsigned n = 0, i;

	for (i = 0; i < LOAD_PARTS; i++)
		n += load_sheds(l);
	return n;
}

/* A quarter more each tick that is over, a sixteenth less each that is not. */
static void quick_to_shed_slow_to_stop(void **state)
{
	const struct load_signals bad = { .lag_ms = 600 }, good = { .lag_ms = 10 };
	const unsigned want[] = { 4, 8, 12, 16, 16, 16 };
	struct load l = { 0 };
	unsigned i;

	(void)state;
	assert_int_equal(shed_of_16(&l), 0);
	for (i = 0; i < 6; i++) {
		load_tick(&l, &limits, &bad);
		assert_int_equal(shed_of_16(&l), want[i]);
	}
	for (i = 16; i-- > 0;) {
		load_tick(&l, &limits, &good);
		assert_int_equal(shed_of_16(&l), i);
		assert_int_equal(load_is_calm(&l), i == 0);
	}
	load_tick(&l, &limits, &good);
	assert_true(load_is_calm(&l));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_signal_counts),
		cmocka_unit_test(no_limit_is_never_over),
		cmocka_unit_test(quick_to_shed_slow_to_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
