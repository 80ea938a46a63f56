/*
 * policy_read: a release policy, read from its document and wholly checked:
 * first the signatures, then each member.  What may stand in it is listed in
 * keys/policy.h; a member that is not, or one that comes twice, refuses it.
 *
 * Decides nothing: that is keys/policy.h.
 *
 * Pure.  Source: docs/PROTOCOL.kms.md §2.
 */
#ifndef POSTERN_KEYS_POLICY_READ_H
#define POSTERN_KEYS_POLICY_READ_H

#include "base/arena.h"
#include "keys/authority.h"
#include "keys/policy.h"

struct jtree;

/*
 * Reads a document; it lives in the arena and borrows 'text'.
 *
 * KEYS_OK
 * KEYS_MALFORMED   error says where
 * KEYS_SIGNATURES  too few of them, one that is wrong, one of a stranger, or
 *                  two of one administrator
 *
 * On failure *out is untouched.
 */
enum keys_reason keys_policy_read(struct keys_policy *out, struct arena *arena,
				  struct span text,
				  const struct keys_authority *authority,
				  char error[KEYS_POLICY_ERROR_MAX]);

/* What a document says, whoever signed it: for who is about to sign.  As
 * keys_policy_read() without the signatures. */
enum keys_reason keys_policy_read_object(struct keys_policy *out,
					 struct arena *arena,
					 struct span object,
					 char error[KEYS_POLICY_ERROR_MAX]);

/* ---- for policy_read*.c only ---- */

/* What a reader of parts needs. */
struct keys_policy_reading {
	struct arena *arena; /* the policy lives there */
	char *error; /* KEYS_POLICY_ERROR_MAX */
	const struct keys_policy *policy; /* what was read of it so far */
};
/* Which of the images that were read has that name; false: none, and *out is
 * untouched. */
bool keys_policy_read_find(size_t *out, const struct keys_policy *p,
			   struct span name);
/* Reads "apps" of the object into 'p', whose images were read.  False: an app
 * is malformed, or the arena is full; p->app_count says which app. */
bool keys_policy_read_apps(struct keys_policy *p,
			   const struct keys_policy_reading *r,
			   const struct jtree *object);

#endif
