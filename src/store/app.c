#include "store/app.h"

#include <assert.h>
#include <string.h>

enum {
	LISTS = 1,
	KEY_MAX = STORE_ID_LEN + STORE_DOMAIN_MAX,
	CHECKS_LEN_MAX = 1 + STORE_CHECKS_MAX * (2 + 4 + 1 + STORE_PATH_MAX),
};

static struct span text_of(const char *s, size_t cap)
{
	size_t n = strnlen(s, cap);

	assert(n < cap);
	return span_of(s, n);
}

static struct span key_of(uint8_t bytes[KEY_MAX], struct span app_id,
			  const char *star, struct span name)
{
	struct wr w = wr_over(bytes, KEY_MAX);

	wr_bytes(&w, app_id);
	wr_str(&w, star);
	wr_bytes(&w, name);
	return wr_span(&w);
}

static void write_checks(struct wr *w, const struct store_app *a)
{
	wr_u8(w, (uint8_t)a->check_count);
	for (size_t i = 0; i < a->check_count; i++) {
		const struct store_check *c = &a->checks[i];

		wr_be16(w, c->port);
		wr_be32(w, c->interval_s);
		wr_vec8(w, text_of(c->path, sizeof(c->path)));
	}
}

static bool read_check(struct span *s, struct store_check *c)
{
	struct span path;

	if (!rd_be16(s, &c->port) || !rd_be32(s, &c->interval_s) ||
	    !rd_vec8(s, &path) || path.n >= sizeof(c->path) ||
	    c->interval_s == 0 ||
	    (path.n && memchr(path.p, 0, path.n)))
		return false;
	if (path.n)
		memcpy(c->path, path.p, path.n);
	c->path[path.n] = '\0';
	return true;
}

enum rc app_read_checks(struct store_app *out, struct span record)
{
	uint8_t count;

	if (!rd_u8(&record, &count) || count > STORE_CHECKS_MAX)
		return RC_MALFORMED;
	for (size_t i = 0; i < count; i++)
		if (!read_check(&record, &out->checks[i]))
			return RC_MALFORMED;
	if (!rd_end(&record))
		return RC_MALFORMED;
	out->check_count = count;
	return RC_OK;
}

enum rc app_remove(struct db *db, MDB_txn *txn, struct span app_id)
{
	MDB_val k = db_val(app_id), v;
	MDB_cursor *c;
	int result = mdb_cursor_open(txn, db_table(db, TABLE_DOMAINS), &c);

	if (result)
		return db_rc(result);
	/* From the front each time: where a cursor stands after a removal is
	 * not the same at the end of a page. */
	while (!(result = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE)) &&
	       span_has_prefix(db_span(k), app_id)) {
		result = mdb_cursor_del(c, 0);
		if (result)
			break;
		k = db_val(app_id);
	}
	mdb_cursor_close(c);
	if (result && result != MDB_NOTFOUND)
		return db_rc(result);
	return db_del(db, txn, TABLE_CHECKS, app_id);
}

enum rc app_put(struct db *db, MDB_txn *txn, struct span app_id,
		const struct store_app *a)
{
	const uint8_t lists = a->lists_domains ? LISTS : 0;
	uint8_t key[KEY_MAX], bytes[CHECKS_LEN_MAX];
	struct wr w = WR_ARRAY(bytes);
	enum rc rc = app_remove(db, txn, app_id);

	assert(a->domain_count <= STORE_DOMAINS_MAX);
	assert(a->check_count <= STORE_CHECKS_MAX);
	if (!rc)
		rc = db_put(db, txn, TABLE_DOMAINS, app_id, span_of(&lists, 1));
	for (size_t i = 0; i < a->domain_count && !rc; i++) {
		struct span name = text_of(a->domains[i], STORE_DOMAIN_MAX);

		rc = db_put(db, txn, TABLE_DOMAINS,
			    key_of(key, app_id, "", name), span_str(""));
	}
	write_checks(&w, a);
	if (!rc && a->check_count)
		rc = db_put(db, txn, TABLE_CHECKS, app_id, wr_span(&w));
	return rc;
}

static enum rc read_lists(struct span value, bool *lists)
{
	uint8_t flags;

