#include "wgd/outbox.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "wgd/address.h"

enum {
	PIECES_MAX = 64, /* messages to the kernel in a batch */
	PARTS_MAX = 512, /* datagrams in a batch */
	COPIES_MAX = 64,
	COPY_MAX = 2048, /* longer ones that need a copy go out at once */
	/* What the kernel cuts: datagrams in a piece (UDP_MAX_SEGMENTS of
	 * kernels before 6.9), and bytes of IPv4's payload. */
	CUT_MAX = 64,
	CUT_BYTES_MAX = 65535 - 20 - 8,
	FULL_WAIT_MS = 10, /* for room in a full socket, before losing */
};

/* Datagrams for one place. */
struct piece {
	struct endpoint to;
	struct sock_addr target;
	size_t first, count; /* of the parts */
	size_t step; /* length of each, but the last may be shorter */
	size_t n; /* of all */
	unsigned ecn;
	bool is_closed; /* nothing may follow */
	union address_control control;
};

struct outbox {
	struct mmsghdr messages[PIECES_MAX];
	struct piece pieces[PIECES_MAX];
	struct iovec parts[PARTS_MAX];
	struct iovec joined[PARTS_MAX]; /* parts that follow each other, one */
	size_t piece_count, part_count, copy_count;
	uint8_t copies[COPIES_MAX][COPY_MAX];
};

struct outbox *outbox_new(void)
{
	return mem_new(sizeof(struct outbox));
}

void outbox_free(struct outbox *b)
{
	if (!b)
		return;
	secret_wipe(b, sizeof(*b));
	free(b);
}

static bool is_inside(struct span b, struct span memory)
{
	uintptr_t at = (uintptr_t)b.p, from = (uintptr_t)memory.p;

	return at >= from && at - from < memory.n;
}

/* The same place, and sent from the same address of ours. */
static bool is_same(const struct endpoint *a, const struct endpoint *b)
{
	return endpoint_equal(a, b) && a->has_local == b->has_local &&
	       (!a->has_local ||
		span_equal(SPAN_ARRAY(a->local), SPAN_ARRAY(b->local)));
}

static bool may_follow(const struct piece *p, const struct endpoint *to,
		       size_t n, unsigned ecn)
{
	return !p->is_closed && ecn == p->ecn && n <= p->step &&
	       p->count < CUT_MAX &&
	       p->n + n <= CUT_BYTES_MAX && is_same(&p->to, to);
}

static struct piece *piece_for(struct outbox *b, const struct endpoint *to,
			       size_t n, unsigned ecn)
{
	struct piece *p = &b->pieces[b->piece_count];

	if (b->piece_count && may_follow(p - 1, to, n, ecn))
		return p - 1;
	b->piece_count++;
	p->to = *to;
	p->target = address_of(to);
	p->first = b->part_count;
	p->count = p->n = 0;
	p->step = n;
	p->ecn = ecn;
	p->is_closed = false;
	return p;
}

void outbox_add(struct outbox *b, struct outbox_fds fds,
		const struct endpoint *to, struct span bytes, unsigned ecn,
		struct span stable)
{
	bool is_stable = is_inside(bytes, stable);
	bool is_long = !is_stable && bytes.n > COPY_MAX;
	struct iovec *part;
	struct piece *p;

	if (b->piece_count == PIECES_MAX || b->part_count == PARTS_MAX ||
	    b->copy_count == COPIES_MAX)
		outbox_flush(b, fds);
	p = piece_for(b, to, bytes.n, ecn);
	if (!is_stable && !is_long) {
		uint8_t *copy = b->copies[b->copy_count++];

		memcpy(copy, bytes.p, bytes.n);
		bytes = span_of(copy, bytes.n);
	}
	part = &b->parts[b->part_count++];
	/* iovec has no const; sendmmsg does not write. */
	memcpy(&part->iov_base, &bytes.p, sizeof(bytes.p));
	part->iov_len = bytes.n;
	p->count++;
	p->n += bytes.n;
	p->is_closed = bytes.n < p->step;
	if (is_long)
		outbox_flush(b, fds);
}

