/*
 * bulk: bytes of one direction moved from socket to socket without copying them
 * (splice(2)), for flows that prove bulky.
 *
 * A short answer is cheaper to read and write; so a direction begins that way,
 * goes over to pipes after a large read, and back after a small one.  Without a
 * pipe to be had it stays with reading and writing.  A direction holds a pipe
 * only while there are bytes in it.
 *
 * sockmap (BPF) and io_uring were measured and cost more, see
 * docs/BENCHMARKS.md.
 */
#ifndef POSTERN_EDGE_BULK_H
#define POSTERN_EDGE_BULK_H

#include "edge/pool.h"
#include "edge/side.h"

/* Zeroed: not bulky. */
struct bulk {
	struct pipe *pipe; /* NULL, or with bytes owed to the sink */
	bool is_on;
};

enum bulk_status {
	BULK_MOVED, /* come again */
	BULK_WAIT, /* for an event of either side */
	BULK_EOF, /* the source has ended, and all of it was delivered */
	BULK_SOURCE_BROKEN, /* what it had sent before was delivered */
	BULK_SINK_BROKEN,
	BULK_OFF, /* read and write instead */
};

/* Notes that a read gave n bytes. */
void bulk_see(struct bulk *b, size_t n);
/* Whether it is bulk_move()'s turn. */
bool bulk_is_on(const struct bulk *b);
/* One pipe's worth; *total counts what was delivered. */
enum bulk_status bulk_move(struct bulk *b, struct pool *pool,
			   struct side *from, struct side *to, uint64_t *total);
/* Forgets bytes that are owed. */
void bulk_drop(struct bulk *b, struct pool *pool);

#endif
