/*
 * ports: the UDP sockets of all workers on one port: for each version of IP a
 * group that shares it (SO_REUSEPORT), and a program by which the kernel gives
 * each datagram to the worker it is for.
 *
 * A message with a receiver goes where its index says (device_index_shard()).
 * An initiation says nothing: it goes by the network of its source, an IPv4
 * address or an IPv6 /64, so that a flood from one of them is one worker's.
 * What is too short goes to the first.
 *
 * Several datagrams that the kernel put together go where the first of them
 * belongs; a worker hands on what is not its own.
 *
 * Source: socket(7) (SO_REUSEPORT, SO_ATTACH_REUSEPORT_CBPF); Linux
 *         Documentation/networking/filter.rst.
 */
#ifndef POSTERN_WGD_PORTS_H
#define POSTERN_WGD_PORTS_H

#include <stdint.h>

#include "wireguard/device.h"

/* One worker's sockets; -1: none. */
struct ports_pair {
	int v4, v6;
};

struct ports {
	unsigned count; /* of workers */
	struct ports_pair at[DEVICE_SHARDS_MAX];
	uint16_t port;
};

/*
 * Opens sockets for 'count' workers on a port (0: any that is free on both
 * families), with that mark (0: none).  Nobody else has the port: what shares
 * it is refused, too.  A kernel without IPv6 leaves IPv4 alone.
 *
 * 0, or an errno and nothing is open.  The caller closes the sockets.
 */
int ports_open(struct ports *out, unsigned count, uint16_t port, uint32_t mark);

#endif
