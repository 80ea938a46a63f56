/*
 * hashed: a table of the store whose entries are found in the same time
 * whether it has a thousand or a million.
 *
 * A B-tree is searched by halves: each step reads another place of a page, and
 * once the table is larger than the processor's caches most steps wait for
 * memory.  Here a key's hash says in which page it is (see bucket.h), where two
 * places are read.  HASHED_PAGES pages whose hashes begin alike are one value
 * of a table of LMDB, so that its B-tree is small enough to stay in the caches:
 *
 *   last      be32, the last hash that belongs there
 *   depth     u8, how many of their first bits all hashes there share; the next
 *             two say in which page
 *
 * When a page is full the value becomes two (extendible hashing), so nothing is
 * ever rehashed; values that lose their entries stay.
 *
 * All within the store's transactions: a reader has one snapshot of both kinds
 * of tables, and a crash leaves neither behind the other.
 *
 * Has no order and is not walked.  Keys are at most BUCKET_KEY_MAX bytes,
 * values at most BUCKET_VALUE_MAX.
 */
#ifndef POSTERN_STORE_HASHED_H
#define POSTERN_STORE_HASHED_H

#include "store/bucket.h"
#include "store/db.h"

enum {
	/* More make the B-tree smaller, and each change write more. */
	HASHED_PAGES = 4,
};

/* *is_found tells a miss from a value, which borrows from the transaction. */
enum rc hashed_get(struct db *db, MDB_txn *txn, enum table t, struct span key,
		   struct span *value, bool *is_found);
/* Adds or replaces.  RC_LIMIT: the map is full. */
enum rc hashed_put(struct db *db, MDB_txn *txn, enum table t, struct span key,
		   struct span value);
/* Removing what is not there is fine. */
enum rc hashed_del(struct db *db, MDB_txn *txn, enum table t, struct span key);

#endif
