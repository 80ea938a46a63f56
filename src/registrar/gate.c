#include "registrar/gate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "channel/link.h"
#include "io/clock.h"
#include "registrar/standing.h"

enum {
	BACKLOG = 256,
	SOURCE_MAX = 32, /* unverified channels of one address */
	HANDSHAKE_TIMEOUT_MS = 10000,
	STEP_TIMEOUT_MS = 30000,
};

/* One channel. */
struct visitor {
	struct door_visit at; /* whose link is */
	struct gate *gate;
	struct lease *lease; /* NULL: none yet, or it ended */
	char app[2 * MANIFEST_ID_LEN + 1]; /* of its manifest, then app_id */
	uint8_t app_id[STORE_ID_LEN]; /* standing.h */
	bool has_key; /* its WireGuard key came */
	bool is_refused;
	struct buf quote; /* the last that was verified */
};

struct gate {
	struct gate_options o;
	struct door door;
	struct refusals refusals;
	struct log_limit refusal_lines;
};

static uint64_t now_of(const struct gate *g)
{
	return loop_now_ms(g->o.loop);
}

static const char *yes_no(bool b)
{
	return b ? "true" : "false";
}

/* ---- the end of a visit ---- */

static void visitor_free(void *arg)
{
	struct visitor *v = arg;

	link_free(v->at.link);
	buf_fini(&v->quote);
	free(v);
}

static void leave(struct visitor *v)
{
	if (v->lease)
		registry_forget_holder(v->lease);
	v->lease = NULL;
	door_leave(&v->gate->door, &v->at);
}

static void on_closed(void *arg, struct link *l, const char *why)
{
	struct visitor *v = arg;

	(void)l;
	log_event(v->gate->o.log, v->has_key ? LOG_INFO : LOG_DEBUG,
		  "channel_closed", LSTR("peer", v->at.name),
		  LSTR("app", v->app), LSTR("why", why));
	leave(v);
	loop_defer(v->gate->o.loop, visitor_free, v);
}

/* Keeps and logs a refusal, whichever side's. */
static void note_refusal(struct visitor *v, enum channel_reason reason,
			 const char *detail, bool by_peer)
{
	struct gate *g = v->gate;
	struct refusal r = { .at_unix_ms = clock_unix_ms(),
			     .reason = reason,
			     .by_peer = by_peer,
			     .keys_exchanged = v->has_key };
	uint64_t dropped = 0;

	if (v->is_refused)
		return;
	v->is_refused = true;
	memcpy(r.peer, v->at.name, sizeof(r.peer));
	memcpy(r.app, v->app, sizeof(r.app));
	snprintf(r.detail, sizeof(r.detail), "%s", detail);
	refusals_add(&g->refusals, &r);
	if (!log_limit_pass(&g->refusal_lines, now_of(g), &dropped))
		return;
	log_event(g->o.log, LOG_WARN, "channel_refused",
		  LSTR("peer", v->at.name), LSTR("app", v->app),
		  LSTR("reason", channel_reason_name(reason)),
		  LSPAN("detail", span_str(r.detail)),
		  LSTR("by", by_peer ? "peer" : "us"),
		  LSTR("keys_exchanged", yes_no(v->has_key)),
		  LU64("dropped_lines", dropped));
}

static void refuse(struct visitor *v, enum channel_reason reason,
		   const char *detail)
{
	note_refusal(v, reason, detail, false);
	channel_refuse(link_channel(v->at.link), reason, detail);
}

void gate_lease_ended(void *holder, enum channel_reason why)
{
	struct visitor *v = holder;

	v->lease = NULL;
	if (why == CHANNEL_EVIDENCE_REFUSED)
		note_refusal(v, why, "not accepted any more", false);
	channel_withdraw(link_channel(v->at.link), why);
	link_close(v->at.link, channel_reason_name(why));
}

/* ---- what happens on a channel ---- */

