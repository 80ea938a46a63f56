/*
 * tile: the tree of a log in tiles: which ones a proof needs, where they are,
 * and the proof made from them.
 *
 * A reader asks for a proof with a set of tiles that is empty at first.  What
 * is missing is added to the set, the caller fetches those, and asks again.
 * What the tiles say is believed by nobody: the proof made of them is checked
 * against a signed head (ct/treeproof.h).
 *
 * Pure; no allocation.
 *
 * Source: C2SP static-ct-api (Merkle Tree, Partial Tiles); C2SP tlog-tiles.
 */
#ifndef POSTERN_CT_TILE_H
#define POSTERN_CT_TILE_H

#include "base/wr.h"
#include "ct/treeproof.h"

enum {
	TILE_HEIGHT = 8,
	TILE_WIDTH = 256,
	TILE_LEVEL_MAX = 7, /* 2^64 leaves */
	TILE_HASHES_LEN = TILE_WIDTH * MERKLE_HASH_LEN,
	TILE_SET_MAX = 40, /* a consistency proof's; 24 in all of CT */
	TILE_PATH_MAX = 64,
};

struct tile_id {
	unsigned level;
	uint64_t index;
	unsigned width; /* 1..256; below 256 it is partial */
};
/* "tile/0/x001/234.p/7"; for an index in data tiles, "tile/data/...". */
void tile_path(struct wr *w, const struct tile_id *id);
void tile_data_path(struct wr *w, uint64_t index, unsigned width);
/* The tile of that level and index in a tree of this size; width 0: none. */
struct tile_id tile_of(uint64_t size, unsigned level, uint64_t index);

/* Tiles wanted, and their content where it is there.  Zeroed: none. */
struct tile_set {
	struct tile_id id[TILE_SET_MAX];
	struct span content[TILE_SET_MAX]; /* n == 0: wanted.  Borrowed. */
	size_t count;
};
/* False: the bytes are not 'width' hashes; nothing is changed. */
[[nodiscard]] bool tile_put(struct tile_set *set, size_t at,
			    struct span content);

enum tile_answer {
	TILE_DONE, /* the proof is made */
	TILE_MORE, /* the set now names tiles that have no content yet */
	TILE_NEVER, /* the index is not in the tree, or first > second */
};

/* The audit path of leaf 'index' in a tree of 'size'. */
enum tile_answer tile_inclusion(struct treeproof *out, struct tile_set *set,
				uint64_t index, uint64_t size);
/* That the tree of 'first' leaves is the beginning of that of 'second'. */
enum tile_answer tile_consistency(struct treeproof *out, struct tile_set *set,
				  uint64_t first, uint64_t second);
/* The hash of one leaf, as the tiles have it. */
enum tile_answer tile_leaf(struct merkle_hash *out, struct tile_set *set,
			   uint64_t index, uint64_t size);

#endif
