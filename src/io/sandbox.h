/*
 * sandbox: giving up what a program does not need once it is set up.
 *
 * Order in a program, before its threads: sandbox_basics() first of all; then
 * open everything; then sandbox_drop(), sandbox_landlock(), sandbox_seccomp().
 * All are one-way, and a failure between them leaves what was done: the program
 * then ends.
 *
 * Source: capabilities(7), landlock(7), seccomp(2).
 */
#ifndef POSTERN_IO_SANDBOX_H
#define POSTERN_IO_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rc.h"

/* Not dumpable, no new privileges, core size 0.  RC_SYS with errno. */
enum rc sandbox_basics(void);

/*
 * Keeps only the capabilities whose bits (1ull << CAP_X) are in 'keep', in all
 * sets, and empties the bounding set of the rest.  With 'user' not NULL also
 * becomes that user and its group, without other groups; so 'keep' outlives
 * root.  Of the calling thread, so it is called before there are others.
 *
 * RC_SYS with errno: EPERM when a capability to keep is not there.
 */
enum rc sandbox_drop(uint64_t keep, const char *user);

struct sandbox_path {
	const char *path; /* a folder and all beneath it, or one file */
	bool is_writable;
	bool is_executable;
};

/*
 * Landlock: from now on the process opens files only beneath these paths
 * (NULL-terminated by path), for reading at least.  What is open stays open;
 * connecting to unix sockets is not touched.
 *
 * RC_UNSUPPORTED  the kernel has none; the caller logs that and goes on
 * RC_SYS          errno: ENOENT when a path is not there
 */
enum rc sandbox_landlock(const struct sandbox_path *paths);

/* Which system calls are allowed. */
enum sandbox_profile {
	/* sockets (unix, IP, netlink), files, clocks, threads; no new process,
	 * no exec, ptrace, mount, bpf, keyctl, io_uring, namespaces */
	SANDBOX_NETWORK,
	/* the same without vsock, but with entries of BPF maps changed */
	SANDBOX_TUNNEL,
	/* the same with sockets of unix and IP only, files only to read, and
	 * no ioctl but a few */
	SANDBOX_DATAPLANE,
};

/*
 * seccomp filter for all threads; a forbidden call kills the process with
 * SIGSYS.  Needs sandbox_basics().  RC_SYS with errno.
 */
enum rc sandbox_seccomp(enum sandbox_profile profile);

#endif
