#include "kms/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "json/jtree.h"

enum {
	BATCH_MAX = 8 * 1024 * 1024,
	TREE_MAX = 64 * 1024,
};

struct journal {
	int fd;
	const struct p256_private *key;
	off_t length; /* of what is on disk */
	struct keys_audit_chain durable, next;
	struct buf batch;
	bool is_over; /* a line did not fit into the batch */
};

/* ---- finding the end ---- */

/* The chain after its last line. */
static bool take_last(struct keys_audit_chain *out, struct span line)
{
	AUTO(arena_fini)
	struct arena arena = { .max = TREE_MAX };
	const struct jtree *seq = jtree_get(jtree_read(&arena, line), "seq");

	if (!seq || seq->type != JTREE_NUMBER)
		return false;
	out->seq = seq->number;
	sha256_of(&out->head, line);
	return true;
}

/* The last whole line among the last bytes of the file. */
static struct span last_line(struct span tail, size_t *torn)
{
	size_t end = tail.n, begin;

	while (end && tail.p[end - 1] != '\n')
		end--;
	*torn = tail.n - end;
	if (!end)
		return span_of(NULL, 0);
	begin = end - 1;
	while (begin && tail.p[begin - 1] != '\n')
		begin--;
	return span_of(tail.p + begin, end - 1 - begin);
}

static enum rc find_end(struct journal *j)
{
	uint8_t bytes[2 * KEYS_AUDIT_LINE_MAX];
	struct stat st;
	struct span line;
	size_t torn, n;
	ssize_t got;

	if (fstat(j->fd, &st))
		return RC_SYS;
	n = (size_t)st.st_size < sizeof(bytes) ? (size_t)st.st_size
					       : sizeof(bytes);
	got = pread(j->fd, bytes, n, st.st_size - (off_t)n);
	if (got < 0)
		return RC_SYS;
	line = last_line(span_of(bytes, (size_t)got), &torn);
	j->length = st.st_size - (off_t)torn;
	if (j->length && (!line.n || !take_last(&j->durable, line)))
		return RC_MALFORMED;
	j->next = j->durable;
	return torn && ftruncate(j->fd, j->length) ? RC_SYS : RC_OK;
}

enum rc journal_open(struct journal **out, const char *path,
		     const struct p256_private *key,
		     char error[NODE_ERROR_MAX])
{
	struct journal *j = mem_new(sizeof(*j));
	enum rc rc = RC_SYS;

	j->key = key;
	buf_init(&j->batch, BATCH_MAX);
	j->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
		     0600);
	if (j->fd >= 0)
		rc = find_end(j);
	if (rc) {
		error_set(error, "audit log %s: %s", path,
			  rc == RC_SYS ? strerror(errno)
				       : "its last line is none");
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
	if (write_all(j->fd, buf_span(&j->batch)) && fdatasync(j->fd) == 0)
		return RC_OK;
	saved = errno;
	/* What is left of it is torn, and the next start takes it off, too. */
	(void)!ftruncate(j->fd, j->length);
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
