#include "edge/relay.h"

#include <errno.h>

#include "edge/worker.h"

enum {
	ROUNDS_A_TURN = 8, /* buffers moved in a direction before others run */
	REFILLS_A_ROUND = 4, /* reads that gave no byte: a flood of nothing */
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

/* Gives libssl more ciphertext; 'scratch' carries it. */
static enum side_status refill(struct conn *c, uint8_t *scratch, size_t cap)
{
	enum side_status status;
	size_t n;

	if (cap > tls_feed_room(c->tls))
		cap = tls_feed_room(c->tls);
	status = side_recv(&c->client, scratch, cap, &n);
	switch (status) {
	case SIDE_MOVED:
		if (tls_feed(c->tls, span_of(scratch, n)))
			return SIDE_BROKEN; /* never: 'cap' is its room */
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
		status = refill(c, out, cap);
		if (status != SIDE_MOVED)
			return status;
	}
	return SIDE_MOVED;
}

enum side_status relay_take(struct conn *c, uint8_t *out, size_t cap,
			    size_t *n)
{
	enum side_status status;

	if (c->tls)
		return take_tls(c, out, cap, n);
	status = side_recv(&c->client, out, cap, n);
	if (status == SIDE_BROKEN)
		c->result = "client_reset";
	return status;
}

/* Sends bytes, or keeps what the socket does not take. */
static enum side_status send_or_keep(struct side *to, struct buf *kept,
				     struct span bytes, uint64_t *total)
{
	enum side_status status;
	size_t n;

	status = side_send(to, bytes, &n);
	*total += n;
	if (status == SIDE_BROKEN)
		return status;
	/* 'kept' was empty and has room for one buffer. */
	if (!rd_skip(&bytes, n) || !buf_add(kept, bytes))
		return SIDE_BROKEN;
	return kept->n ? SIDE_BLOCKED : SIDE_MOVED;
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
	return RELAY_DONE;
}

static enum relay_status end_up(struct conn *c)
{
	c->client.is_eof = true;
	side_shut(&c->backend);
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
	return side_flush(&c->client, tls_output(c->tls), &c->bytes_down);
}

/* One buffer from client to backend; RELAY_AGAIN: it moved. */
static enum relay_status move_up(struct conn *c)
{
	uint8_t *bytes = c->worker->scratch;
	size_t cap = c->worker->scratch_len;
	enum side_status status;
	size_t n;

	status = side_flush(&c->backend, &c->up, &c->bytes_up);
	if (status == SIDE_BROKEN)
		return up_is_dead(c);
	if (status == SIDE_BLOCKED)
		return RELAY_WAIT;
	status = settle_answers(c);
	if (status == SIDE_BROKEN)
		return client_gone(c);
	if (status == SIDE_BLOCKED)
		return RELAY_WAIT;
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
	status = send_or_keep(&c->backend, &c->up, span_of(bytes, n),
			      &c->bytes_up);
	return status == SIDE_BROKEN ? up_is_dead(c) : RELAY_AGAIN;
}

/* The backend's stream has ended and all of it is on its way. */
static enum relay_status end_down(struct conn *c)
{
	c->backend.is_eof = true;
	if (c->tls && !c->is_backend_reset)
		tls_close(c->tls);
	switch (side_flush(&c->client, relay_owed(c), &c->bytes_down)) {
	case SIDE_BROKEN:
		return client_gone(c);
	case SIDE_BLOCKED:
		return RELAY_WAIT;
	case SIDE_MOVED:
	case SIDE_EOF:
		break;
	}
	side_shut(&c->client);
	return RELAY_DONE;
}

static enum relay_status give_down(struct conn *c, struct span bytes)
{
	enum side_status status;

	if (!c->tls) {
		status = send_or_keep(&c->client, &c->down, bytes,
				      &c->bytes_down);
		return status == SIDE_BROKEN ? client_gone(c) : RELAY_AGAIN;
	}
	if (tls_write(c->tls, bytes) != TLS_OK) {
		c->result = "tls_failed";
		return RELAY_BROKEN;
	}
	/* The next round flushes. */
	return RELAY_AGAIN;
}

/* One buffer from backend to client. */
static enum relay_status move_down(struct conn *c)
{
	uint8_t *bytes = c->worker->scratch;
	size_t cap = c->worker->scratch_len;
	enum side_status status;
	size_t n;

	status = side_flush(&c->client, relay_owed(c), &c->bytes_down);
	if (status == SIDE_BROKEN)
		return client_gone(c);
	if (status == SIDE_BLOCKED)
		return RELAY_WAIT;
	if (c->backend.is_eof)
		return end_down(c);
	status = side_recv(&c->backend, bytes, cap, &n);
	switch (status) {
	case SIDE_EOF:
		return end_down(c);
	case SIDE_BLOCKED:
		return RELAY_WAIT;
	case SIDE_BROKEN:
		return RELAY_CUT;
	case SIDE_MOVED:
		break;
	}
	is_active(c);
	return give_down(c, span_of(bytes, n));
}

static enum relay_status run_direction(struct conn *c, bool is_over,
				       enum relay_status (*move)(struct conn *))
{
	enum relay_status status = is_over ? RELAY_DONE : RELAY_AGAIN;
	int i;

	for (i = 0; i < ROUNDS_A_TURN && status == RELAY_AGAIN; i++)
		status = move(c);
	return status;
}

static enum relay_status run_both(struct conn *c)
{
	enum relay_status up, down;

	up = run_direction(c, c->is_up_dead || c->backend.is_shut, move_up);
	if (up == RELAY_BROKEN || up == RELAY_CUT)
		return up;
	down = run_direction(c, c->client.is_shut, move_down);
	if (down == RELAY_BROKEN || down == RELAY_CUT)
		return down;
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
