/*
 * inner: the TUN side of the device: packets from and to the kernel, and news
 * of the interface itself.
 *
 * The kernel hands over and takes up to 64 KB at once; here it is cut into
 * packets, and packets are put together (offload/).
 */
#ifndef POSTERN_WGD_INNER_H
#define POSTERN_WGD_INNER_H

#include "base/rc.h"
#include "io/loop.h"
#include "wireguard/device.h"

struct inner;

struct inner_events {
	/* packets to send; 'memory' is where all of them lie, untouched until
	 * the call returns */
	void (*packets)(void *arg, const struct device_packet *in,
			size_t count, struct span memory);
	void (*mtu)(void *arg, size_t mtu);
	void (*gone)(void *arg); /* the interface was deleted */
	void *arg;
};

/* Makes the TUN interface, its MTU set, and watches it, also when it is renamed
 * or moved to another network namespace.  RC_SYS with errno.
 * Returns owned: inner_free(), which deletes the interface. */
enum rc inner_new(struct inner **out, struct loop *loop, const char *name,
		  const struct inner_events *events);
void inner_free(struct inner *i);

/* Hands a packet to the kernel, lost when the interface is down; borrows it
 * until inner_flush(). */
void inner_write(struct inner *i, struct span packet);
void inner_flush(struct inner *i);

#endif
