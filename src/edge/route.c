#include "edge/route.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/text.h"

static const char ALPN_ATTEST[] = "postern-attest/1";
static const char ALPN_H2[] = "h2";
static const char ALPN_HTTP1[] = "http/1.1";

/* The prefix ::ffff:0:0/96 of IPv4-mapped addresses (RFC 4291 §2.5.5.2). */
static const uint8_t MAPPED_PREFIX[12] = { [10] = 0xff, [11] = 0xff };

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

/* TLS ends here: what the edge can agree to is known before it answers. */
static void terminate(struct route *r, const struct hello *h,
		      enum certs_alpn alpn)
{
	bool is_ok = true;

	r->kind = ROUTE_TERMINATE;
	r->alpn = alpn;
	switch (alpn) {
	case CERTS_HTTP1:
		is_ok = h->alpn_count == 0 || offers(h, ALPN_HTTP1);
		break;
	case CERTS_H2:
		is_ok = offers(h, ALPN_H2);
		break;
	case CERTS_NONE:
		/* A browser has no business at a port that does not speak
		 * HTTP: it could be made to talk across protocols. */
		is_ok = !offers(h, ALPN_HTTP1) && !offers(h, ALPN_H2);
		break;
	case CERTS_COUNT:
		is_ok = false;
	}
	if (!h->offers_tls13)
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
			   const struct edge_config *config)
{
	if (offers(h, ALPN_ATTEST)) {
		r->kind = ROUTE_PASS;
		add_socket(r, &config->registrar, "registrar");
		return;
	}
	terminate(r, h, CERTS_HTTP1);
	if (r->kind != ROUTE_REFUSE)
		add_socket(r, &config->status, "status");
}

static void target_address(struct sock_addr *out, const uint8_t address[16],
			   uint16_t port)
{
	*out = (struct sock_addr){ 0 };
	if (span_has_prefix(span_of(address, 16), SPAN_ARRAY(MAPPED_PREFIX))) {
		out->in.sin_family = AF_INET;
		out->in.sin_port = htons(port);
		memcpy(&out->in.sin_addr, address + sizeof(MAPPED_PREFIX), 4);
		out->len = sizeof(out->in);
		return;
	}
	out->in6.sin6_family = AF_INET6;
	out->in6.sin6_port = htons(port);
	memcpy(&out->in6.sin6_addr, address, 16);
	out->len = sizeof(out->in6);
}

static const struct store_port *find_port(const struct store_lease *l,
					  uint16_t port)
{
	uint32_t i;

	for (i = 0; i < l->port_count && i < STORE_PORTS_MAX; i++)
		if (l->ports[i].port == port)
			return &l->ports[i];
	return NULL;
}

/* Instances that have the port, beginning with the one whose turn it is. */
static const struct store_port *add_targets(struct route *r,
					    const struct store_targets *found,
					    const struct route_input *in)
{
	const struct store_port *port = NULL, *p;
	const struct store_lease *l;
	struct route_target *t;
	size_t i;

	for (i = 0; i < found->count; i++) {
		l = &found->leases[(in->turn + i) % found->count];
		p = find_port(l, r->name.port);
		if (!p || r->target_count == ROUTE_TRIES_MAX)
			continue;
		/* Instances of one app have one manifest, hence one list. */
		port = port ? port : p;
		if (in->board && board_is_drained(in->board, l->instance_id))
			continue;
		t = &r->targets[r->target_count++];
		target_address(&t->address, l->address, r->name.port);
		memcpy(t->instance_id, l->instance_id, STORE_ID_LEN);
	}
	return port;
}

/* The protocol that a port without a lease to ask would most likely have. */
static enum certs_alpn alpn_of(enum name_mode mode,
			       const struct store_port *port)
{
	if (mode == NAME_H2 || (port && port->protocol == STORE_H2))
		return CERTS_H2;
	if (port && port->protocol == STORE_TCP)
		return CERTS_NONE;
	return CERTS_HTTP1;
}

