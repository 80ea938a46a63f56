#include "edge/route.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "edge/tunnel.h"

static const char ALPN_ATTEST[] = "postern-attest/1";
static const char ALPN_H2[] = "h2";
static const char ALPN_HTTP1[] = "http/1.1";
static const char ALPN_ACME[] = "acme-tls/1";

static void refuse(struct route *r, enum tls_alert alert, const char *reason)
{
	r->kind = ROUTE_REFUSE;
	r->alert = alert;
	r->reason = reason;
}

static bool offers(const struct hello *h, const char *protocol)
{
	size_t i;

	for (i = 0; i < h->alpn_count; i++)
		if (span_equal_str(h->alpn[i], protocol))
			return true;
	return false;
}

bool route_has_own(const struct edge_config *config, const struct certs *certs,
		   const struct name *name)
{
	return config->cert.public.len && certs &&
	       (name->kind == NAME_GATEWAY ||
		certs_is_issued(certs, name->full));
}

/* Who speaks HTTP/1.1 alone can still ask for evidence. */
static bool agree_h2(struct route *r, const struct hello *h,
		     const struct route_input *in)
{
	if (offers(h, ALPN_H2))
		return true;
	r->is_own_only = (h->alpn_count == 0 || offers(h, ALPN_HTTP1)) &&
			 route_has_own(in->config, in->certs, &r->name);
	if (r->is_own_only) {
		r->alpn = CERTS_HTTP1;
		r->target_count = 0;
	}
	return r->is_own_only;
}

/* TLS ends here: what the edge can agree to is known before it answers. */
static void terminate(struct route *r, const struct hello *h,
		      enum certs_alpn alpn, const struct route_input *in)
{
	const struct terms_entry *terms = terms_find(in->terms, r->name.full);
	bool is_ok = true;

	r->kind = ROUTE_TERMINATE;
	r->alpn = alpn;
	switch (alpn) {
	case CERTS_HTTP1:
		is_ok = h->alpn_count == 0 || offers(h, ALPN_HTTP1);
		break;
	case CERTS_H2:
		is_ok = agree_h2(r, h, in);
		break;
	case CERTS_NONE:
		/* A browser has no business at a port that does not speak
		 * HTTP: it could be made to talk across protocols. */
		is_ok = !offers(h, ALPN_HTTP1) && !offers(h, ALPN_H2);
		break;
	case CERTS_COUNT:
		is_ok = false;
	}
	if (!h->offers_tls13 && !(terms && terms->admits_tls12))
		refuse(r, TLS_ALERT_PROTOCOL_VERSION, "tls_version");
	else if (!is_ok)
		refuse(r, TLS_ALERT_NO_APPLICATION_PROTOCOL, "alpn");
}

static void add_socket(struct route *r, const struct sock_addr *to,
		       const char *reason)
{
	r->reason = reason;
	r->targets[0].address = *to;
	r->target_count = 1;
	if (to->len == 0)
		refuse(r, TLS_ALERT_UNRECOGNIZED_NAME, "no_such_service");
}

static void choose_gateway(struct route *r, const struct hello *h,
			   const struct route_input *in)
{
	if (offers(h, ALPN_ATTEST)) {
		r->kind = ROUTE_PASS;
		add_socket(r, &in->config->registrar, "registrar");
		return;
	}
	terminate(r, h, CERTS_HTTP1, in);
	if (r->kind != ROUTE_REFUSE)
		add_socket(r, &in->config->status, "status");
}

/* Instances to try, the one that should get the connection first. */
static void add_targets(struct route *r, const struct store_route *found,
			const struct route_input *in)
{
	struct balance_candidate candidates[STORE_ROUTE_MAX];
	size_t from[STORE_ROUTE_MAX], order[ROUTE_TRIES_MAX];
	struct health_key key = { .port = r->port };
	size_t count = 0, n, i;

	static_assert((int)STORE_ROUTE_MAX <= (int)BALANCE_MAX);
	for (i = 0; i < found->count; i++) {
		const uint8_t *id = found->at[i].instance_id;

		if (in->board && board_is_drained(in->board, id))
			continue;
		memcpy(key.instance_id, id, STORE_ID_LEN);
		from[count] = i;
		candidates[count++] = (struct balance_candidate){
			.id = id,
			.is_failing = health_is_down(in->health, &key),
		};
	}
	n = balance_order(in->balance, order, ROUTE_TRIES_MAX, candidates,
			  count, in->turn, in->now_ms);
	for (i = 0; i < n; i++) {
		const struct store_instance *at = &found->at[from[order[i]]];
		struct route_target *t = &r->targets[r->target_count];

		if (!tunnel_admits(&in->config->tunnel, at->address))
			continue;
		tunnel_socket(&t->address, at->address, r->port);
		memcpy(t->instance_id, at->instance_id, STORE_ID_LEN);
		r->target_count++;
	}
}

