#include "channel/receive.h"

#include <string.h>

#include "base/mem.h"
#include "channel/core.h"
#include "channel/judge.h"
#include "crypto/x25519.h"

/* ---- reading: one handler a message; each may refuse */

static bool is_this_round(struct channel *c, uint32_t round)
{
	if (round == c->round)
		return true;
	core_refuse_plainly(c, CHANNEL_BAD_ORDER, "round");
	return false;
}

static void on_hello(struct channel *c, struct span body,
		     enum channel_state next, uint64_t now_ms)
{
	struct message_hello m;
	enum rc rc = message_read_hello(&m, body);

	if (rc == RC_UNSUPPORTED) {
		core_refuse_plainly(c, CHANNEL_BAD_VERSION, "");
		return;
	}
	if (rc) {
		core_refuse_plainly(c, CHANNEL_BAD_MESSAGE, "hello");
		return;
	}
	if (m.role == c->params.role) {
		core_refuse_plainly(c, CHANNEL_BAD_MESSAGE, "role");
		return;
	}
	if (c->state == SERVER_OPEN && now_ms < c->renewable_at) {
		core_refuse_plainly(c, CHANNEL_OVERLOADED, "round too soon");
		return;
	}
	/* The client's HELLO after a round begins the next one. */
	if (c->state == SERVER_OPEN)
		c->round++;
	if (!is_this_round(c, m.round))
		return;
	memcpy(c->peer_nonce, m.nonce, sizeof(c->peer_nonce));
	if (c->params.role == CHANNEL_SERVER && !core_say_hello(c))
		return;
	core_enter(c, next, now_ms);
}

/* Renewal does not let one peer become another. */
static bool is_same_peer(const struct channel *c, const struct channel_peer *p,
			 const struct sha256 *claims)
{
	const struct channel_peer *old = &c->peer;

	return !c->has_peer ||
	       (span_equal(SPAN_ARRAY(old->manifest.hash.b),
			   SPAN_ARRAY(p->manifest.hash.b)) &&
		span_equal(SPAN_ARRAY(old->instance_id),
			   SPAN_ARRAY(p->instance_id)) &&
		span_equal(SPAN_ARRAY(c->peer_claims.b),
			   SPAN_ARRAY(claims->b)) &&
		old->is_simulated == p->is_simulated);
}

static void on_evidence(struct channel *c, struct span body,
			enum channel_state next, uint64_t now_ms)
{
	struct message_evidence m;
	struct judge_refusal why;
	struct channel_peer peer;
	struct sha256 claims;
	struct sha512 binder;
	struct judge_input in = {
		.evidence = &m,
		.binder = &binder,
		.purpose = c->params.purpose,
		.verify = c->params.verify,
		.arg = c->params.arg,
	};

	if (message_read_evidence(&m, body)) {
		core_refuse_plainly(c, CHANNEL_BAD_MESSAGE, "evidence");
		return;
	}
	if (!is_this_round(c, m.round))
		return;
	sha256_of(&claims, m.claims);
	if (!core_binder(&binder, c, false, &claims)) {
		core_refuse(c, CHANNEL_INTERNAL, "", "no exporter");
		return;
	}
	if (!judge_evidence(&peer, &why, &in)) {
		core_refuse(c, why.reason, why.told, why.kept);
		return;
	}
	if (!is_same_peer(c, &peer, &claims)) {
		manifest_fini(&peer.manifest);
		core_refuse_plainly(c, CHANNEL_IDENTITY_CHANGED, "");
		return;
	}
	manifest_fini(&c->peer.manifest);
	c->peer = peer;
	c->peer_claims = claims;
	c->has_peer = true;
	core_enter(c, next, now_ms);
}

/* A point of low order would make the tunnel's Diffie-Hellman known to all. */
static bool is_wg_key(const uint8_t key[32])
{
	AUTO(key32_wipe)
	struct key32 secret, shared;

	x25519_generate(&secret);
	return x25519_shared(&shared, &secret, key);
}

static void on_key(struct channel *c, struct span body,
		   enum channel_state next, uint64_t now_ms)
{
	struct message_key m;

	if (message_read_key(&m, body)) {
		core_refuse_plainly(c, CHANNEL_BAD_MESSAGE, "key");
		return;
	}
	if (!is_this_round(c, m.round))
		return;
	if (!is_wg_key(m.wg_public) ||
	    span_equal(SPAN_ARRAY(m.wg_public),
		       SPAN_ARRAY(c->params.wg_public))) {
		core_refuse_plainly(c, CHANNEL_KEY_INVALID, "");
		return;
	}
	memcpy(c->client_wg, m.wg_public, sizeof(c->client_wg));
	memcpy(c->assignment.wg_public, c->params.wg_public,
	       sizeof(c->assignment.wg_public));
	core_enter(c, next, now_ms);
}

static void on_assign(struct channel *c, struct span body,
		      enum channel_state next, uint64_t now_ms)
{
	struct message_assign m;

	if (message_read_assign(&m, body)) {
		core_refuse_plainly(c, CHANNEL_BAD_MESSAGE, "assign");
		return;
	}
	if (!is_this_round(c, m.round))
		return;
	if (!is_wg_key(m.assignment.wg_public) ||
	    span_equal(SPAN_ARRAY(m.assignment.wg_public),
		       SPAN_ARRAY(c->client_wg))) {
		core_refuse_plainly(c, CHANNEL_KEY_INVALID, "");
		return;
	}
	c->assignment = m.assignment;
	c->has_lease = true;
	c->lease_at = now_ms + m.assignment.lease_ms;
	core_enter(c, next, now_ms);
}

