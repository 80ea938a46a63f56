/* The ring of refusals: newest first, never more than it holds. */
#include "unit.h"

#include "registrar/refusals.h"

static void newest_first_and_bounded(void **state)
{
	static struct refusals r;

	(void)state;
	assert_int_equal(refusals_count(&r), 0);
	for (int i = 0; i < 3; i++)
		refusals_add(&r, &(struct refusal){ .at_unix_ms = i });
	assert_int_equal(refusals_count(&r), 3);
	assert_int_equal(refusals_at(&r, 0)->at_unix_ms, 2);
	assert_int_equal(refusals_at(&r, 2)->at_unix_ms, 0);
	for (int i = 3; i < 1000; i++)
		refusals_add(&r, &(struct refusal){ .at_unix_ms = i });
	assert_int_equal(r.total, 1000);
	assert_int_equal(refusals_count(&r), REFUSALS_MAX);
	assert_int_equal(refusals_at(&r, 0)->at_unix_ms, 999);
	assert_int_equal(refusals_at(&r, REFUSALS_MAX - 1)->at_unix_ms, 1000 - REFUSALS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newest_first_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
