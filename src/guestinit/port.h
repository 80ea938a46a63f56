/*
 * port: the management port on the loop: lines out as the host takes them,
 * lines in.  While no host is there, what is to be said waits, up to a bound;
 * after that new lines are dropped.
 */
#ifndef POSTERN_GUESTINIT_PORT_H
#define POSTERN_GUESTINIT_PORT_H

#include "base/buf.h"
#include "io/loop.h"

enum {
	PORT_OUT_MAX = 64 * 1024,
};

/* A line of the host's, without its end. */
typedef void port_line_fn(void *arg, struct span line);

/* Zeroed but for fd -1: there is no port, and what is said is forgotten. */
struct port {
	int fd;
	struct buf out, in; /* lines for the host; the start of one of its */
	bool is_skipping; /* a line of its that was too long */
	port_line_fn *fn;
	void *arg;
	struct loop *loop;
	struct loop_watch watch;
	struct loop_timer again;
};

/* Opens the port called 'name'; without one, fd is -1. */
void port_open(struct port *p, const char *name);
/* From now on it is the loop's. */
void port_watch(struct port *p, struct loop *loop, port_line_fn *fn, void *arg);
/* Tries to write what waits. */
void port_flush(struct port *p);
/* The same, for up to wait_ms. */
void port_drain(struct port *p, unsigned wait_ms);

#endif
