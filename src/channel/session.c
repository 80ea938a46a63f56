#include "channel/session.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "channel/binding.h"
#include "channel/judge.h"
#include "channel/message.h"
#include "channel/state.h"
#include "crypto/rng.h"
#include "crypto/x25519.h"

enum {
	/* A peer that does not read cannot make us keep more than our longest
	 * answer and the refusal after it. */
	OUTPUT_MAX = 2 * CHANNEL_MESSAGE_MAX,
};
static const uint64_t NEVER = UINT64_MAX;

struct channel {
	struct channel_params params;
	struct sha256 own_claims; /* hash of params.claims */
	enum channel_state state;
	uint32_t round;
	uint8_t own_nonce[CHANNEL_NONCE_LEN], peer_nonce[CHANNEL_NONCE_LEN];
	uint64_t step_at, lease_at; /* deadlines; NEVER: none */
	struct buf in; /* one frame, as far as it came */
	size_t frame_len; /* of that frame; 0: its header is not whole */
	struct buf out;
	bool has_event; /* of the state just entered */

	struct channel_peer peer;
	struct sha256 peer_claims;
	bool has_peer, has_lease;
	uint8_t client_wg[32];
	struct channel_assignment assignment;
	struct channel_event end; /* why it is over */
};

const char *channel_reason_name(enum channel_reason r)
{
	static const char *const names[] = {
#define X(constant, name) name,
		CHANNEL_REASONS(X)
#undef X
	};

	return r < CHANNEL_REASON_COUNT ? names[r] : "reason-unknown";
}

/* ---- states */

static bool is_over(const struct channel *c)
{
	return c->state == CHANNEL_OVER;
}

/* What the owner is asked for when a state is entered. */
static enum channel_event_kind event_of(const struct channel *c)
{
	switch (c->state) {
	case SERVER_QUOTES:
	case CLIENT_QUOTES:
		return CHANNEL_QUOTE;
	case SERVER_JUDGED:
	case CLIENT_JUDGED:
		return CHANNEL_VERIFIED;
	case SERVER_KEYED:
		return CHANNEL_KEYED;
	case CLIENT_ADMITTED:
		return CHANNEL_KEY_WANTED;
	case CLIENT_OPEN:
		return CHANNEL_ASSIGNED;
	case CHANNEL_OVER:
		return c->end.kind;
	case SERVER_WAITS_HELLO:
	case SERVER_WAITS_EVIDENCE:
	case SERVER_WAITS_KEY:
	case SERVER_OPEN:
	case CLIENT_WAITS_HELLO:
	case CLIENT_WAITS_EVIDENCE:
	case CLIENT_WAITS_ASSIGN:
	case CHANNEL_STATE_COUNT:
		break;
	}
	return CHANNEL_NOTHING;
}

static bool is_open(const struct channel *c)
{
	return c->state == SERVER_OPEN || c->state == CLIENT_OPEN;
}

static void enter(struct channel *c, enum channel_state state, uint64_t now_ms)
{
	c->state = state;
	c->step_at = is_over(c) || is_open(c) ? NEVER : now_ms + c->params.step_timeout_ms;
	c->has_event = event_of(c) != CHANNEL_NOTHING;
}

/* The session is over; no secret outlives it but in the owner's hands. */
static void end(struct channel *c, enum channel_event_kind kind,
		enum channel_reason reason, bool by_peer, const char *detail)
{
	c->end = (struct channel_event){
		.kind = kind,
		.reason = reason,
		.by_peer = by_peer,
		.round = c->round,
	};
	(void)snprintf(c->end.detail, sizeof(c->end.detail), "%s", detail);
	enter(c, CHANNEL_OVER, 0);
	c->lease_at = NEVER;
	secret_wipe(c->own_nonce, sizeof(c->own_nonce));
	secret_wipe(c->peer_nonce, sizeof(c->peer_nonce));
	buf_wipe(&c->in);
}

static void tell(struct channel *c, enum message_type type,
		 enum channel_reason reason, const char *detail)
{
	uint8_t frame[MESSAGE_HEADER_LEN + MESSAGE_REFUSE_MAX];
	struct wr w = WR_ARRAY(frame);
	struct message_refusal m = { .reason = reason };
	struct span done;

