/*
 * split: cuts what a TUN device hands over, up to 64 KB at once, into packets
 * as they go over a wire, whole with their checksums.
 *
 * Does not trust the header before the packet: a length or place that does not
 * fit makes the packet malformed, never a write outside.
 *
 * Source: RFC 9293 §3.1 (TCP), RFC 768 (UDP), RFC 6864 (IPv4 identification),
 * RFC 3168 §6.1.2 (CWR on the first segment only).
 */
#ifndef POSTERN_OFFLOAD_SPLIT_H
#define POSTERN_OFFLOAD_SPLIT_H

#include "offload/packet.h"
#include "offload/vnet.h"

/* Borrows the packet until the last piece is out. */
struct split {
	struct span bytes;
	struct packet packet;
	struct vnet vnet;
	size_t at; /* of the payload: the next piece begins there */
	size_t step; /* payload of each piece; 0: it is one piece */
	uint16_t id; /* IPv4 identification of the next piece */
	bool is_done;
};

/* False: malformed, or of a kind that was not asked for. */
bool split_begin(struct split *out, const struct vnet *h, struct span packet);
/* How long the next piece is; 0: there is none. */
size_t split_len(const struct split *s);
/* Writes the next piece, split_len() bytes. */
void split_next(struct split *s, uint8_t *out);

#endif
