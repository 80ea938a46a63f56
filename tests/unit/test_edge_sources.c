/* sources: what one source is. */
#include "unit.h"

#include "edge/sources.h"

static uint64_t id(const char *text)
{
	struct sock_addr a;

	assert_true(sock_addr_parse(&a, span_str(text)));
	return sources_id(&a);
}

static void a_slash_64_is_one_source(void **state)
{
	(void)state;
	assert_int_equal(id("[2001:db8::1]:1"), id("[2001:db8::ffff:2]:2"));
	assert_int_not_equal(id("[2001:db8::1]:1"), id("[2001:db8:0:1::1]:1"));
	assert_int_equal(id("192.0.2.1:1"), id("192.0.2.1:2"));
	assert_int_not_equal(id("192.0.2.1:1"), id("192.0.2.2:1"));
}

static void families_do_not_meet(void **state)
{
	const uint64_t all[] = { id("0.0.0.0:1"), id("[::]:1"), id("unix:/x") };
	size_t i, j;

	(void)state;
	/* The one pair that shares a number: nobody connects from either. */
	assert_int_equal(id("[::]:1"), id("[0:0:0:1::]:1"));
	assert_int_equal(all[1], 1);
	for (i = 0; i < 3; i++)
		for (j = i + 1; j < 3; j++)
			assert_int_not_equal(all[i], all[j]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slash_64_is_one_source),
		cmocka_unit_test(families_do_not_meet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
