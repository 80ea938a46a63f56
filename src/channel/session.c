#include "channel/session.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "channel/core.h"
#include "channel/receive.h"

enum {
	/* A peer that does not read cannot make us keep more than our longest
	 * answer and the refusal after it. */
	OUTPUT_MAX = 2 * CHANNEL_MESSAGE_MAX,
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

bool channel_reason_ends_lease(enum channel_reason r)
{
	switch (r) {
	case CHANNEL_BINDING_MISMATCH:
	case CHANNEL_EVIDENCE_REFUSED:
	case CHANNEL_CLAIMS_MALFORMED:
	case CHANNEL_CLAIMS_MISMATCH:
	case CHANNEL_MANIFEST_MISMATCH:
	case CHANNEL_PURPOSE:
	case CHANNEL_PEER_DENIED:
	case CHANNEL_LEASE_WITHDRAWN:
	case CHANNEL_LEASE_LAPSED:
	case CHANNEL_IDENTITY_CHANGED:
		return true;
	case CHANNEL_OK:
	case CHANNEL_BAD_MESSAGE:
	case CHANNEL_BAD_ORDER:
	case CHANNEL_BAD_VERSION:
	case CHANNEL_TOO_LARGE:
	case CHANNEL_TIMEOUT:
	case CHANNEL_NO_ADDRESS:
	case CHANNEL_KEY_INVALID:
	case CHANNEL_KEY_IN_USE:
	case CHANNEL_OVERLOADED:
	case CHANNEL_NO_QUOTE:
	case CHANNEL_INTERNAL:
	case CHANNEL_SHUTDOWN:
	case CHANNEL_UNKNOWN:
	case CHANNEL_REASON_COUNT:
		break;
	}
	return false;
}

/* A step of the owner's: one that is not due is our own mistake, and closed. */
static bool owner_step(struct channel *c, enum channel_step step,
		       enum channel_state *next)
{
	char detail[CHANNEL_DETAIL_MAX];

