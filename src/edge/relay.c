#include "edge/relay.h"

#include <errno.h>

#include "edge/requests.h"
#include "edge/worker.h"

enum {
	ROUNDS_A_TURN = 8, /* buffers moved in a direction before others run */
	REFILLS_A_ROUND = 4, /* reads that gave no byte: a flood of nothing */
	HOLD = 16 * 1024, /* TLS output that waits for more of its turn */
};

struct buf *relay_owed(struct conn *c)
{
	return c->tls ? tls_output(c->tls) : &c->down;
}

static void is_active(struct conn *c)
{
	c->active_ms = loop_now_ms(c->worker->loop);
}

/* Fills out with what libssl has decrypted of its input. */
static enum side_status decrypt(struct conn *c, uint8_t *out, size_t cap,
				size_t *n)
{
	enum tls_status status = TLS_OK;
	size_t one;

	*n = 0;
	while (*n < cap && status == TLS_OK) {
		status = tls_read(c->tls, out + *n, cap - *n, &one);
		*n += one;
	}
	/* An end or a failure behind these bytes is told again. */
	if (*n > 0)
		return SIDE_MOVED;
	switch (status) {
	case TLS_OK:
	case TLS_WANT:
		return SIDE_BLOCKED;
	case TLS_EOF:
		return SIDE_EOF;
	case TLS_FAILED:
		break;
	}
	/* Cut off, or broken with an alert to be sent. */
	c->is_tls_broken = !c->client.is_eof;
	c->result = c->client.is_eof ? "truncated" : "tls_failed";
	return SIDE_BROKEN;
}

/* Gives libssl more ciphertext, up to 'cap' bytes. */
static enum side_status refill(struct conn *c, size_t cap)
{
	struct buf *in = tls_input(c->tls);
	enum side_status status;
	uint8_t *space;
	size_t n;

	if (!c->client.can_read)
		return SIDE_BLOCKED;
	pool_lend(&c->worker->pool, in);
	space = buf_space(in, cap, &cap);
	status = side_recv(&c->client, space, cap, &n);
	buf_commit(in, n);
	switch (status) {
	case SIDE_MOVED:
		return SIDE_MOVED;
	case SIDE_EOF:
		/* libssl knows whether close_notify came before. */
		c->client.is_eof = true;
		tls_feed_eof(c->tls);
		return SIDE_MOVED;
	case SIDE_BLOCKED:
		return SIDE_BLOCKED;
	case SIDE_BROKEN:
		break;
	}
	c->result = "client_reset";
	return SIDE_BROKEN;
}

static enum side_status take_tls(struct conn *c, uint8_t *out, size_t cap,
				 size_t *n)
{
	enum side_status status;
	int i;

	for (i = 0; i < REFILLS_A_ROUND; i++) {
		status = decrypt(c, out, cap, n);
		if (status != SIDE_BLOCKED || c->client.is_eof)
			return status;
		status = refill(c, cap);
		if (status != SIDE_MOVED)
			return status;
	}
	return SIDE_MOVED;
}

enum side_status relay_take(struct conn *c, uint8_t *out, size_t cap,
			    size_t *n)
{
	enum side_status status;

	if (c->tls) {
		status = take_tls(c, out, cap, n);
		pool_settle(&c->worker->pool, tls_input(c->tls));
		return status;
	}
	status = side_recv(&c->client, out, cap, n);
	if (status == SIDE_BROKEN)
		c->result = "client_reset";
	return status;
}

/* After a read of n bytes: whether the source's end is all that is left. */
static enum side_more more_from(const struct conn *c, const struct side *from,
				size_t n)
{
	if (from->is_ending && n < c->worker->scratch_len)
		return SIDE_END_FOLLOWS;
	return SIDE_NO_MORE;
}

/* Sends bytes from a side, or keeps what the socket does not take. */
static enum side_status send_or_keep(struct conn *c, const struct side *from,
				     struct side *to, struct buf *kept,
				     struct span bytes, uint64_t *total)
{
	enum side_status status;
	size_t n;

	status = side_send(to, bytes, more_from(c, from, bytes.n), &n);
	*total += n;
	if (status == SIDE_BROKEN || n == bytes.n)
		return status;
	pool_lend(&c->worker->pool, kept);
	/* 'kept' was empty and has room for one buffer. */
	if (!rd_skip(&bytes, n) || !buf_add(kept, bytes))
		return SIDE_BROKEN;
	return SIDE_BLOCKED;
}

