#include "channel/batch.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "channel/session.h"
#include "io/loop.h"

enum {
	/* Sessions one quote may serve: bounds the tree that is built in the
	 * loop's thread to some milliseconds. */
	BATCH_MAX = 4096,
	LEVELS_MAX = 14, /* of a tree of BATCH_MAX leaves, leaves included */
};

enum job {
	JOB_NONE,
	JOB_WANTED, /* report_data is set */
	JOB_DONE, /* rc and quote are set */
	JOB_STOP,
};

/* One level of the tree at hand: hashes[0 .. count). */
struct level {
	struct merkle_hash *hashes;
	size_t count;
};

/* Those who share one quote, in the order of their leaves, and the tree. */
struct flight {
	struct batch_wait **of; /* NULL: cancelled, or delivered */
	size_t count;
	struct level levels[LEVELS_MAX];
	size_t level_count;
};

struct batch {
	struct loop *loop;
	batch_quote_fn *quote;
	void *quote_arg;
	pthread_t thread;
	int done_fd; /* eventfd: the thread has finished a job */
	struct loop_watch watch;

	/* Of the loop's thread alone.  'flying' wait for the quote being made,
	 * 'waiting' for the next one; 'landed' are being told of the last. */
	struct batch_wait *waiting, **waiting_end;
	struct flight flying, landed;
	struct buf quote_landed;
	bool is_delivering;
	uint64_t interval_ms, next_at_ms;
	struct loop_timer timer;

	/* Shared with the quoting thread. */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	enum job job;
	uint8_t report_data[QUOTE_REPORT_DATA_LEN];
	enum rc rc;
	struct buf made;
};

/* ---- the quoting thread */

static void *quoting(void *arg)
{
	struct batch *b = arg;
	uint8_t report_data[QUOTE_REPORT_DATA_LEN];
	const uint64_t one = 1;
	enum rc rc;

	(void)pthread_mutex_lock(&b->lock);
	for (;;) {
		while (b->job == JOB_NONE || b->job == JOB_DONE)
			(void)pthread_cond_wait(&b->wake, &b->lock);
		if (b->job == JOB_STOP)
			break;
		memcpy(report_data, b->report_data, sizeof(report_data));
		(void)pthread_mutex_unlock(&b->lock);
		/* 'made' is this thread's from JOB_WANTED to JOB_DONE. */
		buf_reset(&b->made);
		rc = b->quote(b->quote_arg, &b->made, report_data);
		(void)pthread_mutex_lock(&b->lock);
		if (b->job == JOB_STOP)
			break;
		b->rc = rc;
		b->job = JOB_DONE;
		/* Adding one to a counter nobody lets grow cannot block. */
		(void)!write(b->done_fd, &one, sizeof(one));
	}
	(void)pthread_mutex_unlock(&b->lock);
	return NULL;
}

/* ---- the tree: RFC 6962's, built a level at a time so that every leaf's path
 * is at hand; a node without a sibling moves up as it is */

static void level_up(struct level *up, const struct level *down)
{
	up->count = (down->count + 1) / 2;
	up->hashes = mem_new_array(up->count, sizeof(*up->hashes));
	for (size_t i = 0; i < up->count; i++) {
		size_t pair = down->count - 2 * i < 2 ? 1 : 2;

		merkle_root(&up->hashes[i], hash_merkle_sha256,
			    &down->hashes[2 * i], pair);
	}
}

static void tree_build(struct flight *f)
{
	struct level *leaves = &f->levels[0];

	leaves->count = f->count;
	leaves->hashes = mem_new_array(leaves->count, sizeof(*leaves->hashes));
	for (size_t i = 0; i < leaves->count; i++)
		merkle_leaf(&leaves->hashes[i], hash_merkle_sha256,
			    SPAN_ARRAY(f->of[i]->binder.b));
	f->level_count = 1;
	for (struct level *l = leaves; l->count > 1; l++) {
		level_up(l + 1, l);
		f->level_count++;
	}
}

static size_t tree_path(struct merkle_hash path[LEVELS_MAX],
			const struct flight *f, size_t index)
{
	size_t n = 0;

	for (size_t k = 0; k + 1 < f->level_count; k++, index /= 2) {
		size_t sibling = index ^ 1;

		if (sibling < f->levels[k].count)
			path[n++] = f->levels[k].hashes[sibling];
	}
	return n;
}

static void tree_free(struct flight *f)
{
	for (size_t k = 0; k < f->level_count; k++)
		free(f->levels[k].hashes);
	f->level_count = 0;
}

/* ---- the loop's thread */

static void post_job(struct batch *b)
{
	const struct flight *f = &b->flying;

	(void)pthread_mutex_lock(&b->lock);
	channel_report_data(b->report_data,
			    &f->levels[f->level_count - 1].hashes[0]);
	b->job = JOB_WANTED;
	(void)pthread_cond_signal(&b->wake);
	(void)pthread_mutex_unlock(&b->lock);
}

/* Begins a quote for all who wait, unless one is being made or it is early. */
static void start(struct batch *b)
{
	uint64_t now_ms = loop_now_ms(b->loop);
	struct flight *f = &b->flying;

	if (f->count || !b->waiting)
		return;
	if (now_ms < b->next_at_ms) {
		loop_timer_arm(b->loop, &b->timer, b->next_at_ms);
		return;
	}
	b->next_at_ms = now_ms + b->interval_ms;
	while (b->waiting && f->count < BATCH_MAX) {
		f->of[f->count++] = b->waiting;
		b->waiting = b->waiting->next;
	}
	if (!b->waiting)
		b->waiting_end = &b->waiting;
	tree_build(f);
	post_job(b);
}

