/*
 * db: the LMDB environment under the store: its tables, its transactions, and
 * get, put and del in this program's words.
 *
 * A span read from a table borrows from the transaction, until it ends or
 * changes that table.
 */
#ifndef POSTERN_STORE_DB_H
#define POSTERN_STORE_DB_H

#include <lmdb.h>

#include "base/siphash.h"
#include "store/store.h"

enum table {
	TABLE_META, /* "version" -> be32, "hash key" -> 16 random bytes */
	TABLE_LEASES, /* instance id -> record */
	TABLE_APPS, /* see places.h */
	TABLE_NEAR, /* the same */
	TABLE_ALONE, /* the same */
	TABLE_ALIASES, /* label -> app id; hashed */
	TABLE_ADDRESSES, /* instance id -> address, app id */
	TABLE_HOLDERS, /* address -> instance id */
	TABLE_QUOTES, /* instance id -> the quote its lease rests on */
	TABLE_KEYS, /* WireGuard public key -> instance id */
	TABLE_ALIASED, /* app id with an alias -> nothing */
	TABLE_DOMAINS, /* app id -> whether it lists any; app id, name */
	TABLE_CHECKS, /* app id -> the health checks of its ports */
	TABLE_DRAINED, /* instance id -> nothing */
	TABLE_LINEAGES, /* app id -> mark */
	TABLE_COUNT,
};

struct db;

/* As store_open(). */
enum rc db_open(struct db **out, const char *path, enum store_access access,
		uint64_t map_size, char error[256]);
void db_close(struct db *db);
/* The environment of an open store. */
struct db *store_db(const struct store *s);
MDB_dbi db_table(const struct db *db, enum table t);
/* Of the tables that are hashed; made with the database. */
const struct siphash_key *db_hash_key(const struct db *db);

/* LMDB's results as ours; errno is set with RC_SYS. */
enum rc db_rc(int result);
/* What a look came to; errno is set with STORE_FAILED. */
enum store_answer db_answer(enum rc rc, bool is_found);
MDB_val db_val(struct span s);
struct span db_span(MDB_val v);

/* A snapshot; from any thread.  Every begin that succeeds needs its end. */
enum rc db_read_begin(struct db *db, MDB_txn **txn);
void db_read_end(struct db *db, MDB_txn *txn);

/* One change: db_write_end() commits it durably, or undoes it when rc is a
 * failure, which it returns. */
enum rc db_write_begin(struct db *db, MDB_txn **txn);
enum rc db_write_end(MDB_txn *txn, enum rc rc);

/* *is_found tells a miss from a value. */
enum rc db_get(struct db *db, MDB_txn *txn, enum table t, struct span key,
	       struct span *value, bool *is_found);
enum rc db_put(struct db *db, MDB_txn *txn, enum table t, struct span key,
	       struct span value);
/* Whether a key begins with 'prefix'. */
enum rc db_has_prefix(struct db *db, MDB_txn *txn, enum table t,
		      struct span prefix, bool *is_found);
/* Removing what is not there is fine. */
enum rc db_del(struct db *db, MDB_txn *txn, enum table t, struct span key);

#endif
