/*
 * assignment: what a verified gateway hands out, checked, and put into the
 * words of the device and the firewall.
 *
 * The gateway is attested; this still takes nothing from it that would send
 * packets elsewhere than to itself.
 */
#ifndef POSTERN_AGENT_ASSIGNMENT_H
#define POSTERN_AGENT_ASSIGNMENT_H

#include "agent/firewall.h"
#include "channel/session.h"
#include "wgctl/wgctl.h"

/*
 * Whole addresses of one family, all different; an endpoint outside the tunnel;
 * allowed is the gateway's address and nothing else; a lease of 1 s to 24 h.
 * False: error says which.
 */
bool assignment_check(const struct channel_assignment *a,
		      char error[NODE_ERROR_MAX]);

struct firewall_tunnel assignment_way(const struct channel_assignment *a);
/* *out holds a copy of the PSK: the caller wipes it. */
void assignment_peer(struct wgctl_peer *out, const struct channel_assignment *a,
		     const struct key32 *psk);

#endif
