#include <stddef.h>

#include "base/mem.h"
#include "wireguard/ecn.h"
#include "wireguard/engine.h"

enum {
	UNANSWERED_MAX = 18,
};

/* Hands over the handshake's registered index to a new one. */
static void set_index(struct device *d, struct peer *p, uint32_t index)
{
	engine_index_free(d, p->handshake_index);
	p->handshake_index = index;
}

/*
 * Wall time as it was when first seen, carried on by the clock that never
 * jumps.  Whoever sets the wall clock far ahead would otherwise have us use up
 * the timestamps of years: once it is right again, the peer would take no
 * initiation of ours (CVE-2021-46873).  When a peer has left as many
 * initiations unanswered as there are in 90 s it may be the first reading that
 * was wrong, as on a machine that learns the time after its start: then the
 * wall clock is believed.
 */
static int64_t guarded_ns(struct device *d, const struct peer *p,
			  struct device_time now)
{
	int64_t since_ns = (int64_t)now.ms * 1'000'000, first = 0, at;

	at = now.unix_ns - since_ns;
	/* The first of the interface's devices to ask decides for all. */
	if (!atomic_compare_exchange_strong(&d->common->clock_ns, &first, at))
		at = first;
	at += since_ns;
	if (p->unanswered >= UNANSWERED_MAX && now.unix_ns > at)
		return now.unix_ns;
	return at;
}

/* Strictly growing: a peer takes no initiation whose timestamp is not newer.
 * Rounded down to about 17 ms, so that it tells little about our clock. */
static void next_timestamp(struct device *d, struct peer *p,
			   uint8_t out[MESSAGE_TIMESTAMP_LEN],
			   struct device_time now)
{
	const int64_t grain = 1 << 24;
	int64_t at = guarded_ns(d, p, now);

	at -= at % grain;
	if (at <= p->timestamp_ns)
		at = p->timestamp_ns + 1;
	p->timestamp_ns = at;
	noise_timestamp(out, at);
}

static void send_initiation(struct device *d, struct peer *p,
			    struct device_time now)
{
	uint8_t bytes[MESSAGE_INITIATION_LEN];
	uint8_t timestamp[MESSAGE_TIMESTAMP_LEN];
	struct wr w = WR_ARRAY(bytes);
	struct message_initiation m;
	uint32_t index = engine_index_new(d, p);

	next_timestamp(d, p, timestamp, now);
	if (noise_initiation_create(&m, &p->handshake, d->identity, timestamp,
				    index)) {
		engine_index_free(d, index);
		return;
	}
	set_index(d, p, index);
	message_initiation_write(&w, &m);
	cookie_stamp(&p->cookies, bytes, sizeof(bytes), now.ms);
	engine_emit(d, p, SPAN_ARRAY(bytes), ECN_NOT, now);
	timers_initiation_sent(&p->timers, now.ms);
	if (p->unanswered < UNANSWERED_MAX)
		p->unanswered++;
	engine_schedule(d, p);
}

void engine_initiate(struct device *d, struct peer *p, bool is_retry,
		     struct device_time now)
{
	if (!is_retry)
		p->timers.attempts = 0;
	if (!p->has_endpoint || timers_initiated_lately(&p->timers, now.ms))
		return;
	send_initiation(d, p, now);
}

/* Whether a handshake message is worth public-key work.  Order matters: the
 * cheap MAC before the load, the load before the cookie. */
static bool admit(struct device *d, const struct device_datagram *in,
		  uint32_t sender, struct device_time now)
{
	struct span message = span_of(in->bytes, in->n);
	uint8_t bytes[MESSAGE_COOKIE_LEN];
	struct wr w = WR_ARRAY(bytes);
	struct message_cookie reply;

	enum cookie_verdict verdict =
		d->identity->has_key ? cookie_check(&d->cookies, message,
						    &in->source, now.ms)
				     : COOKIE_INVALID;
	if (verdict == COOKIE_INVALID) {
		engine_drop(d, DEVICE_DROP_MAC1);
		return false;
	}
	if (!ratelimit_under_load(&d->common->load, now.ms))
		return true;
	if (verdict == COOKIE_MAC2) {
		if (ratelimit_allow(&d->common->limits, &in->source, now.ms))
			return true;
		engine_drop(d, DEVICE_DROP_RATE);
		return false;
	}
	cookie_reply(&d->cookies, &reply, message, sender, &in->source,
		     now.ms);
	message_cookie_write(&w, &reply);
	d->sink.datagram(d->sink.arg, &in->source, SPAN_ARRAY(bytes), ECN_NOT);
	engine_drop(d, DEVICE_DROP_COOKIE);
	return false;
}

/* The session of the finished handshake takes over the handshake's index. */
static bool install(struct device *d, struct peer *p, struct device_time now)
{
	struct noise_session s AUTO(noise_session_wipe);
	const struct keypair_gone gone = engine_gone(d);

	if (noise_session_derive(&s, &p->handshake))
		return false;
	p->handshake_index = 0;
	keypairs_install(&p->keypairs, &s, now.ms, &gone);
	timers_session_derived(&p->timers, now.ms);
	return true;
}

