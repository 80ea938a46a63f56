/* TCP and UDP packets to order, and a splitter too stupid to be wrong, for the tests of offload. */
#ifndef POSTERN_TESTS_OFFLOAD_PACKETS_H
#define POSTERN_TESTS_OFFLOAD_PACKETS_H

#include "unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "offload/packet.h"
#include "offload/vnet.h"

struct made {
	bool is_v6, is_udp;
	size_t options; /* bytes of TCP options */
	size_t payload;
	uint32_t sequence, ack;
	uint16_t id, window, port;
	uint8_t tcp_flags, tos, ttl, host;
	bool may_fragment, has_no_sum;
};

/* Byte by byte, as RFC 1071 §1 says it. */
static inline uint16_t stupid_sum(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)sum;
}

/* The transport's checksum as it has to be, the field taken for zero. */
static inline uint16_t stupid_checksum(const uint8_t *b, size_t ip_len, size_t n, size_t field)
{
	uint8_t *copy = mem_new(n + 1), protocol = ip_len == 40 ? b[6] : b[9];
	uint32_t sum = ip_len == 40 ? stupid_sum(0, b + 8, 32) : stupid_sum(0, b + 12, 8);

	memcpy(copy, b + ip_len, n - ip_len);
	copy[field] = copy[field + 1] = 0;
	sum += protocol + (uint32_t)(n - ip_len);
	sum = stupid_sum((sum & 0xffff) + (sum >> 16), copy, n - ip_len);
	free(copy);
	sum = ~sum & 0xffff;
	return (uint16_t)(protocol == PACKET_UDP && !sum ? 0xffff : sum);
}

static inline void finish_sums(uint8_t *b, size_t n, size_t ip_len, bool is_udp)
{
	size_t field = is_udp ? 6 : 16;
	uint16_t sum = stupid_checksum(b, ip_len, n, field);

	b[ip_len + field] = (uint8_t)(sum >> 8);
	b[ip_len + field + 1] = (uint8_t)sum;
	if (ip_len == 20) {
		b[10] = b[11] = 0;
		sum = (uint16_t)~stupid_sum(0, b, 20);
		b[10] = (uint8_t)(sum >> 8);
		b[11] = (uint8_t)sum;
	}
}

static inline void put16(uint8_t *at, size_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static inline void put32(uint8_t *at, uint32_t v)
{
	put16(at, v >> 16);
	put16(at + 2, v & 0xffff);
}

/* Writes the packet; returns its length.  The payload follows from the sequence, so that what is
 * put together in a wrong order shows. */
static inline size_t make(uint8_t *b, const struct made *m)
{
	size_t ip_len = m->is_v6 ? 40 : 20, tcp_len = 20 + m->options;
	size_t header = ip_len + (m->is_udp ? 8 : tcp_len), n = header + m->payload;
	uint8_t *t = b + ip_len;

	memset(b, 0, header);
	if (m->is_v6) {
		b[0] = 0x60;
		b[1] = (uint8_t)(m->tos << 4);
		put16(b + 4, n - 40);
		b[6] = m->is_udp ? 17 : 6;
		b[7] = m->ttl;
		b[8] = b[24] = 0xfd;
		b[23] = m->host;
		b[39] = 9;
	} else {
		b[0] = 0x45;
		b[1] = m->tos;
		put16(b + 2, n);
		put16(b + 4, m->id);
		b[6] = m->may_fragment ? 0 : 0x40;
		b[8] = m->ttl;
		b[9] = m->is_udp ? 17 : 6;
		b[12] = b[16] = 10;
		b[15] = m->host;
		b[19] = 9;
	}
	put16(t, m->port);
	put16(t + 2, 443);
	if (m->is_udp) {
		put16(t + 4, n - ip_len);
	} else {
		put32(t + 4, m->sequence);
		put32(t + 8, m->ack);
		t[12] = (uint8_t)(tcp_len / 4 << 4);
		t[13] = m->tcp_flags;
		put16(t + 14, m->window);
		memset(t + 20, 1, m->options);
	}
	for (size_t i = 0; i < m->payload; i++)
		b[header + i] = (uint8_t)((m->sequence + i) * 31 >> 3);
	finish_sums(b, n, ip_len, m->is_udp);
	if (m->has_no_sum)
		t[6] = t[7] = 0;
	return n;
}

/* Piece number i of a super-packet, made anew from it; returns its length, 0 at the end. */
static inline size_t stupid_piece(uint8_t *out, const struct vnet *h, const uint8_t *b, size_t n,
				  size_t i)
{
	size_t ip_len = b[0] >> 4 == 6 ? 40 : 20;
	bool is_udp = (ip_len == 40 ? b[6] : b[9]) == 17;
	size_t header = ip_len + (is_udp ? 8 : (size_t)(b[ip_len + 12] >> 4) * 4);
	size_t from = header + i * h->gso_size, len = n - from;

	if (from >= n)
		return 0;
	if (len > h->gso_size)
		len = h->gso_size;
	memcpy(out, b, header);
	memcpy(out + header, b + from, len);
	if (ip_len == 40) {
		put16(out + 4, header + len - 40);
	} else {
		put16(out + 2, header + len);
		put16(out + 4, ((size_t)b[4] << 8 | b[5]) + i);
	}
	if (is_udp) {
		put16(out + ip_len + 4, 8 + len);
	} else {
		put32(out + ip_len + 4, packet_be32(b + ip_len + 4) + (uint32_t)(from - header));
		if (from + len < n)
			out[ip_len + 13] &= (uint8_t)~9;
		if (i)
			out[ip_len + 13] &= 0x7f;
	}
	finish_sums(out, header + len, ip_len, is_udp);
	return header + len;
}

static inline uint32_t random_below(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % below;
}

#endif
