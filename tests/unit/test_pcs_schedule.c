/* When collateral is fetched again, whatever chance has it. */
#include "unit.h"

#include "pcs/schedule.h"

enum {
	NOW = 1'800'000'000,
	DAY = 86400
};

static void a_third_of_the_life_give_or_take_a_tenth(void **state)
{
	const int64_t third = 10 * DAY;
	int64_t least = INT64_MAX, most = 0;

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		int64_t wait = schedule_refresh(NOW, NOW + 3 * third, i * 40503u) - NOW;

		assert_in_range(wait, third - third / 10, third + third / 10);
		least = wait < least ? wait : least;
		most = wait > most ? wait : most;
	}
	/* All of the range is used. */
	assert_in_range(least, third - third / 10, third - third / 11);
	assert_in_range(most, third + third / 11, third + third / 10);
	assert_int_equal(schedule_refresh(NOW, NOW + 3 * third, 7),
			 schedule_refresh(NOW, NOW + 3 * third, 7));
}

static void what_is_past_its_life_is_due(void **state)
{
	(void)state;
	assert_int_equal(schedule_refresh(NOW, NOW, 1), NOW);
	assert_int_equal(schedule_refresh(NOW, NOW - DAY, 1), NOW);
	assert_int_equal(schedule_refresh(NOW, NOW + 1, UINT32_MAX), NOW);
}

static void failures_are_retried_ever_later_up_to_an_hour(void **state)
{
	static const int64_t waits[] = { 60, 120, 240, 480, 960, 1920, 3600, 3600 };

	(void)state;
	for (unsigned i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
		for (uint32_t chance = 0; chance < 1000; chance++) {
			int64_t wait = schedule_retry(NOW, i + 1, 0, chance) - NOW;

			assert_in_range(wait, waits[i] - waits[i] / 10, waits[i] + waits[i] / 10);
		}
	assert_true(schedule_retry(NOW, UINT32_MAX, 0, 0) <= NOW + 4000);
}

static void never_before_the_server_said(void **state)
{
	(void)state;
	for (uint32_t chance = 0; chance < 1000; chance++) {
		int64_t wait = schedule_retry(NOW, 1, 7200, chance) - NOW;

		assert_in_range(wait, 7200, 7209);
		/* Less than we would wait anyway changes nothing. */
		assert_true(schedule_retry(NOW, 7, 1, chance) - NOW >= 3240);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_third_of_the_life_give_or_take_a_tenth),
		cmocka_unit_test(what_is_past_its_life_is_due),
		cmocka_unit_test(failures_are_retried_ever_later_up_to_an_hour),
		cmocka_unit_test(never_before_the_server_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
