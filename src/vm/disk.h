/*
 * disk: the file behind a guest's data disk: raw, sparse, of a whole number of
 * MiB.  The host sees only what the guest encrypted.
 */
#ifndef POSTERN_VM_DISK_H
#define POSTERN_VM_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rc.h"

enum {
	DISK_MIN_MIB = 16, /* less holds no LUKS2 header and file system */
	DISK_MAX_MIB = 64 * 1024 * 1024,
};

/*
 * Makes the file, all holes.
 *
 * RC_LIMIT   outside of the bounds above
 * RC_DENIED  something is there already; it is left alone
 * RC_SYS     with errno; nothing is left
 */
enum rc disk_make(const char *path, uint64_t mib);

/*
 * Makes it larger; the new end is a hole.  The same size is fine.
 *
 * RC_LIMIT   outside of the bounds
 * RC_DENIED  it would shrink, which would cut the guest's data
 * RC_SYS     with errno
 */
enum rc disk_grow(const char *path, uint64_t mib);

/* RC_SYS with errno; RC_UNSUPPORTED: no regular file. */
enum rc disk_size(uint64_t *mib, const char *path);

#endif
