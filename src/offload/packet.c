#include "offload/packet.h"

#include <endian.h>

#include "offload/checksum.h"

enum {
	V4_PROTOCOL_AT = 9,
	V4_FRAGMENT_MASK = 0x3fff, /* more fragments, offset */
	V6_NEXT_AT = 6,
	TCP_OFFSET_AT = 12,
};

uint16_t packet_be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t packet_be32(const uint8_t *at)
{
	return (uint32_t)packet_be16(at) << 16 | packet_be16(at + 2);
}

void packet_put_be16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

void packet_put_be32(uint8_t *at, uint32_t v)
{
	packet_put_be16(at, (uint16_t)(v >> 16));
	packet_put_be16(at + 2, (uint16_t)v);
}

static bool read_v4(struct packet *p, struct span b)
{
	if (b.n < PACKET_V4_LEN)
		return false;
	p->ip_len = (size_t)(b.p[0] & 15) * 4;
	p->protocol = b.p[V4_PROTOCOL_AT];
	return p->ip_len >= PACKET_V4_LEN && p->ip_len <= b.n &&
	       packet_be16(b.p + PACKET_V4_TOTAL_AT) == b.n &&
	       !(packet_be16(b.p + PACKET_V4_FLAGS_AT) & V4_FRAGMENT_MASK);
}

static bool read_v6(struct packet *p, struct span b)
{
	if (b.n < PACKET_V6_LEN)
		return false;
	p->is_v6 = true;
	p->ip_len = PACKET_V6_LEN;
	p->protocol = b.p[V6_NEXT_AT];
	return (size_t)packet_be16(b.p + PACKET_V6_PAYLOAD_AT) +
		       PACKET_V6_LEN ==
	       b.n;
}

static bool read_transport(struct packet *p, struct span b)
{
	size_t left = b.n - p->ip_len, n = PACKET_UDP_LEN;

	if (p->protocol == PACKET_TCP) {
		if (left < PACKET_TCP_LEN)
			return false;
		n = (size_t)(b.p[p->ip_len + TCP_OFFSET_AT] >> 4) * 4;
		if (n < PACKET_TCP_LEN)
			return false;
	} else if (p->protocol != PACKET_UDP) {
		return false;
	}
	p->header_len = p->ip_len + n;
	return n <= left;
}

bool packet_read(struct packet *out, struct span bytes)
{
	struct packet p = { .n = bytes.n };
	uint8_t version = bytes.n ? bytes.p[0] >> 4 : 0;

	if (!(version == 4 && read_v4(&p, bytes)) &&
	    !(version == 6 && read_v6(&p, bytes)))
		return false;
	if (!read_transport(&p, bytes))
		return false;
	*out = p;
	return true;
}

size_t packet_checksum_at(const struct packet *p)
{
	return p->protocol == PACKET_TCP ? PACKET_TCP_CHECKSUM_AT
					 : PACKET_UDP_CHECKSUM_AT;
}

uint64_t packet_pseudo(const struct packet *p, const uint8_t *bytes, size_t n)
{
	/* Of two words, length and protocol. */
	uint64_t tail = (uint64_t)htobe32((uint32_t)n) + htobe32(p->protocol);
	struct span addresses =
		p->is_v6 ? span_of(bytes + PACKET_V6_ADDRESSES_AT, 32)
			 : span_of(bytes + PACKET_V4_ADDRESSES_AT, 8);

	return checksum_add(tail, addresses);
}

void packet_set_length(const struct packet *p, uint8_t *bytes, size_t n)
{
	uint8_t *checksum = bytes + PACKET_V4_CHECKSUM_AT;
	uint64_t sum;

	if (p->is_v6) {
		packet_put_be16(bytes + PACKET_V6_PAYLOAD_AT,
				(uint16_t)(n - PACKET_V6_LEN));
		return;
	}
	packet_put_be16(bytes + PACKET_V4_TOTAL_AT, (uint16_t)n);
	checksum_put(checksum, 0);
	sum = checksum_add(0, span_of(bytes, p->ip_len));
	checksum_put(checksum, (uint16_t)~checksum_fold(sum));
}