/* The message for some of a piece's bytes, cut at every 'step' unless that is
 * 0. */
static struct msghdr message_of(struct piece *p, struct iovec *parts,
				size_t count, size_t step)
{
	const struct address_beside beside = { .step = step, .ecn = p->ecn };
	struct msghdr m = {
		.msg_name = &p->target.sa,
		.msg_namelen = p->target.len,
		.msg_iov = parts,
		.msg_iovlen = count,
	};

	address_write_control(&m, &p->control, &p->to, beside);
	return m;
}

/* The whole piece, in as few parts as it can be. */
static struct msghdr whole_message(struct outbox *b, struct piece *p)
{
	const struct iovec *parts = &b->parts[p->first];
	struct iovec *joined = &b->joined[p->first], *last = joined;

	*last = parts[0];
	for (size_t i = 1; i < p->count; i++) {
		const uint8_t *end = last->iov_base;

		if (end + last->iov_len == parts[i].iov_base)
			last->iov_len += parts[i].iov_len;
		else
			*++last = parts[i];
	}
	return message_of(p, joined, (size_t)(last - joined) + 1,
			  p->count > 1 ? p->step : 0);
}

/* Waits for room in a full socket; false: it does not come.  It drains within
 * microseconds, and losing a packet would make the inner TCP halve its speed;
 * but waiting for long would stop every peer. */
static bool wait_for_room(int fd)
{
	struct pollfd full = { .fd = fd, .events = POLLOUT };

	return poll(&full, 1, FULL_WAIT_MS) == 1;
}

/* False: the socket is full and stays so. */
static bool send_one(int fd, struct msghdr *m)
{
	while (sendmsg(fd, m, MSG_DONTWAIT) < 0) {
		if (errno == EAGAIN) {
			if (!wait_for_room(fd))
				return false;
		} else if (m->msg_control) {
			/* The address may be ours no more: from any. */
			m->msg_control = NULL;
			m->msg_controllen = 0;
		} else {
			return true; /* lost */
		}
	}
	return true;
}

/* What could not go out as one: too long for the network to be cut, a device
 * that does not sum, or our address is gone. */
static bool send_parts(struct outbox *b, int fd, struct piece *p)
{
	for (size_t i = 0; i < p->count; i++) {
		struct msghdr m = message_of(p, &b->parts[p->first + i], 1, 0);

		if (!send_one(fd, &m))
			return false;
	}
	return true;
}

/* Sends some of the n pieces from 'at'; returns how many are done with. */
static size_t send_some(struct outbox *b, int fd, size_t at, size_t n)
{
	int sent = sendmmsg(fd, &b->messages[at], (unsigned)n, MSG_DONTWAIT);

	if (sent > 0)
		return (size_t)sent;
	if (errno == EAGAIN)
		return wait_for_room(fd) ? 0 : n;
	return send_parts(b, fd, &b->pieces[at]) ? 1 : n;
}

/* How many of the next pieces go through the same socket. */
static size_t run_length(const struct outbox *b, size_t from)
{
	size_t to = from + 1;

	while (to < b->piece_count &&
	       b->pieces[to].to.is_v6 == b->pieces[from].to.is_v6)
		to++;
	return to - from;
}

void outbox_flush(struct outbox *b, struct outbox_fds fds)
{
	size_t at = 0;

	for (size_t i = 0; i < b->piece_count; i++)
		b->messages[i].msg_hdr = whole_message(b, &b->pieces[i]);
	while (at < b->piece_count) {
		size_t n = run_length(b, at), end = at + n;
		int fd = b->pieces[at].to.is_v6 ? fds.v6 : fds.v4;

		while (fd >= 0 && at < end)
			at += send_some(b, fd, at, end - at);
		at = end;
	}
	b->piece_count = b->part_count = b->copy_count = 0;
}
