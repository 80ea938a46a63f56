/*
 * policy_load: a policy and the signed lists of platforms that it names, from
 * their files.
 *
 * A list that cannot be read is missing, and refuses what is judged by the
 * policy; it does not make the policy unreadable, so that a program starts and
 * says at each refusal what is wanting.
 */
#ifndef POSTERN_QUOTING_POLICY_LOAD_H
#define POSTERN_QUOTING_POLICY_LOAD_H

#include "base/arena.h"
#include "base/rc.h"
#include "tee/policy.h"

enum {
	POLICY_FILE_MAX = 1024 * 1024,
	POLICY_PATH_MAX = 4096,
};

/*
 * Reads the policy at 'path' and its lists below that file's folder into the
 * arena, made for POLICY_ARENA_MAX.  'before' is the policy that this one
 * replaces, or NULL: a list of the same name and key is then not older than the
 * one it had, however the file went back.
 *
 * RC_SYS, RC_LIMIT, RC_UNSUPPORTED (no regular file) or RC_MALFORMED: error
 * names the file, and the line.
 */
enum rc policy_load(struct tee_policy *out, struct arena *arena,
		    const char *path, const struct tee_policy *before,
		    char error[POLICY_ERROR_MAX]);

/* Where a list of the policy at 'policy' is kept.  False: too long. */
bool policy_list_path(char out[POLICY_PATH_MAX], const char *policy,
		      const struct policy_list *list);

#endif
