/* files: read once, packed, and found again by another process. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "edge/files.h"
#include "folder.h"
#include "io/file.h"

static void read_is(struct files *f, const char *path, const char *want)
{
	struct buf b = { 0 };

	buf_init(&b, 64);
	assert_int_equal(files_read(f, &b, path), RC_OK);
	assert_true(span_equal_str(buf_span(&b), want));
	buf_fini(&b);
}

static void the_other_process_sees_the_bytes_of_the_first(void **state)
{
	struct files f = { 0 }, g = { 0 };
	struct buf b = { 0 };
	struct folder d;
	char one[128], two[128];
	int fd;

	(void)state;
	folder_make(&d);
	folder_file(one, &d, "one");
	folder_file(two, &d, "two");
	assert_int_equal(file_replace(one, span_str("first"), 0600), RC_OK);
	assert_int_equal(file_replace(two, span_str(""), 0600), RC_OK);
	read_is(&f, one, "first");
	read_is(&f, two, "");
	assert_int_equal(files_keep(&f, "no file", span_str("kept")), RC_OK);
	/* What happens on disk later changes neither. */
	assert_int_equal(file_replace(one, span_str("second"), 0600), RC_OK);
	read_is(&f, one, "first");
	assert_int_equal(files_pack(&f, &fd), RC_OK);
	assert_int_equal(files_unpack(&g, fd), RC_OK);
	read_is(&g, one, "first");
	read_is(&g, two, "");
	read_is(&g, "no file", "kept");
	buf_init(&b, 64);
	assert_int_equal(files_read(&g, &b, "/etc/passwd"), RC_SYS);
	assert_int_equal(errno, ENOENT);
	buf_init(&b, 4);
	assert_int_equal(files_read(&g, &b, one), RC_LIMIT);
	assert_int_equal(b.n, 0);
	/* Nobody can change it. */
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(errno, EPERM);
	close(fd);
	files_fini(&f);
	files_fini(&g);
	folder_remove(&d);
}

static void what_is_not_packed_is_refused(void **state)
{
	struct files f = { 0 };
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int i;

	(void)state;
	/* Not sealed. */
	assert_int_equal(files_unpack(&f, fd), RC_MALFORMED);
	/* A path longer than there are bytes. */
	assert_int_equal(write(fd, "\0\0\0\5\0\0\0\0abc", 11), 11);
	assert_int_equal(fcntl(fd, F_ADD_SEALS,
			       F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
			 0);
	assert_int_equal(files_unpack(&f, fd), RC_MALFORMED);
	assert_int_equal(f.count, 0);
	close(fd);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (i = 0; i < 2; i++) {
		assert_int_equal(files_unpack(&f, fd), RC_MALFORMED);
		close(fd);
		fd = -1;
	}
	files_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_other_process_sees_the_bytes_of_the_first),
		cmocka_unit_test(what_is_not_packed_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
