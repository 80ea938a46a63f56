#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/rng.h"

static void fills_exactly_n_bytes(void **state)
{
	uint8_t b[1024 + 1];

	(void)state;
	memset(b, 0, sizeof(b));
	rng_bytes(b, 1024);
	assert_int_equal(b[1024], 0);
	/* 32 zero bytes in a row have a chance of 2^-256. */
	for (size_t at = 0; at < 1024; at += 32) {
		static const uint8_t zero[32];

		assert_memory_not_equal(b + at, zero, 32);
	}
	rng_bytes(b, 0);
}

static void numbers_differ(void **state)
{
	uint32_t first = rng_u32();
	int same = 0;

	(void)state;
	for (int i = 0; i < 16; i++)
		same += rng_u32() == first;
	assert_true(same < 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_exactly_n_bytes),
		cmocka_unit_test(numbers_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
