/*
 * app: what a manifest says of all instances of its app, in the database: the
 * names it lists (domains: the app id alone says whether it lists any, and
 * each name stands behind it, so that asking for one is one look) and its
 * health checks (checks: only of apps that have some, so that who runs them
 * does not go through all the others).
 */
#ifndef POSTERN_STORE_APP_H
#define POSTERN_STORE_APP_H

#include "store/db.h"

enum rc app_put(struct db *db, MDB_txn *txn, struct span app_id,
		const struct store_app *a);
enum rc app_remove(struct db *db, MDB_txn *txn, struct span app_id);
enum rc app_get(struct db *db, MDB_txn *txn, struct span app_id,
		struct store_app *out, bool *is_found);
/* Whether 'a' is what the database has. */
enum rc app_equal(struct db *db, MDB_txn *txn, struct span app_id,
		  const struct store_app *a, bool *is_same);

/* Whether a custom name may lead to an app: it lists the name, or "*." and
 * what follows the name's first label, or is known to list none.  An app
 * nothing is known of is not assumed to agree. */
enum rc app_allows(struct db *db, MDB_txn *txn, struct span app_id,
		   struct span name, bool *is_allowed);

/* The checks of one record of the table; RC_MALFORMED. */
enum rc app_read_checks(struct store_app *out, struct span record);

#endif