/* Sends what is kept for a side, whose storage goes back once it is empty. */
static enum side_status flush(struct conn *c, struct side *to, struct buf *kept,
			      enum side_more more, uint64_t *total)
{
	enum side_status status;

	if (kept->n == 0)
		return SIDE_MOVED;
	status = side_flush(to, kept, more, total);
	pool_settle(&c->worker->pool, kept);
	return status;
}

static enum side_status flush_down(struct conn *c, enum side_more more)
{
	return flush(c, &c->client, relay_owed(c), more, &c->bytes_down);
}

static enum relay_status client_gone(struct conn *c)
{
	c->result = "client_reset";
	return RELAY_BROKEN;
}

/*
 * The backend takes no more: forget the client's direction.  Sending is told
 * of a reset once, and reading then sees an end like any other; EPIPE is of a
 * backend whose end had come before.
 */
static enum relay_status up_is_dead(struct conn *c)
{
	c->is_up_dead = true;
	if (c->backend.error != EPIPE)
		c->is_backend_reset = true;
	c->backend.is_shut = true;
	buf_fini(&c->up);
	bulk_drop(&c->bulk_up, &c->worker->pool);
	return RELAY_DONE;
}

static enum relay_status end_up(struct conn *c)
{
	c->client.is_eof = true;
	/* Where the other direction has ended both sides are closed now. */
	side_shut(&c->backend, c->client.is_shut);
	return RELAY_DONE;
}

/*
 * Answers to a client's key updates come to what it is owed already: who does
 * not take them is not read.
 */
static enum side_status settle_answers(struct conn *c)
{
	if (!c->tls || tls_output(c->tls)->n <= 2 * c->worker->scratch_len)
		return SIDE_MOVED;
	return flush_down(c, SIDE_NO_MORE);
}

/* As move_up(), without copying. */
static enum relay_status splice_up(struct conn *c)
{
	uint64_t before = c->bytes_up;
	enum bulk_status status = bulk_move(&c->bulk_up, &c->worker->pool,
					    &c->client, &c->backend,
					    &c->bytes_up);

	if (c->bytes_up != before)
		is_active(c);
	switch (status) {
	case BULK_EOF:
		return end_up(c);
	case BULK_SINK_BROKEN:
		return up_is_dead(c);
	case BULK_SOURCE_BROKEN:
		return client_gone(c);
	case BULK_WAIT:
		return RELAY_WAIT;
	case BULK_MOVED:
	case BULK_OFF:
		break;
	}
	return RELAY_AGAIN;
}

/* To the client, through TLS: the backend's bytes, or words of the edge's. */
static enum relay_status give_requests(struct conn *c, struct span bytes)
{
	enum requests_step step = REQUESTS_SEND;
	struct span piece;

	while (step == REQUESTS_SEND) {
		step = requests_give(c->requests, &bytes, &piece);
		if (step != REQUESTS_SEND)
			break;
		c->is_held = false;
		pool_lend(&c->worker->pool, tls_output(c->tls));
		if (tls_write(c->tls, piece) != TLS_OK) {
			c->result = "tls_failed";
			return RELAY_BROKEN;
		}
	}
	return step == REQUESTS_BROKEN ? RELAY_REFUSED : RELAY_AGAIN;
}

/*
 * A head that takes long is looked at in time.  The first of a connection is
 * within the deadline of its phase, but for the one after the edge's own
 * service: there the phase is as long as a client may be idle.
 */
static void watch_head(struct conn *c, bool had_part)
{
	if (!had_part && c->requests->head_since_ms)
		loop_timer_arm(c->worker->loop, &c->timer,
			       loop_now_ms(c->worker->loop) +
				       c->worker->config->timeouts.request);
}

enum relay_status relay_requests(struct conn *c, struct span *direct,
				 struct span bytes)
{
	bool had_part = c->requests->head_since_ms != 0;
	enum requests_status status =
		requests_take(c->requests, &c->up, direct, bytes,
			      loop_now_ms(c->worker->loop));

	if (c->state == CONN_RELAY || c->app_route)
		watch_head(c, had_part);
	if (status == REQUESTS_REFUSED)
		return RELAY_REFUSED;
	return give_requests(c, span_of(NULL, 0));
}

