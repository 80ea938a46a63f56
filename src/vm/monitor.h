/*
 * monitor: questions to a running QEMU over its QMP socket, one at a time, each
 * with a deadline.  Blocks; a QEMU that hangs costs the deadline.
 *
 * QEMU serves one monitor client at a time: another one waits in the queue of
 * the socket, so a connection is opened for what is asked now and closed again.
 *
 * Source: QEMU docs/interop/qmp-spec.rst.
 */
#ifndef POSTERN_VM_MONITOR_H
#define POSTERN_VM_MONITOR_H

#include "base/buf.h"
#include "vm/qmp.h"

enum {
	MONITOR_ERROR_MAX = 384,
};

/* Zeroed is no dead one: monitor_open() makes it, monitor_close() ends it. */
struct monitor {
	int fd;
	struct buf in;
	struct arena arena;
	uint64_t last_id;
};

/*
 * Connects, reads the greeting, enters command mode.
 *
 * RC_CLOSED     nobody listens there, or it closed the connection
 * RC_LIMIT      no answer in timeout_ms, or a line over QMP_LINE_MAX
 * RC_MALFORMED  it does not speak QMP
 * RC_DENIED     it refuses; error has its words
 * RC_SYS        no socket
 *
 * On failure error has one line and there is nothing to close.
 */
enum rc monitor_open(struct monitor *out, const char *path, unsigned timeout_ms,
		     char error[MONITOR_ERROR_MAX]);
void monitor_close(struct monitor *m);

/*
 * Asks and waits for the answer to this question; events and answers to others
 * are passed over.  'arguments' is a JSON object, or empty.  *out (NULL: not
 * wanted) is what "return" holds, until the next call.  Fails as
 * monitor_open().
 */
enum rc monitor_ask(struct monitor *m, const struct jtree **out,
		    const char *command, struct span arguments,
		    unsigned timeout_ms, char error[MONITOR_ERROR_MAX]);

#endif
