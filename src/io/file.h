/*
 * file: whole files: read with a bound, replaced atomically.
 *
 * What belongs to a configuration or is evidence lies in regular files, and is
 * read as such: a FIFO in its place would hold whoever opens it until somebody
 * writes.  Only what a person named on a command line may be a pipe.
 */
#ifndef POSTERN_IO_FILE_H
#define POSTERN_IO_FILE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/rc.h"

/*
 * Appends a regular file's bytes to *out, which bounds them.  Waits for nobody.
 *
 * RC_SYS          errno says why it cannot be read
 * RC_LIMIT        it is larger than out's room
 * RC_UNSUPPORTED  it is no regular file
 *
 * On failure out's content is what it was.
 */
enum rc file_read(struct buf *out, const char *path);
/* The same for an argument: "-" is standard input, and pipes and devices are
 * read to their end, however long that takes. */
enum rc file_read_argument(struct buf *out, const char *path);
/* Why one of the two failed, for a person; of RC_SYS by errno. */
const char *file_why(enum rc rc);

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
