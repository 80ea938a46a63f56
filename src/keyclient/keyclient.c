#include "keyclient/keyclient.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "channel/link.h"
#include "io/clock.h"
#include "io/loop.h"
#include "node/quoter.h"
#include "tls/tls.h"

enum {
	NODE_TIMEOUT_MS = 10000,
	TIMEOUT_MS = 60000,
	TURN_MAX_MS = 200,
	TALK_MS = 60000,
	NAME_MAX_LEN = 128,
};

/* What is asked, and what came. */
struct question {
	enum keys_type type; /* KEYS_GET or KEYS_EPOCH */
	struct keys_get get;
	struct keys_epoch epoch;
	struct keys_keys keys; /* the answer to the first */
	uint64_t value; /* and to the second */
};

struct call {
	const struct keyclient_options *o;
	struct keyclient_error *error;
	struct question *question;
	struct loop *loop;
	struct tls_context *tls;
	struct batch *batch;
	struct buf claims; /* with the purpose of this channel */
	struct link *link;
	const char *node; /* its address, for a person */
	struct keys_head head; /* of what we said */
	enum rc rc; /* of this node; RC_OK: answered */
	bool is_final; /* no other node would say otherwise */
	bool is_over; /* with this node */
};

static void call_fini(struct call *c)
{
	link_free(c->link);
	batch_free(c->batch);
	tls_context_free(c->tls);
	loop_free(c->loop);
	buf_fini(&c->claims);
}

static void fail(struct call *c, enum rc rc, const char *reason,
		 const char *detail)
{
	c->rc = rc;
	(void)snprintf(c->error->reason, sizeof(c->error->reason), "%s",
		       reason);
	(void)snprintf(c->error->detail, sizeof(c->error->detail), "%s%s%s",
		       c->node ? c->node : "", c->node ? ": " : "", detail);
}

/* ---- what the service answers ---- */

static enum rc rc_of(enum keys_reason reason)
{
	if (reason == KEYS_RATE)
		return RC_LIMIT;
	return keys_reason_is_passing(reason) ? RC_CLOSED : RC_DENIED;
}

static void on_refused(struct call *c, struct span rest)
{
	struct keys_refused m;

	if (keys_read_refused(&m, rest)) {
		fail(c, RC_MALFORMED, "malformed", "its refusal");
		return;
	}
	c->is_final = !keys_reason_is_passing(m.reason);
	fail(c, rc_of(m.reason), keys_reason_name(m.reason), m.detail);
}

static enum rc read_answer(struct question *q, const struct keys_head *h,
			   struct span rest)
{
	enum rc rc;

	if (q->type == KEYS_EPOCH)
		return h->type == KEYS_EPOCH_IS
			       ? keys_read_epoch_is(&q->value, rest)
			       : RC_MALFORMED;
	if (h->type != KEYS_KEYS)
		return RC_MALFORMED;
	rc = keys_read_keys(&q->keys, rest);
	if (!rc && q->keys.count != q->get.count)
		return RC_MALFORMED;
	for (size_t i = 0; !rc && i < q->get.count; i++)
		if (q->get.wanted[i].epoch &&
		    q->get.wanted[i].epoch != q->keys.keys[i].epoch)
			return RC_MALFORMED;
	return rc;
}

static void on_answer(struct call *c, struct span body)
{
	struct keys_head h;

	if (keys_read_head(&h, &body) || h.sequence != c->head.sequence ||
	    !ct_equal(h.session, c->head.session, sizeof(h.session))) {
		fail(c, RC_MALFORMED, "malformed", "its answer's head");
	} else if (h.type == KEYS_REFUSED) {
		on_refused(c, body);
	} else if (read_answer(c->question, &h, body)) {
		fail(c, RC_MALFORMED, "malformed", "its answer");
	} else {
		c->rc = RC_OK;
		c->is_final = true;
	}
}

/* ---- the channel ---- */

static void on_verify(void *arg, struct tee_verdict *out, struct span quote)
{
	struct call *c = arg;

	trust_verify(c->o->trust, out, quote, clock_unix_s());
}

static enum rc on_eventlog(void *arg, struct buf *out)
{
	struct call *c = arg;

	return buf_add(out, buf_span(&c->o->identity->eventlog)) ? RC_OK
								 : RC_LIMIT;
}

