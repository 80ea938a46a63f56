/* The replay window: RFC 6479, whitepaper §5.4.6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "wireguard/replay.h"

static const struct row {
	const char *name;
	uint64_t counter;
	bool want;
} rows[] = {
	{ "first_is_0", 0, true },
	{ "0_again_refused", 0, false },
	{ "next", 1, true },
	{ "skipping", 9, true },
	{ "behind", 8, true },
	{ "behind_again_refused", 8, false },
	{ "one_below_window", REPLAY_WINDOW - 1, true },
	{ "full_window", REPLAY_WINDOW + 1, true },
	{ "oldest_in_window", 2, true },
	{ "oldest_in_window_again_refused", 2, false },
	{ "just_left_the_window_refused", 1, false },
	{ "never_seen_but_too_old_refused", 0, false },
	{ "jump_by_one_ring", REPLAY_WINDOW + 1 + REPLAY_BITS, true },
	{ "old_one_of_before_the_jump_refused", REPLAY_WINDOW + 1, false },
	{ "not_seen_within_after_jump", REPLAY_BITS + 2, true },
	{ "not_seen_just_outside_refused", REPLAY_BITS + 1, false },
	{ "far_jump", 1ull << 40, true },
	{ "far_jump_again_refused", 1ull << 40, false },
	{ "behind_far_jump", (1ull << 40) - REPLAY_WINDOW + 1, true },
	{ "behind_far_jump_outside_refused", (1ull << 40) - REPLAY_WINDOW, false },
	{ "last_valid", REPLAY_REJECT_AFTER - 1, true },
	{ "last_valid_again_refused", REPLAY_REJECT_AFTER - 1, false },
	{ "g2_at_the_limit_refused", REPLAY_REJECT_AFTER, false },
	{ "g2_over_the_limit_refused", REPLAY_REJECT_AFTER + 1, false },
	{ "g2_maximum_refused", UINT64_MAX, false },
	{ "before_last_valid", REPLAY_REJECT_AFTER - 2, true },
};

static void g4_window_edges(void **state)
{
	struct replay r = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		print_message("%s\n", rows[i].name);
		assert_int_equal(replay_accept(&r, rows[i].counter), rows[i].want);
	}
}

static void reject_limit_is_2_64_minus_2_13_minus_1(void **state)
{
	(void)state;
	assert_true(REPLAY_REJECT_AFTER == 0ull - 8192 - 1);
}

/* Against a set of all counters seen: it accepts what is new and not older
 * than the window, whatever the jumps. */
static void g4_equals_a_set_on_random_counters(void **state)
{
	enum {
		SPACE = 1 << 17,
		STEPS = 400'000
	};
	bool *seen = mem_new(SPACE);
	struct replay r = { 0 };
	uint32_t random = 12345;
	uint64_t top = 0, highest = 0;
	bool any = false;

	(void)state;
	for (int i = 0; i < STEPS; i++) {
		uint64_t c;
		bool want;

		random = random * 1664525u + 1013904223u;
		if (random >> 28 == 0)
			top += random >> 8 & 0x3ff;
		c = top + (random >> 4 & 0xff);
		if (random >> 29 == 1)
			c = c > 9000 ? c - (random >> 6) % 9000 : 0;
		if (c >= SPACE)
			break;
		want = !seen[c] && (!any || c + REPLAY_WINDOW > highest);
		assert_int_equal(replay_accept(&r, c), want);
		seen[c] |= want;
		if (want && (!any || c > highest))
			highest = c;
		any = true;
	}
	assert_true(highest > 20000);
	free(seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(g4_window_edges),
		cmocka_unit_test(reject_limit_is_2_64_minus_2_13_minus_1),
		cmocka_unit_test(g4_equals_a_set_on_random_counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
