/*
 * merkle: the hash tree of RFC 6962, its root and its audit paths.
 *
 * Knows no hash function: the caller passes one with a 32-byte result.  Leaves
 * and nodes are told apart by their first byte, so no leaf can pose as a node.
 *
 * Source: RFC 6962 §2.1 (tree), §2.1.1 (audit paths); RFC 9162 §2.1.3.2
 * (verification).
 */
#ifndef POSTERN_BASE_MERKLE_H
#define POSTERN_BASE_MERKLE_H

#include "base/span.h"

enum {
	MERKLE_HASH_LEN = 32,
	MERKLE_PATH_MAX = 32, /* levels: up to 2^32 leaves */
};

struct merkle_hash {
	uint8_t b[MERKLE_HASH_LEN];
};

/* Hash of the concatenation of count spans, at most 3. */
typedef void merkle_hash_fn(struct merkle_hash *out, const struct span *parts,
			    size_t count);

/* MTH({leaf}) = H(0x00 || leaf). */
void merkle_leaf(struct merkle_hash *out, merkle_hash_fn *hash,
		 struct span leaf);

/* H(0x01 || left || right).  'out' may be one of them. */
void merkle_node(struct merkle_hash *out, merkle_hash_fn *hash,
		 const struct merkle_hash *left,
		 const struct merkle_hash *right);

/* The root over count >= 1 leaf hashes. */
void merkle_root(struct merkle_hash *out, merkle_hash_fn *hash,
		 const struct merkle_hash *leaves, size_t count);

/*
 * The audit path of leaf 'index' < count, from the leaf's sibling upwards, to
 * path[0 .. returned).  'path' has room for MERKLE_PATH_MAX.
 */
size_t merkle_path(struct merkle_hash *path, merkle_hash_fn *hash,
		   const struct merkle_hash *leaves, size_t count,
		   size_t index);

/*
 * The root that a leaf hash and its path lead to.  False when the path's
 * length is not the one that leaf 'index' of 'count' has; the caller compares
 * the root.
 */
bool merkle_climb(struct merkle_hash *root, merkle_hash_fn *hash,
		  const struct merkle_hash *leaf, uint64_t index,
		  uint64_t count, const struct merkle_hash *path,
		  size_t path_count);

#endif
