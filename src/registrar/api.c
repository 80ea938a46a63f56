#include "registrar/api.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "io/clock.h"

enum {
	HEX_MAX = 128,
};

static json_t *json_hex(struct span b)
{
	char hex[HEX_MAX + 1] = "";
	struct wr w = wr_over(hex, HEX_MAX);

	text_hex(&w, b);
	return json_string(hex);
}

/* Labels may hold a peer's bytes; what is not UTF-8 is not shown. */
static json_t *json_label(const char *s)
{
	json_t *j = json_string(s);

	return j ? j : json_string("?");
}

static json_t *json_v4(const uint8_t mapped[16])
{
	char text[16];

	snprintf(text, sizeof(text), "%u.%u.%u.%u", mapped[12], mapped[13],
		 mapped[14], mapped[15]);
	return json_string(text);
}

static int add_text(const char *text, size_t n, void *to)
{
	return buf_add(to, span_of(text, n)) ? 0 : -1;
}

/* Takes j.  One that does not fit is an answer of its own. */
static void answer_json(struct http_answer *out, unsigned status, json_t *j)
{
	out->status = status;
	if (json_dump_callback(j, add_text, &out->body, JSON_INDENT(1))) {
		buf_reset(&out->body);
		out->status = 500;
	}
	json_decref(j);
}

static void answer_error(struct http_answer *out, unsigned status,
			 const char *error)
{
	answer_json(out, status, json_pack("{s:s}", "error", error));
}

static bool is_simulated(const struct api *api)
{
	return api->quotes_are_simulated || trust_is_simulated(api->trust);
}

static void add(json_t *to, const char *key, json_t *value)
{
	json_object_set_new(to, key, value);
}

static void add_number(json_t *to, const char *key, uint64_t v)
{
	add(to, key, json_integer((json_int_t)v));
}

/* What anybody may know. */
static json_t *public_status(const struct api *api)
{
	json_t *j = json_object();

	add(j, "node", json_string(api->config->node));
	add(j, "base", json_string(api->config->base));
	add(j, "version", json_string(NODE_VERSION));
	add(j, "simulated", json_boolean(is_simulated(api)));
	add(j, "app_id", json_hex(SPAN_ARRAY(api->identity->manifest.app_id)));
	add(j, "manifest_hash",
	    json_hex(SPAN_ARRAY(api->identity->manifest.hash.b)));
	add_number(j, "lease_ms", api->config->lease_ms);
	add_number(j, "leases", registry_count(api->registry));
	add_number(j, "uptime_ms", clock_boot_ms() - api->started_ms);
	return j;
}

static json_t *admin_status(const struct api *api)
{
	struct door_counts counts = gate_counts(api->gate);
	json_t *j = public_status(api);

	add(j, "instance_id", json_hex(SPAN_ARRAY(api->identity->instance_id)));
	add(j, "wireguard",
	    json_string(wgctl_backend_name(tunnel_backend(api->device))));
	add(j, "wireguard_public",
	    json_hex(span_of(tunnel_public(api->device), 32)));
	add_number(j, "channels", counts.channels);
	add_number(j, "unverified", counts.unverified);
	add_number(j, "accepted", counts.accepted);
	add_number(j, "turned_away", counts.turned_away);
	add_number(j, "refusals", gate_refusals(api->gate)->total);
	add(j, "policy_accepts_any",
	    json_boolean(trust_accepts_any(api->trust)));
	return j;
}

static const char *protocol_name(enum store_protocol p)
{
	switch (p) {
	case STORE_HTTP:
		return "http";
	case STORE_H2:
		return "h2";
	case STORE_TCP:
		return "tcp";
	case STORE_TLS:
		return "tls";
	}
	return "?";
}

static json_t *json_port(const struct store_port *p)
{
	return json_pack("{s:i,s:s,s:i,s:b,s:b}", "port", (int)p->port,
			 "protocol", protocol_name(p->protocol), "pp",
			 (int)p->proxy_protocol, "forwarded",
			 (int)p->is_forwarding, "any_host",
			 (int)p->is_any_host);
}

static json_t *json_ports(const struct store_lease *r)
{
	json_t *ports = json_array();

	for (uint32_t i = 0; i < r->port_count; i++)
		json_array_append_new(ports, json_port(&r->ports[i]));
	return ports;
}

static json_t *json_age(int64_t unix_s)
{
	return unix_s ? json_integer(clock_unix_s() - unix_s) : json_null();
}

static void add_traffic(json_t *j, const struct tunnel *d, const uint8_t *key)
{
	struct tunnel_peer_stats s = { 0 };
	bool has_peer = tunnel_peer_stats(d, &s, key);

	add(j, "has_peer", json_boolean(has_peer));
	add(j, "handshake_age_s", json_age(s.handshake_unix_s));
	add_number(j, "rx_bytes", s.rx_bytes);
	add_number(j, "tx_bytes", s.tx_bytes);
}

