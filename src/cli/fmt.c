#include "cli/fmt.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"

enum {
	TEXT_MAX = 256 * 1024,
	COPY_MAX = 16 * 1024 * 1024,
	TREE_FDS = 32, /* descriptors the walk may hold open */
};

const char *fmt(struct arena *a, const char *format, ...)
{
	va_list args, again;
	char *out;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert(n >= 0 && n < TEXT_MAX);
	out = arena_new(a, (size_t)n + 1, 1);
	if (!out)
		abort();
	(void)vsnprintf(out, (size_t)n + 1, format, again); /* fits: measured */
	va_end(again);
	return out;
}

static enum rc write_all(int fd, struct span bytes)
{
	while (bytes.n > 0) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return RC_SYS;
		bytes.p += n;
		bytes.n -= (size_t)n;
	}
	return RC_OK;
}

static enum rc put(const char *path, mode_t mode, struct span bytes)
{
	AUTO(mem_auto_close)
	int fd = -1;

	/* A file of an earlier start may have another mode: it goes first. */
	if (unlink(path) != 0 && errno != ENOENT)
		return RC_SYS;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return RC_SYS;
	return write_all(fd, bytes);
}

enum rc fmt_file(const char *path, mode_t mode, const char *text)
{
	return put(path, mode, span_str(text));
}

enum rc fmt_copy(const char *to, const char *from, mode_t mode)
{
	AUTO(buf_fini)
	struct buf b = { 0 };
	enum rc rc;

	buf_init(&b, COPY_MAX);
	rc = file_read(&b, from);
	if (rc)
		return rc;
	return put(to, mode, buf_span(&b));
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

enum rc fmt_remove_tree(const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? RC_OK : RC_SYS;
	if (nftw(path, remove_one, TREE_FDS,
		 FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
		return RC_SYS;
	return RC_OK;
}

static void close_dir(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

enum rc fmt_empty_folder(const char *path, const char *keep)
{
	AUTO(close_dir)
	DIR *d = opendir(path);
	enum rc rc = RC_OK;

	if (!d)
		return RC_SYS;
	for (struct dirent *e; !rc && (e = readdir(d));) {
		char inner[PATH_MAX];

		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0 ||
		    (keep && strcmp(e->d_name, keep) == 0))
			continue;
		(void)snprintf(inner, sizeof(inner), "%.3000s/%s", path,
			       e->d_name);
		rc = fmt_remove_tree(inner);
	}
	return rc;
}
