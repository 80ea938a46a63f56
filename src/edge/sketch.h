/*
 * sketch: how many, and how often, for each of very many keys, in memory that
 * does not grow with them; shared by processes without a lock.
 *
 * A key's 64-bit hash names one cell in each of a few rows.  A cell is shared
 * by the keys that fall on it, so that a row can only say too much; the least
 * of the rows is the answer.  It is never too little, and too much only for a
 * key that meets busy neighbours in every row: of H busy keys among W cells
 * that is (H/W)^rows.
 *
 * Counts are kept per writer, a table each, and added up on reading: no
 * process writes where another does, and what one that was killed had counted
 * is forgotten with its table (sketch_count_reset()).  Between looking and
 * counting another may count: 'n' writers may overshoot a limit by n - 1.
 *
 * Rates are token buckets in the form of one time each, the virtual schedule
 * of GCRA: when the bucket will be full again.  Time itself empties and fills
 * it, so that nothing is left behind by a process that died; writers compare
 * and swap.
 *
 * Zeroed: nothing counted, every bucket full.
 *
 * Source: Cormode and Muthukrishnan, "An improved data stream summary: the
 * count-min sketch" (2005); ITU-T I.371 annex A (GCRA).
 */
#ifndef POSTERN_EDGE_SKETCH_H
#define POSTERN_EDGE_SKETCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SKETCH_ROWS = 4,
	SKETCH_WIDTH = 16384, /* a power of two */
};

struct sketch_count {
	_Atomic uint32_t n[SKETCH_ROWS][SKETCH_WIDTH];
};

/* At least how many of 'key' there are in 'tables' tables; at most a little
 * more, see above. */
uint64_t sketch_count_of(const struct sketch_count *s, size_t tables,
			 uint64_t key);
/* In the caller's own table.  What is removed was added before. */
void sketch_count_add(struct sketch_count *own, uint64_t key);
void sketch_count_remove(struct sketch_count *own, uint64_t key);
/* Of a writer that is no more. */
void sketch_count_reset(struct sketch_count *own);

struct sketch_rate {
	_Atomic uint64_t full_at_ns[SKETCH_ROWS][SKETCH_WIDTH];
};

/* A token bucket: 'burst' tokens (> 0) at most, 'per_s' more each second. */
struct sketch_bucket {
	uint64_t per_s, burst;
};

/* Takes a token of the key's bucket; false, and nothing is taken, when it has
 * none.  A bucket of 0 per second is no limit. */
[[nodiscard]] bool sketch_rate_pass(struct sketch_rate *s, uint64_t key,
				    const struct sketch_bucket *b,
				    uint64_t now_ms);

/* Spreads 'n' bytes over 64 bits; 'secret' keeps others from aiming. */
uint64_t sketch_hash(uint64_t secret, const void *bytes, size_t n);

#endif