static void on_data(struct channel *c, struct span body,
		    enum channel_state next, uint64_t now_ms)
{
	buf_wipe(&c->heard);
	if (buf_add(&c->heard, body))
		core_enter(c, next, now_ms);
	else
		core_refuse_plainly(c, CHANNEL_TOO_LARGE, "data");
}

static void on_withdraw(struct channel *c, struct span body)
{
	struct message_refusal m;

	if (message_read_refusal(&m, body)) {
		core_refuse_plainly(c, CHANNEL_BAD_MESSAGE, "withdraw");
		return;
	}
	core_end(c, CHANNEL_WITHDRAWN, m.reason, true, m.detail);
}

static void on_refuse(struct channel *c, struct span body)
{
	struct message_refusal m;

	if (message_read_refusal(&m, body)) {
		core_end(c, CHANNEL_REFUSED, CHANNEL_BAD_MESSAGE, true,
			 "refuse");
		return;
	}
	core_end(c, CHANNEL_REFUSED, m.reason, true, m.detail);
}

/* ---- framing */

static bool step_of(enum channel_step *step, uint8_t type)
{
	switch (type) {
	case MESSAGE_HELLO:
		*step = STEP_GOT_HELLO;
		return true;
	case MESSAGE_EVIDENCE:
		*step = STEP_GOT_EVIDENCE;
		return true;
	case MESSAGE_KEY:
		*step = STEP_GOT_KEY;
		return true;
	case MESSAGE_ASSIGN:
		*step = STEP_GOT_ASSIGN;
		return true;
	case MESSAGE_WITHDRAW:
		*step = STEP_GOT_WITHDRAW;
		return true;
	case MESSAGE_DATA:
		*step = STEP_GOT_DATA;
		return true;
	default:
		return false;
	}
}

/* Whether a message of this type may come now; where it leads. */
static bool is_due(const struct channel *c, uint8_t type,
		   enum channel_state *next)
{
	enum channel_step step;

	if (type == MESSAGE_REFUSE)
		return true;
	/* Without a lease there is nothing to withdraw. */
	if (type == MESSAGE_WITHDRAW && !c->has_lease)
		return false;
	/* Either keys of a tunnel or talk, never both. */
	if (c->params.talk_ms ? type == MESSAGE_KEY || type == MESSAGE_WITHDRAW
			      : type == MESSAGE_DATA)
		return false;
	return step_of(&step, type) && channel_state_next(next, c->state, step);
}

/* Judges a frame by its header alone, before a byte of its body is kept. */
static void check_header(struct channel *c)
{
	struct span s = buf_span(&c->in);
	enum channel_state next;
	uint8_t type;
	uint32_t n;

	if (!rd_u8(&s, &type) || !rd_be24(&s, &n))
		return;
	if (message_max(type) == 0)
		core_refuse_plainly(c, CHANNEL_BAD_MESSAGE, "type");
	else if (!is_due(c, type, &next))
		core_refuse_plainly(c, CHANNEL_BAD_ORDER, "");
	else if (n > message_max(type))
		core_refuse_plainly(c, CHANNEL_TOO_LARGE, "");
	else
		c->frame_len = MESSAGE_HEADER_LEN + n;
}

static void on_frame(struct channel *c, uint64_t now_ms)
{
	struct span body = buf_span(&c->in);
	enum channel_state next = c->state;
	uint8_t type = body.p[0];

	(void)rd_skip(&body, MESSAGE_HEADER_LEN);
	/* The owner may have moved on since the header came. */
	if (!is_due(c, type, &next)) {
		core_refuse_plainly(c, CHANNEL_BAD_ORDER, "");
		return;
	}
	switch ((enum message_type)type) {
	case MESSAGE_HELLO:
		on_hello(c, body, next, now_ms);
		break;
	case MESSAGE_EVIDENCE:
		on_evidence(c, body, next, now_ms);
		break;
	case MESSAGE_KEY:
		on_key(c, body, next, now_ms);
		break;
	case MESSAGE_ASSIGN:
		on_assign(c, body, next, now_ms);
		break;
	case MESSAGE_WITHDRAW:
		on_withdraw(c, body);
		break;
	case MESSAGE_DATA:
		on_data(c, body, next, now_ms);
		break;
	case MESSAGE_REFUSE:
		on_refuse(c, body);
		break;
	}
}

/* Takes bytes until the frame at hand has n of them. */
static bool fill(struct channel *c, struct span *bytes, size_t n)
{
	size_t have = buf_span(&c->in).n;
	struct span part;

	if (have >= n)
		return true;
	part = span_of(bytes->p, bytes->n < n - have ? bytes->n : n - have);
	(void)rd_skip(bytes, part.n);
	if (!buf_add(&c->in, part))
		core_refuse_plainly(c, CHANNEL_TOO_LARGE, "");
	return buf_span(&c->in).n == n;
}

void receive_bytes(struct channel *c, struct span bytes, uint64_t now_ms)
{
	while (!core_is_over(c)) {
		if (!fill(c, &bytes, MESSAGE_HEADER_LEN))
			return;
		if (c->frame_len == 0)
			check_header(c);
		if (core_is_over(c) || !fill(c, &bytes, c->frame_len))
			return;
		on_frame(c, now_ms);
		c->frame_len = 0;
		buf_wipe(&c->in);
	}
}
