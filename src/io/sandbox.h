/*
 * sandbox: giving up what a program does not need once it is set up.
 *
 * Order in a program: open everything, sandbox_landlock(), then
 * sandbox_drop(), then sandbox_seccomp(); all are one-way.
 */
#ifndef POSTERN_IO_SANDBOX_H
#define POSTERN_IO_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rc.h"

/* Not dumpable, no new privileges, core size 0. */
enum rc sandbox_basics(void);

/*
 * Keeps only the capabilities whose bits (1ull << CAP_X) are in 'keep', in all
 * sets, and empties the bounding set of the rest.  With 'user' not NULL also
 * becomes that user and its group.  RC_SYS with errno.
 */
enum rc sandbox_drop(uint64_t keep, const char *user);

struct sandbox_path {
	const char *path;
	bool is_writable;
};

/*
 * Landlock: from now on the process opens files only beneath these paths
 * (NULL-terminated by path).  RC_UNSUPPORTED when the kernel has none; the
 * caller logs that and goes on.
 */
enum rc sandbox_landlock(const struct sandbox_path *paths);

/* Which system calls are allowed. */
enum sandbox_profile {
	/* sockets, files, clocks, threads; no exec, ptrace, mount */
	SANDBOX_NETWORK,
	/* read, write, sockets, epoll, memory, clocks, futex */
	SANDBOX_DATAPLANE,
};

/* seccomp filter for all threads; a forbidden call kills the process. */
enum rc sandbox_seccomp(enum sandbox_profile profile);

#endif
