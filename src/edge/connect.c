#include "edge/connect.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "edge/worker.h"

enum {
	RETRY_MS = 20, /* to look for room in a unix socket's queue */
	RIVALS_MAX = ROUTE_TRIES_MAX - 1,
};

/* An attempt beside the one in c->backend. */
struct rival {
	struct conn *conn;
	struct side side;
	size_t target;
};

struct connect_rivals {
	struct rival at[RIVALS_MAX];
};

static struct balance *balance_of(struct conn *c)
{
	return &c->worker->router.balance;
}

static uint64_t now_ms(const struct conn *c)
{
	return loop_now_ms(c->worker->loop);
}

static void arm(struct conn *c, uint64_t in_ms)
{
	loop_timer_arm(c->worker->loop, &c->timer, now_ms(c) + in_ms);
}

/* Load, and what came of an attempt; the gateway's own services have none. */

static void count_begin(struct conn *c, size_t target)
{
	if (c->route.has_app)
		balance_begin(balance_of(c),
			      c->route.targets[target].instance_id);
}

static void count_end(struct conn *c, size_t target)
{
	if (c->route.has_app)
		balance_end(balance_of(c),
			    c->route.targets[target].instance_id);
}

static void count_failed(struct conn *c, size_t target)
{
	board_add(&c->worker->counters->connects_failed, 1);
	if (c->route.has_app)
		balance_failed(balance_of(c),
			       c->route.targets[target].instance_id, now_ms(c));
}

static void on_backend(void *arg, uint32_t events)
{
	struct conn *c = arg;

	side_event(&c->backend, events);
	conn_run(c);
}

static void on_rival(void *arg, uint32_t events)
{
	struct rival *r = arg;

	side_event(&r->side, events);
	conn_run(r->conn);
}

static bool is_trying(const struct rival *r)
{
	return r->side.fd >= 0;
}

/* Ends. */

static void end_first(struct conn *c)
{
	if (!c->is_loaded)
		return;
	side_close(&c->backend, c->worker->loop, true);
	count_end(c, c->target);
	c->is_loaded = false;
}

static void end_rival(struct conn *c, struct rival *r)
{
	if (!is_trying(r))
		return;
	side_close(&r->side, c->worker->loop, true);
	count_end(c, r->target);
}

static void end_rivals(struct conn *c)
{
	size_t i;

	if (!c->rivals)
		return;
	for (i = 0; i < RIVALS_MAX; i++)
		end_rival(c, &c->rivals->at[i]);
	/* One of them may be the caller of this event. */
	loop_defer(c->worker->loop, free, c->rivals);
	c->rivals = NULL;
}

void connect_end(struct conn *c)
{
	end_rivals(c);
	if (c->is_loaded)
		count_end(c, c->target);
	c->is_loaded = false;
}

/* Begins. */

enum begun {
	BEGUN,
	BEGUN_LATER, /* the timer will try again */
	BEGUN_NOT, /* this one cannot even be tried */
};

/* Out of descriptors or of ports: ours to solve, not the backend's fault. */
static bool is_our_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS ||
	       error == ENOMEM || error == EADDRNOTAVAIL;
}

static struct rival *free_rival(struct conn *c)
{
	size_t i;

	if (!c->rivals) {
		c->rivals = mem_new(sizeof(*c->rivals));
		for (i = 0; i < RIVALS_MAX; i++)
			c->rivals->at[i] = (struct rival){ .conn = c,
							   .side = SIDE_NULL };
	}
	for (i = 0; i < RIVALS_MAX && is_trying(&c->rivals->at[i]); i++)
		;
	/* Of ROUTE_TRIES_MAX attempts the first is elsewhere. */
	return &c->rivals->at[i];
}

/* Watches a socket, in the first place that is free; takes fd on success only.
 */
static bool watch(struct conn *c, int fd, size_t target,
		  enum side_origin origin)
{
	struct loop *loop = c->worker->loop;
	struct rival *r;

	if (!c->is_loaded) {
		if (side_open(&c->backend, loop, fd, origin, on_backend, c))
			return false;
		c->target = target;
		c->is_loaded = true;
	} else {
		r = free_rival(c);
		if (side_open(&r->side, loop, fd, origin, on_rival, r))
			return false;
		r->target = target;
	}
	count_begin(c, target);
	return true;
}

/*
 * A unix socket whose queue is full: its server is busy, not away.  Nothing
 * tells when there is room, so try again until it would be a timeout.
 */
static enum begun try_later(struct conn *c)
{
	uint64_t limit = c->worker->config->timeouts.connect;

	if (c->retry_until_ms == 0)
		c->retry_until_ms = now_ms(c) + limit;
	if (now_ms(c) >= c->retry_until_ms)
		return BEGUN_NOT;
	c->tried--;
	arm(c, RETRY_MS);
	return BEGUN_LATER;
}

static bool is_waiting_for_room(const struct conn *c)
{
	return c->retry_until_ms && c->tried == 0;
}

static bool is_any_trying(const struct conn *c)
{
	size_t i;

	if (c->is_loaded || is_waiting_for_room(c))
		return true;
	for (i = 0; c->rivals && i < RIVALS_MAX; i++)
		if (is_trying(&c->rivals->at[i]))
			return true;
	return false;
}

/*
 * What is for the backend may go with the connection, where no other attempt is
 * under way: a target that was told something is the one that has it.
 */
static enum rc connect_to(int *fd, const struct conn *c, size_t target,
			  size_t *sent)
{
	const struct sock_addr *to = &c->route.targets[target].address;
	struct span first = { NULL, 0 };

	*sent = 0;
	if (c->up.n == 0)
		return sock_connect(fd, to);
	if (!is_any_trying(c))
		first = buf_span(&c->up);
	return sock_connect_eager(fd, to, first, sent);
}

