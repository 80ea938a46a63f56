#include "store/hashed.h"

#include <assert.h>
#include <string.h>

enum {
	PAGE_BITS = 2,
	DEPTH_MAX = BUCKET_DEPTH_MAX - PAGE_BITS,
	NAME_LEN = 5,
	/* Each page of ours within one of LMDB's, whose header comes before
	 * the first. */
	LMDB_PAGE_LEN = 4096,
	LMDB_HEADER_LEN = 16,
	GROUP_LEN = HASHED_PAGES * LMDB_PAGE_LEN - LMDB_HEADER_LEN,
	ENTRIES_MAX = HASHED_PAGES * BUCKET_ENTRIES_MAX + 1,
};

static_assert(HASHED_PAGES == 1 << PAGE_BITS, "so many bits name a page");
static_assert(BUCKET_LEN == LMDB_PAGE_LEN - LMDB_HEADER_LEN, "see page_at()");

/* Some pages that are one value. */
struct group {
	struct span bytes;
	uint32_t last; /* hash that belongs here */
	uint8_t depth;
};

/* What a change of a group works on. */
struct change {
	uint8_t before[GROUP_LEN]; /* entries borrow it */
	uint8_t after[GROUP_LEN];
	struct bucket_entry entries[ENTRIES_MAX];
	struct bucket all; /* without the key's entry */
	uint32_t hash; /* of the key */
	bool was_there; /* the key's entry */
};

static uint32_t hash_of(const struct db *db, struct span key)
{
	return (uint32_t)siphash(db_hash_key(db), key);
}

static size_t page_at(size_t i)
{
	return i ? i * LMDB_PAGE_LEN - LMDB_HEADER_LEN : 0;
}

static bool page_of(struct span *out, const struct group *g, size_t i)
{
	struct span rest = g->bytes;

	return rd_skip(&rest, page_at(i)) && rd_n(&rest, out, BUCKET_LEN);
}

static bool read_group(struct group *out, MDB_val k, MDB_val v)
{
	struct span name = db_span(k);

	out->bytes = db_span(v);
	return out->bytes.n == GROUP_LEN &&
	       rd_be32(&name, &out->last) && rd_u8(&name, &out->depth) &&
	       rd_end(&name) && out->depth <= DEPTH_MAX;
}

/* The group where a hash belongs; none at all is there before the first. */
static enum rc seek(struct db *db, MDB_txn *txn, enum table t, uint32_t hash,
		    struct group *out, bool *is_there)
{
	uint8_t name[NAME_LEN];
	struct wr w = WR_ARRAY(name);
	MDB_val k, v;
	MDB_cursor *c;
	int result = mdb_cursor_open(txn, db_table(db, t), &c);

	if (result)
		return db_rc(result);
	wr_be32(&w, hash);
	k = db_val(wr_span(&w));
	result = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
	mdb_cursor_close(c);
	*is_there = !result;
	if (result)
		return result == MDB_NOTFOUND ? RC_OK : db_rc(result);
	return read_group(out, k, v) ? RC_OK : RC_MALFORMED;
}

enum rc hashed_get(struct db *db, MDB_txn *txn, enum table t, struct span key,
		   struct span *value, bool *is_found)
{
	uint32_t hash = hash_of(db, key);
	struct group g = { 0 };
	struct span page;
	size_t i;
	enum rc rc = seek(db, txn, t, hash, &g, is_found);

	if (rc || !*is_found)
		return rc;
	i = hash >> (DEPTH_MAX - g.depth) & (HASHED_PAGES - 1);
	if (!page_of(&page, &g, i) ||
	    !bucket_find(value, is_found, page, hash, key))
		return RC_MALFORMED;
	return RC_OK;
}

static enum rc del_group(struct db *db, MDB_txn *txn, enum table t,
			 uint32_t last, unsigned depth)
{
	uint8_t name[NAME_LEN];
	struct wr w = WR_ARRAY(name);

	wr_be32(&w, last);
	wr_u8(&w, (uint8_t)depth);
	return db_del(db, txn, t, wr_span(&w));
}

