/*
 * userspace: a userspace WireGuard device, through its UAPI socket.
 *
 * One connection a request, as the device expects.  Blocks while the device is
 * silent for at most half a second and two seconds in all; RC_SYS with
 * ETIMEDOUT then.  Results as in wgctl.h.
 */
#ifndef POSTERN_WGCTL_USERSPACE_H
#define POSTERN_WGCTL_USERSPACE_H

#include "wgctl/utext.h"

/* Somebody listens at this unix address. */
bool userspace_is_there(const struct sock_addr *at);

/* Sends a request that utext wrote and reads the reply: as utext_read(), and
 * RC_SYS with the device's errno when that is not 0. */
enum rc userspace_ask(const struct sock_addr *at, struct span request,
		      struct wgctl_device *out, utext_peer_fn *fn, void *arg);

#endif
