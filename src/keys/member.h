/*
 * member: members of a JSON object, read as strictly as what is signed must be:
 * each has the type and the bounds that were asked for, and none is there that
 * was not asked for.  For the readers of policies, manifests' "kms" and
 * documents.
 *
 * A member that comes twice is refused before, by jtree_read().
 *
 * Pure.  Says nothing but yes and no; the reader says what it expected, by
 * keys_member_bad().
 */
#ifndef POSTERN_KEYS_MEMBER_H
#define POSTERN_KEYS_MEMBER_H

#include "json/jtree.h"
#include "keys/policy.h"

/* Writes "<key>: expected <expected>", cut where it is longer, and returns
 * false. */
bool keys_member_bad(char error[KEYS_POLICY_ERROR_MAX], const char *key,
		     const char *expected);

/* It is an object, and has no member beside those; 'known' ends with NULL. */
bool keys_member_only(const struct jtree *object, const char *const *known);

/* A member that must be there, a text; *out borrows the tree. */
bool keys_member_text(struct span *out, const struct jtree *object,
		      const char *key);
/* ... of 2 * n hex digits.  On failure 'out' may be written in part. */
bool keys_member_hex(void *out, size_t n, const struct jtree *object,
		     const char *key);

/* Members that may be left out; then *out stays. */
bool keys_member_number(uint64_t *out, const struct jtree *object,
			const char *key, uint64_t min, uint64_t max);
bool keys_member_bool(bool *out, const struct jtree *object, const char *key);

/* An array of at most 'max' elements; *array is NULL where it is left out. */
bool keys_member_array(const struct jtree **array, const struct jtree *object,
		       const char *key, size_t max);

#endif
