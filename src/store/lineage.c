#include "store/db.h"

/* Of an app whose mark is there already there is always room. */
static enum rc put(struct db *db, MDB_txn *txn, struct span id,
		   struct span mark)
{
	struct span have;
	MDB_stat stat;
	bool is_there;
	enum rc rc = db_get(db, txn, TABLE_LINEAGES, id, &have, &is_there);

	if (!rc)
		rc = db_rc(mdb_stat(txn, db_table(db, TABLE_LINEAGES), &stat));
	if (!rc && !is_there && stat.ms_entries >= STORE_LINEAGES_MAX)
		rc = RC_LIMIT;
	return rc ? rc : db_put(db, txn, TABLE_LINEAGES, id, mark);
}

enum rc store_lineage_put(struct store *s, const uint8_t app_id[STORE_ID_LEN],
			  const uint8_t mark[STORE_MARK_LEN])
{
	const struct span bytes = span_of(mark, STORE_MARK_LEN);
	struct db *db = store_db(s);
	uint8_t have[STORE_MARK_LEN];
	MDB_txn *txn;
	enum rc rc;

	if (store_lineage_get(s, have, app_id) == STORE_FOUND &&
	    span_equal(SPAN_ARRAY(have), bytes))
		return RC_OK;
	rc = db_write_begin(db, &txn);
	if (rc)
		return rc;
	rc = put(db, txn, span_of(app_id, STORE_ID_LEN), bytes);
	return db_write_end(txn, rc);
}

enum store_answer store_lineage_get(struct store *s,
				    uint8_t mark[STORE_MARK_LEN],
				    const uint8_t app_id[STORE_ID_LEN])
{
	struct db *db = store_db(s);
	bool is_found = false;
	struct span have;
	MDB_txn *txn;
	enum rc rc = db_read_begin(db, &txn);

	if (rc)
		return STORE_FAILED;
	rc = db_get(db, txn, TABLE_LINEAGES, span_of(app_id, STORE_ID_LEN),
		    &have, &is_found);
	if (!rc && is_found &&
	    (have.n != STORE_MARK_LEN || !rd_copy(&have, mark, STORE_MARK_LEN)))
		rc = RC_MALFORMED;
	db_read_end(db, txn);
	return db_answer(rc, is_found);
}
