/*
 * badwire: a UDP relay that does to datagrams what a bad network does, by seed.
 *
 *   badwire LISTEN TARGET SEED LOSS LATE TWICE MARK
 *
 * What comes to the address LISTEN goes to TARGET, and what TARGET answers to whoever sent last.
 * In parts of a thousand, each way: LOSS are dropped, LATE are overtaken by the next 3 to 20, TWICE
 * are sent twice, and of those that can carry a congestion mark (ECT), MARK get one (CE).  The
 * other bits of the field are passed on, and so is what cannot be marked.
 *
 * Prints "ready", and at SIGTERM how many it took, dropped, delayed, doubled and marked.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/sock.h"

enum {
	BATCH = 64,
	DATAGRAM_MAX = 65536,
	HELD_MAX = 256, /* at one time, each way */
	ROOM = 8 << 20,
	IDLE_MS = 5, /* then the delayed ones go */
};

struct datagram {
	uint8_t *bytes; /* DATAGRAM_MAX */
	size_t n;
	int tos;
};

struct held {
	struct datagram d;
	unsigned overtaken_by;
};

/* One way through: what is read from 'from' leaves through 'to'. */
struct way {
	int from, to;
	struct sock_addr target; /* len 0: not known yet */
	struct held held[HELD_MAX];
	size_t held_count;
	struct datagram in[BATCH];
};

struct wire {
	struct way ways[2]; /* to the target, and back */
	uint64_t state;
	unsigned loss, late, twice, mark;
	unsigned long taken, dropped, delayed, doubled, marked;
};

static volatile sig_atomic_t is_over;

static void on_term(int signal)
{
	(void)signal;
	is_over = 1;
}

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static unsigned draw(struct wire *w, unsigned below)
{
	w->state = w->state * 6364136223846793005U + 1442695040888963407U;
	return (unsigned)((w->state >> 33) % below);
}

static int socket_of(const struct sock_addr *at)
{
	const int on = 1, room = ROOM;
	int fd = socket(at->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	must(fd >= 0, "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	if (at->sa.sa_family == AF_INET6)
		must(setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on)) == 0, "tclass");
	else
		must(setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on)) == 0, "tos");
	return fd;
}

static int tos_of(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		int wide = 0;

		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
			return *CMSG_DATA(c);
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			memcpy(&wide, CMSG_DATA(c), sizeof(wide));
			return wide;
		}
	}
	return 0;
}

static void emit(const struct way *y, const struct datagram *d)
{
	bool is_v6 = y->target.sa.sa_family == AF_INET6;
	struct iovec v = { d->bytes, d->n };
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} c = { { 0 } };
	struct sock_addr to = y->target;
	struct msghdr m = {
		.msg_name = &to.sa,
		.msg_namelen = to.len,
		.msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = c.room,
		.msg_controllen = sizeof(c.room),
	};

	c.align.cmsg_len = CMSG_LEN(sizeof(int));
	c.align.cmsg_level = is_v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	c.align.cmsg_type = is_v6 ? IPV6_TCLASS : IP_TOS;
	memcpy(CMSG_DATA(&c.align), &d->tos, sizeof(d->tos));
	if (to.len)
		(void)!sendmsg(y->to, &m, 0); /* lost, as anything may be */
}

static void release(struct way *y, bool all)
{
	size_t kept = 0;

	for (size_t i = 0; i < y->held_count; i++) {
		struct held *h = &y->held[i];
		struct held other = y->held[kept];

		if (all || h->overtaken_by-- == 0) {
			emit(y, &h->d);
			continue;
		}
		y->held[kept++] = *h;
		*h = other; /* each buffer stays somebody's */
	}
	y->held_count = kept;
}

static void hold(struct wire *w, struct way *y, struct datagram *d)
{
	struct held *h = &y->held[y->held_count++];
	struct datagram free_one = h->d;

	if (!free_one.bytes)
		free_one.bytes = mem_new(DATAGRAM_MAX);
	*h = (struct held){ *d, 3 + draw(w, 18) };
	*d = free_one;
	w->delayed++;
}

