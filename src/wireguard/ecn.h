/*
 * ecn: marks of congestion, carried into the tunnel's outer packets and back,
 * so that a router on the way can slow a flow down without dropping it.
 *
 * Source: RFC 6040 §4.1 (normal mode), §4.2; RFC 1624 §3 (the checksum).
 */
#ifndef POSTERN_WIREGUARD_ECN_H
#define POSTERN_WIREGUARD_ECN_H

#include "base/span.h"

enum {
	ECN_NOT = 0, /* not capable */
	ECN_ECT_1 = 1,
	ECN_ECT_0 = 2,
	ECN_CE = 3, /* congestion experienced */
};

/* What an IP packet has, for the outer one.  The packet has a whole header. */
unsigned ecn_of(const uint8_t *packet);
/*
 * Takes into the packet what came with the outer one.  False: it says that it
 * is not capable, but met congestion; RFC 6040 has it dropped.
 */
[[nodiscard]] bool ecn_take(uint8_t *packet, unsigned outer);

#endif
