#include "wireguard/ecn.h"

enum {
	MASK = 3,
	V4_CHECKSUM_AT = 10,
};

/* In IPv6 the traffic class stands across two bytes. */
static bool is_v6(const uint8_t *packet)
{
	return packet[0] >> 4 == 6;
}

unsigned ecn_of(const uint8_t *packet)
{
	return is_v6(packet) ? packet[1] >> 4 & MASK : packet[1] & MASK;
}

static unsigned be16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void set(uint8_t *packet, unsigned ecn)
{
	unsigned before = be16(packet), sum;

	if (is_v6(packet)) {
		packet[1] = (uint8_t)((packet[1] & 0xcfu) | ecn << 4);
		return;
	}
	packet[1] = (uint8_t)((packet[1] & 0xfcu) | ecn);
	/* HC' = ~(~HC + ~m + m') */
	sum = (~be16(packet + V4_CHECKSUM_AT) & 0xffff) + (~before & 0xffff) +
	      be16(packet);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	packet[V4_CHECKSUM_AT] = (uint8_t)(sum >> 8);
	packet[V4_CHECKSUM_AT + 1] = (uint8_t)sum;
}

bool ecn_take(uint8_t *packet, unsigned outer)
{
	unsigned inner = ecn_of(packet);

	if (inner == ECN_NOT)
		return outer != ECN_CE;
	if (outer == ECN_CE || (outer == ECN_ECT_1 && inner == ECN_ECT_0))
		set(packet, outer);
	return true;
}
