#include "edge/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "edge/access.h"
#include "edge/admit.h"

enum {
	/* A connection is taken off the queue for so many events of a turn, and
	 * one at least. */
	EVENTS_AN_ACCEPT = 32,
	PAUSE_MS = 100, /* without descriptors */
	LOG_BURST = 200, /* access lines at once, then one every */
	LOG_EVERY_MS = 10,
};

static enum rc watch_listener(struct worker *w, struct listener *l);

static void unwatch(struct worker *w, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		loop_watch_del(w->loop, &w->listeners[i]->watch);
}

static void retry_later(struct worker *w)
{
	loop_timer_arm(w->loop, &w->resume, loop_now_ms(w->loop) + PAUSE_MS);
}

/* All or none: at a queue that nobody empties clients hang. */
static bool watch_all(struct worker *w)
{
	size_t i;

	for (i = 0; i < w->listener_count; i++) {
		if (watch_listener(w, w->listeners[i]) == RC_OK)
			continue;
		log_event(w->log, LOG_ERROR, "listener_lost",
			  LERRNO("reason", errno));
		unwatch(w, i);
		return false;
	}
	return true;
}

/* Taken out of the set and put in again: what is there for one worker at a
 * time (EPOLLEXCLUSIVE) cannot be changed (epoll_ctl(2)). */
static void set_accepting(struct worker *w, bool is_on)
{
	if (w->is_accepting == is_on)
		return;
	if (!is_on)
		unwatch(w, w->listener_count);
	else if (!watch_all(w)) {
		retry_later(w);
		return;
	}
	w->is_accepting = is_on;
}

static void resume(void *arg)
{
	struct worker *w = arg;

	if (!w->is_draining && w->conn_count < w->conn_max)
		set_accepting(w, true);
}

void worker_pause(struct worker *w)
{
	if (w->is_draining)
		return;
	set_accepting(w, false);
	retry_later(w);
}

static int open_reserve(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/*
 * Out of descriptors: the reserve serves to take one connection off the queue
 * and close it, so that its client learns at once; then a pause.
 */
static void refuse_one(struct worker *w, int listen_fd)
{
	struct sock_addr peer;
	int fd, error = errno;

	if (w->reserve_fd >= 0) {
		(void)close(w->reserve_fd);
		if (sock_accept(&fd, &peer, listen_fd) == RC_OK)
			(void)close(fd);
		w->reserve_fd = open_reserve();
	}
	log_event(w->log, LOG_WARN, "accept_paused", LERRNO("reason", error),
		  LU64("connections", w->conn_count));
	worker_pause(w);
}

/* The client sees a reset: it cost us nothing, and need not wait. */
static void reset(int fd)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)close(fd);
}

/* The ticks rest while nobody comes and nothing is shed. */
static void watch_load(struct worker *w)
{
	if (!loop_timer_is_armed(&w->tick))
		loop_timer_arm(w->loop, &w->tick,
			       loop_now_ms(w->loop) + LOAD_TICK_MS);
}

static void on_tick(void *arg)
{
	struct worker *w = arg;
	uint64_t share = w->config->limits.memory / w->board->worker_count;
	const struct load_limits limits = { .lag_ms = w->config->limits.lag,
					    .memory = share };
	struct load_signals now = {
		/* When it should have fired, the loop was busy. */
		.lag_ms = loop_now_ms(w->loop) - w->tick.at_ms,
		.memory = share ? meter_memory(&w->meter, share) : 0,
	};
	bool was_calm = load_is_calm(&w->load);
	uint64_t queued, max;
	size_t i;

	for (i = 0; i < w->listener_count && w->is_accepting; i++) {
		meter_queue(w->listeners[i]->fd, &queued, &max);
		if (queued * (now.queue_max + 1) > now.queued * (max + 1)) {
			now.queued = queued;
			now.queue_max = max;
		}
	}
	load_tick(&w->load, &limits, &now);
	board_set(&w->counters->lag_ms, now.lag_ms);
	board_set(&w->counters->rss, meter_rss(&w->meter));
	if (was_calm && !load_is_calm(&w->load))
		log_event(w->log, LOG_WARN, "overload",
			  LU64("worker", w->index),
			  LU64("lag_ms", now.lag_ms),
			  LU64("queued", now.queued),
			  LU64("memory", now.memory),
			  LU64("connections", w->conn_count));
	if (!was_calm && load_is_calm(&w->load))
		log_event(w->log, LOG_INFO, "overload_over",
			  LU64("worker", w->index));
	if (!load_is_calm(&w->load))
		watch_load(w);
}

