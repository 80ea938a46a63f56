/*
 * span: bytes somebody else owns, and the only way to read them.
 *
 * A span is consumed from the front.  Every rd_* either succeeds and advances,
 * or fails and changes nothing, neither the span nor the output.  There is one
 * bounds check in the program: rd_n().  Reads chain with && so that a parser
 * has the shape of its grammar; rd_end() closes each length.
 *
 * Does not own, copy or allocate.  A span borrows for as long as its holder's
 * header says.
 */
#ifndef POSTERN_BASE_SPAN_H
#define POSTERN_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* n bytes at p; p may be NULL only when n is 0. */
struct span {
	const uint8_t *p;
	size_t n;
};

/* A span over memory, over a whole array, and over a string without its NUL. */
struct span span_of(const void *p, size_t n);
struct span span_str(const char *s);
#define SPAN_ARRAY(a) span_of((a), sizeof(a))

/* Byte for byte.  Not constant-time: secrets go through ct_equal(). */
bool span_equal(struct span a, struct span b);
bool span_equal_str(struct span a, const char *s);
/* ASCII letters compare without case. */
bool span_equal_nocase(struct span a, struct span b);
bool span_has_prefix(struct span s, struct span prefix);
/* Every byte is zero; true for an empty span. */
bool span_is_zero(struct span s);

/* Takes the first n bytes.  The one bounds check. */
bool rd_n(struct span *s, struct span *out, size_t n);
/* Nothing is left. */
bool rd_end(const struct span *s);
bool rd_skip(struct span *s, size_t n);
/* Copies n bytes to 'out', which has room for them. */
bool rd_copy(struct span *s, void *out, size_t n);

bool rd_u8(struct span *s, uint8_t *v);
bool rd_be16(struct span *s, uint16_t *v);
bool rd_be24(struct span *s, uint32_t *v);
bool rd_be32(struct span *s, uint32_t *v);
bool rd_be64(struct span *s, uint64_t *v);
bool rd_le16(struct span *s, uint16_t *v);
bool rd_le32(struct span *s, uint32_t *v);
bool rd_le64(struct span *s, uint64_t *v);

/* A big-endian length of 1, 2 or 3 bytes, then that many bytes. */
bool rd_vec8(struct span *s, struct span *out);
bool rd_vec16(struct span *s, struct span *out);
bool rd_vec24(struct span *s, struct span *out);

/*
 * The bytes before the first 'sep', which is consumed too; without a 'sep' the
 * whole rest.  False only when the span is empty.
 */
bool rd_until(struct span *s, struct span *out, uint8_t sep);

#endif
