#include "store/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/address.h"
#include "store/app.h"
#include "store/hashed.h"
#include "store/places.h"
#include "store/record.h"

struct store {
	struct db *db;
};

enum rc store_open(struct store **out, const char *path,
		   enum store_access access, uint64_t map_size,
		   char error[256])
{
	struct db *db;
	enum rc rc = db_open(&db, path, access, map_size, error);

	if (rc)
		return rc;
	*out = mem_new(sizeof(**out));
	**out = (struct store){ .db = db };
	return RC_OK;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	db_close(s->db);
	free(s);
}

struct db *store_db(const struct store *s)
{
	return s->db;
}

static enum rc get_lease(struct db *db, MDB_txn *txn,
			 const uint8_t instance_id[STORE_ID_LEN],
			 struct store_lease *out, bool *is_found)
{
	struct span bytes;
	enum rc rc = db_get(db, txn, TABLE_LEASES,
			    span_of(instance_id, STORE_ID_LEN), &bytes,
			    is_found);

	if (rc || !*is_found)
		return rc;
	if (!record_read(out, bytes))
		return RC_MALFORMED;
	memcpy(out->instance_id, instance_id, STORE_ID_LEN);
	return RC_OK;
}

/* Takes a lease's place, quote and key out of the tables beside its record. */
static enum rc unlink_lease(struct db *db, MDB_txn *txn,
			    const struct store_lease *l)
{
	enum rc rc = places_del(db, txn, l);

	if (rc)
		return rc;
	rc = db_del(db, txn, TABLE_QUOTES, SPAN_ARRAY(l->instance_id));
	if (rc)
		return rc;
	return db_del(db, txn, TABLE_KEYS, SPAN_ARRAY(l->wg_public));
}

/* RC_DENIED when what 'key' names belongs to another instance. */
static enum rc check_owner(struct db *db, MDB_txn *txn, enum table t,
			   struct span key, struct span instance_id)
{
	struct span owner;
	bool is_found;
	enum rc rc = db_get(db, txn, t, key, &owner, &is_found);

	if (!rc && is_found && !span_equal(owner, instance_id))
		return RC_DENIED;
	return rc;
}

/* RC_DENIED when an instance would be reached under the id of an app. */
static enum rc check_name(struct db *db, MDB_txn *txn, struct span instance_id)
{
	bool is_app = false;
	enum rc rc = places_has(db, txn, instance_id, &is_app);

	if (!rc && !is_app)
		rc = db_has_prefix(db, txn, TABLE_ALIASED, instance_id,
				   &is_app);
	if (!rc && is_app)
		rc = RC_DENIED;
	return rc;
}

static enum rc link_lease(struct db *db, MDB_txn *txn,
			  const struct store_lease *l, struct span quote)
{
	const struct span id = SPAN_ARRAY(l->instance_id);
	uint8_t bytes[RECORD_MAX];
	struct wr record = WR_ARRAY(bytes);
	enum rc rc;

	record_write(&record, l);
	rc = db_put(db, txn, TABLE_LEASES, id, wr_span(&record));
	if (!rc)
		rc = places_put(db, txn, l);
	if (!rc)
		rc = db_put(db, txn, TABLE_KEYS, SPAN_ARRAY(l->wg_public), id);
	if (!rc)
		rc = db_put(db, txn, TABLE_QUOTES, id, quote);
	if (!rc)
		rc = address_reserve(db, txn, id, SPAN_ARRAY(l->app_id),
				     SPAN_ARRAY(l->address));
	return rc;
}

static enum rc put_lease(struct db *db, MDB_txn *txn,
			 const struct store_lease *l, struct span quote)
{
	const struct span id = SPAN_ARRAY(l->instance_id);
	struct store_lease old;
	bool is_found;
	enum rc rc;

	rc = check_name(db, txn, id);
	if (!rc)
		rc = check_owner(db, txn, TABLE_HOLDERS,
				 SPAN_ARRAY(l->address), id);
	if (!rc)
		rc = check_owner(db, txn, TABLE_KEYS, SPAN_ARRAY(l->wg_public),
				 id);
	if (!rc)
		rc = get_lease(db, txn, l->instance_id, &old, &is_found);
	if (!rc && is_found)
		rc = unlink_lease(db, txn, &old);
	if (!rc)
		rc = link_lease(db, txn, l, quote);
	return rc;
}

enum rc store_lease_put(struct store *s, const struct store_lease *l,
			struct span quote)
{
	struct db *db = s->db;
	MDB_txn *txn;
	enum rc rc = db_write_begin(db, &txn);

	if (rc)
		return rc;
	return db_write_end(txn, put_lease(db, txn, l, quote));
}

