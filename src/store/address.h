/*
 * address: which instance has which tunnel address, and whose it is.  Both
 * ways stand in the database: addresses (instance id -> address, app id) and
 * holders (address -> instance id), always changed together.
 *
 * A reservation outlives its lease, so an instance id stays its app's for as
 * long as its address is kept: no other app can come under that id.
 */
#ifndef POSTERN_STORE_ADDRESS_H
#define POSTERN_STORE_ADDRESS_H

#include "store/db.h"

enum {
	ADDRESS_LEN = 16,
};

/* Gives an instance of an app this address instead of the one it had.
 * RC_DENIED: the instance id is another app's. */
enum rc address_reserve(struct db *db, MDB_txn *txn, struct span instance_id,
			struct span app_id, struct span address);
/* Gives up the address that an instance has, if any. */
enum rc address_free(struct db *db, MDB_txn *txn, struct span instance_id);
/* As store_address(), in a transaction. */
enum rc address_find(struct db *db, MDB_txn *txn, uint8_t address[ADDRESS_LEN],
		     struct span instance_id, struct span app_id,
		     const uint8_t *first, const uint8_t *last);

#endif
