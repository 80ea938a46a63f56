#include "edge/greeting.h"

#include "edge/admit.h"
#include "edge/answer.h"
#include "edge/farewell.h"
#include "edge/plain.h"
#include "edge/proxy.h"
#include "edge/way.h"
#include "edge/worker.h"

static enum phase_step refuse_plain(struct conn *c)
{
	uint8_t text[ANSWER_MAX];
	struct wr w = WR_ARRAY(text);

	if (!answer_is_http(buf_span(&c->stream)))
		return farewell_refuse(c, TLS_ALERT_DECODE_ERROR, "not_tls");
	answer_write(&w, ANSWER_PLAIN_HTTP, CERTS_HTTP1);
	(void)!buf_add(&c->down, wr_span(&w)); /* empty until now */
	return farewell_drain(c, answer_reason(ANSWER_PLAIN_HTTP));
}

static enum phase_step feed_hello(struct conn *c)
{
	struct hello hello;

	switch (hello_feed(&c->reader, &hello, buf_span(&c->stream))) {
	case HELLO_MORE:
		return PHASE_NEXT;
	case HELLO_DONE:
		return way_find(c, &hello);
	case HELLO_NOT_TLS:
		return refuse_plain(c);
	case HELLO_MALFORMED:
		return farewell_refuse(c, TLS_ALERT_DECODE_ERROR,
				       "hello_malformed");
	case HELLO_TOO_LARGE:
		return farewell_refuse(c, TLS_ALERT_DECODE_ERROR,
				       "hello_too_large");
	case HELLO_OLD:
		return farewell_refuse(c, TLS_ALERT_PROTOCOL_VERSION,
				       "tls_version");
	}
	return PHASE_WAIT;
}

static enum phase_step feed(struct conn *c)
{
	return c->is_plain ? plain_take(c) : feed_hello(c);
}

/*
 * A load balancer's first word: from here on the connection is that of whom it
 * names, and counts among those of that source.
 */
static enum phase_step feed_proxy(struct conn *c)
{
	struct proxy_header header;
	const char *why;

	switch (proxy_read(&header, buf_span(&c->stream))) {
	case PROXY_MORE:
		return PHASE_NEXT;
	case PROXY_MALFORMED:
		return phase_abort(c, "bad_proxy");
	case PROXY_DONE:
		break;
	}
	c->has_front = false;
	if (!header.is_local) {
		c->peer = header.from;
		sock_addr_unmap(&c->peer);
		why = admit_named(c->worker, c);
		if (why)
			return phase_abort(c, why);
	}
	buf_consume(&c->stream, header.n);
	return c->stream.n ? feed(c) : PHASE_NEXT;
}

/* There is no room for more. */
static enum phase_step refuse_large(struct conn *c)
{
	if (c->is_plain)
		return plain_refuse(c, 431, "head_too_large");
	return farewell_refuse(c, TLS_ALERT_DECODE_ERROR, "hello_too_large");
}

/* The client has ended before it had said all. */
static enum phase_step refuse_cut(struct conn *c)
{
	if (c->is_plain)
		return plain_refuse(c, 400, "head_cut");
	return farewell_refuse(c, TLS_ALERT_DECODE_ERROR, "hello_cut");
}

enum phase_step greeting_late(struct conn *c)
{
	if (c->is_plain)
		return plain_refuse(c, 408, "head_timeout");
	return farewell_refuse(c, TLS_ALERT_DECODE_ERROR, "hello_timeout");
}

enum phase_step greeting_run(struct conn *c)
{
	struct worker *w = c->worker;
	size_t cap = buf_room(&c->stream), n;

	if (cap > w->scratch_len)
		cap = w->scratch_len;
	if (cap == 0)
		return refuse_large(c);
	switch (side_recv(&c->client, w->scratch, cap, &n)) {
	case SIDE_BLOCKED:
		return PHASE_WAIT;
	case SIDE_BROKEN:
		return phase_abort(c, "client_reset");
	case SIDE_EOF:
		if (c->has_front && c->stream.n > 0)
			return phase_abort(c, "bad_proxy");
		if (c->stream.n > 0)
			return refuse_cut(c);
		/* Nothing was asked: a health check, a scan. */
		c->result = "no_hello";
		phase_close(c, false);
		return PHASE_WAIT;
	case SIDE_MOVED:
		break;
	}
	if (!buf_add(&c->stream, span_of(w->scratch, n)))
		return refuse_large(c);
	return c->has_front ? feed_proxy(c) : feed(c);
}
