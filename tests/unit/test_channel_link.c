/* Whole connections over socketpairs: real TLS, real threads, made-up quotes. */
#include "unit.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

#include "channel/link.h"
#include "channel_pair.h"

struct end {
	struct side side; /* its channel stays NULL: the link owns one */
	struct link *link;
	struct tls_context *tls;
	unsigned closed, events;
	char why[256];
	bool frees_on_event, frees_on_close, closes_on_verified;
	enum rc log_rc;
	unsigned quote_ms; /* how long its platform takes */
	atomic_uint quotes_begun;
	struct world *world;
};

struct world {
	struct loop *loop;
	struct batch *batch[2]; /* client's, server's */
	struct end client, server;
};

static enum rc make_quote(void *arg, struct buf *out, const uint8_t report_data[])
{
	struct end *e = arg;
	uint8_t config_id[48];

	atomic_fetch_add(&e->quotes_begun, 1);
	if (e->quote_ms)
		(void)usleep(e->quote_ms * 1000);
	manifest_config_id(config_id, span_str(e->side.manifest));
	fake_quote(out, config_id, e->side.rtmr3, report_data);
	return RC_OK;
}

static enum rc give_log(void *arg, struct buf *out)
{
	const struct end *e = arg;

	if (e->log_rc)
		return e->log_rc;
	return buf_add(out, buf_span(&e->side.log)) ? RC_OK : RC_LIMIT;
}

static void verify(void *arg, struct tee_verdict *out, struct span quote)
{
	struct end *e = arg;

	side_verify(&e->side, out, quote);
}

static void on_event(void *arg, struct link *l, const struct channel_event *e)
{
	struct end *x = arg;
	uint64_t now_ms = loop_now_ms(x->world->loop);
	struct channel *c = link_channel(l);

	x->events++;
	x->side.last = *e;
	if (x->frees_on_event) {
		x->link = NULL;
		link_free(l);
		return;
	}
	switch (e->kind) {
	case CHANNEL_VERIFIED:
		x->side.verified++;
		if (x->closes_on_verified)
			link_close(l, "owner's wish");
		else if (!x->side.does_not_admit)
			channel_admit(c, now_ms);
		break;
	case CHANNEL_KEY_WANTED:
		channel_offer_key(c, x->side.wg_public, now_ms);
		break;
	case CHANNEL_KEYED:
		x->side.keyed++;
		x->side.psk = e->psk;
		channel_assign(c, &x->side.assignment, now_ms);
		break;
	case CHANNEL_ASSIGNED:
		x->side.assigned++;
		x->side.psk = e->psk;
		break;
	case CHANNEL_REFUSED:
	case CHANNEL_WITHDRAWN:
		x->side.end = *e;
		break;
	case CHANNEL_NOTHING:
	case CHANNEL_QUOTE:
	case CHANNEL_TALK:
	case CHANNEL_HEARD:
		fail_msg("the link answers this one itself");
		break;
	}
}

static void on_closed(void *arg, struct link *l, const char *why)
{
	struct end *e = arg;

	e->closed++;
	(void)snprintf(e->why, sizeof(e->why), "%s", why);
	if (e->frees_on_close) {
		e->link = NULL;
		link_free(l);
	}
}

static void end_init(struct world *w, struct end *e, enum channel_role role)
{
	char error[TLS_ERROR_MAX];

	e->world = w;
	side_init(&e->side, role);
	assert_int_equal(tls_attested_new(&e->tls, role == CHANNEL_SERVER, CHANNEL_ALPN, error),
			 RC_OK);
	assert_int_equal(batch_new(&w->batch[role], w->loop, make_quote, e), RC_OK);
}

static void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	assert_int_equal(loop_new(&w->loop), RC_OK);
	end_init(w, &w->client, CHANNEL_CLIENT);
	end_init(w, &w->server, CHANNEL_SERVER);
}

static void end_open(struct end *e, int fd)
{
	struct link_options o = {
		.loop = e->world->loop,
		.tls = e->tls,
		.batch = e->world->batch[e->side.role],
		.role = e->side.role,
		.server_name = e->side.role == CHANNEL_CLIENT ? "gateway.postern.test" : NULL,
		.purpose = "cvm-tunnel",
		.claims = buf_span(&e->side.claims_text),
		.manifest = span_str(e->side.manifest),
		.eventlog = give_log,
		.verify = verify,
		.event = on_event,
		.closed = on_closed,
		.arg = e,
		.handshake_timeout_ms = 2000,
		.step_timeout_ms = 2000,
	};

	memcpy(o.wg_public, e->side.wg_public, 32);
	assert_int_equal(link_new(&e->link, &o, fd), RC_OK);
}

