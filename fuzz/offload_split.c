/*
 * What a TUN device could hand over: its header, then a packet.
 *
 * Promises: nothing outside is read or written; the pieces of a super-packet are
 * packets in themselves with right checksums and, all together, carry just what
 * it carried.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "offload/checksum.h"
#include "offload/split.h"

static void check_piece(const uint8_t *b, size_t n)
{
	struct packet p;
	uint64_t sum;

	assert(packet_read(&p, span_of(b, n)));
	sum = packet_pseudo(&p, b, n - p.ip_len);
	sum = checksum_add(sum, span_of(b + p.ip_len, n - p.ip_len));
	assert(checksum_fold(sum) == 0xffff);
	if (!p.is_v6)
		assert(checksum_fold(checksum_add(0, span_of(b, p.ip_len))) == 0xffff);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size);
	size_t carried = 0, len;
	struct vnet h;
	struct split s;

	if (size > 65535 + VNET_LEN || !vnet_read(&h, &in) || !split_begin(&s, &h, in))
		return 0;
	while ((len = split_len(&s))) {
		uint8_t *out = mem_new(len);

		split_next(&s, out);
		if (s.step) {
			assert(!memcmp(out + s.packet.header_len,
				       in.p + s.packet.header_len + carried,
				       len - s.packet.header_len));
			carried += len - s.packet.header_len;
			check_piece(out, len);
		}
		free(out);
	}
	assert(!s.step || carried == in.n - s.packet.header_len);
	return 0;
}
