/*
 * frontier: the few hashes from which a growing tree's root follows: what a
 * reader of a whole log has to remember, however many entries it has.
 *
 * Pure; no allocation; at most 64 hashes.
 *
 * Source: RFC 6962 §2.1 (the tree); "compact range" in the literature.
 */
#ifndef POSTERN_CT_FRONTIER_H
#define POSTERN_CT_FRONTIER_H

#include "base/rc.h"
#include "base/wr.h"
#include "ct/treeproof.h"

enum {
	FRONTIER_MAX = 64,
	/* written: size, then the hashes that its one-bits call for */
	FRONTIER_BYTES_MAX = 8 + FRONTIER_MAX * MERKLE_HASH_LEN,
};

/* Zeroed: no leaf.  hash[i] is the root of the whole subtree of 2^i leaves that
 * bit i of 'size' stands for; without the bit it means nothing. */
struct frontier {
	uint64_t size;
	struct merkle_hash hash[FRONTIER_MAX];
};

void frontier_add(struct frontier *f, const struct merkle_hash *leaf);
/* The head of the tree of all leaves added. */
struct tree_head frontier_head(const struct frontier *f);

void frontier_write(struct wr *w, const struct frontier *f);
/* RC_MALFORMED when it is not exactly what frontier_write() wrote. */
enum rc frontier_read(struct frontier *out, struct span *s);

#endif
