/*
 * supervise: services of one node: started in order, each once the one before
 * is ready, restarted with a growing delay when they end, their output kept in
 * one file each, stopped in reverse order.
 *
 * Runs as a process of its own that does nothing else: the first one of a
 * node's process namespace, or a child of postern-agent; so it also reaps
 * whatever its services leave behind.  What it does is written to a report, a
 * small JSON file replaced at every change:
 *
 *   {"node": "hello", "services": [{"name": "agent", "state": "ready",
 *    "pid": 7, "restarts": 0, "since_unix_ms": 1795420800000, "exit": ""}]}
 *
 * States: waiting (for the one before), starting, ready, delayed (will be
 * started again), done (a task that ended well).
 */
#ifndef POSTERN_SUPERVISE_SUPERVISE_H
#define POSTERN_SUPERVISE_SUPERVISE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
	SERVICE_ARGS_MAX = 20,
	SERVICE_FDS_MAX = 4,
	SERVICES_MAX = 12, /* a node */
};

enum service_kind {
	SERVICE_DAEMON,
	SERVICE_TASK, /* runs once, to an exit status of 0 */
};

/* Strings are borrowed for as long as it is supervised. */
struct service {
	const char *name;
	enum service_kind kind;
	const char *argv[SERVICE_ARGS_MAX]; /* NULL-terminated */
	/* Ready when a connection is accepted here ("unix:/path" or an
	 * address); NULL: once it has run for a moment.  A task is ready when
	 * done. */
	const char *ready;
	/* Where it writes the number of its process, which may be another one
	 * after an upgrade of itself: that is the service then.  NULL: none. */
	const char *pid_file;
	/* Listening sockets handed over by LISTEN_FDS. */
	int fds[SERVICE_FDS_MAX];
	unsigned fd_count;
	unsigned stop_ms; /* between SIGTERM and SIGKILL; 0: 3 s */
	gid_t group; /* its only group, by which a firewall knows it; 0: ours */
	bool dies_with_us; /* however we end */
};

struct supervise_options {
	const char *node;
	/* <service>.log each, at most 2 x 8 MiB; NULL: where ours goes */
	const char *log_dir;
	const char *report;
};

/* Until SIGTERM; then stops everything and returns.  The caller has blocked
 * SIGTERM and SIGCHLD. */
void supervise(const struct service *services, size_t count,
	       const struct supervise_options *options);

#endif