static void world_open(struct world *w)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), 0);
	end_open(&w->client, fd[0]);
	end_open(&w->server, fd[1]);
}

static void end_fini(struct end *e)
{
	link_free(e->link);
	side_fini(&e->side);
}

static void world_fini(struct world *w)
{
	end_fini(&w->client);
	end_fini(&w->server);
	for (int i = 0; i < 2; i++)
		batch_free(w->batch[i]);
	tls_context_free(w->client.tls);
	tls_context_free(w->server.tls);
	loop_free(w->loop);
}

static void turn(struct world *w, const unsigned *counter, unsigned want)
{
	for (int i = 0; i < 600 && *counter < want; i++)
		assert_int_equal(loop_turn(w->loop, 10), RC_OK);
	if (*counter != want)
		fail_msg("%u, not %u: %s / %s", *counter, want, w->client.why, w->server.why);
}

static void keys_over_real_tls(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_open(&w);
	turn(&w, &w.client.side.assigned, 1);
	assert_memory_equal(w.client.side.psk.b, w.server.side.psk.b, 32);
	assert_int_equal(w.client.side.verified, 1);
	assert_int_equal(w.server.side.verified, 1);
	assert_int_equal(w.client.closed + w.server.closed, 0);
	world_fini(&w);
}

static void renewal_outside_an_event(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_open(&w);
	turn(&w, &w.client.side.assigned, 1);
	channel_renew(link_channel(w.client.link), loop_now_ms(w.loop));
	link_flush(w.client.link);
	turn(&w, &w.client.side.assigned, 2);
	assert_int_equal(w.server.side.last.round, 1);
	world_fini(&w);
}

/* An owner that answers later, not inside the event. */
static void admission_outside_an_event(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.server.side.does_not_admit = true;
	world_open(&w);
	turn(&w, &w.server.side.verified, 1);
	channel_admit(link_channel(w.server.link), loop_now_ms(w.loop));
	link_flush(w.server.link);
	turn(&w, &w.client.side.assigned, 1);
	world_fini(&w);
}

/* The refusal arrives, with its reason, before the connection ends. */
static void refusal_arrives_before_the_end(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.server.side.verdict = TEE_POLICY_MEASUREMENT;
	world_open(&w);
	turn(&w, &w.client.closed, 1);
	turn(&w, &w.server.closed, 1);
	assert_int_equal(w.client.side.end.reason, CHANNEL_EVIDENCE_REFUSED);
	assert_string_equal(w.client.side.end.detail, "measurement-not-listed");
	assert_string_equal(w.client.why,
			    "refused by the peer: evidence-refused: measurement-not-listed");
	assert_non_null(strstr(w.server.why, "refused: evidence-refused"));
	assert_int_equal(w.server.side.keyed, 0);
	world_fini(&w);
}

static void withdrawal_arrives(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_open(&w);
	turn(&w, &w.client.side.assigned, 1);
	channel_withdraw(link_channel(w.server.link), CHANNEL_LEASE_WITHDRAWN);
	link_flush(w.server.link);
	turn(&w, &w.client.closed, 1);
	turn(&w, &w.server.closed, 1);
	assert_int_equal(w.client.side.end.kind, CHANNEL_WITHDRAWN);
	assert_string_equal(w.client.why, "withdrawn by the peer: lease-withdrawn");
	world_fini(&w);
}

static void close_is_told_once(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_open(&w);
	turn(&w, &w.client.side.assigned, 1);
	link_close(w.client.link, "done here");
	link_close(w.client.link, "again");
	turn(&w, &w.client.closed, 1);
	turn(&w, &w.server.closed, 1);
	for (int i = 0; i < 5; i++)
		assert_int_equal(loop_turn(w.loop, 5), RC_OK);
	assert_int_equal(w.client.closed, 1);
	assert_int_equal(w.server.closed, 1);
	assert_string_equal(w.client.why, "done here");
	assert_string_equal(w.server.why, "closed by the peer");
	world_fini(&w);
}

