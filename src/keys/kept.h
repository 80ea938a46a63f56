/*
 * kept: the whole of a cluster as one text, to be sealed and put on disk, and
 * back.  Numbers that were only asked for, and are 0, are left out; versions
 * are counted anew.
 *
 * Pure.  The text holds the roots: who has it seals or wipes it.
 *
 * Source: docs/PROTOCOL.kms.md §6, §7.
 */
#ifndef POSTERN_KEYS_KEPT_H
#define POSTERN_KEYS_KEPT_H

#include "base/rc.h"
#include "keys/cluster.h"

enum {
	/* all that a cluster holds, as keys_kept_write() writes it */
	KEYS_KEPT_MAX = 1000 * 1024,
};

/* RC_LIMIT: no room. */
enum rc keys_kept_write(struct wr *w, const struct keys_cluster *c);
/* Into *c, which is as after init.  RC_MALFORMED: not such, or its policy is
 * not signed; *c is as after init. */
enum rc keys_kept_read(struct keys_cluster *c, struct span text,
		       const struct keys_authority *authority);

#endif
