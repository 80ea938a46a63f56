#include "wgd/outer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/sock.h"

enum {
	BATCH = 64,
	DATAGRAM_MAX = 65536,
	COPY_MAX = 2048, /* longer ones that need a copy go out at once */
	SOCKET_BUFFER = 4 << 20,
	PORT_TRIES = 16,
	TURN_BATCHES = 4, /* read before others have their turn */
	FULL_WAIT_MS = 10, /* for room in a full socket, before losing */
};

/* Room for the one control message there is: our own address. */
union control {
	struct cmsghdr header;
	uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct inbox {
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	struct sock_addr sources[BATCH];
	union control controls[BATCH];
	struct device_datagram datagrams[BATCH];
	uint8_t *bytes; /* BATCH * DATAGRAM_MAX */
};

struct outbox {
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	struct sock_addr targets[BATCH];
	union control controls[BATCH];
	bool is_v6[BATCH];
	size_t count;
	uint8_t copies[BATCH][COPY_MAX];
};

struct socket {
	struct outer *outer;
	int fd; /* -1: none */
	struct loop_watch watch;
};

struct outer {
	struct loop *loop;
	outer_fn *fn;
	void *arg;
	struct socket v4, v6;
	uint16_t port;
	uint32_t mark;
	struct inbox in;
	struct outbox out;
};

static struct endpoint endpoint_of(const struct sock_addr *a)
{
	struct endpoint e = { 0 };

	if (a->sa.sa_family == AF_INET6) {
		e.is_v6 = true;
		e.port = ntohs(a->in6.sin6_port);
		e.scope_id = a->in6.sin6_scope_id;
		memcpy(e.ip, &a->in6.sin6_addr, 16);
	} else {
		e.port = ntohs(a->in.sin_port);
		memcpy(e.ip, &a->in.sin_addr, 4);
	}
	return e;
}

static struct sock_addr address_of(const struct endpoint *e)
{
	struct sock_addr a = { 0 };

	if (e->is_v6) {
		a.in6.sin6_family = AF_INET6;
		a.in6.sin6_port = htons(e->port);
		a.in6.sin6_scope_id = e->scope_id;
		memcpy(&a.in6.sin6_addr, e->ip, 16);
		a.len = sizeof(a.in6);
	} else {
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons(e->port);
		memcpy(&a.in.sin_addr, e->ip, 4);
		a.len = sizeof(a.in);
	}
	return a;
}

/* Which of our addresses the datagram came to. */
static void get_local(struct endpoint *e, struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	struct in6_pktinfo v6;
	struct in_pktinfo v4;

	if (!c)
		return;
	if (e->is_v6 && c->cmsg_level == IPPROTO_IPV6 &&
	    c->cmsg_type == IPV6_PKTINFO) {
		memcpy(&v6, CMSG_DATA(c), sizeof(v6));
		memcpy(e->local, &v6.ipi6_addr, 16);
		e->has_local = true;
	} else if (!e->is_v6 && c->cmsg_level == IPPROTO_IP &&
		   c->cmsg_type == IP_PKTINFO) {
		memcpy(&v4, CMSG_DATA(c), sizeof(v4));
		memcpy(e->local, &v4.ipi_spec_dst, 4);
		e->has_local = true;
	}
}

/* Says which of our addresses to send from; the kernel chooses the interface,
 * except where an address means nothing without one. */
static void set_local(struct msghdr *m, union control *room,
		      const struct endpoint *e)
{
	struct in6_pktinfo v6 = { .ipi6_ifindex = e->scope_id };
	struct in_pktinfo v4 = { 0 };
	size_t n = e->is_v6 ? sizeof(v6) : sizeof(v4);
	struct cmsghdr *c;

	if (!e->has_local)
		return;
	memcpy(&v6.ipi6_addr, e->local, 16);
	memcpy(&v4.ipi_spec_dst, e->local, 4);
	*room = (union control){ 0 };
	m->msg_control = room;
	m->msg_controllen = CMSG_SPACE(n);
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = e->is_v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	c->cmsg_type = e->is_v6 ? IPV6_PKTINFO : IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(c), e->is_v6 ? (void *)&v6 : (void *)&v4, n);
}

struct outer *outer_new(struct loop *loop, outer_fn *fn, void *arg)
{
	struct outer *o = mem_new(sizeof(*o));

