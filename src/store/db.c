#include "store/db.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "io/file.h"

enum {
	SCHEMA_VERSION = 4,
	READERS_MAX = 512,
	IDLE_MAX = 64, /* read transactions kept for reuse */
};

/* Room in the address space, not on the disk: a lease takes about a kilobyte
 * beside its quote. */
static const uint64_t MAP_SIZE_DEFAULT = 16ull << 30;

static const char *const table_names[TABLE_COUNT] = {
	[TABLE_META] = "meta",
	[TABLE_LEASES] = "leases",
	[TABLE_APPS] = "apps",
	[TABLE_NEAR] = "near",
	[TABLE_ALONE] = "alone",
	[TABLE_ALIASES] = "aliases",
	[TABLE_ADDRESSES] = "addresses",
	[TABLE_HOLDERS] = "holders",
	[TABLE_QUOTES] = "quotes",
	[TABLE_KEYS] = "keys",
	[TABLE_ALIASED] = "aliased",
	[TABLE_DOMAINS] = "domains",
	[TABLE_CHECKS] = "checks",
	[TABLE_DRAINED] = "drained",
	[TABLE_LINEAGES] = "lineages",
};

struct db {
	MDB_env *env;
	MDB_dbi tables[TABLE_COUNT];
	struct siphash_key hash_key;
	bool is_writer;
	/* Read transactions that are not in use but keep their reader slot, so
	 * that the next read needs no lock of the environment. */
	pthread_mutex_t idle_lock;
	MDB_txn *idle[IDLE_MAX];
	size_t idle_count;
};

enum rc db_rc(int result)
{
	switch (result) {
	case MDB_SUCCESS:
		return RC_OK;
	case MDB_MAP_FULL:
		return RC_LIMIT;
	default:
		errno = result > 0 ? result : EIO;
		return RC_SYS;
	}
}

enum store_answer db_answer(enum rc rc, bool is_found)
{
	if (rc == RC_MALFORMED)
		errno = EIO;
	if (rc)
		return STORE_FAILED;
	return is_found ? STORE_FOUND : STORE_NONE;
}

MDB_val db_val(struct span s)
{
	/* LMDB does not write through what it is given as key or data. */
	return (MDB_val){ .mv_size = s.n, .mv_data = (void *)(uintptr_t)s.p };
}

struct span db_span(MDB_val v)
{
	return span_of(v.mv_data, v.mv_size);
}

static enum rc put_meta(MDB_txn *txn, MDB_dbi meta, const char *name,
			struct span value)
{
	MDB_val k = db_val(span_str(name)), v = db_val(value);

	return db_rc(mdb_put(txn, meta, &k, &v, 0));
}

/* What a new database says of itself. */
static enum rc begin_meta(MDB_txn *txn, MDB_dbi meta)
{
	struct siphash_key key;
	uint8_t bytes[4];
	struct wr w = WR_ARRAY(bytes);
	enum rc rc;

	if (getrandom(key.b, sizeof(key.b), 0) != sizeof(key.b))
		return RC_SYS;
	wr_be32(&w, SCHEMA_VERSION);
	rc = put_meta(txn, meta, "version", wr_span(&w));
	if (!rc)
		rc = put_meta(txn, meta, "hash key", SPAN_ARRAY(key.b));
	return rc;
}

static enum rc get_meta(MDB_txn *txn, MDB_dbi meta, const char *name,
			struct span *out)
{
	MDB_val k = db_val(span_str(name)), v;
	int result = mdb_get(txn, meta, &k, &v);

	if (!result)
		*out = db_span(v);
	return db_rc(result);
}

static enum rc read_meta(struct db *db, MDB_txn *txn, char error[256])
{
	const MDB_dbi meta = db->tables[TABLE_META];
	struct span have;
	uint32_t version;
	enum rc rc = get_meta(txn, meta, "version", &have);

	if (rc)
		return rc;
	if (!rd_be32(&have, &version) || !rd_end(&have) ||
	    version != SCHEMA_VERSION) {
		snprintf(error, 256, "records of another version than %d",
			 SCHEMA_VERSION);
		return RC_MALFORMED;
	}
	rc = get_meta(txn, meta, "hash key", &have);
	if (!rc && (!rd_copy(&have, db->hash_key.b, sizeof(db->hash_key.b)) ||
		    !rd_end(&have))) {
		snprintf(error, 256, "no key of its hashes");
		return RC_MALFORMED;
	}
	return rc;
}

static enum rc check_meta(struct db *db, MDB_txn *txn, char error[256])
{
	MDB_stat stat;
	enum rc rc = db_rc(mdb_stat(txn, db->tables[TABLE_META], &stat));

	if (!rc && stat.ms_entries == 0 && db->is_writer)
		rc = begin_meta(txn, db->tables[TABLE_META]);
	return rc ? rc : read_meta(db, txn, error);
}

static enum rc open_tables(struct db *db, char error[256])
{
	unsigned txn_flags = db->is_writer ? 0 : MDB_RDONLY;
	unsigned dbi_flags = db->is_writer ? MDB_CREATE : 0;
	MDB_txn *txn;
	int result = mdb_txn_begin(db->env, NULL, txn_flags, &txn);
	enum rc rc;

