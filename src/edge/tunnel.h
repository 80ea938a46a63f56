/*
 * tunnel: addresses of instances in the tunnel, as sockets need them, and which
 * of them may be connected to at all.
 */
#ifndef POSTERN_EDGE_TUNNEL_H
#define POSTERN_EDGE_TUNNEL_H

#include "edge/config.h"

/*
 * Whether an address (16 bytes, IPv4 mapped) may be connected to: one of the
 * tunnel's network, never the gateway's own, the network's or the broadcast
 * address.  The registrar gives out no other; this holds whatever the store
 * says.  Anything goes where no network is configured.
 */
bool tunnel_admits(const struct edge_tunnel *t, const uint8_t address[16]);

/* The socket address of a port there. */
void tunnel_socket(struct sock_addr *out, const uint8_t address[16],
		   uint16_t port);

#endif
