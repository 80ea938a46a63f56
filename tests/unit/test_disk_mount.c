/* mount: an ext4 of our own is told from anything else; tools that fail say why.  Mounting
 * itself is tests/e2e/test_vm_disk.py's. */
#include "folder.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "disk/mount.h"

static const uint8_t uuid[RECORD_UUID_LEN] = { 0xde, 0xad, 1, 2, 3, 4, 5, 6, 7, 8 };

static const char *new_file(char out[128], struct folder *f, off_t size)
{
	folder_make(f);
	folder_file(out, f, "fs");
	fclose(mem_need(fopen(out, "w")));
	assert_int_equal(truncate(out, size), 0);
	return out;
}

static void what_was_made_is_known_again(void **state)
{
	uint8_t other[RECORD_UUID_LEN];
	struct folder f;
	char path[128], error[MOUNT_ERROR_MAX] = "";

	(void)state;
	new_file(path, &f, 8 * 1024 * 1024);
	assert_int_equal(mount_compare(path, uuid, error), RC_DENIED);
	if (mount_make(path, uuid, error))
		fail_msg("%s", error);
	assert_int_equal(mount_compare(path, uuid, error), RC_OK);
	memcpy(other, uuid, sizeof(other));
	other[15] ^= 1;
	assert_int_equal(mount_compare(path, other, error), RC_DENIED);
	folder_remove(&f);
}

static void a_changed_magic_is_another(void **state)
{
	struct folder f;
	char path[128], error[MOUNT_ERROR_MAX] = "";
	int fd;

	(void)state;
	new_file(path, &f, 8 * 1024 * 1024);
	assert_int_equal(mount_make(path, uuid, error), RC_OK);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "x", 1, 1024 + 0x38), 1);
	close(fd);
	assert_int_equal(mount_compare(path, uuid, error), RC_DENIED);
	folder_remove(&f);
}

static void it_grows_with_its_device(void **state)
{
	struct folder f;
	char path[128], error[MOUNT_ERROR_MAX] = "";
	uint8_t blocks[4];
	int fd;

	(void)state;
	new_file(path, &f, 8 * 1024 * 1024);
	assert_int_equal(mount_make(path, uuid, error), RC_OK);
	assert_int_equal(truncate(path, 32 * 1024 * 1024), 0);
	if (mount_grow(path, error))
		fail_msg("%s", error);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, blocks, 4, 1024 + 4), 4);
	close(fd);
	assert_true((blocks[0] | blocks[1] << 8) >= 8192); /* blocks of 1 or 4 KiB */
	folder_remove(&f);
}

static void tools_that_fail_say_why(void **state)
{
	struct folder f;
	char path[128], error[MOUNT_ERROR_MAX] = "";

	(void)state;
	new_file(path, &f, 4096);
	assert_int_equal(mount_make(path, uuid, error), RC_DENIED);
	assert_true(strstr(error, "mkfs.ext4: denied: ") != NULL);
	assert_int_equal(mount_grow(path, error), RC_DENIED);
	assert_true(strstr(error, "resize2fs: denied: ") != NULL);
	assert_int_equal(mount_at(path, "/nowhere", MOUNT_READ_WRITE, error), RC_DENIED);
	assert_true(strstr(error, "e2fsck: denied: ") != NULL);
	assert_int_equal(mount_compare("/no/such", uuid, error), RC_SYS);
	folder_remove(&f);
}

static void what_is_mounted_is_known(void **state)
{
	char error[MOUNT_ERROR_MAX] = "";

	(void)state;
	assert_true(mount_is_at("proc", "/proc") || mount_is_at("none", "/proc"));
	assert_false(mount_is_at("proc", "/nowhere"));
	assert_false(mount_is_at("/dev/mapper/none", "/proc"));
	assert_int_equal(mount_end("/nowhere/at/all", error), RC_SYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_made_is_known_again),
		cmocka_unit_test(a_changed_magic_is_another),
		cmocka_unit_test(it_grows_with_its_device),
		cmocka_unit_test(tools_that_fail_say_why),
		cmocka_unit_test(what_is_mounted_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
