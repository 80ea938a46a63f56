#include "wgd/team.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/clock.h"
#include "io/tun.h"
#include "io/vault.h"
#include "wgd/ports.h"
#include "wgd/steer.h"
#include "wgd/worker.h"

enum {
	NS_PER_MS = 1'000'000,
};

/* A worker other than the first. */
struct hand {
	struct team *team;
	struct worker *worker;
	unsigned number;
	pthread_t thread;
	bool is_started;
};

struct team {
	const struct log *log;
	struct team_events events;
	unsigned count;
	struct worker *workers[DEVICE_SHARDS_MAX];
	struct hand hands[DEVICE_SHARDS_MAX]; /* the first is not used */
	struct steer *steer; /* NULL: one worker */
	bool is_unsteered; /* and it was logged */
	uint16_t port;
	uint32_t mark;
	size_t mtu;

	pthread_mutex_t lock; /* of the rest, and of that only */
	pthread_cond_t changed;
	unsigned running; /* threads in their loops */
	unsigned still; /* of them, those that stand still */
	bool is_stopped;
};

/* -- standing still -- */

/* In the worker's thread, between two of its turns. */
static void stand_still(void *arg)
{
	struct hand *h = arg;
	struct team *c = h->team;

	pthread_mutex_lock(&c->lock);
	c->still++;
	pthread_cond_broadcast(&c->changed);
	while (c->is_stopped)
		pthread_cond_wait(&c->changed, &c->lock);
	c->still--;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	worker_settle(h->worker);
}

static struct device_time time_now(void)
{
	return (struct device_time){
		.ms = clock_boot_ms(),
		.unix_ns = clock_unix_ms() * NS_PER_MS,
	};
}

struct device_time team_stop(struct team *c)
{
	struct device_time now;

	pthread_mutex_lock(&c->lock);
	/* Those of the last time may not have gone on yet. */
	while (c->still)
		pthread_cond_wait(&c->changed, &c->lock);
	c->is_stopped = true;
	for (unsigned i = 1; i < c->count; i++)
		if (c->hands[i].is_started)
			loop_post(worker_loop(c->workers[i]), stand_still,
				  &c->hands[i]);
	while (c->still < c->running)
		pthread_cond_wait(&c->changed, &c->lock);
	pthread_mutex_unlock(&c->lock);
	/* No clock of theirs is ahead of this, or falls behind it. */
	now = time_now();
	for (unsigned i = 0; i < c->count; i++)
		worker_set_floor(c->workers[i], now.ms);
	return now;
}

void team_go(struct team *c)
{
	pthread_mutex_lock(&c->lock);
	c->is_stopped = false;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	worker_settle(c->workers[0]);
}

/* -- threads -- */

static void on_gone(void *arg)
{
	struct team *c = arg;

	c->events.gone(c->events.arg);
}

