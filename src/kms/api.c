#include "kms/api.h"

#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "io/clock.h"

enum {
	HEX_MAX = 2 * P256_POINT_LEN,
};

static json_t *json_hex(struct span b)
{
	char hex[HEX_MAX + 1] = "";
	struct wr w = wr_over(hex, HEX_MAX);

	text_hex(&w, b);
	return json_string(hex);
}

static int add_text(const char *text, size_t n, void *to)
{
	return buf_add(to, span_of(text, n)) ? 0 : -1;
}

/* Takes j. */
static void answer_json(struct http_answer *out, unsigned status, json_t *j)
{
	out->status = status;
	if (json_dump_callback(j, add_text, &out->body, JSON_INDENT(1))) {
		buf_reset(&out->body);
		out->status = 500;
	}
	json_decref(j);
}

static void add(json_t *to, const char *key, json_t *value)
{
	json_object_set_new(to, key, value ? value : json_string("?"));
}

static void add_number(json_t *to, const char *key, uint64_t v)
{
	add(to, key, json_integer((json_int_t)v));
}

static void answer_reason(struct http_answer *out, enum keys_reason reason,
			  const char *detail)
{
	json_t *j = json_object();

	add(j, reason ? "error" : "ok",
	    reason ? json_string(keys_reason_name(reason)) : json_true());
	if (detail[0])
		add(j, "detail", json_string(detail));
	answer_json(out, reason ? 409 : 200, j);
}

/* ---- status ---- */

