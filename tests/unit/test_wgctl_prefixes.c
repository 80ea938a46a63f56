/*
 * The allowed IPs of peers of any size, one after another in the same memory.
 */
#include "unit.h"

#include "wgctl/prefixes.h"

static const struct io_prefix *at(const struct wgctl_peer *p, size_t i)
{
	return i < WGCTL_ALLOWED_MAX ? &p->allowed[i] : &p->more[i - WGCTL_ALLOWED_MAX];
}

static struct io_prefix prefix(size_t k, size_t i)
{
	struct io_prefix p = { .bytes = { 10 }, .len = 32 };

	p.bytes[1] = (uint8_t)k;
	p.bytes[2] = (uint8_t)(i >> 8);
	p.bytes[3] = (uint8_t)i;
	return p;
}

static void any_number_is_kept_in_its_order(void **state)
{
	static const size_t counts[] = {
		1000,
		0,
		1,
		WGCTL_ALLOWED_MAX,
		WGCTL_ALLOWED_MAX + 1,
		2000,
	};
	struct prefixes s = { 0 };

	(void)state;
	for (size_t k = 0; k < sizeof(counts) / sizeof(*counts); k++) {
		struct wgctl_peer p = { 0 };
		struct io_prefix one;

		for (size_t i = 0; i < counts[k]; i++) {
			one = prefix(k, i);
			prefixes_add(&s, &p, &one);
		}
		assert_int_equal(p.allowed_count + p.more_count, counts[k]);
		assert_true(p.allowed_count == WGCTL_ALLOWED_MAX || p.more_count == 0);
		for (size_t i = 0; i < counts[k]; i++) {
			one = prefix(k, i);
			assert_memory_equal(at(&p, i), &one, sizeof(one));
		}
	}
	prefixes_fini(&s);
	prefixes_fini(&s);
	assert_null(s.rest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_number_is_kept_in_its_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
