/* disk: made as a hole, grown, never cut. */
#include "folder.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vm/disk.h"

static void made_and_grown(void **state)
{
	struct folder f;
	char path[128];
	uint64_t mib = 0;
	struct stat st;

	(void)state;
	folder_make(&f);
	folder_file(path, &f, "data.img");
	assert_int_equal(disk_make(path, 15), RC_LIMIT);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(disk_make(path, 1024), RC_OK);
	assert_int_equal(disk_make(path, 1024), RC_DENIED);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 1024 * 1024 * 1024);
	assert_true(st.st_blocks < 100);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(disk_grow(path, 1023), RC_DENIED);
	assert_int_equal(disk_grow(path, 1024), RC_OK);
	assert_int_equal(disk_grow(path, 1025), RC_OK);
	assert_int_equal(disk_grow(path, 65ULL * 1024 * 1024), RC_LIMIT);
	assert_int_equal(disk_size(&mib, path), RC_OK);
	assert_int_equal(mib, 1025);
	/* Half a MiB more, which somebody else added, is not cut. */
	assert_int_equal(truncate(path, 1025 * 1024 * 1024LL + 512 * 1024), 0);
	assert_int_equal(disk_grow(path, 1025), RC_DENIED);
	assert_int_equal(disk_grow(path, 1026), RC_OK);
	folder_remove(&f);
}

static void strange_files_refused(void **state)
{
	struct folder f;
	char path[128];
	uint64_t mib = 77;

	(void)state;
	folder_make(&f);
	errno = 0;
	assert_int_equal(disk_size(&mib, folder_file(path, &f, "none")), RC_SYS);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(disk_grow(path, 16), RC_SYS);
	assert_int_equal(disk_make(folder_file(path, &f, "no/where"), 16), RC_SYS);
	assert_int_equal(mkfifo(folder_file(path, &f, "fifo"), 0600), 0);
	assert_int_equal(disk_grow(path, 16), RC_UNSUPPORTED);
	assert_int_equal(disk_size(&mib, path), RC_UNSUPPORTED);
	assert_int_equal(mib, 77);
	folder_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_and_grown),
		cmocka_unit_test(strange_files_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
