#include "certd/audit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/clock.h"
#include "io/file.h"
#include "json/jtree.h"
#include "json/jwrite.h"

enum {
	LINE_MAX_LEN = 8 * 1024,
	FILE_MAX_LEN = 64 * 1024 * 1024,
	FIELD_MAX = 512,
	KINDS_MAX = 96, /* of events; those beyond are not counted */
	KIND_MAX = 40,
};

#define SEGMENT "segment"

struct kind {
	char event[KIND_MAX], end[KIND_MAX];
	uint64_t count;
};

struct audit {
	pthread_mutex_t lock;
	char state[PATH_MAX / 2]; /* the folder */
	int fd;
	off_t end; /* of the whole lines in the file */
	uint64_t first; /* line of the file; 0: it has none */
	const struct log *log;
	uint64_t count;
	struct sha256 last;
	struct kind kinds[KINDS_MAX];
	size_t kind_count;
};

static void count_up(struct audit *a, struct span event, struct span end)
{
	struct kind *k = a->kinds;
	size_t i = 0;

	while (i < a->kind_count && !(span_equal_str(event, k[i].event) &&
				      span_equal_str(end, k[i].end)))
		i++;
	if (i == KINDS_MAX || event.n >= KIND_MAX || end.n >= KIND_MAX)
		return;
	if (i == a->kind_count) {
		struct wr w = wr_over(k[i].event, KIND_MAX - 1);

		wr_bytes(&w, event);
		w = wr_over(k[i].end, KIND_MAX - 1);
		wr_bytes(&w, end);
		a->kind_count++;
	}
	k[i].count++;
}

static struct span text_of(const struct jtree *line, const char *key)
{
	const struct jtree *m = jtree_get(line, key);

	return m && m->type == JTREE_TEXT ? m->text : span_str("");
}

/* A chain whose beginning somebody keeps elsewhere. */
static bool begins_segment(struct audit *a, const struct jtree *top,
			   const struct jtree *n, const struct sha256 *before)
{
	if (a->count || n->number < 2 ||
	    !span_equal_str(text_of(top, "event"), SEGMENT))
		return false;
	a->count = n->number - 1;
	a->last = *before;
	return true;
}

/* The line follows: its number is next and it names the one before.  It is
 * counted then. */
static bool follows(struct audit *a, struct span line)
{
	AUTO(arena_fini)
	struct arena arena;
	const struct jtree *top, *n, *before;
	struct sha256 named;

	arena_init(&arena, 64 * 1024);
	top = jtree_read(&arena, line);
	n = jtree_get(top, "n");
	before = jtree_get(top, "before");
	if (!n || n->type != JTREE_NUMBER || !before ||
	    before->type != JTREE_TEXT ||
	    !text_hex_decode(named.b, sizeof(named.b), before->text))
		return false;
	if (!begins_segment(a, top, n, &named) &&
	    (n->number != a->count + 1 ||
	     !span_equal(SPAN_ARRAY(named.b), SPAN_ARRAY(a->last.b))))
		return false;
	count_up(a, text_of(top, "event"), text_of(top, "end"));
	return true;
}

/* *whole: how many bytes the whole lines have. */
static enum rc read_chain(struct audit *a, struct span text, size_t *whole)
{
	struct span rest = text, line;

	*whole = 0;
	while (memchr(rest.p, '\n', rest.n) && rd_until(&rest, &line, '\n')) {
		if (!follows(a, line))
			return RC_MALFORMED;
		sha256_of(&a->last, line);
		a->count++;
		if (!a->first)
			a->first = a->count;
		*whole += line.n + 1;
	}
	return RC_OK;
}

