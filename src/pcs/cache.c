#include "pcs/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/file.h"
#include "pcs/floor.h"

enum {
	FMSPC_TEXT = 2 * PCS_FMSPC_LEN + 1,
};

void cache_set_fini(struct cache_set *s)
{
	collateral_fini(&s->files);
	*s = (struct cache_set){ 0 };
}

static void auto_prepared(struct tee_prepared **p)
{
	tee_prepared_free(*p);
}

static void fmspc_text(char out[FMSPC_TEXT], const uint8_t *fmspc)
{
	struct wr w = wr_over(out, FMSPC_TEXT - 1);

	text_hex(&w, span_of(fmspc, PCS_FMSPC_LEN));
	out[FMSPC_TEXT - 1] = '\0';
}

/* "dir/<before><name><after>"; false: too long. */
static bool path_in(char out[PATH_MAX], const char *dir, const char *before,
		    const char *name, const char *after)
{
	int n = snprintf(out, PATH_MAX, "%s/%s%s%s", dir, before, name, after);

	return n > 0 && n < PATH_MAX;
}

static enum pcs_reason store_failed(struct pcs_error *error, const char *what)
{
	return pcs_fail(error, PCS_STORE, "%s: %s", what, strerror(errno));
}

/* ---- what is remembered */

static enum pcs_reason read_floor(struct floor *f, struct pcs_error *error,
				  const char *dir)
{
	AUTO(buf_fini)
	struct buf text;
	char path[PATH_MAX];
	enum rc rc;

	*f = (struct floor){ 0 };
	buf_init(&text, FLOOR_TEXT_MAX);
	if (!path_in(path, dir, "", "evaluations", ""))
		return pcs_fail(error, PCS_STORE, "%s: name too long", dir);
	rc = file_read(&text, path);
	if (rc == RC_SYS && errno == ENOENT)
		return PCS_OK;
	if (rc == RC_SYS)
		return store_failed(error, path);
	/* Not knowing what was accepted before, nothing is. */
	if (rc || floor_parse(f, buf_span(&text)))
		return pcs_fail(error, PCS_WENT_BACK,
				"%s: not what was written there", path);
	return PCS_OK;
}

static enum pcs_reason write_floor(const struct floor *f,
				   struct pcs_error *error, const char *dir)
{
	AUTO(mem_auto_free)
	uint8_t *text = mem_new(FLOOR_TEXT_MAX);
	struct wr w = wr_over(text, FLOOR_TEXT_MAX);
	char path[PATH_MAX];

	floor_write(&w, f);
	if (!path_in(path, dir, "", "evaluations", "") ||
	    file_replace(path, wr_span(&w), 0644))
		return store_failed(error, dir);
	return PCS_OK;
}

static enum pcs_reason check_floor(const struct floor *f,
				   struct pcs_error *error,
				   const struct tee_prepared_info *i)
{
	uint32_t tcb = floor_get(f, i->tcb_tee, i->fmspc);
	uint32_t qe = floor_get(f, i->qe_tee, NULL);

	if (i->tcb_evaluation < tcb)
		return pcs_fail(error, PCS_WENT_BACK,
				"TCB info: evaluation data number %u, seen "
				"before: %u",
				(unsigned)i->tcb_evaluation, (unsigned)tcb);
	if (i->qe_evaluation < qe)
		return pcs_fail(error, PCS_WENT_BACK,
				"QE identity: evaluation data number %u, seen "
				"before: %u",
				(unsigned)i->qe_evaluation, (unsigned)qe);
	return PCS_OK;
}

static enum pcs_reason raise_floor(struct floor *f, struct pcs_error *error,
				   const char *dir,
				   const struct tee_prepared_info *i)
{
	/* check_floor() has agreed, or a person has. */
	if (floor_get(f, i->tcb_tee, i->fmspc) == i->tcb_evaluation &&
	    floor_get(f, i->qe_tee, NULL) == i->qe_evaluation)
		return PCS_OK;
	if (!floor_set(f, i->tcb_tee, i->fmspc, i->tcb_evaluation) ||
	    !floor_set(f, i->qe_tee, NULL, i->qe_evaluation))
		return pcs_fail(error, PCS_STORE,
				"%s/evaluations: holds too many", dir);
	return write_floor(f, error, dir);
}

