/*
 * span: bytes somebody else owns, and the only way to read them.
 *
 * A span is consumed from the front.  Every rd_* either succeeds and advances,
 * or fails and changes nothing, neither the span nor the output.  There is one
 * bounds check in the program: rd_n().  Reads chain with && so that a parser
 * has the shape of its grammar; rd_end() closes each length.
 *
 * The smallest of them stand here whole: a parser is made of them, and calling
 * them would cost more than what they do.
 *
 * Does not own, copy or allocate.  A span borrows for as long as its holder's
 * header says.
 */
#ifndef POSTERN_BASE_SPAN_H
#define POSTERN_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* n bytes at p; p may be NULL only when n is 0. */
struct span {
	const uint8_t *p;
	size_t n;
};

/* A span over memory, over a whole array, and over a string without its NUL. */
static inline struct span span_of(const void *p, size_t n)
{
	return (struct span){ .p = p, .n = n };
}
struct span span_str(const char *s);
#define SPAN_ARRAY(a) span_of((a), sizeof(a))

/* Byte for byte.  Not constant-time: secrets go through ct_equal(). */
static inline bool span_equal(struct span a, struct span b)
{
	/* public: spans are never secrets */
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
bool span_equal_str(struct span a, const char *s);
/* ASCII letters compare without case. */
bool span_equal_nocase(struct span a, struct span b);
bool span_has_prefix(struct span s, struct span prefix);
/* Every byte is zero; true for an empty span. */
bool span_is_zero(struct span s);

/* Takes the first n bytes.  The one bounds check. */
static inline bool rd_n(struct span *s, struct span *out, size_t n)
{
	if (n > s->n)
		return false;
	*out = span_of(s->p, n);
	/* An empty span may have no pointer to add to. */
	if (n)
		s->p += n;
	s->n -= n;
	return true;
}
/* Nothing is left. */
static inline bool rd_end(const struct span *s)
{
	return s->n == 0;
}
static inline bool rd_skip(struct span *s, size_t n)
{
	struct span skipped;

	return rd_n(s, &skipped, n);
}
/* Copies n bytes to 'out', which has room for them. */
bool rd_copy(struct span *s, void *out, size_t n);

static inline bool rd_u8(struct span *s, uint8_t *v)
{
	struct span b;

	if (!rd_n(s, &b, 1))
		return false;
	*v = b.p[0];
	return true;
}
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
