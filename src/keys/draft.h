/*
 * draft: a policy that was read and whose signatures hold, with the hash that
 * names it, before a cluster takes it (keys_cluster_take_policy()) or lets it
 * go.  Says nothing of serials: whether it is newer is the cluster's question.
 *
 * Pure.  Source: docs/PROTOCOL.kms.md §2, §7.
 */
#ifndef POSTERN_KEYS_DRAFT_H
#define POSTERN_KEYS_DRAFT_H

#include "base/arena.h"
#include "keys/policy_read.h"

enum {
	KEYS_HASH_LEN = 32,
};

struct keys_draft {
	struct arena arena; /* what 'policy' lives in */
	struct keys_policy policy;
	uint8_t hash[KEYS_HASH_LEN]; /* of the text, under a label of ours */
	struct span text; /* borrowed from who gave it to be read */
};

/* Also of one that is zero, that could not be read, or that was taken. */
void keys_draft_fini(struct keys_draft *d);

/* Reads the document 'text' into *d, which is zero; keys_draft_fini() it,
 * whatever comes back.  Fails as keys_policy_read(). */
enum keys_reason keys_draft_read(struct keys_draft *d, struct span text,
				 const struct keys_authority *authority,
				 char error[KEYS_POLICY_ERROR_MAX]);

#endif