	if (result)
		return db_rc(result);
	for (int t = 0; t < TABLE_COUNT && !result; t++)
		result = mdb_dbi_open(txn, table_names[t], dbi_flags,
				      &db->tables[t]);
	if (result == MDB_NOTFOUND)
		result = ENOENT; /* its writer has not made the tables yet */
	rc = db_rc(result);
	if (!rc)
		rc = check_meta(db, txn, error);
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	return db_rc(mdb_txn_commit(txn));
}

static enum rc open_env(struct db *db, const char *path, uint64_t map_size)
{
	unsigned flags = MDB_NOTLS | (db->is_writer ? 0 : MDB_RDONLY);
	int dead, result;

	if (db->is_writer) {
		enum rc rc = file_make_dirs(path, 0750);

		if (rc)
			return rc;
	}
	result = mdb_env_create(&db->env);
	if (!result)
		result = mdb_env_set_maxdbs(db->env, TABLE_COUNT);
	if (!result)
		result = mdb_env_set_maxreaders(db->env, READERS_MAX);
	if (!result)
		result = mdb_env_set_mapsize(db->env, map_size);
	if (!result)
		result = mdb_env_open(db->env, path, flags, 0640);
	/* Slots of readers that were killed would keep old pages alive. */
	if (!result)
		result = mdb_reader_check(db->env, &dead);
	return db_rc(result);
}

enum rc db_open(struct db **out, const char *path,
		enum store_access access, uint64_t map_size,
		char error[256])
{
	struct db *db = mem_new(sizeof(*db));
	enum rc rc;

	db->is_writer = access == STORE_WRITE;
	pthread_mutex_init(&db->idle_lock, NULL);
	error[0] = '\0';
	rc = open_env(db, path, map_size ? map_size : MAP_SIZE_DEFAULT);
	if (!rc)
		rc = open_tables(db, error);
	if (rc) {
		int reason = errno;

		if (!error[0])
			snprintf(error, 256, "%.200s: %s", path,
				 rc == RC_SYS ? strerror(reason) : "full");
		db_close(db);
		errno = reason;
		return rc;
	}
	*out = db;
	return RC_OK;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < db->idle_count; i++)
		mdb_txn_abort(db->idle[i]);
	mdb_env_close(db->env);
	pthread_mutex_destroy(&db->idle_lock);
	free(db);
}

enum rc db_read_begin(struct db *db, MDB_txn **txn)
{
	MDB_txn *idle = NULL;
	int result;

	pthread_mutex_lock(&db->idle_lock);
	if (db->idle_count)
		idle = db->idle[--db->idle_count];
	pthread_mutex_unlock(&db->idle_lock);
	if (!idle)
		return db_rc(mdb_txn_begin(db->env, NULL, MDB_RDONLY, txn));
	result = mdb_txn_renew(idle);
	if (result)
		mdb_txn_abort(idle);
	else
		*txn = idle;
	return db_rc(result);
}

MDB_dbi db_table(const struct db *db, enum table t)
{
	return db->tables[t];
}

const struct siphash_key *db_hash_key(const struct db *db)
{
	return &db->hash_key;
}

void db_read_end(struct db *db, MDB_txn *txn)
{
	mdb_txn_reset(txn);
	pthread_mutex_lock(&db->idle_lock);
	if (db->idle_count < IDLE_MAX) {
		db->idle[db->idle_count++] = txn;
		txn = NULL;
	}
	pthread_mutex_unlock(&db->idle_lock);
	if (txn)
		mdb_txn_abort(txn);
}

enum rc db_write_begin(struct db *db, MDB_txn **txn)
{
	assert(db->is_writer);
	return db_rc(mdb_txn_begin(db->env, NULL, 0, txn));
}

enum rc db_write_end(MDB_txn *txn, enum rc rc)
{
	int reason = errno;

	if (rc) {
		mdb_txn_abort(txn);
		errno = reason;
		return rc;
	}
	return db_rc(mdb_txn_commit(txn));
}

enum rc db_get(struct db *db, MDB_txn *txn, enum table t, struct span key,
	       struct span *value, bool *is_found)
{
	MDB_val k = db_val(key), v;
	int result = mdb_get(txn, db->tables[t], &k, &v);

	*is_found = result == MDB_SUCCESS;
	if (*is_found)
		*value = db_span(v);
	return result == MDB_NOTFOUND ? RC_OK : db_rc(result);
}

enum rc db_has_prefix(struct db *db, MDB_txn *txn, enum table t,
		      struct span prefix, bool *is_found)
{
	MDB_val k = db_val(prefix), v;
	MDB_cursor *c;
	int result = mdb_cursor_open(txn, db->tables[t], &c);

	if (result)
		return db_rc(result);
	result = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
	*is_found = !result && span_has_prefix(db_span(k), prefix);
	mdb_cursor_close(c);
	return result == MDB_NOTFOUND ? RC_OK : db_rc(result);
}

enum rc db_put(struct db *db, MDB_txn *txn, enum table t, struct span key,
	       struct span value)
{
	MDB_val k = db_val(key), v = db_val(value);

	return db_rc(mdb_put(txn, db->tables[t], &k, &v, 0));
}

enum rc db_del(struct db *db, MDB_txn *txn, enum table t, struct span key)
{
	MDB_val k = db_val(key);
	int result = mdb_del(txn, db->tables[t], &k, NULL);

	return result == MDB_NOTFOUND ? RC_OK : db_rc(result);
}