static void choose_mode(struct route *r, const struct hello *h,
			const struct store_port *port)
{
	if (r->name.mode == NAME_PASSTHROUGH) {
		r->kind = ROUTE_PASS;
		return;
	}
	if (port && port->protocol == STORE_TLS) {
		refuse(r, TLS_ALERT_UNRECOGNIZED_NAME, "passthrough_only");
		return;
	}
	terminate(r, h, alpn_of(r->name.mode, port));
}

/* The id's bytes: its digits, or what the operator gave the alias to. */
static enum store_answer find_id(uint8_t id[STORE_ID_LEN],
				 const struct name *n, struct store *store)
{
	if (!n->id_is_hex)
		return store_alias_get(store, id, span_str(n->id));
	if (!text_hex_decode(id, STORE_ID_LEN, span_str(n->id)))
		return STORE_NONE;
	return STORE_FOUND;
}

/* Live leases of the name's app; STORE_NONE: it names none. */
static enum store_answer find_targets(struct store_targets *found,
				      uint8_t id[STORE_ID_LEN],
				      const struct name *n,
				      const struct route_input *in)
{
	enum store_answer answer = find_id(id, n, in->store);

	if (answer != STORE_FOUND)
		return answer;
	answer = store_targets(in->store, found, id, in->now_unix_ms);
	/* An app without an instance is a name all the same. */
	return answer == STORE_FAILED ? STORE_FAILED : STORE_FOUND;
}

/* What the manifest has asked for the port. */
static void set_options(struct route *r, const struct store_port *port)
{
	r->proxy_protocol = port ? port->proxy_protocol : 0;
	r->is_forwarding = port && port->is_forwarding;
	r->is_any_host = port && port->is_any_host;
}

static void choose_app(struct route *r, const struct hello *h,
		       const struct route_input *in)
{
	struct store_targets found = { .count = 0 };
	const struct store_port *port;
	uint8_t id[STORE_ID_LEN];
	enum store_answer answer = find_targets(&found, id, &r->name, in);

	if (answer == STORE_NONE) {
		refuse(r, TLS_ALERT_UNRECOGNIZED_NAME, "unknown_alias");
		return;
	}
	if (answer == STORE_FAILED) {
		refuse(r, TLS_ALERT_INTERNAL_ERROR, "store_failed");
		return;
	}
	r->reason = "app";
	r->has_app = true;
	memcpy(r->app_id, found.count ? found.leases[0].app_id : id,
	       STORE_ID_LEN);
	port = add_targets(r, &found, in);
	if (found.count > 0 && !port) {
		refuse(r, TLS_ALERT_UNRECOGNIZED_NAME, "port_not_listed");
		return;
	}
	r->port = r->name.port;
	set_options(r, port);
	choose_mode(r, h, port);
}

void route_choose(struct route *out, const struct hello *hello,
		  const struct route_input *in)
{
	struct span base = span_str(in->config->base);

	*out = (struct route){ 0 };
	if (hello->sni.n == 0) {
		refuse(out, TLS_ALERT_UNRECOGNIZED_NAME, "no_name");
		return;
	}
	if (name_parse(&out->name, hello->sni, base)) {
		refuse(out, TLS_ALERT_UNRECOGNIZED_NAME, "bad_name");
		return;
	}
	switch (out->name.kind) {
	case NAME_GATEWAY:
		choose_gateway(out, hello, in->config);
		return;
	case NAME_APP:
		choose_app(out, hello, in);
		return;
	case NAME_CUSTOM:
		refuse(out, TLS_ALERT_UNRECOGNIZED_NAME, "other_domain");
		return;
	}
}

void route_refresh(struct route *r, const struct route_input *in)
{
	struct store_targets found = { .count = 0 };
	const struct store_port *port;
	uint8_t id[STORE_ID_LEN];

	if (!r->has_app)
		return;
	r->target_count = 0;
	if (find_targets(&found, id, &r->name, in) != STORE_FOUND ||
	    found.count == 0)
		return;
	memcpy(r->app_id, found.leases[0].app_id, STORE_ID_LEN);
	port = add_targets(r, &found, in);
	set_options(r, port);
	if (port && (port->protocol == STORE_TLS ||
		     alpn_of(r->name.mode, port) != r->alpn))
		r->target_count = 0;
}
