#include "edge/requests.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "tls/peer.h"

/* The address alone, as X-Forwarded-For has it. */
static void write_client(char out[64], const struct sock_addr *a)
{
	const void *address = &a->in.sin_addr;

	if (a->sa.sa_family == AF_INET6)
		address = &a->in6.sin6_addr;
	if ((a->sa.sa_family != AF_INET && a->sa.sa_family != AF_INET6) ||
	    !inet_ntop(a->sa.sa_family, address, out, 64))
		memcpy(out, "unknown", sizeof("unknown")); /* RFC 7239 §6.2 */
}

/* A format that proxies share: each value is quoted where it could be read in
 * two ways; the subject has no bare quote. */
static char *describe(const struct tls_peer *peer)
{
	char text[VOUCH_CERTIFICATE_MAX + 1];
	struct wr w = wr_over(text, VOUCH_CERTIFICATE_MAX);

	static_assert(2 * sizeof(peer->sha256) + TLS_PEER_SUBJECT_MAX + 32 <
		      VOUCH_CERTIFICATE_MAX);
	wr_str(&w, "Hash=");
	text_hex(&w, SPAN_ARRAY(peer->sha256));
	if (peer->subject[0]) {
		wr_str(&w, ";Subject=\"");
		wr_str(&w, peer->subject);
		wr_str(&w, "\"");
	}
	text[w.n] = '\0';
	return mem_dup(text);
}

static void set_own(struct requests *r, const struct requests_options *o)
{
	struct wr hex = wr_over(r->binding, sizeof(r->binding) - 1);

	if (o->binding)
		text_hex(&hex, SPAN_ARRAY(o->binding->b));
	r->own = (struct vouch_own){
		.binding = wr_span(&hex),
		.tls = span_str(o->is_tls13 ? "TLSv1.3" : "TLSv1.2"),
	};
	r->vouch.own = &r->own;
	r->vouch.own_name = o->own_name;
}

struct requests *requests_new(const struct requests_options *o)
{
	struct requests *r = mem_new(sizeof(*r));

	*r = (struct requests){ .is_h2 = o->is_h2 };
	write_client(r->client, o->client);
	r->vouch = (struct vouch){
		.name = o->name,
		.is_forwarding = o->is_forwarding,
		.client = span_str(r->client),
	};
	if (o->certificate) {
		r->certificate = describe(o->certificate);
		r->vouch.certificate = span_str(r->certificate);
	}
	memcpy(r->vouch.id, o->id, VOUCH_ID_LEN);
	if (o->own_name.n)
		set_own(r, o);
	buf_init(&r->held, o->read_max);
	if (o->is_h2)
		guard_init(&r->guard, &r->vouch);
	else
		filter_init(&r->filter, &r->vouch);
	return r;
}

void requests_free(struct requests *r)
{
	if (!r)
		return;
	if (r->is_h2)
		guard_fini(&r->guard);
	else
		filter_fini(&r->filter);
	buf_fini(&r->held);
	free(r->certificate);
	free(r);
}

size_t requests_out_max(size_t read_max)
{
	size_t piece = REQUESTS_PIECE_MAX;

	return REQUESTS_OUT_STOP + (read_max > piece ? read_max : piece);
}

static void set_result(struct requests *r, const char *reason)
{
	(void)snprintf(r->result, sizeof(r->result), "http_%s", reason);
}

/* What filter and guard say, in one word. */
enum taken {
	TAKEN_SEND,
	TAKEN_MORE,
	TAKEN_HOLD,
	TAKEN_REFUSE,
};

static enum taken take_http1(struct filter *f, struct span *in,
			     struct span *piece)
{
	switch (filter_up(f, in, piece)) {
	case FILTER_SEND:
		return TAKEN_SEND;
	case FILTER_MORE:
		return TAKEN_MORE;
	case FILTER_HOLD:
		return TAKEN_HOLD;
	case FILTER_REFUSE:
		break;
	}
	return TAKEN_REFUSE;
}

static enum taken take_h2(struct guard *g, struct span *in, struct span *piece)
{
	switch (guard_up(g, in, piece)) {
	case GUARD_SEND:
		return TAKEN_SEND;
	case GUARD_MORE:
		return TAKEN_MORE;
	case GUARD_BROKEN:
		break;
	}
	return TAKEN_REFUSE;
}

static enum taken take(struct requests *r, struct span *in, struct span *piece)
{
	if (r->is_h2)
		return take_h2(&r->guard, in, piece);
	return take_http1(&r->filter, in, piece);
}

