/*
 * service: a child of PID 1 that is started again when it ends, ever later
 * while it does so soon.
 */
#ifndef POSTERN_GUESTINIT_SERVICE_H
#define POSTERN_GUESTINIT_SERVICE_H

#include <sys/types.h>

#include "io/loop.h"

/* The caller's storage.  The first part is the caller's to fill, and borrowed.
 * Zeroed otherwise: not running. */
struct service {
	const char *name;
	const char *const *argv, *const *environment;
	bool is_once; /* it is not started again */
	/* Called when it was started and when it ended; 'status' as
	 * service_status() has it. */
	void (*changed)(void *arg, struct service *s, bool is_running,
			unsigned status);
	void *arg;

	struct loop *loop;
	pid_t pid; /* 0: not running */
	bool is_stopped; /* it is not wanted any more */
	uint64_t started_ms;
	unsigned pause_ms; /* before the next start */
	struct loop_timer again;
};

/* Starts it; what cannot be started counts as one that ended at once. */
void service_start(struct service *s, struct loop *loop);
/* It is not to run any more: sends the signal if it does. */
void service_stop(struct service *s, int signal);
/* Whether this was it: waitpid() gave this pid and status. */
bool service_reaped(struct service *s, pid_t pid, int status);
/* An exit status, or 128 and the signal's number. */
unsigned service_status(int status);

#endif
