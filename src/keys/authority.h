/*
 * authority: who may sign a release policy, and whether enough of them did.
 * The administrators' keys are measured, in the service's manifest:
 *
 *   "kms": {"quorum": 2, "admins": ["<128 hex: P-256 point, x || y>", ...]}
 *
 * A signature is ECDSA P-256 with SHA-256, r || s, over the object's bytes as
 * they stand, from its brace to its brace.  Each administrator counts once;
 * a key that is no administrator's, or a signature that is wrong, refuses the
 * document whole.
 *
 * Does not look into what is signed.
 *
 * Pure.  Source: docs/PROTOCOL.kms.md §2.
 */
#ifndef POSTERN_KEYS_AUTHORITY_H
#define POSTERN_KEYS_AUTHORITY_H

#include "base/rc.h"
#include "crypto/p256.h"
#include "keys/policy.h"

enum {
	KEYS_ADMINS_MAX = 16,
};

/* Who may sign. */
struct keys_authority {
	struct p256_point admins[KEYS_ADMINS_MAX];
	size_t admin_count; /* 1.. */
	size_t quorum; /* 1..admin_count */
};
/* From the manifest's bytes.  RC_MALFORMED: error says what is expected; also
 * where an administrator comes twice. */
enum rc keys_authority_read(struct keys_authority *out, struct span manifest,
			    char error[KEYS_POLICY_ERROR_MAX]);

struct keys_signature {
	struct p256_point key;
	struct p256_signature signature;
};
/*
 * Do signatures of a quorum, each of another administrator, stand for these
 * bytes?  False: too few of them, one that is wrong, one of a stranger, or two
 * of one administrator; error says which.
 */
bool keys_authority_check(const struct keys_authority *a, struct span object,
			  const struct keys_signature *s, size_t count,
			  char error[KEYS_POLICY_ERROR_MAX]);

#endif