static json_t *json_lease(const struct api *api, const struct lease *l)
{
	const struct store_lease *r = &l->record;
	json_t *j = json_object();

	add(j, "instance_id", json_hex(SPAN_ARRAY(r->instance_id)));
	add(j, "app_id", json_hex(SPAN_ARRAY(r->app_id)));
	add(j, "app_name", json_label(r->app_name));
	add(j, "node_id", json_label(r->node_id));
	add(j, "address", json_v4(r->address));
	add(j, "wireguard_public", json_hex(SPAN_ARRAY(r->wg_public)));
	add(j, "granted_unix_ms", json_integer(r->granted_unix_ms));
	add(j, "renewed_unix_ms", json_integer(r->renewed_unix_ms));
	add(j, "expires_unix_ms", json_integer(r->expires_unix_ms));
	add(j, "renewals", json_integer(r->renewals));
	add(j, "simulated", json_boolean(r->is_simulated));
	add(j, "image", json_label(r->image));
	add(j, "tcb_status", json_label(r->tcb_status));
	add(j, "connected", json_boolean(l->holder != NULL));
	add(j, "drained",
	    json_boolean(store_is_drained(api->store, r->instance_id) ==
			 STORE_FOUND));
	add(j, "ports", json_ports(r));
	add_traffic(j, api->device, r->wg_public);
	return j;
}

static json_t *json_leases(const struct api *api)
{
	json_t *list = json_array();

	for (size_t i = 0; i < registry_count(api->registry); i++)
		json_array_append_new(
			list, json_lease(api, registry_at(api->registry, i)));
	return json_pack("{s:o}", "leases", list);
}

static json_t *json_refusals(const struct api *api)
{
	const struct refusals *all = gate_refusals(api->gate);
	json_t *list = json_array();

	for (size_t i = 0; i < refusals_count(all); i++) {
		const struct refusal *r = refusals_at(all, i);
		json_t *j = json_object();

		add(j, "time_unix_ms", json_integer(r->at_unix_ms));
		add(j, "peer", json_label(r->peer));
		add(j, "app_id", json_label(r->app));
		add(j, "reason", json_string(channel_reason_name(r->reason)));
		add(j, "detail", json_label(r->detail));
		add(j, "by_peer", json_boolean(r->by_peer));
		add(j, "keys_exchanged", json_boolean(r->keys_exchanged));
		json_array_append_new(list, j);
	}
	return json_pack("{s:I,s:o}", "total", (json_int_t)all->total,
			 "refusals", list);
}

/* The instance id after a prefix of the path. */
static bool path_id(uint8_t id[STORE_ID_LEN], struct span path,
		    const char *prefix)
{
	struct span ignored;

	return span_has_prefix(path, span_str(prefix)) &&
	       rd_n(&path, &ignored, strlen(prefix)) &&
	       text_hex_decode(id, STORE_ID_LEN, path);
}

static const char DRAINED[] = "/v1/drained/";

static void set_drained(struct api *api, struct http_answer *out,
			const uint8_t id[STORE_ID_LEN], bool is_on)
{
	if (store_drain(api->store, id, is_on))
		answer_error(out, 500, "the store cannot be written");
	else
		answer_json(out, 200, json_pack("{s:b}", "drained", is_on));
}

static void delete_one(struct api *api, struct http_answer *out,
		       struct span path)
{
	uint8_t id[STORE_ID_LEN];
	struct lease *l;

	if (path_id(id, path, "/v1/leases/")) {
		l = registry_find(api->registry, id);
		if (!l) {
			answer_error(out, 404, "no lease of this instance");
			return;
		}
		registry_withdraw(l);
		answer_json(out, 200, json_pack("{s:b}", "withdrawn", 1));
		return;
	}
	if (path_id(id, path, "/v1/denied/")) {
		if (registry_allow(api->registry, id))
			answer_json(out, 200, json_pack("{s:b}", "allowed", 1));
		else
			answer_error(out, 404, "this instance is not denied");
		return;
	}
	if (path_id(id, path, DRAINED)) {
		set_drained(api, out, id, false);
		return;
	}
	answer_error(out, 404, "expected /v1/leases/<40 hex digits>, "
			       "/v1/denied/ or /v1/drained/");
}

static void put_one(struct api *api, struct http_answer *out, struct span path)
{
	uint8_t id[STORE_ID_LEN];

	if (!path_id(id, path, DRAINED))
		answer_error(out, 404, "expected /v1/drained/<40 hex digits>");
	else if (!registry_find(api->registry, id))
		answer_error(out, 404, "no lease of this instance");
	else
		set_drained(api, out, id, true);
}

void api_admin(void *arg, const struct http_request *request,
	       struct http_answer *out)
{
	struct api *api = arg;

