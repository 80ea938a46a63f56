/*
 * outer: the UDP side of the device: one socket a family on one port, read and
 * written in batches.
 */
#ifndef POSTERN_WGD_OUTER_H
#define POSTERN_WGD_OUTER_H

#include "base/rc.h"
#include "io/loop.h"
#include "wireguard/device.h"

struct outer;

/* Datagrams that came in one turn; borrowed for the call. */
typedef void outer_fn(void *arg, const struct device_datagram *in,
		      size_t count);

/* Not bound yet.  Returns owned: outer_free(). */
struct outer *outer_new(struct loop *loop, outer_fn *fn, void *arg);
void outer_free(struct outer *o);

/*
 * Moves to another port (0: any that is free on both families).  0, or an
 * errno and nothing changed.  A kernel without IPv6 leaves IPv4 alone.
 */
int outer_bind(struct outer *o, uint16_t port);
uint16_t outer_port(const struct outer *o);
/* The mark of packets sent (SO_MARK); 0 or an errno. */
int outer_set_mark(struct outer *o, uint32_t mark);
uint32_t outer_mark(const struct outer *o);

/*
 * Puts a datagram into the batch.  The bytes are copied unless they lie in
 * 'stable', memory that stays as it is until outer_flush().
 */
void outer_send(struct outer *o, const struct endpoint *to, struct span bytes,
		unsigned ecn, struct span stable);
/* Sends the batch.  What the kernel refuses is lost, as datagrams are. */
void outer_flush(struct outer *o);

#endif
