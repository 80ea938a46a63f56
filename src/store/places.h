/*
 * places: which instances an app has and what a connection needs of each (its
 * brief, see record.h), in the database.  Three tables, changed together:
 *
 *   apps   app id, time granted, instance id -> brief.  All there are, those
 *          of one app beside each other, the longest granted first.
 *   near   app id -> the same of one app: instance id and brief (vec16), each.
 *          Empty when they are more than fit; then they stand in apps alone.
 *   alone  instance id -> app id, brief.
 *
 * The last two are hashed: what most apps are asked for takes one look there.
 */
#ifndef POSTERN_STORE_PLACES_H
#define POSTERN_STORE_PLACES_H

#include "store/db.h"

/* Adds a lease, which is not among them. */
enum rc places_put(struct db *db, MDB_txn *txn, const struct store_lease *l);
enum rc places_del(struct db *db, MDB_txn *txn, const struct store_lease *l);
/* Whether an app has any. */
enum rc places_has(struct db *db, MDB_txn *txn, struct span app_id,
		   bool *is_found);

/* One instance; a failure ends the walk. */
typedef enum rc place_fn(void *arg, struct span instance_id, struct span brief);
/* Calls fn for each instance of an app, those granted first first. */
enum rc places_each(struct db *db, MDB_txn *txn, struct span app_id,
		    place_fn *fn, void *arg);
/* The instance of this id; *is_found: there is one. */
enum rc places_alone(struct db *db, MDB_txn *txn, struct span instance_id,
		     struct span *app_id, struct span *brief, bool *is_found);

#endif
