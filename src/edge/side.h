/*
 * side: one of the two sockets of a connection, watched edge-triggered: what
 * may be tried on it, and what has ended.
 */
#ifndef POSTERN_EDGE_SIDE_H
#define POSTERN_EDGE_SIDE_H

#include "base/buf.h"
#include "io/loop.h"

struct side {
	int fd; /* -1: not open */
	struct loop_watch watch;
	bool can_read, can_write; /* no EAGAIN since the last event */
	bool is_ending; /* epoll reported the end of the stream, or worse */
	bool is_eof; /* the peer's stream has been read to its end */
	bool is_shut; /* ours has been ended */
	int error; /* errno of the last SIDE_BROKEN */
};

#define SIDE_NULL ((struct side){ .fd = -1 })

enum side_status {
	SIDE_MOVED, /* *n > 0 bytes */
	SIDE_BLOCKED, /* try again after an event */
	SIDE_EOF, /* orderly end (reading only) */
	SIDE_BROKEN, /* reset, or another error */
};

/* Takes fd (on success only) and watches it for everything. */
enum rc side_open(struct side *s, struct loop *l, int fd, loop_watch_fn *fn,
		  void *arg);
/* Closes; with is_abort the peer sees a reset instead of an end. */
void side_close(struct side *s, struct loop *l, bool is_abort);

/* Notes what epoll reported. */
void side_event(struct side *s, uint32_t events);

enum side_status side_recv(struct side *s, void *out, size_t cap, size_t *n);
/* Sends what it can; *n may be less than all. */
enum side_status side_send(struct side *s, struct span bytes, size_t *n);
/* Sends and consumes what it can; SIDE_MOVED once *b is empty. */
enum side_status side_flush(struct side *s, struct buf *b, uint64_t *total);
/* Ends our stream (FIN), once. */
void side_shut(struct side *s);

#endif
