/*
 * passfd: messages between processes of one program, with descriptors.
 *
 * A pair of connected unix sockets that keep messages apart.  What is sent is
 * received whole or not at all.
 *
 * Source: unix(7), SCM_RIGHTS.
 */
#ifndef POSTERN_IO_PASSFD_H
#define POSTERN_IO_PASSFD_H

#include "base/rc.h"
#include "base/span.h"

enum {
	PASSFD_BYTES_MAX = 16 * 1024, /* a message */
	PASSFD_COUNT_MAX = 128, /* descriptors with it */
};

/* Two blocking ends, close-on-exec.  RC_SYS with errno. */
enum rc passfd_pair(int fds[2]);

/*
 * Sends a message of at least one byte; fds stay the caller's.  Waits for room
 * at most timeout_ms.  RC_CLOSED: the other end is gone.  RC_LIMIT: no room in
 * time, or over one of the bounds.  RC_SYS with errno otherwise.
 */
enum rc passfd_send(int sock, struct span message, const int *fds,
		    size_t count, int timeout_ms);

/* What came.  Zeroed: nothing. */
struct passfd {
	uint8_t bytes[PASSFD_BYTES_MAX];
	size_t n;
	int fds[PASSFD_COUNT_MAX];
	size_t count;
};
/* Closes what was not taken; taken ones are set to -1. */
void passfd_fini(struct passfd *m);

/*
 * Waits for one at most timeout_ms (0: only what is there).  Descriptors are
 * close-on-exec and *out's.  RC_CLOSED: the other end is gone.  RC_LIMIT:
 * nothing came.  RC_MALFORMED: it did not fit.  RC_SYS with errno.
 */
enum rc passfd_recv(int sock, struct passfd *out, int timeout_ms);

#endif
