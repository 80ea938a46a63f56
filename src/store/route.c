#include "store/route.h"

#include <string.h>

#include "store/app.h"
#include "store/hashed.h"
#include "store/places.h"
#include "store/record.h"

/* A look at one snapshot. */
struct look {
	struct db *db;
	MDB_txn *txn;
	const struct store_query *q;
	bool has_drained; /* any instance at all is */
};

static enum rc is_drained(const struct look *l, struct span instance_id,
			  bool *out)
{
	struct span nothing;

	*out = false;
	if (!l->has_drained)
		return RC_OK;
	return db_get(l->db, l->txn, TABLE_DRAINED, instance_id, &nothing, out);
}

/* Adds an instance if its lease lives and it has the port. */
static enum rc add_instance(const struct look *l, struct store_route *out,
			    struct span instance_id,
			    const struct record_view *view)
{
	struct store_instance *at = &out->at[out->count];
	bool drained;
	enum rc rc;

	if (view->expires_unix_ms <= l->q->now_unix_ms)
		return RC_OK;
	out->live_count++;
	if (view->port.port == 0)
		return RC_OK;
	if (out->port.port == 0)
		out->port = view->port;
	rc = is_drained(l, instance_id, &drained);
	if (rc)
		return rc;
	if (drained) {
		out->drained_count++;
		return RC_OK;
	}
	memcpy(at->instance_id, instance_id.p, STORE_ID_LEN);
	memcpy(at->address, view->address.p, sizeof(at->address));
	out->count++;
	return RC_OK;
}

/* The instance of this id alone. */
static enum rc add_alone(const struct look *l, struct store_route *out,
			 struct span id)
{
	struct span app_id, brief;
	struct record_view view;
	bool is_found;
	enum rc rc = places_alone(l->db, l->txn, id, &app_id, &brief,
				  &is_found);

	if (rc || !is_found)
		return rc;
	if (!record_look(&view, brief, l->q->port))
		return RC_MALFORMED;
	rc = add_instance(l, out, id, &view);
	if (!rc && out->live_count)
		memcpy(out->app_id, app_id.p, STORE_ID_LEN);
	return rc;
}

struct collect {
	const struct look *look;
	struct store_route *out;
};

static enum rc collect_one(void *arg, struct span instance_id,
			   struct span brief)
{
	const struct collect *c = arg;
	struct record_view view;

	/* Those in excess are passed over, not an end: the count stays. */
	if (c->out->count == STORE_ROUTE_MAX)
		return RC_OK;
	if (!record_look(&view, brief, c->look->q->port))
		return RC_MALFORMED;
	return add_instance(c->look, c->out, instance_id, &view);
}

static enum rc find(const struct look *l, struct store_route *out)
{
	const struct span id = SPAN_ARRAY(out->app_id);
	struct collect c = { .look = l, .out = out };
	uint8_t asked[STORE_ID_LEN];
	enum rc rc;

	memcpy(asked, out->app_id, sizeof(asked));
	rc = places_each(l->db, l->txn, SPAN_ARRAY(asked), collect_one, &c);
	/* An id that is both is the app's. */
	if (!rc && out->live_count == 0)
		rc = add_alone(l, out, SPAN_ARRAY(asked));
	if (!rc && l->q->domain.n)
		rc = app_allows(l->db, l->txn, id, l->q->domain,
				&out->is_domain_allowed);
	return rc;
}

/* The id's bytes: as asked, or what the operator gave the alias to. */
static enum rc find_id(const struct look *l, uint8_t id[STORE_ID_LEN],
		       bool *is_found)
{
	struct span have;
	enum rc rc;

	memcpy(id, l->q->id, STORE_ID_LEN);
	*is_found = true;
	if (l->q->alias.n == 0)
		return RC_OK;
	*is_found = false;
	if (l->q->alias.n >= STORE_LABEL_MAX)
		return RC_OK;
	rc = hashed_get(l->db, l->txn, TABLE_ALIASES, l->q->alias, &have,
			is_found);
	if (!rc && *is_found && !rd_copy(&have, id, STORE_ID_LEN))
		rc = RC_MALFORMED;
	return rc;
}

enum store_answer store_route(struct store *s, struct store_route *out,
			      const struct store_query *q)
{
	struct look l = { .db = store_db(s), .q = q };
	bool is_found = false;
	MDB_stat drained;
	enum rc rc = db_read_begin(l.db, &l.txn);

	if (rc)
		return STORE_FAILED;
	/* Not the instances: they are written as they are found. */
	out->count = out->live_count = out->drained_count = 0;
	out->port = (struct store_port){ 0 };
	out->is_domain_allowed = q->domain.n == 0;
	rc = db_rc(mdb_stat(l.txn, db_table(l.db, TABLE_DRAINED), &drained));
	l.has_drained = !rc && drained.ms_entries > 0;
	if (!rc)
		rc = find_id(&l, out->app_id, &is_found);
	if (!rc && is_found)
		rc = find(&l, out);
	db_read_end(l.db, l.txn);
	return db_answer(rc, is_found);
}

/* All checks. */

struct walk {
	struct db *db;
	MDB_txn *txn;
	struct store_app app; /* its checks alone */
	store_check_fn *fn;
	void *arg;
	int64_t now_unix_ms;
	bool is_over;
};

static enum rc check_instance(void *arg, struct span instance_id,
			      struct span brief)
{
	struct walk *w = arg;
	struct store_instance at;
	struct record_view view;

	for (size_t i = 0; i < w->app.check_count && !w->is_over; i++) {
		if (!record_look(&view, brief, w->app.checks[i].port))
			return RC_MALFORMED;
		if (view.expires_unix_ms <= w->now_unix_ms ||
		    view.port.port == 0)
			continue;
		memcpy(at.instance_id, instance_id.p, STORE_ID_LEN);
		memcpy(at.address, view.address.p, sizeof(at.address));
		w->is_over = !w->fn(w->arg, &at, &view.port,
				    &w->app.checks[i]);
	}
	return RC_OK;
}

static enum rc walk(struct walk *w, MDB_cursor *c)
{
	MDB_val k, v;
	int result = mdb_cursor_get(c, &k, &v, MDB_FIRST);
	enum rc rc = RC_OK;

	for (; !result && !rc && !w->is_over;
	     result = mdb_cursor_get(c, &k, &v, MDB_NEXT)) {
		rc = app_read_checks(&w->app, db_span(v));
		if (!rc)
			rc = places_each(w->db, w->txn, db_span(k),
					 check_instance, w);
	}
	if (rc || w->is_over)
		return rc;
	return result == MDB_NOTFOUND ? RC_OK : db_rc(result);
}

enum rc store_each_check(struct store *s, store_check_fn *fn, void *arg,
			 int64_t now_unix_ms)
{
	struct walk w = {
		.db = store_db(s),
		.fn = fn,
		.arg = arg,
		.now_unix_ms = now_unix_ms,
	};
	MDB_cursor *c;
	enum rc rc = db_read_begin(w.db, &w.txn);

	if (rc)
		return rc;
	rc = db_rc(mdb_cursor_open(w.txn, db_table(w.db, TABLE_CHECKS), &c));
	if (!rc) {
		rc = walk(&w, c);
		mdb_cursor_close(c);
	}
	db_read_end(w.db, w.txn);
	return rc;
}