enum rc store_quote_get(struct store *s, struct buf *out,
			const uint8_t instance_id[STORE_ID_LEN])
{
	struct db *db = s->db;
	struct span quote;
	bool is_found;
	MDB_txn *txn;
	enum rc rc = db_read_begin(db, &txn);

	if (rc)
		return rc;
	rc = db_get(db, txn, TABLE_QUOTES, span_of(instance_id, STORE_ID_LEN),
		    &quote, &is_found);
	if (!rc && is_found && !buf_add(out, quote))
		rc = RC_LIMIT;
	db_read_end(db, txn);
	return rc;
}

/* What an app said goes with its last lease. */
static enum rc forget_app(struct db *db, MDB_txn *txn, struct span app_id)
{
	bool has_more;
	enum rc rc = places_has(db, txn, app_id, &has_more);

	return rc || has_more ? rc : app_remove(db, txn, app_id);
}

static enum rc remove_lease(struct db *db, MDB_txn *txn,
			    const uint8_t instance_id[STORE_ID_LEN],
			    bool forget)
{
	const struct span id = span_of(instance_id, STORE_ID_LEN);
	struct store_lease old;
	bool is_found;
	enum rc rc = get_lease(db, txn, instance_id, &old, &is_found);

	if (!rc && is_found)
		rc = unlink_lease(db, txn, &old);
	if (!rc && is_found)
		rc = forget_app(db, txn, SPAN_ARRAY(old.app_id));
	if (!rc)
		rc = db_del(db, txn, TABLE_LEASES, id);
	if (!rc && forget)
		rc = db_del(db, txn, TABLE_DRAINED, id);
	if (!rc && forget)
		rc = address_free(db, txn, id);
	return rc;
}

enum rc store_lease_remove(struct store *s,
			   const uint8_t instance_id[STORE_ID_LEN],
			   bool forget)
{
	struct db *db = s->db;
	MDB_txn *txn;
	enum rc rc = db_write_begin(db, &txn);

	if (rc)
		return rc;
	return db_write_end(txn, remove_lease(db, txn, instance_id, forget));
}

enum rc store_address(struct store *s, uint8_t address[16],
		      const uint8_t instance_id[STORE_ID_LEN],
		      const uint8_t app_id[STORE_ID_LEN],
		      const uint8_t first[16], const uint8_t last[16])
{
	const struct span id = span_of(instance_id, STORE_ID_LEN);
	struct db *db = s->db;
	uint8_t found[ADDRESS_LEN];
	MDB_txn *txn;
	enum rc rc = db_write_begin(db, &txn);

	if (rc)
		return rc;
	rc = check_name(db, txn, id);
	if (!rc)
		rc = address_find(db, txn, found, id,
				  span_of(app_id, STORE_ID_LEN), first, last);
	rc = db_write_end(txn, rc);
	if (!rc)
		memcpy(address, found, ADDRESS_LEN);
	return rc;
}

static enum rc add_alias(struct db *db, MDB_txn *txn,
			 const struct store_alias *a)
{
	const size_t n = strnlen(a->label, STORE_LABEL_MAX);
	const struct span label = span_of(a->label, n);
	struct span id = SPAN_ARRAY(a->app_id), other;
	bool is_twice;
	enum rc rc;

	assert(n > 0 && n < STORE_LABEL_MAX);
	rc = hashed_get(db, txn, TABLE_ALIASES, label, &other, &is_twice);
	if (!rc && is_twice)
		rc = RC_MALFORMED;
	if (!rc)
		rc = hashed_put(db, txn, TABLE_ALIASES, label, id);
	return rc ? rc : db_put(db, txn, TABLE_ALIASED, id, span_str(""));
}

static enum rc set_aliases(struct db *db, MDB_txn *txn,
			   const struct store_alias *aliases, size_t count)
{
	enum rc rc = db_rc(mdb_drop(txn, db_table(db, TABLE_ALIASES), 0));

	if (!rc)
		rc = db_rc(mdb_drop(txn, db_table(db, TABLE_ALIASED), 0));
	for (size_t i = 0; i < count && !rc; i++)
		rc = add_alias(db, txn, &aliases[i]);
	return rc;
}

enum rc store_aliases_set(struct store *s, const struct store_alias *aliases,
			  size_t count)
{
	struct db *db = s->db;
	MDB_txn *txn;
	enum rc rc = db_write_begin(db, &txn);

	if (rc)
		return rc;
	return db_write_end(txn, set_aliases(db, txn, aliases, count));
}

