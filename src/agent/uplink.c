#include "agent/uplink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/assignment.h"
#include "base/mem.h"
#include "channel/link.h"
#include "crypto/rng.h"
#include "io/clock.h"
#include "io/notify.h"

enum {
	HANDSHAKE_TIMEOUT_MS = 10000,
	STEP_TIMEOUT_MS = 30000,
	PAUSE_MIN_MS = 200,
	PAUSE_MAX_MS = 5000, /* when the gateway cannot be reached */
	PAUSE_WITHDRAWN_MS = 2000, /* after a lease was taken from us */
	PAUSE_REFUSED_MAX_MS = 30000, /* when one of us refuses the other */
};

struct uplink {
	struct uplink_options o;
	enum uplink_state state;
	struct link *link; /* NULL: none */
	struct loop_timer retry, renew, lapse;
	uint32_t pause_ms; /* before the next try, without jitter */
	bool is_refused; /* the last try ended so */
	bool has_sent_key; /* on the current channel */
	struct buf quote; /* of the gateway that gave the lease */
	struct buf new_quote; /* verified, and not yet followed by a lease */
	struct uplink_gateway gateway;

	bool has_lease;
	uint64_t ends_at_ms;
	struct channel_assignment assignment;
	uint32_t registrations, renewals;
	uint64_t refusal_count;
	struct uplink_refusal refusals[UPLINK_REFUSALS_MAX];
};

const char *uplink_state_name(enum uplink_state s)
{
	switch (s) {
	case UPLINK_WAITING:
		return "waiting";
	case UPLINK_CONNECTING:
		return "connecting";
	case UPLINK_ATTESTING:
		return "attesting";
	case UPLINK_UP:
		return "up";
	case UPLINK_STOPPED:
		return "stopped";
	}
	return "?";
}

static uint64_t now_of(const struct uplink *u)
{
	return loop_now_ms(u->o.loop);
}

/* Between 75 and 100 % of ms, so that many agents do not come at once. */
static uint64_t with_jitter(uint64_t ms)
{
	return ms - rng_u32() % (ms / 4 + 1);
}

/* ---- the tunnel ---- */

/* The first thing is that nothing passes: whatever fails is put right by the
 * device's next tick, and the firewall is shut besides. */
static void cut(struct uplink *u, const char *why)
{
	char error[NODE_ERROR_MAX] = "";

	loop_timer_disarm(u->o.loop, &u->lapse);
	loop_timer_disarm(u->o.loop, &u->renew);
	if (!u->has_lease)
		return;
	u->has_lease = false;
	if (tunnel_peer_remove(u->o.device, u->assignment.wg_public))
		log_event(u->o.log, LOG_WARN, "peer_removal_waits",
			  LSTR("why", tunnel_error(u->o.device)));
	if (u->o.firewall && firewall_set_tunnel(u->o.firewall, NULL, error))
		log_event(u->o.log, LOG_ERROR, "firewall_failed",
			  LSTR("why", error));
	log_event(u->o.log, LOG_WARN, "tunnel_cut", LSTR("why", why));
}

static enum rc open_tunnel(struct uplink *u, const struct channel_event *e,
			   char error[NODE_ERROR_MAX])
{
	const struct channel_assignment *a = &e->assignment;
	struct firewall_tunnel way = assignment_way(a);
	struct wgctl_peer peer;
	enum rc rc = RC_OK;

	/*
	 * A registration is a new tunnel: the gateway may have removed the old
	 * one meanwhile, and would neither know its sessions nor where to begin
	 * a new one.  Not reached: the next tick removes what is not wanted.
	 */
	if (u->has_lease &&
	    (e->round == 0 || !span_equal(SPAN_ARRAY(u->assignment.wg_public),
					  SPAN_ARRAY(a->wg_public))))
		(void)tunnel_peer_remove(u->o.device, u->assignment.wg_public);
	if (u->o.firewall)
		rc = firewall_set_tunnel(u->o.firewall, &way, error);
	if (rc)
		return rc;
	tunnel_set_address(u->o.device, &way.own);
	tunnel_set_route(u->o.device, &way.gateway);
	assignment_peer(&peer, a, &e->psk);
	rc = tunnel_peer_set(u->o.device, &peer);
	key32_wipe(&peer.psk);
	if (rc) /* it is wanted, and a tick will bring it */
		log_event(u->o.log, LOG_WARN, "device_waits",
			  LSTR("why", tunnel_error(u->o.device)));
	return RC_OK;
}

