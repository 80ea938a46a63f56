#include "edge/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/rng.h"

enum {
	ACCEPTS_A_TURN = 64,
	PAUSE_MS = 100, /* without descriptors */
	LOG_BURST = 200, /* access lines at once, then one every */
	LOG_EVERY_MS = 10,
};

static void set_accepting(struct worker *w, bool is_on)
{
	size_t i;

	w->is_accepting = is_on;
	for (i = 0; i < w->listener_count; i++)
		loop_watch_set(w->loop, &w->listeners[i].watch,
			       is_on ? EPOLLIN : 0);
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
	loop_timer_arm(w->loop, &w->resume, loop_now_ms(w->loop) + PAUSE_MS);
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

static void log_refused(struct worker *w, const struct sock_addr *peer,
			const char *reason)
{
	char text[128];
	struct wr at = WR_ARRAY(text);
	uint64_t dropped;

	if (!log_limit_pass(&w->refused_limit, loop_now_ms(w->loop), &dropped))
		return;
	sock_addr_write(&at, peer);
	log_event(w->log, LOG_INFO, "refused", LSPAN("peer", wr_span(&at)),
		  LSTR("reason", reason), LU64("dropped", dropped));
}

static void start(struct worker *w, int fd, const struct sock_addr *peer)
{
	if (!sources_add(&w->sources, peer, w->config->limits.per_source)) {
		log_refused(w, peer, "source_limit");
		(void)close(fd);
		return;
	}
	w->turn++;
	if (conn_start(w, fd, peer)) {
		sources_remove(&w->sources, peer);
		log_refused(w, peer, "no_watch");
		(void)close(fd);
	}
}

static void on_listener(void *arg, uint32_t events)
{
	struct listener *l = arg;
	struct worker *w = l->worker;
	struct sock_addr peer;
	int fd, i;

	(void)events;
	for (i = 0; i < ACCEPTS_A_TURN && w->is_accepting; i++) {
		switch (sock_accept(&fd, &peer, l->fd)) {
		case RC_OK:
			start(w, fd, &peer);
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
	sources_remove(&w->sources, &c->peer);
	if (w->is_draining && w->conn_count == 0)
		loop_stop(w->loop);
	else if (!w->is_accepting && !loop_timer_is_armed(&w->resume))
		resume(w);
}

static const char *mode_of(const struct conn *c)
{
	switch (c->route.kind) {
	case ROUTE_PASS:
		return "pass";
	case ROUTE_TERMINATE:
		return "terminate";
	case ROUTE_REFUSE:
	case ROUTE_LOOK_UP: /* it ended meanwhile */
		break;
	}
	return "refuse";
}

static struct span hex_of(bool has, const uint8_t id[STORE_ID_LEN])
{
	return span_of(id, has ? STORE_ID_LEN : 0);
}

void worker_log(struct worker *w, const struct conn *c)
{
	const struct route_target *t = &c->route.targets[0];
	bool has_target = c->route.has_app &&
			  c->target < c->route.target_count;
	uint64_t now = loop_now_ms(w->loop), dropped;
	struct log_limit *limit = &w->served_limit;
	char text[128];
	struct wr at = WR_ARRAY(text);

	if (c->route.kind == ROUTE_REFUSE || c->route.kind == ROUTE_LOOK_UP)
		limit = &w->refused_limit;
	if (w->log->max < LOG_INFO || !log_limit_pass(limit, now, &dropped))
		return;
	if (has_target)
		t = &c->route.targets[c->target];
	sock_addr_write(&at, &c->peer);
	log_event(w->log, LOG_INFO, "connection",
		  LSPAN("peer", wr_span(&at)),
		  LSTR("name", c->route.name.full),
		  LSTR("mode", mode_of(c)),
		  LHEX("app", hex_of(c->route.has_app, c->route.app_id)),
		  LHEX("instance", hex_of(has_target, t->instance_id)),
		  LU64("port", c->route.port),
		  LU64("up", c->bytes_up),
		  LU64("down", c->bytes_down),
		  LU64("ms", now - c->started_ms),
		  LSTR("result", c->result ? c->result : "ok"),
		  LU64("dropped", dropped));
}

static enum rc add_listener(struct worker *w, int fd)
{
	struct listener *l = &w->listeners[w->listener_count];

	*l = (struct listener){ .worker = w, .fd = fd };
	w->listener_count++;
	return loop_watch_add(w->loop, &l->watch, fd, EPOLLIN, on_listener, l);
}

static void on_drain_end(void *arg)
{
	worker_stop(arg);
}

enum rc worker_init(struct worker *w, const struct edge_config *config,
		    const struct log *log, struct store *store,
		    const struct certs *certs, struct health_board *board,
		    const int *fds, size_t count, size_t conn_max)
{
	const struct log_limit limit = { .burst = LOG_BURST,
					 .interval_ms = LOG_EVERY_MS };
	uint64_t key = 0;
	enum rc rc;
	size_t i;

	rng_bytes(&key, sizeof(key));
	*w = (struct worker){
		.config = config,
		.log = log,
		.store = store,
		.certs = certs,
		.is_accepting = true,
		.reserve_fd = open_reserve(),
		.resume = { .fn = resume, .arg = w },
		.drain = { .fn = on_drain_end, .arg = w },
		.conn_max = conn_max,
		.scratch_len = config->limits.buffer,
		.served_limit = limit,
		.refused_limit = limit,
	};
	w->scratch = mem_new(w->scratch_len);
	sources_init(&w->sources, conn_max, key);
	rc = loop_new(&w->loop);
	if (!rc)
		rc = router_init(&w->router, config, store, w->loop, board);
	for (i = 0; i < count && !rc; i++)
		rc = add_listener(w, fds[i]);
	return rc;
}

void worker_fini(struct worker *w)
{
	size_t i;

	for (i = 0; i < w->listener_count; i++)
		(void)close(w->listeners[i].fd);
	mem_auto_close(&w->reserve_fd);
	if (w->router.loop)
		router_fini(&w->router);
	loop_free(w->loop);
	sources_fini(&w->sources);
	free(w->scratch);
	*w = (struct worker){ .reserve_fd = -1 };
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
	size_t i;

	if (w->is_draining) {
		worker_stop(w);
		return;
	}
	w->is_draining = true;
	w->is_accepting = false;
	loop_timer_disarm(w->loop, &w->resume);
	for (i = 0; i < w->listener_count; i++) {
		loop_watch_del(w->loop, &w->listeners[i].watch);
		(void)close(w->listeners[i].fd);
	}
	w->listener_count = 0;
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
