/*
 * job: a worker's process, from its first message to its end.
 *
 * It is started by the master with nothing but one socket to it, and executes
 * the program anew, so that it shares neither the master's memory layout nor
 * its stack's canary: what a stranger learns by crashing one is worth nothing
 * with the next.  Sockets, the board and the files of the configuration come
 * over that socket; it opens the store itself, and gives up everything else.
 *
 * It listens to no signal: a terminal's Ctrl-C or a supervisor that signals a
 * whole group means the master, which says what to do.  Without a master it
 * lets its connections finish and ends.
 */
#ifndef POSTERN_EDGE_JOB_H
#define POSTERN_EDGE_JOB_H

enum {
	JOB_CONTROL_FD = 3, /* where the socket is */
	JOB_READY_MS = 30000, /* for a first message to come */
};

/* Runs to the end; returns the exit status. */
int job_main(void);

#endif
