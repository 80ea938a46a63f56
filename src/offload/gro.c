#include "offload/gro.h"

#include <string.h>

#include "offload/checksum.h"

void gro_init(struct gro *g, gro_fn *fn, void *arg, bool with_udp)
{
	g->fn = fn;
	g->arg = arg;
	g->with_udp = with_udp;
	g->last = g->victim = 0;
	for (size_t i = 0; i < GRO_FLOWS_MAX; i++)
		g->flows[i].count = 0;
}

/* Makes headers for all together, of the first packet's. */
static void join(struct gro_flow *f, struct vnet *h)
{
	const struct packet *p = &f->first;
	bool is_tcp = p->protocol == PACKET_TCP;
	uint8_t *transport = f->header + p->ip_len;
	size_t transport_len = f->n - p->ip_len;

	memcpy(f->header, f->bytes, p->header_len);
	f->parts[0] = span_of(f->header, p->header_len);
	f->parts[1] = span_of(f->bytes + p->header_len, f->step);
	packet_set_length(p, f->header, f->n);
	if (!is_tcp)
		packet_put_be16(transport + PACKET_UDP_LENGTH_AT,
				(uint16_t)transport_len);
	else if (f->is_push) /* cut again, it is the last one's */
		transport[PACKET_TCP_FLAGS_AT] |= PACKET_TCP_PSH;
	/* The kernel adds the rest of the sum. */
	checksum_put(transport + packet_checksum_at(p),
		     checksum_fold(packet_pseudo(p, f->header, transport_len)));
	*h = (struct vnet){
		.flags = VNET_NEEDS_CHECKSUM,
		.header_len = (uint16_t)p->header_len,
		.gso_size = (uint16_t)f->step,
		.checksum_start = (uint16_t)p->ip_len,
		.checksum_offset = (uint16_t)packet_checksum_at(p),
	};
	if (!is_tcp)
		h->gso_type = VNET_GSO_UDP_L4;
	else
		h->gso_type = p->is_v6 ? VNET_GSO_TCPV6 : VNET_GSO_TCPV4;
}

static void end_flow(struct gro *g, struct gro_flow *f)
{
	/* Held packets have passed has_right_sums(). */
	struct vnet h = { .flags = VNET_DATA_VALID };

	if (f->count == 1) {
		g->fn(g->arg, &h, f->parts + 1, 1);
	} else if (f->count) {
		join(f, &h);
		g->fn(g->arg, &h, f->parts, 1 + f->count);
	}
	f->count = 0;
}

void gro_flush(struct gro *g)
{
	for (size_t i = 0; i < GRO_FLOWS_MAX; i++)
		end_flow(g, &g->flows[i]);
}

static bool is_equal(const uint8_t *a, const uint8_t *b, size_t n)
{
	return memcmp(a, b, n) == 0; /* public: headers of packets */
}

/* Addresses and ports, which follow each other where there are no options. */
static bool is_of_flow(const struct gro_flow *f, const struct packet *p,
		       const uint8_t *bytes)
{
	size_t at = p->is_v6 ? PACKET_V6_ADDRESSES_AT : PACKET_V4_ADDRESSES_AT;

	return f->count && f->first.is_v6 == p->is_v6 &&
	       f->first.protocol == p->protocol &&
	       is_equal(f->bytes + at, bytes + at, p->is_v6 ? 32 : 8) &&
	       is_equal(f->bytes + f->first.ip_len, bytes + p->ip_len, 4);
}

static struct gro_flow *find(struct gro *g, const struct packet *p,
			     const uint8_t *bytes)
{
	if (is_of_flow(&g->flows[g->last], p, bytes))
		return &g->flows[g->last];
	for (size_t i = 0; i < GRO_FLOWS_MAX; i++)
		if (is_of_flow(&g->flows[i], p, bytes)) {
			g->last = i;
			return &g->flows[i];
		}
	return NULL;
}

static bool has_right_sums(const struct packet *p, const uint8_t *bytes)
{
	const uint8_t *transport = bytes + p->ip_len;
	size_t n = p->n - p->ip_len;
	uint64_t sum = packet_pseudo(p, bytes, n);

	if (checksum_fold(checksum_add(sum, span_of(transport, n))) != 0xffff)
		return false;
	return p->is_v6 ||
	       checksum_fold(checksum_add(0, span_of(bytes, p->ip_len))) ==
		       0xffff;
}

/* Nothing but data, so that nothing is lost when it is one of many. */
static bool is_plain_tcp(const uint8_t *tcp)
{
	return (tcp[PACKET_TCP_FLAGS_AT] & ~PACKET_TCP_PSH) == PACKET_TCP_ACK &&
	       packet_be16(tcp + PACKET_TCP_URGENT_AT) == 0;
}

/* Checksums are optional in UDP over IPv4: then there is none to give back. */
static bool is_plain_udp(const uint8_t *udp, size_t n)
{
	return packet_be16(udp + PACKET_UDP_LENGTH_AT) == n &&
	       checksum_get(udp + PACKET_UDP_CHECKSUM_AT) != 0;
}

