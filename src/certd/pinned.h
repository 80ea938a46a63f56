/*
 * pinned: the accounts that CAA was pinned to last, with the names of their
 * CAs, as one document under seal: so that a CA that does not answer, also at
 * the start, costs nobody the watch over CAA, and its account not its place in
 * it.
 *
 * Pure.
 */
#ifndef POSTERN_CERTD_PINNED_H
#define POSTERN_CERTD_PINNED_H

#include "base/buf.h"
#include "certd/pins.h"

enum {
	PINNED_STATE_MAX = 64 * 1024,
};

struct pinned {
	struct pins_account of[PINS_ACCOUNTS_MAX];
	size_t count;
};

/* The account with this URL; false: it is not there, *out is untouched. */
bool pinned_find(struct pins_account *out, const struct pinned *p,
		 const char *url);
bool pinned_equal(const struct pinned *a, const struct pinned *b);

/* RC_LIMIT: it does not fit. */
enum rc pinned_write(struct buf *out, const struct pinned *p);
/* RC_MALFORMED: not what pinned_write() writes; *out is untouched. */
enum rc pinned_read(struct pinned *out, struct span json);

#endif
