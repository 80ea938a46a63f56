#include "kms/gate.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem.h"
#include "channel/link.h"
#include "io/clock.h"
#include "io/pause.h"

enum {
	BACKLOG = 1024,
	ACCEPTS_PER_TURN = 64,
	UNVERIFIED_MIN = 16,
	SOURCE_MAX = 64, /* unverified channels of one address */
	SOURCE_SHARE = 4, /* of all channels, those of one address at most */
	HANDSHAKE_TIMEOUT_MS = 10000,
	STEP_TIMEOUT_MS = 30000,
	TALK_MS = 600000, /* then a node must be verified again */
};

/* One channel. */
struct visitor {
	struct visitor *next, *prev;
	struct gate *gate;
	struct link *link;
	struct sock_addr from;
	char name[SERVICE_PEER_MAX];
	struct keys_measurement measurement; /* of the quote just verified */
	struct service_peer peer;
	bool is_verified, is_asking, is_gone;
	bool is_guest; /* verified, and no node */
	uint32_t sequence; /* that is due */
	uint8_t session[KEYS_SESSION_LEN];
	struct service_reply reply; /* while it is asking */
};

struct gate {
	struct gate_options o;
	int fd;
	struct loop_watch watch;
	struct pause pause; /* of accepting */
	struct visitor *visitors;
	struct gate_counts counts;
	size_t guests;
	struct log_limit away_lines;
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
	struct channel *c = link_channel(v->link);
	bool ends = v->reply.is_refusal && !service_is_node(s, &v->peer);

	v->is_asking = false;
	v->sequence++;
	v->peer.said_at_ms = now_of(v->gate);
	channel_say(c, buf_span(&v->reply.body), v->peer.said_at_ms);
	service_reply_wipe(&v->reply);
	if (ends)
		link_close(v->link, "refused");
	else
		link_flush(v->link);
}

/* Answers all who are due.  What is answered is on disk. */
static void answer_all(struct gate *g)
{
	struct visitor *next;

	for (struct visitor *v = g->visitors; v; v = next) {
		next = v->next;
		if (v->is_asking && !v->reply.is_waiting && !v->is_gone)
			answer(v);
	}
}

static void refuse_all(struct gate *g, enum keys_reason reason)
{
	for (struct visitor *v = g->visitors; v; v = v->next)
		if (v->is_asking && !v->reply.is_waiting)
			service_refuse(&v->reply, reason, "");
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
	g->counts.waiting = 0;
	for (struct visitor *v = g->visitors; v; v = v->next) {
		if (!v->is_asking || !v->reply.is_waiting || v->is_gone)
			continue;
		if (service_epoch_check(g->o.service, &v->reply, now_of(g)))
			commit_later(g);
		else
			g->counts.waiting++;
	}
}

/* ---- the end of a visit ---- */

static void visitor_free(void *arg)
{
	struct visitor *v = arg;

	link_free(v->link);
	service_reply_wipe(&v->reply);
	free(v);
}

