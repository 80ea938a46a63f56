#include "edge/sources.h"

uint64_t sources_id(const struct sock_addr *from)
{
	struct span s;
	uint64_t v = 0;

	switch (from->sa.sa_family) {
	case AF_INET:
		/* No /64 of IPv6 begins like this (RFC 4291 §2.5.5). */
		return 1ull << 32 | from->in.sin_addr.s_addr;
	case AF_INET6:
		s = SPAN_ARRAY(from->in6.sin6_addr.s6_addr);
		(void)rd_be64(&s, &v); /* 16 bytes */
		return v ? v : 1;
	default:
		return 2;
	}
}
