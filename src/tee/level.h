/*
 * level: what TCB info and enclave identities say of one TCB level, and the
 * lists of levels told apart by one SVN (TDX modules, quoting enclaves).
 *
 * Source: Intel PCS v4, "tcbLevels".
 */
#ifndef POSTERN_TEE_LEVEL_H
#define POSTERN_TEE_LEVEL_H

#include "base/arena.h"
#include "tee/document.h"
#include "tee/reason.h"
#include "tee/status.h"

enum {
	LEVELS_MAX = 1024, /* of one list */
	ADVISORIES_MAX = 64, /* of one level */
	ADVISORY_LEN = 31, /* longest id */
};

/* The part every level has.  Ids are NUL-terminated, [A-Za-z0-9._-]. */
struct level {
	enum tee_tcb_status status;
	int64_t date; /* tcbDate, unix seconds */
	const char *const *advisories;
	size_t advisory_count;
};

/* A platform reaches it with an SVN not below isv_svn. */
struct svn_level {
	uint16_t isv_svn;
	struct level level;
};

/* Latest first. */
struct svn_levels {
	const struct svn_level *items;
	size_t count;
};

/*
 * Both read from parsed JSON, memory from the arena.
 *
 * TEE_COLLATERAL_MALFORMED  a member is missing or not of its form, two levels
 *                           of one SVN, or a limit
 * TEE_TCB_UNRECOGNIZED      a tcbStatus we do not know
 */
enum tee_reason level_read(struct level *out, struct arena *arena,
			   const struct jtree *object);
/* 'key' names the list in the object; an empty list is of its form. */
enum tee_reason svn_levels_read(struct svn_levels *out, struct arena *arena,
				const struct jtree *object, const char *key);

/* The first level that 'svn' reaches, or NULL. */
const struct level *svn_levels_match(const struct svn_levels *l, uint16_t svn);

#endif
