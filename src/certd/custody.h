/*
 * custody: the keys of accounts and certificates: made here, quoted before
 * anybody else hears of them, kept sealed, and never taken for lost and made
 * again behind anybody's back.
 *
 * The order for a key is: generate, quote its SPKI, write the audit line, seal,
 * and only then give it out for a request.  So the quote shows that the key was
 * this instance's before a CA knew it.  A crash between leaves an unused key,
 * which the next attempt takes.
 *
 * Also keeps, under the same seal, what must not be bent by who owns the disk:
 * states of the ACME client, the ledger of requests, chains, log positions.
 *
 * A key is kept for a month after the last of its certificates; then it is
 * forgotten when the next one is made, or what is kept would grow for ever.
 *
 * Quotes are public and lie beside: <state>/quotes/<SPKI hash>.json.  They are
 * GetQuote's replies, as evidence/legacy.h writes them.
 *
 * Any thread; calls wait for each other.
 */
#ifndef POSTERN_CERTD_CUSTODY_H
#define POSTERN_CERTD_CUSTODY_H

#include "base/arena.h"
#include "certd/audit.h"
#include "evidence/core.h"
#include "node/error.h"
#include "pki/spki.h"
#include "quoting/source.h"
#include "seal/seal.h"

enum {
	CUSTODY_KEYS_MAX = CORE_KEYS_MAX,
	CUSTODY_TBS_MAX = 16, /* certificates of one key that are remembered */
	CUSTODY_FOR_MAX = 32, /* with its NUL */
};

/* One key of the history.  Plain data. */
struct custody_key {
	struct sha256 spki;
	struct p256_point point;
	char use[CUSTODY_FOR_MAX]; /* which certificate it was made for */
	int64_t made_at, retired_at; /* 0: not retired */
	int64_t not_after; /* of its certificates, the last; 0: none, unknown */
	struct sha256 tbs[CUSTODY_TBS_MAX]; /* of certificates issued for it */
	size_t tbs_count;
};

struct custody;

struct custody_options {
	struct seal *seal; /* borrowed for its life */
	struct quote_source *source;
	struct span eventlog;
	const char *state; /* folder */
	struct audit *audit;
};

/* RC_DENIED: the sealed history is not readable; error says why. */
enum rc custody_open(struct custody **out, const struct custody_options *o,
		     char error[NODE_ERROR_MAX]);
void custody_close(struct custody *c);

/*
 * A new key for a certificate, or the unused one of a try before.  Returns
 * owned: p256_private_free().  RC_SYS, RC_LIMIT, ...: error says what failed;
 * no key was given out.
 */
enum rc custody_key_new(struct custody *c, struct p256_private **out,
			const char *use, char error[NODE_ERROR_MAX]);
/* The key with this RFC 7638 thumbprint (base64url), or this SPKI.  SEAL_ABSENT
 * when none is known. */
enum seal_reason custody_key_by_thumbprint(struct custody *c,
					   struct p256_private **out,
					   const char *thumbprint);
enum seal_reason custody_key_by_spki(struct custody *c,
				     struct p256_private **out,
				     const struct sha256 *spki);

/* A certificate with this TBS, good until not_after, was issued for the key;
 * all older keys of the same use retire with retire_at (0: not yet). */
enum rc custody_issued(struct custody *c, const struct sha256 *spki,
		       const struct sha256 *tbs, int64_t not_after,
		       int64_t retire_at);

/* A copy of the history, oldest first; NULL: no room in the arena. */
struct custody_key *custody_history(struct custody *c, struct arena *arena,
				    size_t *count);
/* When the first key was made that there ever was, also when it is forgotten by
 * now; 0: none was. */
int64_t custody_begun_at(struct custody *c);
/* The quote of a key, or of the account of a directory (custody_account_quote),
 * as its file has it; appended.  False: there is none. */
bool custody_quote(struct custody *c, struct buf *out,
		   const struct sha256 *spki);

/*
 * The key of the account at a CA.  SEAL_ABSENT: none was ever made; every other
 * reason: there was one, and it must not be replaced.
 */
enum seal_reason custody_account(struct custody *c, struct p256_private **out,
				 const char *directory);
/* Makes one, where there is none (RC_DENIED). */
enum rc custody_account_new(struct custody *c, struct p256_private **out,
			    const char *directory, char error[NODE_ERROR_MAX]);
/* A person said that it is lost: key and state of the client go. */
enum rc custody_forget_account(struct custody *c, const char *directory,
			       const char *state_purpose,
			       char error[NODE_ERROR_MAX]);
/* Quotes the account's URL, once known, and keeps that like a key's. */
enum rc custody_account_quote(struct custody *c, const char *url,
			      char error[NODE_ERROR_MAX]);
bool custody_account_quote_get(struct custody *c, struct buf *out,
			       const char *url);
/* Puts a key change under way: the next key, kept until it is the account's. */
enum rc custody_account_next(struct custody *c, struct p256_private **out,
			     const char *directory,
			     char error[NODE_ERROR_MAX]);
/* The one of a change under way; SEAL_ABSENT: there is none. */
enum seal_reason custody_account_next_get(struct custody *c,
					  struct p256_private **out,
					  const char *directory);
enum rc custody_account_changed(struct custody *c, const char *directory);

/* A quote over this report data, now: the reply, appended. */
enum rc custody_quote_now(struct custody *c, struct buf *out,
			  const uint8_t report_data[QUOTE_REPORT_DATA_LEN]);

/* "acme", "ledger", "chain", ... of something: a purpose.  'of' may be NULL. */
void custody_purpose(char out[FORM_PURPOSE_MAX + 1], const char *what,
		     const char *of);
enum seal_reason custody_put(struct custody *c, const char *purpose,
			     struct span content);
enum seal_reason custody_get(struct custody *c, const char *purpose,
			     struct buf *out);

uint64_t custody_generation(struct custody *c);
/* The seal's keys, or the quotes, are those of a simulated CPU. */
bool custody_is_simulated(struct custody *c);

#endif
