/*
 * merge: what a node takes over of another node's items (keys/items.h), by the
 * cluster's rules (keys/cluster.h): the greater of each, in any order, any
 * number of times.
 *
 * Who sent the items is not asked here: the caller verified a peer that may
 * hold the roots.
 *
 * Pure.  Source: docs/PROTOCOL.kms.md §6, §7.
 */
#ifndef POSTERN_KEYS_MERGE_H
#define POSTERN_KEYS_MERGE_H

#include "keys/cluster.h"

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
struct keys_merged keys_merge(struct keys_cluster *c,
			      const uint8_t id[KEYS_CLUSTER_ID_LEN],
			      struct span items,
			      const uint8_t own[KEYS_ID_LEN],
			      const struct keys_authority *authority);

/* The roots and records among items that are well formed, nothing else: not
 * the policy.  False: a root that cannot be, or no room for a record; what came
 * before it was taken. */
bool keys_merge_apply(struct keys_cluster *c, struct span items);

#endif
