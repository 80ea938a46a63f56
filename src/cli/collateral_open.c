#include "cli/collateral_open.h"

#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"
#include "pcs/bundle.h"
#include "pcs/served.h"
#include "tee/hint.h"

static bool fail(char error[COLLATERAL_ERROR_MAX], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool fail(char error[COLLATERAL_ERROR_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(error, COLLATERAL_ERROR_MAX, format, args);
	va_end(args);
	return false;
}

bool collateral_key_of(struct pcs_key *key, struct span quote)
{
	struct quote q;

	if (quote_parse(&q, quote) != TEE_OK ||
	    !hint_fmspc(key->fmspc, &q))
		return false;
	key->tee = q.tee;
	key->ca = hint_processor_ca(&q) ? PCS_CA_PROCESSOR
					: PCS_CA_PLATFORM;
	return true;
}

static bool is_simulated(const struct collateral_want *w)
{
	for (size_t i = 0; i < w->anchor_count; i++)
		if (w->anchors[i].is_simulated)
			return true;
	return false;
}

/* Where this server's answers are kept; false: the name is too long. */
static bool find_cache(char out[PATH_MAX], const struct collateral_want *w,
		       const struct pcs_key *key)
{
	/* Not $HOME: no environment variable decides what is believed. */
	const struct passwd *p = geteuid() ? getpwuid(geteuid()) : NULL;
	const char *home = p ? p->pw_dir : "/var/lib/postern";
	const char *below = p ? "/.cache/postern/pcs" : "/pcs";
	char group[PCS_GROUP_MAX];
	int n;

	pcs_group_name(group, key);
	n = snprintf(out, PATH_MAX, "%s%s/%s%s", w->cache ? w->cache : home,
		     w->cache ? "" : below,
		     is_simulated(w) ? "simulated/" : "", group);
	return n > 0 && n < PATH_MAX;
}

static bool fail_url(char error[COLLATERAL_ERROR_MAX], const char *url)
{
	return fail(error,
		    "%s: expected a URL such as %s, with https or http", url,
		    PCS_INTEL);
}

/* ---- a folder */

static bool open_folder(struct collateral_files *out,
			const struct collateral_want *w,
			char error[COLLATERAL_ERROR_MAX])
{
	uint8_t fmspc[PCS_FMSPC_LEN];
	bool has_fmspc = collateral_fmspc_of(fmspc, w->quote);
	char why[256];

	if (!served_load(out, w->from, has_fmspc ? fmspc : NULL, why))
		return true;
	return fail(error,
		    "%s\nIntel's documents about the platform are looked for "
		    "in %s; --collateral DIR\nnames another folder, see "
		    "postern-quote(1).",
		    why, w->from);
}

/* ---- a file */

static enum rc fail_rc(char error[COLLATERAL_ERROR_MAX], enum rc rc,
		       const char *path, const char *why)
{
	(void)fail(error, "%s: %s", path, why);
	return rc;
}

enum rc collateral_read_bundle(struct bundle *out, const char *path,
			       char error[COLLATERAL_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf text;
	char why[BUNDLE_ERROR_MAX] = "";
	enum rc rc;

	buf_init(&text, BUNDLE_MAX);
	rc = file_read_argument(&text, path);
	if (rc)
		return fail_rc(error, rc, path, file_why(rc));
	rc = bundle_read(out, buf_span(&text), why);
	if (rc)
		return fail_rc(error, rc, path, why);
	for (size_t i = 0; i < out->count; i++)
		served_normalize(&out->sets[i]);
	return RC_OK;
}

static void auto_prepared(struct tee_prepared **p)
{
	tee_prepared_free(*p);
}

static bool is_of(const struct collateral_files *set, const struct pcs_key *key,
		  const struct collateral_want *w)
{
	AUTO(auto_prepared)
	struct tee_prepared *p = NULL;
	struct tee_collateral view = collateral_view(set);
	struct tee_prepared_info info;
	char detail[TEE_DETAIL_MAX];

	if (tee_prepare(&p, detail, &view, w->anchors, w->anchor_count))
		return false;
	tee_prepared_info(&info, p);
	return info.tcb_tee == key->tee &&
	       span_equal(SPAN_ARRAY(info.fmspc), SPAN_ARRAY(key->fmspc));
}

static bool open_bundle(struct collateral_files *out,
			const struct collateral_want *w,
			char error[COLLATERAL_ERROR_MAX])
{
	AUTO(bundle_fini)
	struct bundle b = { 0 };
	struct pcs_key key = { 0 };
	size_t i = 0;

	if (collateral_read_bundle(&b, w->from, error))
		return false;
	/* The verifier says better what is wrong with the only one. */
	if (b.count != 1) {
		if (!collateral_key_of(&key, w->quote))
			return fail(error, "the quote names no platform");
		while (i < b.count && !is_of(&b.sets[i], &key, w))
			i++;
	}
	if (i == b.count)
		return fail(error,
			    "%s: none of its %zu sets is of the quote's "
			    "platform and verifies",
			    w->from, b.count);
	*out = b.sets[i];
	b.sets[i] = (struct collateral_files){ 0 };
	return true;
}

/* ---- a server */

static bool open_server(struct collateral_files *out,
			const struct collateral_want *w,
			char error[COLLATERAL_ERROR_MAX])
{
	struct pcs_source source = { .ca_file = w->ca_file };
	struct pcs_key key = { .update = w->update,
			       .evaluation = w->evaluation };
	const struct cache_terms terms = { .anchors = w->anchors,
					   .anchor_count = w->anchor_count,
					   .now = w->at };
	struct pcs_error why = { 0 };
	struct cache_set set = { 0 };
	char dir[PATH_MAX];

	if (!pcs_server_parse(&source.server, span_str(w->from)))
		return fail_url(error, w->from);
	if (!collateral_key_of(&key, w->quote))
		return fail(error, "the quote names no platform");
	if (!find_cache(dir, w, &key))
		return fail(error, "--cache: name too long");
	if (refresh_obtain(&set, &why, &source, &key, dir, &terms))
		return fail(error, "%s: %s", pcs_reason_name(why.reason),
			    why.detail);
	if (why.reason)
		(void)fail(error, "%s: %s\nwhat is stored is used, in %s",
			   pcs_reason_name(why.reason), why.detail, dir);
	*out = set.files;
	return true;
}

bool collateral_open(struct collateral_files *out,
		     const struct collateral_want *w,
		     char error[COLLATERAL_ERROR_MAX])
{
	struct stat st;

	error[0] = '\0';
	if (pcs_is_url(span_str(w->from)))
		return open_server(out, w, error);
	if (stat(w->from, &st) == 0 && S_ISREG(st.st_mode))
		return open_bundle(out, w, error);
	return open_folder(out, w, error);
}

/* ---- arguments */

const char *collateral_option(struct collateral_want *w, bool *is_mine, int c,
			      const char *value)
{
	*is_mine = true;
	switch (c) {
	case 'c':
		w->from = value;
		return NULL;
	case 'C':
		w->ca_file = value;
		return NULL;
	case 'k':
		w->cache = value;
		return NULL;
	case 'u':
		return pcs_update_parse(&w->update, &w->evaluation,
					span_str(value))
			       ? NULL
			       : "--update: expected early, standard or a "
				 "number";
	default:
		*is_mine = false;
		return NULL;
	}
}

bool collateral_is_there(const char *from, char error[COLLATERAL_ERROR_MAX])
{
	AUTO(bundle_fini)
	struct bundle b = { 0 };
	struct pcs_server server;
	struct stat st;

	if (pcs_is_url(span_str(from)))
		return pcs_server_parse(&server, span_str(from)) ||
		       fail_url(error, from);
	return stat(from, &st) != 0 || !S_ISREG(st.st_mode) ||
	       !collateral_read_bundle(&b, from, error);
}
