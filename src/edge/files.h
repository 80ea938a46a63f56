/*
 * files: the files that a configuration consists of, read once.
 *
 * The master reads each from disk and keeps its bytes; packed into memory that
 * nobody can change any more they go to every worker, which finds there what
 * it would look for on disk.  So all workers see the same bytes, those that
 * the master judged, and need no right to open files.
 *
 * It holds private keys: files_fini() erases it.
 */
#ifndef POSTERN_EDGE_FILES_H
#define POSTERN_EDGE_FILES_H

#include "base/buf.h"
#include "base/rc.h"

enum {
	FILES_MAX = 4096, /* a set */
	FILES_TOTAL_MAX = 64 * 1024 * 1024,
};

struct files_entry {
	char *path;
	struct buf bytes;
};

/* Zeroed: reads from disk. */
struct files {
	bool is_packed; /* came from files_unpack(): nothing is on disk */
	struct files_entry *entries;
	size_t count;
};

void files_fini(struct files *f);

/*
 * Appends the file's bytes to *out, which bounds them.  RC_SYS with errno,
 * ENOENT for one that the master did not read; RC_LIMIT: larger than out's
 * room, or one file too many.
 */
enum rc files_read(struct files *f, struct buf *out, const char *path);

/* Keeps bytes that are no file under a name, for another process, in place of
 * those that had the name.  RC_LIMIT: one file too many. */
enum rc files_keep(struct files *f, const char *name, struct span bytes);
/* False: nothing has that name.  Borrows f. */
bool files_find(const struct files *f, struct span *out, const char *name);

/* Into memory that is sealed against every change; *fd is the caller's.
 * RC_SYS with errno. */
enum rc files_pack(const struct files *f, int *fd);
/* Out of it.  RC_MALFORMED: it is none, or not sealed. */
enum rc files_unpack(struct files *out, int fd);

#endif
