#include "ct/tile.h"

#include <string.h>

#include "crypto/hash.h"

/* Groups of three digits; all but the last begin with "x". */
static void write_index(struct wr *w, uint64_t index)
{
	unsigned groups[8];
	size_t n = 0;

	do {
		groups[n++] = (unsigned)(index % 1000);
		index /= 1000;
	} while (index);
	while (n--)
		wr_printf(w, "%s%03u%s", n ? "x" : "", groups[n],
			  n ? "/" : "");
}

static void write_width(struct wr *w, unsigned width)
{
	if (width < TILE_WIDTH)
		wr_printf(w, ".p/%u", width);
}

void tile_path(struct wr *w, const struct tile_id *id)
{
	wr_printf(w, "tile/%u/", id->level);
	write_index(w, id->index);
	write_width(w, id->width);
}

void tile_data_path(struct wr *w, uint64_t index, unsigned width)
{
	wr_str(w, "tile/data/");
	write_index(w, index);
	write_width(w, width);
}

struct tile_id tile_of(uint64_t size, unsigned level, uint64_t index)
{
	struct tile_id id = { .level = level, .index = index };
	uint64_t hashes = size >> (level * TILE_HEIGHT);
	uint64_t before;

	if (__builtin_mul_overflow(index, (uint64_t)TILE_WIDTH, &before) ||
	    before >= hashes)
		return id;
	id.width = hashes - before < TILE_WIDTH ? (unsigned)(hashes - before)
						: TILE_WIDTH;
	return id;
}

bool tile_put(struct tile_set *set, size_t at, struct span content)
{
	if (at >= set->count ||
	    content.n != (size_t)set->id[at].width * MERKLE_HASH_LEN)
		return false;
	set->content[at] = content;
	return true;
}

/* A walk over one tree with one set of tiles. */
struct walk {
	struct tile_set *set;
	uint64_t size;
	bool is_missing;
};

/* The tile's content; without it, the tile is wanted. */
static bool find_tile(struct walk *w, struct span *content, unsigned level,
		      uint64_t index)
{
	struct tile_id id = tile_of(w->size, level, index);
	struct tile_set *set = w->set;

	for (size_t i = 0; i < set->count; i++) {
		if (set->id[i].level != id.level ||
		    set->id[i].index != id.index ||
		    set->id[i].width != id.width)
			continue;
		*content = set->content[i];
		if (!content->n)
			w->is_missing = true;
		return content->n;
	}
	w->is_missing = true;
	if (set->count < TILE_SET_MAX) {
		set->content[set->count] = span_of(NULL, 0);
		set->id[set->count++] = id;
	}
	return false;
}

/* The root of the whole subtree of 2^height leaves, the nth of that height. */
static void whole_subtree(struct merkle_hash *out, struct walk *w,
			  unsigned height, uint64_t n)
{
	struct merkle_hash row[TILE_WIDTH / 2];
	/* A tile holds rows of heights 0..7 above its own hashes. */
	unsigned up = height % TILE_HEIGHT;
	uint64_t first = n << up; /* of the tile level's hashes */
	size_t count = (size_t)1 << up;
	struct span tile;

	if (!find_tile(w, &tile, height / TILE_HEIGHT, first / TILE_WIDTH))
		return;
	tile.p += (size_t)(first % TILE_WIDTH) * MERKLE_HASH_LEN;
	memcpy(row, tile.p, count * MERKLE_HASH_LEN);
	merkle_root(out, hash_merkle_sha256, row, count);
}

/* The largest power of two below n; n >= 2. */
static uint64_t split(uint64_t n)
{
	return (uint64_t)1 << (63 - __builtin_clzll(n - 1));
}

/* MTH(D[begin:end]); 'begin' is a multiple of the power of two at or above the
 * length, as every range of a proof is. */
static void range_hash(struct merkle_hash *out, struct walk *w, uint64_t begin,
		       uint64_t end)
{
	uint64_t n = end - begin, k;
	struct merkle_hash right;

	if (!(n & (n - 1))) {
		unsigned height = (unsigned)__builtin_ctzll(n);

		whole_subtree(out, w, height, begin >> height);
		return;
	}
	k = split(n);
	range_hash(out, w, begin, begin + k);
	range_hash(&right, w, begin + k, end);
	merkle_node(out, hash_merkle_sha256, out, &right);
}

static void push(struct treeproof *p, struct walk *w, uint64_t begin,
		 uint64_t end)
{
	struct merkle_hash *at = &p->hash[p->count++];

	memset(at, 0, sizeof(*at));
	range_hash(at, w, begin, end);
}

static void reverse(struct treeproof *p)
{
	for (size_t i = 0; i < p->count / 2; i++) {
		struct merkle_hash kept = p->hash[i];

		p->hash[i] = p->hash[p->count - 1 - i];
		p->hash[p->count - 1 - i] = kept;
	}
}

static enum tile_answer answer(struct treeproof *out, struct treeproof *p,
			       const struct walk *w)
{
	if (w->is_missing)
		return TILE_MORE;
	reverse(p); /* made from the root down, written from the leaf up */
	*out = *p;
	return TILE_DONE;
}

/* RFC 6962 §2.1.1, from the root down. */
enum tile_answer tile_inclusion(struct treeproof *out, struct tile_set *set,
				uint64_t index, uint64_t size)
{
	struct walk w = { .set = set, .size = size };
	struct treeproof p = { .count = 0 };
	uint64_t begin = 0, end = size;

	if (index >= size)
		return TILE_NEVER;
	while (end - begin > 1) {
		uint64_t middle = begin + split(end - begin);

		if (index < middle) {
			push(&p, &w, middle, end);
			end = middle;
		} else {
			push(&p, &w, begin, middle);
			begin = middle;
		}
	}
	return answer(out, &p, &w);
}

/* RFC 6962 §2.1.2: SUBPROOF(m, D[n], b), from the root down. */
enum tile_answer tile_consistency(struct treeproof *out, struct tile_set *set,
				  uint64_t first, uint64_t second)
{
	struct walk w = { .set = set, .size = second };
	struct treeproof p = { .count = 0 };
	uint64_t begin = 0, end = second;

	if (first > second)
		return TILE_NEVER;
	if (first == 0)
		return answer(out, &p, &w);
	while (first < end) {
		uint64_t middle = begin + split(end - begin);

		if (first <= middle) {
			push(&p, &w, middle, end);
			end = middle;
		} else {
			push(&p, &w, begin, middle);
			begin = middle;
		}
	}
	if (begin > 0)
		push(&p, &w, begin, end);
	return answer(out, &p, &w);
}

enum tile_answer tile_leaf(struct merkle_hash *out, struct tile_set *set,
			   uint64_t index, uint64_t size)
{
	struct walk w = { .set = set, .size = size };
	struct merkle_hash leaf = { 0 };

	if (index >= size)
		return TILE_NEVER;
	range_hash(&leaf, &w, index, index + 1);
	if (w.is_missing)
		return TILE_MORE;
	*out = leaf;
	return TILE_DONE;
}
