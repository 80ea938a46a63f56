/*
 * member: the members of a JSON object by their type.
 *
 * An object that is NULL or no object has none.
 */
#ifndef POSTERN_ACME_MEMBER_H
#define POSTERN_ACME_MEMBER_H

#include "json/jtree.h"

/* A text; empty when there is none, or it is something else. */
struct span member_text(const struct jtree *object, const char *key);
/* A list; NULL when there is none, or it is something else. */
const struct jtree *member_list(const struct jtree *object, const char *key);

/* False, and nothing written, when it is not there, of another type, or too
 * large: a text with its NUL is at most cap bytes, a number below 2^63. */
bool member_copy(char *out, size_t cap, const struct jtree *object,
		 const char *key);
#define MEMBER_COPY(array, object, key) \
	member_copy((array), sizeof(array), (object), (key))
bool member_number(int64_t *out, const struct jtree *object, const char *key);
bool member_bool(bool *out, const struct jtree *object, const char *key);

#endif
