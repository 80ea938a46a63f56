#include "edge/phase.h"

#include <assert.h>
#include <stdlib.h>

#include "edge/access.h"
#include "edge/requests.h"
#include "edge/way.h"
#include "edge/worker.h"

const struct edge_timeouts *phase_timeouts(const struct conn *c)
{
	return &c->worker->config->timeouts;
}

uint64_t phase_now_ms(const struct conn *c)
{
	return loop_now_ms(c->worker->loop);
}

void phase_arm(struct conn *c, uint64_t in_ms)
{
	loop_timer_arm(c->worker->loop, &c->timer, phase_now_ms(c) + in_ms);
}

void phase_enter(struct conn *c, enum conn_state state)
{
	board_counter *states = c->worker->counters->states;

	static_assert((int)CONN_DEAD == (int)BOARD_STATES);
	board_sub(&states[c->state], 1);
	board_add(&states[state], 1);
	c->state = state;
	c->step_ms = phase_now_ms(c);
}

static void conn_free(void *arg)
{
	struct conn *c = arg;

	free(c);
}

/* What was borrowed goes back; bytes that are still owed are lost. */
static void return_all(struct conn *c)
{
	struct pool *pool = &c->worker->pool;

	buf_reset(&c->up);
	buf_reset(&c->down);
	pool_settle(pool, &c->up);
	pool_settle(pool, &c->down);
	bulk_drop(&c->bulk_up, pool);
	bulk_drop(&c->bulk_down, pool);
	if (!c->tls)
		return;
	pool_settle(pool, tls_input(c->tls));
	pool_settle(pool, tls_output(c->tls));
}

void phase_close(struct conn *c, bool is_abort)
{
	struct worker *w = c->worker;
	bool is_client_served = c->client.is_shut;

	if (c->state == CONN_DEAD)
		return;
	board_sub(&w->counters->states[c->state], 1);
	c->state = CONN_DEAD;
	way_forget(c);
	connect_end(c);
	side_close(&c->client, w->loop, is_abort && !is_client_served);
	side_close(&c->backend, w->loop, is_abort);
	loop_timer_disarm(w->loop, &c->timer);
	worker_note_bytes(w, c);
	access_log(w, c);
	worker_remove(w, c);
	hello_reader_fini(&c->reader);
	buf_fini(&c->stream);
	return_all(c);
	tls_conn_free(c->tls);
	requests_free(c->requests);
	free(c->app_route);
	loop_defer(w->loop, conn_free, c);
}

enum phase_step phase_abort(struct conn *c, const char *result)
{
	conn_abort(c, result);
	return PHASE_WAIT;
}

static void run_again(void *arg)
{
	struct conn *c = arg;

	c->is_deferred = false;
	conn_run(c);
}

enum phase_step phase_later(struct conn *c)
{
	if (!c->is_deferred)
		loop_defer(c->worker->loop, run_again, c);
	c->is_deferred = true;
	return PHASE_WAIT;
}
