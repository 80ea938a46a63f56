/*
 * Packets as peers send them, each after two bytes of length; bit 15 of the
 * length makes the checksums right, so that not only luck gets past them.
 *
 * Promises: each packet comes out once, alone as it was or put together; what is
 * put together is within the bounds and can be cut into as many as it was, each
 * carrying what it carried.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "offload/checksum.h"
#include "offload/gro.h"
#include "offload/split.h"

enum {
	PACKETS_MAX = 256,
};

struct seen {
	size_t packets;
};

static void on_packet(void *arg, const struct vnet *h, const struct span *parts, size_t count)
{
	struct seen *seen = arg;
	uint8_t *whole = mem_new(GRO_LEN_MAX + 1), *piece = mem_new(GRO_LEN_MAX + 1);
	size_t n = 0, pieces = 0, len;
	struct split s;

	/* Headers stand before the payloads of several. */
	seen->packets += count > 1 ? count - 1 : 1;
	assert(count >= 1 && count != 2 && count <= GRO_PARTS_MAX);
	for (size_t i = 0; i < count; i++) {
		assert(n + parts[i].n <= GRO_LEN_MAX);
		memcpy(whole + n, parts[i].p, parts[i].n);
		n += parts[i].n;
	}
	assert(count > 1 || h->gso_type == VNET_GSO_NONE);
	if (count > 1) {
		assert(split_begin(&s, h, span_of(whole, n)) && s.step);
		while ((len = split_len(&s))) {
			const struct span *part = &parts[1 + pieces++];

			split_next(&s, piece);
			assert(len == s.packet.header_len + part->n &&
			       !memcmp(piece + s.packet.header_len, part->p, part->n));
		}
		assert(pieces + 1 == count);
	}
	free(whole);
	free(piece);
}

static void make_right(uint8_t *b, size_t n)
{
	struct packet p;
	uint8_t *field;

	if (!packet_read(&p, span_of(b, n)))
		return;
	packet_set_length(&p, b, n);
	field = b + p.ip_len + packet_checksum_at(&p);
	checksum_put(field, 0);
	checksum_put(field, (uint16_t)~checksum_fold(checksum_add(
				    packet_pseudo(&p, b, n - p.ip_len),
				    span_of(b + p.ip_len, n - p.ip_len))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size), part;
	uint8_t *packets[PACKETS_MAX];
	struct seen seen = { 0 };
	size_t count = 0;
	struct gro g;
	uint16_t n;

	gro_init(&g, on_packet, &seen, size % 8 != 0);
	while (count < PACKETS_MAX && rd_be16(&in, &n)) {
		size_t len = n & 0x7fff;

		if (!rd_n(&in, &part, len))
			part = in, in = span_of(NULL, 0);
		packets[count] = mem_new(part.n);
		if (part.n)
			memcpy(packets[count], part.p, part.n);
		if (n & 0x8000)
			make_right(packets[count], part.n);
		gro_add(&g, span_of(packets[count], part.n));
		count++;
	}
	gro_flush(&g);
	assert(seen.packets == count);
	for (size_t i = 0; i < count; i++)
		free(packets[i]);
	return 0;
}
