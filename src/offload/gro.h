/*
 * gro: puts packets of one flow together again, so that the kernel handles one
 * of up to 64 KB instead of forty.
 *
 * Takes TCP segments that follow each other and UDP datagrams of one length,
 * over IPv4 and IPv6.  What it hands on, cut again as the kernel cuts, is what
 * came in, but for the IPv4 identification of packets that forbid fragments.
 * The order within a flow is kept; between flows it may change.  A packet whose
 * checksums are not right is never put together with others, nor declared
 * valid.  Nothing is copied but headers, nothing is allocated.
 *
 * Source: Linux Documentation/networking/segmentation-offloads.rst; RFC 6864.
 */
#ifndef POSTERN_OFFLOAD_GRO_H
#define POSTERN_OFFLOAD_GRO_H

#include "offload/packet.h"
#include "offload/vnet.h"

enum {
	GRO_PACKETS_MAX = 64, /* put together in one */
	GRO_FLOWS_MAX = 8, /* collected at the same time */
	GRO_LEN_MAX = 65535,
	GRO_PARTS_MAX = 1 + GRO_PACKETS_MAX,
	GRO_HEADER_MAX = PACKET_V6_LEN + PACKET_TCP_LEN + 40,
};

/* One packet, in parts to be written one after the other: one that came in, or
 * headers and the payloads of several.  Borrowed for the call. */
typedef void gro_fn(void *arg, const struct vnet *h, const struct span *parts,
		    size_t count);

/* One flow's packets so far. */
struct gro_flow {
	struct packet first;
	const uint8_t *bytes; /* of the first packet */
	/* the joined headers' place, the first packet whole, payloads */
	struct span parts[GRO_PARTS_MAX];
	uint8_t header[GRO_HEADER_MAX];
	size_t count; /* packets; 0: not used */
	bool is_push; /* the last one has PSH */
	size_t step; /* payload of each packet but the last */
	size_t n; /* length of all together */
	uint32_t sequence; /* TCP: of the packet that would follow */
	uint16_t id; /* IPv4 identification of that one */
};

struct gro {
	gro_fn *fn;
	void *arg;
	bool with_udp; /* the device takes VNET_GSO_UDP_L4 */
	struct gro_flow flows[GRO_FLOWS_MAX];
	size_t last; /* the flow that the last packet was of */
	size_t victim; /* the flow to end next when all are in use */
};

void gro_init(struct gro *g, gro_fn *fn, void *arg, bool with_udp);
/* Takes one packet, borrowed until gro_flush(). */
void gro_add(struct gro *g, struct span packet);
/* Hands on all that is held. */
void gro_flush(struct gro *g);

#endif
