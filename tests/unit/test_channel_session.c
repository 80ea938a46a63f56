/* The life of a session: rounds, leases, timeouts, limits. */
#include "unit.h"

#include "channel_pair.h"
#include "channel/core.h"

static void both_verified_then_keys(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	pair_run(&p, 0);
	assert_int_equal(p.client.verified, 1);
	assert_int_equal(p.server.verified, 1);
	assert_int_equal(p.server.keyed, 1);
	assert_int_equal(p.client.assigned, 1);
	assert_memory_equal(p.client.psk.b, p.server.psk.b, 32);
	assert_false(key32_is_zero(&p.client.psk));
	assert_memory_equal(p.client.last.peer_wg_public, p.server.wg_public, 32);
	assert_memory_equal(p.client.last.assignment.wg_public, p.server.wg_public, 32);
	assert_memory_equal(p.server.last.peer_wg_public, p.client.wg_public, 32);
	assert_int_equal(p.client.last.assignment.lease_ms, PAIR_LEASE_MS);
	assert_memory_equal(channel_peer(p.server.channel)->instance_id,
			    p.client.claims.instance_id, 20);
	assert_string_equal(channel_peer(p.server.channel)->manifest.name, "hello");
	assert_int_equal(channel_peer(p.server.channel)->manifest.ports[0].port, 80);
	assert_string_equal(channel_peer(p.client.channel)->node_id, "gw-1");
	assert_string_equal(channel_peer(p.client.channel)->version, "0.1.0");
	/* A simulated anchor is never forgotten on the way. */
	assert_true(channel_peer(p.client.channel)->is_simulated);
	assert_true(channel_peer(p.server.channel)->is_simulated);
	pair_fini(&p);
}

/* The order of the document: hellos, evidence, evidence, key, assignment. */
static void frames_in_the_documents_order(void **state)
{
	static const uint8_t client[] = { MESSAGE_HELLO, MESSAGE_EVIDENCE, MESSAGE_KEY };
	static const uint8_t server[] = { MESSAGE_HELLO, MESSAGE_EVIDENCE, MESSAGE_ASSIGN };
	struct pair p;
	struct span c, s, body;
	uint8_t type;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	pair_run(&p, 0);
	c = buf_span(&p.client.sent);
	s = buf_span(&p.server.sent);
	for (int i = 0; i < 3; i++) {
		assert_true(rd_u8(&c, &type) && rd_vec24(&c, &body));
		assert_int_equal(type, client[i]);
		assert_true(rd_u8(&s, &type) && rd_vec24(&s, &body));
		assert_int_equal(type, server[i]);
	}
	assert_true(rd_end(&c) && rd_end(&s));
	pair_fini(&p);
}

/* Nothing depends on how the stream is cut. */
static void byte_by_byte_is_the_same(void **state)
{
	struct pair p;
	struct side *sides[2];
	bool moved = true;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	sides[0] = &p.client;
	sides[1] = &p.server;
	while (moved) {
		moved = false;
		for (int i = 0; i < 2; i++) {
			struct buf *out = channel_output(sides[i]->channel);

			moved |= side_step(sides[i], 0);
			while (buf_span(out).n) {
				uint8_t byte = buf_span(out).p[0];

				buf_consume(out, 1);
				channel_input(sides[!i]->channel, span_of(&byte, 1), 0);
				moved = true;
			}
		}
	}
	assert_int_equal(p.client.assigned, 1);
	pair_fini(&p);
}

static void renewals_rotate_nonces_and_psk(void **state)
{
	struct key32 psk[4];
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	pair_run(&p, 0);
	psk[0] = p.client.psk;
	for (unsigned round = 1; round < 4; round++) {
		channel_renew(p.client.channel, round * 1000);
		pair_run(&p, round * 1000);
		assert_int_equal(p.client.assigned, round + 1);
		assert_int_equal(p.client.last.round, round);
		assert_int_equal(p.server.verified, round + 1);
		assert_memory_equal(p.client.psk.b, p.server.psk.b, 32);
		psk[round] = p.client.psk;
		for (unsigned k = 0; k < round; k++)
			assert_memory_not_equal(psk[k].b, psk[round].b, 32);
		assert_true(channel_deadline(p.client.channel) == round * 1000 + PAIR_LEASE_MS);
		assert_true(channel_deadline(p.server.channel) == round * 1000 + PAIR_LEASE_MS);
	}
	pair_fini(&p);
}

