#include "offload/split.h"

#include <string.h>

#include "offload/checksum.h"

/* The checksum field stands at start + offset, and the sum begins at start. */
static bool is_checksum_inside(const struct vnet *h, size_t n)
{
	return (size_t)h->checksum_start + h->checksum_offset + 2 <= n;
}

static bool begin_one(struct split *s)
{
	return !(s->vnet.flags & VNET_NEEDS_CHECKSUM) ||
	       is_checksum_inside(&s->vnet, s->bytes.n);
}

static bool is_expected(const struct packet *p, unsigned gso_type)
{
	switch (gso_type) {
	case VNET_GSO_TCPV4:
		return p->protocol == PACKET_TCP && !p->is_v6;
	case VNET_GSO_TCPV6:
		return p->protocol == PACKET_TCP && p->is_v6;
	case VNET_GSO_UDP_L4:
		return p->protocol == PACKET_UDP;
	default:
		return false;
	}
}

bool split_begin(struct split *out, const struct vnet *h, struct span packet)
{
	struct split s = { .bytes = packet, .vnet = *h };
	unsigned type = h->gso_type & ~(unsigned)VNET_GSO_ECN;

	if (!packet.n)
		return false;
	if (type == VNET_GSO_NONE) {
		if (!begin_one(&s))
			return false;
	} else {
		if (!packet_read(&s.packet, packet) ||
		    !is_expected(&s.packet, type) || !h->gso_size)
			return false;
		s.step = h->gso_size;
		s.at = s.packet.header_len;
		if (!s.packet.is_v6)
			s.id = packet_be16(packet.p + PACKET_V4_ID_AT);
	}
	*out = s;
	return true;
}

static size_t payload_len(const struct split *s)
{
	size_t left = s->bytes.n - s->at;

	return left < s->step ? left : s->step;
}

size_t split_len(const struct split *s)
{
	if (s->is_done)
		return 0;
	return s->step ? s->packet.header_len + payload_len(s) : s->bytes.n;
}

/* The packet as it is, its checksum made whole when it is not. */
static void next_whole(struct split *s, uint8_t *out)
{
	const struct vnet *h = &s->vnet;
	uint8_t *start = out + h->checksum_start;
	uint16_t sum;

	memcpy(out, s->bytes.p, s->bytes.n);
	s->is_done = true;
	if (!(h->flags & VNET_NEEDS_CHECKSUM))
		return;
	sum = checksum_fold(checksum_add(
		0, span_of(start, s->bytes.n - h->checksum_start)));
	/* Zero would mean "none" in UDP, and the same number otherwise. */
	checksum_put(start + h->checksum_offset,
		     sum == 0xffff ? 0xffff : (uint16_t)~sum);
}

static void set_tcp(const struct split *s, uint8_t *tcp, bool is_last)
{
	size_t done = s->at - s->packet.header_len;
	uint32_t sequence = packet_be32(tcp + PACKET_TCP_SEQUENCE_AT);

	packet_put_be32(tcp + PACKET_TCP_SEQUENCE_AT,
			sequence + (uint32_t)done);
	if (done)
		tcp[PACKET_TCP_FLAGS_AT] &= (uint8_t)~PACKET_TCP_CWR;
	if (!is_last)
		tcp[PACKET_TCP_FLAGS_AT] &=
			(uint8_t) ~(PACKET_TCP_FIN | PACKET_TCP_PSH);
}

void split_next(struct split *s, uint8_t *out)
{
	const struct packet *p = &s->packet;
	size_t n, transport_len;
	uint8_t *transport = out + p->ip_len, *checksum;
	uint64_t sum;
	bool is_last;

	if (!s->step) {
		next_whole(s, out);
		return;
	}
	n = payload_len(s);
	is_last = s->at + n == s->bytes.n;
	transport_len = p->header_len - p->ip_len + n;
	checksum = transport + packet_checksum_at(p);
	memcpy(out, s->bytes.p, p->header_len);
	if (!p->is_v6)
		packet_put_be16(out + PACKET_V4_ID_AT, s->id++);
	packet_set_length(p, out, p->header_len + n);
	if (p->protocol == PACKET_TCP)
		set_tcp(s, transport, is_last);
	else
		packet_put_be16(transport + PACKET_UDP_LENGTH_AT,
				(uint16_t)transport_len);
	checksum_put(checksum, 0);
	sum = packet_pseudo(p, out, transport_len);
	sum = checksum_add(sum,
			   span_of(transport, p->header_len - p->ip_len));
	sum = checksum_copy(sum, out + p->header_len,
			    span_of(s->bytes.p + s->at, n));
	checksum_put(checksum, (uint16_t)~checksum_fold(sum));
	if (p->protocol == PACKET_UDP && !checksum_get(checksum))
		checksum_put(checksum, 0xffff); /* zero means none */
	s->at += n;
	s->is_done = is_last;
}