/* The protocol that a port without a lease to ask would most likely have. */
static enum certs_alpn alpn_of(enum name_mode mode,
			       const struct store_port *port)
{
	if (mode == NAME_H2 || (port->port && port->protocol == STORE_H2))
		return CERTS_H2;
	if (port->port && port->protocol == STORE_TCP)
		return CERTS_NONE;
	return CERTS_HTTP1;
}

static void choose_mode(struct route *r, const struct hello *h,
			const struct store_port *port,
			const struct route_input *in)
{
	if (r->name.mode == NAME_PASSTHROUGH) {
		r->kind = ROUTE_PASS;
		/* Else a tenant could get a certificate for a name of the
		 * gateway (RFC 8737). */
		if (offers(h, ALPN_ACME))
			refuse(r, TLS_ALERT_NO_APPLICATION_PROTOCOL, "acme");
		return;
	}
	if (port->port && port->protocol == STORE_TLS) {
		refuse(r, TLS_ALERT_UNRECOGNIZED_NAME, "passthrough_only");
		return;
	}
	terminate(r, h, alpn_of(r->name.mode, port), in);
}

/* Fills an id as names and records write it. */
static void set_id(struct store_query *q, const char *id, bool is_hex)
{
	if (!is_hex || !text_hex_decode(q->id, sizeof(q->id), span_str(id)))
		q->alias = span_str(id);
}

/* What the manifest has asked for the port. */
static void set_options(struct route *r, const struct store_port *port)
{
	r->proxy_protocol = port->proxy_protocol;
	r->is_forwarding = port->is_forwarding;
	r->is_any_host = port->is_any_host;
}

/* Looks up where bytes go; false: refused. */
static bool find(struct route *r, struct store_route *found,
		 const struct store_query *q, const struct route_input *in)
{
	switch (in->store ? store_route(in->store, found, q) : STORE_NONE) {
	case STORE_NONE:
		refuse(r, TLS_ALERT_UNRECOGNIZED_NAME, "unknown_alias");
		return false;
	case STORE_FAILED:
		refuse(r, TLS_ALERT_INTERNAL_ERROR, "store_failed");
		return false;
	case STORE_FOUND:
		break;
	}
	r->reason = "app";
	r->has_app = true;
	memcpy(r->app_id, found->app_id, STORE_ID_LEN);
	if (!found->is_domain_allowed) {
		refuse(r, TLS_ALERT_UNRECOGNIZED_NAME, "domain_not_listed");
		return false;
	}
	if (found->live_count > 0 && found->port.port == 0) {
		refuse(r, TLS_ALERT_UNRECOGNIZED_NAME, "port_not_listed");
		return false;
	}
	r->port = q->port;
	set_options(r, &found->port);
	add_targets(r, found, in);
	return true;
}

static struct store_query query_of(const struct name *n,
				   const struct route_input *in)
{
	struct store_query q = {
		.port = n->port,
		.now_unix_ms = in->now_unix_ms,
	};

	set_id(&q, n->id, n->id_is_hex);
	return q;
}

static void choose_app(struct route *r, const struct hello *h,
		       const struct route_input *in)
{
	const struct store_query q = query_of(&r->name, in);
	struct store_route found;

	if (find(r, &found, &q, in))
		choose_mode(r, h, &found.port, in);
}

static void refuse_domain(struct route *r, enum domain_status status)
{
	enum tls_alert alert = TLS_ALERT_UNRECOGNIZED_NAME;

	switch (status) {
	case DOMAIN_FOUND:
	case DOMAIN_NONE:
	case DOMAIN_MALFORMED:
	case DOMAIN_AMBIGUOUS:
	case DOMAIN_NOT_SECURE:
		break;
	case DOMAIN_FAILED:
	case DOMAIN_TIMEOUT:
	case DOMAIN_BUSY:
	case DOMAIN_LIMITED:
		alert = TLS_ALERT_INTERNAL_ERROR;
	}
	refuse(r, alert, domain_reason(status));
}

/* A name of somebody else that this edge ends TLS for: an ingress.  Never with
 * the default certificate, which is for others. */
