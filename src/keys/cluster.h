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
 * another node lacks.  How it is told to other nodes is keys/items.h, what is
 * made of what they tell keys/merge.h, of what they answer keys/held.h; how it
 * is kept on disk is keys/kept.h.
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
#include "keys/draft.h"
#include "keys/policy.h"

enum {
	KEYS_CLUSTER_ID_LEN = 16,
	KEYS_ROOTS_MAX = 64,
	KEYS_RECORDS_MAX = 8192,
	KEYS_RECORDS_APP_MAX = 1024, /* of one app */
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

/* ---- the rules by which items merge; callers: merge, held, kept ---- */

/* Of two pending roots of one epoch, by their ids, or of two policies of one
 * serial, by their hashes: the first is the one that stays.  False for equal
 * ones. */
bool keys_cluster_precedes(const uint8_t a[KEYS_HASH_LEN],
			   const uint8_t b[KEYS_HASH_LEN]);
/* The policy of that hash is the one in force. */
bool keys_cluster_is_same_policy(const struct keys_cluster *c,
				 const uint8_t hash[KEYS_HASH_LEN]);
/* Puts it in force, whatever its serial; asks nothing.  *d was read and is
 * empty afterwards: its arena is the cluster's, its text is copied. */
void keys_cluster_take_policy(struct keys_cluster *c, struct keys_draft *d);
/* False: it cannot be, among nodes that keep the rules; nothing is changed. */
bool keys_cluster_merge_root(struct keys_cluster *c,
			     const struct keys_root *in, bool is_active);
/* False: full.  Another node's count of one app's is its own affair. */
bool keys_cluster_merge_record(struct keys_cluster *c,
			       const struct keys_record *in);

#endif
