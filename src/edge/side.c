#include "edge/side.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/sock.h"

enum {
	DEFER_S = 1, /* for the first bytes, before accept() has the socket */
};

void side_listen(int listen_fd)
{
	const int on = 1, seconds = DEFER_S;

	/* Refused by unix sockets, which never wait for more. */
	(void)setsockopt(listen_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(listen_fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds,
			 sizeof(seconds));
}

enum rc side_open(struct side *s, struct loop *l, int fd,
		  enum side_origin origin, loop_watch_fn *fn, void *arg)
{
	uint32_t events = EPOLLIN | EPOLLRDHUP | EPOLLET;
	enum rc rc;

	/* One that is connected has room, which is no news. */
	if (origin == SIDE_CONNECTING)
		events |= EPOLLOUT;
	*s = SIDE_NULL;
	rc = loop_watch_add(l, &s->watch, fd, events, fn, arg);
	if (rc)
		return rc;
	s->fd = fd;
	s->loop = l;
	s->can_write = origin != SIDE_CONNECTING;
	s->has_sent = origin == SIDE_CONNECTED;
	/* The first bytes are here. */
	s->can_read = s->is_prompt = origin == SIDE_ACCEPTED;
	return RC_OK;
}

void side_close(struct side *s, struct loop *l, bool is_abort)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (s->fd < 0)
		return;
	loop_watch_drop(l, &s->watch);
	/* If that fails the peer sees an end where a reset was meant. */
	if (is_abort)
		(void)setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now,
				 sizeof(now));
	(void)close(s->fd);
	s->fd = -1;
}

void side_event(struct side *s, uint32_t events)
{
	const uint32_t ending = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

	if (events & (EPOLLIN | ending))
		s->can_read = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		s->can_write = true;
	if (events & ending)
		s->is_ending = true;
	if (events & (EPOLLHUP | EPOLLERR))
		s->is_failed = true;
}

bool side_has_connected(struct side *s)
{
	uint8_t byte;

	if (!s->is_failed || sock_error(s->fd) == 0)
		return true;
	/* The error is told once: reading would see an end like any other. */
	s->is_reset = recv(s->fd, &byte, 1, MSG_PEEK) == 1;
	return s->is_reset;
}

static enum side_status broken(struct side *s)
{
	s->error = errno;
	return SIDE_BROKEN;
}

static enum side_status ended(struct side *s)
{
	if (!s->is_reset)
		return SIDE_EOF;
	s->error = ECONNRESET;
	return SIDE_BROKEN;
}

enum side_status side_recv(struct side *s, void *out, size_t cap, size_t *n)
{
	ssize_t got;

	*n = 0;
	if (!s->can_read)
		return SIDE_BLOCKED;
	do
		got = recv(s->fd, out, cap, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN) {
		s->can_read = false;
		return SIDE_BLOCKED;
	}
	if (got < 0)
		return broken(s);
	if (got == 0)
		return ended(s);
	*n = (size_t)got;
	/*
	 * Less than asked for: the socket is empty, and epoll will report
	 * what comes (epoll(7)).  Not so for an end that it has reported
	 * already.
	 */
	if (*n < cap && !s->is_ending)
		s->can_read = false;
	return SIDE_MOVED;
}

/*
 * Nagle's algorithm (RFC 896) holds nothing back of what is sent first, so many
 * a short connection is spared the call that turns it off.
 */
static void be_prompt(struct side *s)
{
	const int on = 1;

	if (!s->is_prompt && s->has_sent) {
		s->is_prompt = true;
		/* Refused by unix sockets, which never wait for more. */
		(void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on,
				 sizeof(on));
	}
	s->has_sent = true;
}

/* The socket is full: its room is reported from now on, also if there is some
 * again by now. */
static void wait_for_room(struct side *s)
{
	s->can_write = false;
	loop_watch_set(s->loop, &s->watch, s->watch.events | EPOLLOUT);
}

enum side_status side_send(struct side *s, struct span bytes,
			   enum side_more more, size_t *n)
{
	int flags = MSG_NOSIGNAL | (more == SIDE_END_FOLLOWS ? MSG_MORE : 0);
	ssize_t sent;

	*n = 0;
	if (!s->can_write)
		return SIDE_BLOCKED;
	be_prompt(s);
	do
		sent = send(s->fd, bytes.p, bytes.n, flags);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno == EAGAIN) {
		wait_for_room(s);
		return SIDE_BLOCKED;
	}
	if (sent < 0)
		return broken(s);
	*n = (size_t)sent;
	if (*n < bytes.n)
		wait_for_room(s);
	return SIDE_MOVED;
}

enum side_status side_flush(struct side *s, struct buf *b, enum side_more more,
			    uint64_t *total)
{
	enum side_status status = SIDE_MOVED;
	size_t n;

	while (b->n > 0 && status == SIDE_MOVED) {
		status = side_send(s, buf_span(b), more, &n);
		buf_consume(b, n);
		*total += n;
	}
	return status;
}

static ssize_t splice_bytes(int from, int to, size_t n)
{
	const unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
	ssize_t moved;

	do
		moved = splice(from, NULL, to, NULL, n, flags);
	while (moved < 0 && errno == EINTR);
	return moved;
}

enum side_status side_splice_in(struct side *s, int pipe_fd, size_t cap,
				size_t *n)
{
	ssize_t got;

	*n = 0;
	if (!s->can_read)
		return SIDE_BLOCKED;
	got = splice_bytes(s->fd, pipe_fd, cap);
	/* The pipe is empty, so it is the socket that blocks. */
	if (got < 0 && errno == EAGAIN) {
		s->can_read = false;
		return SIDE_BLOCKED;
	}
	if (got < 0)
		return broken(s);
	*n = (size_t)got;
	return got == 0 ? ended(s) : SIDE_MOVED;
}

enum side_status side_splice_out(struct side *s, int pipe_fd, size_t want,
				 size_t *n)
{
	ssize_t sent;

	*n = 0;
	if (!s->can_write)
		return SIDE_BLOCKED;
	be_prompt(s);
	sent = splice_bytes(pipe_fd, s->fd, want);
	if (sent < 0 && errno == EAGAIN) {
		wait_for_room(s);
		return SIDE_BLOCKED;
	}
	if (sent < 0)
		return broken(s);
	*n = (size_t)sent;
	return SIDE_MOVED;
}

void side_shut(struct side *s, bool is_closing)
{
	if (s->is_shut)
		return;
	s->is_shut = true;
	if (is_closing)
		return;
	/* Fails when the peer is gone, which reading tells. */
	(void)shutdown(s->fd, SHUT_WR);
}
