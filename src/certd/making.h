/*
 * making: the core of the evidence, out of what everybody in the program knows.
 *
 * The issuer's thread: it looks CAA up.
 */
#ifndef POSTERN_CERTD_MAKING_H
#define POSTERN_CERTD_MAKING_H

#include "certd/publish.h"
#include "evidence/bundle.h"
#include "evidence/legacy.h"

enum {
	MAKING_ARENA_MAX = 64 * 1024 * 1024,
};

/* Everything in it is in the arena. */
struct making {
	struct arena arena;
	struct evidence_core core;
	struct bundle_items files; /* the legacy ones but quote.json */
	struct bundle_items dnssec;
	struct span sums; /* sha256sum.txt */
	const struct custody_key *history;
	size_t history_count;
	struct issuer_account account;
	struct sighting_caa caa[PINS_NAMES_MAX]; /* what the core says of it */
	size_t caa_count;
};

/* RC_UNSUPPORTED: there is no account or no certificate yet.  Otherwise error
 * says what failed. */
enum rc making_make(struct making *m, const struct publish_options *o,
		    struct issuer *issuer, int64_t now,
		    char error[NODE_ERROR_MAX]);
/* For AUTO(). */
void making_fini(struct making *m);

#endif