static void renewal_while_one_is_under_way_ignored(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	pair_run(&p, 0);
	channel_renew(p.client.channel, 10);
	channel_renew(p.client.channel, 10);
	pair_run(&p, 10);
	assert_int_equal(p.client.last.round, 1);
	assert_int_equal(p.client.assigned, 2);
	pair_fini(&p);
}

static void round_too_soon_refused(void **state)
{
	struct pair p;

	(void)state;
	for (uint64_t at = 99; at <= 100; at++) {
		pair_init(&p);
		pair_start(&p);
		p.server.channel->params.round_min_ms = 100;
		pair_run(&p, 0);
		channel_renew(p.client.channel, at);
		pair_run(&p, at);
		if (at == 100) {
			assert_int_equal(p.client.assigned, 2);
		} else {
			assert_int_equal(p.client.assigned, 1);
			assert_int_equal(p.server.verified, 1);
			assert_int_equal(p.client.end.reason, CHANNEL_OVERLOADED);
		}
		pair_fini(&p);
	}
}

static void peer_that_changes_refused(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	pair_run(&p, 0);
	/* The same application, another instance, honestly attested. */
	memset(p.client.claims.instance_id, 0x33, 20);
	side_measure(&p.client);
	side_claim(&p.client);
	p.client.channel->params.claims = buf_span(&p.client.claims_text);
	sha256_of(&p.client.channel->own_claims, buf_span(&p.client.claims_text));
	channel_renew(p.client.channel, 10);
	pair_run(&p, 10);
	assert_int_equal(p.server.end.reason, CHANNEL_IDENTITY_CHANGED);
	assert_int_equal(p.client.end.reason, CHANNEL_IDENTITY_CHANGED);
	assert_true(p.client.end.by_peer);
	assert_int_equal(p.server.keyed, 1);
	pair_fini(&p);
}

static void lease_that_lapses_ends_both(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	pair_run(&p, 5);
	assert_true(channel_deadline(p.client.channel) == PAIR_LEASE_MS + 5);
	channel_expire(p.client.channel, PAIR_LEASE_MS + 4);
	assert_false(side_step(&p.client, PAIR_LEASE_MS + 4));
	channel_expire(p.client.channel, PAIR_LEASE_MS + 5);
	channel_expire(p.server.channel, PAIR_LEASE_MS + 5);
	pair_run(&p, PAIR_LEASE_MS + 5);
	assert_int_equal(p.client.end.reason, CHANNEL_LEASE_LAPSED);
	assert_int_equal(p.server.end.reason, CHANNEL_LEASE_LAPSED);
	assert_true(channel_deadline(p.client.channel) == UINT64_MAX);
	pair_fini(&p);
}

/* A renewal that hangs does not keep a lapsed lease alive. */
static void lease_lapses_during_a_renewal(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.server.assignment.lease_ms = 500;
	pair_start(&p);
	pair_run(&p, 0);
	channel_renew(p.client.channel, 400);
	assert_true(channel_deadline(p.client.channel) == 500);
	channel_expire(p.client.channel, 500);
	(void)side_step(&p.client, 500);
	assert_int_equal(p.client.end.reason, CHANNEL_LEASE_LAPSED);
	pair_fini(&p);
}

static void withdrawal_told(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	pair_run(&p, 0);
	channel_withdraw(p.server.channel, CHANNEL_LEASE_WITHDRAWN);
	pair_run(&p, 1);
	assert_int_equal(p.client.end.kind, CHANNEL_WITHDRAWN);
	assert_int_equal(p.client.end.reason, CHANNEL_LEASE_WITHDRAWN);
	assert_true(p.client.end.by_peer);
	assert_int_equal(p.server.end.kind, CHANNEL_WITHDRAWN);
	assert_false(p.server.end.by_peer);
	pair_fini(&p);
}

