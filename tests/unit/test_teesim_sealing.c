/* sealing: the simulated CPU's own key, kept between starts. */
#include "unit.h"

#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "folder.h"
#include "io/file.h"
#include "teesim/sealing.h"

static void key_outlives_the_process(void **state)
{
	struct sealing first, again;
	struct folder f;
	char error[256], path[128];
	struct stat st;

	(void)state;
	folder_make(&f);
	assert_int_equal(sealing_open(&first, f.path, error), RC_OK);
	assert_false(key32_is_zero(&first.fused));
	assert_int_equal(sealing_open(&again, f.path, error), RC_OK);
	assert_memory_equal(&first, &again, sizeof(first));
	assert_int_equal(stat(folder_file(path, &f, "sealing-key"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	folder_remove(&f);
}

static void other_files_are_left_as_they_are(void **state)
{
	static const char *const table[] = {
		"",
		"00",
		"zz00000000000000000000000000000000000000000000000000000000000000\n",
		"0000000000000000000000000000000000000000000000000000000000000000",
	};
	struct sealing s = { .fused = { "before" } };
	char error[256] = "", path[128];
	struct folder f;

	(void)state;
	folder_make(&f);
	folder_file(path, &f, "sealing-key");
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		AUTO(buf_fini)
		struct buf now = { 0 };

		assert_int_equal(file_replace(path, span_str(table[i]), 0600), RC_OK);
		assert_int_equal(sealing_open(&s, f.path, error), RC_MALFORMED);
		assert_non_null(strstr(error, "sealing-key: expected 64 hex digits"));
		assert_string_equal((const char *)s.fused.b, "before");
		buf_init(&now, 100);
		assert_int_equal(file_read(&now, path), RC_OK);
		assert_true(span_equal_str(buf_span(&now), table[i]));
	}
	folder_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_outlives_the_process),
		cmocka_unit_test(other_files_are_left_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
