#include "io/loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/clock.h"
#include "io/heap.h"

enum {
	EVENTS_A_TURN = 256,
};

struct call {
	loop_fn *fn;
	void *arg;
};

struct calls {
	struct call *at;
	size_t n, cap;
};

struct loop {
	int epoll_fd;
	uint64_t now_ms;
	bool is_stopped;
	struct heap timers;
	uint64_t arm_count;
	struct calls deferred;

	/* What epoll reported in this turn, and how far it was handed out. */
	struct epoll_event events[EVENTS_A_TURN];
	int event_at, event_count;

	/* The one part that other threads touch. */
	pthread_mutex_t post_lock;
	struct calls posted;
	int post_fd;
	struct loop_watch post_watch;

	int signal_fd;
	struct loop_watch signal_watch;
	loop_signal_fn *signal_fn;
	void *signal_arg;
};

static void calls_add(struct calls *c, loop_fn *fn, void *arg)
{
	if (c->n == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 16;
		c->at = mem_grow(c->at, c->cap, sizeof(*c->at));
	}
	c->at[c->n++] = (struct call){ .fn = fn, .arg = arg };
}

/* Makes the calls; what they add meanwhile is for the next time. */
static void calls_run(struct calls taken)
{
	for (size_t i = 0; i < taken.n; i++)
		taken.at[i].fn(taken.at[i].arg);
	free(taken.at);
}

static void run_posted(void *arg, uint32_t events)
{
	struct loop *l = arg;
	struct calls taken;
	uint64_t count;

	(void)events;
	/* Only resets the counter; an empty read means another reset it. */
	(void)!read(l->post_fd, &count, sizeof(count));
	pthread_mutex_lock(&l->post_lock);
	taken = l->posted;
	l->posted = (struct calls){ 0 };
	pthread_mutex_unlock(&l->post_lock);
	calls_run(taken);
}

enum rc loop_new(struct loop **out)
{
	struct loop *l = mem_new(sizeof(*l));
	enum rc rc = RC_SYS;

	l->signal_fd = -1;
	pthread_mutex_init(&l->post_lock, NULL);
	l->now_ms = clock_boot_ms();
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->post_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->epoll_fd >= 0 && l->post_fd >= 0)
		rc = loop_watch_add(l, &l->post_watch, l->post_fd, EPOLLIN,
				    run_posted, l);
	if (rc) {
		loop_free(l);
		return rc;
	}
	*out = l;
	return RC_OK;
}

void loop_free(struct loop *l)
{
	int error = errno;

	if (!l)
		return;
	mem_auto_close(&l->signal_fd);
	mem_auto_close(&l->post_fd);
	mem_auto_close(&l->epoll_fd);
	heap_fini(&l->timers);
	free(l->deferred.at);
	free(l->posted.at);
	pthread_mutex_destroy(&l->post_lock);
	free(l);
	errno = error;
}

uint64_t loop_now_ms(const struct loop *l)
{
	return l->now_ms;
}

size_t loop_event_count(const struct loop *l)
{
	return (size_t)l->event_count;
}

void loop_stop(struct loop *l)
{
	l->is_stopped = true;
}

enum rc loop_run(struct loop *l)
{
	enum rc rc = RC_OK;

	while (!rc && !l->is_stopped)
		rc = loop_turn(l, -1);
	l->is_stopped = false;
	return rc;
}

/* How long epoll may sleep without missing a timer. */
static int wait_ms(const struct loop *l, int max_wait_ms)
{
	const struct loop_timer *t = heap_first(&l->timers);
	uint64_t now_ms, left_ms;

	if (l->deferred.n)
		return 0;
	if (!t)
		return max_wait_ms;
	now_ms = clock_boot_ms();
	left_ms = t->at_ms > now_ms ? t->at_ms - now_ms : 0;
	if (left_ms > INT_MAX)
		left_ms = INT_MAX;
	if (max_wait_ms >= 0 && (uint64_t)max_wait_ms < left_ms)
		return max_wait_ms;
	return (int)left_ms;
}

static void dispatch(struct loop *l)
{
	for (l->event_at = 0; l->event_at < l->event_count;) {
		struct epoll_event *e = &l->events[l->event_at++];
		struct loop_watch *w = e->data.ptr;

		if (w)
			w->fn(w->arg, e->events);
	}
	l->event_count = 0;
}

