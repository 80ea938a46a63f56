/* platforms_text: a list as people write it, and every mistake in it. */
#include "unit.h"

#include <string.h>

#include "cli/platforms.h"

#define PPID "0102030405060708090a0b0c0d0e0f10"
#define HEAD "name: a\nuse: deny\nserial: 3\nexpires: 2026-06-01T00:00:00Z\n"
#define NOW INT64_C(1772323200) /* 2026-03-01T00:00:00Z */

static enum rc read_text(struct platform_list *out, struct arena *arena, const char *text,
			 char error[PLATFORMS_ERROR_MAX])
{
	return platforms_read_text(out, arena, "l.yaml", span_str(text), NOW, error);
}

static void whole_list(void **state)
{
	char error[PLATFORMS_ERROR_MAX] = "";
	struct platform_list l;
	struct arena arena;

	(void)state;
	arena_init(&arena, 65536);
	if (read_text(&l, &arena,
		      HEAD "platforms:\n"
			   "  - ppid: " PPID "\n"
			   "    instance: " PPID "\n"
			   "    until: 2026-05-01T00:00:00Z\n"
			   "    operator: Example GmbH\n"
			   "    level: 2\n"
			   "  - ppid: ff02030405060708090a0b0c0d0e0f10\n",
		      error))
		fail_msg("%s", error);
	assert_string_equal(l.name, "a");
	assert_int_equal(l.use, PLATFORM_DENY);
	assert_int_equal(l.serial, 3);
	assert_true(l.issued_at == NOW && l.expires_at == 1780272000);
	assert_int_equal(l.count, 2);
	assert_int_equal(l.platforms[0].ppid[15], 0x10);
	assert_int_equal(l.platforms[0].instance[15], 0x10);
	assert_true(l.platforms[0].until == 1777593600 && l.platforms[0].level == 2);
	assert_string_equal(l.platforms[0].operator, "Example GmbH");
	assert_int_equal(l.platforms[1].ppid[0], 0xff);
	assert_true(!l.platforms[1].until && !l.platforms[1].level && !l.platforms[1].operator);
	assert_int_equal(read_text(&l, &arena,
				   HEAD "issued: 2026-02-01T00:00:00Z\nplatforms: []\n", error),
			 RC_OK);
	assert_true(l.issued_at == 1769904000 && l.count == 0);
	arena_fini(&arena);
}

static void mistakes(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name, *yaml, *error;
	} cases[] = {
		{ "empty", "", "l.yaml:1: name: missing" },
		{ "no_platforms", HEAD, "l.yaml:1: platforms: missing" },
		{ "unknown_use", "name: a\nuse: maybe\n", "l.yaml:2: use: expected one of allow, deny" },
		{ "name_with_a_quote", "name: 'a\"'\n", "l.yaml:1: name: expected 1 to 63" },
		{ "serial_too_large", "name: a\nserial: 4294967296\n", "l.yaml:2: serial: expected" },
		{ "no_time", "expires: soon\n", "l.yaml:1: expires: expected a time such as" },
		{ "expired_when_issued", HEAD "platforms: []\nissued: 2026-06-01T00:00:01Z\n",
		  "l.yaml: expires: expected a time after the list is issued" },
		{ "no_ppid", HEAD "platforms:\n  - level: 1\n",
		  "l.yaml:6: platforms[0].ppid: missing, expected 32 hex digits" },
		{ "level_zero", HEAD "platforms: [{ppid: " PPID ", level: 0}]\n",
		  "l.yaml:5: platforms[0].level: expected a number from 1 to 255" },
		{ "instance_zero",
		  HEAD "platforms: [{ppid: " PPID
		       ", instance: 00000000000000000000000000000000}]\n",
		  "platforms[0].instance: expected 32 hex digits, not all zero" },
		{ "operator_empty", HEAD "platforms: [{ppid: " PPID ", operator: ''}]\n",
		  "platforms[0].operator: expected 1 to 63" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char error[PLATFORMS_ERROR_MAX] = "";
		struct platform_list l, kept;
		struct arena arena;

		print_message("%s\n", cases[i].name);
		arena_init(&arena, 65536);
		memset(&l, 0x5a, sizeof(l));
		kept = l;
		assert_int_equal(read_text(&l, &arena, cases[i].yaml, error), RC_MALFORMED);
		if (!strstr(error, cases[i].error))
			fail_msg("%s", error);
		assert_memory_equal(&l, &kept, sizeof(l));
		arena_fini(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_list),
		cmocka_unit_test(mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