	o->loop = loop;
	o->fn = fn;
	o->arg = arg;
	o->v4 = (struct socket){ .outer = o, .fd = -1 };
	o->v6 = (struct socket){ .outer = o, .fd = -1 };
	o->in.bytes = mem_new_array(BATCH, DATAGRAM_MAX);
	return o;
}

static void socket_close(struct socket *s)
{
	if (s->fd < 0)
		return;
	loop_watch_del(s->outer->loop, &s->watch);
	(void)close(s->fd); /* nothing to lose: datagrams */
	s->fd = -1;
}

void outer_free(struct outer *o)
{
	if (!o)
		return;
	socket_close(&o->v4);
	socket_close(&o->v6);
	free(o->in.bytes);
	secret_wipe(o, sizeof(*o));
	free(o);
}

static void prepare_inbox(struct inbox *b)
{
	for (size_t i = 0; i < BATCH; i++) {
		b->parts[i] = (struct iovec){ b->bytes + i * DATAGRAM_MAX,
					      DATAGRAM_MAX };
		b->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &b->sources[i].sa,
			.msg_namelen = sizeof(b->sources[i].in6),
			.msg_iov = &b->parts[i],
			.msg_iovlen = 1,
			.msg_control = &b->controls[i],
			.msg_controllen = sizeof(b->controls[i]),
		};
	}
}

/* How many datagrams came; 0 when there are none for now. */
static size_t receive(struct outer *o, int fd)
{
	struct inbox *b = &o->in;
	int n;

	prepare_inbox(b);
	n = recvmmsg(fd, b->messages, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		b->datagrams[i] = (struct device_datagram){
			.source = endpoint_of(&b->sources[i]),
			.bytes = b->parts[i].iov_base,
			.n = b->messages[i].msg_len,
		};
		get_local(&b->datagrams[i].source, &b->messages[i].msg_hdr);
	}
	return n > 0 ? (size_t)n : 0;
}

static void on_readable(void *arg, uint32_t events)
{
	struct socket *s = arg;

	(void)events; /* an error of a socket is read away with its data */
	for (int i = 0; i < TURN_BATCHES && s->fd >= 0; i++) {
		size_t n = receive(s->outer, s->fd);

		if (n)
			s->outer->fn(s->outer->arg, s->outer->in.datagrams, n);
		if (n < BATCH)
			break;
	}
}

static struct sock_addr any_address(sa_family_t family, uint16_t port)
{
	struct endpoint e = { .is_v6 = family == AF_INET6, .port = port };

	return address_of(&e);
}

/* Larger buffers ride out bursts; forcing them needs CAP_NET_ADMIN. */
static void set_buffers(int fd)
{
	const int n = SOCKET_BUFFER;

	/* Without the capability the kernel's limit applies: only slower. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &n, sizeof(n)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &n, sizeof(n)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n));
}

/* Without it a host with many addresses may answer from another than was asked;
 * every kernel has it. */
static void want_local(int fd, sa_family_t family)
{
	const int on = 1;

	if (family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on,
				 sizeof(on));
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
}

static int set_mark(int fd, uint32_t mark)
{
	if (fd < 0)
		return 0;
	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) != 0)
		return errno;
	return 0;
}

static int open_one(int *fd, sa_family_t family, uint16_t port, uint32_t mark)
{
	struct sock_addr at = any_address(family, port);
	int error;

	if (sock_udp(fd, &at))
		return errno;
	set_buffers(*fd);
	want_local(*fd, family);
	error = mark ? set_mark(*fd, mark) : 0;
	if (error) {
		mem_auto_close(fd);
		*fd = -1;
	}
	return error;
}

static uint16_t port_of(int fd)
{
	struct sock_addr a = { .len = sizeof(a.in6) };

	if (getsockname(fd, &a.sa, &a.len) != 0)
		return 0;
	return endpoint_of(&a).port;
}

/* Both families on one port; *fd6 is -1 when the kernel has no IPv6. */
static int open_both(int *fd4, int *fd6, uint16_t port, uint32_t mark)
{
	int error = open_one(fd4, AF_INET, port, mark);

	if (error)
		return error;
	error = open_one(fd6, AF_INET6, port_of(*fd4), mark);
	if (error == EAFNOSUPPORT || error == EADDRNOTAVAIL)
		return 0;
	if (error) {
		mem_auto_close(fd4);
		*fd4 = -1;
	}
	return error;
}

