/*
 * front: a range of addresses of the load balancers ahead of this edge, which
 * say with the PROXY protocol whom a connection comes from.
 *
 * Pure: text in, answers out.
 *
 * Source: RFC 4632 §3.1, RFC 4291 §2.3 (prefixes).
 */
#ifndef POSTERN_EDGE_FRONT_H
#define POSTERN_EDGE_FRONT_H

#include "io/sock.h"

struct front {
	uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
	unsigned bits; /* of these that count: 0..128 */
};

/*
 * "192.0.2.0/24", "2001:db8::/32", or an address alone.  False for anything
 * else, and for bits set behind the prefix: a mistake, whichever was meant.
 */
bool front_parse(struct front *out, struct span text);
/* Never of a unix socket's address. */
bool front_has(const struct front *f, const struct sock_addr *a);

#endif
