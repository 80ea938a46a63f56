#include "kms/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

enum {
	BATCH_MAX = 8 * 1024 * 1024,
	TAIL_MAX = BATCH_MAX + 2 * KEYS_AUDIT_LINE_MAX,
	ASIDE_MAX = 100000,
};

struct journal {
	int fd;
	const struct p256_private *key;
	off_t length; /* of what is on disk */
	struct keys_audit_chain durable, next;
	struct buf batch;
	bool is_over; /* a line did not fit into the batch */
	bool is_torn; /* something follows 'length' */
};

/* ---- finding the end ---- */

/* Cuts the last whole line off the text; without its end.  False: none. */
static bool take_line(struct span *text, struct span *line)
{
	size_t end = text->n, begin;

	while (end && text->p[end - 1] != '\n')
		end--;
	if (!end)
		return false;
	begin = end - 1;
	while (begin && text->p[begin - 1] != '\n')
		begin--;
	*line = span_of(text->p + begin, end - 1 - begin);
	text->n = begin;
	return true;
}

/* What a crash can leave of the very first batch: a chain from its beginning
 * that nothing signs. */
static bool is_torn_batch(struct span text)
{
	struct keys_audit_walk w = { 0 };
	struct span line;

	while (text.n && memchr(text.p, '\n', text.n) &&
	       rd_until(&text, &line, '\n'))
		if (keys_audit_check(&w, line))
			return false;
	return w.signatures == 0;
}

/* How much of the file's last bytes is signed.  'is_all': they are the file. */
static enum rc find_signed(struct journal *j, size_t *end, struct span text,
			   bool is_all)
{
	struct span rest = text, line, before;
	struct p256_point key;

	*end = 0;
	while (take_line(&rest, &line)) {
		if (!keys_audit_is_signed(line))
			continue;
		p256_private_point(j->key, &key);
		if (!take_line(&rest, &before) ||
		    keys_audit_resume(&j->durable, &key, before, line))
			return RC_MALFORMED;
		*end = (size_t)(line.p - text.p) + line.n + 1;
		return RC_OK;
	}
	return is_all && is_torn_batch(text) ? RC_OK : RC_MALFORMED;
}

static enum rc find_end(struct journal *j)
{
	AUTO(mem_auto_free)
	uint8_t *bytes = NULL;
	struct stat st;
	size_t n, end;
	ssize_t got;
	enum rc rc;

	if (fstat(j->fd, &st))
		return RC_SYS;
	n = st.st_size < TAIL_MAX ? (size_t)st.st_size : TAIL_MAX;
	bytes = mem_new(n + 1);
	got = pread(j->fd, bytes, n, st.st_size - (off_t)n);
	if (got < 0)
		return RC_SYS;
	rc = (size_t)got < n ? RC_MALFORMED
			     : find_signed(j, &end, span_of(bytes, n),
					   st.st_size == (off_t)n);
	if (rc)
		return rc;
	j->next = j->durable;
	j->length = st.st_size - (off_t)(n - end);
	return j->length < st.st_size && ftruncate(j->fd, j->length) ? RC_SYS
								     : RC_OK;
}

/* Of a key that is gone. */
static enum rc put_aside(const char *path)
{
	char aside[PATH_MAX];
	struct stat st;

	if (lstat(path, &st))
		return errno == ENOENT ? RC_OK : RC_SYS;
	if (st.st_size == 0)
		return RC_OK;
	for (unsigned n = 1; n <= ASIDE_MAX; n++) {
		if (snprintf(aside, sizeof(aside), "%s.%u", path, n) >=
		    (int)sizeof(aside)) {
			errno = ENAMETOOLONG;
			return RC_SYS;
		}
		if (!renameat2(AT_FDCWD, path, AT_FDCWD, aside,
			       RENAME_NOREPLACE))
			return RC_OK;
		if (errno != EEXIST)
			return RC_SYS;
	}
	return RC_SYS;
}

enum rc journal_open(struct journal **out, const char *path,
		     const struct p256_private *key, bool is_new_key,
		     char error[NODE_ERROR_MAX])
{
	const int flags = O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW;
	struct journal *j = mem_new(sizeof(*j));
	enum rc rc = is_new_key ? put_aside(path) : RC_OK;

	j->key = key;
	j->fd = -1;
	buf_init(&j->batch, BATCH_MAX);
	if (!rc)
		j->fd = open(path, flags | O_CLOEXEC, 0600);
	if (!rc)
		rc = j->fd < 0 ? RC_SYS : find_end(j);
	if (rc) {
		error_set(error, "audit log %s: %s", path,
			  rc == RC_SYS ? strerror(errno)
				       : "not signed by this node's key");
		journal_free(j);
		return rc;
	}
	*out = j;
	return RC_OK;
}

void journal_free(struct journal *j)
{
	if (!j)
		return;
	if (j->fd >= 0)
		(void)close(j->fd);
	buf_fini(&j->batch);
	free(j);
}

/* ---- writing ---- */

static void add_line(struct journal *j, const struct wr *w)
{
	struct span line;

	if (!wr_done(w, &line) || !buf_add(&j->batch, line))
		j->is_over = true;
}

void journal_add(struct journal *j, const struct keys_audit_event *e)
{
	uint8_t line[KEYS_AUDIT_LINE_MAX];
	struct wr w = WR_ARRAY(line);

	keys_audit_write(&w, &j->next, e);
	add_line(j, &w);
}

static bool write_all(int fd, struct span b)
{
	while (b.n) {
		ssize_t n = write(fd, b.p, b.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		(void)rd_skip(&b, (size_t)n);
	}
	return true;
}

static enum rc put(struct journal *j)
{
	int saved;

	if (j->is_over) {
		errno = EMSGSIZE;
		return RC_SYS;
	}
	if (j->is_torn && ftruncate(j->fd, j->length))
		return RC_SYS;
	j->is_torn = false;
	if (write_all(j->fd, buf_span(&j->batch)) && fdatasync(j->fd) == 0)
		return RC_OK;
	saved = errno;
	/* What is left of it is torn, and the next start takes it off, too. */
	j->is_torn = ftruncate(j->fd, j->length) != 0;
	errno = saved;
	return RC_SYS;
}

enum rc journal_flush(struct journal *j, int64_t now_s)
{
	uint8_t line[KEYS_AUDIT_LINE_MAX];
	struct wr w = WR_ARRAY(line);
	enum rc rc;

	if (!buf_span(&j->batch).n && !j->is_over)
		return RC_OK;
	keys_audit_sign(&w, &j->next, now_s, j->key);
	add_line(j, &w);
	rc = put(j);
	if (rc) {
		j->next = j->durable;
	} else {
		j->durable = j->next;
		j->length += (off_t)buf_span(&j->batch).n;
	}
	j->is_over = false;
	buf_reset(&j->batch);
	return rc;
}

struct keys_audit_chain journal_chain(const struct journal *j)
{
	return j->durable;
}