static void freed_inside_callbacks(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.client.frees_on_event = true;
	w.server.frees_on_close = true;
	world_open(&w);
	turn(&w, &w.server.closed, 1);
	assert_int_equal(w.client.events, 1);
	assert_int_equal(w.client.closed, 0);
	assert_null(w.server.link);
	world_fini(&w);
}

static void freed_while_a_quote_is_made(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.client.quote_ms = 50;
	world_open(&w);
	for (int i = 0; i < 200 && atomic_load(&w.client.quotes_begun) == 0; i++)
		assert_int_equal(loop_turn(w.loop, 5), RC_OK);
	assert_int_equal(atomic_load(&w.client.quotes_begun), 1);
	link_free(w.client.link);
	w.client.link = NULL;
	turn(&w, &w.server.closed, 1);
	/* The quote is ready and nobody is told: not the memory that was the
	 * link's either. */
	for (int i = 0; i < 20; i++)
		assert_int_equal(loop_turn(w.loop, 5), RC_OK);
	assert_int_equal(w.client.events, 0);
	world_fini(&w);
}

static void closed_inside_an_event(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.client.closes_on_verified = true;
	world_open(&w);
	turn(&w, &w.client.closed, 1);
	turn(&w, &w.server.closed, 1);
	assert_string_equal(w.client.why, "owner's wish");
	assert_int_equal(w.server.side.keyed, 0);
	world_fini(&w);
}

static void log_that_cannot_be_had_refused(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.client.log_rc = RC_SYS;
	world_open(&w);
	turn(&w, &w.server.closed, 1);
	assert_int_equal(w.server.side.end.reason, CHANNEL_NO_QUOTE);
	world_fini(&w);
}

/* Somebody who is not TLS: an alert, and the end. */
static void garbage_instead_of_tls(void **state)
{
	struct world w;
	uint8_t reply[16];
	int fd[2];

	(void)state;
	world_init(&w);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), 0);
	end_open(&w.server, fd[1]);
	assert_int_equal(write(fd[0], "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10), 10);
	for (int i = 0; i < 20; i++)
		assert_int_equal(loop_turn(w.loop, 5), RC_OK);
	assert_true(read(fd[0], reply, sizeof(reply)) > 0);
	assert_int_equal(reply[0], 21); /* an alert record */
	(void)close(fd[0]);
	turn(&w, &w.server.closed, 1);
	assert_non_null(strstr(w.server.why, "tls: "));
	assert_int_equal(w.server.events, 0);
	world_fini(&w);
}

static void silence_times_out(void **state)
{
	struct world w;
	int fd[2];

	(void)state;
	world_init(&w);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), 0);
	end_open(&w.server, fd[1]);
	turn(&w, &w.server.closed, 1);
	assert_string_equal(w.server.why, "handshake timeout");
	(void)close(fd[0]);
	world_fini(&w);
}

static void refused_connect_closes(void **state)
{
	struct sock_addr to;
	struct world w;
	int fd;

	(void)state;
	world_init(&w);
	assert_true(sock_addr_parse(&to, span_str("127.0.0.1:1")));
	if (sock_connect(&fd, &to) == RC_OK) {
		end_open(&w.client, fd);
		turn(&w, &w.client.closed, 1);
		assert_non_null(strstr(w.client.why, "connect: "));
	}
	world_fini(&w);
}

/* Bytes kept in the middle: the peer vanishes without a word. */
static void peer_that_vanishes_closes(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_open(&w);
	turn(&w, &w.client.side.assigned, 1);
	link_free(w.client.link);
	w.client.link = NULL;
	turn(&w, &w.server.closed, 1);
	assert_non_null(strstr(w.server.why, "tls: "));
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_over_real_tls),
		cmocka_unit_test(renewal_outside_an_event),
		cmocka_unit_test(admission_outside_an_event),
		cmocka_unit_test(refusal_arrives_before_the_end),
		cmocka_unit_test(withdrawal_arrives),
		cmocka_unit_test(close_is_told_once),
		cmocka_unit_test(freed_inside_callbacks),
		cmocka_unit_test(freed_while_a_quote_is_made),
		cmocka_unit_test(closed_inside_an_event),
		cmocka_unit_test(log_that_cannot_be_had_refused),
		cmocka_unit_test(garbage_instead_of_tls),
		cmocka_unit_test(silence_times_out),
		cmocka_unit_test(refused_connect_closes),
		cmocka_unit_test(peer_that_vanishes_closes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
