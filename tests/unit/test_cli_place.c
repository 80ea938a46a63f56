/* place: an ephemeral cloud's state folder, and the lock of its supervisor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/fmt.h"
#include "cli/place.h"

static void own_files_kept_cloud_files_removed(void **state)
{
	AUTO(arena_fini)
	struct arena arena;
	struct place_state_options o = { .name = "x", .is_ephemeral = true };
	char folder[] = "/tmp/pt-place-XXXXXX", file[64], error[PLACE_ERROR_MAX] = "";
	const char *out = NULL;

	(void)state;
	arena_init(&arena, 1024 * 1024);
	assert_non_null(mkdtemp(folder));
	(void)snprintf(file, sizeof(file), "%s/mine", folder);
	o.chosen = folder;
	/* A folder with a person's files. */
	assert_int_equal(fmt_file(file, 0644, "mine"), RC_OK);
	assert_int_equal(place_state(&out, &arena, &o, error), RC_DENIED);
	assert_non_null(strstr(error, folder));
	assert_null(out);
	assert_int_equal(access(file, F_OK), 0);
	/* Empty, then not there. */
	assert_int_equal(unlink(file), 0);
	assert_int_equal(place_state(&out, &arena, &o, error), RC_OK);
	assert_string_equal(out, folder);
	/* One that a cloud made. */
	assert_int_equal(fmt_file(file, 0644, "of a cloud"), RC_OK);
	assert_int_equal(place_state(&out, &arena, &o, error), RC_OK);
	assert_int_equal(access(file, F_OK), -1);
	assert_int_equal(fmt_remove_tree(folder), RC_OK);
	assert_int_equal(place_state(&out, &arena, &o, error), RC_OK);
	assert_int_equal(fmt_remove_tree(folder), RC_OK);
}

static void unmountable_path_denied(void **state)
{
	AUTO(arena_fini)
	struct arena arena;
	struct place_state_options o = { .name = "x", .chosen = "/tmp/pt-place:a" };
	char error[PLACE_ERROR_MAX] = "";
	const char *out = NULL;

	(void)state;
	arena_init(&arena, 1024 * 1024);
	assert_int_equal(place_state(&out, &arena, &o, error), RC_DENIED);
	assert_null(out);
	assert_int_equal(fmt_remove_tree(o.chosen), RC_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_files_kept_cloud_files_removed),
		cmocka_unit_test(unmountable_path_denied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
