#include "store/places.h"

#include "store/hashed.h"
#include "store/record.h"

enum {
	KEY_LEN = STORE_ID_LEN + 8 + STORE_ID_LEN, /* in apps */
};

static void write_key(struct wr *w, const struct store_lease *l)
{
	wr_bytes(w, SPAN_ARRAY(l->app_id));
	wr_be64(w, (uint64_t)l->granted_unix_ms);
	wr_bytes(w, SPAN_ARRAY(l->instance_id));
}

/* Those of one app in apps. */
static enum rc each_in_order(struct db *db, MDB_txn *txn, struct span app_id,
			     place_fn *fn, void *arg)
{
	MDB_val k = db_val(app_id), v;
	MDB_cursor *c;
	enum rc rc = db_rc(mdb_cursor_open(txn, db_table(db, TABLE_APPS), &c));
	int result;

	if (rc)
		return rc;
	result = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
	while (!result && !rc && span_has_prefix(db_span(k), app_id)) {
		struct span place = db_span(k);

		if (!rd_skip(&place, KEY_LEN - STORE_ID_LEN) ||
		    place.n != STORE_ID_LEN)
			rc = RC_MALFORMED;
		else
			rc = fn(arg, place, db_span(v));
		result = mdb_cursor_get(c, &k, &v, MDB_NEXT);
	}
	mdb_cursor_close(c);
	if (rc)
		return rc;
	return result == MDB_NOTFOUND ? RC_OK : db_rc(result);
}

static enum rc add_near(void *arg, struct span instance_id, struct span brief)
{
	struct wr *w = arg;

	wr_bytes(w, instance_id);
	wr_vec16(w, brief);
	return w->over ? RC_LIMIT : RC_OK;
}

/* Makes near what apps has. */
static enum rc refresh_near(struct db *db, MDB_txn *txn, struct span app_id)
{
	uint8_t bytes[BUCKET_VALUE_MAX];
	struct wr w = WR_ARRAY(bytes);
	enum rc rc = each_in_order(db, txn, app_id, add_near, &w);

	if (rc && !w.over)
		return rc;
	if (!w.over && w.n == 0)
		return hashed_del(db, txn, TABLE_NEAR, app_id);
	/* Nothing is what an overflow leaves. */
	return hashed_put(db, txn, TABLE_NEAR, app_id, wr_span(&w));
}

enum rc places_put(struct db *db, MDB_txn *txn, const struct store_lease *l)
{
	uint8_t key[KEY_LEN], bytes[STORE_ID_LEN + RECORD_BRIEF_MAX];
	struct wr k = WR_ARRAY(key), w = WR_ARRAY(bytes);
	struct span brief;
	enum rc rc;

	write_key(&k, l);
	wr_bytes(&w, SPAN_ARRAY(l->app_id));
	record_write_brief(&w, l);
	brief = wr_span(&w);
	if (!rd_skip(&brief, STORE_ID_LEN))
		return RC_LIMIT;
	rc = db_put(db, txn, TABLE_APPS, wr_span(&k), brief);
	if (!rc)
		rc = hashed_put(db, txn, TABLE_ALONE,
				SPAN_ARRAY(l->instance_id), wr_span(&w));
	return rc ? rc : refresh_near(db, txn, SPAN_ARRAY(l->app_id));
}

enum rc places_del(struct db *db, MDB_txn *txn, const struct store_lease *l)
{
	uint8_t key[KEY_LEN];
	struct wr k = WR_ARRAY(key);
	enum rc rc;

	write_key(&k, l);
	rc = db_del(db, txn, TABLE_APPS, wr_span(&k));
	if (!rc)
		rc = hashed_del(db, txn, TABLE_ALONE,
				SPAN_ARRAY(l->instance_id));
	return rc ? rc : refresh_near(db, txn, SPAN_ARRAY(l->app_id));
}

enum rc places_has(struct db *db, MDB_txn *txn, struct span app_id,
		   bool *is_found)
{
	struct span near;

	return hashed_get(db, txn, TABLE_NEAR, app_id, &near, is_found);
}

enum rc places_each(struct db *db, MDB_txn *txn, struct span app_id,
		    place_fn *fn, void *arg)
{
	struct span near, instance_id, brief;
	bool is_found;
	enum rc rc = hashed_get(db, txn, TABLE_NEAR, app_id, &near, &is_found);

	if (rc || !is_found)
		return rc;
	if (rd_end(&near))
		return each_in_order(db, txn, app_id, fn, arg);
	while (!rc && !rd_end(&near)) {
		if (!rd_n(&near, &instance_id, STORE_ID_LEN) ||
		    !rd_vec16(&near, &brief))
			return RC_MALFORMED;
		rc = fn(arg, instance_id, brief);
	}
	return rc;
}

enum rc places_alone(struct db *db, MDB_txn *txn, struct span instance_id,
		     struct span *app_id, struct span *brief, bool *is_found)
{
	enum rc rc = hashed_get(db, txn, TABLE_ALONE, instance_id, brief,
				is_found);

	if (!rc && *is_found && !rd_n(brief, app_id, STORE_ID_LEN))
		rc = RC_MALFORMED;
	return rc;
}