	(void)snprintf(m.detail, sizeof(m.detail), "%s", detail);
	message_write_refusal(&w, type, &m);
	/* Without room the peer reads nothing, and a reason neither. */
	if (wr_done(&w, &done))
		(void)!buf_add(&c->out, done);
}

/* 'told' is sent to the peer, 'kept' is for our own log. */
static void refuse(struct channel *c, enum channel_reason reason,
		   const char *told, const char *kept)
{
	if (is_over(c))
		return;
	tell(c, MESSAGE_REFUSE, reason, told);
	end(c, CHANNEL_REFUSED, reason, false, kept);
}

static void refuse_plainly(struct channel *c, enum channel_reason reason,
			   const char *detail)
{
	refuse(c, reason, detail, detail);
}

/* A step of the owner's: one that is not due is our own mistake, and closed. */
static bool owner_step(struct channel *c, enum channel_step step,
		       enum channel_state *next)
{
	char detail[CHANNEL_DETAIL_MAX];

	if (is_over(c))
		return false;
	if (channel_state_next(next, c->state, step))
		return true;
	(void)snprintf(detail, sizeof(detail), "%s while %s",
		       channel_step_name(step), channel_state_name(c->state));
	refuse(c, CHANNEL_INTERNAL, "", detail);
	return false;
}

/* ---- binding */

/* The binder of one side in this round; false: there is no exporter. */
static bool binder_of(struct sha512 *out, const struct channel *c,
		      bool is_own, const struct sha256 *claims)
{
	const struct channel_params *p = &c->params;
	bool is_client = (p->role == CHANNEL_CLIENT) == is_own;
	struct binding b = {
		.role = is_client ? CHANNEL_CLIENT : CHANNEL_SERVER,
		.round = c->round,
		.own_spki = is_own ? p->own_spki : p->peer_spki,
		.peer_spki = is_own ? p->peer_spki : p->own_spki,
		.claims = *claims,
	};
	bool ok;

	memcpy(b.peer_nonce, is_own ? c->peer_nonce : c->own_nonce,
	       sizeof(b.peer_nonce));
	ok = p->export(p->arg, b.exporter, BINDING_EXPORTER, span_of(NULL, 0)) &&
	     !span_is_zero(SPAN_ARRAY(b.exporter));
	if (ok)
		binding_binder(out, &b);
	secret_wipe(&b, sizeof(b));
	return ok;
}

static bool psk_of(struct key32 *out, const struct channel *c)
{
	const struct channel_params *p = &c->params;
	bool is_client = p->role == CHANNEL_CLIENT;
	uint8_t context[BINDING_PSK_CONTEXT_LEN];

	binding_psk_context(context, c->client_wg, c->assignment.wg_public,
			    is_client ? c->own_nonce : c->peer_nonce,
			    is_client ? c->peer_nonce : c->own_nonce);
	return p->export(p->arg, out->b, BINDING_PSK_EXPORTER,
			 SPAN_ARRAY(context)) &&
	       !key32_is_zero(out);
}

/* ---- writing */

static bool add(struct channel *c, const struct wr *w)
{
	struct span done;

	if (wr_done(w, &done) && buf_add(&c->out, done))
		return true;
	refuse(c, CHANNEL_INTERNAL, "", "no room to write");
	return false;
}

static bool say_hello(struct channel *c)
{
	uint8_t frame[MESSAGE_HEADER_LEN + MESSAGE_HELLO_LEN];
	struct wr w = WR_ARRAY(frame);
	struct message_hello m = {
		.version = CHANNEL_VERSION,
		.role = c->params.role,
		.round = c->round,
	};

	rng_bytes(c->own_nonce, sizeof(c->own_nonce));
	memcpy(m.nonce, c->own_nonce, sizeof(m.nonce));
	message_write_hello(&w, &m);
	return add(c, &w);
}

static bool say_evidence(struct channel *c, const struct message_evidence *m)
{
	AUTO(mem_auto_free)
	uint8_t *frame = NULL;
	const size_t cap = MESSAGE_HEADER_LEN + MESSAGE_EVIDENCE_MAX;
	struct wr w;

	frame = mem_new(cap);
	w = wr_over(frame, cap);
	message_write_evidence(&w, m);
	return add(c, &w);
}