/* ---- judging */

static enum pcs_reason judge(struct tee_prepared_info *info,
			     struct pcs_error *error,
			     const struct pcs_key *key,
			     const struct collateral_files *files,
			     const struct cache_terms *terms)
{
	AUTO(auto_prepared)
	struct tee_prepared *p = NULL;
	struct tee_collateral view = collateral_view(files);
	char detail[TEE_DETAIL_MAX] = "", found[FMSPC_TEXT];
	enum tee_reason reason = tee_prepare(&p, detail, &view, terms->anchors,
					     terms->anchor_count);

	if (reason)
		return pcs_fail(error, PCS_REFUSED, "%s: %s",
				tee_reason_name(reason), detail);
	tee_prepared_info(info, p);
	if (info->tcb_tee != info->qe_tee ||
	    (key && info->tcb_tee != key->tee))
		return pcs_fail(error, PCS_OTHER,
				"TCB info or QE identity: of another TEE");
	fmspc_text(found, info->fmspc);
	if (key && !span_equal(SPAN_ARRAY(key->fmspc), SPAN_ARRAY(info->fmspc)))
		return pcs_fail(error, PCS_OTHER, "TCB info: of FMSPC %s",
				found);
	return PCS_OK;
}

static bool is_valid(const struct tee_prepared_info *i, int64_t now)
{
	return now >= i->valid_from && now <= i->valid_to;
}

/* ---- loading */

static enum pcs_reason load_files(struct cache_set *out,
				  struct pcs_error *error, const char *folder,
				  int64_t now)
{
	char why[256] = "", path[PATH_MAX];
	enum rc rc = collateral_load(&out->files, folder, NULL, why);
	struct stat st = { 0 };

	if (rc)
		return pcs_fail(error,
				rc == RC_SYS && errno == ENOENT ? PCS_NOTHING
								: PCS_STORE,
				"%s", why);
	if (path_in(path, folder, "", "tcb_info.json", "") &&
	    stat(path, &st) == 0)
		out->fetched_at = st.st_mtim.tv_sec;
	if (out->fetched_at > now)
		out->fetched_at = now;
	return PCS_OK;
}

static enum pcs_reason load_set(struct cache_set *out, struct pcs_error *error,
				const char *dir, const struct pcs_key *key,
				const struct cache_terms *terms)
{
	AUTO(cache_set_fini)
	struct cache_set s = { 0 };
	char name[COLLATERAL_FOLDER_MAX], folder[PATH_MAX];
	enum pcs_reason reason;

	(void)collateral_folder(name, dir, key->fmspc); /* or there is none */
	if (!path_in(folder, dir, "", name, ""))
		return pcs_fail(error, PCS_STORE, "%s: name too long", dir);
	reason = load_files(&s, error, folder, terms->now);
	if (!reason)
		reason = judge(&s.info, error, key, &s.files, terms);
	if (reason)
		return reason;
	s.is_valid = is_valid(&s.info, terms->now);
	*out = s;
	s = (struct cache_set){ 0 };
	return PCS_OK;
}

enum pcs_reason cache_load(struct cache_set *out, struct pcs_error *error,
			   const char *dir, const struct pcs_key *key,
			   const struct cache_terms *terms)
{
	AUTO(cache_set_fini)
	struct cache_set s = { 0 };
	AUTO(mem_auto_free)
	struct floor *f = mem_new(sizeof(*f));
	enum pcs_reason reason = load_set(&s, error, dir, key, terms);

	if (!reason && !terms->allows_older) {
		reason = read_floor(f, error, dir);
		if (!reason)
			reason = check_floor(f, error, &s.info);
	}
	if (reason)
		return reason;
	*out = s;
	s = (struct cache_set){ 0 };
	return PCS_OK;
}

/* ---- storing */

