/*
 * bootlog: events reach their own register, in order, and no other.
 */
#include "unit.h"

#include <string.h>

#include "measure/bootlog.h"

static void events_extend_their_register_in_order(void **state)
{
	struct sha384 a, b, want = { 0 }, got;
	const struct span first[] = { SPAN_ARRAY(want.b), SPAN_ARRAY(b.b) };
	const struct span second[] = { SPAN_ARRAY(want.b), SPAN_ARRAY(a.b) };
	struct bootlog log = { 0 };

	(void)state;
	sha384_of(&a, span_str("a"));
	sha384_of(&b, span_str("b"));
	bootlog_add(&log, 2, "b", &b);
	bootlog_add_bytes(&log, 1, "x", span_str("x"));
	bootlog_add_bytes(&log, 2, "a", span_str("a"));
	assert_int_equal(log.count, 3);
	assert_false(log.event[2].is_given);
	sha384_parts(&want, first, 2);
	sha384_parts(&want, second, 2);
	bootlog_replay(&got, &log, 2);
	assert_memory_equal(got.b, want.b, 48);
	bootlog_replay(&got, &log, 3);
	assert_true(span_is_zero(SPAN_ARRAY(got.b)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_extend_their_register_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
