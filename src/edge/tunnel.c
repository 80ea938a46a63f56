#include "edge/tunnel.h"

#include <arpa/inet.h>
#include <string.h>

/* The prefix ::ffff:0:0/96 of IPv4-mapped addresses (RFC 4291 §2.5.5.2). */
static const uint8_t MAPPED_PREFIX[12] = { [10] = 0xff, [11] = 0xff };

bool tunnel_admits(const struct edge_tunnel *t, const uint8_t address[16])
{
	struct span own = SPAN_ARRAY(t->own), it = span_of(address, 16);
	uint32_t a = 0, b = 0, hosts;

	if (t->bits == 0)
		return true;
	if (!span_has_prefix(it, SPAN_ARRAY(MAPPED_PREFIX)) ||
	    !rd_skip(&it, sizeof(MAPPED_PREFIX)) || !rd_be32(&it, &a) ||
	    !rd_be32(&own, &b))
		return false;
	hosts = ~0u >> t->bits;
	return (a | hosts) == (b | hosts) && a != b && (a & hosts) != 0 &&
	       (a & hosts) != hosts;
}

void tunnel_socket(struct sock_addr *out, const uint8_t address[16],
		   uint16_t port)
{
	*out = (struct sock_addr){ 0 };
	if (span_has_prefix(span_of(address, 16), SPAN_ARRAY(MAPPED_PREFIX))) {
		out->in.sin_family = AF_INET;
		out->in.sin_port = htons(port);
		memcpy(&out->in.sin_addr, address + sizeof(MAPPED_PREFIX), 4);
		out->len = sizeof(out->in);
		return;
	}
	out->in6.sin6_family = AF_INET6;
	out->in6.sin6_port = htons(port);
	memcpy(&out->in6.sin6_addr, address, 16);
	out->len = sizeof(out->in6);
}