enum store_answer store_lease_get(struct store *s, struct store_lease *out,
				  const uint8_t instance_id[STORE_ID_LEN])
{
	struct db *db = s->db;
	bool is_found = false;
	MDB_txn *txn;
	enum rc rc = db_read_begin(db, &txn);

	if (rc)
		return STORE_FAILED;
	rc = get_lease(db, txn, instance_id, out, &is_found);
	db_read_end(db, txn);
	return db_answer(rc, is_found);
}

enum store_answer store_alias_get(struct store *s, uint8_t app_id[STORE_ID_LEN],
				  struct span label)
{
	struct db *db = s->db;
	bool is_found = false;
	struct span have;
	MDB_txn *txn;
	enum rc rc;

	if (label.n == 0 || label.n >= STORE_LABEL_MAX)
		return STORE_NONE;
	rc = db_read_begin(db, &txn);
	if (rc)
		return STORE_FAILED;
	rc = hashed_get(db, txn, TABLE_ALIASES, label, &have, &is_found);
	if (!rc && is_found && !rd_copy(&have, app_id, STORE_ID_LEN))
		rc = RC_MALFORMED;
	db_read_end(db, txn);
	return db_answer(rc, is_found);
}

enum rc store_app_put(struct store *s, const uint8_t app_id[STORE_ID_LEN],
		      const struct store_app *a)
{
	const struct span id = span_of(app_id, STORE_ID_LEN);
	struct db *db = s->db;
	bool is_same = false;
	MDB_txn *txn;
	enum rc rc = db_read_begin(db, &txn);

	if (rc)
		return rc;
	rc = app_equal(db, txn, id, a, &is_same);
	db_read_end(db, txn);
	if (rc || is_same)
		return rc;
	rc = db_write_begin(db, &txn);
	if (rc)
		return rc;
	return db_write_end(txn, app_put(db, txn, id, a));
}

enum store_answer store_app_get(struct store *s, struct store_app *out,
				const uint8_t app_id[STORE_ID_LEN])
{
	struct db *db = s->db;
	bool is_found = false;
	MDB_txn *txn;
	enum rc rc = db_read_begin(db, &txn);

	if (rc)
		return STORE_FAILED;
	rc = app_get(db, txn, span_of(app_id, STORE_ID_LEN), out, &is_found);
	db_read_end(db, txn);
	return db_answer(rc, is_found);
}

enum rc store_drain(struct store *s, const uint8_t instance_id[STORE_ID_LEN],
		    bool is_on)
{
	const struct span id = span_of(instance_id, STORE_ID_LEN);
	struct db *db = s->db;
	MDB_txn *txn;
	enum rc rc = db_write_begin(db, &txn);

	if (rc)
		return rc;
	if (is_on)
		rc = db_put(db, txn, TABLE_DRAINED, id, span_str(""));
	else
		rc = db_del(db, txn, TABLE_DRAINED, id);
	return db_write_end(txn, rc);
}

enum store_answer store_is_drained(struct store *s,
				   const uint8_t instance_id[STORE_ID_LEN])
{
	struct db *db = s->db;
	struct span nothing;
	bool is_found = false;
	MDB_txn *txn;
	enum rc rc = db_read_begin(db, &txn);

	if (rc)
		return STORE_FAILED;
	rc = db_get(db, txn, TABLE_DRAINED, span_of(instance_id, STORE_ID_LEN),
		    &nothing, &is_found);
	db_read_end(db, txn);
	return db_answer(rc, is_found);
}

static enum rc each_lease(MDB_cursor *c,
			  bool (*fn)(void *arg, const struct store_lease *l),
			  void *arg)
{
	MDB_val k, v;
	int result = mdb_cursor_get(c, &k, &v, MDB_FIRST);

	for (; !result; result = mdb_cursor_get(c, &k, &v, MDB_NEXT)) {
		struct span id = db_span(k);
		struct store_lease l = { 0 };

		if (!rd_copy(&id, l.instance_id, STORE_ID_LEN) ||
		    !rd_end(&id) || !record_read(&l, db_span(v)))
			return RC_MALFORMED;
		if (!fn(arg, &l))
			return RC_OK;
	}
	return result == MDB_NOTFOUND ? RC_OK : db_rc(result);
}

enum rc store_each(struct store *s,
		   bool (*fn)(void *arg, const struct store_lease *l),
		   void *arg)
{
	struct db *db = s->db;
	MDB_cursor *c;
	MDB_txn *txn;
	enum rc rc = db_read_begin(db, &txn);

	if (rc)
		return rc;
	rc = db_rc(mdb_cursor_open(txn, db_table(db, TABLE_LEASES), &c));
	if (!rc) {
		rc = each_lease(c, fn, arg);
		mdb_cursor_close(c);
	}
	db_read_end(db, txn);
	return rc;
}
