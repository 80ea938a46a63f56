/*
 * proc: child processes, without a shell.
 */
#ifndef POSTERN_IO_PROC_H
#define POSTERN_IO_PROC_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/rc.h"

/*
 * Runs argv (argv[0] looked up in PATH) to its end, with 'in' as its standard
 * input; standard output and error together are appended to *out as far as
 * its bound allows (NULL: they go where ours go).
 *
 * It runs in a process group of its own, with no signal blocked or ignored and
 * no descriptor but the three; what it started and left running in that group
 * is killed when it ends.
 *
 * RC_OK      it exited with 0
 * RC_DENIED  it exited otherwise; *status (may be NULL) is waitpid's
 * RC_LIMIT   it ran longer than timeout_ms and was killed
 * RC_SYS     it could not be started
 */
enum rc proc_run(const char *const *argv, struct span in, struct buf *out,
		 unsigned timeout_ms, int *status);

struct proc_options {
	unsigned timeout_ms;
	/* All that it gets, "NAME=value" each, NULL-terminated; NULL: what we
	 * have.  argv[0] is looked up in our PATH either way. */
	const char *const *environment;
	/* Once this can be read the child is asked to end (SIGTERM), and
	 * killed PROC_GRACE_MS later; 0: none.  Nothing is read from it. */
	int stop_fd;
};

enum {
	PROC_GRACE_MS = 3000,
};

/* The same with more to say.  RC_CLOSED: it was ended through stop_fd. */
enum rc proc_run_with(const char *const *argv, struct span in, struct buf *out,
		      const struct proc_options *options, int *status);

#endif