static void *run_hand(void *arg)
{
	struct hand *h = arg;
	struct team *c = h->team;
	char name[sizeof("worker-4294967295")];

	(void)snprintf(name, sizeof(name), "worker-%u", h->number);
	(void)pthread_setname_np(pthread_self(), name); /* for people only */
	if (loop_run(worker_loop(h->worker))) {
		log_event(c->log, LOG_ERROR, "worker_failed",
			  LERRNO("error", errno));
		loop_post(worker_loop(c->workers[0]), on_gone, c);
	}
	pthread_mutex_lock(&c->lock);
	c->running--;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static enum rc start_hand(struct team *c, unsigned number)
{
	struct hand *h = &c->hands[number];

	*h = (struct hand){ .team = c,
			    .worker = c->workers[number],
			    .number = number };
	c->running++;
	errno = pthread_create(&h->thread, NULL, run_hand, h);
	if (errno) {
		c->running--;
		return RC_SYS;
	}
	h->is_started = true;
	return RC_OK;
}

enum rc team_start(struct team *c)
{
	enum rc rc = RC_OK;

	pthread_mutex_lock(&c->lock);
	for (unsigned i = 1; i < c->count && !rc; i++)
		rc = start_hand(c, i);
	pthread_mutex_unlock(&c->lock);
	return rc;
}

static void end_loop(void *arg)
{
	loop_stop(arg);
}

static void join_all(struct team *c)
{
	for (unsigned i = 1; i < c->count; i++) {
		struct loop *loop = worker_loop(c->workers[i]);

		if (!c->hands[i].is_started)
			continue;
		loop_post(loop, end_loop, loop);
		(void)pthread_join(c->hands[i].thread, NULL); /* it is ours */
	}
}

/* -- making it -- */

/* Whose packets an address block is, told to the kernel.  What it does not
 * take is only slower: workers hand over what is not theirs. */
static void on_route(void *arg, const struct allowedips_prefix *p, int worker)
{
	struct team *c = arg;
	enum rc rc;

	if (!c->steer)
		return;
	rc = worker < 0 ? steer_unset(c->steer, p)
			: steer_set(c->steer, p, (unsigned)worker);
	if (rc && !c->is_unsteered)
		log_event(c->log, LOG_WARN, "not_steered",
			  LERRNO("error", errno));
	c->is_unsteered = rc != RC_OK;
}

static void on_mtu(void *arg, size_t mtu)
{
	struct team *c = arg;

	if (mtu == c->mtu)
		return;
	c->mtu = mtu;
	(void)team_stop(c);
	device_set_mtu(team_device(c), mtu);
	for (unsigned i = 0; i < c->count; i++)
		worker_set_mtu(c->workers[i], mtu);
	team_go(c);
}

static enum rc add_worker(struct team *c, struct loop *loop)
{
	const struct worker_setup setup = {
		.number = c->count,
		.log = c->log,
		.all = c->workers,
		.route = on_route,
		.mtu = on_mtu,
		.gone = on_gone,
		.arg = c,
	};
	enum rc rc = worker_new(&c->workers[c->count], loop, &setup);

	if (!rc)
		c->count++;
	return rc;
}

static enum rc add_workers(struct team *c, unsigned wanted)
{
	enum rc rc = RC_OK;

	while (!rc && c->count < wanted) {
		struct loop *loop;

		rc = loop_new(&loop);
		if (!rc)
			rc = add_worker(c, loop); /* which takes it */
	}
	return rc;
}

enum rc team_new(struct team **out, struct loop *main, unsigned wanted,
		 const struct log *log, const struct team_events *events)
{
	struct team *c = mem_new(sizeof(*c));
	enum rc rc;

	c->log = log;
	c->events = *events;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->changed, NULL);
	if (wanted > 1 && steer_new(&c->steer, DEVICE_ALLOWED_MAX)) {
		log_event(log, LOG_WARN, "one_worker", LERRNO("error", errno));
		wanted = 1;
	}
	rc = add_worker(c, main);
	if (!rc)
		rc = add_workers(c, wanted);
	if (rc) {
		team_free(c);
		return rc;
	}
	*out = c;
	return RC_OK;
}

void team_free(struct team *c)
{
	int error = errno;

	if (!c)
		return;
	join_all(c);
	while (c->count)
		worker_free(c->workers[--c->count]);
	steer_free(c->steer);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c);
	errno = error;
}

enum rc team_open(struct team *c, const char *interface)
{
	int fds[DEVICE_SHARDS_MAX];
	enum tun_offload offload;
	enum rc rc;

	if (c->count == 1)
		rc = tun_open_offload(fds, interface, &offload);
	else
		rc = tun_open_queues(fds, c->count, interface, &offload);
	if (rc)
		return rc;
	for (unsigned i = 0; i < c->count; i++) {
		const struct inner_queue queue = { fds[i], offload, i == 0 };

		if (rc)
			mem_auto_close(&fds[i]);
		else
			rc = worker_open(c->workers[i], &queue);
	}
	if (!rc && c->steer)
		rc = steer_attach(c->steer, fds[0]);
	return rc;
}

/* -- what there is to see and to change -- */

unsigned team_count(const struct team *c)
{
	return c->count;
}

unsigned team_guards(const struct team *c)
{
	unsigned all = VAULT_ALL;

	for (unsigned i = 0; i < c->count; i++)
		all &= worker_guards(c->workers[i]);
	return all;
}

struct device *team_device(const struct team *c)
{
	return worker_device(c->workers[0]);
}

int team_bind(struct team *c, uint16_t port)
{
	struct ports p;
	int error;

	if (port && port == c->port)
		return 0;
	error = ports_open(&p, c->count, port, c->mark);
	if (error)
		return error;
	c->port = p.port;
	for (unsigned i = 0; i < c->count; i++)
		worker_use_sockets(c->workers[i], &p.at[i]);
	return 0;
}

uint16_t team_port(const struct team *c)
{
	return c->port;
}

int team_set_mark(struct team *c, uint32_t mark)
{
	int error = 0;

	for (unsigned i = 0; i < c->count && !error; i++)
		error = worker_set_mark(c->workers[i], mark);
	if (!error)
		c->mark = mark;
	return error;
}

uint32_t team_mark(const struct team *c)
{
	return c->mark;
}