static void withdrawal_crosses_renewal(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	pair_run(&p, 0);
	channel_renew(p.client.channel, 1);
	channel_withdraw(p.server.channel, CHANNEL_LEASE_WITHDRAWN);
	pair_run(&p, 1);
	assert_int_equal(p.client.end.kind, CHANNEL_WITHDRAWN);
	pair_fini(&p);
}

static void withdrawal_during_a_round_is_a_refusal(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	pair_run(&p, 0);
	channel_renew(p.client.channel, 1);
	(void)side_move(&p.client, &p.server, 1);
	channel_withdraw(p.server.channel, CHANNEL_LEASE_WITHDRAWN);
	pair_run(&p, 1);
	assert_int_equal(p.client.end.kind, CHANNEL_REFUSED);
	assert_int_equal(p.client.end.reason, CHANNEL_LEASE_WITHDRAWN);
	pair_fini(&p);
}

static void withdrawal_without_lease_unexpected(void **state)
{
	static const uint8_t frame[] = { MESSAGE_WITHDRAW, 0, 0, 3, 0, 15, 0 };
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	channel_input(p.client.channel, SPAN_ARRAY(frame), 0);
	(void)side_step(&p.client, 0);
	assert_int_equal(p.client.end.reason, CHANNEL_BAD_ORDER);
	pair_fini(&p);
}