static enum pcs_reason check_older(struct pcs_error *error,
				   const struct collateral_files *files,
				   const struct tee_prepared_info *fresh,
				   const struct cache_set *stored)
{
	const struct tee_prepared_info *had = &stored->info;
	/* Lists of two CAs say nothing of each other. */
	bool is_same_ca = span_equal(buf_span(&files->pck_crl_chain),
				     buf_span(&stored->files.pck_crl_chain));
	const struct {
		const char *name;
		int64_t fresh, had;
	} items[] = {
		{ "TCB info", fresh->tcb_issued, had->tcb_issued },
		{ "QE identity", fresh->qe_issued, had->qe_issued },
		{ "root CRL", fresh->root_crl_issued, had->root_crl_issued },
		{ "PCK CRL", fresh->pck_crl_issued,
		  is_same_ca ? had->pck_crl_issued : INT64_MIN },
	};

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		if (items[i].fresh < items[i].had)
			return pcs_fail(error, PCS_OLDER,
					"%s: issued before the stored one",
					items[i].name);
	return PCS_OK;
}

/* A folder and the files in it; failures show when it is made again. */
static void remove_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;

	if (!dir)
		return;
	while ((e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			(void)unlinkat(dirfd(dir), e->d_name, 0);
	(void)closedir(dir);
	(void)rmdir(path);
}

static bool write_items(const char *folder,
			const struct collateral_files *files)
{
	struct span items[COLLATERAL_ITEMS];
	char path[PATH_MAX];

	collateral_spans(items, files);
	for (size_t i = 0; i < COLLATERAL_ITEMS; i++)
		if (items[i].n &&
		    (!path_in(path, folder, "", collateral_names[i], "") ||
		     file_replace(path, items[i], 0644)))
			return false;
	return true;
}

static bool sync_folder(const char *path)
{
	AUTO(mem_auto_close)
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && fsync(fd) == 0;
}

/* The new folder takes the place of the old one, in one step. */
static bool swap_in(const char *fresh, const char *folder)
{
	if (renameat2(AT_FDCWD, fresh, AT_FDCWD, folder, RENAME_EXCHANGE) == 0)
		return true;
	return errno == ENOENT && rename(fresh, folder) == 0;
}

static enum pcs_reason replace_set(struct pcs_error *error, const char *dir,
				   const uint8_t *fmspc,
				   const struct collateral_files *files)
{
	char name[COLLATERAL_FOLDER_MAX], folder[PATH_MAX], fresh[PATH_MAX];
	bool is_done;

	(void)collateral_folder(name, dir, fmspc); /* or it is made */
	if (!path_in(folder, dir, "", name, "") ||
	    !path_in(fresh, dir, ".", name, ".new"))
		return pcs_fail(error, PCS_STORE, "%s: name too long", dir);
	remove_folder(fresh); /* a crash has left it */
	if (mkdir(fresh, 0755) != 0)
		return store_failed(error, fresh);
	is_done = write_items(fresh, files) && swap_in(fresh, folder);
	if (!is_done)
		(void)store_failed(error, folder);
	remove_folder(fresh); /* which is the old set now, or half a new one */
	if (!is_done)
		return error->reason;
	return sync_folder(dir) ? PCS_OK : store_failed(error, dir);
}

/* What a crash left of an attempt to write what is remembered. */
static void clear_left(const char *dir)
{
	static const char begin[] = "evaluations.", end[] = ".tmp";
	DIR *d = opendir(dir);
	struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d))) {
		size_t n = strlen(e->d_name);

		if (n > sizeof(begin) + sizeof(end) &&
		    strncmp(e->d_name, begin, sizeof(begin) - 1) == 0 &&
		    strcmp(e->d_name + n - (sizeof(end) - 1), end) == 0)
			(void)unlinkat(dirfd(d), e->d_name, 0);
	}
	(void)closedir(d);
}