static void start(struct listener *l, int fd, const struct sock_addr *peer)
{
	struct worker *w = l->worker;
	const char *why = NULL;
	uint64_t key = 0;

	watch_load(w);
	board_add(&w->counters->accepted, 1);
	if (load_sheds(&w->load)) {
		board_add(&w->counters->shed, 1);
		access_refused(w, peer, "overload");
		reset(fd);
		return;
	}
	/* A load balancer's are counted once it has said whose they are. */
	if (!edge_config_is_front(w->config, peer))
		why = admit_source(w, peer, &key);
	if (why) {
		board_add(&w->counters->limited, 1);
		access_refused(w, peer, why);
		(void)close(fd);
		return;
	}
	w->turn++;
	if (conn_start(l, fd, peer, key)) {
		access_refused(w, peer, "no_watch");
		(void)close(fd);
	}
}

/*
 * Not until the queue is empty, which epoll tells in the next turn: an accept()
 * that finds nobody costs as much as one that finds somebody.  The more the
 * others have of a turn, the more come in with it.
 */
static void on_listener(void *arg, uint32_t events)
{
	struct listener *l = arg;
	struct worker *w = l->worker;
	size_t i, n = 1 + loop_event_count(w->loop) / EVENTS_AN_ACCEPT;
	struct sock_addr peer;
	int fd;

	(void)events;
	for (i = 0; i < n && w->is_accepting; i++) {
		switch (sock_accept(&fd, &peer, l->fd)) {
		case RC_OK:
			start(l, fd, &peer);
			break;
		case RC_SYS:
			refuse_one(w, l->fd);
			return;
		case RC_CLOSED:
		case RC_MALFORMED:
		case RC_UNSUPPORTED:
		case RC_LIMIT:
		case RC_DENIED:
		case RC_STALE:
		case RC_CRYPTO:
			return;
		}
	}
}

void worker_add(struct worker *w, struct conn *c)
{
	c->next = w->conns;
	if (c->next)
		c->next->prev = c;
	w->conns = c;
	admit_begin(w, c);
	board_add(&w->counters->states[c->state], 1);
	/* Full: the rest waits in the kernel's queue. */
	if (++w->conn_count >= w->conn_max)
		set_accepting(w, false);
}

void worker_remove(struct worker *w, struct conn *c)
{
	if (c->next)
		c->next->prev = c->prev;
	if (c->prev)
		c->prev->next = c->next;
	else
		w->conns = c->next;
	w->conn_count--;
	admit_end(w, c);
	if (w->is_draining && w->conn_count == 0)
		loop_stop(w->loop);
	else if (!w->is_accepting && !loop_timer_is_armed(&w->resume))
		resume(w);
}

void worker_note_bytes(struct worker *w, struct conn *c)
{
	uint64_t up = c->bytes_up - c->noted_up;
	uint64_t down = c->bytes_down - c->noted_down;

	board_add(&w->counters->up, up);
	board_add(&w->counters->down, down);
	if (c->app) {
		board_add(&c->app->up, up);
		board_add(&c->app->down, down);
	}
	c->noted_up = c->bytes_up;
	c->noted_down = c->bytes_down;
}

static enum rc watch_listener(struct worker *w, struct listener *l)
{
	/* A socket may be shared with other workers: wake one of them. */
	return loop_watch_add(w->loop, &l->watch, l->fd,
			      EPOLLIN | EPOLLEXCLUSIVE, on_listener, l);
}

enum rc worker_listen(struct worker *w, uint32_t id, int fd)
{
	struct listener *l;
	enum rc rc = RC_OK;

	if (w->listener_count >= WORKER_LISTENERS_MAX)
		return RC_LIMIT;
	l = mem_new(sizeof(*l));
	*l = (struct listener){ .worker = w, .id = id, .fd = fd };
	side_listen(fd);
	if (w->is_accepting)
		rc = watch_listener(w, l);
	if (rc) {
		free(l);
		return rc;
	}
	w->listeners[w->listener_count++] = l;
	return RC_OK;
}

static void free_later(void *arg)
{
	free(arg);
}

/* Its callback may be running. */
static void close_listener(struct worker *w, struct listener *l)
{
	loop_watch_del(w->loop, &l->watch);
	(void)close(l->fd);
	loop_defer(w->loop, free_later, l);
}

