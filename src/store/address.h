/*
 * address: which instance has which tunnel address.  Both ways stand in the
 * database: addresses (instance id -> address) and holders (address ->
 * instance id), always changed together.
 */
#ifndef POSTERN_STORE_ADDRESS_H
#define POSTERN_STORE_ADDRESS_H

#include "store/db.h"

enum {
	ADDRESS_LEN = 16,
};

/* Gives an instance this address instead of the one it had. */
enum rc address_reserve(struct db *db, MDB_txn *txn, struct span instance_id,
			struct span address);
/* Gives up the address that an instance has, if any. */
enum rc address_free(struct db *db, MDB_txn *txn, struct span instance_id);
/* As store_address(), in a transaction. */
enum rc address_find(struct db *db, MDB_txn *txn, uint8_t address[ADDRESS_LEN],
		     struct span instance_id, const uint8_t *first,
		     const uint8_t *last);

#endif
