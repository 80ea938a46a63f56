/*
 * pause: a listener that rests when no descriptor is left.
 *
 * A level-triggered listener whose clients cannot be accepted reports them
 * again in every turn, and the loop spins.  So the listener is not watched for
 * a moment, in which others may give descriptors back.
 */
#ifndef POSTERN_IO_PAUSE_H
#define POSTERN_IO_PAUSE_H

#include "io/loop.h"

/* Zeroed: not resting. */
struct pause {
	struct loop *loop;
	struct loop_watch *listener;
	struct loop_timer timer;
};

/*
 * After sock_accept() said RC_SYS: stops watching 'listener', and watches it
 * for EPOLLIN again a little later.  Borrows both until pause_end().
 */
void pause_begin(struct pause *p, struct loop *loop,
		 struct loop_watch *listener);
/* It rests: its watch must not be set meanwhile. */
bool pause_is_on(const struct pause *p);
/* Before loop or listener goes; harmless when it does not rest. */
void pause_end(struct pause *p);

#endif