static void pass(struct wire *w, struct way *y, struct datagram *d)
{
	w->taken++;
	if ((d->tos & 3) != 0 && (d->tos & 3) != 3 && draw(w, 1000) < w->mark) {
		d->tos |= 3;
		w->marked++;
	}
	if (draw(w, 1000) < w->loss) {
		w->dropped++;
	} else if (draw(w, 1000) < w->late && y->held_count < HELD_MAX) {
		hold(w, y, d);
		return;
	} else {
		emit(y, d);
		if (draw(w, 1000) < w->twice) {
			emit(y, d);
			w->doubled++;
		}
	}
	release(y, false);
}

/* How many came. */
static int take(struct wire *w, struct way *y, struct way *back)
{
	struct mmsghdr m[BATCH] = { 0 };
	struct iovec v[BATCH];
	struct sock_addr from[BATCH];
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} c[BATCH];
	int n;

	for (int i = 0; i < BATCH; i++) {
		if (!y->in[i].bytes)
			y->in[i].bytes = mem_new(DATAGRAM_MAX);
		v[i] = (struct iovec){ y->in[i].bytes, DATAGRAM_MAX };
		m[i].msg_hdr = (struct msghdr){
			.msg_name = &from[i].sa,
			.msg_namelen = sizeof(from[i].in6),
			.msg_iov = &v[i],
			.msg_iovlen = 1,
			.msg_control = c[i].room,
			.msg_controllen = sizeof(c[i].room),
		};
	}
	n = recvmmsg(y->from, m, BATCH, 0, NULL);
	for (int i = 0; i < n; i++) {
		from[i].len = m[i].msg_hdr.msg_namelen;
		y->in[i].n = m[i].msg_len;
		y->in[i].tos = tos_of(&m[i].msg_hdr);
		if (back)
			back->target = from[i];
		pass(w, y, &y->in[i]);
	}
	return n;
}

int main(int argc, char **argv)
{
	static struct wire w;
	const struct sigaction a = { .sa_handler = on_term };
	struct sock_addr listen;
	struct pollfd p[2];

	if (argc != 8 || !sock_addr_parse(&listen, span_str(argv[1])) ||
	    !sock_addr_parse(&w.ways[0].target, span_str(argv[2]))) {
		(void)fputs("usage: badwire LISTEN TARGET SEED LOSS LATE TWICE MARK\n", stderr);
		return 2;
	}
	w.state = strtoull(argv[3], NULL, 10);
	w.loss = (unsigned)strtoul(argv[4], NULL, 10);
	w.late = (unsigned)strtoul(argv[5], NULL, 10);
	w.twice = (unsigned)strtoul(argv[6], NULL, 10);
	w.mark = (unsigned)strtoul(argv[7], NULL, 10);
	must(sigaction(SIGTERM, &a, NULL) == 0, "sigaction");
	w.ways[0].from = w.ways[1].to = socket_of(&listen);
	w.ways[1].from = w.ways[0].to = socket_of(&w.ways[0].target);
	must(bind(w.ways[0].from, &listen.sa, listen.len) == 0, "bind");
	p[0] = (struct pollfd){ .fd = w.ways[0].from, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = w.ways[1].from, .events = POLLIN };
	puts("ready");
	(void)fflush(stdout);
	while (!is_over) {
		int n = poll(p, 2, IDLE_MS);

		if (n > 0 && p[0].revents)
			(void)take(&w, &w.ways[0], &w.ways[1]);
		if (n > 0 && p[1].revents)
			(void)take(&w, &w.ways[1], NULL);
		for (int i = 0; n == 0 && i < 2; i++)
			release(&w.ways[i], true);
	}
	printf("taken %lu dropped %lu delayed %lu doubled %lu marked %lu\n", w.taken, w.dropped,
	       w.delayed, w.doubled, w.marked);
	return 0;
}