/*
 * Fires what is due and was armed before.  A timer armed meanwhile waits for
 * the next turn even if due, so that no callback can keep the turn from ending;
 * it sorts after every older one that is due, because arming never sets a time
 * before the turn's.
 */
static void fire_timers(struct loop *l)
{
	uint64_t limit = l->arm_count;
	struct loop_timer *t;

	while ((t = heap_first(&l->timers)) && t->at_ms <= l->now_ms &&
	       t->order < limit) {
		heap_remove(&l->timers, t);
		t->fn(t->arg);
	}
}

enum rc loop_turn(struct loop *l, int max_wait_ms)
{
	struct calls deferred;
	int n;

	n = epoll_wait(l->epoll_fd, l->events, EVENTS_A_TURN,
		       wait_ms(l, max_wait_ms));
	if (n < 0 && errno != EINTR)
		return RC_SYS;
	l->now_ms = clock_boot_ms();
	l->event_count = n > 0 ? n : 0;
	dispatch(l);
	fire_timers(l);
	deferred = l->deferred;
	l->deferred = (struct calls){ 0 };
	calls_run(deferred);
	return RC_OK;
}

enum rc loop_watch_add(struct loop *l, struct loop_watch *w, int fd,
		       uint32_t events, loop_watch_fn *fn, void *arg)
{
	struct epoll_event e = { .events = events, .data = { .ptr = w } };

	assert(!w->is_added);
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &e) != 0)
		return RC_SYS;
	*w = (struct loop_watch){
		.fd = fd,
		.events = events,
		.is_added = true,
		.fn = fn,
		.arg = arg,
	};
	return RC_OK;
}

void loop_watch_set(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct epoll_event e = { .events = events, .data = { .ptr = w } };

	assert(w->is_added);
	if (w->events == events)
		return;
	/* Fails only for a descriptor that is not in the set: our mistake. */
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, w->fd, &e) != 0)
		abort();
	w->events = events;
}

void loop_watch_del(struct loop *l, struct loop_watch *w)
{
	if (!w->is_added)
		return;
	/* Fails when the descriptor was closed first, which removed it. */
	(void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
	loop_watch_drop(l, w);
}

void loop_watch_drop(struct loop *l, struct loop_watch *w)
{
	w->is_added = false;
	for (int i = l->event_at; i < l->event_count; i++)
		if (l->events[i].data.ptr == w)
			l->events[i].data.ptr = NULL;
}

void loop_timer_arm(struct loop *l, struct loop_timer *t, uint64_t at_ms)
{
	loop_timer_disarm(l, t);
	t->at_ms = at_ms > l->now_ms ? at_ms : l->now_ms;
	t->order = l->arm_count++;
	heap_add(&l->timers, t);
}

void loop_timer_disarm(struct loop *l, struct loop_timer *t)
{
	if (t->slot)
		heap_remove(&l->timers, t);
}

bool loop_timer_is_armed(const struct loop_timer *t)
{
	return t->slot != 0;
}

void loop_defer(struct loop *l, loop_fn *fn, void *arg)
{
	calls_add(&l->deferred, fn, arg);
}

void loop_post(struct loop *l, loop_fn *fn, void *arg)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&l->post_lock);
	calls_add(&l->posted, fn, arg);
	pthread_mutex_unlock(&l->post_lock);
	/* Fails only when the counter is full: that wakes the loop anyway. */
	(void)!write(l->post_fd, &one, sizeof(one));
}

static void read_signals(void *arg, uint32_t events)
{
	struct loop *l = arg;
	struct signalfd_siginfo info;

	(void)events;
	while (read(l->signal_fd, &info, sizeof(info)) == sizeof(info))
		l->signal_fn(l->signal_arg, (int)info.ssi_signo);
}

enum rc loop_signals(struct loop *l, loop_signal_fn *fn, void *arg)
{
	sigset_t set;

	assert(l->signal_fd < 0);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	errno = pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (errno)
		return RC_SYS;
	l->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->signal_fd < 0)
		return RC_SYS;
	l->signal_fn = fn;
	l->signal_arg = arg;
	return loop_watch_add(l, &l->signal_watch, l->signal_fd, EPOLLIN,
			      read_signals, l);
}