static bool say_key(struct channel *c)
{
	uint8_t frame[MESSAGE_HEADER_LEN + MESSAGE_KEY_LEN];
	struct wr w = WR_ARRAY(frame);
	struct message_key m = { .round = c->round };

	memcpy(m.wg_public, c->client_wg, sizeof(m.wg_public));
	message_write_key(&w, &m);
	return add(c, &w);
}

static bool say_assign(struct channel *c)
{
	uint8_t frame[MESSAGE_HEADER_LEN + MESSAGE_ASSIGN_MAX];
	struct wr w = WR_ARRAY(frame);
	struct message_assign m = {
		.round = c->round,
		.assignment = c->assignment,
	};

	message_write_assign(&w, &m);
	return add(c, &w);
}

/* ---- reading: one handler a message; each may refuse */

static bool is_this_round(struct channel *c, uint32_t round)
{
	if (round == c->round)
		return true;
	refuse_plainly(c, CHANNEL_BAD_ORDER, "round");
	return false;
}

static void on_hello(struct channel *c, struct span body,
		     enum channel_state next, uint64_t now_ms)
{
	enum channel_role peer_role = c->params.role == CHANNEL_CLIENT ? CHANNEL_SERVER : CHANNEL_CLIENT;
	struct message_hello m;
	enum rc rc = message_read_hello(&m, body);

	if (rc == RC_UNSUPPORTED) {
		refuse_plainly(c, CHANNEL_BAD_VERSION, "");
		return;
	}
	if (rc) {
		refuse_plainly(c, CHANNEL_BAD_MESSAGE, "hello");
		return;
	}
	if (m.role != peer_role) {
		refuse_plainly(c, CHANNEL_BAD_MESSAGE, "role");
		return;
	}
	/* The client's HELLO after a round begins the next one. */
	if (c->state == SERVER_OPEN)
		c->round++;
	if (!is_this_round(c, m.round))
		return;
	memcpy(c->peer_nonce, m.nonce, sizeof(c->peer_nonce));
	if (c->params.role == CHANNEL_SERVER && !say_hello(c))
		return;
	enter(c, next, now_ms);
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
		span_equal(SPAN_ARRAY(c->peer_claims.b), SPAN_ARRAY(claims->b)) &&
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
		refuse_plainly(c, CHANNEL_BAD_MESSAGE, "evidence");
		return;
	}
	if (!is_this_round(c, m.round))
		return;
	sha256_of(&claims, m.claims);
	if (!binder_of(&binder, c, false, &claims)) {
		refuse(c, CHANNEL_INTERNAL, "", "no exporter");
		return;
	}
	if (!judge_evidence(&peer, &why, &in)) {
		refuse(c, why.reason, why.told, why.kept);
		return;
	}
	if (!is_same_peer(c, &peer, &claims)) {
		manifest_fini(&peer.manifest);
		refuse_plainly(c, CHANNEL_IDENTITY_CHANGED, "");
		return;
	}
	manifest_fini(&c->peer.manifest);
	c->peer = peer;
	c->peer_claims = claims;
	c->has_peer = true;
	enter(c, next, now_ms);
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
		refuse_plainly(c, CHANNEL_BAD_MESSAGE, "key");
		return;
	}
	if (!is_this_round(c, m.round))
		return;
	if (!is_wg_key(m.wg_public) ||
	    span_equal(SPAN_ARRAY(m.wg_public), SPAN_ARRAY(c->params.wg_public))) {
		refuse_plainly(c, CHANNEL_KEY_INVALID, "");
		return;
	}
	memcpy(c->client_wg, m.wg_public, sizeof(c->client_wg));
	memcpy(c->assignment.wg_public, c->params.wg_public,
	       sizeof(c->assignment.wg_public));
	enter(c, next, now_ms);
}

static void on_assign(struct channel *c, struct span body,
		      enum channel_state next, uint64_t now_ms)
{
	struct message_assign m;

