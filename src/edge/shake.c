#include "edge/shake.h"

#include <assert.h>
#include <string.h>

#include "edge/farewell.h"
#include "edge/opening.h"
#include "edge/own.h"
#include "edge/worker.h"

/*
 * The name libssl reads is the one that was routed: a second hello, after a
 * HelloRetryRequest, may not ask for another.
 */
static bool is_same_name(void *arg, const char *sni)
{
	struct conn *c = arg;
	const struct edge_config *config = c->worker->config;
	struct span asked = route_name(config, span_str(sni));
	struct name name;

	if (name_parse(&name, asked, span_str(config->base)) == RC_OK &&
	    strcmp(name.full, c->route.name.full) == 0)
		return true;
	c->result = "name_changed";
	return false;
}

/*
 * A ticket is good for the name and the app it was given out for, at the port
 * and in the protocol it was used with, while the same is asked of clients'
 * certificates: another tenant of this edge can neither take it nor have a
 * client show it.
 */
static bool allow_resumption(struct conn *c, const struct terms_entry *terms)
{
	static const struct sha256 nothing;
	const struct sha256 *demand = terms ? &terms->demand : &nothing;
	const uint8_t port[2] = { (uint8_t)(c->route.port >> 8),
				  (uint8_t)c->route.port };
	const uint8_t kind[2] = { c->route.has_app, (uint8_t)c->route.alpn };
	const struct span parts[] = {
		span_str("postern/ticket-scope/v2"),
		SPAN_ARRAY(c->route.app_id),
		SPAN_ARRAY(port),
		SPAN_ARRAY(kind),
		SPAN_ARRAY(demand->b),
		span_str(c->route.name.full),
	};
	struct sha256 scope;

	sha256_parts(&scope, parts, sizeof(parts) / sizeof(parts[0]));
	return tls_conn_resume(c->tls, &c->worker->tickets, &scope);
}

static struct tls_context *find_context(const struct conn *c)
{
	const struct certs *certs = c->worker->certs;
	const char *name = c->route.name.full;

	return c->route.is_proof ? certs_proof(certs, name)
				 : certs_find(certs, name, c->route.alpn);
}

/* With TLS there, what is owed to the client is TLS's output. */
static enum phase_step give_up(struct conn *c)
{
	tls_abandon(c->tls, TLS_ALERT_INTERNAL_ERROR);
	return farewell_drain(c, "tls_failed");
}

enum phase_step shake_begin(struct conn *c)
{
	const struct terms_entry *terms =
		terms_find(c->worker->terms, c->route.name.full);
	struct tls_context *context = find_context(c);

	if (!context)
		return farewell_refuse(c, TLS_ALERT_UNRECOGNIZED_NAME,
				       "no_certificate");
	if (tls_conn_new(&c->tls, context, NULL))
		return farewell_refuse(c, TLS_ALERT_INTERNAL_ERROR,
				       "tls_failed");
	tls_conn_mind_name(c->tls, is_same_name, c);
	tls_conn_be_light(c->tls, c->worker->engine);
	if (own_is_at(c))
		tls_conn_keep_binding(c->tls);
	/* A CA comes once, and shows no certificate. */
	if (c->route.is_proof)
		terms = NULL;
	else if (!allow_resumption(c, terms))
		return give_up(c);
	if (terms && !tls_conn_agree(c->tls, terms->tls))
		return give_up(c);
	/* The stream's bound is within what a connection takes. */
	static_assert((int)HELLO_STREAM_MAX <= (int)TLS_INPUT_MAX);
	if (tls_feed(c->tls, buf_span(&c->stream)))
		return phase_abort(c, "tls_failed");
	buf_fini(&c->stream);
	phase_enter(c, CONN_HANDSHAKE);
	phase_arm(c, phase_timeouts(c)->handshake);
	return PHASE_NEXT;
}

static enum phase_step handshake_done(struct conn *c)
{
	struct board_worker *counters = c->worker->counters;

	c->handshake_ms = phase_now_ms(c) - c->step_ms;
	board_add(&counters->handshakes, 1);
	board_add(&counters->handshakes_resumed, tls_conn_is_resumed(c->tls));
	board_add(&counters->handshakes_brief, tls_conn_is_brief(c->tls));
	board_observe(&counters->handshake_ms, c->handshake_ms);
	c->active_ms = phase_now_ms(c);
	pool_settle(&c->worker->pool, tls_input(c->tls));
	pool_settle(&c->worker->pool, tls_output(c->tls));
	/* All there was to say is in the certificate (RFC 8737 §3). */
	if (c->route.is_proof) {
		tls_close(c->tls);
		return farewell_drain(c, "acme_proof");
	}
	/* Over HTTP the client speaks first; elsewhere the backend may. */
	if (c->route.alpn == CERTS_NONE)
		return opening_connect(c, span_of(NULL, 0));
	phase_enter(c, CONN_REQUEST);
	phase_arm(c, phase_timeouts(c)->request);
	return PHASE_NEXT;
}

static enum phase_step feed_handshake(struct conn *c)
{
	struct worker *w = c->worker;
	size_t n;

	switch (side_recv(&c->client, w->scratch, w->scratch_len, &n)) {
	case SIDE_BLOCKED:
		return PHASE_WAIT;
	case SIDE_BROKEN:
		return phase_abort(c, "client_reset");
	case SIDE_EOF:
		tls_feed_eof(c->tls);
		return PHASE_NEXT;
	case SIDE_MOVED:
		break;
	}
	if (tls_feed(c->tls, span_of(w->scratch, n)))
		return phase_abort(c, "tls_failed");
	return PHASE_NEXT;
}

enum phase_step shake_run(struct conn *c)
{
	enum tls_status status = tls_handshake(c->tls);
	enum side_status sent;

	if (status == TLS_FAILED) {
		board_add(&c->worker->counters->handshakes_failed, 1);
		return farewell_drain(c, "handshake_failed");
	}
	/* Who speaks first does not wait for a ticket: it goes out with what
	 * the backend answers, a packet less.  (In TLS 1.2 our Finished is what
	 * is in the output.) */
	c->is_held = status == TLS_OK && c->route.alpn != CERTS_NONE &&
		     tls_conn_is_tls13(c->tls);
	if (c->is_held)
		return handshake_done(c);
	sent = side_flush(&c->client, tls_output(c->tls), SIDE_NO_MORE,
			  &c->bytes_down);
	if (sent == SIDE_BROKEN)
		return phase_abort(c, "client_reset");
	return status == TLS_OK ? handshake_done(c) : feed_handshake(c);
}