static void lapsed(void *arg)
{
	struct uplink *u = arg;

	cut(u, channel_reason_name(CHANNEL_LEASE_LAPSED));
	/* A connection that is on its way to a new lease goes on. */
	if (u->link && u->state == UPLINK_UP)
		link_close(u->link, "the lease lapsed");
}

static void renew(void *arg)
{
	struct uplink *u = arg;

	if (!u->link || u->state != UPLINK_UP)
		return;
	channel_renew(link_channel(u->link), now_of(u));
	link_flush(u->link);
}

/* ---- the channel ---- */

static void connect_gateway(void *arg);

static void try_again(struct uplink *u)
{
	uint32_t max = u->is_refused ? PAUSE_REFUSED_MAX_MS : PAUSE_MAX_MS;

	if (u->state == UPLINK_STOPPED)
		return;
	u->state = UPLINK_WAITING;
	if (u->pause_ms > max)
		u->pause_ms = max;
	loop_timer_arm(u->o.loop, &u->retry,
		       now_of(u) + with_jitter(u->pause_ms));
	u->pause_ms = u->pause_ms * 2 < max ? u->pause_ms * 2 : max;
}

static void note_refusal(struct uplink *u, const struct channel_event *e)
{
	struct uplink_refusal r = { .at_unix_ms = clock_unix_ms(),
				    .reason = e->reason,
				    .by_peer = e->by_peer,
				    .keys_exchanged = u->has_sent_key };

	memcpy(r.detail, e->detail, sizeof(r.detail));
	r.detail[sizeof(r.detail) - 1] = '\0';
	u->refusals[u->refusal_count++ % UPLINK_REFUSALS_MAX] = r;
	u->is_refused = true;
	log_event(u->o.log, LOG_WARN,
		  e->by_peer ? "refused_by_gateway" : "gateway_refused",
		  LSTR("reason", channel_reason_name(e->reason)),
		  LSPAN("detail", span_str(r.detail)),
		  LSTR("keys_exchanged", u->has_sent_key ? "true" : "false"));
}

static void on_verify(void *arg, struct tee_verdict *out, struct span quote)
{
	struct uplink *u = arg;

	trust_verify(u->o.trust, out, quote, clock_unix_s());
	buf_reset(&u->new_quote);
	if (out->reason == TEE_OK && !buf_add(&u->new_quote, quote))
		out->reason = TEE_QUOTE_TOO_LARGE;
}

/* The policy says which measurements a gateway may have; this, which app. */
static bool is_our_gateway(const struct uplink *u,
			   const struct channel_peer *peer)
{
	struct span app = SPAN_ARRAY(u->o.config->gateway.app);

	return span_is_zero(app) ||
	       span_equal(app, SPAN_ARRAY(peer->manifest.app_id));
}

static void on_verified(struct uplink *u)
{
	struct channel *c = link_channel(u->link);
	const struct channel_peer *peer = channel_peer(c);
	struct uplink_gateway *g = &u->gateway;

	if (!is_our_gateway(u, peer)) {
		channel_refuse(c, CHANNEL_PEER_DENIED, "not the pinned app");
		return;
	}
	*g = (struct uplink_gateway){ .is_known = true,
				      .is_simulated = peer->is_simulated };
	memcpy(g->app_id, peer->manifest.app_id, sizeof(g->app_id));
	memcpy(g->instance_id, peer->instance_id, sizeof(g->instance_id));
	snprintf(g->node_id, sizeof(g->node_id), "%s", peer->node_id);
	snprintf(g->image, sizeof(g->image), "%s", peer->verdict.image);
	snprintf(g->tcb_status, sizeof(g->tcb_status), "%s",
		 tee_tcb_status_name(peer->verdict.tcb_status));
	log_event(u->o.log, u->has_lease ? LOG_DEBUG : LOG_INFO,
		  "gateway_verified", LHEX("app", SPAN_ARRAY(g->app_id)),
		  LHEX("instance", SPAN_ARRAY(g->instance_id)),
		  LSPAN("node", span_str(g->node_id)), LSTR("image", g->image),
		  LSTR("tcb", g->tcb_status),
		  LSTR("simulated", g->is_simulated ? "true" : "false"));
	channel_admit(c, now_of(u));
}

