/* Timers, event by event: whitepaper §6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wireguard/timers.h"

static const uint64_t T = 1'000'000;

static struct timers fresh(void)
{
	struct timers t;

	timers_init(&t, 42);
	return t;
}

static void assert_between(uint64_t v, uint64_t low, uint64_t high)
{
	assert_true(v >= low && v <= high);
}

static void nothing_armed_at_first(void **state)
{
	struct timers t = fresh();

	(void)state;
	assert_true(timers_next(&t) == TIMERS_NEVER);
	assert_int_equal(timers_take(&t, UINT64_MAX - 1), TIMER_NONE);
}

static void initiation_is_sent_again_after_5_s_and_jitter(void **state)
{
	struct timers t = fresh();

	(void)state;
	assert_false(timers_initiated_lately(&t, T));
	timers_initiation_sent(&t, T);
	assert_between(timers_next(&t), T + 5000, T + 5333);
	assert_true(timers_initiated_lately(&t, T + 4999));
	assert_false(timers_initiated_lately(&t, T + 5000));
	assert_int_equal(timers_take(&t, T + 4999), TIMER_NONE);
	assert_int_equal(timers_take(&t, T + 5334), TIMER_RETRANSMIT);
	assert_int_equal(timers_take(&t, T + 5334), TIMER_NONE);
}

static void jitter_differs(void **state)
{
	struct timers t = fresh();
	uint64_t low = UINT64_MAX, high = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		timers_initiation_sent(&t, T);
		low = timers_next(&t) < low ? timers_next(&t) : low;
		high = timers_next(&t) > high ? timers_next(&t) : high;
	}
	assert_true(high - low > 200);
}

static void eighteen_retries_then_keys_are_erased(void **state)
{
	struct timers t = fresh();

	(void)state;
	for (int i = 0; i < 18; i++)
		assert_true(timers_retry(&t, T));
	timers_data_received(&t, T);
	assert_false(timers_retry(&t, T));
	assert_true(timers_next(&t) == T + 540'000);
	timers_handshake_complete(&t);
	assert_true(timers_retry(&t, T));
}

static void received_and_silent_for_10_s_asks_for_a_keepalive(void **state)
{
	struct timers t = fresh();

	(void)state;
	timers_data_received(&t, T);
	assert_true(timers_next(&t) == T + 10'000);
	/* More received: one more keepalive 10 s after the first. */
	timers_data_received(&t, T + 4000);
	assert_true(timers_next(&t) == T + 10'000);
	assert_int_equal(timers_take(&t, T + 10'000), TIMER_KEEPALIVE);
	timers_any_sent(&t, T + 10'000);
	timers_keepalive_sent(&t, T + 10'000);
	assert_true(timers_next(&t) == T + 20'000);
	assert_int_equal(timers_take(&t, T + 20'000), TIMER_KEEPALIVE);
	timers_any_sent(&t, T + 20'000);
	timers_keepalive_sent(&t, T + 20'000);
	assert_true(timers_next(&t) == TIMERS_NEVER);
}

static void anything_sent_makes_the_keepalive_needless(void **state)
{
	struct timers t = fresh();

	(void)state;
	timers_data_received(&t, T);
	timers_any_sent(&t, T + 1);
	assert_true(timers_next(&t) == TIMERS_NEVER);
}

static void sent_and_unanswered_for_15_s_asks_for_a_handshake(void **state)
{
	struct timers t = fresh();

	(void)state;
	timers_data_sent(&t, T);
	assert_between(timers_next(&t), T + 15'000, T + 15'333);
	timers_data_sent(&t, T + 3000);
	assert_between(timers_next(&t), T + 15'000, T + 15'333);
	assert_int_equal(timers_take(&t, T + 15'334), TIMER_NEW_HANDSHAKE);
	timers_data_sent(&t, T);
	timers_any_received(&t, T + 1);
	assert_true(timers_next(&t) == TIMERS_NEVER);
}

static void keys_are_erased_after_540_s(void **state)
{
	struct timers t = fresh();

	(void)state;
	timers_session_derived(&t, T);
	assert_true(timers_next(&t) == T + 540'000);
	timers_session_derived(&t, T + 120'000);
	assert_int_equal(timers_take(&t, T + 540'000), TIMER_NONE);
	assert_int_equal(timers_take(&t, T + 660'000), TIMER_ZERO);
}

static void persistent_keepalive_counts_from_the_last_traffic(void **state)
{
	struct timers t = fresh();

	(void)state;
	timers_set_persistent(&t, 25'000, T);
	assert_int_equal(timers_take(&t, T), TIMER_PERSISTENT);
	assert_true(timers_next(&t) == T + 25'000);
	timers_any_received(&t, T + 5000);
	assert_true(timers_next(&t) == T + 30'000);
	timers_any_sent(&t, T + 6000);
	assert_true(timers_next(&t) == T + 31'000);
	timers_stop(&t);
	assert_true(timers_next(&t) == T + 31'000);
	timers_set_persistent(&t, 0, T);
	assert_true(timers_next(&t) == TIMERS_NEVER);
	timers_any_sent(&t, T);
	assert_true(timers_next(&t) == TIMERS_NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_armed_at_first),
		cmocka_unit_test(initiation_is_sent_again_after_5_s_and_jitter),
		cmocka_unit_test(jitter_differs),
		cmocka_unit_test(eighteen_retries_then_keys_are_erased),
		cmocka_unit_test(received_and_silent_for_10_s_asks_for_a_keepalive),
		cmocka_unit_test(anything_sent_makes_the_keepalive_needless),
		cmocka_unit_test(sent_and_unanswered_for_15_s_asks_for_a_handshake),
		cmocka_unit_test(keys_are_erased_after_540_s),
		cmocka_unit_test(persistent_keepalive_counts_from_the_last_traffic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