static void on_verified(struct call *c, struct channel *channel)
{
	const struct channel_peer *peer = channel_peer(channel);

	if (!span_is_zero(SPAN_ARRAY(c->o->app)) &&
	    !span_equal(SPAN_ARRAY(c->o->app),
			SPAN_ARRAY(peer->manifest.app_id)))
		channel_refuse(channel, CHANNEL_PEER_DENIED,
			       "not the pinned app");
	else
		channel_admit(channel, loop_now_ms(c->loop));
}

static void ask(struct call *c, struct channel *channel)
{
	uint8_t body[KEYS_ASK_MAX];
	struct wr w = WR_ARRAY(body);
	const struct question *q = c->question;
	struct span done;

	c->head = (struct keys_head){ .type = q->type };
	if (!channel_session_id(channel, c->head.session)) {
		channel_refuse(channel, CHANNEL_INTERNAL, "");
		return;
	}
	if (q->type == KEYS_GET)
		keys_write_get(&w, &c->head, &q->get);
	else
		keys_write_epoch(&w, &c->head, &q->epoch);
	if (wr_done(&w, &done))
		channel_say(channel, done, loop_now_ms(c->loop));
	else
		channel_refuse(channel, CHANNEL_INTERNAL, "");
}

static void on_end(struct call *c, const struct channel_event *e)
{
	char reason[KEYCLIENT_REASON_MAX];
	char detail[KEYCLIENT_DETAIL_MAX];

	(void)snprintf(reason, sizeof(reason), "channel/%s",
		       channel_reason_name(e->reason));
	(void)snprintf(detail, sizeof(detail), "%s%s",
		       e->by_peer ? "it refuses us: " : "we refuse it: ",
		       e->detail);
	fail(c, channel_reason_ends_lease(e->reason) ? RC_DENIED : RC_CLOSED,
	     reason, detail);
}

static void on_event(void *arg, struct link *l, const struct channel_event *e)
{
	struct call *c = arg;
	struct channel *channel = link_channel(l);

	switch (e->kind) {
	case CHANNEL_VERIFIED:
		on_verified(c, channel);
		return;
	case CHANNEL_TALK:
		ask(c, channel);
		return;
	case CHANNEL_HEARD:
		on_answer(c, e->data);
		c->is_over = true;
		return;
	case CHANNEL_REFUSED:
		if (c->is_over) /* it answered, and then it went */
			return;
		on_end(c, e);
		c->is_over = true;
		return;
	case CHANNEL_NOTHING:
	case CHANNEL_QUOTE: /* the link's own */
	case CHANNEL_KEY_WANTED: /* the rest is a tunnel's */
	case CHANNEL_KEYED:
	case CHANNEL_ASSIGNED:
	case CHANNEL_WITHDRAWN:
		return;
	}
}

static void on_closed(void *arg, struct link *l, const char *why)
{
	struct call *c = arg;

	(void)l;
	if (!c->is_over)
		fail(c, RC_CLOSED, "unreachable", why);
	c->is_over = true;
}

/* ---- one node ---- */

static uint64_t node_timeout(const struct call *c)
{
	return c->o->node_timeout_ms ? c->o->node_timeout_ms : NODE_TIMEOUT_MS;
}

static enum rc connect_node(struct call *c, const struct sock_addr *to)
{
	const struct link_options options = {
		.loop = c->loop,
		.tls = c->tls,
		.batch = c->batch,
		.role = CHANNEL_CLIENT,
		.server_name = "kms",
		.alpn = KEYS_ALPN,
		.purpose = KEYS_CHANNEL_PURPOSE,
		.claims = buf_span(&c->claims),
		.manifest = buf_span(&c->o->identity->manifest_bytes),
		.eventlog = on_eventlog,
		.verify = on_verify,
		.event = on_event,
		.closed = on_closed,
		.arg = c,
		.handshake_timeout_ms = node_timeout(c),
		.step_timeout_ms = node_timeout(c),
		.talk_ms = TALK_MS,
	};
	enum rc rc;
	int fd;

	rc = sock_connect(&fd, to);
	if (rc)
		return rc;
	rc = link_new(&c->link, &options, fd);
	if (rc)
		close(fd);
	return rc;
}

