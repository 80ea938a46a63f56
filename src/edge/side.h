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
	struct loop *loop; /* borrowed */
	struct loop_watch watch; /* for room only once it was wanting */
	bool can_read, can_write; /* no EAGAIN since the last event */
	bool is_ending; /* epoll reported the end of the stream, or worse */
	bool is_eof; /* the peer's stream has been read to its end */
	bool is_shut; /* ours has been ended */
	bool is_failed; /* epoll reported an error: sock_error() has it */
	bool is_reset; /* behind the bytes that are left: no end, a reset */
	bool is_prompt; /* TCP_NODELAY is on, or there is none */
	bool has_sent;
	int error; /* errno of the last SIDE_BROKEN */
};

#define SIDE_NULL ((struct side){ .fd = -1 })

enum side_status {
	SIDE_MOVED, /* *n > 0 bytes */
	SIDE_BLOCKED, /* try again after an event */
	SIDE_EOF, /* orderly end (reading only) */
	SIDE_BROKEN, /* reset, or another error */
};

enum side_origin {
	SIDE_ACCEPTED, /* from a listener that side_listen() was told of */
	SIDE_CONNECTING,
	SIDE_CONNECTED, /* and something was sent */
};

/*
 * Sets what connections inherit from a listener, TCP_NODELAY, and that one is
 * not worth a wake-up before its first bytes are here (TCP_DEFER_ACCEPT): a
 * client that says nothing is accepted a second or two later.
 */
void side_listen(int listen_fd);

/* Takes fd (on success only) and watches it for all that may come. */
enum rc side_open(struct side *s, struct loop *l, int fd,
		  enum side_origin origin, loop_watch_fn *fn, void *arg);
/* Closes; with is_abort the peer sees a reset instead of an end. */
void side_close(struct side *s, struct loop *l, bool is_abort);

/* Notes what epoll reported. */
void side_event(struct side *s, uint32_t events);

/*
 * Whether a connect() that is over has worked; asked once.  So it has when the
 * peer was connected, said something and reset the connection, all before it
 * was our turn: reading gets those bytes, then SIDE_BROKEN.
 */
bool side_has_connected(struct side *s);

enum side_status side_recv(struct side *s, void *out, size_t cap, size_t *n);
/* Whether the end comes with the bytes: the kernel may wait for it, so that one
 * packet carries both. */
enum side_more {
	SIDE_NO_MORE,
	SIDE_END_FOLLOWS,
};

/* Sends what it can; *n may be less than all. */
enum side_status side_send(struct side *s, struct span bytes,
			   enum side_more more, size_t *n);
/* Sends and consumes what it can; SIDE_MOVED once *b is empty. */
enum side_status side_flush(struct side *s, struct buf *b, enum side_more more,
			    uint64_t *total);
/* Between socket and pipe, without copying: as side_recv() into a pipe that is
 * empty, as side_send() from one that holds n bytes at least.  A pipe's end of
 * SIGPIPE's is not kept off: the program ignores it. */
enum side_status side_splice_in(struct side *s, int pipe_fd, size_t cap,
				size_t *n);
enum side_status side_splice_out(struct side *s, int pipe_fd, size_t want,
				 size_t *n);
/* Ends our stream (FIN), once.  With is_closing the descriptor is closed next,
 * which ends it, too, and nothing is done here. */
void side_shut(struct side *s, bool is_closing);

#endif
