/*
 * spawn: the edge's own processes: a program, executed anew, with one socket
 * to us.
 */
#ifndef POSTERN_EDGE_SPAWN_H
#define POSTERN_EDGE_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/rc.h"

struct spawn {
	pid_t pid; /* 0: none */
	int pid_fd; /* readable once it has ended */
	int control; /* our end */
};

#define SPAWN_NULL ((struct spawn){ .pid_fd = -1, .control = -1 })

/*
 * Executes what exe_fd holds with these arguments (NULL-terminated).  The
 * child's descriptor 'child_fd' is its end of the socket, beside 0, 1 and 2;
 * no signal is blocked there.  RC_SYS with errno.
 */
enum rc spawn_start(struct spawn *out, int exe_fd, const char *const *argv,
		    int child_fd);
/* Closes our descriptors, and waits for one that was told to end or has. */
void spawn_fini(struct spawn *s);
/* Takes its end: waitpid()'s status.  False: it still runs. */
bool spawn_reap(struct spawn *s, int *status);

#endif
