#include "seal/seal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/rng.h"
#include "io/file.h"

#define LEDGER "epochs"
#define SUFFIX ".sealed"
#define LEFTOVER ".tmp"

struct entry {
	char purpose[FORM_PURPOSE_MAX + 1];
	uint64_t epoch;
	/* Its epochs go on, or a file of before could be put back. */
	bool is_removed;
};

struct seal {
	char *folder;
	int lock; /* the folder, locked */
	struct key32 root;
	struct form_owner owner;
	struct entry entries[SEAL_PURPOSES_MAX];
	size_t count;
	uint64_t generation; /* the ledger's own epoch */
};

const char *seal_reason_name(enum seal_reason r)
{
	static const char *const names[] = {
		[SEAL_ABSENT] = "absent",
		[SEAL_MISSING] = "missing",
		[SEAL_ROLLED_BACK] = "rolled_back",
		[SEAL_NO_KEY] = "no_key",
		[SEAL_BUSY] = "busy",
		[SEAL_FULL] = "full",
		[SEAL_IO] = "io",
	};

	if ((int)r < (int)FORM_REASON_COUNT)
		return form_reason_name((enum form_reason)r);
	return names[r];
}

/* ---- one file ---- */

static bool path_of(char out[PATH_MAX], const struct seal *s,
		    const char *purpose)
{
	int n = snprintf(out, PATH_MAX, "%s/%s" SUFFIX, s->folder, purpose);

	if (n < PATH_MAX)
		return true;
	errno = ENAMETOOLONG;
	return false;
}

static enum seal_reason put(const struct seal *s, const char *purpose,
			    uint64_t epoch, struct span secret)
{
	AUTO(buf_fini)
	struct buf sealed = { 0 };
	uint8_t nonce[XAEAD_NONCE_LEN];
	char path[PATH_MAX];

	rng_bytes(nonce, sizeof(nonce));
	buf_init(&sealed, FORM_MAX);
	if (form_write(&sealed, &s->root, &s->owner, purpose, epoch, nonce,
		       secret))
		return SEAL_FULL;
	if (!path_of(path, s, purpose) ||
	    file_replace(path, buf_span(&sealed), 0600))
		return SEAL_IO;
	return SEAL_OK;
}

/* SEAL_ABSENT: there is no such file. */
static enum seal_reason get(const struct seal *s, const char *purpose,
			    uint64_t *epoch, struct buf *out)
{
	AUTO(buf_fini)
	struct buf sealed = { 0 };
	char path[PATH_MAX];
	enum rc rc;

	buf_init(&sealed, FORM_MAX);
	if (!path_of(path, s, purpose))
		return SEAL_IO;
	rc = file_read(&sealed, path);
	if (rc == RC_LIMIT || rc == RC_UNSUPPORTED)
		return (enum seal_reason)FORM_MALFORMED;
	if (rc)
		return errno == ENOENT ? SEAL_ABSENT : SEAL_IO;
	return (enum seal_reason)form_read(out, epoch, &s->root, &s->owner,
					   purpose, buf_span(&sealed));
}

/* ---- the ledger: a line "purpose epoch" each, or "purpose epoch -" when it
 * was removed ---- */

static struct entry *find(struct seal *s, const char *purpose)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->entries[i].purpose, purpose) == 0)
			return &s->entries[i];
	return NULL;
}

static bool take_line(struct seal *s, struct span line)
{
	struct entry e = { 0 };
	struct span name, epoch;

	if (!rd_until(&line, &name, ' ') || name.n > FORM_PURPOSE_MAX ||
	    s->count == SEAL_PURPOSES_MAX || !rd_until(&line, &epoch, ' '))
		return false;
	memcpy(e.purpose, name.p, name.n);
	e.is_removed = line.n > 0;
	if (!form_is_purpose(e.purpose) || find(s, e.purpose) ||
	    !text_u64(&e.epoch, epoch, UINT64_MAX) ||
	    (e.is_removed && !span_equal_str(line, "-")))
		return false;
	s->entries[s->count++] = e;
	return true;
}

static enum seal_reason read_ledger(struct seal *s)
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	struct span rest, line;
	enum seal_reason reason;

	buf_init(&text, FORM_SECRET_MAX);
	reason = get(s, LEDGER, &s->generation, &text);
	rest = buf_span(&text);
	while (!reason && rd_until(&rest, &line, '\n'))
		if (!take_line(s, line))
			return (enum seal_reason)FORM_MALFORMED;
	return reason;
}

static enum seal_reason write_ledger(struct seal *s)
{
	char text[SEAL_PURPOSES_MAX * (FORM_PURPOSE_MAX + 26)];
	struct wr w = WR_ARRAY(text);
	enum seal_reason reason;

	for (size_t i = 0; i < s->count; i++)
		wr_printf(&w, "%s %llu%s\n", s->entries[i].purpose,
			  (unsigned long long)s->entries[i].epoch,
			  s->entries[i].is_removed ? " -" : "");
	reason = put(s, LEDGER, s->generation + 1, wr_span(&w));
	if (!reason)
		s->generation++;
	return reason;
}

/* ---- the folder ---- */

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n > m && strcmp(name + n - m, end) == 0;
}

/* Removes what a crash left of a writing.  True: a sealed file is there. */
static bool sweep(const struct seal *s)
{
	DIR *d = opendir(s->folder);
	bool has_sealed = false;
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (ends_with(e->d_name, SUFFIX))
			has_sealed = true;
		else if (strstr(e->d_name, SUFFIX ".") &&
			 ends_with(e->d_name, LEFTOVER))
			(void)unlinkat(s->lock, e->d_name, 0); /* next time */
	}
	if (d)
		(void)closedir(d);
	return has_sealed;
}

