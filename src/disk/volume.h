/*
 * volume: our words for libcryptsetup: a LUKS2 header made in memory, and a
 * mapping made from a header in memory.
 *
 * libcryptsetup sees the header only in a memory file (memfd) that is sealed
 * against writing before it is asked to open anything; of the disk it gets the
 * data behind it.  So what was checked is what is used, whoever may write to
 * the disk meanwhile.
 *
 * Messages of the library are kept of each call and are part of 'error'.  One
 * thread at a time: the library has state of its own.
 *
 * Source: libcryptsetup 2.6 API (crypt_init_data_device(3) and following).
 */
#ifndef POSTERN_DISK_VOLUME_H
#define POSTERN_DISK_VOLUME_H

#include "base/buf.h"
#include "base/rc.h"
#include "disk/record.h"

enum {
	VOLUME_ERROR_MAX = 512,
	VOLUME_NAME_MAX = 64, /* of a mapping, with a NUL */
};

/*
 * Makes a header with a new random volume key, under the passphrase, and
 * appends its RECORD_HEADER_LEN bytes to *out; it is as luks_check() wants it.
 * With integrity it writes to the data too (the tags' superblock), and needs
 * device-mapper.  RC_CRYPTO: the library's reason is in error.
 */
enum rc volume_make(struct buf *out, const char *data,
		    enum record_integrity integrity,
		    const struct key32 *passphrase,
		    char error[VOLUME_ERROR_MAX]);

enum volume_use {
	VOLUME_TRY, /* only whether the passphrase fits; no mapping */
	VOLUME_READ_ONLY,
	VOLUME_READ_WRITE,
};

/*
 * Maps the data as /dev/mapper/<name>.  RC_DENIED: the passphrase opens no
 * keyslot; RC_CRYPTO: any other refusal.
 */
enum rc volume_map(const char *name, struct span header, const char *data,
		   const struct key32 *passphrase, enum volume_use use,
		   char error[VOLUME_ERROR_MAX]);

/*
 * Writes the whole data once, so that every sector of a disk with integrity
 * has its tag; takes as long as the disk is large.
 */
enum rc volume_fill(struct span header, const char *data,
		    const struct key32 *passphrase,
		    char error[VOLUME_ERROR_MAX]);

/* Ends a mapping.  RC_CLOSED: there is none; RC_CRYPTO: in use, or else. */
enum rc volume_unmap(const char *name, char error[VOLUME_ERROR_MAX]);
bool volume_is_mapped(const char *name);

#endif