static void note_sent(struct conn *c, size_t n)
{
	buf_consume(&c->up, n);
	pool_settle(&c->worker->pool, &c->up);
	c->bytes_up += n;
}

static enum begun begin(struct conn *c, size_t target)
{
	AUTO(mem_auto_close)
	int fd = -1;
	size_t sent;

	if (connect_to(&fd, c, target, &sent)) {
		if (errno == EAGAIN)
			return try_later(c);
		if (is_our_shortage(errno))
			worker_pause(c->worker);
		else
			count_failed(c, target);
		return BEGUN_NOT;
	}
	note_sent(c, sent);
	if (!watch(c, fd, target, sent ? SIDE_CONNECTED : SIDE_CONNECTING)) {
		/* What was sent once is not sent again. */
		if (sent)
			c->tried = c->route.target_count;
		return BEGUN_NOT;
	}
	fd = -1; /* the side's now */
	return BEGUN;
}

/* Begins with the next target that can be tried at all; false: none is left. */
static bool begin_next(struct conn *c)
{
	const struct edge_timeouts *t = &c->worker->config->timeouts;
	bool is_last;

	while (c->tried < c->route.target_count) {
		switch (begin(c, c->tried++)) {
		case BEGUN_NOT:
			continue;
		case BEGUN_LATER:
			return true; /* armed for another look */
		case BEGUN:
			break;
		}
		is_last = c->tried == c->route.target_count;
		arm(c, !is_last && t->race < t->connect ? t->race : t->connect);
		return true;
	}
	return false;
}

/* Success. */

/* Those that began before the winner and are silent yet. */
static void count_beaten(struct conn *c, size_t winner)
{
	size_t i;

	if (c->is_loaded && c->target < winner)
		count_failed(c, c->target);
	for (i = 0; c->rivals && i < RIVALS_MAX; i++)
		if (is_trying(&c->rivals->at[i]) &&
		    c->rivals->at[i].target < winner)
			count_failed(c, c->rivals->at[i].target);
}

static enum connect_status win(struct conn *c, size_t target)
{
	board_add(&c->worker->counters->connects, 1);
	if (c->route.has_app)
		balance_worked(balance_of(c),
			       c->route.targets[target].instance_id, now_ms(c));
	end_rivals(c);
	return CONNECT_DONE;
}

/* A rival's socket becomes the connection's. */
static bool take_over(struct conn *c, struct rival *r)
{
	struct side was = r->side;
	size_t target = r->target;

	end_first(c);
	loop_watch_del(c->worker->loop, &r->side.watch);
	r->side.fd = -1;
	c->target = target;
	if (side_open(&c->backend, c->worker->loop, was.fd, SIDE_CONNECTING,
		      on_backend, c)) {
		mem_auto_close(&was.fd);
		count_end(c, target);
		return false;
	}
	c->is_loaded = true; /* as the rival was */
	c->backend.can_read = was.can_read;
	c->backend.can_write = was.can_write;
	c->backend.is_ending = was.is_ending;
	c->backend.is_failed = was.is_failed;
	c->backend.is_reset = was.is_reset;
	return true;
}

/* Whether an attempt has ended, and how. */
static bool has_ended(struct side *s, bool *is_connected)
{
	if (!s->can_write)
		return false;
	*is_connected = side_has_connected(s);
	return true;
}

/* Looks at all attempts; *has_failed: one made room for the next. */
static enum connect_status look(struct conn *c, bool *has_failed)
{
	bool is_connected;
	size_t i;

	if (c->is_loaded && has_ended(&c->backend, &is_connected)) {
		if (is_connected) {
			count_beaten(c, c->target);
			return win(c, c->target);
		}
		count_failed(c, c->target);
		end_first(c);
		*has_failed = true;
	}
	for (i = 0; c->rivals && i < RIVALS_MAX; i++) {
		struct rival *r = &c->rivals->at[i];

		if (!is_trying(r) || !has_ended(&r->side, &is_connected))
			continue;
		if (is_connected) {
			count_beaten(c, r->target);
			if (take_over(c, r))
				return win(c, c->target);
		} else {
			count_failed(c, r->target);
			end_rival(c, r);
		}
		*has_failed = true;
	}
	return CONNECT_WAIT;
}

static enum connect_status give_up(struct conn *c, enum connect_status why)
{
	end_first(c);
	end_rivals(c);
	c->target = c->route.target_count; /* none of them */
	return why;
}

enum connect_status connect_run(struct conn *c)
{
	bool has_failed = c->tried == 0;

	if (look(c, &has_failed) == CONNECT_DONE)
		return CONNECT_DONE;
	/* What is under way goes on.  The next one may stand at once. */
	if (has_failed && begin_next(c) &&
	    look(c, &has_failed) == CONNECT_DONE)
		return CONNECT_DONE;
	return is_any_trying(c) ? CONNECT_WAIT : give_up(c, CONNECT_REFUSED);
}

/* Silence to the end counts against each. */
static void count_silent(struct conn *c)
{
	size_t i;

	if (c->is_loaded)
		count_failed(c, c->target);
	for (i = 0; c->rivals && i < RIVALS_MAX; i++)
		if (is_trying(&c->rivals->at[i]))
			count_failed(c, c->rivals->at[i].target);
}

enum connect_status connect_late(struct conn *c)
{
	bool was_waiting = is_waiting_for_room(c), has_failed;

	if (begin_next(c))
		return look(c, &has_failed);
	if (was_waiting)
		return give_up(c, CONNECT_REFUSED);
	count_silent(c);
	return give_up(c, CONNECT_TIMEOUT);
}
