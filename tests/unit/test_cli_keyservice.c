/* keyservice: the administrator's key is made once, and the manifest that names him with it. */
#include "folder.h"

#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/fmt.h"
#include "cli/keyservice.h"
#include "io/file.h"
#include "keys/policy_read.h"

static void read_all(struct buf *out, const char *path)
{
	buf_init(out, 64 * 1024);
	assert_int_equal(file_read(out, path), RC_OK);
}

static void made_once_and_measured_the_same(void **state)
{
	AUTO(arena_fini)
	struct arena a;
	AUTO(buf_fini)
	struct buf first = { 0 };
	AUTO(buf_fini)
	struct buf second = { 0 };
	char error[KEYSERVICE_ERROR_MAX] = "";
	struct keys_authority authority;
	struct stat st;
	struct folder f;

	(void)state;
	arena_init(&a, 64 * 1024);
	folder_make(&f);
	assert_int_equal(keyservice_prepare(f.path, error), RC_OK);
	assert_int_equal(stat(keyservice_admin(&a, f.path), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	read_all(&first, keyservice_manifest(&a, f.path));
	assert_int_equal(keys_authority_read(&authority, buf_span(&first), error), RC_OK);
	assert_int_equal(authority.admin_count, 1);
	assert_int_equal(authority.quorum, 1);
	/* Also where the manifest was lost. */
	assert_int_equal(remove(keyservice_manifest(&a, f.path)), 0);
	assert_int_equal(keyservice_prepare(f.path, error), RC_OK);
	read_all(&second, keyservice_manifest(&a, f.path));
	assert_true(span_equal(buf_span(&first), buf_span(&second)));
	/* SHA-256 of the manifest, cut, as everybody counts it. */
	{
		uint8_t id[MANIFEST_ID_LEN];
		char hex[2 * MANIFEST_ID_LEN + 1] = "";
		struct wr w = wr_over(hex, sizeof(hex) - 1);

		manifest_app_id(id, buf_span(&first));
		text_hex(&w, SPAN_ARRAY(id));
		assert_string_equal(keyservice_id(&a, f.path), hex);
	}
	folder_remove(&f);
	assert_null(keyservice_id(&a, f.path));
}

static void another_key_is_another_service(void **state)
{
	AUTO(arena_fini)
	struct arena a;
	AUTO(buf_fini)
	struct buf first = { 0 };
	AUTO(buf_fini)
	struct buf second = { 0 };
	char error[KEYSERVICE_ERROR_MAX] = "";
	struct folder f;

	(void)state;
	arena_init(&a, 64 * 1024);
	folder_make(&f);
	assert_int_equal(keyservice_prepare(f.path, error), RC_OK);
	read_all(&first, keyservice_manifest(&a, f.path));
	assert_int_equal(remove(keyservice_admin(&a, f.path)), 0);
	assert_int_equal(keyservice_prepare(f.path, error), RC_OK);
	read_all(&second, keyservice_manifest(&a, f.path));
	assert_false(span_equal(buf_span(&first), buf_span(&second)));
	folder_remove(&f);
}

/* A key that is no key is somebody's mistake, and not made anew: the service
 * would be another, with other roots. */
static void broken_key_refused(void **state)
{
	AUTO(arena_fini)
	struct arena a;
	char error[KEYSERVICE_ERROR_MAX] = "";
	struct stat st;
	struct folder f;

	(void)state;
	arena_init(&a, 64 * 1024);
	folder_make(&f);
	assert_int_equal(fmt_file(keyservice_admin(&a, f.path), 0600, "no key\n"), RC_OK);
	assert_int_equal(keyservice_prepare(f.path, error), RC_MALFORMED);
	assert_non_null(strstr(error, "/kms-admin.pem: no P-256 private key"));
	assert_int_not_equal(stat(keyservice_manifest(&a, f.path), &st), 0);
	folder_remove(&f);
	assert_int_equal(keyservice_prepare(f.path, error), RC_SYS);
}

static void silent_nodes_are_named(void **state)
{
	const struct keyservice k = { .cloud = "unit-no-cloud",
				      .state = "/nonexistent",
				      .nodes = { "kms-1" },
				      .count = 1 };
	const struct release_app app = { .rows = "" };
	char error[KEYSERVICE_ERROR_MAX] = "";
	bool told = true;

	(void)state;
	assert_int_equal(keyservice_found(&k, &told, &app, 1, error), RC_CLOSED);
	assert_non_null(strstr(error, "kms-1: "));
	assert_non_null(strstr(error, "/kms-1/run/postern/kms.sock"));
	assert_int_equal(keyservice_allow(&k, &told, &app, error), RC_CLOSED);
	assert_true(told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_once_and_measured_the_same),
		cmocka_unit_test(another_key_is_another_service),
		cmocka_unit_test(broken_key_refused),
		cmocka_unit_test(silent_nodes_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