static void on_verify(void *arg, struct tee_verdict *out, struct span quote)
{
	struct visitor *v = arg;

	trust_verify(v->gate->o.trust, out, quote, clock_unix_s());
	buf_reset(&v->quote);
	if (out->reason == TEE_OK && !buf_add(&v->quote, quote))
		out->reason = TEE_QUOTE_TOO_LARGE;
}

/* Nobody is reached under the gateway's own ids. */
static bool is_own_name(const struct gate *g, const uint8_t *instance_id)
{
	const struct identity *own = g->o.identity;
	struct span id = span_of(instance_id, STORE_ID_LEN);

	return span_equal(id, SPAN_ARRAY(own->manifest.app_id)) ||
	       span_equal(id, SPAN_ARRAY(own->instance_id));
}

static void refuse_grant(struct visitor *v, enum grant grant)
{
	switch (grant) {
	case GRANT_OK:
		return;
	case GRANT_NO_ADDRESS:
		refuse(v, CHANNEL_NO_ADDRESS, "the tunnel's network is full");
		return;
	case GRANT_KEY_IN_USE:
		refuse(v, CHANNEL_KEY_IN_USE, "the key is another instance's");
		return;
	case GRANT_OTHER_APP:
		refuse(v, CHANNEL_PEER_DENIED,
		       "the instance id is another app's");
		return;
	case GRANT_DENIED:
		refuse(v, CHANNEL_PEER_DENIED, "withdrawn by the operator");
		return;
	case GRANT_FAILED:
		refuse(v, CHANNEL_INTERNAL, "store or tunnel device");
		return;
	}
}

/* Before its instance id is looked at: that follows from the app. */
static bool has_standing(struct visitor *v, const struct channel_peer *peer)
{
	struct wr w = wr_over(v->app, sizeof(v->app) - 1);

	switch (standing_of(v->app_id, v->gate->o.store, peer)) {
	case STANDING_OK:
		text_hex(&w, SPAN_ARRAY(v->app_id));
		return true;
	case STANDING_UNKNOWN:
		refuse(v, CHANNEL_PEER_DENIED, "lineage-unknown");
		return false;
	case STANDING_UNPROVEN:
		refuse(v, CHANNEL_PEER_DENIED, "lineage-unproven");
		return false;
	case STANDING_FAILED:
		refuse(v, CHANNEL_INTERNAL, "store");
		return false;
	}
	return false;
}

static void on_verified(struct visitor *v)
{
	struct gate *g = v->gate;
	struct channel *c = link_channel(v->at.link);
	const struct channel_peer *peer = channel_peer(c);
	const struct tee_verdict *verdict = &peer->verdict;
	struct wr w = wr_over(v->app, sizeof(v->app) - 1);
	enum grant grant;

	text_hex(&w, SPAN_ARRAY(peer->manifest.app_id));
	if (!v->at.is_verified) {
		door_verified(&g->door, &v->at);
		log_event(g->o.log, LOG_INFO, "peer_verified",
			  LSTR("peer", v->at.name), LSTR("app", v->app),
			  LHEX("instance", SPAN_ARRAY(peer->instance_id)),
			  LHEX("manifest", SPAN_ARRAY(peer->manifest.hash.b)),
			  LSTR("name", peer->manifest.name),
			  LSPAN("node", span_str(peer->node_id)),
			  LSTR("image", verdict->image),
			  LSTR("tcb", tee_tcb_status_name(verdict->tcb_status)),
			  LSTR("simulated", yes_no(peer->is_simulated)));
	}
	if (!has_standing(v, peer))
		return;
	if (!config_admits(g->o.config, v->app_id)) {
		refuse(v, CHANNEL_PEER_DENIED, "the app is not on the list");
		return;
	}
	if (is_own_name(g, peer->instance_id)) {
		refuse(v, CHANNEL_PEER_DENIED, "the instance id is ours");
		return;
	}
	grant = registry_admits(g->o.registry, peer->instance_id, v->app_id);
	if (grant == GRANT_OK)
		channel_admit(c, now_of(g));
	else
		refuse_grant(v, grant);
}