static bool is_among(uint32_t id, const uint32_t *ids, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

void worker_keep_listeners(struct worker *w, const uint32_t *ids, size_t n)
{
	size_t i, kept = 0;

	for (i = 0; i < w->listener_count; i++) {
		struct listener *l = w->listeners[i];

		if (is_among(l->id, ids, n))
			w->listeners[kept++] = l;
		else
			close_listener(w, l);
	}
	w->listener_count = kept;
}

static void on_drain_end(void *arg)
{
	worker_stop(arg);
}

static void on_epoch(void *arg)
{
	struct worker *w = arg;

	tickets_advance(&w->tickets, loop_now_ms(w->loop));
	loop_timer_arm(w->loop, &w->epoch, w->tickets.ends_at_ms);
}

static void begin_epochs(struct worker *w, const struct tickets *tickets)
{
	w->epoch = (struct loop_timer){ .fn = on_epoch, .arg = w };
	w->tickets = *tickets;
	on_epoch(w);
}

/* Its part of all connections, but not more than descriptors are there for. */
static size_t share_of(const struct worker *w)
{
	size_t n = w->board->worker_count;
	size_t share = (w->config->limits.connections + n - 1) / n;

	return share < w->files_max ? share : w->files_max;
}

void worker_configure(struct worker *w, const struct setup *setup)
{
	w->config = &setup->config;
	w->certs = &setup->certs;
	w->terms = &setup->terms;
	router_configure(&w->router, setup);
	w->conn_max = share_of(w);
	if (!loop_timer_is_armed(&w->resume))
		resume(w);
}

enum rc worker_init(struct worker *w, const struct worker_options *options)
{
	const struct log_limit limit = { .burst = LOG_BURST,
					 .interval_ms = LOG_EVERY_MS };
	const struct edge_config *config = &options->setup->config;
	enum rc rc;

	*w = (struct worker){
		.config = config,
		.certs = &options->setup->certs,
		.terms = &options->setup->terms,
		.log = options->log,
		.store = options->store,
		.board = options->board,
		.counters = &options->board->workers[options->index],
		.index = options->index,
		.files_max = options->files_max,
		.is_accepting = true,
		.reserve_fd = open_reserve(),
		.resume = { .fn = resume, .arg = w },
		.drain = { .fn = on_drain_end, .arg = w },
		.tick = { .fn = on_tick, .arg = w },
		.scratch_len = config->limits.buffer,
		.served_limit = limit,
		.refused_limit = limit,
	};
	w->conn_max = share_of(w);
	meter_init(&w->meter);
	w->scratch = mem_new(w->scratch_len);
	w->engine = engine_new();
	pool_init(&w->pool, w->scratch_len + CONN_SLACK);
	rc = loop_new(&w->loop);
	if (rc)
		return rc;
	router_init(&w->router, options->setup, options->store, w->loop,
		    options->board);
	begin_epochs(w, options->tickets);
	return RC_OK;
}

void worker_fini(struct worker *w)
{
	size_t i;

	for (i = 0; i < w->listener_count; i++) {
		(void)close(w->listeners[i]->fd);
		free(w->listeners[i]);
	}
	mem_auto_close(&w->reserve_fd);
	meter_fini(&w->meter);
	if (w->router.loop)
		router_fini(&w->router);
	loop_free(w->loop);
	free(w->scratch);
	pool_fini(&w->pool);
	engine_free(w->engine);
	tickets_wipe(&w->tickets);
	*w = (struct worker){ .reserve_fd = -1, .meter = METER_NULL };
}

enum rc worker_run(struct worker *w)
{
	enum rc rc = loop_run(w->loop);

	/* The dead are freed at the end of a turn. */
	if (!rc)
		rc = loop_turn(w->loop, 0);
	return rc;
}

void worker_drain(struct worker *w)
{
	if (w->is_draining) {
		worker_stop(w);
		return;
	}
	w->is_draining = true;
	w->is_accepting = false;
	loop_timer_disarm(w->loop, &w->resume);
	worker_keep_listeners(w, NULL, 0);
	loop_timer_arm(w->loop, &w->drain,
		       loop_now_ms(w->loop) + w->config->timeouts.drain);
	if (w->conn_count == 0)
		loop_stop(w->loop);
}

void worker_stop(struct worker *w)
{
	w->is_draining = true;
	while (w->conns)
		conn_abort(w->conns, "stopped");
	loop_stop(w->loop);
}
