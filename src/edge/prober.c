#include "edge/prober.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/rng.h"
#include "edge/proxy.h"
#include "edge/side.h"
#include "edge/tunnel.h"
#include "io/clock.h"
#include "store/route.h"

enum {
	SLOTS = 4096, /* chains of items; a power of two */
	ITEMS_MAX = HEALTH_DOWN_MAX,
	RUNNING_MAX = 256, /* checks at once */
	CROWDED_MS = 100, /* until one more may run */
	SYNC_MS = 1000,
	PUBLISH_MS = 50, /* changes that come together are one view */
	CHECK_MAX_MS = 5000,
	RESPONSE_MAX = 512, /* bytes for a status line */
	REQUEST_MAX = 512,
};

/* One port of one instance. */
struct item {
	struct item *chain;
	struct prober *prober;
	struct health_key key;
	uint8_t address[16];
	enum proxy_version proxy; /* the header that the port expects */
	struct store_check check;
	bool is_wanted; /* by the last reading of the store */
	struct health health;
	struct loop_timer timer; /* the next check, or this one's deadline */
	struct side side;
	bool is_asked; /* the request is sent */
	size_t got;
	char *response; /* while there is one to read */
};

struct prober {
	struct edge_tunnel tunnel;
	struct log log;
	struct store *store;
	struct health_board *board;
	struct health_reader before; /* until the store was read once */
	struct loop *loop;
	pthread_t thread;
	struct loop_timer sync, publish;
	struct item *slots[SLOTS];
	size_t count, running;
	struct log_limit limit;
};

static uint64_t chance(void)
{
	uint64_t v = 0;

	rng_bytes(&v, sizeof(v));
	return v;
}

static void arm(struct item *i, uint64_t in_ms)
{
	struct loop *l = i->prober->loop;

	loop_timer_arm(l, &i->timer, loop_now_ms(l) + in_ms);
}

/* Verdicts. */

static void publish(void *arg)
{
	struct prober *p = arg;
	struct health_key *down = mem_new_array(p->count + 1, sizeof(*down));
	size_t n = 0, slot;
	const struct item *i;

	for (slot = 0; slot < SLOTS; slot++)
		for (i = p->slots[slot]; i; i = i->chain)
			if (i->health.state == HEALTH_DOWN)
				down[n++] = i->key;
	health_publish(p->board, down, n);
	free(down);
}

static void publish_soon(struct prober *p)
{
	if (!loop_timer_is_armed(&p->publish))
		loop_timer_arm(p->loop, &p->publish,
			       loop_now_ms(p->loop) + PUBLISH_MS);
}

static void log_change(struct prober *p, const struct item *i)
{
	bool is_down = i->health.state == HEALTH_DOWN;
	uint64_t dropped;

	if (!log_limit_pass(&p->limit, loop_now_ms(p->loop), &dropped))
		return;
	log_event(&p->log, is_down ? LOG_WARN : LOG_INFO, "health",
		  LHEX("instance", SPAN_ARRAY(i->key.instance_id)),
		  LU64("port", i->key.port),
		  LSTR("state", is_down ? "down" : "up"),
		  LU64("dropped", dropped));
}

static void end_check(struct item *i)
{
	if (i->side.fd < 0)
		return;
	side_close(&i->side, i->prober->loop, true);
	free(STEAL(i->response));
	i->prober->running--;
}

static void finish(struct item *i, bool works)
{
	struct prober *p = i->prober;

	end_check(i);
	arm(i, health_wait_ms(i->check.interval_s, chance()));
	if (!health_note(&i->health, works))
		return;
	log_change(p, i);
	publish_soon(p);
}

/* One check. */

/* A request small enough for any socket's buffer; after a PROXY header that
 * says LOCAL, where the port expects one. */
