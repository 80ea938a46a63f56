#include "kms/peers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "channel/link.h"
#include "io/clock.h"
#include "keys/held.h"
#include "keys/items.h"

enum {
	HANDSHAKE_TIMEOUT_MS = 5000,
	STEP_TIMEOUT_MS = 10000,
	TALK_MS = 590000, /* less than the other side's, so that we end it */
	PAUSE_MIN_MS = 200,
	PAUSE_MAX_MS = 3000,
	KEEPALIVE_MS = 1500,
	RETRY_MS = 200, /* after an answer that something is lacking */
};

struct peer {
	struct peers *all;
	struct sock_addr address;
	char name[SERVICE_PEER_MAX];
	struct link *link;
	struct keys_measurement measurement;
	struct keys_subject subject;
	bool is_known, is_self, is_ready, is_waiting; /* for an answer */
	bool is_lacking; /* said the last answer */
	struct keys_head head;
	uint64_t upto; /* the version that the question under way brings */
	uint64_t told_at_ms, call_at_ms;
	uint32_t pause_ms;
	char why[160];
	char logged[160]; /* the last reason that was logged */
};

struct peers {
	struct peers_options o;
	struct peer *peers;
	size_t count;
};

static uint64_t now_of(const struct peers *p)
{
	return loop_now_ms(p->o.loop);
}

const char *peer_state_name(enum peer_state s)
{
	switch (s) {
	case PEER_AWAY:
		return "away";
	case PEER_CALLING:
		return "calling";
	case PEER_BEHIND:
		return "behind";
	case PEER_EVEN:
		return "even";
	case PEER_SELF:
		return "self";
	}
	return "?";
}

/* The table's entry of a node that we talk to; NULL: of none. */
static struct keys_node *node_of(struct peer *p)
{
	struct keys_quorum *q = &p->all->o.service->quorum;

	return p->is_ready ? keys_quorum_node(q, p->subject.instance) : NULL;
}

/* ---- telling ---- */

static void push(struct peer *p, uint64_t after)
{
	struct service *s = p->all->o.service;
	struct channel *c = link_channel(p->link);
	uint8_t *body = mem_new(KEYS_BODY_MAX);
	struct wr w = wr_over(body, KEYS_BODY_MAX);
	uint64_t upto;
	struct span done;
	size_t flag;

	p->head.type = KEYS_PUSH;
	keys_write_head(&w, &p->head);
	wr_bytes(&w, SPAN_ARRAY(s->cluster->id));
	flag = w.n;
	wr_u8(&w, 0);
	keys_items_write(&w, &upto, s->cluster, after);
	if (wr_done(&w, &done)) {
		body[flag] = upto == s->cluster->version;
		p->upto = upto;
		p->is_waiting = true;
		p->told_at_ms = now_of(p->all);
		channel_say(c, done, now_of(p->all));
	} else {
		channel_refuse(c, CHANNEL_INTERNAL, "");
	}
	secret_wipe(body, KEYS_BODY_MAX);
	free(body);
}

static bool is_due(struct peer *p, const struct keys_node *n)
{
	const struct service *s = p->all->o.service;
	uint64_t idle = now_of(p->all) - p->told_at_ms;

	if (p->is_lacking && idle < RETRY_MS)
		return false;
	return n->confirmed < s->cluster->version || idle >= KEEPALIVE_MS;
}

static void tell(struct peer *p)
{
	struct keys_node *n = node_of(p);

	if (!n || p->is_waiting || p->all->o.service->is_dirty ||
	    !is_due(p, n))
		return;
	push(p, n->confirmed);
	link_flush(p->link);
}

/* ---- what it answers ---- */

static void note_why(struct peer *p, const char *what, const char *detail)
{
	(void)snprintf(p->why, sizeof(p->why), "%.40s%s%.100s", what,
		       detail[0] ? ": " : "", detail);
	if (strcmp(p->why, p->logged) == 0)
		return;
	memcpy(p->logged, p->why, sizeof(p->logged));
	log_event(p->all->o.service->log, LOG_WARN, "peer_away",
		  LSTR("peer", p->name), LSPAN("why", span_str(p->why)));
}

static void on_held(struct peer *p, struct span rest)
{
	struct service *s = p->all->o.service;
	struct keys_node *n = node_of(p);
	bool is_changed = false;
	enum keys_held held = keys_held_read(s->cluster, &is_changed, rest);

	s->is_dirty |= is_changed;
	p->is_lacking = held != KEYS_HELD_ALL;
	if (held == KEYS_HELD_ALL && n && n->confirmed < p->upto)
		n->confirmed = p->upto;
	if (held == KEYS_HELD_BROKEN)
		channel_refuse(link_channel(p->link), CHANNEL_BAD_MESSAGE, "");
}

