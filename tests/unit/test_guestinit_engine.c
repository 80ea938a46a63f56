/* Images that are there, against those that the manifest lists. */
#include "unit.h"

#include <string.h>

#include "guestinit/engine.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define MANIFEST "{\"images\":{\"web:1\":\"sha256:" ID_A "\"}}"

static const struct check {
	const char *name, *there;
	enum rc want;
	const char *error;
} checks[] = {
	{ "same_id", "[{\"Id\":\"sha256:" ID_A "\",\"RepoTags\":[\"web:1\"],\"SharedSize\":-1}]",
	  RC_OK, "" },
	{ "second_tag",
	  "[{\"Id\":\"sha256:" ID_B "\",\"RepoTags\":null},"
	  "{\"Id\":\"sha256:" ID_A "\",\"RepoTags\":[\"x:1\",\"web:1\"]}]",
	  RC_OK, "" },
	{ "other_id", "[{\"Id\":\"sha256:" ID_B "\",\"RepoTags\":[\"web:1\"]}]", RC_DENIED,
	  "image web:1: it is sha256:bbbb" },
	{ "id_without_algorithm", "[{\"Id\":\"" ID_A "\",\"RepoTags\":[\"web:1\"]}]", RC_DENIED,
	  "image web:1: it is" },
	{ "id_a_number", "[{\"Id\":1,\"RepoTags\":[\"web:1\"]}]", RC_DENIED,
	  "image web:1: it is nameless" },
	{ "right_id_under_another_name",
	  "[{\"Id\":\"sha256:" ID_A "\",\"RepoTags\":[\"web:2\"]}]", RC_DENIED,
	  "image web:1: the manifest lists it and it is not there" },
	{ "none", "[]", RC_DENIED, "image web:1: the manifest lists it and it is not there" },
	{ "no_list", "{}", RC_MALFORMED, "engine: " },
	{ "nothing", "", RC_MALFORMED, "engine: " },
	{ "no_json", "[", RC_MALFORMED, "engine: " },
};

static void each_check(void **state)
{
	struct manifest_launch l = { 0 };
	char why[MANIFEST_ERROR_MAX] = "";

	(void)state;
	assert_int_equal(manifest_launch_read(&l, span_str(MANIFEST), why), RC_OK);
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		char error[KERNEL_ERROR_MAX] = "";
		enum rc rc = engine_check(span_str(checks[i].there), &l, error);

		if (rc != checks[i].want || strncmp(error, checks[i].error,
						    strlen(checks[i].error)) != 0)
			fail_msg("%s: %s, %s", checks[i].name, rc_name(rc), error);
	}
	manifest_launch_fini(&l);
}

static void engine_that_is_away(void **state)
{
	struct manifest_launch l = { 0 };
	char error[KERNEL_ERROR_MAX] = "";

	(void)state;
	assert_false(engine_answers("/nonexistent/docker.sock"));
	assert_int_equal(engine_load("/nonexistent/docker.sock", NULL, &l, error), RC_SYS);
	assert_true(error[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_check),
		cmocka_unit_test(engine_that_is_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
