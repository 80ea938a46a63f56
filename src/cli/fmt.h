/*
 * fmt: texts made by printf into an arena, and the plain files of a cloud.
 *
 * For the person's command only: a text or file too large for its bound is our
 * own mistake and aborts.  Files here hold configuration that is made again at
 * every start, so nothing is synced to disk; io/file.h does that.
 */
#ifndef POSTERN_CLI_FMT_H
#define POSTERN_CLI_FMT_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/rc.h"

/* Borrowed from the arena, NUL-terminated. */
const char *fmt(struct arena *a, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Writes a whole file, replacing what was there.  RC_SYS with errno. */
enum rc fmt_file(const char *path, mode_t mode, const char *text);
/* Copies a file's bytes.  RC_SYS with errno; RC_LIMIT over 16 MiB. */
enum rc fmt_copy(const char *to, const char *from, mode_t mode);
/* rm -rf, never across a mount; missing is fine. */
enum rc fmt_remove_tree(const char *path);

/* Everything in a folder but the entry called 'keep' (NULL: none). */
enum rc fmt_empty_folder(const char *path, const char *keep);

#endif