static json_t *list_peers(const struct api *a)
{
	json_t *list = json_array();
	struct peer_status s;

	for (size_t i = 0; peers_status(a->peers, i, &s); i++) {
		char address[128] = "";
		struct wr w = wr_over(address, sizeof(address) - 1);
		json_t *j = json_object();

		sock_addr_write(&w, &s.address);
		add(j, "address", json_string(address));
		add(j, "state", json_string(peer_state_name(s.state)));
		if (s.is_known)
			add(j, "instance_id", json_hex(SPAN_ARRAY(s.instance)));
		if (s.why[0])
			add(j, "why", json_string(s.why));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *list_roots(const struct keys_cluster *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->root_count; i++) {
		const struct keys_root_item *r = &c->roots[i];
		json_t *j = json_object();
		uint8_t id[32];

		keys_root_id(id, &r->root);
		add_number(j, "epoch", r->root.epoch);
		add(j, "active", json_boolean(r->is_active));
		add(j, "id", json_hex(SPAN_ARRAY(id)));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *policy_status(const struct api *a)
{
	const struct service *s = a->service;
	const struct keys_policy *p = keys_cluster_policy(s->cluster);
	json_t *j = json_object(), *nodes = json_array();
	size_t holders = keys_quorum_holders(&s->quorum, p,
					     s->cluster->policy_version);

	add_number(j, "serial", p->serial);
	add(j, "hash", json_hex(SPAN_ARRAY(s->cluster->policy_hash)));
	add_number(j, "apps", p->app_count);
	add(j, "release", json_string(p->releases_alone ? "known" : "quorum"));
	for (size_t i = 0; i < p->node_count; i++)
		json_array_append_new(nodes, json_hex(SPAN_ARRAY(p->nodes[i])));
	add(j, "nodes", nodes);
	add_number(j, "held_by", s->is_dirty ? 0 : holders);
	add_number(j, "majority", keys_majority(p->node_count));
	add_number(j, "linked", keys_quorum_linked(&s->quorum, p));
	return j;
}

static json_t *audit_status(const struct api *a)
{
	struct keys_audit_chain chain = journal_chain(a->service->journal);
	json_t *j = json_object();

	add_number(j, "seq", chain.seq);
	add(j, "head", json_hex(SPAN_ARRAY(chain.head.b)));
	add(j, "key", json_hex(SPAN_ARRAY(a->audit_key.xy)));
	return j;
}

static json_t *counts_status(const struct api *a)
{
	const struct service_counts *c = &a->service->counts;
	struct gate_counts g = gate_counts(a->gate);
	json_t *j = json_object(), *reasons = json_object();

	add_number(j, "channels", g.door.channels);
	add_number(j, "accepted", g.door.accepted);
	add_number(j, "turned_away", g.door.turned_away);
	add_number(j, "questions", c->questions);
	add_number(j, "releases", c->releases);
	add_number(j, "keys", c->keys);
	add_number(j, "epochs", c->epochs);
	add_number(j, "pushes", c->pushes);
	add_number(j, "refusals", c->refusals);
	for (enum keys_reason r = 0; r < KEYS_REASON_COUNT; r++)
		if (c->by_reason[r])
			add_number(reasons, keys_reason_name(r),
				   c->by_reason[r]);
	add(j, "by_reason", reasons);
	return j;
}

static void get_status(const struct api *a, struct http_answer *out)
{
	const struct service *s = a->service;
	const struct keys_cluster *c = s->cluster;
	enum keys_reason ready = service_ready(s, loop_now_ms(a->loop));
	json_t *j = json_object(), *admins = json_object();

	add(j, "node", json_string(s->config->node));
	add(j, "version", json_string(NODE_VERSION));
	add(j, "simulated", json_boolean(a->is_simulated));
	add(j, "app_id", json_hex(SPAN_ARRAY(s->own.app)));
	add(j, "instance_id", json_hex(SPAN_ARRAY(s->own.instance)));
	add(j, "mr_td", json_hex(SPAN_ARRAY(s->own.measurement.mr_td)));
	add(j, "lasting", json_boolean(keep_is_lasting(s->keep)));
	add(j, "founded", json_boolean(c->is_founded));
	add(j, "ready", json_string(keys_reason_name(ready)));
	if (c->is_founded) {
		add(j, "cluster", json_hex(SPAN_ARRAY(c->id)));
		add_number(j, "epoch", keys_cluster_newest(c));
		add(j, "roots", list_roots(c));
		add(j, "policy", policy_status(a));
	}
	add_number(j, "records", c->record_count);
	add_number(admins, "quorum", s->authority.quorum);
	add_number(admins, "count", s->authority.admin_count);
	add(j, "admins", admins);
	add(j, "peers", list_peers(a));
	add(j, "audit", audit_status(a));
	add(j, "counts", counts_status(a));
	add_number(j, "uptime_ms", clock_boot_ms() - a->started_ms);
	answer_json(out, 200, j);
}

/* ---- metrics ---- */

static void metric(struct buf *to, const char *name, const char *labels,
		   uint64_t v)
{
	char line[256];
	struct wr w = WR_ARRAY(line);

	wr_printf(&w, "postern_kms_%s%s %llu\n", name, labels,
		  (unsigned long long)v);
	(void)!buf_add(to, wr_span(&w));
}

static void get_metrics(const struct api *a, struct http_answer *out)
{
	const struct service_counts *c = &a->service->counts;
	struct gate_counts g = gate_counts(a->gate);
	struct keys_audit_chain chain = journal_chain(a->service->journal);

	out->content_type = "application/openmetrics-text; version=1.0.0";
	metric(&out->body, "channels", "", g.door.channels);
	metric(&out->body, "accepted_total", "", g.door.accepted);
	metric(&out->body, "turned_away_total", "", g.door.turned_away);
	metric(&out->body, "releases_total", "", c->releases);
	metric(&out->body, "keys_total", "", c->keys);
	metric(&out->body, "epochs_total", "", c->epochs);
	metric(&out->body, "refusals_total", "", c->refusals);
	for (enum keys_reason r = 0; r < KEYS_REASON_COUNT; r++) {
		char label[64];
		struct wr w = wr_over(label, sizeof(label) - 1);

		if (!c->by_reason[r])
			continue;
		wr_printf(&w, "{reason=\"%s\"}", keys_reason_name(r));
		label[wr_span(&w).n] = '\0';
		metric(&out->body, "refusals_by_reason_total", label,
		       c->by_reason[r]);
	}
	metric(&out->body, "epoch", "",
	       keys_cluster_newest(a->service->cluster));
	metric(&out->body, "audit_lines_total", "", chain.seq);
	(void)!buf_add(&out->body, span_str("# EOF\n"));
}

/* ---- what changes something ---- */

static void get_policy(const struct api *a, struct http_answer *out)
{
	if (!keys_cluster_policy(a->service->cluster))
		answer_reason(out, KEYS_NOT_READY, "");
	else if (!buf_add(&out->body,
			  buf_span(&a->service->cluster->policy_text)))
		out->status = 500;
}

static void post(const struct api *a, const struct http_request *r,
		 struct http_answer *out)
{
	char error[KEYS_POLICY_ERROR_MAX] = "";
	enum keys_reason reason;

	if (strcmp(r->path, "/v1/bootstrap") == 0) {
		reason = service_bootstrap(a->service, r->body, error);
	} else if (strcmp(r->path, "/v1/policy") == 0) {
		reason = service_set_policy(a->service, r->body, error);
	} else if (strcmp(r->path, "/v1/rotate") == 0) {
		reason = service_rotate(a->service);
	} else {
		out->status = 404;
		return;
	}
	answer_reason(out, reason, error);
	a->committed(a->arg);
}

void api_handle(void *arg, const struct http_request *r,
		struct http_answer *out)
{
	const struct api *a = arg;

	if (strcmp(r->method, "POST") == 0)
		post(a, r, out);
	else if (strcmp(r->method, "GET") != 0)
		out->status = 405;
	else if (strcmp(r->path, "/v1/status") == 0)
		get_status(a, out);
	else if (strcmp(r->path, "/v1/policy") == 0)
		get_policy(a, out);
	else if (strcmp(r->path, "/metrics") == 0)
		get_metrics(a, out);
	else
		out->status = 404;
}