	if (message_read_assign(&m, body)) {
		refuse_plainly(c, CHANNEL_BAD_MESSAGE, "assign");
		return;
	}
	if (!is_this_round(c, m.round))
		return;
	if (!is_wg_key(m.assignment.wg_public) ||
	    span_equal(SPAN_ARRAY(m.assignment.wg_public), SPAN_ARRAY(c->client_wg))) {
		refuse_plainly(c, CHANNEL_KEY_INVALID, "");
		return;
	}
	c->assignment = m.assignment;
	c->has_lease = true;
	c->lease_at = now_ms + m.assignment.lease_ms;
	enter(c, next, now_ms);
}

static void on_withdraw(struct channel *c, struct span body)
{
	struct message_refusal m;

	if (message_read_refusal(&m, body)) {
		refuse_plainly(c, CHANNEL_BAD_MESSAGE, "withdraw");
		return;
	}
	end(c, CHANNEL_WITHDRAWN, m.reason, true, m.detail);
}

static void on_refuse(struct channel *c, struct span body)
{
	struct message_refusal m;

	if (message_read_refusal(&m, body)) {
		end(c, CHANNEL_REFUSED, CHANNEL_BAD_MESSAGE, true, "refuse");
		return;
	}
	end(c, CHANNEL_REFUSED, m.reason, true, m.detail);
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
		refuse_plainly(c, CHANNEL_BAD_MESSAGE, "type");
	else if (!is_due(c, type, &next))
		refuse_plainly(c, CHANNEL_BAD_ORDER, "");
	else if (n > message_max(type))
		refuse_plainly(c, CHANNEL_TOO_LARGE, "");
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
		refuse_plainly(c, CHANNEL_BAD_ORDER, "");
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
		refuse_plainly(c, CHANNEL_TOO_LARGE, "");
	return buf_span(&c->in).n == n;
}

void channel_input(struct channel *c, struct span bytes, uint64_t now_ms)
{
	while (!is_over(c)) {
		if (!fill(c, &bytes, MESSAGE_HEADER_LEN))
			return;
		if (c->frame_len == 0)
			check_header(c);
		if (is_over(c) || !fill(c, &bytes, c->frame_len))
			return;
		on_frame(c, now_ms);
		c->frame_len = 0;
		buf_fini(&c->in);
	}
}

/* ---- the owner's side */

struct channel *channel_new(const struct channel_params *params, uint64_t now_ms)
{
	struct channel *c = mem_new(sizeof(*c));

	assert(params->step_timeout_ms > 0);
	assert(params->claims.n <= CHANNEL_CLAIMS_MAX);
	assert(params->manifest.n <= MANIFEST_MAX);
	c->params = *params;
	c->lease_at = NEVER;
	sha256_of(&c->own_claims, params->claims);
	buf_init(&c->in, MESSAGE_HEADER_LEN + CHANNEL_MESSAGE_MAX);
	buf_init(&c->out, OUTPUT_MAX);
	enter(c, params->role == CHANNEL_CLIENT ? CLIENT_WAITS_HELLO : SERVER_WAITS_HELLO,
	      now_ms);
	if (params->role == CHANNEL_CLIENT)
		(void)say_hello(c);
	return c;
}

void channel_free(struct channel *c)
{
	if (!c)
		return;
	buf_wipe(&c->in);
	buf_wipe(&c->out);
	manifest_fini(&c->peer.manifest);
	secret_wipe(c, sizeof(*c));
	free(c);
}

struct buf *channel_output(struct channel *c)
{
	return &c->out;
}

uint64_t channel_deadline(const struct channel *c)
{
	return c->step_at < c->lease_at ? c->step_at : c->lease_at;
}

void channel_expire(struct channel *c, uint64_t now_ms)
{
	if (now_ms < channel_deadline(c))
		return;
	if (c->lease_at <= now_ms)
		refuse_plainly(c, CHANNEL_LEASE_LAPSED, "");
	else if (event_of(c) == CHANNEL_QUOTE)
		refuse_plainly(c, CHANNEL_NO_QUOTE, "timeout");
	else if (event_of(c) != CHANNEL_NOTHING)
		refuse(c, CHANNEL_INTERNAL, "", "the owner did not answer");
	else
		refuse_plainly(c, CHANNEL_TIMEOUT, channel_state_name(c->state));
}

