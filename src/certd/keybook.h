/*
 * keybook: every certificate key that was made in this instance, as one
 * document under seal.
 *
 * Pure.
 */
#ifndef POSTERN_CERTD_KEYBOOK_H
#define POSTERN_CERTD_KEYBOOK_H

#include "base/buf.h"
#include "certd/custody.h"

struct keybook {
	struct custody_key keys[CUSTODY_KEYS_MAX]; /* oldest first */
	size_t count;
	/* when the first was made that there ever was, forgotten or not; 0:
	 * none was */
	int64_t begun_at;
};

/* RC_LIMIT: full. */
enum rc keybook_add(struct keybook *h, const struct custody_key *key);
/* The newest key of this use without a certificate; NULL: none. */
const struct custody_key *keybook_unused(const struct keybook *h,
					 const char *use);
/*
 * A certificate, good until not_after, was issued.  Older keys of the same
 * use, unless they are retired, are from 'retire_at' (0: not).  A TBS that is
 * known is no news; beyond the bound the oldest goes.  RC_DENIED: no such key.
 */
enum rc keybook_issued(struct keybook *h, const struct sha256 *spki,
		       const struct sha256 *tbs, int64_t not_after,
		       int64_t retire_at);
/*
 * Takes the oldest key out that is retired and whose certificates ended a month
 * ago or more; where it is not known when they end, after the longest life that
 * a certificate may have.  False: there is none.
 */
bool keybook_drop(struct keybook *h, struct custody_key *old, int64_t now);

/* RC_LIMIT: it does not fit. */
enum rc keybook_write(struct buf *out, const struct keybook *h);
/* RC_MALFORMED: not what keybook_write() writes; *out is untouched. */
enum rc keybook_read(struct keybook *out, struct span json);

#endif
