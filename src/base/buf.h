/*
 * buf: a byte queue that grows up to a bound given when it is made.
 *
 * Bytes are added at the back and consumed from the front.  A zeroed buf is a
 * valid empty one whose bound is 0.
 */
#ifndef POSTERN_BASE_BUF_H
#define POSTERN_BASE_BUF_H

#include "base/span.h"
#include "base/wr.h"

/* Content: p[at .. at+n).  cap bytes are allocated, never more than max. */
struct buf {
	uint8_t *p;
	size_t at, n, cap, max;
};

void buf_init(struct buf *b, size_t max);
/* Frees the storage; the buf is empty and usable again. */
void buf_fini(struct buf *b);
/* As buf_fini, after erasing what it held. */
void buf_wipe(struct buf *b);
/* Forgets the content, keeps the storage. */
void buf_reset(struct buf *b);

/* Borrows the content, until the next call that changes it. */
struct span buf_span(const struct buf *b);
/* How many more bytes fit under the bound. */
size_t buf_room(const struct buf *b);

/* Copies b to the back.  False, and nothing changed, when over the bound. */
[[nodiscard]] bool buf_add(struct buf *b, struct span bytes);
/* Drops n bytes from the front; n is at most the content's length. */
void buf_consume(struct buf *b, size_t n);

/*
 * Space for up to 'want' bytes at the back, *n says how many (0: the bound is
 * reached); buf_commit() then adds the first 'n' of them.
 */
uint8_t *buf_space(struct buf *b, size_t want, size_t *n);
void buf_commit(struct buf *b, size_t n);

#endif
