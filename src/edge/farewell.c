#include "edge/farewell.h"

#include "edge/answer.h"
#include "edge/relay.h"
#include "edge/requests.h"
#include "edge/worker.h"

enum {
	READS_A_TURN = 8, /* of what is thrown away, before others run */
	LINGER_MS = 2000, /* for the last word to arrive before the end */
};

enum phase_step farewell_drain(struct conn *c, const char *result)
{
	c->result = c->result ? c->result : result;
	side_close(&c->backend, c->worker->loop, true);
	phase_enter(c, CONN_DRAIN);
	phase_arm(c, LINGER_MS);
	return PHASE_NEXT;
}

enum phase_step farewell_refuse(struct conn *c, enum tls_alert alert,
				const char *result)
{
	tls_write_alert(&c->down, alert);
	return farewell_drain(c, result);
}

enum phase_step farewell_no_backend(struct conn *c, enum answer_why why)
{
	uint8_t text[ANSWER_MAX];
	struct wr w = WR_ARRAY(text);

	if (!c->tls)
		return farewell_refuse(c, TLS_ALERT_INTERNAL_ERROR,
				       answer_reason(why));
	/* Where the edge has no words, close_notify would be a clean end. */
	if (c->route.alpn == CERTS_NONE)
		return farewell_drain(c, answer_reason(why));
	answer_write(&w, why, c->route.alpn);
	/* A TLS connection that failed has its alert in the output. */
	(void)tls_write(c->tls, wr_span(&w));
	tls_close(c->tls);
	return farewell_drain(c, answer_reason(why));
}

enum phase_step farewell_request(struct conn *c)
{
	struct requests_refusal why;
	uint8_t text[ANSWER_MAX];
	struct wr w = WR_ARRAY(text);
	struct span piece, none = span_of(NULL, 0);

	requests_refusal(c->requests, &why);
	if (why.status)
		answer_write_refusal(&w, why.status, why.reason);
	if (why.needs_goaway)
		answer_write_goaway(&w, why.error, why.reason);
	/* As in farewell_no_backend(). */
	if (wr_span(&w).n)
		(void)tls_write(c->tls, wr_span(&w));
	else if (c->requests->is_h2)
		while (requests_give(c->requests, &none, &piece) ==
		       REQUESTS_SEND)
			(void)tls_write(c->tls, piece);
	if (wr_span(&w).n || c->requests->is_h2)
		tls_close(c->tls);
	return farewell_drain(c, c->requests->result);
}

enum phase_step farewell_late(struct conn *c)
{
	requests_late(c->requests);
	return farewell_request(c);
}

enum phase_step farewell_run(struct conn *c)
{
	enum side_status status;
	size_t n;
	int i;

	status = side_flush(&c->client, relay_owed(c), SIDE_END_FOLLOWS,
			    &c->bytes_down);
	if (status == SIDE_BLOCKED)
		return PHASE_WAIT;
	if (status == SIDE_BROKEN)
		return phase_abort(c, "client_reset");
	side_shut(&c->client, false);
	/* What the client still sends is read, lest the end be a reset that
	 * overtakes our last word.  The deadline bounds it. */
	for (i = 0; i < READS_A_TURN; i++) {
		status = side_recv(&c->client, c->worker->scratch,
				   c->worker->scratch_len, &n);
		if (status != SIDE_MOVED)
			break;
	}
	if (status == SIDE_MOVED)
		return phase_later(c);
	if (status != SIDE_BLOCKED)
		phase_close(c, false);
	return PHASE_WAIT;
}
