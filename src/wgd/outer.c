#include "wgd/outer.h"

#include <errno.h>
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

void outer_use(struct outer *o, const struct ports_pair *sockets)
{
	socket_start(&o->v4, sockets->v4);
	socket_start(&o->v6, sockets->v6);
}

static int set_mark(int fd, uint32_t mark)
{
	if (fd < 0)
		return 0;
	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) != 0)
		return errno;
	return 0;
}

int outer_set_mark(struct outer *o, uint32_t mark)
{
	int error = set_mark(o->v4.fd, mark);

	return error ? error : set_mark(o->v6.fd, mark);
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
