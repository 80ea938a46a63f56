/*
 * items: the bytes in which a cluster's roots, policy and numbers are told to
 * other nodes and kept on disk: one item after another, each with its kind
 * before it.  Reading is grammar alone; what is made of an item is
 * keys/merge.h.
 *
 * Pure.  An item may hold a root: keys_item_wipe().
 *
 * Source: docs/PROTOCOL.kms.md §6, §7.
 */
#ifndef POSTERN_KEYS_ITEMS_H
#define POSTERN_KEYS_ITEMS_H

#include "keys/cluster.h"

enum {
	KEYS_ITEM_ROOT = 1,
	KEYS_ITEM_POLICY = 2,
	KEYS_ITEM_RECORD = 3,
};

/* One item as it is read; spans borrow. */
struct keys_item {
	uint8_t kind; /* says which of these it is; the others are zero */
	struct keys_root root; /* epoch 1.., key not zero */
	bool is_active; /* the root */
	struct span policy; /* ..KEYS_POLICY_MAX bytes, not looked into */
	struct keys_record record; /* version 0 */
};

void keys_item_wipe(struct keys_item *i);

/* Takes one item from the front.  False: it breaks the grammar, or its kind is
 * none; then *out is not to be used but wiped. */
bool keys_item_read(struct keys_item *out, struct span *from);
/* Parts that answers to items have, too (keys/held.h): a record without its
 * kind, and a byte that is 0 or 1.  False: the grammar is broken. */
bool keys_item_read_record(struct keys_record *out, struct span *from);
bool keys_item_read_flag(bool *out, struct span *from);

void keys_item_write_root(struct wr *w, const struct keys_root_item *r);
/* The one in force; there is one. */
void keys_item_write_policy(struct wr *w, const struct keys_cluster *c);
void keys_item_write_record(struct wr *w, const struct keys_record *r);

/*
 * Writes items newer than version 'after' in an order that stays, as many as
 * 'w' has room for; *upto is the version up to which all are written, then:
 * c->version when nothing is left.
 */
void keys_items_write(struct wr *w, uint64_t *upto,
		      const struct keys_cluster *c, uint64_t after);

/* Reads all items for their grammar, and finds the policy among them, which
 * borrows 'items'; empty: there is none.  False: an item breaks the grammar,
 * or there are two policies. */
bool keys_items_check(struct span items, struct span *policy);

#endif
