/*
 * mount: the file system of a data disk: made, checked, mounted, grown.  ext4,
 * through e2fsprogs.
 *
 * Blocks, and runs mkfs.ext4, e2fsck and resize2fs, looked up in PATH.
 */
#ifndef POSTERN_DISK_MOUNT_H
#define POSTERN_DISK_MOUNT_H

#include "base/rc.h"
#include "disk/record.h"

enum {
	MOUNT_ERROR_MAX = 512,
};

/* Makes one with this UUID.  RC_DENIED: mkfs.ext4 failed. */
enum rc mount_make(const char *device, const uint8_t uuid[RECORD_UUID_LEN],
		   char error[MOUNT_ERROR_MAX]);
/* An ext4 with this UUID is there.  RC_DENIED: something else is. */
enum rc mount_compare(const char *device, const uint8_t uuid[RECORD_UUID_LEN],
		      char error[MOUNT_ERROR_MAX]);

enum mount_mode {
	MOUNT_READ_WRITE, /* checked before */
	MOUNT_READ_ONLY, /* as it is; the journal is not replayed */
};
/* 'at' is made if it is not there.  RC_SYS: errno; RC_DENIED: e2fsck. */
enum rc mount_at(const char *device, const char *at, enum mount_mode mode,
		 char error[MOUNT_ERROR_MAX]);
/* Grows a mounted one to all that its device has now.  RC_DENIED: resize2fs
 * could not; the file system is what it was. */
enum rc mount_grow(const char *device, char error[MOUNT_ERROR_MAX]);
/* RC_SYS: errno (EBUSY: in use). */
enum rc mount_end(const char *at, char error[MOUNT_ERROR_MAX]);
/* This device is mounted there. */
bool mount_is_at(const char *device, const char *at);
/* What is mounted there cannot be written. */
bool mount_is_read_only(const char *at);

#endif
