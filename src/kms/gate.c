#include "kms/gate.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "channel/link.h"
#include "io/clock.h"

enum {
	BACKLOG = 1024,
	SOURCE_MAX = 64, /* unverified channels of one address */
	SOURCE_SHARE = 4, /* of all channels, those of one address at most */
	HANDSHAKE_TIMEOUT_MS = 10000,
	STEP_TIMEOUT_MS = 30000,
	TALK_MS = 600000, /* then a node must be verified again */
};

/* One channel. */
struct visitor {
	struct door_visit at; /* whose link is */
	struct gate *gate;
	struct keys_measurement measurement; /* of the quote just verified */
	struct service_peer peer;
	bool is_asking, is_gone;
	bool is_guest; /* verified, and no node */
	uint32_t sequence; /* that is due */
	uint8_t session[KEYS_SESSION_LEN];
	struct service_reply reply; /* while it is asking */
};

struct gate {
	struct gate_options o;
	struct door door;
	size_t guests, waiting;
	bool is_committing; /* at the end of this turn */
};

static uint64_t now_of(const struct gate *g)
{
	return loop_now_ms(g->o.loop);
}

/* ---- answers ---- */

static void answer(struct visitor *v)
{
	const struct service *s = v->gate->o.service;
	struct channel *c = link_channel(v->at.link);
	bool ends = v->reply.is_refusal && !service_is_node(s, &v->peer);

	v->is_asking = false;
	v->sequence++;
	v->peer.said_at_ms = now_of(v->gate);
	channel_say(c, buf_span(&v->reply.body), v->peer.said_at_ms);
	service_reply_wipe(&v->reply);
	if (ends)
		link_close(v->at.link, "refused");
	else
		link_flush(v->at.link);
}

/* Answers all who are due.  What is answered is on disk. */
static void answer_all(struct gate *g)
{
	struct door_visit *next;

	for (struct door_visit *at = g->door.visits; at; at = next) {
		struct visitor *v = at->owner;

		next = at->next;
		if (v->is_asking && !v->reply.is_waiting && !v->is_gone)
			answer(v);
	}
}

static void refuse_all(struct gate *g, enum keys_reason reason)
{
	for (struct door_visit *at = g->door.visits; at; at = at->next) {
		struct visitor *v = at->owner;

		if (v->is_asking && !v->reply.is_waiting)
			service_refuse(&v->reply, reason, "");
	}
}

static void commit(void *arg)
{
	struct gate *g = arg;
	struct service *s = g->o.service;
	enum keys_reason reason;

	g->is_committing = false;
	reason = service_commit(s);
	/* Somebody else's commit may have had our lines, and lost them. */
	if (!reason)
		reason = s->failed;
	if (reason)
		refuse_all(g, reason);
	answer_all(g);
	g->o.committed(g->o.arg);
}

static void commit_later(struct gate *g)
{
	if (g->is_committing)
		return;
	g->is_committing = true;
	g->o.service->failed = KEYS_OK; /* what failed had none of our lines */
	loop_defer(g->o.loop, commit, g);
}

void gate_check(struct gate *g)
{
	g->waiting = 0;
	for (struct door_visit *at = g->door.visits; at; at = at->next) {
		struct visitor *v = at->owner;

		if (!v->is_asking || !v->reply.is_waiting || v->is_gone)
			continue;
		if (service_epoch_check(g->o.service, &v->reply, now_of(g)))
			commit_later(g);
		else
			g->waiting++;
	}
}

/* ---- the end of a visit ---- */

static void visitor_free(void *arg)
{
	struct visitor *v = arg;

	link_free(v->at.link);
	service_reply_wipe(&v->reply);
	free(v);
}

static void on_closed(void *arg, struct link *l, const char *why)
{
	struct visitor *v = arg;
	struct gate *g = v->gate;

	(void)l;
	log_event(g->o.service->log, LOG_DEBUG, "channel_closed",
		  LSTR("peer", v->at.name), LSTR("why", why));
	v->is_gone = true;
	door_leave(&g->door, &v->at);
	g->guests -= v->is_guest;
	loop_defer(g->o.loop, visitor_free, v);
}

/* ---- what happens on a channel ---- */

static void copy_registers(struct keys_measurement *m, const struct quote *q)
{
	memcpy(m->mr_td, q->td.mr_td.p, KEYS_REGISTER_LEN);
	memcpy(m->rtmr0, q->td.rtmr[0].p, KEYS_REGISTER_LEN);
	memcpy(m->rtmr1, q->td.rtmr[1].p, KEYS_REGISTER_LEN);
	memcpy(m->rtmr2, q->td.rtmr[2].p, KEYS_REGISTER_LEN);
}

static void on_verify(void *arg, struct tee_verdict *out, struct span quote)
{
	struct visitor *v = arg;

	trust_verify(v->gate->o.trust, out, quote, clock_unix_s());
	if (out->reason == TEE_OK && out->quote.tee != QUOTE_TDX)
		out->reason = TEE_QUOTE_TEE_TYPE;
	if (out->reason == TEE_OK)
		copy_registers(&v->measurement, &out->quote);
}

/* One more that is no node leaves room for nodes, and for who is not yet
 * known to be one. */
static bool has_room_for_guest(const struct gate *g)
{
	size_t max = (size_t)g->o.config->max_channels;

	return g->guests < max - max / 4 - max / 8;
}

