/* Amounts and ages as wg says them. */
#include "unit.h"

#include <string.h>

#include "cli/wg_text.h"

static const struct {
	uint64_t n;
	const char *want;
} amounts[] = {
	{ 0, "0 B" },
	{ 1023, "1023 B" },
	{ 1024, "1.00 KiB" },
	{ 1536, "1.50 KiB" },
	{ 1 << 20, "1.00 MiB" },
	{ 1ull << 30, "1.00 GiB" },
	{ 5ull << 40, "5.00 TiB" },
	{ 5000ull << 40, "5000.00 TiB" },
};

static const struct {
	int64_t seconds;
	const char *want;
} ages[] = {
	{ -5, "Now" },
	{ 0, "Now" },
	{ 1, "1 second ago" },
	{ 59, "59 seconds ago" },
	{ 60, "1 minute ago" },
	{ 125, "2 minutes, 5 seconds ago" },
	{ 3600, "1 hour ago" },
	{ 90061, "1 day, 1 hour, 1 minute, 1 second ago" },
	{ 10 * 86400 + 2, "10 days, 2 seconds ago" },
};

static void assert_text(const struct wr *w, const char *want)
{
	assert_int_equal(wr_span(w).n, strlen(want));
	assert_memory_equal(wr_span(w).p, want, strlen(want));
}

static void amounts_have_binary_units(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(amounts) / sizeof(*amounts); i++) {
		uint8_t text[64];
		struct wr w = WR_ARRAY(text);

		wg_text_bytes(&w, amounts[i].n);
		assert_text(&w, amounts[i].want);
	}
}

static void ages_name_each_unit_there_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ages) / sizeof(*ages); i++) {
		uint8_t text[64];
		struct wr w = WR_ARRAY(text);

		wg_text_age(&w, ages[i].seconds);
		assert_text(&w, ages[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amounts_have_binary_units),
		cmocka_unit_test(ages_name_each_unit_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
