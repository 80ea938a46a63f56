/* fmt: texts, files, and trees removed without following links. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/fmt.h"
#include "io/file.h"

static void texts_of_any_length(void **state)
{
	AUTO(arena_fini)
	struct arena a;

	(void)state;
	arena_init(&a, 100000);
	assert_string_equal(fmt(&a, "%s-%d", "x", 7), "x-7");
	assert_string_equal(fmt(&a, "%s", ""), "");
	assert_int_equal(strlen(fmt(&a, "%50000s", "x")), 50000);
}

static void file_is_replaced_with_its_mode(void **state)
{
	char folder[] = "/tmp/pt-fmt-XXXXXX";
	AUTO(arena_fini)
	struct arena a;
	AUTO(buf_fini)
	struct buf b = { 0 };
	const char *path, *copy;
	struct stat st;

	(void)state;
	arena_init(&a, 4096);
	assert_non_null(mkdtemp(folder));
	path = fmt(&a, "%s/file", folder);
	copy = fmt(&a, "%s/copy", folder);
	assert_int_equal(fmt_file(path, 0644, "long before"), RC_OK);
	assert_int_equal(fmt_file(path, 0600, "new"), RC_OK);
	assert_int_equal(fmt_copy(copy, path, 0640), RC_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	buf_init(&b, 100);
	assert_int_equal(file_read(&b, copy), RC_OK);
	assert_true(span_equal_str(buf_span(&b), "new"));
	assert_int_equal(fmt_file("/nonexistent/file", 0644, ""), RC_SYS);
	assert_int_equal(fmt_copy(copy, "/nonexistent/file", 0644), RC_SYS);
	assert_int_equal(fmt_remove_tree(folder), RC_OK);
}

static void tree_goes_and_what_links_point_at_stays(void **state)
{
	char folder[] = "/tmp/pt-fmt-XXXXXX", kept[] = "/tmp/pt-fmt-XXXXXX";
	AUTO(arena_fini)
	struct arena a;

	(void)state;
	arena_init(&a, 4096);
	assert_non_null(mkdtemp(folder));
	assert_non_null(mkdtemp(kept));
	assert_int_equal(file_make_dirs(fmt(&a, "%s/a/b/c", folder), 0755), RC_OK);
	assert_int_equal(fmt_file(fmt(&a, "%s/a/b/file", folder), 0400, "x"), RC_OK);
	assert_int_equal(fmt_file(fmt(&a, "%s/file", kept), 0644, "x"), RC_OK);
	assert_int_equal(symlink(kept, fmt(&a, "%s/a/link", folder)), 0);
	assert_int_equal(fmt_remove_tree(folder), RC_OK);
	assert_int_equal(access(folder, F_OK), -1);
	assert_int_equal(access(fmt(&a, "%s/file", kept), F_OK), 0);
	assert_int_equal(fmt_remove_tree(folder), RC_OK); /* none is fine */
	assert_int_equal(fmt_remove_tree(kept), RC_OK);
}

static void folder_emptied_but_for_one(void **state)
{
	char folder[] = "/tmp/pt-fmt-XXXXXX";
	AUTO(arena_fini)
	struct arena a;

	(void)state;
	arena_init(&a, 4096);
	assert_non_null(mkdtemp(folder));
	assert_int_equal(file_make_dirs(fmt(&a, "%s/a/b", folder), 0755), RC_OK);
	assert_int_equal(file_make_dirs(fmt(&a, "%s/kept/b", folder), 0755), RC_OK);
	assert_int_equal(fmt_file(fmt(&a, "%s/.file", folder), 0600, ""), RC_OK);
	assert_int_equal(fmt_empty_folder(folder, "kept"), RC_OK);
	assert_int_equal(access(fmt(&a, "%s/a", folder), F_OK), -1);
	assert_int_equal(access(fmt(&a, "%s/.file", folder), F_OK), -1);
	assert_int_equal(access(fmt(&a, "%s/kept/b", folder), F_OK), 0);
	assert_int_equal(fmt_empty_folder(folder, NULL), RC_OK);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(fmt_empty_folder(folder, NULL), RC_SYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_of_any_length),
		cmocka_unit_test(file_is_replaced_with_its_mode),
		cmocka_unit_test(tree_goes_and_what_links_point_at_stays),
		cmocka_unit_test(folder_emptied_but_for_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