static void on_answer(struct peer *p, struct span body)
{
	struct channel *c = link_channel(p->link);
	struct keys_refused refused;
	struct keys_head h;

	p->is_waiting = false;
	if (keys_read_head(&h, &body) || h.sequence != p->head.sequence ||
	    !ct_equal(h.session, p->head.session, sizeof(h.session))) {
		channel_refuse(c, CHANNEL_BAD_MESSAGE, "head");
		return;
	}
	p->head.sequence++;
	if (h.type == KEYS_HELD) {
		on_held(p, body);
	} else if (h.type == KEYS_REFUSED &&
		   !keys_read_refused(&refused, body)) {
		note_why(p, keys_reason_name(refused.reason), refused.detail);
		channel_refuse(c, CHANNEL_SHUTDOWN, "");
	} else {
		channel_refuse(c, CHANNEL_BAD_MESSAGE, "answer");
	}
	p->all->o.answered(p->all->o.arg);
}

/* ---- the channel ---- */

static void on_verify(void *arg, struct tee_verdict *out, struct span quote)
{
	struct peer *p = arg;
	struct keys_measurement *m = &p->measurement;
	const struct quote *q = &out->quote;

	trust_verify(p->all->o.trust, out, quote, clock_unix_s());
	if (out->reason == TEE_OK && q->tee != QUOTE_TDX)
		out->reason = TEE_QUOTE_TEE_TYPE;
	if (out->reason != TEE_OK)
		return;
	memcpy(m->mr_td, q->td.mr_td.p, KEYS_REGISTER_LEN);
	memcpy(m->rtmr0, q->td.rtmr[0].p, KEYS_REGISTER_LEN);
	memcpy(m->rtmr1, q->td.rtmr[1].p, KEYS_REGISTER_LEN);
	memcpy(m->rtmr2, q->td.rtmr[2].p, KEYS_REGISTER_LEN);
}

/* Whether it may hold what we hold; why not, for our log alone. */
static const char *refusal_of(const struct peer *p)
{
	const struct service *s = p->all->o.service;
	const struct keys_policy *policy = keys_cluster_policy(s->cluster);

	if (!keys_policy_is_kms(policy, &p->subject, &s->own))
		return "not the code of a node";
	if (!policy || !keys_policy_has_node(policy, p->subject.instance))
		return "not a node that the policy names";
	return NULL;
}

static void on_verified(struct peer *p)
{
	struct service *s = p->all->o.service;
	struct channel *c = link_channel(p->link);
	const struct channel_peer *peer = channel_peer(c);
	const char *why;

	memcpy(p->subject.app, peer->manifest.lineage, sizeof(p->subject.app));
	p->subject.manifest = peer->manifest.hash;
	memcpy(p->subject.instance, peer->instance_id,
	       sizeof(p->subject.instance));
	p->subject.measurement = p->measurement;
	p->subject.is_simulated = peer->is_simulated;
	p->is_known = true;
	p->is_self = span_equal(SPAN_ARRAY(p->subject.instance),
				SPAN_ARRAY(s->own.instance));
	why = p->is_self ? "it is this node" : refusal_of(p);
	if (why) {
		note_why(p, why, "");
		channel_refuse(c, CHANNEL_PEER_DENIED, "not a node");
		return;
	}
	channel_admit(c, now_of(p->all));
}

static void on_talk(struct peer *p)
{
	struct channel *c = link_channel(p->link);
	struct keys_node *n;

	p->head = (struct keys_head){ .type = KEYS_PUSH };
	if (!channel_session_id(c, p->head.session)) {
		channel_refuse(c, CHANNEL_INTERNAL, "");
		return;
	}
	p->is_ready = true;
	p->is_lacking = false;
	p->pause_ms = PAUSE_MIN_MS;
	p->why[0] = p->logged[0] = '\0';
	n = node_of(p);
	if (!n) {
		channel_refuse(c, CHANNEL_OVERLOADED, "too many nodes");
		return;
	}
	/* It may have lost what it held: it is told everything again. */
	n->is_linked = true;
	n->confirmed = 0;
	log_event(p->all->o.service->log, LOG_INFO, "peer_linked",
		  LSTR("peer", p->name),
		  LHEX("instance", SPAN_ARRAY(p->subject.instance)));
	tell(p);
}

static void on_event(void *arg, struct link *l, const struct channel_event *e)
{
	struct peer *p = arg;

	(void)l;
	switch (e->kind) {
	case CHANNEL_VERIFIED:
		on_verified(p);
		return;
	case CHANNEL_TALK:
		on_talk(p);
		return;
	case CHANNEL_HEARD:
		on_answer(p, e->data);
		return;
	case CHANNEL_REFUSED:
		if (e->reason != CHANNEL_LEASE_LAPSED &&
		    e->reason != CHANNEL_SHUTDOWN && !p->is_self)
			note_why(p, channel_reason_name(e->reason), e->detail);
		return;
	case CHANNEL_NOTHING:
	case CHANNEL_QUOTE: /* the link's own */
	case CHANNEL_KEY_WANTED: /* the rest: a tunnel's */
	case CHANNEL_KEYED:
	case CHANNEL_ASSIGNED:
	case CHANNEL_WITHDRAWN:
		return;
	}
}