static void respond(struct device *d, struct peer *p, struct device_time now)
{
	uint8_t bytes[MESSAGE_RESPONSE_LEN];
	struct wr w = WR_ARRAY(bytes);
	struct message_response m;
	uint32_t index = engine_index_new(d, p);

	if (noise_response_create(&m, &p->handshake, index)) {
		engine_index_free(d, index);
		engine_drop(d, DEVICE_DROP_HANDSHAKE);
		return;
	}
	set_index(d, p, index);
	message_response_write(&w, &m);
	cookie_stamp(&p->cookies, bytes, sizeof(bytes), now.ms);
	if (install(d, p, now))
		engine_emit(d, p, SPAN_ARRAY(bytes), ECN_NOT, now);
}

/* Why an initiation of a known sender was not taken. */
static enum device_drop refusal(enum rc rc)
{
	if (rc == RC_STALE)
		return DEVICE_DROP_STALE;
	return rc == RC_LIMIT ? DEVICE_DROP_FLOOD : DEVICE_DROP_HANDSHAKE;
}

/* Takes an initiation of a peer of this device, and answers. */
static void take_known(struct device *d, struct peer *p,
		       const struct device_datagram *in,
		       const struct noise_opening *o,
		       const struct message_initiation *m,
		       struct device_time now)
{
	enum rc rc = noise_initiation_take(&p->handshake, o, m, now.ms);

	if (rc) {
		engine_drop(d, refusal(rc));
		return;
	}
	/* An initiation of ours that waited was given up for this one. */
	set_index(d, p, 0);
	engine_heard(d, p, &in->source, in->n, now);
	respond(d, p, now);
	engine_schedule(d, p);
}

void engine_take_initiation(struct device *d, const struct device_datagram *in,
			    struct device_time now)
{
	struct noise_opening o AUTO(noise_opening_wipe) = { 0 };
	struct message_initiation m;
	struct peer *p;

	if (!message_initiation_read(&m, span_of(in->bytes, in->n)) ||
	    !admit(d, in, m.sender, now))
		return;
	if (noise_initiation_open(&o, d->identity, &m)) {
		engine_drop(d, DEVICE_DROP_HANDSHAKE);
		return;
	}
	p = device_peer_find(d, o.remote_static);
	if (!p)
		engine_drop(d, DEVICE_DROP_UNKNOWN_PEER);
	else if (p->home != d)
		engine_stray_initiation(d, p->home, in, &o);
	else
		take_known(d, p, in, &o, &m, now);
}

void engine_accept_initiation(struct device *d,
			      const struct device_datagram *in,
			      const struct noise_opening *o,
			      struct device_time now)
{
	struct peer *p = device_peer_find(d, o->remote_static);
	struct message_initiation m;

	/* It may have been removed, or added anew elsewhere, meanwhile. */
	if (!p || p->home != d)
		engine_drop(d, DEVICE_DROP_UNKNOWN_PEER);
	else if (message_initiation_read(&m, span_of(in->bytes, in->n)))
		take_known(d, p, in, o, &m, now);
}
/* The handshake is done for this side too: what waited may go. */
static void complete(struct device *d, struct peer *p, struct device_time now)
{
	timers_handshake_complete(&p->timers);
	p->handshake_unix_ns = now.unix_ns;
	p->unanswered = 0;
	engine_event(d, DEVICE_HANDSHAKE, p);
}

void engine_take_response(struct device *d, const struct device_datagram *in,
			  struct device_time now)
{
	struct noise_result r AUTO(noise_result_wipe) = { 0 };
	struct message_response m;
	struct peer *p;
	enum rc rc;

	if (!message_response_read(&m, span_of(in->bytes, in->n)) ||
	    engine_stray_datagram(d, m.receiver, in) ||
	    !admit(d, in, m.sender, now))
		return;
	p = map_get(&d->indexes, m.receiver);
	if (!p || p->handshake_index != m.receiver) {
		engine_drop(d, DEVICE_DROP_INDEX);
		return;
	}
	rc = noise_response_open(&r, &p->handshake, d->identity, &m);
	if (!rc)
		rc = noise_response_commit(&p->handshake, &r);
	if (rc || !install(d, p, now)) {
		engine_drop(d, refusal(rc));
		return;
	}
	engine_heard(d, p, &in->source, in->n, now);
	complete(d, p, now);
	/* Tells the responder at once that the session works. */
	engine_keepalive(d, p, now);
	engine_schedule(d, p);
}

void engine_take_cookie(struct device *d, const struct device_datagram *in,
			struct device_time now)
{
	struct message_cookie m;
	struct peer *p;

	if (!message_cookie_read(&m, span_of(in->bytes, in->n)) ||
	    engine_stray_datagram(d, m.receiver, in))
		return;
	p = map_get(&d->indexes, m.receiver);
	if (!p)
		engine_drop(d, DEVICE_DROP_INDEX);
	else if (!cookie_take(&p->cookies, &m, now.ms))
		engine_drop(d, DEVICE_DROP_HANDSHAKE);
}

void engine_confirmed(struct device *d, struct peer *p, struct device_time now)
{
	complete(d, p, now);
	engine_flush(d, p, now);
}