/* What is sent at the end reaches a peer that waits for it. */
static void part(struct call *c)
{
	if (c->link && link_channel(c->link) && c->rc == RC_OK)
		link_close(c->link, "answered");
	(void)!loop_turn(c->loop, 0);
	link_free(c->link);
	c->link = NULL;
}

static void try_node(struct call *c, const struct sock_addr *to,
		     uint64_t until_ms)
{
	uint64_t own = clock_boot_ms() + node_timeout(c);

	if (own < until_ms)
		until_ms = own;
	c->is_over = false;
	if (connect_node(c, to)) {
		fail(c, RC_CLOSED, "unreachable", strerror(errno));
		return;
	}
	while (!c->is_over) {
		if (clock_boot_ms() >= until_ms) {
			fail(c, RC_CLOSED, "timeout", "no answer in time");
			break;
		}
		if (loop_turn(c->loop, TURN_MAX_MS)) {
			fail(c, RC_SYS, "local", strerror(errno));
			c->is_final = true;
			break;
		}
	}
	part(c);
}

/* ---- the call ---- */

static enum rc prepare(struct call *c)
{
	char error[TLS_ERROR_MAX] = "";
	enum rc rc;

	buf_init(&c->claims, CHANNEL_CLAIMS_MAX);
	rc = identity_claims(&c->claims, c->o->identity, KEYS_CHANNEL_PURPOSE);
	if (!rc)
		rc = loop_new(&c->loop);
	if (!rc)
		rc = tls_attested_new(&c->tls, false, KEYS_ALPN, error);
	if (!rc)
		rc = batch_new(&c->batch, c->loop, quoter_quote, c->o->source);
	if (rc)
		fail(c, rc, "local", error[0] ? error : rc_name(rc));
	return rc;
}

static enum rc run(const struct keyclient_options *options, struct question *q,
		   struct keyclient_error *error)
{
	uint64_t timeout =
		options->timeout_ms ? options->timeout_ms : TIMEOUT_MS;
	uint64_t until_ms = clock_boot_ms() + timeout;
	AUTO(call_fini)
	struct call c = { .o = options, .error = error, .question = q };
	char name[NAME_MAX_LEN];

	*error = (struct keyclient_error){ 0 };
	if (prepare(&c))
		return c.rc;
	fail(&c, RC_CLOSED, "no_address", "no node is configured");
	for (size_t i = 0; i < options->address_count && !c.is_final; i++) {
		struct wr w = wr_over(name, sizeof(name) - 1);

		if (i && clock_boot_ms() >= until_ms)
			break;
		sock_addr_write(&w, &options->addresses[i]);
		name[wr_span(&w).n] = '\0';
		c.node = name;
		try_node(&c, &options->addresses[i], until_ms);
	}
	return c.rc;
}

enum rc keyclient_get(struct keys_key *out,
		      const struct keyclient_options *options,
		      const struct keys_wanted *wanted, size_t count,
		      struct keyclient_error *error)
{
	struct question *q;
	enum rc rc = RC_LIMIT;

	secret_wipe(out, count * sizeof(*out));
	if (count == 0 || count > KEYS_WANTED_MAX) {
		*error = (struct keyclient_error){ .reason = "local",
						   .detail = "count" };
		return rc;
	}
	q = mem_new(sizeof(*q));
	q->type = KEYS_GET;
	q->get.count = count;
	memcpy(q->get.wanted, wanted, count * sizeof(*wanted));
	rc = run(options, q, error);
	if (!rc)
		memcpy(out, q->keys.keys, count * sizeof(*out));
	secret_wipe(q, sizeof(*q));
	free(q);
	return rc;
}

enum rc keyclient_epoch(uint64_t *value,
			const struct keyclient_options *options,
			const char *name, uint64_t raise_to,
			struct keyclient_error *error)
{
	AUTO(mem_auto_free)
	struct question *q = mem_new(sizeof(*q));
	enum rc rc;

	q->type = KEYS_EPOCH;
	q->epoch.raise_to = raise_to;
	(void)snprintf(q->epoch.name, sizeof(q->epoch.name), "%s", name);
	rc = run(options, q, error);
	if (!rc)
		*value = q->value;
	return rc;
}
