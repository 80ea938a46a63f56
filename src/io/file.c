#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum {
	READ_STEP = 64 * 1024,
};

static ssize_t read_some(int fd, void *p, size_t n)
{
	ssize_t got;

	do
		got = read(fd, p, n);
	while (got < 0 && errno == EINTR);
	return got;
}

static enum rc read_to_end(struct buf *out, int fd)
{
	for (;;) {
		uint8_t spare;
		size_t room;
		uint8_t *at = buf_space(out, READ_STEP, &room);
		ssize_t got;

		/* A full buffer is no failure when the file ends just here. */
		if (room == 0) {
			at = &spare;
			room = 1;
		}
		got = read_some(fd, at, room);
		if (got < 0)
			return RC_SYS;
		if (got == 0)
			return RC_OK;
		if (at == &spare)
			return RC_LIMIT;
		buf_commit(out, (size_t)got);
	}
}

/* Takes the descriptor, or the errno why there is none. */
static enum rc read_and_close(struct buf *out, int fd)
{
	size_t had = out->n;
	enum rc rc;
	int error;

	if (fd < 0)
		return RC_SYS;
	rc = read_to_end(out, fd);
	error = errno;
	if (rc)
		out->n = had;
	close(fd);
	errno = error;
	return rc;
}

enum rc file_read(struct buf *out, const char *path)
{
	/* O_NONBLOCK: opening a FIFO waits for its writer, else. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st = { 0 };

	if (fd < 0) /* ENXIO: a socket */
		return errno == ENXIO ? RC_UNSUPPORTED : RC_SYS;
	/* Of a folder read() says what it is. */
	if (fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return read_and_close(out, fd);
	close(fd);
	return RC_UNSUPPORTED;
}

enum rc file_read_argument(struct buf *out, const char *path)
{
	const char *name = strcmp(path, "-") == 0 ? "/dev/stdin" : path;

	return read_and_close(out, open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY));
}

const char *file_why(enum rc rc)
{
	if (rc == RC_SYS)
		return strerror(errno);
	return rc == RC_LIMIT ? "too large" : "not a regular file";
}

static bool write_all(int fd, struct span b)
{
	while (b.n) {
		ssize_t n = write(fd, b.p, b.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		b = span_of(b.p + n, b.n - (size_t)n);
	}
	return true;
}

/* Makes a rename durable: fsync of the folder that holds 'path'. */
static bool sync_folder(const char *path)
{
	AUTO(mem_auto_free)
	char *folder = mem_dup(path);
	AUTO(mem_auto_close)
	int fd = -1;
	char *slash = strrchr(folder, '/');
	const char *name = folder;

	if (!slash)
		name = ".";
	else if (slash == folder)
		name = "/";
	else
		*slash = '\0';
	fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && fsync(fd) == 0;
}

static bool fill(int fd, struct span content, mode_t mode)
{
	return fchmod(fd, mode) == 0 && write_all(fd, content) &&
	       fsync(fd) == 0;
}

enum rc file_replace(const char *path, struct span content, mode_t mode)
{
	AUTO(mem_auto_free)
	char *beside = mem_new(strlen(path) + sizeof(".XXXXXX.tmp"));
	bool is_done;
	int error, fd;

	sprintf(beside, "%s.XXXXXX.tmp", path);
	fd = mkostemps(beside, 4, O_CLOEXEC);
	if (fd < 0)
		return RC_SYS;
	is_done = fill(fd, content, mode);
	error = errno;
	/* close() may report what write() could not. */
	if (close(fd) != 0 && is_done) {
		is_done = false;
		error = errno;
	}
	if (is_done && rename(beside, path) != 0) {
		is_done = false;
		error = errno;
	}
	if (!is_done) {
		(void)unlink(beside); /* it holds nothing anybody needs */
		errno = error;
		return RC_SYS;
	}
	return sync_folder(path) ? RC_OK : RC_SYS;
}

enum rc file_make_dirs(const char *path, mode_t mode)
{
	AUTO(mem_auto_free)
	char *at = mem_dup(path);
	struct stat st;

	for (char *c = at + 1; *at && *c; c++) {
		if (*c != '/')
			continue;
		*c = '\0';
		if (mkdir(at, mode) != 0 && errno != EEXIST)
			return RC_SYS;
		*c = '/';
	}
	if (mkdir(at, mode) == 0)
		return RC_OK;
	if (errno != EEXIST || stat(at, &st) != 0)
		return RC_SYS;
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return RC_SYS;
	}
	return RC_OK;
}
