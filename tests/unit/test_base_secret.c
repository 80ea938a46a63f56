#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

static void equal_only_when_every_byte_is(void **state)
{
	uint8_t a[33], b[33];

	(void)state;
	memset(a, 0xa5, sizeof(a));
	memcpy(b, a, sizeof(b));
	assert_true(ct_equal(a, b, sizeof(a)));
	assert_true(ct_equal(a, b, 0));
	assert_true(ct_equal(NULL, NULL, 0));
	for (size_t bit = 0; bit < sizeof(a) * 8; bit++) {
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(ct_equal(a, b, sizeof(a)));
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void zero_key_is_told(void **state)
{
	struct key32 k = { 0 };

	(void)state;
	assert_true(key32_is_zero(&k));
	for (size_t i = 0; i < 32; i++) {
		k.b[i] = 1;
		assert_false(key32_is_zero(&k));
		k.b[i] = 0;
	}
}

static void wiped_is_zero(void **state)
{
	struct key32 k;
	uint8_t bytes[5] = { 1, 2, 3, 4, 5 };

	(void)state;
	memset(&k, 0xff, sizeof(k));
	key32_wipe(&k);
	assert_true(key32_is_zero(&k));
	secret_wipe(bytes, 3);
	assert_memory_equal(bytes, "\0\0\0\4\5", 5);
	secret_wipe(NULL, 0);
}

static void *noted_take(void *arg, size_t n)
{
	*(size_t *)arg += n;
	return calloc(1, n);
}

static void noted_give(void *arg, void *p, size_t n)
{
	*(size_t *)arg -= n;
	free(p);
}

static void memory_is_the_heap_or_the_one_given(void **state)
{
	size_t taken = 0;
	const struct secret_memory m = { noted_take, noted_give, &taken };
	void *heap = secret_take(NULL, 40), *own = secret_take(&m, 50);

	(void)state;
	assert_int_equal(taken, 50);
	assert_memory_equal(heap, (uint8_t[40]){ 0 }, 40);
	secret_give(NULL, heap, 40);
	secret_give(NULL, NULL, 40);
	secret_give(&m, NULL, 50);
	assert_int_equal(taken, 50);
	secret_give(&m, own, 50);
	assert_int_equal(taken, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_only_when_every_byte_is),
		cmocka_unit_test(zero_key_is_told),
		cmocka_unit_test(wiped_is_zero),
		cmocka_unit_test(memory_is_the_heap_or_the_one_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