/* Stops a pair when the given side has been asked for something. */
static void every_wait_has_a_deadline(void **state)
{
	static const struct {
		const char *name;
		bool quiet_client_quote, quiet_server_quote, quiet_server_assign, no_move;
		enum channel_reason client, server;
	} rows[] = {
		{ "client_waits_hello", .no_move = true, .client = CHANNEL_TIMEOUT,
		  .server = CHANNEL_TIMEOUT },
		{ "client_quotes", .quiet_client_quote = true, .client = CHANNEL_NO_QUOTE,
		  .server = CHANNEL_TIMEOUT },
		{ "server_quotes", .quiet_server_quote = true, .client = CHANNEL_TIMEOUT,
		  .server = CHANNEL_NO_QUOTE },
		{ "server_assigns", .quiet_server_assign = true, .client = CHANNEL_TIMEOUT,
		  .server = CHANNEL_INTERNAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair p;

		pair_init(&p);
		p.client.does_not_quote = rows[i].quiet_client_quote;
		p.server.does_not_quote = rows[i].quiet_server_quote;
		p.server.does_not_assign = rows[i].quiet_server_assign;
		pair_start(&p);
		if (!rows[i].no_move)
			pair_run(&p, 0);
		assert_true(channel_deadline(p.client.channel) == PAIR_STEP_MS);
		assert_true(channel_deadline(p.server.channel) == PAIR_STEP_MS);
		channel_expire(p.client.channel, PAIR_STEP_MS - 1);
		channel_expire(p.server.channel, PAIR_STEP_MS - 1);
		assert_false(side_step(&p.client, 0) && p.client.end.kind);
		channel_expire(p.client.channel, PAIR_STEP_MS);
		channel_expire(p.server.channel, PAIR_STEP_MS);
		(void)side_step(&p.client, PAIR_STEP_MS);
		(void)side_step(&p.server, PAIR_STEP_MS);
		if (p.client.end.reason != rows[i].client || p.server.end.reason != rows[i].server)
			fail_msg("%s: %s, %s", rows[i].name,
				 channel_reason_name(p.client.end.reason),
				 channel_reason_name(p.server.end.reason));
		assert_int_equal(p.client.assigned, 0);
		pair_fini(&p);
	}
}

/* A deadline is of the state, not of the last byte: dripping does not help. */
static void dripping_bytes_time_out(void **state)
{
	struct pair p;
	struct buf *out;
	uint64_t now_ms = 0;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	out = channel_output(p.client.channel);
	while (buf_span(out).n > 1 && now_ms < PAIR_STEP_MS) {
		channel_input(p.server.channel, span_of(buf_span(out).p, 1), now_ms);
		buf_consume(out, 1);
		now_ms += 100;
		channel_expire(p.server.channel, now_ms);
	}
	(void)side_step(&p.server, now_ms);
	assert_int_equal(p.server.end.reason, CHANNEL_TIMEOUT);
	pair_fini(&p);
}

static void headers_judged_before_a_body_is_kept(void **state)
{
	static const struct {
		const char *name;
		uint8_t header[4];
		enum channel_reason reason;
	} rows[] = {
		{ "type_zero", { 0, 0, 0, 1 }, CHANNEL_BAD_MESSAGE },
		{ "type_unknown", { 9, 0, 0, 1 }, CHANNEL_BAD_MESSAGE },
		{ "evidence_before_hello", { MESSAGE_EVIDENCE, 0, 1, 0 }, CHANNEL_BAD_ORDER },
		{ "key_before_hello", { MESSAGE_KEY, 0, 0, 36 }, CHANNEL_BAD_ORDER },
		{ "assign_to_server", { MESSAGE_ASSIGN, 0, 0, 99 }, CHANNEL_BAD_ORDER },
		{ "withdraw_to_server", { MESSAGE_WITHDRAW, 0, 0, 3 }, CHANNEL_BAD_ORDER },
		{ "hello_of_65_bytes", { MESSAGE_HELLO, 0, 0, 65 }, CHANNEL_TOO_LARGE },
		{ "hello_of_16_mib", { MESSAGE_HELLO, 0xff, 0xff, 0xff }, CHANNEL_TOO_LARGE },
		{ "refuse_too_long", { MESSAGE_REFUSE, 0, 2, 0 }, CHANNEL_TOO_LARGE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair p;

		pair_init(&p);
		pair_start(&p);
		channel_input(p.server.channel, SPAN_ARRAY(rows[i].header), 0);
		(void)side_step(&p.server, 0);
		if (p.server.end.reason != rows[i].reason || p.server.end.by_peer)
			fail_msg("%s: %s", rows[i].name, channel_reason_name(p.server.end.reason));
		assert_int_equal(frames_of(buf_span(channel_output(p.server.channel)),
					   MESSAGE_REFUSE),
				 1);
		pair_fini(&p);
	}
}

/* What is kept of a peer's bytes is one frame, as long as it says, no more. */
static void memory_kept_is_one_frame(void **state)
{
	static uint8_t rest[CHANNEL_MESSAGE_MAX];
	static const uint8_t header[] = { MESSAGE_EVIDENCE, 0, 0x10, 0 };
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	(void)side_move(&p.client, &p.server, 0);
	channel_input(p.server.channel, SPAN_ARRAY(header), 0);
	channel_input(p.server.channel, span_of(rest, 0x0fff), 0);
	assert_true(p.server.channel->in.n == 0x1003);
	assert_true(p.server.channel->in.cap <= 2 * 0x1004);
	assert_true(p.server.channel->in.max <= CHANNEL_MESSAGE_MAX + 4);
	channel_input(p.server.channel, SPAN_ARRAY(rest), 0);
	assert_true(p.server.channel->in.cap == 0);
	(void)side_step(&p.server, 0);
	assert_int_equal(p.server.end.kind, CHANNEL_REFUSED);
	pair_fini(&p);
}

static void bad_wireguard_keys_refused(void **state)
{
	static const uint8_t one[32] = { 1 }; /* order 1 on the twist: low order */
	struct pair p;

	(void)state;
	for (int i = 0; i < 3; i++) {
		pair_init(&p);
		if (i == 0)
			memset(p.client.wg_public, 0, 32);
		if (i == 1)
			memcpy(p.client.wg_public, one, 32);
		if (i == 2)
			memcpy(p.client.wg_public, p.server.wg_public, 32);
		pair_start(&p);
		pair_run(&p, 0);
		assert_int_equal(p.server.end.reason, CHANNEL_KEY_INVALID);
		assert_int_equal(p.server.keyed, 0);
		pair_fini(&p);
	}
	pair_init(&p);
	memset(p.server.wg_public, 0, 32);
	pair_start(&p);
	pair_run(&p, 0);
	assert_int_equal(p.client.end.reason, CHANNEL_KEY_INVALID);
	assert_int_equal(p.client.assigned, 0);
	pair_fini(&p);
}

static void unsound_assignment_is_our_own_mistake(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.server.assignment.lease_ms = 0;
	pair_start(&p);
	pair_run(&p, 0);
	assert_int_equal(p.server.end.reason, CHANNEL_INTERNAL);
	assert_int_equal(frames_of(buf_span(&p.server.sent), MESSAGE_ASSIGN), 0);
	pair_fini(&p);
}

/* An answer nobody asked for closes; after the end every answer is nothing. */
static void answers_out_of_turn_close(void **state)
{
	struct pair p;

	(void)state;
	for (int i = 0; i < 5; i++) {
		pair_init(&p);
		pair_start(&p);
		for (int again = 0; again < 2; again++) {
			if (i == 0)
				channel_admit(p.client.channel, 0);
			if (i == 1)
				channel_offer_key(p.client.channel, p.client.wg_public, 0);
			if (i == 2)
				channel_assign(p.server.channel, &p.server.assignment, 0);
			if (i == 3)
				channel_quoted(p.server.channel, span_str("q"), span_str("[]"),
					       0, 1, NULL, 0, 0);
			if (i == 4)
				channel_admit(p.server.channel, 0);
		}
		pair_run(&p, 0);
		assert_int_equal((i < 2 ? p.client : p.server).end.reason, CHANNEL_INTERNAL);
		assert_int_equal((i < 2 ? p.server : p.client).end.reason, CHANNEL_INTERNAL);
		assert_int_equal(frames_of(buf_span(&p.client.sent), MESSAGE_KEY), 0);
		assert_int_equal(frames_of(buf_span(&p.server.sent), MESSAGE_ASSIGN), 0);
		pair_fini(&p);
	}
}

static void owner_denies_verified_peer(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.server.does_not_admit = true;
	pair_start(&p);
	pair_run(&p, 0);
	assert_int_equal(p.server.verified, 1);
	channel_refuse(p.server.channel, CHANNEL_PEER_DENIED, "not this node");
	pair_run(&p, 0);
	assert_int_equal(p.client.end.reason, CHANNEL_PEER_DENIED);
	assert_string_equal(p.client.end.detail, "not this node");
	assert_int_equal(p.server.quoted, 0);
	assert_int_equal(frames_of(buf_span(&p.client.sent), MESSAGE_KEY), 0);
	pair_fini(&p);
}

/* The last event comes once, whoever ended it. */
static void end_is_told_once(void **state)
{
	struct channel_event e;
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	channel_refuse(p.client.channel, CHANNEL_SHUTDOWN, NULL);
	channel_refuse(p.client.channel, CHANNEL_INTERNAL, NULL);
	channel_withdraw(p.client.channel, CHANNEL_INTERNAL);
	channel_renew(p.client.channel, 0);
	channel_next(p.client.channel, &e);
	assert_int_equal(e.kind, CHANNEL_REFUSED);
	assert_int_equal(e.reason, CHANNEL_SHUTDOWN);
	channel_next(p.client.channel, &e);
	assert_int_equal(e.kind, CHANNEL_NOTHING);
	(void)side_move(&p.client, &p.server, 0);
	(void)side_step(&p.server, 0);
	(void)side_step(&p.server, 0);
	assert_int_equal(frames_of(buf_span(&p.client.sent), MESSAGE_REFUSE), 1);
	pair_fini(&p);
}

static void broken_refuse_still_ends(void **state)
{
	static const uint8_t frame[] = { MESSAGE_REFUSE, 0, 0, 1, 7 };
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	channel_input(p.client.channel, SPAN_ARRAY(frame), 0);
	(void)side_step(&p.client, 0);
	assert_int_equal(p.client.end.reason, CHANNEL_BAD_MESSAGE);
	assert_true(p.client.end.by_peer);
	/* There is no answer to a refusal. */
	assert_int_equal(frames_of(buf_span(channel_output(p.client.channel)), MESSAGE_REFUSE), 0);
	pair_fini(&p);
}

/* ---- talk ---- */

static void pair_talks(struct pair *p)
{
	pair_init(p);
	p->client.talk_ms = p->server.talk_ms = 5000;
	p->client.says = "question";
	p->server.says = "answer";
	pair_start(p);
}

static void talk_in_turn_after_both_verdicts(void **state)
{
	uint8_t a[32], b[32];
	struct pair p;

	(void)state;
	pair_talks(&p);
	pair_run(&p, 0);
	assert_int_equal(p.client.verified, 1);
	assert_int_equal(p.server.verified, 1);
	assert_string_equal(p.server.word, "question");
	assert_string_equal(p.client.word, "answer");
	assert_int_equal(frames_of(buf_span(&p.client.sent), MESSAGE_KEY), 0);
	assert_int_equal(frames_of(buf_span(&p.server.sent), MESSAGE_ASSIGN), 0);
	channel_say(p.client.channel, span_str("more"), 1);
	pair_run(&p, 1);
	assert_string_equal(p.server.word, "more");
	assert_int_equal(p.client.heard, 2);
	assert_true(channel_session_id(p.client.channel, a));
	assert_true(channel_session_id(p.server.channel, b));
	assert_memory_equal(a, b, 32);
	assert_false(span_is_zero(SPAN_ARRAY(a)));
	pair_fini(&p);
}

static void talk_without_admission_says_nothing(void **state)
{
	uint8_t id[32];
	struct pair p;

	(void)state;
	pair_talks(&p);
	p.client.does_not_admit = true;
	pair_run(&p, 0);
	assert_int_equal(frames_of(buf_span(&p.client.sent), MESSAGE_DATA), 0);
	assert_int_equal(p.server.heard, 0);
	pair_fini(&p);

	pair_talks(&p);
	p.server.verdict = TEE_POLICY_MEASUREMENT;
	pair_run(&p, 0);
	assert_int_equal(p.server.heard, 0);
	assert_int_equal(frames_of(buf_span(&p.server.sent), MESSAGE_EVIDENCE), 0);
	assert_int_equal(p.client.end.reason, CHANNEL_EVIDENCE_REFUSED);
	assert_false(channel_session_id(p.client.channel, id));
	pair_fini(&p);
}

/* A tunnel's client at a server that talks, and the other way. */
static void tunnel_and_talk_do_not_mix(void **state)
{
	struct pair p;

	(void)state;
	pair_talks(&p);
	p.client.talk_ms = 0;
	pair_start(&p);
	pair_run(&p, 0);
	assert_int_equal(p.server.keyed, 0);
	assert_int_equal(p.client.end.reason, CHANNEL_BAD_ORDER);
	pair_fini(&p);

	pair_talks(&p);
	p.server.talk_ms = 0;
	pair_start(&p);
	pair_run(&p, 0);
	assert_int_equal(p.server.heard, 0);
	assert_int_equal(p.client.end.reason, CHANNEL_BAD_ORDER);
	pair_fini(&p);
}

static void talk_out_of_turn_refused(void **state)
{
	struct pair p;

	(void)state;
	pair_talks(&p);
	p.server.says = NULL;
	pair_run(&p, 0);
	channel_input(p.server.channel, span_of("\7\0\0\1x", 5), 0);
	pair_run(&p, 0);
	assert_int_equal(p.server.end.reason, CHANNEL_BAD_ORDER);
	pair_fini(&p);

	pair_talks(&p);
	pair_run(&p, 0);
	channel_input(p.client.channel, span_of("\7\0\0\1x", 5), 0);
	pair_run(&p, 0);
	assert_int_equal(p.client.end.reason, CHANNEL_BAD_ORDER);
	pair_fini(&p);
}

static void talk_ends_at_its_time(void **state)
{
	struct pair p;

	(void)state;
	pair_talks(&p);
	pair_run(&p, 0);
	for (uint64_t t = 1000; t < 5000; t += 1000) {
		channel_say(p.client.channel, span_str("again"), t);
		pair_run(&p, t);
	}
	assert_int_equal(channel_deadline(p.client.channel), 5000);
	assert_int_equal(channel_deadline(p.server.channel), 5000);
	channel_expire(p.server.channel, 5000);
	pair_run(&p, 5000);
	assert_int_equal(p.client.end.reason, CHANNEL_LEASE_LAPSED);
	pair_fini(&p);
}

static void talk_of_too_much_refused(void **state)
{
	static const uint8_t header[4] = { MESSAGE_DATA, 4, 0, 1 };
	struct pair p;

	(void)state;
	pair_talks(&p);
	pair_run(&p, 0);
	channel_input(p.server.channel, SPAN_ARRAY(header), 0);
	pair_run(&p, 0);
	assert_int_equal(p.server.end.reason, CHANNEL_TOO_LARGE);
	pair_fini(&p);
}

static void reason_names_are_stable(void **state)
{
	(void)state;
	assert_string_equal(channel_reason_name(CHANNEL_OK), "ok");
	assert_string_equal(channel_reason_name(CHANNEL_BINDING_MISMATCH), "binding-mismatch");
	assert_string_equal(channel_reason_name(CHANNEL_SHUTDOWN), "shutdown");
	assert_string_equal(channel_reason_name((enum channel_reason)999), "reason-unknown");
	assert_int_equal(CHANNEL_BINDING_MISMATCH, 6);
	assert_int_equal(CHANNEL_SHUTDOWN, 21);
}

/* The document's list, by number: who the peer is ends a lease, trouble does not. */
static void reasons_that_end_a_lease(void **state)
{
	static const int ends[] = { 6, 7, 8, 9, 10, 11, 12, 16, 17, 22 };
	size_t at = 0;

	(void)state;
	for (int r = 0; r <= CHANNEL_REASON_COUNT; r++) {
		bool want = at < sizeof(ends) / sizeof(ends[0]) && ends[at] == r;

		at += want;
		if (channel_reason_ends_lease((enum channel_reason)r) != want)
			fail_msg("%s", channel_reason_name((enum channel_reason)r));
	}
	assert_false(channel_reason_ends_lease((enum channel_reason)60000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_verified_then_keys),
		cmocka_unit_test(frames_in_the_documents_order),
		cmocka_unit_test(byte_by_byte_is_the_same),
		cmocka_unit_test(renewals_rotate_nonces_and_psk),
		cmocka_unit_test(renewal_while_one_is_under_way_ignored),
		cmocka_unit_test(round_too_soon_refused),
		cmocka_unit_test(peer_that_changes_refused),
		cmocka_unit_test(lease_that_lapses_ends_both),
		cmocka_unit_test(lease_lapses_during_a_renewal),
		cmocka_unit_test(withdrawal_told),
		cmocka_unit_test(withdrawal_crosses_renewal),
		cmocka_unit_test(withdrawal_during_a_round_is_a_refusal),
		cmocka_unit_test(withdrawal_without_lease_unexpected),
		cmocka_unit_test(every_wait_has_a_deadline),
		cmocka_unit_test(dripping_bytes_time_out),
		cmocka_unit_test(headers_judged_before_a_body_is_kept),
		cmocka_unit_test(memory_kept_is_one_frame),
		cmocka_unit_test(bad_wireguard_keys_refused),
		cmocka_unit_test(unsound_assignment_is_our_own_mistake),
		cmocka_unit_test(answers_out_of_turn_close),
		cmocka_unit_test(owner_denies_verified_peer),
		cmocka_unit_test(end_is_told_once),
		cmocka_unit_test(broken_refuse_still_ends),
		cmocka_unit_test(talk_in_turn_after_both_verdicts),
		cmocka_unit_test(talk_without_admission_says_nothing),
		cmocka_unit_test(tunnel_and_talk_do_not_mix),
		cmocka_unit_test(talk_out_of_turn_refused),
		cmocka_unit_test(talk_ends_at_its_time),
		cmocka_unit_test(talk_of_too_much_refused),
		cmocka_unit_test(reason_names_are_stable),
		cmocka_unit_test(reasons_that_end_a_lease),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
