#include "agent/status.h"

#include <jansson.h>

#include "agent/assignment.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/clock.h"

enum {
	TEXT_MAX = 128,
	REPORT_MAX = 16 * 1024, /* of the ingress's supervisor */
};

static void add(json_t *to, const char *key, json_t *value)
{
	json_object_set_new(to, key, value);
}

static void add_hex(json_t *to, const char *key, struct span b)
{
	char hex[TEXT_MAX + 1] = "";
	struct wr w = wr_over(hex, TEXT_MAX);

	text_hex(&w, b);
	add(to, key, json_string(hex));
}

/* Labels may hold a peer's bytes; what is not UTF-8 is not shown. */
static void add_label(json_t *to, const char *key, const char *s)
{
	json_t *j = json_string(s);

	add(to, key, j ? j : json_string("?"));
}

static void add_number(json_t *to, const char *key, uint64_t v)
{
	add(to, key, json_integer((json_int_t)v));
}

static void add_prefix(json_t *to, const char *key,
		       const struct io_prefix *prefix)
{
	char text[TEXT_MAX + 1] = "";
	struct wr w = wr_over(text, TEXT_MAX);

	io_prefix_write(&w, prefix);
	add(to, key, json_string(text));
}

static void add_address(json_t *to, const char *key, const struct sock_addr *a)
{
	char text[TEXT_MAX + 1] = "";
	struct wr w = wr_over(text, TEXT_MAX);

	sock_addr_write(&w, a);
	add(to, key, json_string(text));
}

static json_t *json_gateway(const struct uplink_gateway *g)
{
	json_t *j = json_object();

	if (!g->is_known) {
		json_decref(j);
		return json_null();
	}
	add(j, "simulated", json_boolean(g->is_simulated));
	add_hex(j, "app_id", SPAN_ARRAY(g->app_id));
	add_hex(j, "instance_id", SPAN_ARRAY(g->instance_id));
	add_label(j, "node_id", g->node_id);
	add_label(j, "image", g->image);
	add_label(j, "tcb_status", g->tcb_status);
	return j;
}

static json_t *json_lease(const struct uplink_status *s)
{
	const struct firewall_tunnel way = assignment_way(&s->assignment);
	int64_t shaken = s->traffic.handshake_unix_s;
	json_t *j = json_object();

	add_number(j, "left_ms", s->lease_left_ms);
	add_number(j, "lease_ms", s->assignment.lease_ms);
	add_prefix(j, "address", &way.own);
	add_prefix(j, "gateway", &way.gateway);
	add_address(j, "endpoint", &way.endpoint);
	add_hex(j, "gateway_wireguard_public",
		SPAN_ARRAY(s->assignment.wg_public));
	add(j, "handshake_age_s",
	    shaken ? json_integer(clock_unix_s() - shaken) : json_null());
	add_number(j, "rx_bytes", s->traffic.rx_bytes);
	add_number(j, "tx_bytes", s->traffic.tx_bytes);
	return j;
}

static json_t *json_refusals(const struct uplink_status *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->refusals_kept; i++) {
		const struct uplink_refusal *r = &s->refusals[i];
		json_t *j = json_object();

		add(j, "time_unix_ms", json_integer(r->at_unix_ms));
		add(j, "reason", json_string(channel_reason_name(r->reason)));
		add_label(j, "detail", r->detail);
		add(j, "by_peer", json_boolean(r->by_peer));
		add(j, "keys_exchanged", json_boolean(r->keys_exchanged));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *json_firewall(struct firewall *f)
{
	struct firewall_drops d = { 0 };
	json_t *j = json_object();

	if (f && firewall_drops(f, &d)) {
		add_number(j, "dropped_spoofed", d.spoofed);
		add_number(j, "dropped_input", d.input);
		add_number(j, "dropped_forward", d.forward);
		add_number(j, "dropped_output", d.output);
	}
	add(j, "on", json_boolean(f != NULL));
	return j;
}

static json_t *json_containers(struct containers *c)
{
	enum containers_state state = CONTAINERS_NONE;
	char error[NODE_ERROR_MAX] = "";
	json_t *j = json_object();

	if (c)
		containers_error(c, error);
	if (c)
		state = containers_state(c);
	add(j, "state", json_string(containers_state_name(state)));
	add_label(j, "error", error);
	return j;
}

static json_t *json_domains(const struct manifest_ingress *g)
{
	json_t *list = json_array();

	for (size_t i = 0; i < g->domain_count; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:i}", "name",
					g->domains[i].name, "backend",
					(int)g->domains[i].backend));
	return list;
}

static json_t *json_ingress(const struct status_sources *s)
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	json_t *report, *services, *j;

	if (!s->ingress)
		return json_null();
	buf_init(&text, REPORT_MAX);
	ingress_report(s->ingress, &text);
	report = json_loadb((const char *)buf_span(&text).p, text.n, 0, NULL);
	services = json_incref(json_object_get(report, "services"));
	json_decref(report);
	j = json_object();
	add_number(j, "port", INGRESS_PORT);
	add(j, "domains", json_domains(&s->identity->manifest.ingress));
	add(j, "services", services ? services : json_array());
	return j;
}

static json_t *json_guest(const struct guest *g)
{
	struct guest_counts counts = { 0 };
	json_t *j = json_object();

	if (g)
		guest_counts(g, &counts);
	add_number(j, "containers", counts.container_count);
	add_number(j, "answered", counts.answered);
	add_number(j, "not_allowed", counts.not_allowed);
	add_number(j, "too_many", counts.too_many);
	return j;
}

char *status_json(const struct status_sources *s)
{
	bool is_simulated = s->quotes_are_simulated ||
			    trust_is_simulated(s->trust);
	struct uplink_status up;
	json_t *j = json_object();
	char *text;

	uplink_status(s->uplink, &up);
	add(j, "node", json_string(s->config->node));
	add(j, "version", json_string(NODE_VERSION));
	add(j, "simulated", json_boolean(is_simulated));
	add(j, "name", json_string(s->identity->manifest.name));
	add_hex(j, "app_id", SPAN_ARRAY(s->identity->manifest.lineage));
	add_hex(j, "compose_hash", SPAN_ARRAY(s->identity->manifest.hash.b));
	add_hex(j, "instance_id", SPAN_ARRAY(s->identity->instance_id));
	add(j, "wireguard",
	    json_string(wgctl_backend_name(tunnel_backend(s->device))));
	add(j, "state", json_string(uplink_state_name(up.state)));
	add(j, "gateway", json_gateway(&up.gateway));
	add(j, "lease", up.has_lease ? json_lease(&up) : json_null());
	add_number(j, "registrations", up.registrations);
	add_number(j, "renewals", up.renewals);
	add_number(j, "refusal_count", up.refusal_count);
	add(j, "refusals", json_refusals(&up));
	add(j, "firewall", json_firewall(s->firewall));
	add(j, "containers", json_containers(s->containers));
	add(j, "ingress", json_ingress(s));
	add(j, "guest", json_guest(s->guest));
	text = json_dumps(j, JSON_INDENT(1));
	json_decref(j);
	return text;
}
