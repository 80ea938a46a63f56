/*
 * cluster: what the nodes of one key service hold in common: the roots, the
 * policy, and the numbers that instances keep.
 *
 * Each item only grows: a policy by its serial, a number by its value, a root
 * from pending to active; so to merge is to take the greater, in any order, any
 * number of times, and all nodes come to the same.  Two pending roots of one
 * epoch: the one whose id is smaller stays; an active one is never replaced.
 * Two policies of one serial: the one whose hash is smaller stays.
 *
 * A root is made pending, given to every node that the policy lists, and active
 * only when all of them hold it; keys come of active ones alone.  So whichever
 * one node is left, it has every root that a key was ever released of.
 *
 * Each change here gets the next version, so that who replicates knows what
 * another node lacks.
 *
 * Pure.  Holds secrets: keys_cluster_fini().
 *
 * Source: docs/PROTOCOL.kms.md §6, §7.
 */
#ifndef POSTERN_KEYS_CLUSTER_H
#define POSTERN_KEYS_CLUSTER_H

#include "base/arena.h"
#include "base/buf.h"
#include "keys/derive.h"
#include "keys/policy.h"

enum {
	KEYS_CLUSTER_ID_LEN = 16,
	KEYS_ROOTS_MAX = 64,
	KEYS_RECORDS_MAX = 8192,
	KEYS_RECORDS_APP_MAX = 1024, /* of one app */
	KEYS_HASH_LEN = 32,
	/* all that a cluster holds, as keys_cluster_write() writes it */
	KEYS_CLUSTER_MAX = 1000 * 1024,
};

struct keys_root_item {
	struct keys_root root;
	bool is_active;
	uint64_t version;
};

struct keys_record {
	uint8_t app[KEYS_ID_LEN], instance[KEYS_ID_LEN];
	char name[KEYS_PURPOSE_MAX + 1];
	uint64_t value;
	uint64_t version;
};

struct keys_cluster {
	bool is_founded;
	uint8_t id[KEYS_CLUSTER_ID_LEN];
	struct keys_root_item roots[KEYS_ROOTS_MAX]; /* epochs 1, 2, ... */
	size_t root_count;
	struct buf policy_text; /* empty: there is none */
	uint8_t policy_hash[KEYS_HASH_LEN];
	struct keys_policy policy;
	struct arena policy_arena;
	uint64_t policy_version;
	struct keys_record *records;
	size_t record_count, record_cap;
	uint64_t version; /* of the last change */
};

void keys_cluster_init(struct keys_cluster *c);
void keys_cluster_fini(struct keys_cluster *c);

/*
 * Founds it: a name, the first policy, and a pending root of epoch 1.
 * KEYS_DONE_ALREADY: it is founded; otherwise as keys_policy_read().
 */
enum keys_reason keys_cluster_found(struct keys_cluster *c,
				    const uint8_t id[KEYS_CLUSTER_ID_LEN],
				    const struct key32 *root,
				    struct span policy,
				    const struct keys_authority *authority,
				    char error[KEYS_POLICY_ERROR_MAX]);

/* NULL: none yet.  Borrowed until the next change. */
const struct keys_policy *keys_cluster_policy(const struct keys_cluster *c);
/* A newer policy.  KEYS_SERIAL: not newer than what is held; the same one
 * again is KEYS_OK and changes nothing. */
enum keys_reason keys_cluster_set_policy(struct keys_cluster *c,
					 struct span policy,
					 const struct keys_authority *authority,
					 char error[KEYS_POLICY_ERROR_MAX]);

/* The newest active epoch; 0: none. */
uint32_t keys_cluster_newest(const struct keys_cluster *c);
/* An active root; NULL: no such. */
const struct keys_root *keys_cluster_root(const struct keys_cluster *c,
					  uint32_t epoch);
/* The pending one (there is at most one); NULL: none. */
struct keys_root_item *keys_cluster_pending(struct keys_cluster *c);
/* Begins the next epoch.  KEYS_DONE_ALREADY: one is pending; KEYS_FULL. */
enum keys_reason keys_cluster_rotate(struct keys_cluster *c,
				     const struct key32 *root);
/* Makes the pending one active: all nodes hold it. */
void keys_cluster_activate(struct keys_cluster *c);

/* The record, made with value 0 where there is none; NULL: full.  Borrowed
 * until the next change. */
struct keys_record *keys_cluster_record(struct keys_cluster *c,
					const uint8_t app[KEYS_ID_LEN],
					const uint8_t instance[KEYS_ID_LEN],
					const char *name);
/* NULL: there is none. */
const struct keys_record *keys_cluster_find(const struct keys_cluster *c,
					    const uint8_t app[KEYS_ID_LEN],
					    const uint8_t instance[KEYS_ID_LEN],
					    const char *name);
/* Raises it, or leaves what is greater; true: it changed.  In any case it gets
 * a new version, and so is asked of the other nodes again. */
bool keys_cluster_raise(struct keys_cluster *c, struct keys_record *record,
			uint64_t to);

/* ---- items, as nodes tell them to each other and as they are kept ---- */

/*
 * Writes items newer than version 'after' in an order that stays, as many as
 * 'w' has room for; *upto is the version up to which all are written, then:
 * c->version when nothing is left.
 */
void keys_cluster_write_items(struct wr *w, uint64_t *upto,
			      const struct keys_cluster *c, uint64_t after);

/* What a merge did.  Where it is refused nothing is changed; but KEYS_FULL:
 * what had room was taken. */
struct keys_merged {
	enum keys_reason refused;
	bool is_changed;
	char error[KEYS_POLICY_ERROR_MAX]; /* of a refusal */
};
/*
 * Takes items of a node that is trusted with the roots.  'own' is this node's
 * instance: while the cluster is not founded here, the items must have a policy
 * that names it, and the cluster is founded by 'id'.  KEYS_OTHER_CLUSTER,
 * KEYS_NOT_A_NODE, KEYS_MALFORMED, KEYS_SIGNATURES, KEYS_FULL.
 */
struct keys_merged keys_cluster_merge(struct keys_cluster *c,
				      const uint8_t id[KEYS_CLUSTER_ID_LEN],
				      struct span items,
				      const uint8_t own[KEYS_ID_LEN],
				      const struct keys_authority *authority);

/* What is held here of those items, for their sender; items are well formed. */
void keys_cluster_write_held(struct wr *w, const struct keys_cluster *c,
			     struct span items);
enum keys_held {
	KEYS_HELD_ALL, /* everything, or something newer */
	KEYS_HELD_LESS, /* not everything */
	KEYS_HELD_BROKEN, /* breaks the grammar */
};
/* What the answer to items of ours says.  Numbers that are greater there are
 * taken over; *is_changed says so. */
enum keys_held keys_cluster_read_held(struct keys_cluster *c,
				      bool *is_changed, struct span held);

/* The whole, to be sealed, and back.  RC_LIMIT: no room; RC_MALFORMED: not
 * such, *c is as after init. */
enum rc keys_cluster_write(struct wr *w, const struct keys_cluster *c);
enum rc keys_cluster_read(struct keys_cluster *c, struct span text,
			  const struct keys_authority *authority);

#endif
