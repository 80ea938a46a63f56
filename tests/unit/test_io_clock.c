#include "unit.h"

#include <time.h>

#include "io/clock.h"

static int64_t seconds(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_REALTIME, &t), 0);
	return t.tv_sec;
}

static void clocks_agree_with_the_system(void **state)
{
	uint64_t boot = clock_boot_ms();
	/* Not of time(), which may be a tick behind. */
	int64_t before = seconds(), unix_ms = clock_unix_ms(), unix_s = clock_unix_s();
	int64_t after = seconds();

	(void)state;
	assert_true(unix_s >= before && unix_s <= after);
	assert_true(unix_ms / 1000 >= before && unix_ms / 1000 <= after);
	nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	assert_in_range(clock_boot_ms() - boot, 20, 60000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clocks_agree_with_the_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