/* Fills the event of the state just entered; false: it cannot be. */
static bool make_event(struct channel *c, struct channel_event *e)
{
	e->kind = event_of(c);
	e->round = c->round;
	if (e->kind == CHANNEL_QUOTE)
		return binder_of(&e->binder, c, true, &c->own_claims);
	if (e->kind != CHANNEL_KEYED && e->kind != CHANNEL_ASSIGNED)
		return true;
	memcpy(e->peer_wg_public,
	       e->kind == CHANNEL_KEYED ? c->client_wg : c->assignment.wg_public,
	       sizeof(e->peer_wg_public));
	if (e->kind == CHANNEL_ASSIGNED)
		e->assignment = c->assignment;
	return psk_of(&e->psk, c);
}

void channel_next(struct channel *c, struct channel_event *out, uint64_t now_ms)
{
	(void)now_ms;
	*out = (struct channel_event){ .round = c->round };
	if (!c->has_event)
		return;
	c->has_event = false;
	if (!is_over(c) && make_event(c, out))
		return;
	if (!is_over(c)) {
		refuse(c, CHANNEL_INTERNAL, "", "no exporter");
		c->has_event = false;
	}
	*out = c->end;
}

void channel_quoted(struct channel *c, struct span quote, struct span eventlog,
		    uint64_t leaf_index, uint64_t leaf_count,
		    const struct merkle_hash *path, size_t path_count,
		    uint64_t now_ms)
{
	struct message_evidence m = {
		.round = c->round,
		.leaf_index = leaf_index,
		.leaf_count = leaf_count,
		.claims = c->params.claims,
		.manifest = c->params.manifest,
		.eventlog = eventlog,
		.quote = quote,
	};
	enum channel_state next;

	if (!owner_step(c, STEP_QUOTED, &next))
		return;
	if (path_count > MERKLE_PATH_MAX || quote.n > QUOTE_MAX ||
	    eventlog.n > EVENTLOG_MAX) {
		refuse_plainly(c, CHANNEL_NO_QUOTE, "evidence too large");
		return;
	}
	if (path_count)
		memcpy(m.path, path, path_count * sizeof(*path));
	m.path_count = path_count;
	if (say_evidence(c, &m))
		enter(c, next, now_ms);
}

const struct channel_peer *channel_peer(const struct channel *c)
{
	return c->has_peer ? &c->peer : NULL;
}

void channel_admit(struct channel *c, uint64_t now_ms)
{
	enum channel_state next;

	if (owner_step(c, STEP_ADMITTED, &next))
		enter(c, next, now_ms);
}

void channel_offer_key(struct channel *c, const uint8_t wg_public[32],
		       uint64_t now_ms)
{
	enum channel_state next;

	if (!owner_step(c, STEP_OFFERED, &next))
		return;
	memcpy(c->client_wg, wg_public, sizeof(c->client_wg));
	if (say_key(c))
		enter(c, next, now_ms);
}

void channel_assign(struct channel *c, const struct channel_assignment *a,
		    uint64_t now_ms)
{
	enum channel_state next;

	if (!owner_step(c, STEP_ASSIGNED, &next))
		return;
	if (!message_assignment_is_sound(a)) {
		refuse(c, CHANNEL_INTERNAL, "", "assignment not sound");
		return;
	}
	c->assignment = *a;
	memcpy(c->assignment.wg_public, c->params.wg_public,
	       sizeof(c->assignment.wg_public));
	if (!say_assign(c))
		return;
	c->has_lease = true;
	c->lease_at = now_ms + a->lease_ms;
	enter(c, next, now_ms);
}

void channel_renew(struct channel *c, uint64_t now_ms)
{
	enum channel_state next;

	if (!channel_state_next(&next, c->state, STEP_RENEWED))
		return;
	c->round++;
	if (say_hello(c))
		enter(c, next, now_ms);
}

void channel_refuse(struct channel *c, enum channel_reason reason,
		    const char *detail)
{
	refuse_plainly(c, reason, detail ? detail : "");
}

void channel_withdraw(struct channel *c, enum channel_reason reason)
{
	enum channel_state next;

	if (is_over(c))
		return;
	if (!channel_state_next(&next, c->state, STEP_WITHDRAWN)) {
		refuse_plainly(c, reason, "");
		return;
	}
	tell(c, MESSAGE_WITHDRAW, reason, "");
	end(c, CHANNEL_WITHDRAWN, reason, false, "");
}