static uint16_t port_of(const struct sock_addr *a)
{
	bool is_v4 = a->sa.sa_family == AF_INET;

	return ntohs(is_v4 ? a->in.sin_port : a->in6.sin6_port);
}

static struct channel_prefix host_prefix(const struct sock_addr *a)
{
	struct channel_prefix p = { .family = 4, .len = 32 };

	if (a->sa.sa_family == AF_INET) {
		memcpy(p.bytes, &a->in.sin_addr, 4);
		return p;
	}
	p.family = 6;
	p.len = 128;
	memcpy(p.bytes, &a->in6.sin6_addr, 16);
	return p;
}

static void assign(struct visitor *v)
{
	struct gate *g = v->gate;
	const struct config_wireguard *wg = &g->o.config->wireguard;
	struct channel_assignment a = {
		.address = { .family = 4, .len = 32 },
		.gateway = { .family = 4, .len = 32 },
		.endpoint_ip = host_prefix(&wg->endpoint),
		.endpoint_port = port_of(&wg->endpoint),
		.allowed_count = 1,
		.lease_ms = (uint32_t)g->o.config->lease_ms,
		.keepalive_s = (uint16_t)(wg->keepalive_ms / 1000),
	};

	memcpy(a.wg_public, tunnel_public(g->o.device), 32);
	memcpy(a.address.bytes, v->lease->record.address + 12, 4);
	memcpy(a.gateway.bytes, wg->address.bytes, 4);
	a.allowed[0] = a.gateway;
	channel_assign(link_channel(v->at.link), &a, now_of(g));
}

static void on_keyed(struct visitor *v, const struct channel_event *e)
{
	struct gate *g = v->gate;
	struct grant_request request = {
		.app_id = v->app_id,
		.peer = channel_peer(link_channel(v->at.link)),
		.wg_public = e->peer_wg_public,
		.psk = &e->psk,
		.quote = buf_span(&v->quote),
		.holder = v,
	};
	struct lease *lease = NULL;
	enum grant grant;

	v->has_key = true;
	grant = registry_grant(g->o.registry, &lease, &request);
	if (grant != GRANT_OK) {
		refuse_grant(v, grant);
		return;
	}
	v->lease = lease;
	assign(v);
	log_event(g->o.log, e->round ? LOG_DEBUG : LOG_INFO,
		  e->round ? "lease_renewed" : "lease_granted",
		  LSTR("peer", v->at.name), LSTR("app", v->app),
		  LHEX("instance", SPAN_ARRAY(lease->record.instance_id)),
		  LU64("round", e->round),
		  LU64("lease_ms", g->o.config->lease_ms));
}

/* A CVM that stops in good order gives its lease back; one that a renewal shows
 * to be another, or out of order now, loses it at once. */
static void on_refused(struct visitor *v, const struct channel_event *e)
{
	bool is_stop = e->by_peer && e->reason == CHANNEL_SHUTDOWN;
	struct lease *lease = v->lease;

	if (!is_stop)
		note_refusal(v, e->reason, e->detail, e->by_peer);
	if (!lease || !(is_stop || channel_reason_ends_lease(e->reason)))
		return;
	v->lease = NULL;
	registry_forget_holder(lease);
	registry_end(lease, e->reason, is_stop ? "the peer stops" : e->detail);
}

static void on_event(void *arg, struct link *l, const struct channel_event *e)
{
	struct visitor *v = arg;

	(void)l;
	switch (e->kind) {
	case CHANNEL_VERIFIED:
		on_verified(v);
		return;
	case CHANNEL_KEYED:
		on_keyed(v, e);
		return;
	case CHANNEL_REFUSED:
		on_refused(v, e);
		return;
	case CHANNEL_NOTHING:
	case CHANNEL_QUOTE: /* the link's own */
	case CHANNEL_KEY_WANTED: /* these three: a client's */
	case CHANNEL_ASSIGNED:
	case CHANNEL_TALK: /* these two: where it talks */
	case CHANNEL_HEARD:
	case CHANNEL_WITHDRAWN:
		return;
	}
}

