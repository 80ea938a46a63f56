/*
 * held: the answer to items (keys/items.h): for each of them what the answerer
 * holds in its place, so that the teller knows whether a root is everywhere and
 * a number at a majority.  Of a root the answer has its id, of the policy its
 * serial and hash: no secret goes back.
 *
 * Pure.  Source: docs/PROTOCOL.kms.md §6, §7.
 */
#ifndef POSTERN_KEYS_HELD_H
#define POSTERN_KEYS_HELD_H

#include "keys/cluster.h"

/* What is held here of those items, for their sender; items are well formed. */
void keys_held_write(struct wr *w, const struct keys_cluster *c,
		     struct span items);
enum keys_held {
	KEYS_HELD_ALL, /* everything, or something newer */
	KEYS_HELD_LESS, /* not everything */
	KEYS_HELD_BROKEN, /* breaks the grammar */
};
/* What the answer to items of ours says.  Numbers that are greater there are
 * taken over; *is_changed says so. */
enum keys_held keys_held_read(struct keys_cluster *c, bool *is_changed,
			      struct span held);

#endif