static void keep_quote(struct uplink *u)
{
	struct buf old = u->quote;

	u->quote = u->new_quote;
	u->new_quote = old;
}

static void on_assigned(struct uplink *u, const struct channel_event *e)
{
	const struct channel_assignment *a = &e->assignment;
	uint64_t renew_ms = a->lease_ms / 1000ull *
			    u->o.config->renew_at_permille;
	char error[NODE_ERROR_MAX] = "";

	if (!assignment_check(a, error) || open_tunnel(u, e, error)) {
		cut(u, error);
		/* Why is for our log: it quotes local rules. */
		channel_refuse(link_channel(u->link), CHANNEL_INTERNAL, "");
		log_event(u->o.log, LOG_ERROR, "assignment_failed",
			  LSTR("why", error));
		return;
	}
	keep_quote(u);
	u->has_lease = true;
	u->assignment = *a;
	u->ends_at_ms = now_of(u) + a->lease_ms;
	u->state = UPLINK_UP;
	u->pause_ms = PAUSE_MIN_MS;
	u->is_refused = false;
	loop_timer_arm(u->o.loop, &u->lapse, u->ends_at_ms);
	loop_timer_arm(u->o.loop, &u->renew, now_of(u) + with_jitter(renew_ms));
	if (!e->round)
		notify_send("X_POSTERN_STEP=tunnel");
	if (e->round)
		u->renewals++;
	else
		u->registrations++;
	log_event(u->o.log, e->round ? LOG_DEBUG : LOG_INFO,
		  e->round ? "lease_renewed" : "tunnel_up",
		  LU64("round", e->round), LU64("lease_ms", a->lease_ms));
}

static void end_lease(struct uplink *u, enum channel_reason reason)
{
	if (u->has_lease && u->pause_ms < PAUSE_WITHDRAWN_MS)
		u->pause_ms = PAUSE_WITHDRAWN_MS;
	cut(u, channel_reason_name(reason));
}

static void on_event(void *arg, struct link *l, const struct channel_event *e)
{
	struct uplink *u = arg;
	struct channel *c = link_channel(l);

	switch (e->kind) {
	case CHANNEL_QUOTE: /* the link's own */
	case CHANNEL_NOTHING:
	case CHANNEL_KEYED: /* a server's */
	case CHANNEL_TALK: /* these two: where it talks */
	case CHANNEL_HEARD:
		return;
	case CHANNEL_VERIFIED:
		on_verified(u);
		return;
	case CHANNEL_KEY_WANTED:
		u->has_sent_key = true;
		channel_offer_key(c, tunnel_public(u->o.device), now_of(u));
		return;
	case CHANNEL_ASSIGNED:
		on_assigned(u, e);
		return;
	case CHANNEL_WITHDRAWN:
		note_refusal(u, e);
		end_lease(u, e->reason);
		return;
	case CHANNEL_REFUSED:
		if (u->state == UPLINK_STOPPED)
			return;
		if (e->by_peer && e->reason == CHANNEL_SHUTDOWN)
			return; /* it comes back; the lease goes on */
		note_refusal(u, e);
		/* Whoever said it, and about whomever of us two. */
		if (channel_reason_ends_lease(e->reason))
			end_lease(u, e->reason);
		return;
	}
}

static void on_closed(void *arg, struct link *l, const char *why)
{
	struct uplink *u = arg;

	log_event(u->o.log, LOG_INFO, "channel_closed", LSTR("why", why),
		  LSTR("lease", u->has_lease ? "goes on" : "none"));
	loop_timer_disarm(u->o.loop, &u->renew);
	u->link = NULL;
	link_free(l);
	try_again(u);
}

static enum rc on_eventlog(void *arg, struct buf *out)
{
	struct uplink *u = arg;

	if (u->state == UPLINK_CONNECTING)
		u->state = UPLINK_ATTESTING;
	return measured_log(u->o.measured, out);
}