static void socket_start(struct socket *s, int fd)
{
	socket_close(s);
	if (fd < 0)
		return;
	if (loop_watch_add(s->outer->loop, &s->watch, fd, EPOLLIN, on_readable,
			   s))
		mem_auto_close(&fd);
	else
		s->fd = fd;
}

int outer_bind(struct outer *o, uint16_t port)
{
	int fd4 = -1, fd6 = -1, error;

	if (o->v4.fd >= 0 && port && port == o->port)
		return 0;
	/* A port free for IPv4 may be taken for IPv6: then try another. */
	for (int tries = 0;; tries++) {
		error = open_both(&fd4, &fd6, port, o->mark);
		if (!error)
			break;
		if (error != EADDRINUSE || port || tries == PORT_TRIES)
			return error;
	}
	o->port = port_of(fd4);
	socket_start(&o->v4, fd4);
	socket_start(&o->v6, fd6);
	return 0;
}

uint16_t outer_port(const struct outer *o)
{
	return o->port;
}

int outer_set_mark(struct outer *o, uint32_t mark)
{
	int error = set_mark(o->v4.fd, mark);

	if (!error)
		error = set_mark(o->v6.fd, mark);
	if (!error)
		o->mark = mark;
	return error;
}

uint32_t outer_mark(const struct outer *o)
{
	return o->mark;
}

static bool is_inside(struct span b, struct span memory)
{
	uintptr_t at = (uintptr_t)b.p, from = (uintptr_t)memory.p;

	return at >= from && at - from < memory.n;
}

void outer_send(struct outer *o, const struct endpoint *to, struct span bytes,
		struct span stable)
{
	struct outbox *b = &o->out;
	bool is_stable = is_inside(bytes, stable);
	size_t i;

	if (b->count == BATCH)
		outer_flush(o);
	i = b->count++;
	b->targets[i] = address_of(to);
	b->is_v6[i] = to->is_v6;
	if (!is_stable && bytes.n <= COPY_MAX) {
		memcpy(b->copies[i], bytes.p, bytes.n);
		bytes = span_of(b->copies[i], bytes.n);
	}
	/* iovec has no const; sendmmsg does not write. */
	memcpy(&b->parts[i].iov_base, &bytes.p, sizeof(bytes.p));
	b->parts[i].iov_len = bytes.n;
	b->messages[i].msg_hdr = (struct msghdr){
		.msg_name = &b->targets[i].sa,
		.msg_namelen = b->targets[i].len,
		.msg_iov = &b->parts[i],
		.msg_iovlen = 1,
	};
	set_local(&b->messages[i].msg_hdr, &b->controls[i], to);
	if (!is_stable && bytes.n > COPY_MAX)
		outer_flush(o);
}

/* How many of the next messages go through the same socket. */
static size_t run_length(const struct outbox *b, size_t from)
{
	size_t to = from + 1;

	while (to < b->count && b->is_v6[to] == b->is_v6[from])
		to++;
	return to - from;
}

/* Sends some of the n messages from 'at'; returns how many are done with. */
static size_t send_some(int fd, struct mmsghdr *at, size_t n)
{
	struct pollfd full = { .fd = fd, .events = POLLOUT };
	int sent = sendmmsg(fd, at, (unsigned)n, MSG_DONTWAIT);

	if (sent > 0)
		return (size_t)sent;
	if (errno != EAGAIN && at->msg_hdr.msg_controllen) {
		/* The address may be ours no more: once more, from any. */
		at->msg_hdr.msg_control = NULL;
		at->msg_hdr.msg_controllen = 0;
		return 0;
	}
	if (errno != EAGAIN)
		return 1;
	/* A full socket buffer drains within microseconds; losing the packet
	 * would make the inner TCP halve its speed.  One that does not drain
	 * takes no part of the batch: waiting again would stop every peer. */
	return poll(&full, 1, FULL_WAIT_MS) == 1 ? 0 : n;
}

void outer_flush(struct outer *o)
{
	struct outbox *b = &o->out;
	size_t at = 0;

	while (at < b->count) {
		size_t n = run_length(b, at), end = at + n;
		int fd = b->is_v6[at] ? o->v6.fd : o->v4.fd;

		while (fd >= 0 && at < end)
			at += send_some(fd, &b->messages[at], end - at);
		at = end;
	}
	b->count = 0;
}
