/*
 * wr: writing bytes into a buffer of fixed size.
 *
 * A writer never overruns.  The first write that does not fit is remembered
 * and turns every later write into nothing; wr_done() reports it, once, at the
 * end.  Lengths are reserved, then closed when their content is written.
 *
 * The buffer is the caller's and outlives the writer.
 */
#ifndef POSTERN_BASE_WR_H
#define POSTERN_BASE_WR_H

#include "base/span.h"

/* n bytes of cap are written; 'over' once one did not fit. */
struct wr {
	uint8_t *p;
	size_t n, cap;
	bool over;
};

/* Where a reserved length stands: its offset and its width in bytes. */
struct wr_mark {
	size_t at;
	size_t width;
};

struct wr wr_over(void *p, size_t cap);
#define WR_ARRAY(a) wr_over((a), sizeof(a))

/* What was written so far; empty after an overflow. */
struct span wr_span(const struct wr *w);
/* True, and *out filled, when everything written did fit. */
bool wr_done(const struct wr *w, struct span *out);

void wr_bytes(struct wr *w, struct span b);
void wr_str(struct wr *w, const char *s);
void wr_zero(struct wr *w, size_t n);
void wr_u8(struct wr *w, uint8_t v);
void wr_be16(struct wr *w, uint16_t v);
void wr_be24(struct wr *w, uint32_t v);
void wr_be32(struct wr *w, uint32_t v);
void wr_be64(struct wr *w, uint64_t v);
void wr_le16(struct wr *w, uint16_t v);
void wr_le32(struct wr *w, uint32_t v);
void wr_le64(struct wr *w, uint64_t v);

/* A big-endian length of 1, 2 or 3 bytes, then the bytes. */
void wr_vec8(struct wr *w, struct span b);
void wr_vec16(struct wr *w, struct span b);
void wr_vec24(struct wr *w, struct span b);

/*
 * Reserves a big-endian length of 'width' (1..4) bytes; wr_close() fills in
 * how many bytes were written since.  A content too long for the width counts
 * as overflow.
 */
struct wr_mark wr_open(struct wr *w, size_t width);
void wr_close(struct wr *w, struct wr_mark m);

/* printf into the buffer, without a NUL.  What does not fit is overflow. */
void wr_printf(struct wr *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
