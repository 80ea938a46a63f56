#include "store/address.h"

#include <string.h>

struct reservation {
	uint8_t address[ADDRESS_LEN], app_id[STORE_ID_LEN];
	bool is_found;
};

static enum rc get(struct db *db, MDB_txn *txn, struct span instance_id,
		   struct reservation *out)
{
	struct span have;
	enum rc rc = db_get(db, txn, TABLE_ADDRESSES, instance_id, &have,
			    &out->is_found);

	if (rc || !out->is_found)
		return rc;
	if (!rd_copy(&have, out->address, sizeof(out->address)) ||
	    !rd_copy(&have, out->app_id, sizeof(out->app_id)) ||
	    !rd_end(&have))
		return RC_MALFORMED;
	return RC_OK;
}

/* As get(); RC_DENIED when it is another app's. */
static enum rc get_of_app(struct db *db, MDB_txn *txn, struct span instance_id,
			  struct span app_id, struct reservation *out)
{
	enum rc rc = get(db, txn, instance_id, out);

	if (!rc && out->is_found &&
	    !span_equal(SPAN_ARRAY(out->app_id), app_id))
		return RC_DENIED;
	return rc;
}

enum rc address_free(struct db *db, MDB_txn *txn,
		     struct span instance_id)
{
	struct reservation r;
	enum rc rc = get(db, txn, instance_id, &r);

	if (rc || !r.is_found)
		return rc;
	rc = db_del(db, txn, TABLE_HOLDERS, SPAN_ARRAY(r.address));
	if (rc)
		return rc;
	return db_del(db, txn, TABLE_ADDRESSES, instance_id);
}

enum rc address_reserve(struct db *db, MDB_txn *txn, struct span instance_id,
			struct span app_id, struct span address)
{
	uint8_t bytes[ADDRESS_LEN + STORE_ID_LEN];
	struct wr w = WR_ARRAY(bytes);
	struct reservation old;
	enum rc rc = get_of_app(db, txn, instance_id, app_id, &old);

	wr_bytes(&w, address);
	wr_bytes(&w, app_id);
	if (!rc)
		rc = address_free(db, txn, instance_id);
	if (!rc)
		rc = db_put(db, txn, TABLE_ADDRESSES, instance_id, wr_span(&w));
	if (!rc)
		rc = db_put(db, txn, TABLE_HOLDERS, address, instance_id);
	return rc;
}

/* Addresses compare as big-endian numbers, as the tables sort them. */
static bool is_within(const uint8_t *address, const uint8_t *first,
		      const uint8_t *last)
{
	/* public: addresses */
	return memcmp(address, first, ADDRESS_LEN) >= 0 &&
	       memcmp(address, last, ADDRESS_LEN) <= 0;
}

static void add_one(uint8_t address[ADDRESS_LEN])
{
	for (size_t i = ADDRESS_LEN; i-- > 0;)
		if (++address[i] != 0)
			break;
}

/* Whether nobody would miss an address: its holder has no lease. */
static enum rc is_idle(struct db *db, MDB_txn *txn, struct span holder,
		       bool *idle)
{
	struct span record;
	bool is_found;
	enum rc rc = db_get(db, txn, TABLE_LEASES, holder, &record, &is_found);

	*idle = !is_found;
	return rc;
}

/* What the walk over the reserved addresses found. */
struct gap {
	uint8_t at[ADDRESS_LEN];
	bool has_idle; /* all are reserved, but this one is not leased */
	uint8_t idle[ADDRESS_LEN];
};

/* Counts up beside the sorted reservations, to the first that is missing. */
static enum rc walk(struct db *db, MDB_txn *txn, MDB_cursor *c,
		    struct gap *g, const uint8_t *first, const uint8_t *last)
{
	MDB_val k = db_val(span_of(first, ADDRESS_LEN)), v;
	int result = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
	enum rc rc;

	memcpy(g->at, first, ADDRESS_LEN);
	for (; !result; result = mdb_cursor_get(c, &k, &v, MDB_NEXT)) {
		bool idle = false;

		if (!span_equal(db_span(k), SPAN_ARRAY(g->at)) ||
		    !is_within(g->at, first, last))
			return RC_OK;
		rc = g->has_idle ? RC_OK
				 : is_idle(db, txn, db_span(v), &idle);
		if (rc)
			return rc;
		if (idle) {
			g->has_idle = true;
			memcpy(g->idle, g->at, ADDRESS_LEN);
		}
		add_one(g->at);
	}
	return result == MDB_NOTFOUND ? RC_OK : db_rc(result);
}

static enum rc find_gap(struct db *db, MDB_txn *txn, struct gap *g,
			const uint8_t *first, const uint8_t *last)
{
	MDB_cursor *c;
	MDB_dbi table = db_table(db, TABLE_HOLDERS);
	enum rc rc = db_rc(mdb_cursor_open(txn, table, &c));

	if (rc)
		return rc;
	rc = walk(db, txn, c, g, first, last);
	mdb_cursor_close(c);
	return rc;
}

/* Takes an address from an instance that does not use it. */
static enum rc reclaim(struct db *db, MDB_txn *txn, struct gap *g)
{
	uint8_t holder[STORE_ID_LEN];
	struct span have;
	bool is_found;
	enum rc rc;

	if (!g->has_idle)
		return RC_LIMIT;
	rc = db_get(db, txn, TABLE_HOLDERS, SPAN_ARRAY(g->idle), &have,
		    &is_found);
	if (rc)
		return rc;
	if (!is_found || !rd_copy(&have, holder, sizeof(holder)))
		return RC_MALFORMED;
	memcpy(g->at, g->idle, ADDRESS_LEN);
	return address_free(db, txn, SPAN_ARRAY(holder));
}

enum rc address_find(struct db *db, MDB_txn *txn,
		     uint8_t address[ADDRESS_LEN],
		     struct span instance_id, struct span app_id,
		     const uint8_t *first, const uint8_t *last)
{
	struct gap g = { 0 };
	struct reservation had;
	enum rc rc = get_of_app(db, txn, instance_id, app_id, &had);

	if (rc)
		return rc;
	if (had.is_found && is_within(had.address, first, last)) {
		memcpy(address, had.address, ADDRESS_LEN);
		return RC_OK;
	}
	rc = find_gap(db, txn, &g, first, last);
	if (!rc && !is_within(g.at, first, last))
		rc = reclaim(db, txn, &g);
	if (rc)
		return rc;
	memcpy(address, g.at, ADDRESS_LEN);
	return address_reserve(db, txn, instance_id, app_id, SPAN_ARRAY(g.at));
}
