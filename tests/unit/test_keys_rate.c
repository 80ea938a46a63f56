/* Rates: a burst, then evenly; many askers do not let one more through. */
#include "unit.h"

#include "base/wr.h"
#include "keys/rate.h"

static unsigned passes(struct keys_rate *r, const char *who, uint32_t per_minute, uint64_t from,
		       uint64_t to, uint64_t step)
{
	unsigned n = 0;

	for (uint64_t t = from; t < to; t += step)
		n += keys_rate_pass(r, span_str(who), per_minute, t);
	return n;
}

static void burst_then_even(void **state)
{
	struct keys_rate *r = keys_rate_new();

	(void)state;
	assert_int_equal(passes(r, "a", 600, 1000, 1001, 1), 1);
	assert_int_equal(passes(r, "a", 600, 1001, 1101, 1), 60); /* the rest of 60, and one */
	assert_int_equal(passes(r, "a", 600, 1101, 61101, 1), 600);
	/* After a rest, a burst again and no more. */
	assert_int_equal(passes(r, "a", 600, 1000000, 1000001, 1), 1);
	assert_int_equal(passes(r, "a", 600, 1000001, 1000050, 1), 49);
	keys_rate_free(r);
}

static void slowest_has_a_burst_of_eight(void **state)
{
	struct keys_rate *r = keys_rate_new();

	(void)state;
	assert_int_equal(passes(r, "a", 1, 0, 1000, 10), 8);
	assert_int_equal(passes(r, "a", 1, 60000, 60001, 1), 1);
	assert_int_equal(passes(r, "a", 1, 60001, 60100, 1), 0);
	keys_rate_free(r);
}

static void one_does_not_spend_anothers(void **state)
{
	struct keys_rate *r = keys_rate_new();

	(void)state;
	assert_int_equal(passes(r, "a", 10, 0, 100, 1), 8);
	assert_int_equal(passes(r, "b", 10, 0, 100, 1), 8);
	keys_rate_free(r);
}

/* Far more askers than places: who is empty stays so. */
static void a_crowd_does_not_wash_one_out(void **state)
{
	struct keys_rate *r = keys_rate_new();
	uint8_t name[4];

	(void)state;
	assert_int_equal(passes(r, "a", 10, 0, 100, 1), 8);
	for (uint32_t i = 0; i < 30000; i++) {
		struct wr w = WR_ARRAY(name);

		wr_be32(&w, i);
		assert_true(keys_rate_pass(r, SPAN_ARRAY(name), 10, 100));
	}
	assert_int_equal(passes(r, "a", 10, 100, 200, 1), 0);
	keys_rate_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(burst_then_even),
		cmocka_unit_test(slowest_has_a_burst_of_eight),
		cmocka_unit_test(one_does_not_spend_anothers),
		cmocka_unit_test(a_crowd_does_not_wash_one_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
