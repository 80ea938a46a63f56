/*
 * treeproof: that an entry is in a log's tree, and that one tree is the
 * beginning of another.
 *
 * Sizes are 64 bits wide throughout; a proof has as many hashes as its indexes
 * need, no more and no fewer.  SHA-256 only, as every log has it.
 *
 * Pure; no allocation.
 *
 * Source: RFC 9162 §2.1.3.2 (inclusion), §2.1.4.2 (consistency); RFC 6962 §2.1.
 */
#ifndef POSTERN_CT_TREEPROOF_H
#define POSTERN_CT_TREEPROOF_H

#include "base/merkle.h"

enum {
	/* hashes of a proof over 64-bit sizes: one a level, and one more in a
	 * consistency proof */
	TREEPROOF_MAX = 65,
};

/* A tree as a log signs it: how many entries, and the hash over them. */
struct tree_head {
	uint64_t size;
	struct merkle_hash root;
};
/* The head of the tree without entries: SHA-256 of nothing. */
struct tree_head tree_head_empty(void);
bool tree_head_equal(const struct tree_head *a, const struct tree_head *b);

struct treeproof {
	struct merkle_hash hash[TREEPROOF_MAX];
	size_t count;
};

/* Leaf 'index' of this tree has this hash. */
[[nodiscard]] bool treeproof_includes(const struct tree_head *head,
				      uint64_t index,
				      const struct merkle_hash *leaf,
				      const struct treeproof *proof);

/*
 * 'first' is the beginning of 'second'.  The empty tree is the beginning of
 * any, and a tree of itself, both with an empty proof; a first that is larger
 * than the second is never.
 */
[[nodiscard]] bool treeproof_extends(const struct tree_head *first,
				     const struct tree_head *second,
				     const struct treeproof *proof);

#endif