/* One file.  None is no failure. */
static enum rc load(struct audit *a, const char *path, size_t *whole,
		    char error[NODE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	enum rc rc;

	*whole = 0;
	a->first = 0;
	buf_init(&text, FILE_MAX_LEN);
	rc = file_read(&text, path);
	if (rc == RC_SYS && errno == ENOENT)
		rc = RC_OK;
	else if (!rc && text.n > 0)
		rc = read_chain(a, buf_span(&text), whole);
	if (rc == RC_MALFORMED)
		error_set(error,
			  "%s: line %llu does not follow the one before", path,
			  (unsigned long long)a->count + 1);
	else if (rc)
		error_set(error, "%s: %s", path, file_why(rc));
	return rc;
}

/* ---- segments ---- */

enum file {
	FILE_MAIN,
	FILE_NEXT, /* to be the main one */
};

static void path_of(const struct audit *a, char out[PATH_MAX], enum file which)
{
	(void)snprintf(out, PATH_MAX, "%s/audit.jsonl%s", a->state,
		       which == FILE_NEXT ? ".next" : "");
}

static void segment_path(const struct audit *a, char out[PATH_MAX],
			 uint64_t first)
{
	(void)snprintf(out, PATH_MAX, "%s/audit-%012llu.jsonl", a->state,
		       (unsigned long long)first);
}

/* The number in such a name; 0: it is no segment's. */
static uint64_t segment_of(const char *name)
{
	struct span s = span_str(name), end = span_str(".jsonl"), number;
	uint64_t first;

	if (!span_has_prefix(s, span_str("audit-")) || s.n <= 6 + end.n)
		return 0;
	number = span_of(s.p + 6, s.n - 6 - end.n);
	if (!span_equal(span_of(s.p + s.n - end.n, end.n), end))
		return 0;
	while (number.n > 1 && number.p[0] == '0')
		(void)rd_skip(&number, 1); /* there is one */
	return text_u64(&first, number, INT64_MAX) ? first : 0;
}

/* The next one after 'after'; 0: there is none.  Few, so looked for anew. */
static uint64_t next_segment(const struct audit *a, uint64_t after)
{
	DIR *folder = opendir(a->state);
	uint64_t best = 0;
	const struct dirent *e;

	while (folder && (e = readdir(folder))) {
		uint64_t first = segment_of(e->d_name);

		if (first > after && (!best || first < best))
			best = first;
	}
	if (folder)
		closedir(folder);
	return best;
}

static enum rc load_segments(struct audit *a, char error[NODE_ERROR_MAX])
{
	char path[PATH_MAX];
	uint64_t at = 0;
	size_t whole;
	enum rc rc = RC_OK;

	while (!rc && (at = next_segment(a, at)) != 0) {
		segment_path(a, path, at);
		rc = load(a, path, &whole, error);
		if (!rc && a->first != at) {
			error_set(error, "%s: does not begin with that line",
				  path);
			rc = RC_MALFORMED;
		}
	}
	return rc;
}

static enum rc open_main(struct audit *a, char error[NODE_ERROR_MAX])
{
	char path[PATH_MAX];
	size_t whole;
	enum rc rc;

	path_of(a, path, FILE_MAIN);
	rc = load(a, path, &whole, error);
	if (rc)
		return rc;
	a->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	a->end = (off_t)whole;
	if (a->fd >= 0 && ftruncate(a->fd, a->end) == 0)
		return RC_OK;
	error_set(error, "%s: %s", path, strerror(errno));
	return RC_SYS;
}

/* Puts the file aside.  Where that fails it goes on growing; a crash between
 * leaves no main file, and the next start makes one. */
static void begin_segment(struct audit *a)
{
	char path[PATH_MAX], next[PATH_MAX], aside[PATH_MAX];
	int fd;

	path_of(a, path, FILE_MAIN);
	path_of(a, next, FILE_NEXT);
	segment_path(a, aside, a->first);
	fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC,
		  0644);
	/* Only where neither name can be had the file goes on under its own;
	 * the next start's main file would be another then. */
	if (fd >= 0 && rename(path, aside) == 0 &&
	    (rename(next, path) == 0 || rename(aside, path) != 0)) {
		close(a->fd);
		a->fd = fd;
		a->end = 0;
		a->first = 0;
		return;
	}
	log_event(a->log, LOG_WARN, "audit_not_put_aside",
		  LERRNO("why", errno));
	if (fd >= 0)
		close(fd);
}

enum rc audit_open(struct audit **out, const char *state,
		   const struct log *log, char error[NODE_ERROR_MAX])
{
	struct audit *a = mem_new(sizeof(*a));
	enum rc rc = RC_OK;

	a->fd = -1;
	a->log = log;
	(void)pthread_mutex_init(&a->lock, NULL); /* cannot fail here */
	if (snprintf(a->state, sizeof(a->state), "%s", state) >=
	    (int)sizeof(a->state)) {
		error_set(error, "state folder: path too long");
		rc = RC_LIMIT;
	}
	if (!rc)
		rc = load_segments(a, error);
	if (!rc)
		rc = open_main(a, error);
	if (rc) {
		audit_close(a);
		return rc;
	}
	*out = a;
	return RC_OK;
}

void audit_close(struct audit *a)
{
	if (!a)
		return;
	mem_auto_close(&a->fd);
	(void)pthread_mutex_destroy(&a->lock); /* nobody holds it */
	free(a);
}

