/*
 * history: every certificate key that was made in this instance, as one
 * document under seal.
 *
 * Pure.
 */
#ifndef POSTERN_CERTD_HISTORY_H
#define POSTERN_CERTD_HISTORY_H

#include "base/buf.h"
#include "certd/custody.h"

struct history {
	struct custody_key keys[CUSTODY_KEYS_MAX]; /* oldest first */
	size_t count;
};

/* RC_LIMIT: full. */
enum rc history_add(struct history *h, const struct custody_key *key);
/* The newest key of this use without a certificate; NULL: none. */
const struct custody_key *history_unused(const struct history *h,
					 const char *use);
/*
 * A certificate was issued.  Older keys of the same use, unless they are
 * retired, are from 'retire_at' (0: not).  A TBS that is known is no news;
 * beyond the bound the oldest goes.  RC_DENIED: no such key.
 */
enum rc history_issued(struct history *h, const struct sha256 *spki,
		       const struct sha256 *tbs, int64_t retire_at);

/* RC_LIMIT: it does not fit. */
enum rc history_write(struct buf *out, const struct history *h);
/* RC_MALFORMED: not what history_write() writes; *out is untouched. */
enum rc history_read(struct history *out, struct span json);

#endif