static enum seal_reason lock_folder(struct seal *s)
{
	if (file_make_dirs(s->folder, 0700))
		return SEAL_IO;
	s->lock = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->lock < 0)
		return SEAL_IO;
	if (flock(s->lock, LOCK_EX | LOCK_NB) == 0)
		return SEAL_OK;
	return errno == EWOULDBLOCK ? SEAL_BUSY : SEAL_IO;
}

/* The ledger is there before any other file; a folder that has files and none
 * was tampered with. */
static enum seal_reason start_ledger(struct seal *s)
{
	bool has_sealed = sweep(s);
	enum seal_reason reason = read_ledger(s);

	if (reason != SEAL_ABSENT)
		return reason;
	return has_sealed ? SEAL_MISSING : write_ledger(s);
}

static void explain(char error[SEAL_ERROR_MAX], const char *folder,
		    const char *what, enum seal_reason r)
{
	(void)snprintf(error, SEAL_ERROR_MAX, "%.300s%s: %s%s%s", folder, what,
		       seal_reason_name(r), r == SEAL_IO ? ": " : "",
		       r == SEAL_IO ? strerror(errno) : "");
}

enum seal_reason seal_open(struct seal **out, const struct seal_options *o,
			   char error[SEAL_ERROR_MAX])
{
	struct seal *s = mem_new(sizeof(*s));
	enum seal_reason reason;

	s->folder = mem_dup(o->folder);
	s->lock = -1;
	s->owner.provider = o->provider->kind;
	memcpy(s->owner.app, o->app, sizeof(s->owner.app));
	memcpy(s->owner.instance, o->instance, sizeof(s->owner.instance));
	reason = lock_folder(s);
	if (reason) {
		explain(error, o->folder, "", reason);
	} else if (o->provider->key(o->provider->arg, &s->root,
				    s->owner.measurement, "postern/seal/v1",
				    error)) {
		reason = SEAL_NO_KEY;
	} else {
		reason = start_ledger(s);
		if (reason)
			explain(error, o->folder, "/" LEDGER SUFFIX, reason);
	}
	if (reason) {
		seal_close(s);
		return reason;
	}
	*out = s;
	return SEAL_OK;
}

void seal_close(struct seal *s)
{
	if (!s)
		return;
	mem_auto_close(&s->lock);
	key32_wipe(&s->root);
	free(s->folder);
	free(s);
}

enum seal_reason seal_write(struct seal *s, const char *purpose,
			    struct span secret)
{
	struct entry *e = find(s, purpose);
	enum seal_reason reason;

	if (!e && s->count == SEAL_PURPOSES_MAX)
		return SEAL_FULL;
	reason = put(s, purpose, e ? e->epoch + 1 : 1, secret);
	if (reason)
		return reason;
	if (!e) {
		e = &s->entries[s->count++];
		*e = (struct entry){ 0 };
		(void)snprintf(e->purpose, sizeof(e->purpose), "%s", purpose);
	}
	e->epoch++;
	e->is_removed = false;
	return write_ledger(s);
}

enum seal_reason seal_read(struct seal *s, const char *purpose,
			   struct buf *out)
{
	AUTO(buf_wipe)
	struct buf secret = { 0 };
	struct entry *e = find(s, purpose);
	enum seal_reason reason;
	uint64_t epoch;

	buf_init(&secret, FORM_SECRET_MAX);
	reason = get(s, purpose, &epoch, &secret);
	if (reason == SEAL_ABSENT)
		return e && !e->is_removed ? SEAL_MISSING : SEAL_ABSENT;
	if (reason)
		return reason;
	/* A file of before the removal: whoever put it back, it is gone. */
	if (e && e->is_removed && epoch <= e->epoch)
		return SEAL_ABSENT;
	if (e && epoch < e->epoch)
		return SEAL_ROLLED_BACK;
	/* A crash came between the file and the ledger. */
	if (e) {
		e->epoch = epoch;
		e->is_removed = false;
	}
	return buf_add(out, buf_span(&secret)) ? SEAL_OK : SEAL_FULL;
}

/* The ledger first: a file that it does not want is no harm. */
static enum seal_reason take_away(struct seal *s, const char *purpose,
				  bool has_changed)
{
	enum seal_reason reason = has_changed ? write_ledger(s) : SEAL_OK;
	char path[PATH_MAX];

	if (!reason && (!path_of(path, s, purpose) ||
			(unlink(path) != 0 && errno != ENOENT)))
		reason = SEAL_IO;
	return reason;
}

enum seal_reason seal_remove(struct seal *s, const char *purpose)
{
	struct entry *e = find(s, purpose);

	if (e)
		e->is_removed = true;
	return take_away(s, purpose, e != NULL);
}

enum seal_reason seal_forget(struct seal *s, const char *purpose)
{
	struct entry *e = find(s, purpose);

	if (e)
		*e = s->entries[--s->count];
	return take_away(s, purpose, e != NULL);
}

uint64_t seal_generation(const struct seal *s)
{
	return s->generation;
}

bool seal_is_simulated(const struct seal *s)
{
	return s->owner.provider == FORM_SIMULATOR;
}

struct span seal_measurement(const struct seal *s)
{
	return SPAN_ARRAY(s->owner.measurement);
}