static bool ask(struct item *i)
{
	const struct sock_addr none = { 0 };
	uint8_t bytes[REQUEST_MAX];
	struct wr w = WR_ARRAY(bytes);
	struct span request;
	size_t n;

	proxy_write(&w, i->proxy, &none, &none, &(struct proxy_extra){ 0 });
	i->response = mem_new(RESPONSE_MAX);
	wr_str(&w, "GET ");
	wr_str(&w, i->check.path);
	wr_str(&w, " HTTP/1.1\r\n"
		   "Host: localhost\r\n"
		   "User-Agent: postern-edge\r\n"
		   "Connection: close\r\n"
		   "\r\n");
	return wr_done(&w, &request) &&
	       side_send(&i->side, request, SIDE_NO_MORE, &n) == SIDE_MOVED &&
	       n == request.n;
}

static void read_response(struct item *i)
{
	size_t n = 0;
	const char *end;

	while (!(end = memchr(i->response, '\n', i->got))) {
		if (i->got == RESPONSE_MAX) {
			finish(i, false);
			return;
		}
		switch (side_recv(&i->side, i->response + i->got,
				  RESPONSE_MAX - i->got, &n)) {
		case SIDE_MOVED:
			i->got += n;
			break;
		case SIDE_BLOCKED:
			return;
		case SIDE_EOF:
		case SIDE_BROKEN:
			finish(i, false);
			return;
		}
	}
	n = (size_t)(end - i->response);
	finish(i, health_is_good_status(span_of(i->response, n)));
}

static void on_side(void *arg, uint32_t events)
{
	struct item *i = arg;

	side_event(&i->side, events);
	if (!i->is_asked) {
		if (!i->side.can_write)
			return;
		if (sock_error(i->side.fd) != 0) {
			finish(i, false);
			return;
		}
		if (!i->check.path[0]) {
			finish(i, true);
			return;
		}
		i->is_asked = true;
		if (!ask(i)) {
			finish(i, false);
			return;
		}
	}
	read_response(i);
}

