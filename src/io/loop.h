/*
 * loop: one epoll loop a thread, with timers and work put off to a turn's end.
 *
 * The loop reads the clock once per turn (CLOCK_BOOTTIME, milliseconds) and
 * everything that runs in the turn sees that value.  Nothing here is shared
 * between threads but loop_post().
 *
 * Watches and timers are the caller's storage, embedded in its objects; they
 * are removed before their storage dies.  An object freed inside a callback is
 * freed through loop_defer().
 */
#ifndef POSTERN_IO_LOOP_H
#define POSTERN_IO_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

struct loop;

/* 'events' is EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR as reported. */
typedef void loop_watch_fn(void *arg, uint32_t events);
typedef void loop_fn(void *arg);

/* Zeroed: not watching. */
struct loop_watch {
	int fd;
	uint32_t events; /* asked for */
	bool is_added;
	loop_watch_fn *fn;
	void *arg;
};

/* Zeroed but for fn and arg: not armed. */
struct loop_timer {
	uint64_t at_ms; /* on the loop's clock */
	uint64_t order; /* among equal times, the one armed first fires first */
	size_t slot; /* 1 + place in the heap; 0: not armed */
	loop_fn *fn;
	void *arg;
};

/* RC_SYS: no descriptor for it.  Returns owned: loop_free(). */
enum rc loop_new(struct loop **out);
void loop_free(struct loop *l);

/* Runs until loop_stop(); RC_SYS when epoll fails. */
enum rc loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* One turn, waiting at most max_wait_ms (-1: until something happens). */
enum rc loop_turn(struct loop *l, int max_wait_ms);
/* The time of this turn. */
uint64_t loop_now_ms(const struct loop *l);
/* How many watches epoll reported in this turn, all of which want their part of
 * it; 0 after the last of them. */
size_t loop_event_count(const struct loop *l);

/* Starts watching fd (epoll flags such as EPOLLET may be in 'events'). */
enum rc loop_watch_add(struct loop *l, struct loop_watch *w, int fd,
		       uint32_t events, loop_watch_fn *fn, void *arg);
/* Changes what is watched for; no system call when nothing changes. */
void loop_watch_set(struct loop *l, struct loop_watch *w, uint32_t events);
/* Stops; harmless when not watching; before the descriptor is closed.  No
 * callback comes after it, not even one already reported in this turn. */
void loop_watch_del(struct loop *l, struct loop_watch *w);
/* The same for a descriptor that is closed next, of which there is no copy: the
 * kernel forgets it then, so this makes no system call. */
void loop_watch_drop(struct loop *l, struct loop_watch *w);

/* Arms or moves a timer; it fires once, at or after at_ms.  One that is due
 * already fires in the next turn when armed by a timer, else in this one. */
void loop_timer_arm(struct loop *l, struct loop_timer *t, uint64_t at_ms);
void loop_timer_disarm(struct loop *l, struct loop_timer *t);
bool loop_timer_is_armed(const struct loop_timer *t);

/* Calls fn(arg) at the end of this turn; from a deferred call, of the next. */
void loop_defer(struct loop *l, loop_fn *fn, void *arg);
/* Calls fn(arg) in the loop's thread soon, in the order posted; from any
 * thread.  What is posted and not yet called is dropped by loop_free(). */
void loop_post(struct loop *l, loop_fn *fn, void *arg);

/*
 * Blocks SIGTERM, SIGINT and SIGHUP and reports them here.  Called before any
 * thread is started, so that threads inherit the mask; once a loop.
 */
typedef void loop_signal_fn(void *arg, int signal);
enum rc loop_signals(struct loop *l, loop_signal_fn *fn, void *arg);

#endif
