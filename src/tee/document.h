/*
 * document: signed JSON documents, and strict reading of JSON members.
 *
 * The signature covers the bytes of one member exactly as they were served, so
 * the member is cut out of the text before any JSON library sees it, and what
 * the library then reads is that slice and nothing else.  What it is given was
 * scanned first: depth, size and the number grammar are bounded.
 *
 * Source: RFC 8259; Intel PCS v4 (only non-negative integers are used).
 */
#ifndef POSTERN_TEE_DOCUMENT_H
#define POSTERN_TEE_DOCUMENT_H

#include <jansson.h>

#include "base/span.h"
#include "crypto/p256.h"

enum {
	DOCUMENT_MAX = 256 * 1024,
	DOCUMENT_DEPTH_MAX = 8,
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
 * The tree of one JSON value: depth at most DOCUMENT_DEPTH_MAX, numbers plain
 * digits, no member twice in an object, nothing but white space around.
 * Returns owned, document_free(); NULL: refused.
 */
json_t *document_load(struct span text);
/* For AUTO(). */
void document_free(json_t **tree);

/*
 * Members of an object.  False, output untouched: absent, of another type, out
 * of range.  Texts and arrays borrow the tree.
 */
bool document_u32(const json_t *object, const char *key, uint32_t *v,
		  uint32_t max);
bool document_text(const json_t *object, const char *key, struct span *text);
/* Exactly n bytes of hex, either case. */
bool document_hex(const json_t *object, const char *key, void *out, size_t n);
/* YYYY-MM-DDTHH:MM:SSZ as unix seconds. */
bool document_time(const json_t *object, const char *key, int64_t *unix_s);
/* An array of at most 'max' elements. */
bool document_array(const json_t *object, const char *key,
		    const json_t **array, size_t max);
bool document_object(const json_t *object, const char *key,
		     const json_t **member);
bool document_has(const json_t *object, const char *key);

#endif
