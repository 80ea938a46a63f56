#include "disk/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/file.h"
#include "io/proc.h"

enum {
	/* ext4's superblock: Linux Documentation/filesystems/ext4/super.rst */
	SUPER_AT = 1024,
	SUPER_LEN = 1024,
	SUPER_MAGIC_AT = 0x38,
	SUPER_MAGIC = 0xef53,
	SUPER_UUID_AT = 0x68,
	TOOL_TIMEOUT_MS = 30 * 60 * 1000, /* e2fsck of a large disk */
	OUTPUT_MAX = 4096,
	/* e2fsck(8): errors corrected */
	FSCK_CORRECTED = 1,
	UUID_TEXT_LEN = 37,
};

static enum rc fail(char error[MOUNT_ERROR_MAX], const char *what)
{
	(void)snprintf(error, MOUNT_ERROR_MAX, "%s: %s", what,
		       strerror(errno));
	return RC_SYS;
}

/* Runs a tool; its last line is the reason. */
static enum rc run(const char *const *argv, int *status,
		   char error[MOUNT_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf out = { 0 };
	struct span text, line, last = { 0 };
	enum rc rc;

	buf_init(&out, OUTPUT_MAX);
	*status = 0;
	rc = proc_run(argv, (struct span){ 0 }, &out, TOOL_TIMEOUT_MS, status);
	if (!rc)
		return RC_OK;
	text = buf_span(&out);
	while (rd_until(&text, &line, '\n'))
		if (line.n)
			last = line;
	(void)snprintf(error, MOUNT_ERROR_MAX, "%s: %s: %.*s", argv[0],
		       rc_name(rc), (int)(last.n > 200 ? 200 : last.n),
		       last.n ? (const char *)last.p : "");
	return rc;
}

static void uuid_text(char out[UUID_TEXT_LEN],
		      const uint8_t uuid[RECORD_UUID_LEN])
{
	struct wr w = wr_over(out, UUID_TEXT_LEN);

	for (size_t i = 0; i < RECORD_UUID_LEN; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			wr_str(&w, "-");
		text_hex(&w, span_of(uuid + i, 1));
	}
	wr_u8(&w, '\0');
}

enum rc mount_make(const char *device, const uint8_t uuid[RECORD_UUID_LEN],
		   char error[MOUNT_ERROR_MAX])
{
	char text[UUID_TEXT_LEN];
	const char *const argv[] = {
		"mkfs.ext4", "-q", "-F", "-U", text, "-m", "1", "-E",
		/* The kernel zeroes the tables of inodes later, so that the
		 * time this takes does not grow with the disk. */
		"nodiscard,lazy_itable_init=1,lazy_journal_init=1", device, NULL
	};
	int status;

	uuid_text(text, uuid);
	return run(argv, &status, error);
}

enum rc mount_compare(const char *device, const uint8_t uuid[RECORD_UUID_LEN],
		      char error[MOUNT_ERROR_MAX])
{
	AUTO(mem_auto_close)
	int fd = open(device, O_RDONLY | O_CLOEXEC);
	uint8_t super[SUPER_LEN];
	struct span s = SPAN_ARRAY(super), got;
	uint16_t magic;

	if (fd < 0 || pread(fd, super, sizeof(super), SUPER_AT) !=
			      (ssize_t)sizeof(super))
		return fail(error, device);
	if (rd_skip(&s, SUPER_MAGIC_AT) && rd_le16(&s, &magic) &&
	    magic == SUPER_MAGIC &&
	    rd_skip(&s, SUPER_UUID_AT - SUPER_MAGIC_AT - 2) &&
	    rd_n(&s, &got, RECORD_UUID_LEN) &&
	    span_equal(got, span_of(uuid, RECORD_UUID_LEN)))
		return RC_OK;
	(void)snprintf(error, MOUNT_ERROR_MAX,
		       "what the key decrypts is not this disk's file system");
	return RC_DENIED;
}

static enum rc check(const char *device, char error[MOUNT_ERROR_MAX])
{
	const char *const argv[] = { "e2fsck", "-p", device, NULL };
	int status;
	enum rc rc = run(argv, &status, error);

	if (rc == RC_DENIED && WIFEXITED(status) &&
	    WEXITSTATUS(status) == FSCK_CORRECTED)
		return RC_OK;
	return rc;
}

enum rc mount_grow(const char *device, char error[MOUNT_ERROR_MAX])
{
	const char *const argv[] = { "resize2fs", device, NULL };
	int status;

	return run(argv, &status, error);
}

enum rc mount_at(const char *device, const char *at, enum mount_mode mode,
		 char error[MOUNT_ERROR_MAX])
{
	bool is_writable = mode == MOUNT_READ_WRITE;
	enum rc rc = is_writable ? check(device, error) : RC_OK;

	if (rc)
		return rc;
	if (file_make_dirs(at, 0755))
		return fail(error, at);
	if (mount(device, at, "ext4",
		  MS_NOATIME |
			  (is_writable ? 0UL : (unsigned long)MS_RDONLY),
		  is_writable ? "" : "noload") != 0)
		return fail(error, at);
	return RC_OK;
}

enum rc mount_end(const char *at, char error[MOUNT_ERROR_MAX])
{
	return umount2(at, 0) == 0 ? RC_OK : fail(error, at);
}

bool mount_is_at(const char *device, const char *at)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	bool is_there = false;
	struct mntent *m;

	while (f && !is_there && (m = getmntent(f)))
		is_there = strcmp(m->mnt_fsname, device) == 0 &&
			   strcmp(m->mnt_dir, at) == 0;
	if (f)
		(void)endmntent(f);
	return is_there;
}

bool mount_is_read_only(const char *at)
{
	struct statvfs v;

	return statvfs(at, &v) == 0 && (v.f_flag & ST_RDONLY);
}