static void write_text(struct jwrite *j, const struct audit_field *f)
{
	char text[4 * FIELD_MAX + 8];
	struct wr w = WR_ARRAY(text);

	text_escape(&w, f->text, FIELD_MAX);
	jwrite_text(j, f->name, wr_span(&w));
}

static bool write_line(const struct audit *a, struct buf *line,
		       const char *event, const struct audit_field *fields)
{
	struct jwrite j = jwrite_to(line);

	jwrite_object(&j, NULL);
	jwrite_number(&j, "n", a->count + 1);
	jwrite_utc(&j, "time", clock_unix_s());
	jwrite_str(&j, "event", event);
	for (const struct audit_field *f = fields; f->name; f++)
		write_text(&j, f);
	jwrite_hex(&j, "before", SPAN_ARRAY(a->last.b));
	jwrite_end(&j);
	return jwrite_done(&j);
}

/* One write: half a line is seen at the next start, and cut off.  One that did
 * not get to the disk is cut at once, or the next would not follow it. */
static bool put_line(struct audit *a, struct span line)
{
	int error;

	if (write(a->fd, line.p, line.n) == (ssize_t)line.n &&
	    fsync(a->fd) == 0) {
		a->end += (off_t)line.n;
		return true;
	}
	error = errno;
	if (ftruncate(a->fd, a->end) != 0)
		log_event(a->log, LOG_ERROR, "audit_not_cut",
			  LERRNO("why", errno));
	errno = error;
	return false;
}

static struct span end_of(const struct audit_field *fields)
{
	for (; fields->name; fields++)
		if (strcmp(fields->name, "end") == 0)
			return fields->text;
	return span_str("");
}

static void tell(const struct audit *a, const char *event,
		 const struct audit_field *fields)
{
	struct log_field all[AUDIT_FIELDS_MAX + 3] = {
		LSTR("what", event),
		LU64("n", a->count),
	};

	for (size_t i = 0; i < AUDIT_FIELDS_MAX && fields[i].name; i++)
		all[2 + i] = (struct log_field)LSPAN(fields[i].name,
						     fields[i].text);
	log_write(a->log, LOG_INFO, "audit", all);
}

/* With the lock held. */
static enum rc append(struct audit *a, const char *event,
		      const struct audit_field *fields)
{
	AUTO(buf_fini)
	struct buf line = { 0 };
	struct sha256 hash;

	buf_init(&line, LINE_MAX_LEN);
	if (!write_line(a, &line, event, fields))
		return RC_LIMIT;
	sha256_of(&hash, buf_span(&line));
	if (!buf_add(&line, span_str("\n")) || !put_line(a, buf_span(&line)))
		return RC_SYS;
	a->last = hash;
	a->count++;
	if (!a->first)
		a->first = a->count;
	count_up(a, span_str(event), end_of(fields));
	tell(a, event, fields);
	return RC_OK;
}

enum rc audit_write(struct audit *a, const char *event,
		    const struct audit_field *fields)
{
	const struct audit_field none = { 0 };
	enum rc rc = RC_OK;

	(void)pthread_mutex_lock(&a->lock); /* cannot fail: not recursive */
	if (a->end >= AUDIT_SEGMENT_LEN)
		begin_segment(a);
	if (!a->end && a->count)
		rc = append(a, SEGMENT, &none);
	if (!rc)
		rc = append(a, event, fields);
	if (rc)
		log_event(a->log, LOG_ERROR, "audit_failed",
			  LSTR("what", event), LERRNO("why", errno));
	(void)pthread_mutex_unlock(&a->lock); /* we hold it */
	return rc;
}

uint64_t audit_head(struct audit *a, struct sha256 *last)
{
	uint64_t count;

	(void)pthread_mutex_lock(&a->lock);
	*last = a->last;
	count = a->count;
	(void)pthread_mutex_unlock(&a->lock);
	return count;
}

enum rc audit_events(struct audit *a, struct buf *out)
{
	struct jwrite j = jwrite_to(out);

	(void)pthread_mutex_lock(&a->lock);
	jwrite_array(&j, NULL);
	for (size_t i = 0; i < a->kind_count; i++) {
		jwrite_object(&j, NULL);
		jwrite_str(&j, "event", a->kinds[i].event);
		jwrite_str(&j, "end", a->kinds[i].end);
		jwrite_number(&j, "count", a->kinds[i].count);
		jwrite_end(&j);
	}
	jwrite_end(&j);
	(void)pthread_mutex_unlock(&a->lock);
	return jwrite_done(&j) ? RC_OK : RC_LIMIT;
}
