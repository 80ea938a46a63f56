/*
 * outer: the UDP side of a device: one socket a family, read and written in
 * batches.
 */
#ifndef POSTERN_WGD_OUTER_H
#define POSTERN_WGD_OUTER_H

#include "base/rc.h"
#include "io/loop.h"
#include "wgd/ports.h"
#include "wireguard/device.h"

struct outer;

/* Datagrams that came in one turn; borrowed for the call. */
typedef void outer_fn(void *arg, const struct device_datagram *in,
		      size_t count);

/* Without sockets yet.  Returns owned: outer_free(). */
struct outer *outer_new(struct loop *loop, outer_fn *fn, void *arg);
void outer_free(struct outer *o);

/* Uses these sockets from now on; takes them, and closes those it had. */
void outer_use(struct outer *o, const struct ports_pair *sockets);
/* The mark of packets sent (SO_MARK); 0 or an errno. */
int outer_set_mark(struct outer *o, uint32_t mark);

/*
 * Puts a datagram into the batch.  The bytes are copied unless they lie in
 * 'stable', memory that stays as it is until outer_flush().
 */
void outer_send(struct outer *o, const struct endpoint *to, struct span bytes,
		unsigned ecn, struct span stable);
/* Sends the batch.  What the kernel refuses is lost, as datagrams are. */
void outer_flush(struct outer *o);

#endif