static bool is_candidate(const struct gro *g, const struct packet *p,
			 const uint8_t *bytes)
{
	const uint8_t *transport = bytes + p->ip_len;

	if (p->header_len == p->n ||
	    (!p->is_v6 && p->ip_len != PACKET_V4_LEN))
		return false;
	if (p->protocol == PACKET_TCP ? !is_plain_tcp(transport)
				      : !g->with_udp ||
						!is_plain_udp(transport,
							      p->n - p->ip_len))
		return false;
	return has_right_sums(p, bytes);
}

/* Type of service, hop limit and what else is not told apart by position. */
static bool has_same_ip(const struct gro_flow *f, const uint8_t *b)
{
	const uint8_t *a = f->bytes;

	if (f->first.is_v6)
		return is_equal(a, b, 4) && a[7] == b[7];
	return a[1] == b[1] && a[8] == b[8] &&
	       is_equal(a + PACKET_V4_FLAGS_AT, b + PACKET_V4_FLAGS_AT, 2) &&
	       (a[PACKET_V4_FLAGS_AT] & PACKET_V4_DF ||
		packet_be16(b + PACKET_V4_ID_AT) == f->id);
}

static bool has_same_tcp(const struct gro_flow *f, const struct packet *p,
			 const uint8_t *bytes)
{
	const uint8_t *a = f->bytes + p->ip_len, *b = bytes + p->ip_len;
	size_t options = p->header_len - p->ip_len - PACKET_TCP_LEN;

	return p->header_len == f->first.header_len &&
	       packet_be32(b + PACKET_TCP_SEQUENCE_AT) == f->sequence &&
	       is_equal(a + PACKET_TCP_ACK_AT, b + PACKET_TCP_ACK_AT, 4) &&
	       is_equal(a + PACKET_TCP_WINDOW_AT, b + PACKET_TCP_WINDOW_AT,
			2) &&
	       is_equal(a + PACKET_TCP_LEN, b + PACKET_TCP_LEN, options);
}

static bool follows(const struct gro_flow *f, const struct packet *p,
		    const uint8_t *bytes)
{
	size_t payload = p->n - p->header_len;

	return payload <= f->step && f->n + payload <= GRO_LEN_MAX &&
	       has_same_ip(f, bytes) &&
	       (p->protocol == PACKET_UDP || has_same_tcp(f, p, bytes));
}

static bool has_push(const struct packet *p, const uint8_t *bytes)
{
	return p->protocol == PACKET_TCP &&
	       bytes[p->ip_len + PACKET_TCP_FLAGS_AT] & PACKET_TCP_PSH;
}

/* What the next packet of the flow must be, now that this one is in. */
static void expect(struct gro_flow *f, const struct packet *p,
		   const uint8_t *bytes)
{
	if (p->protocol == PACKET_TCP)
		f->sequence = packet_be32(bytes + p->ip_len +
					  PACKET_TCP_SEQUENCE_AT) +
			      (uint32_t)(p->n - p->header_len);
	if (!p->is_v6)
		f->id = (uint16_t)(packet_be16(bytes + PACKET_V4_ID_AT) + 1);
}

static void begin_flow(struct gro *g, struct gro_flow *f,
		       const struct packet *p, const uint8_t *bytes)
{
	if (!f) {
		size_t i = 0;

		while (i < GRO_FLOWS_MAX && g->flows[i].count)
			i++;
		if (i == GRO_FLOWS_MAX)
			i = g->victim++ % GRO_FLOWS_MAX;
		g->last = i;
		f = &g->flows[i];
	}
	end_flow(g, f);
	f->first = *p;
	f->bytes = bytes;
	f->parts[1] = span_of(bytes, p->n);
	f->count = 1;
	f->is_push = has_push(p, bytes);
	f->step = p->n - p->header_len;
	f->n = p->n;
	expect(f, p, bytes);
	if (f->is_push)
		end_flow(g, f);
}

static void append(struct gro *g, struct gro_flow *f, const struct packet *p,
		   const uint8_t *bytes)
{
	size_t payload = p->n - p->header_len;

	f->parts[++f->count] = span_of(bytes + p->header_len, payload);
	f->n += payload;
	f->is_push = has_push(p, bytes);
	expect(f, p, bytes);
	if (f->is_push || payload < f->step || f->count == GRO_PACKETS_MAX)
		end_flow(g, f);
}

void gro_add(struct gro *g, struct span packet)
{
	const struct vnet plain = { 0 };
	struct gro_flow *f;
	struct packet p;

	if (!packet_read(&p, packet)) {
		/* It may be a part of any flow's datagram. */
		gro_flush(g);
		g->fn(g->arg, &plain, &packet, 1);
		return;
	}
	f = find(g, &p, packet.p);
	if (!is_candidate(g, &p, packet.p)) {
		if (f)
			end_flow(g, f);
		g->fn(g->arg, &plain, &packet, 1);
	} else if (f && follows(f, &p, packet.p)) {
		append(g, f, &p, packet.p);
	} else {
		begin_flow(g, f, &p, packet.p);
	}
}
