/*
 * bucket: one page of a hash table: the entries whose hashes begin with the
 * same 'depth' bits, which who has the page knows.
 *
 * Pure: bytes in, views out.  A look touches two places of a page, a slot and
 * an entry, for each may be a wait for memory.
 *
 *   slots     256 times: tag (u8), granule (u8).  The lowest 8 bits of a hash
 *             say where to begin, the next 8 are the tag; those that are taken
 *             by others are passed over, a granule of 0 ends the search.
 *   entries   each at 16 times its granule: hash (be32), key (vec8), value
 *             (vec16), zeros
 */
#ifndef POSTERN_STORE_BUCKET_H
#define POSTERN_STORE_BUCKET_H

#include "base/span.h"
#include "base/wr.h"

enum {
	BUCKET_LEN = 4080,
	BUCKET_DEPTH_MAX = 32,
	BUCKET_KEY_MAX = 255,
	BUCKET_VALUE_MAX = 1000, /* so two entries fit whatever they are */
	BUCKET_ENTRIES_MAX = 223, /* what fits, when each is one granule */
};

struct bucket_entry {
	uint32_t hash;
	struct span key, value;
};

struct bucket {
	unsigned depth;
	struct bucket_entry *at; /* the caller's */
	size_t count;
};

/* Looks for one key.  False: the page is none; outputs are untouched then.
 * *value borrows the page. */
bool bucket_find(struct span *value, bool *is_found, struct span page,
		 uint32_t hash, struct span key);
/* Appends everything in it, borrowed from the page, to what is at out->at,
 * where there is room for BUCKET_ENTRIES_MAX more.  False: the page is none. */
bool bucket_read(struct bucket *out, struct span page);
bool bucket_fits(const struct bucket *b);
/* Makes a page of a bucket that fits. */
void bucket_write(uint8_t page[BUCKET_LEN], const struct bucket *b);

/* Takes the entry of a key out; false: it is not there.  Changes the order. */
bool bucket_remove(struct bucket *b, struct span key);
/* Two that are one deeper: in *b what belongs into the lower half of its
 * hashes, in *upper the rest, which stands behind it in the same array. */
void bucket_split(struct bucket *b, struct bucket *upper);
/* The last of the hashes that belong into the bucket of this one. */
uint32_t bucket_last(uint32_t hash, unsigned depth);

#endif
