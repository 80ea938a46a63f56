#include "cli/evidence.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/file.h"

enum {
	TIME_FILE_MAX = 64,
};

struct walk {
	evidence_fn *fn;
	void *ctx;
	char *error;
	size_t count;
	bool is_over; /* fn said so */
};

static enum rc fail(struct walk *w, enum rc rc, const char *path,
		    const char *why)
{
	(void)snprintf(w->error, EVIDENCE_ERROR_MAX, "%.400s: %s", path, why);
	return rc;
}

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n > m && strcmp(name + n - m, end) == 0;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* What stands beside a quote, and is none. */
static bool is_aside(const char *name, bool is_dir)
{
	if (name[0] == '.')
		return true;
	if (is_dir)
		return strcmp(name, "collateral") == 0 ||
		       ends_in(name, ".collateral");
	return ends_in(name, ".at");
}

/* The time in NAME.at, if there is one.  False: it holds no time. */
static bool read_time(struct evidence *e)
{
	char path[EVIDENCE_PATH_MAX + 4];
	AUTO(buf_fini)
	struct buf text = { 0 };
	struct span s, line;
	enum rc rc;

	(void)snprintf(path, sizeof(path), "%s.at", e->path);
	buf_init(&text, TIME_FILE_MAX);
	rc = file_read(&text, path);
	if (rc == RC_SYS && errno == ENOENT)
		return true;
	s = buf_span(&text);
	e->has_time = !rc && rd_until(&s, &line, '\n') && rd_end(&s) &&
		      text_utc(&e->at, line);
	return e->has_time;
}

static void find_collateral(struct evidence *e, const char *folder)
{
	char own[EVIDENCE_PATH_MAX + 12], shared[EVIDENCE_PATH_MAX + 12];
	const char *found = own;

	(void)snprintf(own, sizeof(own), "%s.collateral", e->path);
	(void)snprintf(shared, sizeof(shared), "%s/collateral", folder);
	if (!is_folder(own))
		found = is_folder(shared) ? shared : "";
	/* A path of ours that is cut would be another. */
	if (strlen(found) < sizeof(e->collateral))
		memcpy(e->collateral, found, strlen(found) + 1);
}

/* What cannot be used of it, or beside it; NULL: nothing. */
static const char *complaint(struct evidence *e)
{
	return read_time(e) ? NULL
			    : "its .at holds no time such as "
			      "2026-03-01T00:00:00Z";
}

static enum rc take(struct walk *w, const char *folder, const char *path)
{
	struct evidence e = { 0 };
	const char *why;

	if (++w->count > EVIDENCE_FILES_MAX)
		return fail(w, RC_LIMIT, folder, "too many files");
	memcpy(e.path, path, strlen(path) + 1); /* visit_entry() made it fit */
	why = complaint(&e);
	find_collateral(&e, folder);
	w->is_over = !w->fn(w->ctx, &e, why);
	return RC_OK;
}

static enum rc visit(struct walk *w, const char *folder, unsigned depth);

static enum rc visit_entry(struct walk *w, const char *folder,
			   const char *name, unsigned depth)
{
	char path[EVIDENCE_PATH_MAX];
	bool is_dir;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >=
	    (int)sizeof(path))
		return fail(w, RC_LIMIT, folder, "a path in it is too long");
	is_dir = is_folder(path);
	if (is_aside(name, is_dir))
		return RC_OK;
	return is_dir ? visit(w, path, depth + 1) : take(w, folder, path);
}

static enum rc visit(struct walk *w, const char *folder, unsigned depth)
{
	struct dirent **entries = NULL;
	enum rc rc = RC_OK;
	int count;

	if (depth > EVIDENCE_DEPTH_MAX)
		return fail(w, RC_LIMIT, folder, "too deep");
	count = scandir(folder, &entries, NULL, alphasort);
	if (count < 0)
		return fail(w, RC_SYS, folder, strerror(errno));
	for (int i = 0; i < count; i++) {
		if (!rc && !w->is_over)
			rc = visit_entry(w, folder, entries[i]->d_name, depth);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

enum rc evidence_walk(const char *folder, evidence_fn *fn, void *ctx,
		      char error[EVIDENCE_ERROR_MAX])
{
	struct walk w = { .fn = fn, .ctx = ctx, .error = error };

	return visit(&w, folder, 0);
}
