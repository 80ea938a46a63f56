/*
 * vnet: the header that a TUN device puts before each packet, by which packets
 * larger than the wire's, and ones without a checksum, are passed.
 *
 * Source: virtio 1.2 §5.1.6 (struct virtio_net_hdr, without num_buffers);
 * linux/virtio_net.h for the UDP type.
 */
#ifndef POSTERN_OFFLOAD_VNET_H
#define POSTERN_OFFLOAD_VNET_H

#include "base/span.h"
#include "base/wr.h"

enum {
	VNET_LEN = 10,

	VNET_NEEDS_CHECKSUM = 1, /* flags: only the pseudo-header is summed */
	VNET_DATA_VALID = 2, /* flags: the checksum was found right */

	VNET_GSO_NONE = 0,
	VNET_GSO_TCPV4 = 1,
	VNET_GSO_TCPV6 = 4,
	VNET_GSO_UDP_L4 = 5, /* datagrams of one flow */
	VNET_GSO_ECN = 0x80, /* with TCP: the first has CWR */
};

struct vnet {
	uint8_t flags, gso_type;
	uint16_t header_len; /* a hint */
	uint16_t gso_size; /* what each packet carries, the last maybe less */
	uint16_t checksum_start, checksum_offset;
};

/* Numbers are little-endian: the device is told so (io/tun.h). */
bool vnet_read(struct vnet *out, struct span *from);
void vnet_write(struct wr *to, const struct vnet *h);

#endif