	if (strcmp(request->method, "DELETE") == 0)
		delete_one(api, out, span_str(request->path));
	else if (strcmp(request->method, "PUT") == 0)
		put_one(api, out, span_str(request->path));
	else if (strcmp(request->method, "GET") != 0)
		answer_error(out, 405, "expected GET, PUT or DELETE");
	else if (strcmp(request->path, "/v1/status") == 0)
		answer_json(out, 200, admin_status(api));
	else if (strcmp(request->path, "/v1/leases") == 0)
		answer_json(out, 200, json_leases(api));
	else if (strcmp(request->path, "/v1/refusals") == 0)
		answer_json(out, 200, json_refusals(api));
	else
		answer_error(out, 404, "there is /v1/status, /v1/leases and "
				       "/v1/refusals");
}

static int64_t age_s(int64_t unix_ms)
{
	return (clock_unix_ms() - unix_ms) / 1000;
}

static struct page_tunnel tunnel_of(const struct api *api,
				    const struct lease *l)
{
	const struct store_lease *r = &l->record;
	struct tunnel_peer_stats s = { 0 };
	struct page_tunnel t = {
		.app = r->app_name,
		.tcb = r->tcb_status,
		.instance_id = r->instance_id,
		.evidence_age_s = age_s(r->renewed_unix_ms),
		.left_s = -age_s(r->expires_unix_ms),
		.handshake_age_s = -1,
	};

	if (tunnel_peer_stats(api->device, &s, r->wg_public) &&
	    s.handshake_unix_s)
		t.handshake_age_s = clock_unix_s() - s.handshake_unix_s;
	return t;
}

static size_t list_tunnels(const struct api *api,
			   struct page_tunnel out[PAGE_TUNNELS_MAX])
{
	size_t n = registry_count(api->registry), i;

	if (n > PAGE_TUNNELS_MAX)
		n = PAGE_TUNNELS_MAX;
	for (i = 0; i < n; i++)
		out[i] = tunnel_of(api, registry_at(api->registry, i));
	return n;
}

static const json_t *ask_edge(struct api *api)
{
	return live_ask(&api->live, api->config->edge, clock_boot_ms());
}

static void answer_page(struct api *api, struct http_answer *out)
{
	char id[2 * MANIFEST_ID_LEN + 1] = "";
	struct wr hex = wr_over(id, sizeof(id) - 1);
	struct page_tunnel tunnels[PAGE_TUNNELS_MAX];
	const json_t *answer = ask_edge(api);
	struct page_live live;
	struct page p = {
		.base = api->config->base,
		.node = api->config->node,
		.version = NODE_VERSION,
		.app_id = id,
		.is_simulated = is_simulated(api),
		.lease_s = api->config->lease_ms / 1000,
		.uptime_s = (clock_boot_ms() - api->started_ms) / 1000,
		.tunnel_total = registry_count(api->registry),
		.tunnels = tunnels,
		.tunnel_count = list_tunnels(api, tunnels),
	};

	text_hex(&hex, SPAN_ARRAY(api->identity->manifest.app_id));
	if (answer) {
		live_read(&live, answer);
		p.live = &live;
	}
	out->content_type = "text/html; charset=utf-8";
	if (!page_write(&out->body, &p)) {
		buf_reset(&out->body);
		out->status = 500;
	}
}

static json_t *json_tunnels(const struct api *api)
{
	struct page_tunnel all[PAGE_TUNNELS_MAX], *t;
	size_t n = list_tunnels(api, all), i;
	json_t *list = json_array();

	for (i = 0; i < n; i++) {
		json_t *j = json_object();

		t = &all[i];
		add(j, "app_name", json_label(t->app));
		add(j, "instance", json_hex(span_of(t->instance_id, 4)));
		add(j, "evidence_age_s", json_integer(t->evidence_age_s));
		add(j, "handshake_age_s",
		    t->handshake_age_s < 0 ? json_null()
					   : json_integer(t->handshake_age_s));
		add(j, "lease_left_s", json_integer(t->left_s));
		add(j, "tcb_status", json_label(t->tcb));
		json_array_append_new(list, j);
	}
	return list;
}

/* As public as the page. */
static json_t *status_json(struct api *api)
{
	json_t *j = public_status(api);
	const json_t *edge = ask_edge(api);

	add(j, "tunnels", json_tunnels(api));
	add(j, "edge", edge ? json_deep_copy(edge) : json_null());
	return j;
}

void api_status(void *arg, const struct http_request *request,
		struct http_answer *out)
{
	struct api *api = arg;

	if (strcmp(request->method, "GET") != 0)
		answer_error(out, 405, "expected GET");
	else if (strcmp(request->path, "/") == 0)
		answer_page(api, out);
	else if (strcmp(request->path, "/status.json") == 0)
		answer_json(out, 200, status_json(api));
	else
		answer_error(out, 404, "there is / and /status.json");
}