static enum rc start_link(struct uplink *u, int fd)
{
	const struct link_options options = {
		.loop = u->o.loop,
		.tls = u->o.tls,
		.batch = u->o.batch,
		.role = CHANNEL_CLIENT,
		.server_name = u->o.config->gateway.name,
		.purpose = "cvm-tunnel",
		.claims = buf_span(&u->o.identity->claims),
		.manifest = buf_span(&u->o.identity->manifest_bytes),
		.eventlog = on_eventlog,
		.verify = on_verify,
		.event = on_event,
		.closed = on_closed,
		.arg = u,
		.handshake_timeout_ms = HANDSHAKE_TIMEOUT_MS,
		.step_timeout_ms = STEP_TIMEOUT_MS,
	};

	return link_new(&u->link, &options, fd);
}

static void connect_gateway(void *arg)
{
	struct uplink *u = arg;
	int fd;
	enum rc rc;

	u->state = UPLINK_CONNECTING;
	u->has_sent_key = false;
	u->is_refused = false;
	rc = sock_connect(&fd, &u->o.config->gateway.address);
	if (!rc) {
		rc = start_link(u, fd);
		if (rc)
			close(fd);
	}
	if (!rc)
		return;
	u->link = NULL;
	log_event(u->o.log, LOG_DEBUG, "connect_failed",
		  LSTR("why", rc_name(rc)));
	try_again(u);
}

/* ---- the owner's side ---- */

struct uplink *uplink_new(const struct uplink_options *options)
{
	struct uplink *u = mem_new(sizeof(*u));

	u->o = *options;
	u->pause_ms = PAUSE_MIN_MS;
	u->retry = (struct loop_timer){ .fn = connect_gateway, .arg = u };
	u->renew = (struct loop_timer){ .fn = renew, .arg = u };
	u->lapse = (struct loop_timer){ .fn = lapsed, .arg = u };
	buf_init(&u->quote, QUOTE_MAX);
	buf_init(&u->new_quote, QUOTE_MAX);
	loop_timer_arm(u->o.loop, &u->retry, now_of(u));
	return u;
}

void uplink_free(struct uplink *u)
{
	if (!u)
		return;
	cut(u, "the agent ends");
	loop_timer_disarm(u->o.loop, &u->retry);
	link_free(u->link);
	buf_fini(&u->quote);
	buf_fini(&u->new_quote);
	free(u);
}

void uplink_shutdown(struct uplink *u)
{
	u->state = UPLINK_STOPPED;
	loop_timer_disarm(u->o.loop, &u->retry);
	cut(u, channel_reason_name(CHANNEL_SHUTDOWN));
	if (!u->link)
		return;
	if (link_channel(u->link))
		channel_refuse(link_channel(u->link), CHANNEL_SHUTDOWN, "");
	link_close(u->link, "shutdown");
}

void uplink_judge(struct uplink *u)
{
	AUTO(mem_auto_free)
	struct tee_verdict *v = mem_new(sizeof(*v));

	if (!u->has_lease)
		return;
	trust_verify(u->o.trust, v, buf_span(&u->quote), clock_unix_s());
	if (v->reason == TEE_OK)
		return;
	cut(u, tee_reason_name(v->reason));
	if (!u->link || !link_channel(u->link))
		return;
	channel_refuse(link_channel(u->link), CHANNEL_EVIDENCE_REFUSED,
		       tee_reason_name(v->reason));
	link_flush(u->link);
}

void uplink_status(const struct uplink *u, struct uplink_status *out)
{
	uint64_t now = clock_boot_ms();
	size_t kept = UPLINK_REFUSALS_MAX;

	if (u->refusal_count < kept)
		kept = (size_t)u->refusal_count;

	*out = (struct uplink_status){
		.state = u->state,
		.has_lease = u->has_lease,
		.registrations = u->registrations,
		.renewals = u->renewals,
		.gateway = u->gateway,
		.refusal_count = u->refusal_count,
		.refusals_kept = kept,
	};
	if (u->has_lease) {
		out->assignment = u->assignment;
		if (u->ends_at_ms > now)
			out->lease_left_ms = u->ends_at_ms - now;
		(void)tunnel_peer_stats(u->o.device, &out->traffic,
					u->assignment.wg_public);
	}
	for (size_t i = 0; i < kept; i++)
		out->refusals[i] = u->refusals[(u->refusal_count - 1 - i) %
					       UPLINK_REFUSALS_MAX];
}
