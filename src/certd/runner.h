/*
 * runner: starts the operator's programs for a process that gave up starting
 * any: a child of ours, forked before that, which does nothing else.  It sees
 * no key: it is forked before there is one.
 *
 * Any thread.
 */
#ifndef POSTERN_CERTD_RUNNER_H
#define POSTERN_CERTD_RUNNER_H

#include "base/rc.h"

enum {
	RUNNER_ARGS_MAX = 8,
};

struct runner;

/* Forks it; before threads, and before a sandbox.  RC_SYS with errno. */
enum rc runner_new(struct runner **out);
/* It ends when its socket is closed. */
void runner_free(struct runner *r);

/*
 * Runs argv (argv[0] an absolute path) to its end, at most timeout_ms.  RC_OK:
 * it exited with 0; RC_DENIED otherwise; RC_LIMIT: killed; RC_CLOSED: the
 * runner is gone.  Its output goes where ours goes.
 */
enum rc runner_run(struct runner *r, const char *const *argv,
		   unsigned timeout_ms);
/* The same without waiting for how it ends. */
void runner_start(struct runner *r, const char *const *argv);

#endif
