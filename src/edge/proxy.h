/*
 * proxy: the PROXY protocol header, version 2, that tells a backend who the
 * client is.  Written only, to backends whose manifest asks; the edge reads
 * none from strangers.
 *
 * Source: haproxy.org, proxy-protocol.txt §2.2.
 */
#ifndef POSTERN_EDGE_PROXY_H
#define POSTERN_EDGE_PROXY_H

#include "base/wr.h"
#include "io/sock.h"

enum {
	PROXY_MAX = 52, /* header and two IPv6 addresses with ports */
};

/*
 * TCP over IPv4 or IPv6; LOCAL, without addresses, when the two are of another
 * or of different families.
 */
void proxy_write(struct wr *w, const struct sock_addr *from,
		 const struct sock_addr *to);

#endif
