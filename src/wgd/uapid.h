/*
 * uapid: the UAPI socket of the device, /var/run/wireguard/<interface>.sock,
 * by which `wg` and wgctl configure it.
 *
 * Only root can connect (mode 0600).  At most UAPID_CLIENTS_MAX at a time;
 * what a client sends and has not read yet is bounded.
 */
#ifndef POSTERN_WGD_UAPID_H
#define POSTERN_WGD_UAPID_H

#include "base/buf.h"
#include "base/rc.h"
#include "io/loop.h"

enum {
	UAPID_CLIENTS_MAX = 64,
};

struct uapid;

struct uapid_events {
	/* one whole request; appends the answer.  False: hang up */
	bool (*request)(void *arg, struct buf *answer, struct span request);
	void (*gone)(void *arg); /* somebody removed the socket */
	void *arg;
};

/*
 * RC_SYS with errno, EADDRINUSE when a living device has the socket.
 * Returns owned: uapid_free(), which removes the socket.
 */
enum rc uapid_new(struct uapid **out, struct loop *loop, const char *interface,
		  const struct uapid_events *events);
void uapid_free(struct uapid *u);

#endif
