/*
 * packet: where the headers of a TCP or UDP packet are, for cutting large
 * packets into small ones and putting small ones together.
 *
 * Anything unusual is not understood, and then left as it is by those who ask:
 * fragments, IPv6 extension headers, other protocols, lengths that differ.
 *
 * Source: RFC 791 §3.1, RFC 8200 §3, RFC 9293 §3.1, RFC 768.
 */
#ifndef POSTERN_OFFLOAD_PACKET_H
#define POSTERN_OFFLOAD_PACKET_H

#include "base/span.h"

enum {
	PACKET_TCP = 6,
	PACKET_UDP = 17,

	PACKET_V4_LEN = 20, /* without options */
	PACKET_V4_TOTAL_AT = 2,
	PACKET_V4_ID_AT = 4,
	PACKET_V4_FLAGS_AT = 6,
	PACKET_V4_DF = 0x40,
	PACKET_V4_CHECKSUM_AT = 10,
	PACKET_V4_ADDRESSES_AT = 12,

	PACKET_V6_LEN = 40,
	PACKET_V6_PAYLOAD_AT = 4,
	PACKET_V6_ADDRESSES_AT = 8,

	PACKET_TCP_LEN = 20, /* without options */
	PACKET_TCP_SEQUENCE_AT = 4,
	PACKET_TCP_ACK_AT = 8,
	PACKET_TCP_FLAGS_AT = 13,
	PACKET_TCP_WINDOW_AT = 14,
	PACKET_TCP_CHECKSUM_AT = 16,
	PACKET_TCP_URGENT_AT = 18,
	PACKET_TCP_FIN = 0x01,
	PACKET_TCP_PSH = 0x08,
	PACKET_TCP_ACK = 0x10,
	PACKET_TCP_CWR = 0x80,

	PACKET_UDP_LEN = 8,
	PACKET_UDP_LENGTH_AT = 4,
	PACKET_UDP_CHECKSUM_AT = 6,
};

struct packet {
	bool is_v6;
	uint8_t protocol; /* PACKET_TCP or PACKET_UDP */
	size_t ip_len; /* of the IP header: the transport's begins here */
	size_t header_len; /* of both: the payload begins here */
	size_t n; /* of all */
};

/* False: it is not understood.  The IP length must be that of the span; whether
 * a UDP length agrees is not asked, because in a super-packet it need not. */
bool packet_read(struct packet *out, struct span bytes);

/* Where the transport's checksum is, from the transport header on. */
size_t packet_checksum_at(const struct packet *p);
/* The sum of the pseudo-header, for a transport of n bytes. */
uint64_t packet_pseudo(const struct packet *p, const uint8_t *bytes, size_t n);
/* Sets the lengths and, for IPv4, the header's checksum, for a packet that has
 * n bytes in all. */
void packet_set_length(const struct packet *p, uint8_t *bytes, size_t n);

uint16_t packet_be16(const uint8_t *at);
uint32_t packet_be32(const uint8_t *at);
void packet_put_be16(uint8_t *at, uint16_t v);
void packet_put_be32(uint8_t *at, uint32_t v);

#endif