static bool choose_backend(struct route *r, const struct hello *h,
			   const struct route_input *in)
{
	static const enum certs_alpn alpns[] = {
		[EDGE_BACKEND_HTTP1] = CERTS_HTTP1,
		[EDGE_BACKEND_H2] = CERTS_H2,
		[EDGE_BACKEND_NONE] = CERTS_NONE,
	};
	const struct edge_backend *b = backends_find(in->backends,
						     r->name.full);

	if (!b)
		return false;
	if (!in->certs || !certs_has(in->certs, r->name.full)) {
		refuse(r, TLS_ALERT_UNRECOGNIZED_NAME, "no_certificate");
		return true;
	}
	terminate(r, h, alpns[b->alpn], in);
	if (r->kind == ROUTE_REFUSE)
		return true;
	r->proxy_protocol = (unsigned)b->proxy;
	r->is_forwarding = b->forwarded;
	add_socket(r, &b->to, "backend");
	if (r->is_own_only)
		r->target_count = 0;
	return true;
}

/* A name of somebody else: bytes pass through, to where its owner says. */
static void choose_domain(struct route *r, const struct route_input *in)
{
	const struct domain_answer *a = in->domain;
	struct store_query q = { .now_unix_ms = in->now_unix_ms };
	struct store_route found;

	/* The base itself is the gateway's, whatever a record says. */
	if (in->config->dns.servers.count == 0 ||
	    strcmp(r->name.full, in->config->base) == 0) {
		refuse(r, TLS_ALERT_UNRECOGNIZED_NAME, "other_domain");
		return;
	}
	if (!a) {
		r->kind = ROUTE_LOOK_UP;
		return;
	}
	if (a->status != DOMAIN_FOUND) {
		refuse_domain(r, a->status);
		return;
	}
	set_id(&q, a->target.id, a->target.id_is_hex);
	q.port = a->target.port;
	q.domain = span_str(r->name.full);
	if (find(r, &found, &q, in))
		r->kind = ROUTE_PASS;
}

struct span route_name(const struct edge_config *config, struct span sni)
{
	if (sni.n > 0 && !name_is_address(sni))
		return sni;
	if (!config->default_name)
		return span_of(NULL, 0);
	return span_str(config->default_name);
}

/* A CA that asks for a proof which is there (RFC 8737 §3). */
static bool choose_proof(struct route *r, const struct hello *h,
			 const struct route_input *in)
{
	if (h->alpn_count != 1 || !offers(h, ALPN_ACME) || h->sni.n == 0 ||
	    name_is_address(h->sni) || !certs_proof(in->certs, r->name.full))
		return false;
	r->kind = ROUTE_TERMINATE;
	r->alpn = CERTS_NONE;
	r->is_proof = true;
	r->reason = "acme";
	if (!h->offers_tls13)
		refuse(r, TLS_ALERT_PROTOCOL_VERSION, "tls_version");
	return true;
}

void route_choose(struct route *out, const struct hello *hello,
		  const struct route_input *in)
{
	struct span base = span_str(in->config->base);
	struct span name = route_name(in->config, hello->sni);

	*out = (struct route){ 0 };
	if (name.n == 0) {
		refuse(out, TLS_ALERT_UNRECOGNIZED_NAME, "no_name");
		return;
	}
	if (name_parse(&out->name, name, base)) {
		refuse(out, TLS_ALERT_UNRECOGNIZED_NAME, "bad_name");
		return;
	}
	if (choose_proof(out, hello, in))
		return;
	switch (out->name.kind) {
	case NAME_GATEWAY:
		choose_gateway(out, hello, in);
		return;
	case NAME_APP:
		choose_app(out, hello, in);
		return;
	case NAME_CUSTOM:
		if (!choose_backend(out, hello, in))
			choose_domain(out, in);
		return;
	}
}

void route_refresh(struct route *r, const struct route_input *in)
{
	const struct store_query q = query_of(&r->name, in);
	struct store_route found;

	if (!r->has_app || r->name.kind != NAME_APP)
		return;
	r->target_count = 0;
	if (store_route(in->store, &found, &q) != STORE_FOUND ||
	    found.port.port == 0)
		return;
	memcpy(r->app_id, found.app_id, STORE_ID_LEN);
	set_options(r, &found.port);
	if (found.port.protocol != STORE_TLS && !r->is_own_only &&
	    alpn_of(r->name.mode, &found.port) == r->alpn)
		add_targets(r, &found, in);
}
