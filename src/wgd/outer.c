#include "wgd/outer.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/sock.h"
#include "wgd/address.h"
#include "wgd/outbox.h"

enum {
	BATCH = 64, /* messages read at once, when they are short */
	BATCH_LONG = 4, /* when they are long: more would leave the caches */
	LONG = 8192, /* bytes of a message on average */
	MESSAGE_MAX = 65536,
	DATAGRAMS_MAX = 256, /* handed on at once */
	SOCKET_BUFFER = 4 << 20,
	PORT_TRIES = 16,
	TURN_BATCHES = 4, /* read before others have their turn */
};

/* A message is one datagram, or several that the kernel put together. */
struct inbox {
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	struct sock_addr sources[BATCH];
	union address_control controls[BATCH];
	struct device_datagram datagrams[DATAGRAMS_MAX];
	size_t count; /* of datagrams */
	size_t wanted; /* messages to read next */
	uint8_t *bytes; /* BATCH * MESSAGE_MAX */
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
	struct outbox *out;
};

struct outer *outer_new(struct loop *loop, outer_fn *fn, void *arg)
{
	struct outer *o = mem_new(sizeof(*o));

	o->loop = loop;
	o->fn = fn;
	o->arg = arg;
	o->v4 = (struct socket){ .outer = o, .fd = -1 };
	o->v6 = (struct socket){ .outer = o, .fd = -1 };
	o->in.bytes = mem_new_array(BATCH, MESSAGE_MAX);
	o->in.wanted = BATCH_LONG;
	o->out = outbox_new();
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
	outbox_free(o->out);
	free(o->in.bytes);
	secret_wipe(o, sizeof(*o));
	free(o);
}

static void prepare_inbox(struct inbox *b)
{
	for (size_t i = 0; i < b->wanted; i++) {
		b->parts[i] = (struct iovec){ b->bytes + i * MESSAGE_MAX,
					      MESSAGE_MAX };
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

static void hand_on(struct outer *o)
{
	size_t n = o->in.count;

	o->in.count = 0;
	if (n)
		o->fn(o->arg, o->in.datagrams, n);
}

/* Takes a message apart. */
static void take(struct outer *o, size_t i)
{
	struct inbox *b = &o->in;
	struct endpoint source = address_endpoint(&b->sources[i]);
	size_t n = b->messages[i].msg_len, at = 0;
	struct address_beside beside =
		address_read_control(&source, &b->messages[i].msg_hdr);
	size_t step = beside.step;
	uint8_t *bytes = b->bytes + i * MESSAGE_MAX;

	if (!step || step > n)
		step = n;
	do {
		size_t len = n - at < step ? n - at : step;

		if (b->count == DATAGRAMS_MAX)
			hand_on(o);
		b->datagrams[b->count++] = (struct device_datagram){
			.source = source,
			.bytes = bytes + at,
			.n = len,
			.ecn = beside.ecn,
		};
		at += len;
	} while (at < n);
}

/* False: there are no more for now. */
static bool receive(struct outer *o, int fd)
{
	struct inbox *b = &o->in;
	size_t wanted = b->wanted, total = 0, count;
	int n;

	prepare_inbox(b);
	n = recvmmsg(fd, b->messages, (unsigned)wanted, MSG_DONTWAIT, NULL);
	if (n <= 0)
		return false;
	count = (size_t)n;
	for (size_t i = 0; i < count; i++) {
		take(o, i);
		total += b->messages[i].msg_len;
	}
	hand_on(o);
	b->wanted = total / count > LONG ? BATCH_LONG : BATCH;
	return count == wanted;
}

static void on_readable(void *arg, uint32_t events)
{
	struct socket *s = arg;

	(void)events; /* an error of a socket is read away with its data */
	for (int i = 0; i < TURN_BATCHES && s->fd >= 0; i++)
		if (!receive(s->outer, s->fd))
			break;
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

/* The congestion marks of what comes; without them none is passed on. */
static void want_marks(int fd, sa_family_t family)
{
	const int on = 1;

	if (family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on,
				 sizeof(on));
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on));
}

/* Lets the kernel put datagrams of one sender together; kernels before 5.0 do
 * not, which is only slower. */
static void want_joined(int fd)
{
	const int on = 1;

	(void)setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on));
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
	want_marks(*fd, family);
	want_joined(*fd);
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
	return address_endpoint(&a).port;
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

static struct outbox_fds fds_of(const struct outer *o)
{
	return (struct outbox_fds){ .v4 = o->v4.fd, .v6 = o->v6.fd };
}

void outer_send(struct outer *o, const struct endpoint *to, struct span bytes,
		unsigned ecn, struct span stable)
{
	outbox_add(o->out, fds_of(o), to, bytes, ecn, stable);
}

void outer_flush(struct outer *o)
{
	outbox_flush(o->out, fds_of(o));
}
