/* The rate limits and the load detector, in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wireguard/ratelimit.h"

static struct endpoint at(const char *text)
{
	struct endpoint e;

	assert_true(endpoint_parse(&e, span_str(text)));
	return e;
}

static int burst(struct ratelimit *r, const char *from, uint64_t now_ms)
{
	struct endpoint e = at(from);
	int n = 0;

	while (n < 1000 && ratelimit_allow(r, &e, now_ms))
		n++;
	return n;
}

static void burst_then_twenty_a_second(void **state)
{
	struct ratelimit r;

	(void)state;
	ratelimit_init(&r);
	assert_int_equal(burst(&r, "192.0.2.1:1", 1000), RATELIMIT_BURST);
	assert_int_equal(burst(&r, "192.0.2.1:1", 1049), 0);
	assert_int_equal(burst(&r, "192.0.2.1:1", 1050), 1);
	assert_int_equal(burst(&r, "192.0.2.1:1", 1150), 2);
	assert_int_equal(burst(&r, "192.0.2.1:1", 99999), RATELIMIT_BURST);
	ratelimit_fini(&r);
}

static void g10_networks_are_32_and_64(void **state)
{
	static const struct {
		const char *name, *first, *second;
		int want;
	} rows[] = {
		{ "other_port_same_share", "192.0.2.1:1", "192.0.2.1:2", 0 },
		{ "other_v4_address_own_share", "192.0.2.1:1", "192.0.2.2:1", RATELIMIT_BURST },
		{ "same_64_same_share", "[2001:db8::1]:1", "[2001:db8::ffff:0:0:1]:1", 0 },
		{ "other_64_own_share", "[2001:db8::1]:1", "[2001:db8:0:1::1]:1", RATELIMIT_BURST },
		{ "family_counts", "1.2.3.4:1", "[102:304::]:1", RATELIMIT_BURST },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ratelimit r;

		print_message("%s\n", rows[i].name);
		ratelimit_init(&r);
		assert_int_equal(burst(&r, rows[i].first, 1000), RATELIMIT_BURST);
		assert_int_equal(burst(&r, rows[i].second, 1000), rows[i].want);
		ratelimit_fini(&r);
	}
}

/* Many networks at once: memory is bounded, and no network gets more than its
 * burst by pushing others out. */
static void g10_flood_of_networks_gives_nobody_more(void **state)
{
	struct endpoint e = at("10.0.0.1:1");
	struct ratelimit r;
	int allowed = 0;

	(void)state;
	ratelimit_init(&r);
	assert_int_equal(burst(&r, "192.0.2.1:1", 1000), RATELIMIT_BURST);
	for (uint32_t i = 0; i < 100'000; i++) {
		e.ip[1] = (uint8_t)(i >> 16);
		e.ip[2] = (uint8_t)(i >> 8);
		e.ip[3] = (uint8_t)i;
		allowed += ratelimit_allow(&r, &e, 1000);
	}
	assert_true(allowed <= RATELIMIT_SETS * RATELIMIT_WAYS);
	assert_true(allowed > RATELIMIT_SETS * RATELIMIT_WAYS / 2);
	assert_int_equal(burst(&r, "192.0.2.1:1", 1000), 0);
	/* Idle entries make room again. */
	assert_int_equal(burst(&r, "198.51.100.9:1", 1000 + 250), RATELIMIT_BURST);
	ratelimit_fini(&r);
}

static void g12_load_begins_and_ends(void **state)
{
	struct ratelimit_load l = { 0 };
	uint64_t now = 5000;

	(void)state;
	for (int i = 0; i < LOAD_BURST; i++)
		assert_false(ratelimit_under_load(&l, now));
	assert_true(ratelimit_under_load(&l, now));
	/* Held for a second after the last excess, though the rate is low. */
	now += LOAD_HOLD_MS - 1;
	assert_true(ratelimit_under_load(&l, now));
	now += 1;
	assert_false(ratelimit_under_load(&l, now));
	assert_false(ratelimit_under_load(&l, now + 1000));
}

static void g12_steady_rate_below_the_limit_is_no_load(void **state)
{
	struct ratelimit_load l = { 0 };

	(void)state;
	for (uint64_t ms = 0; ms < 60'000; ms += 3)
		assert_false(ratelimit_under_load(&l, ms));
}

static void g12_steady_rate_above_the_limit_stays_load(void **state)
{
	struct ratelimit_load l = { 0 };
	int loaded = 0;

	(void)state;
	for (uint64_t ms = 0; ms < 10'000; ms++)
		loaded += ratelimit_under_load(&l, ms);
	assert_true(loaded > 9'500);
	assert_false(ratelimit_under_load(&l, 12'000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(burst_then_twenty_a_second),
		cmocka_unit_test(g10_networks_are_32_and_64),
		cmocka_unit_test(g10_flood_of_networks_gives_nobody_more),
		cmocka_unit_test(g12_load_begins_and_ends),
		cmocka_unit_test(g12_steady_rate_below_the_limit_is_no_load),
		cmocka_unit_test(g12_steady_rate_above_the_limit_stays_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
