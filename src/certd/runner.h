/*
 * runner: starts the operator's programs for a process that gave up starting
 * any: a child of ours, forked before that, which does nothing else.  It sees
 * no key: it is forked before there is one.  Which programs these are is fixed
 * when it is forked; a request names one by its number, so that whoever takes
 * over our process can pass them other words, but start nothing else.
 *
 * Any thread.
 */
#ifndef POSTERN_CERTD_RUNNER_H
#define POSTERN_CERTD_RUNNER_H

#include "base/rc.h"

enum {
	RUNNER_ARGS_MAX = 8, /* without the program's own name */
	RUNNER_TIMEOUT_MAX_MS = 600'000,
};

enum runner_which {
	RUNNER_HOOK, /* shows a challenge */
	RUNNER_ALARM,
	RUNNER_PROGRAMS,
};

struct runner;

/* Forks it; before threads, and before a sandbox.  Absolute paths; NULL: there
 * is no such program.  RC_SYS with errno. */
enum rc runner_new(struct runner **out,
		   const char *const programs[RUNNER_PROGRAMS]);
/* It ends when its socket is closed. */
void runner_free(struct runner *r);

/*
 * Runs one with these arguments (a NULL after the last) to its end, at most
 * timeout_ms.  RC_OK: it exited with 0; RC_DENIED otherwise; RC_LIMIT: killed,
 * or too many or too long arguments; RC_UNSUPPORTED: there is no such program;
 * RC_CLOSED: the runner is gone.  Its output goes where ours goes.
 */
enum rc runner_run(struct runner *r, enum runner_which which,
		   const char *const *arguments, unsigned timeout_ms);
/* The same without waiting for how it ends; nothing where there is none. */
void runner_start(struct runner *r, enum runner_which which,
		  const char *const *arguments);

#endif