static void begin(struct item *i)
{
	struct prober *p = i->prober;
	uint64_t limit = (uint64_t)i->check.interval_s * 1000;
	struct sock_addr to;
	AUTO(mem_auto_close)
	int fd = -1;

	tunnel_socket(&to, i->address, i->key.port);
	if (sock_connect(&fd, &to) ||
	    side_open(&i->side, p->loop, fd, SIDE_CONNECTING, on_side, i)) {
		/* Out of descriptors says nothing about the instance. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
			arm(i, CROWDED_MS);
		else
			finish(i, false);
		return;
	}
	fd = -1; /* the side's now */
	p->running++;
	i->is_asked = false;
	i->got = 0;
	arm(i, limit < CHECK_MAX_MS ? limit : CHECK_MAX_MS);
}

static void on_timer(void *arg)
{
	struct item *i = arg;

	if (i->side.fd >= 0)
		finish(i, false); /* too late */
	else if (i->prober->running >= RUNNING_MAX)
		arm(i, CROWDED_MS);
	else
		begin(i);
}

/* Who is to be checked. */

static struct item **find(struct prober *p, const struct health_key *k)
{
	struct span id = SPAN_ARRAY(k->instance_id);
	struct item **at;
	uint32_t x = 0;

	(void)rd_be32(&id, &x);
	at = &p->slots[(x ^ k->port) & (SLOTS - 1)];
	while (*at && ((*at)->key.port != k->port ||
		       !span_equal(SPAN_ARRAY((*at)->key.instance_id),
				   SPAN_ARRAY(k->instance_id))))
		at = &(*at)->chain;
	return at;
}

static void forget(struct prober *p, struct item **at)
{
	struct item *i = *at;

	end_check(i);
	loop_timer_disarm(p->loop, &i->timer);
	if (i->health.state == HEALTH_DOWN)
		publish_soon(p);
	*at = i->chain;
	p->count--;
	free(i);
}

static struct item *add(struct prober *p, struct item **at,
			const struct health_key *key)
{
	struct item *i = mem_new(sizeof(*i));

	i->prober = p;
	i->key = *key;
	i->side = SIDE_NULL;
	if (health_is_down(p->before.view, key))
		i->health.state = HEALTH_DOWN;
	i->timer = (struct loop_timer){ .fn = on_timer, .arg = i };
	*at = i;
	p->count++;
	arm(i, health_first_ms(chance()));
	return i;
}

static bool want(void *arg, const struct store_instance *instance,
		 const struct store_port *port, const struct store_check *c)
{
	struct prober *p = arg;
	struct health_key key = { .port = c->port };
	struct item **at, *i;

	if (!tunnel_admits(&p->tunnel, instance->address))
		return true;
	memcpy(key.instance_id, instance->instance_id, STORE_ID_LEN);
	at = find(p, &key);
	if (!*at && p->count >= ITEMS_MAX)
		return false;
	i = *at ? *at : add(p, at, &key);
	memcpy(i->address, instance->address, sizeof(i->address));
	i->proxy = (enum proxy_version)port->proxy_protocol;
	i->check = *c;
	i->is_wanted = true;
	return true;
}

static void sync_now(void *arg)
{
	struct prober *p = arg;
	size_t slot;
	struct item **at;
	bool is_read;

	is_read = store_each_check(p->store, want, p, clock_unix_ms()) == RC_OK;
	for (slot = 0; slot < SLOTS; slot++) {
		at = &p->slots[slot];
		while (*at) {
			/* Nothing is known to be over while the store cannot
			 * be read. */
			if (is_read && !(*at)->is_wanted) {
				forget(p, at);
				continue;
			}
			(*at)->is_wanted = false;
			at = &(*at)->chain;
		}
	}
	if (is_read && p->before.board) {
		health_reader_fini(&p->before);
		publish_soon(p); /* who is gone is not down any more */
	}
	loop_timer_arm(p->loop, &p->sync, loop_now_ms(p->loop) + SYNC_MS);
}

/* The thread. */

static void *run(void *arg)
{
	struct prober *p = arg;

	if (loop_run(p->loop))
		log_event(&p->log, LOG_ERROR, "prober_failed",
			  LERRNO("reason", errno));
	return NULL;
}

static void end(struct prober *p)
{
	size_t slot;

	for (slot = 0; p->loop && slot < SLOTS; slot++)
		while (p->slots[slot])
			forget(p, &p->slots[slot]);
	loop_free(p->loop);
	health_reader_fini(&p->before);
	free(p);
}

enum rc prober_start(struct prober **out, const struct edge_tunnel *tunnel,
		     const struct log *log, struct store *store,
		     struct health_board *board)
{
	struct prober *p = mem_new(sizeof(*p));
	int error;

	*p = (struct prober){
		.tunnel = *tunnel,
		.log = *log,
		.store = store,
		.board = board,
		.sync = { .fn = sync_now, .arg = p },
		.publish = { .fn = publish, .arg = p },
		.limit = { .burst = 100, .interval_ms = 100 },
	};
	if (loop_new(&p->loop)) {
		end(p);
		return RC_SYS;
	}
	health_reader_init(&p->before, board);
	(void)health_read(&p->before);
	loop_timer_arm(p->loop, &p->sync, loop_now_ms(p->loop));
	error = pthread_create(&p->thread, NULL, run, p);
	if (error) {
		end(p);
		errno = error;
		return RC_SYS;
	}
	*out = p;
	return RC_OK;
}

struct new_log {
	struct prober *prober;
	struct log log;
};

static void use_log(void *arg)
{
	struct new_log *n = arg;

	n->prober->log = n->log;
	free(n);
}

void prober_log(struct prober *p, const struct log *log)
{
	struct new_log *n;

	if (!p)
		return;
	n = mem_new(sizeof(*n));
	*n = (struct new_log){ .prober = p, .log = *log };
	loop_post(p->loop, use_log, n);
}

static void stop(void *arg)
{
	loop_stop(arg);
}

void prober_stop(struct prober *p)
{
	if (!p)
		return;
	loop_post(p->loop, stop, p->loop);
	(void)pthread_join(p->thread, NULL); /* it is ours, and running */
	end(p);
}