static void wait_a_while(struct peer *p)
{
	p->call_at_ms = now_of(p->all) + p->pause_ms;
	p->pause_ms *= 2;
	if (p->pause_ms > PAUSE_MAX_MS)
		p->pause_ms = PAUSE_MAX_MS;
}

static void on_closed(void *arg, struct link *l, const char *why)
{
	struct peer *p = arg;
	struct keys_node *n = node_of(p);

	if (n)
		n->is_linked = false;
	if (!p->why[0])
		note_why(p, why, "");
	p->is_ready = p->is_waiting = false;
	p->link = NULL;
	link_free(l);
	wait_a_while(p);
}

static enum rc on_eventlog(void *arg, struct buf *out)
{
	struct peer *p = arg;
	const struct identity *id = p->all->o.service->identity;

	return buf_add(out, buf_span(&id->eventlog)) ? RC_OK : RC_LIMIT;
}

static void call(struct peer *p)
{
	const struct peers_options *o = &p->all->o;
	const struct link_options options = {
		.loop = o->loop,
		.tls = o->tls,
		.batch = o->batch,
		.role = CHANNEL_CLIENT,
		.server_name = "kms",
		.alpn = KEYS_ALPN,
		.purpose = KEYS_CHANNEL_PURPOSE,
		.claims = o->claims,
		.manifest = buf_span(&o->service->identity->manifest_bytes),
		.eventlog = on_eventlog,
		.verify = on_verify,
		.event = on_event,
		.closed = on_closed,
		.arg = p,
		.handshake_timeout_ms = HANDSHAKE_TIMEOUT_MS,
		.step_timeout_ms = STEP_TIMEOUT_MS,
		.talk_ms = TALK_MS,
	};
	enum rc rc;
	int fd;

	rc = sock_connect(&fd, &p->address);
	if (!rc) {
		rc = link_new(&p->link, &options, fd);
		if (rc)
			close(fd);
	}
	if (!rc)
		return;
	p->link = NULL;
	note_why(p, "connect", strerror(errno));
	wait_a_while(p);
}

/* ---- the owner's side ---- */

void peers_tell(struct peers *p)
{
	for (size_t i = 0; i < p->count; i++) {
		struct peer *peer = &p->peers[i];

		if (peer->link)
			tell(peer);
		else if (p->o.service->cluster->is_founded && !peer->is_self &&
			 now_of(p) >= peer->call_at_ms)
			call(peer);
	}
}

void peers_end_all(struct peers *p)
{
	for (size_t i = 0; i < p->count; i++) {
		struct peer *peer = &p->peers[i];

		peer->is_self = false;
		if (!peer->link)
			continue;
		if (link_channel(peer->link))
			channel_refuse(link_channel(peer->link),
				       CHANNEL_SHUTDOWN, "");
		link_close(peer->link, "to be verified anew");
	}
}

struct peers *peers_new(const struct peers_options *options)
{
	const struct sock_addr *addresses = options->config->peers.items;
	struct peers *p = mem_new(sizeof(*p));

	p->o = *options;
	p->count = options->config->peers.count;
	p->peers = mem_new_array(p->count + 1, sizeof(*p->peers));
	for (size_t i = 0; i < p->count; i++) {
		struct peer *peer = &p->peers[i];
		struct wr w = wr_over(peer->name, sizeof(peer->name) - 1);

		peer->all = p;
		peer->address = addresses[i];
		peer->pause_ms = PAUSE_MIN_MS;
		sock_addr_write(&w, &peer->address);
	}
	return p;
}

void peers_free(struct peers *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->count; i++)
		link_free(p->peers[i].link);
	free(p->peers);
	free(p);
}

static enum peer_state state_of(const struct peers *p, const struct peer *peer)
{
	const struct keys_quorum *q = &p->o.service->quorum;

	if (peer->is_self)
		return PEER_SELF;
	if (!peer->link)
		return PEER_AWAY;
	if (!peer->is_ready)
		return PEER_CALLING;
	for (size_t i = 0; i < q->count; i++)
		if (span_equal(SPAN_ARRAY(q->nodes[i].id),
			       SPAN_ARRAY(peer->subject.instance)) &&
		    q->nodes[i].confirmed >= p->o.service->cluster->version)
			return PEER_EVEN;
	return PEER_BEHIND;
}

bool peers_status(const struct peers *p, size_t index, struct peer_status *out)
{
	const struct peer *peer;

	if (index >= p->count)
		return false;
	peer = &p->peers[index];
	*out = (struct peer_status){ .address = peer->address,
				     .state = state_of(p, peer),
				     .is_known = peer->is_known };
	memcpy(out->instance, peer->subject.instance, sizeof(out->instance));
	(void)snprintf(out->why, sizeof(out->why), "%s", peer->why);
	return true;
}