static enum relay_status move_requests(struct conn *c, struct span bytes)
{
	enum side_status sent;
	enum relay_status status;
	struct span direct;

	status = relay_requests(c, &direct, bytes);
	if (status == RELAY_AGAIN && requests_have_switched(c->requests)) {
		/* There is room for all that is put out at once. */
		if (buf_add(&c->up, direct))
			return RELAY_SWITCH;
		c->result = "tls_failed";
		return RELAY_BROKEN;
	}
	/* A later round flushes what was not direct. */
	if (status != RELAY_AGAIN || direct.n == 0)
		return status;
	sent = send_or_keep(c, &c->client, &c->backend, &c->up, direct,
			    &c->bytes_up);
	return sent == SIDE_BROKEN ? up_is_dead(c) : RELAY_AGAIN;
}

/* One buffer from client to backend; RELAY_AGAIN: it moved. */
static enum relay_status move_up(struct conn *c)
{
	uint8_t *bytes = c->worker->scratch;
	size_t cap = c->worker->scratch_len;
	enum side_status status;
	size_t n;

	if (bulk_is_on(&c->bulk_up) && c->up.n == 0)
		return splice_up(c);
	status = flush(c, &c->backend, &c->up, SIDE_NO_MORE, &c->bytes_up);
	if (status == SIDE_BROKEN)
		return up_is_dead(c);
	if (status == SIDE_BLOCKED)
		return RELAY_WAIT;
	status = settle_answers(c);
	if (status == SIDE_BROKEN)
		return client_gone(c);
	if (status == SIDE_BLOCKED)
		return RELAY_WAIT;
	if (c->requests && requests_are_waiting(c->requests))
		return RELAY_WAIT;
	if (c->requests && requests_are_held(c->requests))
		return move_requests(c, span_of(NULL, 0));
	status = relay_take(c, bytes, cap, &n);
	switch (status) {
	case SIDE_EOF:
		return end_up(c);
	case SIDE_BLOCKED:
		return RELAY_WAIT;
	case SIDE_BROKEN:
		return c->is_tls_broken ? RELAY_CUT : RELAY_BROKEN;
	case SIDE_MOVED:
		break;
	}
	if (n == 0)
		return RELAY_AGAIN;
	is_active(c);
	if (c->requests)
		return move_requests(c, span_of(bytes, n));
	if (!c->tls)
		bulk_see(&c->bulk_up, n);
	status = send_or_keep(c, &c->client, &c->backend, &c->up,
			      span_of(bytes, n), &c->bytes_up);
	return status == SIDE_BROKEN ? up_is_dead(c) : RELAY_AGAIN;
}

/* The backend's stream has ended and all of it is on its way. */
static enum relay_status end_down(struct conn *c)
{
	c->backend.is_eof = true;
	if (c->tls && !c->is_backend_reset)
		tls_close(c->tls);
	switch (flush_down(c, SIDE_END_FOLLOWS)) {
	case SIDE_BROKEN:
		return client_gone(c);
	case SIDE_BLOCKED:
		return RELAY_WAIT;
	case SIDE_MOVED:
	case SIDE_EOF:
		break;
	}
	/* Where the other direction has ended both sides are closed now. */
	side_shut(&c->client, c->client.is_eof && c->backend.is_shut);
	return RELAY_DONE;
}

static enum relay_status give_down(struct conn *c, struct span bytes)
{
	enum side_status status;

	if (!c->tls) {
		bulk_see(&c->bulk_down, bytes.n);
		status = send_or_keep(c, &c->backend, &c->client, &c->down,
				      bytes, &c->bytes_down);
		return status == SIDE_BROKEN ? client_gone(c) : RELAY_AGAIN;
	}
	if (c->requests)
		return give_requests(c, bytes);
	pool_lend(&c->worker->pool, tls_output(c->tls));
	if (tls_write(c->tls, bytes) != TLS_OK) {
		c->result = "tls_failed";
		return RELAY_BROKEN;
	}
	/* A later round flushes. */
	return RELAY_AGAIN;
}

/* As move_down(), without copying. */
static enum relay_status splice_down(struct conn *c)
{
	uint64_t before = c->bytes_down;
	enum bulk_status status = bulk_move(&c->bulk_down, &c->worker->pool,
					    &c->backend, &c->client,
					    &c->bytes_down);

