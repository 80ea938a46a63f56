/*
 * outbox: datagrams on their way out, sent in batches; those that follow each
 * other to one place, with one congestion mark and all of one length but a
 * shorter last, as one piece that the kernel cuts (UDP_SEGMENT).
 *
 * Where the kernel cannot cut, because of the network's MTU or its device, they
 * go out one by one.  What the kernel refuses is lost, as datagrams are.
 */
#ifndef POSTERN_WGD_OUTBOX_H
#define POSTERN_WGD_OUTBOX_H

#include "base/span.h"
#include "wireguard/endpoint.h"

struct outbox;

struct outbox_fds {
	int v4, v6; /* -1: none */
};

/* Returns owned: outbox_free(). */
struct outbox *outbox_new(void);
void outbox_free(struct outbox *b);

/*
 * Puts a datagram into the batch, which is sent first when it is full.  The
 * bytes are copied unless they lie in 'stable', memory that stays as it is
 * until outbox_flush().
 */
void outbox_add(struct outbox *b, struct outbox_fds fds,
		const struct endpoint *to, struct span bytes, unsigned ecn,
		struct span stable);
/* Sends the batch. */
void outbox_flush(struct outbox *b, struct outbox_fds fds);

#endif
