/* deploy_lineage: when what is deployed again is the app that was there before.
 *
 * Machines live in fixed places, so the test has a /var/lib of its own. */
#include "unit.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/deploy_lineage.h"
#include "io/file.h"
#include "vm/folder.h"

#define SERVICE "aa00000000000000000000000000000000000000"
#define OTHER "bb00000000000000000000000000000000000000"
#define FIRST "cc00000000000000000000000000000000000000"
#define APP(name) "{\"manifest_version\":2,\"name\":\"" name "\"}"
#define OF(name, service) \
	"{\"manifest_version\":2,\"name\":\"" name "\",\"key_service\":\"" service "\"}"
#define UPDATE(name, service) \
	"{\"manifest_version\":2,\"name\":\"" name "\",\"key_service\":\"" service \
	"\",\"continues\":\"" FIRST "\"}"
#define OWN "its app id" /* of the old manifest */

static int own_places(void **state)
{
	(void)state;
	return unshare(CLONE_NEWNS) != 0 ||
			       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
			       mount("tmpfs", "/var/lib", "tmpfs", 0, NULL) != 0 ||
			       mkdir(FOLDER_STATE, 0700) != 0 || mkdir(FOLDER_STATE "/a", 0700) != 0
		       ? -1
		       : 0;
}

static void runs(const char *manifest)
{
	static const struct vm_settings settings = {
		.image = "/images/a",
		.memory_mib = 1024,
		.cpus = 1,
		.netns = "",
		.bridge = "",
		.address = "",
		.cloud = "",
		.control = "",
		.platform = "",
		.quotes = "",
		.has_data = true,
	};
	char path[FOLDER_PATH_MAX];

	folder_state(path, "a", "manifest.json");
	if (manifest)
		assert_int_equal(file_replace(path, span_str(manifest), 0600), RC_OK);
	else
		(void)remove(path); /* it may not be there */
	assert_int_equal(folder_write_settings(&settings, "a"), RC_OK);
}

static void what_a_new_manifest_continues(void **state)
{
	static const struct {
		const char *name, *old, *new, *service, *want;
	} rows[] = {
		{ "nothing_there", NULL, OF("b", SERVICE), SERVICE, NULL },
		{ "the_same_again", OF("a", SERVICE), OF("a", SERVICE), SERVICE, NULL },
		{ "another", OF("a", SERVICE), OF("b", SERVICE), SERVICE, OWN },
		{ "no_service", APP("a"), APP("b"), NULL, NULL },
		{ "no_service_any_more", OF("a", SERVICE), APP("b"), NULL, NULL },
		{ "a_service_now", APP("a"), OF("b", SERVICE), SERVICE, NULL },
		{ "another_service", OF("a", OTHER), OF("b", SERVICE), SERVICE, NULL },
		{ "after_an_update", UPDATE("a", SERVICE), OF("b", SERVICE), SERVICE, FIRST },
		{ "no_manifest", "{", OF("b", SERVICE), SERVICE, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(arena_fini)
		struct arena a;
		char own[2 * MANIFEST_ID_LEN + 1] = "";
		struct wr w = wr_over(own, sizeof(own) - 1);
		uint8_t id[MANIFEST_ID_LEN];
		const char *got, *want = rows[i].want;

		arena_init(&a, 64 * 1024);
		runs(rows[i].old);
		if (want && strcmp(want, OWN) == 0) {
			manifest_app_id(id, span_str(rows[i].old));
			text_hex(&w, SPAN_ARRAY(id));
			want = own;
		}
		got = deploy_continues(&a, "a", span_str(rows[i].new), rows[i].service);
		if (!got != !want || (got && strcmp(got, want) != 0))
			fail_msg("%s: %s", rows[i].name, got ? got : "nothing");
	}
}

/* Back to the app's first manifest: that one is the app, and says nothing. */
static void the_first_continues_nothing(void **state)
{
	const char *first = OF("a", SERVICE);
	char update[256], hex[2 * MANIFEST_ID_LEN + 1] = "";
	struct wr w = wr_over(hex, sizeof(hex) - 1);
	uint8_t id[MANIFEST_ID_LEN];
	AUTO(arena_fini)
	struct arena a;

	(void)state;
	arena_init(&a, 64 * 1024);
	manifest_app_id(id, span_str(first));
	text_hex(&w, SPAN_ARRAY(id));
	(void)snprintf(update, sizeof(update),
		       "{\"key_service\":\"" SERVICE "\",\"continues\":\"%s\"}", hex);
	runs(update);
	assert_null(deploy_continues(&a, "a", span_str(first), SERVICE));
	assert_false(deploy_has_other_disk("a", span_str(first)));
}

static void whose_disk_it_is(void **state)
{
	static const struct {
		const char *name, *old, *new;
		bool want;
	} rows[] = {
		{ "the_same", APP("a"), APP("a"), false },
		{ "another_app", APP("a"), APP("b"), true },
		{ "two_updates_of_one", UPDATE("a", SERVICE), UPDATE("b", SERVICE), false },
		{ "update_and_another_app", UPDATE("a", SERVICE), OF("b", SERVICE), true },
		{ "nobody_knows", NULL, APP("b"), true },
		{ "no_manifest", "{", APP("b"), true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		runs(rows[i].old);
		if (deploy_has_other_disk("a", span_str(rows[i].new)) != rows[i].want)
			fail_msg("%s", rows[i].name);
	}
	assert_false(deploy_has_other_disk("nobody", span_str(APP("b"))));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_new_manifest_continues),
		cmocka_unit_test(the_first_continues_nothing),
		cmocka_unit_test(whose_disk_it_is),
	};

	return cmocka_run_group_tests(tests, own_places, NULL);
}
