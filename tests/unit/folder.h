/* A temporary folder for one test, removed with all that is in it. */
#ifndef POSTERN_TESTS_FOLDER_H
#define POSTERN_TESTS_FOLDER_H

#include "unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct folder {
	char path[64];
};

static inline void folder_make(struct folder *f)
{
	strcpy(f->path, "/tmp/postern-unit-XXXXXX");
	assert_non_null(mkdtemp(f->path));
}

static inline int folder_remove_one(const char *path, const struct stat *st, int type,
				    struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static inline void folder_remove(struct folder *f)
{
	assert_int_equal(nftw(f->path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* "<folder>/<name>", until the next call with the same 'out'. */
static inline const char *folder_file(char out[128], const struct folder *f, const char *name)
{
	snprintf(out, 128, "%s/%s", f->path, name);
	return out;
}

#endif
