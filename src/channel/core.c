#include "channel/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "channel/binding.h"
#include "crypto/rng.h"

/* ---- states */

bool core_is_over(const struct channel *c)
{
	return c->state == CHANNEL_OVER;
}

enum channel_event_kind core_event(const struct channel *c)
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
		return c->params.talk_ms ? CHANNEL_TALK : CHANNEL_KEY_WANTED;
	case SERVER_HEARD:
	case CLIENT_HEARD:
		return CHANNEL_HEARD;
	case CLIENT_OPEN:
		return CHANNEL_ASSIGNED;
	case CHANNEL_OVER:
		return c->end.kind;
	case SERVER_WAITS_HELLO:
	case SERVER_WAITS_EVIDENCE:
	case SERVER_WAITS_KEY:
	case SERVER_OPEN:
	case SERVER_LISTENS:
	case CLIENT_LISTENS:
	case CLIENT_WAITS_HELLO:
	case CLIENT_WAITS_EVIDENCE:
	case CLIENT_WAITS_ASSIGN:
	case CHANNEL_STATE_COUNT:
		break;
	}
	return CHANNEL_NOTHING;
}

/* Waits without a deadline but the lease's. */
static bool is_open(const struct channel *c)
{
	return c->state == SERVER_OPEN || c->state == CLIENT_OPEN ||
	       c->state == SERVER_LISTENS || c->state == CLIENT_HEARD;
}

void core_enter(struct channel *c, enum channel_state state, uint64_t now_ms)
{
	c->state = state;
	c->step_at = CORE_NEVER;
	if (!core_is_over(c) && !is_open(c))
		c->step_at = now_ms + c->params.step_timeout_ms;
	c->has_event = core_event(c) != CHANNEL_NOTHING;
}

void core_end(struct channel *c, enum channel_event_kind kind,
	      enum channel_reason reason, bool by_peer, const char *detail)
{
	c->end = (struct channel_event){
		.kind = kind,
		.reason = reason,
		.by_peer = by_peer,
		.round = c->round,
	};
	(void)snprintf(c->end.detail, sizeof(c->end.detail), "%s", detail);
	core_enter(c, CHANNEL_OVER, 0);
	c->lease_at = CORE_NEVER;
	secret_wipe(c->own_nonce, sizeof(c->own_nonce));
	secret_wipe(c->peer_nonce, sizeof(c->peer_nonce));
	buf_wipe(&c->in);
	buf_wipe(&c->heard);
}

void core_tell(struct channel *c, enum message_type type,
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

void core_refuse(struct channel *c, enum channel_reason reason,
		 const char *told, const char *kept)
{
	if (core_is_over(c))
		return;
	core_tell(c, MESSAGE_REFUSE, reason, told);
	core_end(c, CHANNEL_REFUSED, reason, false, kept);
}

void core_refuse_plainly(struct channel *c, enum channel_reason reason,
			 const char *detail)
{
	core_refuse(c, reason, detail, detail);
}

/* ---- binding */

bool core_binder(struct sha512 *out, const struct channel *c,
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
	ok = p->export(p->arg, b.exporter, BINDING_EXPORTER,
		       span_of(NULL, 0)) &&
	     !span_is_zero(SPAN_ARRAY(b.exporter));
	if (ok)
		binding_binder(out, &b);
	secret_wipe(&b, sizeof(b));
	return ok;
}

bool core_psk(struct key32 *out, const struct channel *c)
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

bool core_session_id(uint8_t out[32], const struct channel *c)
{
	const struct channel_params *p = &c->params;
	bool is_client = p->role == CHANNEL_CLIENT;
	uint8_t context[2 * CHANNEL_NONCE_LEN];

	if (core_is_over(c) || !c->has_peer)
		return false;
	memcpy(context, is_client ? c->own_nonce : c->peer_nonce,
	       CHANNEL_NONCE_LEN);
	memcpy(context + CHANNEL_NONCE_LEN,
	       is_client ? c->peer_nonce : c->own_nonce, CHANNEL_NONCE_LEN);
	return p->export(p->arg, out, BINDING_TALK_EXPORTER,
			 SPAN_ARRAY(context)) &&
	       !span_is_zero(span_of(out, 32));
}

/* ---- writing */

static bool add(struct channel *c, const struct wr *w)
{
	struct span done;

	if (wr_done(w, &done) && buf_add(&c->out, done))
		return true;
	core_refuse(c, CHANNEL_INTERNAL, "", "no room to write");
	return false;
}

bool core_say_hello(struct channel *c)
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

bool core_say_evidence(struct channel *c, const struct message_evidence *m)
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

bool core_say_key(struct channel *c)
{
	uint8_t frame[MESSAGE_HEADER_LEN + MESSAGE_KEY_LEN];
	struct wr w = WR_ARRAY(frame);
	struct message_key m = { .round = c->round };

	memcpy(m.wg_public, c->client_wg, sizeof(m.wg_public));
	message_write_key(&w, &m);
	return add(c, &w);
}

bool core_say_assign(struct channel *c)
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

bool core_say_data(struct channel *c, struct span data)
{
	size_t cap = MESSAGE_HEADER_LEN + data.n;
	uint8_t *frame = mem_new(cap);
	struct wr w = wr_over(frame, cap);
	bool ok;

	message_write_data(&w, data);
	ok = add(c, &w);
	secret_wipe(frame, cap);
	free(frame);
	return ok;
}