static enum rc on_eventlog(void *arg, struct buf *out)
{
	struct visitor *v = arg;

	const struct buf *log = &v->gate->o.identity->eventlog;

	return buf_add(out, buf_span(log)) ? RC_OK : RC_LIMIT;
}

/* ---- coming in ---- */

/* Rounds cost a verification, a synced write and a change of the interface: at
 * most eight in a lease, or one in a second where leases are short.  An agent
 * renews at 3/16 of a lease at the earliest. */
static uint64_t round_min_ms(uint64_t lease_ms)
{
	uint64_t second = lease_ms / 6 < 1000 ? lease_ms / 6 : 1000;

	return lease_ms / 8 > second ? lease_ms / 8 : second;
}

static enum rc start_link(struct visitor *v, int fd)
{
	const struct gate_options *o = &v->gate->o;
	struct link_options options = {
		.loop = o->loop,
		.tls = o->tls,
		.batch = o->batch,
		.role = CHANNEL_SERVER,
		.purpose = "cvm-tunnel",
		.claims = buf_span(&o->identity->claims),
		.manifest = buf_span(&o->identity->manifest_bytes),
		.eventlog = on_eventlog,
		.verify = on_verify,
		.event = on_event,
		.closed = on_closed,
		.arg = v,
		.handshake_timeout_ms = HANDSHAKE_TIMEOUT_MS,
		.step_timeout_ms = STEP_TIMEOUT_MS,
		.round_min_ms = round_min_ms(o->config->lease_ms),
	};

	memcpy(options.wg_public, tunnel_public(o->device), 32);
	return link_new(&v->at.link, &options, fd);
}

static bool welcome(void *arg, int fd, const struct sock_addr *from)
{
	struct gate *g = arg;
	struct visitor *v = mem_new(sizeof(*v));

	v->gate = g;
	door_visit_init(&v->at, v, from);
	buf_init(&v->quote, QUOTE_MAX);
	if (start_link(v, fd) != RC_OK) {
		visitor_free(v);
		return false;
	}
	door_enter(&g->door, &v->at);
	return true;
}

enum rc gate_new(struct gate **out, const struct gate_options *options)
{
	struct gate *g = mem_new(sizeof(*g));
	const struct door_options door = {
		.loop = options->loop,
		.log = options->log,
		.listen = options->config->listen,
		.backlog = BACKLOG,
		.limits = {
			.channels = (size_t)options->config->max_channels,
			.source_unverified = SOURCE_MAX,
		},
		.welcome = welcome,
		.arg = g,
	};
	enum rc rc;

	g->o = *options;
	g->refusal_lines.burst = 32;
	g->refusal_lines.interval_ms = 500;
	rc = door_open(&g->door, &door);
	if (rc) {
		gate_free(g);
		return rc;
	}
	*out = g;
	return RC_OK;
}

void gate_shutdown(struct gate *g)
{
	door_close(&g->door);
	door_end_all(&g->door, "shutdown");
}

void gate_free(struct gate *g)
{
	struct door_visit *next;

	if (!g)
		return;
	door_close(&g->door);
	for (struct door_visit *at = g->door.visits; at; at = next) {
		struct visitor *v = at->owner;

		next = at->next;
		if (v->lease)
			registry_forget_holder(v->lease);
		visitor_free(v);
	}
	free(g);
}

struct door_counts gate_counts(const struct gate *g)
{
	return g->door.counts;
}

const struct refusals *gate_refusals(const struct gate *g)
{
	return &g->refusals;
}
