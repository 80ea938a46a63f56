#include "edge/plain.h"

#include <string.h>

#include "edge/answer.h"
#include "edge/farewell.h"
#include "edge/worker.h"
#include "http1/head.h"

static const char CHALLENGES[] = "/.well-known/acme-challenge/";

/* ---- the last word, which is also the first ---- */

static enum phase_step say(struct conn *c, const struct wr *w,
			   const char *result)
{
	buf_fini(&c->stream);
	(void)!buf_add(&c->down, wr_span(w)); /* empty until now */
	return farewell_drain(c, result);
}

enum phase_step plain_refuse(struct conn *c, unsigned status,
			     const char *result)
{
	uint8_t text[ANSWER_MAX];
	struct wr w = WR_ARRAY(text);

	answer_write_refusal(&w, status, result);
	return say(c, &w, result);
}

static enum phase_step answer(struct conn *c, const struct head_request *r,
			      const char *value)
{
	uint8_t text[PLAIN_ANSWER_MAX];
	struct wr w = WR_ARRAY(text);

	wr_printf(&w,
		  "HTTP/1.1 200 OK\r\n"
		  "Content-Type: application/octet-stream\r\n"
		  "Content-Length: %zu\r\n"
		  "Cache-Control: no-store\r\n"
		  "Connection: close\r\n"
		  "\r\n",
		  strlen(value));
	if (!r->is_head)
		wr_str(&w, value);
	return say(c, &w, "http_challenge");
}

/* 308 keeps method and body; the target is as the client wrote it, in which
 * head_request() lets no space and no control stand. */
static enum phase_step redirect(struct conn *c, struct span target)
{
	uint64_t port = c->worker->config->http.port;
	uint8_t text[PLAIN_ANSWER_MAX];
	struct wr w = WR_ARRAY(text);

	wr_printf(&w,
		  "HTTP/1.1 308 Permanent Redirect\r\n"
		  "Location: https://%s",
		  c->route.name.full);
	if (port != 443)
		wr_printf(&w, ":%u", (unsigned)port);
	wr_bytes(&w, target);
	wr_str(&w, "\r\n"
		   "Content-Length: 0\r\n"
		   "Connection: close\r\n"
		   "\r\n");
	return say(c, &w, "http_redirect");
}

/* ---- whom a request is for ---- */

/* The name is one of the base's, or TLS of it ends here; and where it does
 * there is a certificate. */
static bool is_served(const struct conn *c, const struct route_input *in)
{
	const struct name *n = &c->route.name;

	if (n->kind != NAME_CUSTOM)
		return n->mode == NAME_PASSTHROUGH ||
		       certs_find(in->certs, n->full, CERTS_HTTP1);
	return backends_find(in->backends, n->full) &&
	       certs_has(in->certs, n->full);
}

static bool is_method(const struct head_request *r, const char *method)
{
	return span_equal_str(r->method, method);
}

static enum phase_step take_challenge(struct conn *c,
				      const struct head_request *r,
				      struct span token)
{
	const char *value = certs_answer(c->worker->certs, c->route.name.full,
					 token);

	if (!r->is_head && !is_method(r, "GET"))
		return plain_refuse(c, 405, "challenge_method");
	if (!value)
		return plain_refuse(c, 404, "challenge_unknown");
	return answer(c, r, value);
}

static enum phase_step take_request(struct conn *c,
				    const struct head_request *r)
{
	const struct route_input in =
		router_input(&c->worker->router, c->turn);
	struct span base = span_str(in.config->base);
	struct span target = r->target, path = r->target;
	bool is_known;

	if (name_parse(&c->route.name, r->host, base))
		return plain_refuse(c, 421, "host_unknown");
	is_known = is_served(c, &in);
	/* A CA asks before there is a certificate. */
	if (!is_known && !certs_has_answer(in.certs, c->route.name.full))
		return plain_refuse(c, 421, "host_unknown");
	if (!span_has_prefix(target, span_str("/")))
		return plain_refuse(c, 400, "target");
	if (span_has_prefix(path, span_str(CHALLENGES)) &&
	    rd_skip(&path, strlen(CHALLENGES)))
		return take_challenge(c, r, path);
	return is_known ? redirect(c, target)
			: plain_refuse(c, 421, "host_unknown");
}

enum phase_step plain_take(struct conn *c)
{
	struct head_refusal why = { 0 };
	struct head_request request;
	struct head_scan scan = { 0 };
	struct span head = buf_span(&c->stream);

	/* Looked at from its start each time: it is short. */
	switch (head_scan(&scan, head, &head.n)) {
	case HEAD_BARE_LF:
		return plain_refuse(c, 400, "bare_lf");
	case HEAD_MORE:
		/* Such as a ClientHello: what no request begins with. */
		if (head.p[0] < ' ' && head.p[0] != '\r')
			return plain_refuse(c, 400, "not_http");
		if (c->stream.n > PLAIN_HEAD_MAX)
			return plain_refuse(c, 431, "head_too_large");
		return PHASE_NEXT;
	case HEAD_WHOLE:
		break;
	}
	if (head.n > PLAIN_HEAD_MAX)
		return plain_refuse(c, 431, "head_too_large");
	if (!head_request(&request, head, &why))
		return plain_refuse(c, why.status, why.reason);
	return take_request(c, &request);
}
