/*
 * jtree: JSON of strangers, read strictly into memory that the caller bounds.
 *
 * By hand rather than by a JSON library: signatures cover bytes as served, so
 * the text has to be scanned here anyway; a library allocates where nobody can
 * bound it, and would be a dependency of everybody who embeds the verifier.
 *
 * RFC 8259, and stricter where two readers could differ: numbers are plain
 * digits, no member twice in an object (after its escapes are resolved), UTF-8
 * only, no NUL and no lone surrogate in a string.
 *
 * Pure: bytes in, views out; memory only from the arena.
 *
 * Source: RFC 8259; RFC 3629 (UTF-8); RFC 7493 §2 (I-JSON).
 */
#ifndef POSTERN_JSON_JTREE_H
#define POSTERN_JSON_JTREE_H

#include "base/arena.h"

enum {
	JTREE_DEPTH_MAX = 8, /* brackets inside one another */
	JTREE_MEMBERS_MAX = 64, /* of one object */
};

enum jtree_type {
	JTREE_NULL,
	JTREE_BOOL,
	JTREE_NUMBER,
	JTREE_TEXT,
	JTREE_ARRAY,
	JTREE_OBJECT,
};

/* One value.  Children are a list: first, then next of each, to NULL. */
struct jtree {
	enum jtree_type type;
	bool is_true; /* BOOL */
	uint64_t number; /* NUMBER */
	struct span text; /* TEXT, escapes resolved */
	const struct jtree *first; /* ARRAY, OBJECT */
	size_t count; /* of children */
	struct span key; /* of a member, escapes resolved */
	const struct jtree *next;
};

/*
 * The tree of 'text', one value with nothing but white space around it.  It
 * borrows 'text' and the arena.  NULL: grammar, a bound above, a number over
 * 2^64 - 1, or the arena has no room.
 */
const struct jtree *jtree_read(struct arena *arena, struct span text);

/* The member of an object, or NULL; a NULL or other value has none. */
const struct jtree *jtree_get(const struct jtree *object, const char *key);

/*
 * Scanning without a tree, for texts of which one part is signed.  Each
 * advances, or gives false and changes no output.  Members are not compared
 * with one another.
 */
void jtree_skip_white(struct span *s);
bool jtree_rd_byte(struct span *s, uint8_t want);
/* A string; 'content' is what stands between the quotes, escapes and all. */
bool jtree_rd_string(struct span *s, struct span *content);
/* An object whole, without the white space in front of it. */
bool jtree_rd_object(struct span *s, struct span *whole);

#endif