static void on_verified(struct visitor *v)
{
	struct gate *g = v->gate;
	struct channel *c = link_channel(v->at.link);
	const struct channel_peer *peer = channel_peer(c);
	struct keys_subject *s = &v->peer.subject;

	door_verified(&g->door, &v->at);
	memcpy(s->app, peer->manifest.lineage, sizeof(s->app));
	s->manifest = peer->manifest.hash;
	memcpy(s->instance, peer->instance_id, sizeof(s->instance));
	s->measurement = v->measurement;
	s->is_simulated = peer->is_simulated;
	g->guests -= v->is_guest;
	v->is_guest = !service_is_node(g->o.service, &v->peer) &&
		      has_room_for_guest(g);
	g->guests += v->is_guest;
	v->peer.said_at_ms = now_of(g);
	if (!v->is_guest && !service_is_node(g->o.service, &v->peer))
		channel_refuse(c, CHANNEL_OVERLOADED, "");
	else if (channel_session_id(c, v->session))
		channel_admit(c, now_of(g));
	else
		channel_refuse(c, CHANNEL_INTERNAL, "");
}

static void on_heard(struct visitor *v, struct span body)
{
	struct gate *g = v->gate;

	v->is_asking = true;
	service_ask(g->o.service, &v->reply, &v->peer, v->session, v->sequence,
		    body, now_of(g));
	commit_later(g);
}

static void on_event(void *arg, struct link *l, const struct channel_event *e)
{
	struct visitor *v = arg;
	struct gate *g = v->gate;

	(void)l;
	switch (e->kind) {
	case CHANNEL_VERIFIED:
		on_verified(v);
		return;
	case CHANNEL_HEARD:
		on_heard(v, e->data);
		return;
	case CHANNEL_REFUSED:
		if (e->reason == CHANNEL_LEASE_LAPSED ||
		    e->reason == CHANNEL_SHUTDOWN)
			return;
		service_note_stranger(g->o.service, v->at.name,
				      channel_reason_name(e->reason), e->detail,
				      now_of(g));
		commit_later(g);
		return;
	case CHANNEL_NOTHING:
	case CHANNEL_QUOTE: /* the link's own */
	case CHANNEL_TALK: /* a client's */
	case CHANNEL_KEY_WANTED: /* the rest: a tunnel's */
	case CHANNEL_KEYED:
	case CHANNEL_ASSIGNED:
	case CHANNEL_WITHDRAWN:
		return;
	}
}

static enum rc on_eventlog(void *arg, struct buf *out)
{
	struct visitor *v = arg;
	const struct identity *id = v->gate->o.service->identity;

	return buf_add(out, buf_span(&id->eventlog)) ? RC_OK : RC_LIMIT;
}

/* ---- coming in ---- */

/* Whom the rate of one address counts. */
static struct span rated_source(const struct sock_addr *from)
{
	struct span source = door_source(from);

	return source.n ? source : span_str("unix");
}

static enum rc start_link(struct visitor *v, int fd)
{
	const struct gate_options *o = &v->gate->o;
	const struct link_options options = {
		.loop = o->loop,
		.tls = o->tls,
		.batch = o->batch,
		.role = CHANNEL_SERVER,
		.alpn = KEYS_ALPN,
		.purpose = KEYS_CHANNEL_PURPOSE,
		.claims = o->claims,
		.manifest = buf_span(&o->service->identity->manifest_bytes),
		.eventlog = on_eventlog,
		.verify = on_verify,
		.event = on_event,
		.closed = on_closed,
		.arg = v,
		.handshake_timeout_ms = HANDSHAKE_TIMEOUT_MS,
		.step_timeout_ms = STEP_TIMEOUT_MS,
		.talk_ms = TALK_MS,
	};

	return link_new(&v->at.link, &options, fd);
}

static bool welcome(void *arg, int fd, const struct sock_addr *from)
{
	struct gate *g = arg;
	struct visitor *v = mem_new(sizeof(*v));

	v->gate = g;
	door_visit_init(&v->at, v, from);
	v->peer.name = v->at.name;
	v->peer.source = rated_source(&v->at.from);
	service_reply_init(&v->reply);
	if (start_link(v, fd) != RC_OK) {
		visitor_free(v);
		return false;
	}
	door_enter(&g->door, &v->at);
	return true;
}

static struct door_limits limits_of(const struct config *c)
{
	struct door_limits l = {
		.channels = (size_t)c->max_channels,
		.source_unverified = SOURCE_MAX,
		.source = (size_t)c->max_channels / SOURCE_SHARE,
	};

	if (l.source < SOURCE_MAX)
		l.source = SOURCE_MAX;
	return l;
}

enum rc gate_new(struct gate **out, const struct gate_options *options)
{
	struct gate *g = mem_new(sizeof(*g));
	const struct door_options door = {
		.loop = options->loop,
		.log = options->service->log,
		.listen = options->config->listen,
		.backlog = BACKLOG,
		.limits = limits_of(options->config),
		.welcome = welcome,
		.arg = g,
	};
	enum rc rc;

	g->o = *options;
	rc = door_open(&g->door, &door);
	if (rc) {
		gate_free(g);
		return rc;
	}
	*out = g;
	return RC_OK;
}

void gate_end_all(struct gate *g)
{
	door_end_all(&g->door, "to be verified anew");
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
		next = at->next;
		visitor_free(at->owner);
	}
	free(g);
}

struct gate_counts gate_counts(const struct gate *g)
{
	return (struct gate_counts){ g->door.counts, g->waiting };
}