static void on_closed(void *arg, struct link *l, const char *why)
{
	struct visitor *v = arg;
	struct gate *g = v->gate;

	(void)l;
	log_event(g->o.service->log, LOG_DEBUG, "channel_closed",
		  LSTR("peer", v->name), LSTR("why", why));
	v->is_gone = true;
	if (v->prev)
		v->prev->next = v->next;
	else
		g->visitors = v->next;
	if (v->next)
		v->next->prev = v->prev;
	g->counts.channels--;
	g->counts.unverified -= !v->is_verified;
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
	struct channel *c = link_channel(v->link);
	const struct channel_peer *peer = channel_peer(c);
	struct keys_subject *s = &v->peer.subject;

	if (!v->is_verified)
		g->counts.unverified--;
	v->is_verified = true;
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
		service_note_stranger(g->o.service, v->name,
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

/* IPv6: the /64, which is one customer. */
static struct span source_of(const struct sock_addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return span_of(&a->in.sin_addr, 4);
	if (a->sa.sa_family == AF_INET6)
		return span_of(&a->in6.sin6_addr, 8);
	return span_str("unix");
}

static const char *turn_away_reason(const struct gate *g,
				    const struct sock_addr *from)
{
	size_t max = (size_t)g->o.config->max_channels;
	size_t unverified_max = max / 4, same = 0, same_unverified = 0;
	size_t same_max = max / SOURCE_SHARE;

	if (unverified_max < UNVERIFIED_MIN)
		unverified_max = UNVERIFIED_MIN;
	if (same_max < SOURCE_MAX)
		same_max = SOURCE_MAX;
	if (g->counts.channels >= max)
		return "max_channels";
	if (g->counts.unverified >= unverified_max)
		return "unverified";
	for (const struct visitor *v = g->visitors; v; v = v->next) {
		if (!span_equal(source_of(&v->from), source_of(from)))
			continue;
		same++;
		same_unverified += !v->is_verified;
	}
	return same_unverified >= SOURCE_MAX || same >= same_max ? "source"
								 : NULL;
}

static void name_source(char name[SERVICE_PEER_MAX],
			const struct sock_addr *from)
{
	struct wr w = wr_over(name, SERVICE_PEER_MAX - 1);

	if (from->sa.sa_family == AF_INET || from->sa.sa_family == AF_INET6)
		sock_addr_write(&w, from);
	else
		wr_str(&w, "unix");
	name[wr_span(&w).n] = '\0';
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

	return link_new(&v->link, &options, fd);
}

static void welcome(struct gate *g, int fd, const struct sock_addr *from)
{
	struct visitor *v = mem_new(sizeof(*v));

	v->gate = g;
	v->from = *from;
	name_source(v->name, from);
	v->peer.name = v->name;
	v->peer.source = source_of(&v->from);
	service_reply_init(&v->reply);
	if (start_link(v, fd) != RC_OK) {
		close(fd);
		visitor_free(v);
		return;
	}
	v->next = g->visitors;
	if (v->next)
		v->next->prev = v;
	g->visitors = v;
	g->counts.channels++;
	g->counts.unverified++;
	g->counts.accepted++;
}

static void turn_away(struct gate *g, int fd, const struct sock_addr *from,
		      const char *why)
{
	char name[SERVICE_PEER_MAX] = "";
	uint64_t dropped = 0;

	close(fd);
	g->counts.turned_away++;
	name_source(name, from);
	if (log_limit_pass(&g->away_lines, now_of(g), &dropped))
		log_event(g->o.service->log, LOG_WARN, "channel_turned_away",
			  LSTR("peer", name), LSTR("limit", why),
			  LU64("dropped_lines", dropped));
}

static void on_listen(void *arg, uint32_t events)
{
	struct gate *g = arg;

	(void)events;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		struct sock_addr from = { 0 };
		const char *why;
		enum rc rc;
		int fd;

		rc = sock_accept(&fd, &from, g->fd);
		if (rc == RC_SYS)
			pause_begin(&g->pause, g->o.loop, &g->watch);
		if (rc)
			return;
		why = turn_away_reason(g, &from);
		if (why)
			turn_away(g, fd, &from, why);
		else
			welcome(g, fd, &from);
	}
}

enum rc gate_new(struct gate **out, const struct gate_options *options)
{
	struct gate *g = mem_new(sizeof(*g));
	enum rc rc;

	g->o = *options;
	g->away_lines.burst = 8;
	g->away_lines.interval_ms = 1000;
	rc = sock_listen(&g->fd, &options->config->listen, BACKLOG);
	if (!rc)
		rc = loop_watch_add(options->loop, &g->watch, g->fd, EPOLLIN,
				    on_listen, g);
	if (rc) {
		gate_free(g);
		return rc;
	}
	*out = g;
	return RC_OK;
}

static void stop_listening(struct gate *g)
{
	pause_end(&g->pause);
	loop_watch_del(g->o.loop, &g->watch);
	if (g->fd >= 0)
		close(g->fd);
	g->fd = -1;
}

static void end_all(struct gate *g, const char *why)
{
	struct visitor *next;

	for (struct visitor *v = g->visitors; v; v = next) {
		next = v->next;
		if (link_channel(v->link))
			channel_refuse(link_channel(v->link), CHANNEL_SHUTDOWN,
				       "");
		link_close(v->link, why);
	}
}

void gate_end_all(struct gate *g)
{
	end_all(g, "to be verified anew");
}

void gate_shutdown(struct gate *g)
{
	stop_listening(g);
	end_all(g, "shutdown");
}

void gate_free(struct gate *g)
{
	if (!g)
		return;
	stop_listening(g);
	for (struct visitor *v = g->visitors, *next; v; v = next) {
		next = v->next;
		visitor_free(v);
	}
	free(g);
}

struct gate_counts gate_counts(const struct gate *g)
{
	return g->counts;
}
