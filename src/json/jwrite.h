/*
 * jwrite: JSON written piece by piece into a buffer, in the order of the calls:
 * the same calls give the same bytes, so that their hash can be signed.
 *
 * No white space, "/" unescaped, UTF-8 as it is; what is no UTF-8, too large
 * for the buffer or nested too deep is remembered, and jwrite_done() reports
 * it, once, at the end.  That brackets are closed in order and a member has a
 * key is the caller's business (asserted); that no key comes twice, too.
 *
 * Source: RFC 8259; RFC 7493 (I-JSON).
 */
#ifndef POSTERN_JSON_JWRITE_H
#define POSTERN_JSON_JWRITE_H

#include "base/buf.h"

enum {
	JWRITE_DEPTH_MAX = 16,
	JWRITE_BYTES_MAX = 1024 * 1024, /* of a value written as digits */
};

/* Appends to 'to', which it borrows. */
struct jwrite {
	struct buf *to;
	bool failed;
	bool is_first; /* of its object or array */
	unsigned depth; /* open brackets */
	bool is_array[JWRITE_DEPTH_MAX];
};

struct jwrite jwrite_to(struct buf *to);
/* True when all is closed and everything did fit. */
[[nodiscard]] bool jwrite_done(const struct jwrite *j);

/*
 * Everywhere 'key' is the member's name in an object, our own ASCII word, and
 * NULL in an array or at the top.
 */
void jwrite_object(struct jwrite *j, const char *key);
void jwrite_array(struct jwrite *j, const char *key);
/* Closes the innermost of these. */
void jwrite_end(struct jwrite *j);

void jwrite_text(struct jwrite *j, const char *key, struct span utf8);
void jwrite_str(struct jwrite *j, const char *key, const char *utf8);
void jwrite_number(struct jwrite *j, const char *key, uint64_t v);
void jwrite_bool(struct jwrite *j, const char *key, bool v);
void jwrite_null(struct jwrite *j, const char *key);

/* Bytes as text: lower-case hex, base64, base64url without padding. */
void jwrite_hex(struct jwrite *j, const char *key, struct span bytes);
void jwrite_base64(struct jwrite *j, const char *key, struct span bytes);
void jwrite_base64url(struct jwrite *j, const char *key, struct span bytes);
/* "2026-03-01T00:00:00Z" */
void jwrite_utc(struct jwrite *j, const char *key, int64_t unix_s);

/* A value that is JSON already. */
void jwrite_raw(struct jwrite *j, const char *key, struct span json);

#endif