static bool has_part_of_head(const struct requests *r)
{
	return r->is_h2 ? r->guard.opening.stream != 0 : r->filter.head.n > 0;
}

static const char *reason_of(const struct requests *r)
{
	return r->is_h2 ? r->guard.reason : r->filter.why.reason;
}

static bool has_switched(const struct requests *r)
{
	return !r->is_h2 && r->filter.has_switched;
}

/* Puts out what may go; the rest stays in 'in'. */
static enum requests_status put_out(struct requests *r, struct buf *out,
				    struct span *direct, struct span *in)
{
	enum taken taken = TAKEN_SEND;
	struct span piece;
	bool had;

	while (taken == TAKEN_SEND && out->n < REQUESTS_OUT_STOP) {
		had = has_switched(r);
		taken = take(r, in, &piece);
		if (taken == TAKEN_REFUSE) {
			set_result(r, reason_of(r));
			return REQUESTS_REFUSED;
		}
		if (taken != TAKEN_SEND)
			break;
		/* What is put out already is for another backend. */
		if (out->n > 0 && !had && has_switched(r)) {
			set_result(r, "other_service");
			return REQUESTS_REFUSED;
		}
		/* Alone and whole, as most are: no need to copy it. */
		if (direct && out->n == 0 && in->n == 0) {
			*direct = piece;
			break;
		}
		if (!buf_add(out, piece)) {
			set_result(r, "no_room");
			return REQUESTS_REFUSED;
		}
	}
	return REQUESTS_OK;
}

static enum requests_status take_held(struct requests *r, struct buf *out)
{
	struct span rest = buf_span(&r->held);
	enum requests_status status = put_out(r, out, NULL, &rest);

	buf_consume(&r->held, r->held.n - rest.n);
	if (r->held.n == 0)
		buf_fini(&r->held);
	return status;
}

enum requests_status requests_take(struct requests *r, struct buf *out,
				   struct span *direct, struct span in,
				   uint64_t now_ms)
{
	enum requests_status status;

	*direct = span_of(NULL, 0);
	if (r->held.n > 0) {
		status = take_held(r, out);
	} else {
		status = put_out(r, out, direct, &in);
		if (!status && !buf_add(&r->held, in)) {
			set_result(r, "no_room");
			status = REQUESTS_REFUSED;
		}
	}
	if (!has_part_of_head(r))
		r->head_since_ms = 0;
	else if (r->head_since_ms == 0)
		r->head_since_ms = now_ms;
	return status;
}

bool requests_have_switched(struct requests *r)
{
	bool has = has_switched(r);

	if (has)
		r->filter.has_switched = false;
	return has;
}

bool requests_are_own(const struct requests *r)
{
	return !r->is_h2 && r->filter.is_own;
}

bool requests_are_idle(const struct requests *r)
{
	return !r->is_h2 && r->held.n == 0 && filter_is_idle(&r->filter);
}

bool requests_are_held(const struct requests *r)
{
	return r->held.n > 0;
}

bool requests_are_waiting(const struct requests *r)
{
	const struct filter *f = &r->filter;

	if (r->held.n == 0 || r->is_h2)
		return false;
	return (f->up == FILTER_UP_ASKED && f->down != FILTER_DOWN_LOST) ||
	       (f->up == FILTER_UP_HEAD && f->waiting == FILTER_PIPELINE_MAX);
}

enum requests_step requests_give(struct requests *r, struct span *in,
				 struct span *piece)
{
	if (!r->is_h2) {
		*piece = *in;
		filter_down(&r->filter, *in);
		(void)rd_skip(in, piece->n);
		return piece->n ? REQUESTS_SEND : REQUESTS_MORE;
	}
	switch (guard_down(&r->guard, in, piece)) {
	case GUARD_SEND:
		return REQUESTS_SEND;
	case GUARD_MORE:
		return REQUESTS_MORE;
	case GUARD_BROKEN:
		break;
	}
	set_result(r, reason_of(r));
	return REQUESTS_BROKEN;
}

void requests_refusal(const struct requests *r, struct requests_refusal *out)
{
	const struct filter *f = &r->filter;

	*out = (struct requests_refusal){ .reason = r->result };
	if (r->is_h2) {
		out->needs_goaway = !r->guard.has_settings;
		out->error = r->guard.error;
	} else if (filter_may_answer(f)) {
		out->status = f->why.status;
	}
}

void requests_late(struct requests *r)
{
	set_result(r, "head_timeout");
	if (!r->is_h2)
		r->filter.why.status = 408;
}