static enum rc put_group(struct db *db, MDB_txn *txn, enum table t,
			 uint32_t last, unsigned depth, struct span bytes)
{
	uint8_t name[NAME_LEN];
	struct wr w = WR_ARRAY(name);

	wr_be32(&w, last);
	wr_u8(&w, (uint8_t)depth);
	return db_put(db, txn, t, wr_span(&w), bytes);
}

static enum rc begin(struct change *c, struct db *db, MDB_txn *txn,
		     enum table t, struct span key)
{
	struct group g = { 0 };
	struct span page;
	bool is_there = false;
	enum rc rc;

	c->hash = hash_of(db, key);
	c->all = (struct bucket){ .at = c->entries };
	c->was_there = false;
	rc = seek(db, txn, t, c->hash, &g, &is_there);
	if (rc || !is_there)
		return rc;
	/* LMDB may write the value anew where it stands. */
	memcpy(c->before, g.bytes.p, sizeof(c->before));
	g.bytes = SPAN_ARRAY(c->before);
	c->all.depth = g.depth;
	for (size_t i = 0; i < HASHED_PAGES; i++)
		if (!page_of(&page, &g, i) || !bucket_read(&c->all, page))
			return RC_MALFORMED;
	c->was_there = bucket_remove(&c->all, key);
	return RC_OK;
}

/* The buckets of a group's pages; false: one does not fit. */
static bool spread(struct bucket pages[HASHED_PAGES], struct bucket all)
{
	bool do_fit = true;

	pages[0] = all;
	for (size_t step = HASHED_PAGES / 2; step > 0; step /= 2)
		for (size_t i = 0; i < HASHED_PAGES; i += 2 * step)
			bucket_split(&pages[i], &pages[i + step]);
	for (size_t i = 0; i < HASHED_PAGES; i++)
		do_fit &= bucket_fits(&pages[i]);
	return do_fit;
}

/* Writes what belongs into one group, up to the hash 'last'; as two where a
 * page is too full. */
static enum rc put(struct change *c, struct db *db, MDB_txn *txn, enum table t,
		   struct bucket all, uint32_t last)
{
	struct bucket pages[HASHED_PAGES], upper;
	enum rc rc;

	if (spread(pages, all)) {
		memset(c->after, 0, sizeof(c->after));
		for (size_t i = 0; i < HASHED_PAGES; i++)
			bucket_write(c->after + page_at(i), &pages[i]);
		return put_group(db, txn, t, last, all.depth,
				 SPAN_ARRAY(c->after));
	}
	/* So many hashes that are nearly equal do not come by chance. */
	if (all.depth == DEPTH_MAX)
		return RC_LIMIT;
	rc = del_group(db, txn, t, last, all.depth);
	if (rc)
		return rc;
	bucket_split(&all, &upper);
	rc = put(c, db, txn, t, upper, last);
	last -= UINT32_C(1) << (BUCKET_DEPTH_MAX - all.depth);
	return rc ? rc : put(c, db, txn, t, all, last);
}

enum rc hashed_put(struct db *db, MDB_txn *txn, enum table t, struct span key,
		   struct span value)
{
	struct change c;
	struct bucket *b = &c.all;
	enum rc rc;

	assert(key.n <= BUCKET_KEY_MAX && value.n <= BUCKET_VALUE_MAX);
	rc = begin(&c, db, txn, t, key);
	if (rc)
		return rc;
	b->at[b->count++] = (struct bucket_entry){ c.hash, key, value };
	return put(&c, db, txn, t, *b, bucket_last(c.hash, b->depth));
}

enum rc hashed_del(struct db *db, MDB_txn *txn, enum table t, struct span key)
{
	struct change c;
	enum rc rc = begin(&c, db, txn, t, key);

	if (rc || !c.was_there)
		return rc;
	return put(&c, db, txn, t, c.all, bucket_last(c.hash, c.all.depth));
}
