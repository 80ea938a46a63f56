/*
 * quorum: what this node knows of the other nodes, and whether that is enough.
 *
 * Nodes count by their instance ids, each once, and only those that the policy
 * lists; this node counts itself if it is one of them.
 *
 * Pure.  Source: docs/PROTOCOL.kms.md §7.
 */
#ifndef POSTERN_KEYS_QUORUM_H
#define POSTERN_KEYS_QUORUM_H

#include "keys/policy.h"

enum {
	KEYS_QUORUM_MAX = 64, /* nodes remembered, over all policies */
};

struct keys_node {
	uint8_t id[KEYS_ID_LEN];
	bool is_linked; /* we can tell it things */
	uint64_t confirmed; /* the version up to which it holds all of ours */
	bool was_heard;
	/* when, at the earliest, it last told us all that it holds */
	uint64_t heard_at_ms;
};

struct keys_quorum {
	uint8_t own[KEYS_ID_LEN];
	struct keys_node nodes[KEYS_QUORUM_MAX];
	size_t count;
};

/* The node, made where it is not known; NULL: too many. */
struct keys_node *keys_quorum_node(struct keys_quorum *q,
				   const uint8_t id[KEYS_ID_LEN]);

/* Nodes that hold everything up to a version, and nodes we can tell things;
 * with this one. */
size_t keys_quorum_holders(const struct keys_quorum *q,
			   const struct keys_policy *p, uint64_t version);
size_t keys_quorum_linked(const struct keys_quorum *q,
			  const struct keys_policy *p);
/* Every node that we can tell things holds everything up to a version. */
bool keys_quorum_is_settled(const struct keys_quorum *q,
			    const struct keys_policy *p, uint64_t version);
/* A majority, with this node, told us all it holds within the last while. */
bool keys_quorum_is_fresh(const struct keys_quorum *q,
			  const struct keys_policy *p, uint64_t now_ms,
			  uint64_t within_ms);

#endif
