/*
 * ytree: one YAML document as a tree in which every node knows its line.
 *
 * For files whose keys nobody can list beforehand, such as Compose's; files of
 * our own are read by conf, against a schema.  Anchors and aliases are
 * followed, since people use them there; a node that is inside itself is
 * refused.  So the tree is a graph without cycles: who walks it looks at named
 * keys, never at everything below.
 *
 * Stricter than YAML: a key twice in a mapping, a key that is no scalar, tags
 * of other types, several documents, and text that is not UTF-8 are refused.
 *
 * Pure: text in, tree in the caller's arena out.
 *
 * Source: YAML 1.1 as libyaml reads it; the merge key "<<" of its types.
 */
#ifndef POSTERN_COMPOSE_YTREE_H
#define POSTERN_COMPOSE_YTREE_H

#include "base/arena.h"
#include "base/rc.h"

enum {
	YTREE_DEPTH_MAX = 24,
	YTREE_NODES_MAX = 16 * 1024,
	YTREE_ANCHORS_MAX = 128,
	YTREE_MERGES_MAX = 3, /* "<<" inside one another */
	YTREE_MERGED_MAX = 8, /* maps of one "<<" */
	YTREE_ERROR_MAX = 256,
};

enum ytree_type {
	YTREE_SCALAR,
	YTREE_LIST,
	YTREE_MAP,
};

struct ytree;

/* A member of a list (no key) or of a map. */
struct ytree_item {
	struct span key;
	size_t line; /* of the key */
	const struct ytree *value;
	const struct ytree_item *next;
};

struct ytree {
	enum ytree_type type;
	size_t line; /* where it begins */
	bool is_plain; /* SCALAR: without quotes */
	struct span text; /* SCALAR; a NUL stands after it */
	const struct ytree_item *first;
	size_t count;
	unsigned merges; /* MAP: how deep its "<<" go; 0: it has none */
};

/*
 * RC_MALFORMED  error is "line: what is wrong"
 * RC_LIMIT      a bound above, or the arena has no room
 * On failure *out is untouched.  A file that holds nothing is an empty map.
 */
enum rc ytree_read(const struct ytree **out, struct arena *arena,
		   struct span text, char error[YTREE_ERROR_MAX]);

/*
 * A member of a map, also one that a "<<" of it brings in; NULL: not there, or
 * no map.
 */
const struct ytree *ytree_get(const struct ytree *map, const char *key);
/* Plain true, yes or on, in YAML 1.1's spellings. */
bool ytree_is_true(const struct ytree *node);
/* Absent, or written as nothing, "~" or null. */
bool ytree_is_null(const struct ytree *node);
/* A scalar that is exactly this text. */
bool ytree_is(const struct ytree *node, const char *text);

#endif
