/* base/siphash: vectors of the paper and of its authors' code. */
#include "unit.h"

#include "base/siphash.h"

static struct siphash_key counting(void)
{
	struct siphash_key key;

	for (unsigned i = 0; i < sizeof(key.b); i++)
		key.b[i] = (uint8_t)i;
	return key;
}

static void vectors(void **state)
{
	static const struct {
		size_t n;
		uint64_t want;
	} rows[] = {
		{ 0, 0x726f'db47'dd0e'0e31 },
		{ 15, 0xa129'ca61'49be'45e5 }, /* appendix A */
	};
	const struct siphash_key key = counting();
	uint8_t text[15];

	(void)state;
	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)i;
	for (size_t i = 0; i < 2; i++)
		assert_true(siphash(&key, span_of(text, rows[i].n)) == rows[i].want);
}

static void every_bit_counts(void **state)
{
	struct siphash_key key = counting();
	uint8_t text[20] = { 0 };
	uint64_t plain = siphash(&key, SPAN_ARRAY(text));

	(void)state;
	for (unsigned bit = 0; bit < 8 * sizeof(text); bit++) {
		text[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(siphash(&key, SPAN_ARRAY(text)) != plain);
		text[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_true(siphash(&key, span_of(text, 19)) != plain);
	for (unsigned bit = 0; bit < 8 * sizeof(key.b); bit++) {
		key.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(siphash(&key, SPAN_ARRAY(text)) != plain);
		key.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(every_bit_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