/* Held until the descriptor is closed. */
static int lock(const char *dir)
{
	char path[PATH_MAX];
	int fd;

	if (!path_in(path, dir, "", ".lock", ""))
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	while (fd >= 0 && flock(fd, LOCK_EX) != 0)
		if (errno != EINTR) {
			(void)close(fd);
			return -1;
		}
	return fd;
}

/* Against what is there and what is remembered; the floor is read. */
static enum pcs_reason compare(struct floor *f, struct pcs_error *error,
			       const char *dir,
			       const struct tee_prepared_info *info,
			       const struct collateral_files *files,
			       const struct cache_terms *terms)
{
	AUTO(cache_set_fini)
	struct cache_set stored = { 0 };
	struct pcs_error ignored = { 0 };
	struct pcs_key key = { .tee = info->tcb_tee };
	enum pcs_reason reason;

	if (terms->allows_older) {
		/* Even if it is broken: it is made anew. */
		(void)read_floor(f, &ignored, dir);
		return PCS_OK;
	}
	reason = read_floor(f, error, dir);
	if (!reason)
		reason = check_floor(f, error, info);
	memcpy(key.fmspc, info->fmspc, sizeof(key.fmspc));
	if (reason)
		return reason;
	switch ((int)load_set(&stored, &ignored, dir, &key, terms)) {
	case PCS_OK:
		return check_older(error, files, info, &stored);
	case PCS_OTHER:
		return pcs_fail(error, PCS_OTHER,
				"%s: holds this platform family's collateral "
				"of another TEE",
				dir);
	default: /* what does not verify any more has nothing to say */
		return PCS_OK;
	}
}

enum pcs_reason cache_store(struct tee_prepared_info *info,
			    struct pcs_error *error, const char *dir,
			    const struct pcs_key *key,
			    const struct collateral_files *files,
			    const struct cache_terms *terms)
{
	AUTO(mem_auto_free)
	struct floor *f = mem_new(sizeof(*f));
	AUTO(mem_auto_close)
	int held = -1;
	struct tee_prepared_info i = { 0 };
	enum pcs_reason reason = judge(&i, error, key, files, terms);

	if (reason)
		return reason;
	if (!is_valid(&i, terms->now))
		return pcs_fail(error, PCS_REFUSED,
				"collateral: %s at this time",
				terms->now > i.valid_to ? "expired"
							: "not valid yet");
	if (file_make_dirs(dir, 0755))
		return store_failed(error, dir);
	held = lock(dir);
	if (held < 0)
		return store_failed(error, dir);
	clear_left(dir);
	reason = compare(f, error, dir, &i, files, terms);
	/*
	 * The set first: after a crash between the two it is itself what a
	 * later one is compared with.
	 */
	if (!reason)
		reason = replace_set(error, dir, i.fmspc, files);
	if (!reason)
		reason = raise_floor(f, error, dir, &i);
	if (!reason && info)
		*info = i;
	return reason;
}

/* ---- listing */

/* Two folders of one family differ in case; one of them is looked at. */
static bool is_listed(uint8_t fmspcs[CACHE_SETS_MAX][PCS_FMSPC_LEN], size_t n,
		      const uint8_t fmspc[PCS_FMSPC_LEN])
{
	for (size_t i = 0; i < n; i++)
		if (span_equal(SPAN_ARRAY(fmspcs[i]),
			       span_of(fmspc, PCS_FMSPC_LEN)))
			return true;
	return false;
}

size_t cache_list(uint8_t fmspcs[CACHE_SETS_MAX][PCS_FMSPC_LEN],
		  const char *dir)
{
	struct dirent **entries = NULL;
	int count = scandir(dir, &entries, NULL, alphasort);
	size_t n = 0;

	for (int i = 0; i < count; i++) {
		uint8_t fmspc[PCS_FMSPC_LEN];

		if (n < CACHE_SETS_MAX &&
		    text_hex_decode(fmspc, sizeof(fmspc),
				    span_str(entries[i]->d_name)) &&
		    !is_listed(fmspcs, n, fmspc))
			memcpy(fmspcs[n++], fmspc, sizeof(fmspc));
		free(entries[i]);
	}
	free(entries);
	return n;
}
