/*
 * admin: how others look at the interface and configure it: the UAPI socket and
 * the metrics socket, served in the main thread.
 *
 * A request is done while all workers stand still, so that it is done as one.
 */
#ifndef POSTERN_WGD_ADMIN_H
#define POSTERN_WGD_ADMIN_H

#include "base/rc.h"
#include "io/log.h"
#include "io/loop.h"

struct admin;
struct team;

struct admin_setup {
	struct loop *loop; /* borrowed, as are the others */
	struct team *team;
	const struct log *log;
	const char *interface;
	void (*gone)(void *arg); /* somebody removed the UAPI socket */
	void *arg;
};

/* RC_SYS with errno, EADDRINUSE when a living device has the socket.  Returns
 * owned: admin_free(), which removes the sockets. */
enum rc admin_new(struct admin **out, const struct admin_setup *setup);
/* Beside the UAPI socket, and like that for root only.  RC_SYS with errno. */
enum rc admin_serve_metrics(struct admin *a);
void admin_free(struct admin *a);

#endif