static void on_timer(void *arg)
{
	start(arg);
}

/* A cancelled one left a hole; a callback may cancel those behind it. */
static void deliver(struct batch *b, enum rc rc)
{
	struct merkle_hash path[LEVELS_MAX];
	struct span quote = rc ? span_of(NULL, 0) : buf_span(&b->quote_landed);
	struct flight *f = &b->landed;

	b->is_delivering = true;
	for (size_t i = 0; i < f->count; i++) {
		struct batch_wait *w = f->of[i];

		if (!w)
			continue;
		f->of[i] = NULL;
		w->is_waiting = false;
		w->done(w->arg, rc, quote, i, f->count, path,
			tree_path(path, f, i));
	}
	b->is_delivering = false;
	tree_free(f);
	f->count = 0;
}

/* The quote and those who wait for it make room for the next ones. */
static void land(struct batch *b)
{
	const struct flight free_one = b->landed;
	const struct buf free_buf = b->quote_landed;

	b->landed = b->flying;
	b->flying = free_one;
	b->quote_landed = b->made;
	b->made = free_buf;
}

static void on_done(void *arg, uint32_t events)
{
	struct batch *b = arg;
	uint64_t count;
	enum rc rc;
	bool is_done;

	(void)events;
	/* Empty or not, the state under the lock says what happened. */
	(void)!read(b->done_fd, &count, sizeof(count));
	(void)pthread_mutex_lock(&b->lock);
	is_done = b->job == JOB_DONE;
	rc = b->rc;
	if (is_done)
		b->job = JOB_NONE;
	(void)pthread_mutex_unlock(&b->lock);
	if (!is_done)
		return;
	/* Who waits has a quote made while the others are told of theirs: that
	 * takes as long as there are many. */
	land(b);
	start(b);
	deliver(b, rc);
	start(b);
}

void batch_ask(struct batch *b, struct batch_wait *w,
	       const struct sha512 *binder, batch_done_fn *done, void *arg)
{
	*w = (struct batch_wait){
		.binder = *binder,
		.done = done,
		.arg = arg,
		.is_waiting = true,
	};
	*b->waiting_end = w;
	b->waiting_end = &w->next;
	/* What is asked from inside deliver() is started together, after it. */
	if (!b->is_delivering)
		start(b);
}

static void cancel_waiting(struct batch *b, const struct batch_wait *w)
{
	struct batch_wait **at = &b->waiting;

	while (*at && *at != w)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = w->next;
	if (!*at)
		b->waiting_end = at;
}

static bool cancel_flying(struct flight *f, const struct batch_wait *w)
{
	for (size_t i = 0; i < f->count; i++) {
		if (f->of[i] == w) {
			f->of[i] = NULL;
			return true;
		}
	}
	return false;
}

void batch_cancel(struct batch *b, struct batch_wait *w)
{
	if (!w->is_waiting)
		return;
	w->is_waiting = false;
	if (!cancel_flying(&b->landed, w) && !cancel_flying(&b->flying, w))
		cancel_waiting(b, w);
}

void batch_set_interval(struct batch *b, uint64_t interval_ms)
{
	b->interval_ms = interval_ms;
}

/* All but the thread. */
static void release(struct batch *b)
{
	loop_timer_disarm(b->loop, &b->timer);
	loop_watch_del(b->loop, &b->watch);
	if (b->done_fd >= 0)
		(void)close(b->done_fd);
	tree_free(&b->flying);
	tree_free(&b->landed);
	buf_fini(&b->made);
	buf_fini(&b->quote_landed);
	(void)pthread_cond_destroy(&b->wake);
	(void)pthread_mutex_destroy(&b->lock);
	free(b->flying.of);
	free(b->landed.of);
	free(b);
}

/* Signals are the loop's: the thread is born with all of them blocked. */
static bool start_thread(struct batch *b)
{
	sigset_t all, old;
	bool ok;

	(void)sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &old) != 0)
		return false;
	ok = pthread_create(&b->thread, NULL, quoting, b) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ok;
}

enum rc batch_new(struct batch **out, struct loop *loop, batch_quote_fn *quote,
		  void *quote_arg)
{
	struct batch *b = mem_new(sizeof(*b));
	enum rc rc = RC_SYS;

	*b = (struct batch){
		.loop = loop,
		.quote = quote,
		.quote_arg = quote_arg,
		.waiting_end = &b->waiting,
		.flying.of = mem_new_array(BATCH_MAX,
					   sizeof(struct batch_wait *)),
		.landed.of = mem_new_array(BATCH_MAX,
					   sizeof(struct batch_wait *)),
		.timer = { .fn = on_timer, .arg = b },
	};
	buf_init(&b->made, QUOTE_MAX);
	buf_init(&b->quote_landed, QUOTE_MAX);
	(void)pthread_mutex_init(&b->lock, NULL);
	(void)pthread_cond_init(&b->wake, NULL);
	b->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (b->done_fd >= 0)
		rc = loop_watch_add(loop, &b->watch, b->done_fd, EPOLLIN,
				    on_done, b);
	if (!rc && !start_thread(b))
		rc = RC_SYS;
	if (rc) {
		release(b);
		return rc;
	}
	*out = b;
	return RC_OK;
}

void batch_free(struct batch *b)
{
	if (!b)
		return;
	(void)pthread_mutex_lock(&b->lock);
	b->job = JOB_STOP;
	(void)pthread_cond_signal(&b->wake);
	(void)pthread_mutex_unlock(&b->lock);
	(void)pthread_join(b->thread, NULL);
	release(b);
}
