/*
 * collateral_open: the documents that a verification needs, from wherever a
 * person said they are: a folder, a bundle in one file, or a server.
 *
 * What a server answered is kept, and served from there while it is valid and
 * a third of its life has not passed: for root in /var/lib/postern/pcs, else in
 * ~/.cache/postern/pcs; what rests on a simulated root in a folder of its own.
 */
#ifndef POSTERN_CLI_COLLATERAL_OPEN_H
#define POSTERN_CLI_COLLATERAL_OPEN_H

#include "pcs/refresh.h"

enum {
	COLLATERAL_ERROR_MAX = 640,
};

/* Borrowed. */
struct collateral_want {
	const char *from; /* folder, file, or URL */
	struct span quote; /* it says which platform's */
	const struct tee_anchor *anchors;
	size_t anchor_count;
	int64_t at;
	/* for a URL */
	const char *ca_file; /* roots of the server's certificate; or NULL */
	const char *cache; /* folder; NULL: the one above */
	enum pcs_update update;
	uint32_t evaluation;
};

/*
 * True, and *out owned: collateral_fini(); error is then "" or a warning: why
 * what is stored could not be had anew.  The verifier judges what is returned,
 * also when its time is over.  False: there is nothing to judge, error says
 * why.
 */
bool collateral_open(struct collateral_files *out,
		     const struct collateral_want *want,
		     char error[COLLATERAL_ERROR_MAX]);

/*
 * Reads an option that says where from: --collateral 'c', --ca-file 'C',
 * --update 'u', --cache 'k'.  *is_mine: it was one of these.  What was
 * expected, or NULL when it is read.
 */
const char *collateral_option(struct collateral_want *w, bool *is_mine, int c,
			      const char *value);
/* What can be seen before there is a quote: a URL is a server's, and a file is
 * a bundle.  False: error says why not. */
bool collateral_is_there(const char *from, char error[COLLATERAL_ERROR_MAX]);

/* Which platform a quote is of.  False: it does not say. */
bool collateral_key_of(struct pcs_key *key, struct span quote);
/* Reads a bundle.  On failure, file_read_argument()'s or bundle_read()'s, error
 * says why. */
struct bundle;
enum rc collateral_read_bundle(struct bundle *out, const char *path,
			       char error[COLLATERAL_ERROR_MAX]);

#endif
