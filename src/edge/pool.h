/*
 * pool: what connections of a worker borrow while bytes of theirs are in
 * flight, and only then: buffers, and pipes for splice(2).
 *
 * An idle connection holds none.  What comes back last is lent first, while it
 * is still in the processor's caches.  Both kinds are bounded: buffers by what
 * is kept for the next borrower (who finds none makes one), pipes by number
 * (who finds none does without), for each takes two descriptors.
 */
#ifndef POSTERN_EDGE_POOL_H
#define POSTERN_EDGE_POOL_H

#include "base/buf.h"

enum {
	POOL_BUFFERS_MAX = 16, /* kept */
	POOL_PIPES_MAX = 32, /* open at a time, lent or kept */
	POOL_FILES = 2 * POOL_PIPES_MAX, /* descriptors */
};

struct pipe {
	int in, out; /* the ends to write to and to read from */
	size_t n; /* bytes in it */
};

struct pool {
	size_t buffer_len; /* of each kept */
	uint8_t *buffers[POOL_BUFFERS_MAX];
	size_t buffer_count;
	struct pipe *pipes[POOL_PIPES_MAX]; /* kept, empty */
	size_t pipe_count;
	size_t pipes_open;
};

/* 'buffer_len' is what most borrowers need room for. */
void pool_init(struct pool *p, size_t buffer_len);
void pool_fini(struct pool *p);

/* Gives b storage in place of less that it has, if its bound allows. */
void pool_lend(struct pool *p, struct buf *b);
/* Takes the storage of b back, when b is empty. */
void pool_settle(struct pool *p, struct buf *b);

/* NULL: none to be had.  Non-blocking, empty. */
struct pipe *pool_pipe(struct pool *p);
/* Takes it back; one with bytes in it is closed.  NULL is fine. */
void pool_pipe_back(struct pool *p, struct pipe *pipe);

#endif