	if (core_is_over(c))
		return false;
	/* Nor may it come before the owner has seen the event it answers. */
	if (!c->has_event && channel_state_next(next, c->state, step))
		return true;
	(void)snprintf(detail, sizeof(detail), "%s while %s",
		       channel_step_name(step), channel_state_name(c->state));
	core_refuse(c, CHANNEL_INTERNAL, "", detail);
	return false;
}

struct channel *channel_new(const struct channel_params *params,
			    uint64_t now_ms)
{
	struct channel *c = mem_new(sizeof(*c));

	assert(params->step_timeout_ms > 0);
	assert(params->claims.n <= CHANNEL_CLAIMS_MAX);
	assert(params->manifest.n <= MANIFEST_MAX);
	c->params = *params;
	c->lease_at = CORE_NEVER;
	sha256_of(&c->own_claims, params->claims);
	buf_init(&c->in, MESSAGE_HEADER_LEN + CHANNEL_MESSAGE_MAX);
	buf_init(&c->out, OUTPUT_MAX);
	buf_init(&c->heard, CHANNEL_DATA_MAX);
	if (params->role == CHANNEL_CLIENT) {
		core_enter(c, CLIENT_WAITS_HELLO, now_ms);
		(void)core_say_hello(c);
	} else {
		core_enter(c, SERVER_WAITS_HELLO, now_ms);
	}
	return c;
}

void channel_free(struct channel *c)
{
	if (!c)
		return;
	buf_wipe(&c->in);
	buf_wipe(&c->out);
	buf_wipe(&c->heard);
	manifest_fini(&c->peer.manifest);
	secret_wipe(c, sizeof(*c));
	free(c);
}

void channel_input(struct channel *c, struct span bytes, uint64_t now_ms)
{
	receive_bytes(c, bytes, now_ms);
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
		core_refuse_plainly(c, CHANNEL_LEASE_LAPSED, "");
	else if (core_event(c) == CHANNEL_QUOTE)
		core_refuse_plainly(c, CHANNEL_NO_QUOTE, "timeout");
	else if (core_event(c) != CHANNEL_NOTHING)
		core_refuse(c, CHANNEL_INTERNAL, "", "no answer of the owner");
	else
		core_refuse_plainly(c, CHANNEL_TIMEOUT,
				    channel_state_name(c->state));
}

/* Fills the event of the state just entered; false: it cannot be. */
static bool make_event(struct channel *c, struct channel_event *e)
{
	e->kind = core_event(c);
	e->round = c->round;
	if (e->kind == CHANNEL_QUOTE)
		return core_binder(&e->binder, c, true, &c->own_claims);
	if (e->kind == CHANNEL_HEARD)
		e->data = buf_span(&c->heard);
	if (e->kind != CHANNEL_KEYED && e->kind != CHANNEL_ASSIGNED)
		return true;
	if (e->kind == CHANNEL_ASSIGNED) {
		e->assignment = c->assignment;
		memcpy(e->peer_wg_public, c->assignment.wg_public,
		       sizeof(e->peer_wg_public));
	} else {
		memcpy(e->peer_wg_public, c->client_wg,
		       sizeof(e->peer_wg_public));
	}
	return core_psk(&e->psk, c);
}

void channel_next(struct channel *c, struct channel_event *out)
{
	*out = (struct channel_event){ .round = c->round };
	if (!c->has_event)
		return;
	c->has_event = false;
	if (!core_is_over(c) && make_event(c, out))
		return;
	if (!core_is_over(c)) {
		core_refuse(c, CHANNEL_INTERNAL, "", "no exporter");
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
		core_refuse_plainly(c, CHANNEL_NO_QUOTE, "evidence too large");
		return;
	}
	if (path_count)
		memcpy(m.path, path, path_count * sizeof(*path));
	m.path_count = path_count;
	if (core_say_evidence(c, &m))
		core_enter(c, next, now_ms);
}

const struct channel_peer *channel_peer(const struct channel *c)
{
	return c->has_peer ? &c->peer : NULL;
}

void channel_admit(struct channel *c, uint64_t now_ms)
{
	enum channel_state next;

	if (owner_step(c, STEP_ADMITTED, &next))
		core_enter(c, next, now_ms);
}

void channel_offer_key(struct channel *c, const uint8_t wg_public[32],
		       uint64_t now_ms)
{
	enum channel_state next;

	if (!owner_step(c, STEP_OFFERED, &next))
		return;
	if (c->params.talk_ms) {
		core_refuse(c, CHANNEL_INTERNAL, "", "a key where it talks");
		return;
	}
	memcpy(c->client_wg, wg_public, sizeof(c->client_wg));
	if (core_say_key(c))
		core_enter(c, next, now_ms);
}

void channel_assign(struct channel *c, const struct channel_assignment *a,
		    uint64_t now_ms)
{
	enum channel_state next;

	if (!owner_step(c, STEP_ASSIGNED, &next))
		return;
	if (!message_assignment_is_sound(a)) {
		core_refuse(c, CHANNEL_INTERNAL, "", "assignment not sound");
		return;
	}
	c->assignment = *a;
	memcpy(c->assignment.wg_public, c->params.wg_public,
	       sizeof(c->assignment.wg_public));
	if (!core_say_assign(c))
		return;
	c->has_lease = true;
	c->lease_at = now_ms + a->lease_ms;
	c->renewable_at = now_ms + c->params.round_min_ms;
	core_enter(c, next, now_ms);
}

void channel_say(struct channel *c, struct span data, uint64_t now_ms)
{
	enum channel_state next;

	if (!owner_step(c, STEP_SAID, &next))
		return;
	if (!c->params.talk_ms || data.n > CHANNEL_DATA_MAX) {
		core_refuse(c, CHANNEL_INTERNAL, "", "cannot be said");
		return;
	}
	buf_wipe(&c->heard);
	if (!core_say_data(c, data))
		return;
	if (!c->has_lease)
		c->lease_at = now_ms + c->params.talk_ms;
	c->has_lease = true;
	core_enter(c, next, now_ms);
}

bool channel_session_id(const struct channel *c, uint8_t out[32])
{
	return core_session_id(out, c);
}

void channel_renew(struct channel *c, uint64_t now_ms)
{
	enum channel_state next;

	if (c->has_event || !channel_state_next(&next, c->state, STEP_RENEWED))
		return;
	c->round++;
	if (core_say_hello(c))
		core_enter(c, next, now_ms);
}

void channel_refuse(struct channel *c, enum channel_reason reason,
		    const char *detail)
{
	core_refuse_plainly(c, reason, detail ? detail : "");
}

void channel_withdraw(struct channel *c, enum channel_reason reason)
{
	enum channel_state next;

	if (core_is_over(c))
		return;
	if (!channel_state_next(&next, c->state, STEP_WITHDRAWN)) {
		core_refuse_plainly(c, reason, "");
		return;
	}
	core_tell(c, MESSAGE_WITHDRAW, reason, "");
	core_end(c, CHANNEL_WITHDRAWN, reason, false, "");
}