	if (!rd_u8(&value, &flags) || !rd_end(&value) || flags & ~LISTS)
		return RC_MALFORMED;
	*lists = flags & LISTS;
	return RC_OK;
}

/* One entry of the app: its flag, or a name behind the id. */
static enum rc read_entry(struct store_app *out, struct span key,
			  struct span value)
{
	if (!rd_skip(&key, STORE_ID_LEN))
		return RC_MALFORMED;
	if (rd_end(&key))
		return read_lists(value, &out->lists_domains);
	if (out->domain_count == STORE_DOMAINS_MAX ||
	    key.n >= STORE_DOMAIN_MAX)
		return RC_MALFORMED;
	memcpy(out->domains[out->domain_count++], key.p, key.n);
	return RC_OK;
}

static enum rc read_domains(struct db *db, MDB_txn *txn, struct span app_id,
			    struct store_app *out, bool *is_found)
{
	MDB_val k = db_val(app_id), v;
	MDB_cursor *c;
	enum rc rc = RC_OK;
	int result = mdb_cursor_open(txn, db_table(db, TABLE_DOMAINS), &c);

	if (result)
		return db_rc(result);
	result = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
	while (!result && !rc && span_has_prefix(db_span(k), app_id)) {
		*is_found = true;
		rc = read_entry(out, db_span(k), db_span(v));
		result = mdb_cursor_get(c, &k, &v, MDB_NEXT);
	}
	mdb_cursor_close(c);
	if (rc)
		return rc;
	return result == MDB_NOTFOUND ? RC_OK : db_rc(result);
}

enum rc app_get(struct db *db, MDB_txn *txn, struct span app_id,
		struct store_app *out, bool *is_found)
{
	struct store_app a = { 0 };
	struct span record;
	bool has_checks = false, is_there = false;
	enum rc rc = read_domains(db, txn, app_id, &a, &is_there);

	if (!rc)
		rc = db_get(db, txn, TABLE_CHECKS, app_id, &record,
			    &has_checks);
	if (!rc && has_checks)
		rc = app_read_checks(&a, record);
	if (rc)
		return rc;
	*is_found = is_there;
	if (is_there)
		*out = a;
	return RC_OK;
}

static bool has_domain(const struct store_app *a, const char *name)
{
	for (size_t i = 0; i < a->domain_count; i++)
		if (strcmp(a->domains[i], name) == 0)
			return true;
	return false;
}

static bool same_checks(const struct store_app *a, const struct store_app *b)
{
	uint8_t x[CHECKS_LEN_MAX], y[CHECKS_LEN_MAX];
	struct wr w = WR_ARRAY(x), v = WR_ARRAY(y);

	write_checks(&w, a);
	write_checks(&v, b);
	return span_equal(wr_span(&w), wr_span(&v));
}

enum rc app_equal(struct db *db, MDB_txn *txn, struct span app_id,
		  const struct store_app *a, bool *is_same)
{
	struct store_app have = { 0 };
	bool is_found = false;
	enum rc rc = app_get(db, txn, app_id, &have, &is_found);

	if (rc)
		return rc;
	*is_same = is_found && have.lists_domains == a->lists_domains &&
		   have.domain_count == a->domain_count &&
		   same_checks(&have, a);
	for (size_t i = 0; i < a->domain_count && *is_same; i++)
		*is_same = has_domain(&have, a->domains[i]);
	return RC_OK;
}

enum rc app_allows(struct db *db, MDB_txn *txn, struct span app_id,
		   struct span name, bool *is_allowed)
{
	uint8_t key[KEY_MAX];
	struct span value, label;
	bool is_found, lists;
	enum rc rc = db_get(db, txn, TABLE_DOMAINS, app_id, &value, &is_found);

	*is_allowed = false;
	if (rc || !is_found)
		return rc;
	rc = read_lists(value, &lists);
	if (rc)
		return rc;
	*is_allowed = !lists;
	if (lists)
		rc = db_get(db, txn, TABLE_DOMAINS,
			    key_of(key, app_id, "", name), &value, is_allowed);
	if (!rc && !*is_allowed && rd_until(&name, &label, '.') &&
	    !rd_end(&name))
		rc = db_get(db, txn, TABLE_DOMAINS,
			    key_of(key, app_id, "*.", name), &value,
			    is_allowed);
	return rc;
}
