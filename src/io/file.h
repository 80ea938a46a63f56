/*
 * file: whole files: read with a bound, replaced atomically.
 */
#ifndef POSTERN_IO_FILE_H
#define POSTERN_IO_FILE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/rc.h"

/*
 * Appends the file's bytes to *out, which bounds them.
 *
 * RC_SYS    errno says why it cannot be read
 * RC_LIMIT  it is larger than out's room
 *
 * On failure out's content is what it was.
 */
enum rc file_read(struct buf *out, const char *path);

/*
 * Replaces 'path' by a file holding 'content': a temporary file beside it,
 * fsync, rename, fsync of the folder.  After a crash at any moment the path
 * holds the old or the new content, whole; a crash before the rename leaves a
 * file <path>.??????.tmp behind.  RC_SYS on failure: nothing changed, or (only
 * when the folder cannot be synced) it did and may not outlive a power cut.
 */
enum rc file_replace(const char *path, struct span content, mode_t mode);

/* mkdir -p; 'mode' is that of each folder made.  RC_SYS on failure. */
enum rc file_make_dirs(const char *path, mode_t mode);

#endif
