#include "edge/side.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum rc side_open(struct side *s, struct loop *l, int fd, loop_watch_fn *fn,
		  void *arg)
{
	const uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
	const int on = 1;
	enum rc rc;

	*s = SIDE_NULL;
	rc = loop_watch_add(l, &s->watch, fd, events, fn, arg);
	if (rc)
		return rc;
	s->fd = fd;
	/* Refused by unix sockets, which never wait for more. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return RC_OK;
}

void side_close(struct side *s, struct loop *l, bool is_abort)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (s->fd < 0)
		return;
	loop_watch_del(l, &s->watch);
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
}

static enum side_status broken(struct side *s)
{
	s->error = errno;
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
		return SIDE_EOF;
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

enum side_status side_send(struct side *s, struct span bytes, size_t *n)
{
	ssize_t sent;

	*n = 0;
	if (!s->can_write)
		return SIDE_BLOCKED;
	do
		sent = send(s->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno == EAGAIN) {
		s->can_write = false;
		return SIDE_BLOCKED;
	}
	if (sent < 0)
		return broken(s);
	*n = (size_t)sent;
	if (*n < bytes.n)
		s->can_write = false;
	return SIDE_MOVED;
}

enum side_status side_flush(struct side *s, struct buf *b, uint64_t *total)
{
	enum side_status status = SIDE_MOVED;
	size_t n;

	while (b->n > 0 && status == SIDE_MOVED) {
		status = side_send(s, buf_span(b), &n);
		buf_consume(b, n);
		*total += n;
	}
	return status;
}

void side_shut(struct side *s)
{
	if (s->is_shut)
		return;
	s->is_shut = true;
	/* Fails when the peer is gone, which reading tells. */
	(void)shutdown(s->fd, SHUT_WR);
}
