/*
 * inner: the TUN side of a device: packets from and to the kernel, by one queue
 * of the interface; and, by the first queue, news of the interface itself.
 *
 * The kernel hands over and takes up to 64 KB at once; here it is cut into
 * packets, and packets are put together (offload/).
 */
#ifndef POSTERN_WGD_INNER_H
#define POSTERN_WGD_INNER_H

#include "base/rc.h"
#include "io/loop.h"
#include "io/tun.h"
#include "wireguard/device.h"

struct inner;

struct inner_events {
	/* packets to send; 'memory' is where all of them lie, untouched until
	 * the call returns */
	void (*packets)(void *arg, const struct device_packet *in,
			size_t count, struct span memory);
	/* of the first queue only: the MTU is this, as it may have been; the
	 * interface was deleted */
	void (*mtu)(void *arg, size_t mtu);
	void (*gone)(void *arg);
	void *arg;
};

struct inner_queue {
	int fd;
	enum tun_offload offload;
	bool is_first;
};

/* Takes the queue, also when it fails.  The first one sets the interface's MTU
 * and watches it, also when it is renamed or moved to another network
 * namespace.  RC_SYS with errno.  Returns owned: inner_free(); the interface
 * goes with its last queue. */
enum rc inner_new(struct inner **out, struct loop *loop,
		  const struct inner_queue *queue,
		  const struct inner_events *events);
void inner_free(struct inner *i);

/* What other queues learn from the first. */
void inner_set_mtu(struct inner *i, size_t mtu);

/* Hands a packet to the kernel, lost when the interface is down; borrows it
 * until inner_flush(). */
void inner_write(struct inner *i, struct span packet);
void inner_flush(struct inner *i);

#endif
