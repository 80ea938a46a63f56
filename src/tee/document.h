/*
 * document: signed JSON documents, and strict reading of JSON members.
 *
 * The signature covers the bytes of one member exactly as they were served, so
 * the member is cut out of the text first, and what is then read is that slice
 * and nothing else.
 *
 * Source: Intel PCS v4 (only non-negative integers are used).
 */
#ifndef POSTERN_TEE_DOCUMENT_H
#define POSTERN_TEE_DOCUMENT_H

#include "crypto/p256.h"
#include "json/jtree.h"

enum {
	DOCUMENT_MAX = 256 * 1024,
	/* memory of one document's tree; Intel's largest takes a fortieth */
	DOCUMENT_TREE_MAX = 4 * 1024 * 1024,
};

/*
 * Splits {"<name>":{...},"signature":"<128 hex>"}, members in either order,
 * white space allowed around but not counted into the object.  False, outputs
 * untouched: another member, one twice, one missing, grammar, limits, bytes
 * after the end.
 */
bool document_split(struct span *object, struct p256_signature *signature,
		    struct span text, const char *name);

/*
 * The tree of one JSON value of at most DOCUMENT_MAX bytes, which borrows the
 * text and the arena; NULL as jtree_read().
 */
const struct jtree *document_load(struct arena *arena, struct span text);

/*
 * Members of an object.  False, output untouched: absent, of another type, out
 * of range.  Texts and arrays borrow the tree.
 */
bool document_u32(const struct jtree *object, const char *key, uint32_t *v,
		  uint32_t max);
bool document_text(const struct jtree *object, const char *key,
		   struct span *text);
/* Exactly n bytes of hex, either case. */
bool document_hex(const struct jtree *object, const char *key, void *out,
		  size_t n);
/* YYYY-MM-DDTHH:MM:SSZ as unix seconds. */
bool document_time(const struct jtree *object, const char *key,
		   int64_t *unix_s);
/* An array of at most 'max' elements. */
bool document_array(const struct jtree *object, const char *key,
		    const struct jtree **array, size_t max);
bool document_object(const struct jtree *object, const char *key,
		     const struct jtree **member);
bool document_has(const struct jtree *object, const char *key);

#endif