	if (c->bytes_down != before)
		is_active(c);
	switch (status) {
	case BULK_EOF:
		return end_down(c);
	case BULK_SINK_BROKEN:
		return client_gone(c);
	case BULK_SOURCE_BROKEN:
		return RELAY_CUT;
	case BULK_WAIT:
		return RELAY_WAIT;
	case BULK_MOVED:
	case BULK_OFF:
		break;
	}
	return RELAY_AGAIN;
}

/*
 * Whether what is owed goes out before more is read.  A little TLS output waits
 * for what the backend may say in the same turn, its end above all: one call
 * and one packet take both.
 */
static bool is_flush_due(const struct conn *c, const struct buf *owed)
{
	if (c->is_held && owed->n < HOLD)
		return false;
	return !c->tls || owed->n >= HOLD || !c->client.can_write ||
	       !c->backend.can_read;
}

static enum relay_status read_down(struct conn *c, size_t cap)
{
	uint8_t *bytes = c->worker->scratch;
	enum side_status status;
	size_t n;

	status = side_recv(&c->backend, bytes, cap, &n);
	switch (status) {
	case SIDE_EOF:
		return end_down(c);
	case SIDE_BLOCKED:
		/* What is not held is flushed in the next round. */
		if (relay_owed(c)->n == 0 || c->is_held)
			return RELAY_WAIT;
		return RELAY_AGAIN;
	case SIDE_BROKEN:
		return RELAY_CUT;
	case SIDE_MOVED:
		break;
	}
	is_active(c);
	c->is_held = false;
	return give_down(c, span_of(bytes, n));
}

/* One buffer from backend to client. */
static enum relay_status move_down(struct conn *c)
{
	struct buf *owed = relay_owed(c);
	size_t cap = c->worker->scratch_len;

	if (bulk_is_on(&c->bulk_down) && owed->n == 0)
		return splice_down(c);
	if (owed->n > 0 && is_flush_due(c, owed)) {
		switch (flush_down(c, SIDE_NO_MORE)) {
		case SIDE_BROKEN:
			return client_gone(c);
		case SIDE_BLOCKED:
			return RELAY_WAIT;
		case SIDE_MOVED:
		case SIDE_EOF:
			break;
		}
	}
	if (c->backend.is_eof)
		return end_down(c);
	return read_down(c, owed->n && cap > HOLD ? HOLD : cap);
}

static enum relay_status run_direction(struct conn *c, bool has_ended,
				       enum relay_status (*move)(struct conn *))
{
	enum relay_status status = has_ended ? RELAY_DONE : RELAY_AGAIN;
	int i;

	for (i = 0; i < ROUNDS_A_TURN && status == RELAY_AGAIN; i++)
		status = move(c);
	return status;
}

static bool is_over(enum relay_status status)
{
	return status == RELAY_BROKEN || status == RELAY_CUT ||
	       status == RELAY_REFUSED || status == RELAY_SWITCH;
}

/*
 * Requests that wait for the backend's word, once the other direction was run:
 * it may have come, or never will.
 */
static enum relay_status look_again(const struct conn *c,
				    enum relay_status up,
				    enum relay_status down)
{
	if (up != RELAY_WAIT || c->up.n > 0 || !c->requests ||
	    !requests_are_held(c->requests))
		return up;
	if (!requests_are_waiting(c->requests))
		return RELAY_AGAIN;
	return down == RELAY_DONE ? RELAY_DONE : up;
}

static enum relay_status run_both(struct conn *c)
{
	enum relay_status up, down;

	up = run_direction(c, c->is_up_dead || c->backend.is_shut, move_up);
	if (is_over(up))
		return up;
	down = run_direction(c, c->client.is_shut, move_down);
	if (is_over(down))
		return down;
	up = look_again(c, up, down);
	if (down == RELAY_DONE && c->is_up_dead)
		return RELAY_CUT;
	if (up == RELAY_DONE && down == RELAY_DONE)
		return RELAY_DONE;
	if (up == RELAY_AGAIN || down == RELAY_AGAIN)
		return RELAY_AGAIN;
	return RELAY_WAIT;
}

enum relay_status relay_run(struct conn *c)
{
	uint64_t before = c->bytes_up + c->bytes_down;
	enum relay_status status = run_both(c);

	/* A slow reader is not an idle one. */
	if (c->bytes_up + c->bytes_down != before)
		is_active(c);
	return status;
}
