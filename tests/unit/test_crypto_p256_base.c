/* p256_base: each entry of the table against libcrypto's multiple of G. */
#include "unit.h"

#include "crypto/p256_base.h"
#include "p256_points.h"

static void entries(void **state)
{
	struct curve c = curve_new();

	(void)state;
	for (int i = 0; i < P256_BASE_MULTIPLES; i++) {
		EC_POINT *want = curve_multiple(&c, 2 * i + 1);
		const struct affine a = curve_affine(&c, want);

		assert_memory_equal(&p256_base[i], &a, sizeof(a));
		EC_POINT_free(want);
	}
	curve_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
