#include "unit.h"

#include "base/rc.h"

static void every_code_has_its_name(void **state)
{
	static const char *const names[] = {
		[RC_OK] = "ok",
		[RC_MALFORMED] = "malformed",
		[RC_UNSUPPORTED] = "unsupported",
		[RC_LIMIT] = "limit",
		[RC_DENIED] = "denied",
		[RC_STALE] = "stale",
		[RC_CLOSED] = "closed",
		[RC_SYS] = "sys",
		[RC_CRYPTO] = "crypto",
	};

	(void)state;
	for (unsigned i = 0; i <= RC_CRYPTO; i++)
		assert_string_equal(rc_name((enum rc)i), names[i]);
	assert_string_equal(rc_name((enum rc)(RC_CRYPTO + 1)), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
