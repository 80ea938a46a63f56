/*
 * Attacks on the attested channel, each a test named by what must happen, and
 * the property they are all cases of: no byte of a KEY or ASSIGN leaves a side
 * before that side has verified its peer.
 */
#include "unit.h"

#include "channel_pair.h"

static void assert_refused(const struct pair *p, const struct side *by, enum channel_reason reason,
			   const char *detail)
{
	if (by->end.kind != CHANNEL_REFUSED || by->end.reason != reason || by->end.by_peer)
		fail_msg("refused by us: %d, %s (%s)", (int)by->end.kind,
			 channel_reason_name(by->end.reason), by->end.detail);
	if (detail && !strstr(by->end.detail, detail))
		fail_msg("detail: %s", by->end.detail);
	assert_int_equal(p->server.keyed, 0);
	assert_int_equal(p->client.assigned, 0);
	if (by == &p->server)
		assert_int_equal(frames_of(buf_span(&p->client.sent), MESSAGE_KEY), 0);
	assert_int_equal(frames_of(buf_span(&p->server.sent), MESSAGE_ASSIGN), 0);
}

/* Runs a pair whose one side is bent, and sees it refused by the other. */
static void run_refused(struct pair *p, const struct side *by, enum channel_reason reason,
			const char *detail)
{
	pair_start(p);
	pair_run(p, 0);
	assert_refused(p, by, reason, detail);
	pair_fini(p);
}

/*
 * A man in the middle ends TLS on both sides and forwards every frame as it
 * came.  With his own certificate both SPKIs differ.
 */
static void relay_by_a_stranger_refused(void **state)
{
	struct sha256 mitm_spki;
	struct pair p;

	(void)state;
	pair_init(&p);
	memset(&mitm_spki, 0x77, sizeof(mitm_spki));
	rng_bytes(p.server.session_secret, 32);
	side_start(&p.client, &mitm_spki, 0);
	side_start(&p.server, &mitm_spki, 0);
	pair_run(&p, 0);
	assert_refused(&p, &p.server, CHANNEL_BINDING_MISMATCH, "report-data");
	pair_fini(&p);
}

/* The same with both ends' TLS keys stolen: the exporter alone still differs. */
static void relay_with_stolen_tls_keys_refused(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	rng_bytes(p.server.session_secret, 32);
	run_refused(&p, &p.server, CHANNEL_BINDING_MISMATCH, "report-data");
}

/* Each input of the binder by itself. */
static void each_input_of_the_binder_counts(void **state)
{
	struct binding b = { .role = CHANNEL_CLIENT, .round = 1 };
	struct sha512 seen[8];

	(void)state;
	binding_binder(&seen[0], &b);
	b.role = CHANNEL_SERVER;
	binding_binder(&seen[1], &b);
	b.round = 2;
	binding_binder(&seen[2], &b);
	b.exporter[31] = 1;
	binding_binder(&seen[3], &b);
	b.own_spki.b[0] = 1;
	binding_binder(&seen[4], &b);
	b.peer_spki.b[0] = 2;
	binding_binder(&seen[5], &b);
	b.peer_nonce[0] = 1;
	binding_binder(&seen[6], &b);
	b.claims.b[0] = 1;
	binding_binder(&seen[7], &b);
	for (int i = 0; i < 8; i++)
		for (int k = 0; k < i; k++)
			assert_memory_not_equal(seen[i].b, seen[k].b, 64);
}

/* The formula of the document, computed here a second time from its bytes. */
static void binder_is_the_documents_formula(void **state)
{
	struct binding b = { .role = CHANNEL_SERVER, .round = 0x01020304 };
	uint8_t bytes[18 + 5 + 5 * 32] = "postern/channel/v1";
	struct sha512 got, want;

	(void)state;
	memcpy(bytes + 18, "\x02\x01\x02\x03\x04", 5);
	memset(bytes + 23, 0xe0, 32);
	memset(bytes + 55, 0xe1, 32);
	memset(bytes + 87, 0xe2, 32);
	memset(bytes + 119, 0xe3, 32);
	memset(bytes + 151, 0xe4, 32);
	memset(b.exporter, 0xe0, 32);
	memset(b.own_spki.b, 0xe1, 32);
	memset(b.peer_spki.b, 0xe2, 32);
	memset(b.peer_nonce, 0xe3, 32);
	memset(b.claims.b, 0xe4, 32);
	binding_binder(&got, &b);
	sha512_of(&want, SPAN_ARRAY(bytes));
	assert_memory_equal(got.b, want.b, 64);
}

static void report_data_is_the_documents_formula(void **state)
{
	uint8_t bytes[16 + 32] = "postern/batch/v1", got[64];
	struct merkle_hash root;
	struct sha512 want;

	(void)state;
	memset(root.b, 0x77, 32);
	memset(bytes + 16, 0x77, 32);
	channel_report_data(got, &root);
	sha512_of(&want, SPAN_ARRAY(bytes));
	assert_memory_equal(got, want.b, 64);
}

static void psk_is_the_documents_formula(void **state)
{
	static const char label[] = "EXPORTER-postern-wg-psk";
	uint8_t context[128], want[32];
	struct span hello;
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	pair_run(&p, 0);
	memcpy(context, p.client.wg_public, 32);
	memcpy(context + 32, p.server.wg_public, 32);
	hello = frame_of(buf_span(&p.client.sent), MESSAGE_HELLO, 0);
	memcpy(context + 64, hello.p + 11, 32);
	hello = frame_of(buf_span(&p.server.sent), MESSAGE_HELLO, 0);
	memcpy(context + 96, hello.p + 11, 32);
	assert_true(side_export(&p.client, want, label, SPAN_ARRAY(context)));
	assert_memory_equal(p.client.psk.b, want, 32);
	assert_memory_equal(p.server.psk.b, want, 32);
	pair_fini(&p);
}

/* Evidence recorded in one session, presented in another of the same client
 * key to the same server. */
static void replay_from_another_session_refused(void **state)
{
	struct pair old, p;
	struct span recorded;

	(void)state;
	pair_init(&old);
	pair_start(&old);
	pair_run(&old, 0);
	assert_int_equal(old.client.assigned, 1);
	recorded = frame_of(buf_span(&old.client.sent), MESSAGE_EVIDENCE, 0);
	pair_init(&p);
	pair_start(&p);
	(void)side_move(&p.client, &p.server, 0);
	channel_input(p.server.channel, recorded, 0);
	(void)side_step(&p.server, 0);
	assert_refused(&p, &p.server, CHANNEL_BINDING_MISMATCH, "report-data");
	pair_fini(&old);
	pair_fini(&p);
}

/* Everything a client ever said, replayed whole: the nonce is another. */
static void replay_of_a_whole_session_refused(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	pair_run(&p, 0);
	side_start(&p.server, &p.client.own_spki, 0);
	p.server.keyed = 0;
	channel_input(p.server.channel, buf_span(&p.client.sent), 0);
	(void)side_step(&p.server, 0);
	assert_int_equal(p.server.end.reason, CHANNEL_BINDING_MISMATCH);
	assert_int_equal(p.server.keyed, 0);
	pair_fini(&p);
}

/* A peer that sends everything back: first the hello, then, when it has one of
 * the right role, our own evidence. */
static void reflection_refused(void **state)
{
	static const uint8_t hello[43] = { MESSAGE_HELLO, 0, 0, 39, 0, 1, 2 };
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	channel_input(p.client.channel, buf_span(channel_output(p.client.channel)), 0);
	(void)side_step(&p.client, 0);
	assert_refused(&p, &p.client, CHANNEL_BAD_MESSAGE, "role");
	pair_start(&p);
	channel_input(p.client.channel, SPAN_ARRAY(hello), 0);
	(void)side_move(&p.client, NULL, 0);
	(void)side_step(&p.client, 0);
	channel_input(p.client.channel, buf_span(channel_output(p.client.channel)), 0);
	(void)side_step(&p.client, 0);
	assert_refused(&p, &p.client, CHANNEL_BINDING_MISMATCH, "report-data");
	pair_fini(&p);
}

/* The same when nonces are the same too, and the TLS certificates: the role is
 * what differs. */
static void reflection_with_equal_nonces_and_keys_refused(void **state)
{
	struct pair p;
	struct span s;

	(void)state;
	pair_init(&p);
	p.server.own_spki = p.client.own_spki;
	pair_start(&p);
	(void)side_move(&p.client, NULL, 0);
	s = frame_of(buf_span(&p.client.sent), MESSAGE_HELLO, 0);
	uint8_t mirrored[43];
	memcpy(mirrored, s.p, s.n);
	mirrored[6] = 2;
	channel_input(p.client.channel, SPAN_ARRAY(mirrored), 0);
	(void)side_step(&p.client, 0);
	channel_input(p.client.channel, buf_span(channel_output(p.client.channel)), 0);
	(void)side_step(&p.client, 0);
	assert_refused(&p, &p.client, CHANNEL_BINDING_MISMATCH, "report-data");
	pair_fini(&p);
}

static void zero_report_data_refused(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.client.gives_zero_report_data = true;
	run_refused(&p, &p.server, CHANNEL_BINDING_MISMATCH, "report-data-zero");
	pair_init(&p);
	p.server.gives_zero_report_data = true;
	run_refused(&p, &p.client, CHANNEL_BINDING_MISMATCH, "report-data-zero");
}

/* A quote over the same root under another label of ours (a guest's, say). */
static void quote_made_for_another_purpose_refused(void **state)
{
	struct merkle_hash root;
	struct sha512 other;
	uint8_t config_id[48];
	struct pair p;

	(void)state;
	pair_init(&p);
	p.client.does_not_quote = true;
	pair_start(&p);
	pair_run(&p, 0);
	merkle_leaf(&root, hash_merkle_sha256, SPAN_ARRAY(p.client.binder.b));
	const struct span parts[] = { span_str("postern/guest/v1"), SPAN_ARRAY(root.b) };
	sha512_parts(&other, parts, 2);
	manifest_config_id(config_id, span_str(p.client.manifest));
	fake_quote(&p.client.quote, config_id, p.client.rtmr3, other.b);
	channel_quoted(p.client.channel, buf_span(&p.client.quote), buf_span(&p.client.log), 0,
		       1, NULL, 0, 0);
	pair_run(&p, 0);
	assert_refused(&p, &p.server, CHANNEL_BINDING_MISMATCH, "report-data");
	pair_fini(&p);
}

/* The binder itself as report_data, without the batch's label. */
static void bare_binder_as_report_data_refused(void **state)
{
	uint8_t config_id[48];
	struct pair p;

	(void)state;
	pair_init(&p);
	p.client.does_not_quote = true;
	pair_start(&p);
	pair_run(&p, 0);
	manifest_config_id(config_id, span_str(p.client.manifest));
	fake_quote(&p.client.quote, config_id, p.client.rtmr3, p.client.binder.b);
	channel_quoted(p.client.channel, buf_span(&p.client.quote), buf_span(&p.client.log), 0,
		       1, NULL, 0, 0);
	pair_run(&p, 0);
	assert_refused(&p, &p.server, CHANNEL_BINDING_MISMATCH, "report-data");
	pair_fini(&p);
}

/* Two sessions in one batch; which leaf and path each presents. */
static void merkle_paths(void **state)
{
	static const struct {
		const char *name;
		uint64_t index, count;
		int path; /* whose leaf stands in the path; -1: none */
		bool is_ok;
	} rows[] = {
		{ "own_path_accepted", 0, 2, 1, true },
		{ "swapped_index_refused", 1, 2, 1, false },
		{ "swapped_path_refused", 0, 2, 0, false },
		{ "path_missing_refused", 0, 2, -1, false },
		{ "path_for_lone_leaf_refused", 0, 1, 1, false },
		{ "count_three_refused", 2, 3, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct merkle_hash leaves[2], root;
		struct pair p[2];

		for (int k = 0; k < 2; k++) {
			pair_init(&p[k]);
			p[k].client.does_not_quote = true;
			pair_start(&p[k]);
			pair_run(&p[k], 0);
			merkle_leaf(&leaves[k], hash_merkle_sha256,
				    SPAN_ARRAY(p[k].client.binder.b));
		}
		merkle_root(&root, hash_merkle_sha256, leaves, 2);
		side_quote(&p[0].client, &root);
		channel_quoted(p[0].client.channel, buf_span(&p[0].client.quote),
			       buf_span(&p[0].client.log), rows[i].index, rows[i].count,
			       rows[i].path >= 0 ? &leaves[rows[i].path] : NULL,
			       rows[i].path >= 0, 0);
		pair_run(&p[0], 0);
		if ((p[0].server.verified == 1) != rows[i].is_ok)
			fail_msg("%s", rows[i].name);
		if (!rows[i].is_ok)
			assert_refused(&p[0], &p[0].server, CHANNEL_BINDING_MISMATCH, NULL);
		pair_fini(&p[0]);
		pair_fini(&p[1]);
	}
}

/* The verdict is the AND of all steps: drop any one and it flips. */
static void verifier_says_no_refused(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.server.verdict = TEE_POLICY_MEASUREMENT;
	run_refused(&p, &p.server, CHANNEL_EVIDENCE_REFUSED, "measurement-not-listed");
	pair_init(&p);
	p.client.verdict = TEE_POLICY_MEASUREMENT;
	run_refused(&p, &p.client, CHANNEL_EVIDENCE_REFUSED, "measurement-not-listed");
	pair_init(&p);
	p.server.verdict = TEE_POLICY_DEBUG;
	run_refused(&p, &p.server, CHANNEL_EVIDENCE_REFUSED, "policy-debug");
	pair_init(&p);
	p.server.verifies_nothing = true;
	run_refused(&p, &p.server, CHANNEL_EVIDENCE_REFUSED, "collateral-missing");
	pair_init(&p);
	p.server.says_unverified = true;
	run_refused(&p, &p.server, CHANNEL_EVIDENCE_REFUSED, NULL);
}

/* The peer learns the rule it broke, not what our policy holds. */
static void refusal_tells_the_rule_alone(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.server.verdict = TEE_POLICY_MEASUREMENT;
	pair_start(&p);
	pair_run(&p, 0);
	assert_string_equal(p.client.end.detail, "measurement-not-listed");
	assert_int_equal(p.client.end.reason, CHANNEL_EVIDENCE_REFUSED);
	assert_true(p.client.end.by_peer);
	assert_non_null(strstr(p.server.end.detail, "our policy's secrets"));
	pair_fini(&p);
}

/* A gateway whose measurement the client does not accept gets no key. */
static void refused_gateway_gets_no_key(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.client.verdict = TEE_POLICY_MEASUREMENT;
	pair_start(&p);
	pair_run(&p, 0);
	assert_int_equal(p.server.verified, 1);
	assert_int_equal(frames_of(buf_span(&p.client.sent), MESSAGE_KEY), 0);
	pair_fini(&p);
}

static void claims_that_lie_refused(void **state)
{
	struct pair p;

	(void)state;
#define LIE(change, reason, detail) \
	pair_init(&p); \
	change; \
	side_claim(&p.client); \
	run_refused(&p, &p.server, reason, detail)
	LIE(p.client.claims.app_id[0] ^= 1, CHANNEL_CLAIMS_MISMATCH, "app_id");
	LIE(p.client.claims.instance_id[0] ^= 1, CHANNEL_CLAIMS_MISMATCH, "instance_id");
	LIE(p.client.claims.manifest_hash.b[0] ^= 1, CHANNEL_CLAIMS_MISMATCH, "manifest_hash");
	LIE(strcpy(p.client.claims.purpose, "https-key"), CHANNEL_PURPOSE, "purpose");
	pair_init(&p);
	p.client.claims_text.p[0] = '[';
	run_refused(&p, &p.server, CHANNEL_CLAIMS_MALFORMED, "claims");
}

/* Claims changed after the quote was made: their hash is in the binder. */
static void claims_changed_on_the_way_refused(void **state)
{
	struct pair p;
	struct buf *out;
	uint8_t *at;

	(void)state;
	pair_init(&p);
	p.client.does_not_quote = true;
	pair_start(&p);
	pair_run(&p, 0);
	side_answer_quote(&p.client, 0);
	out = channel_output(p.client.channel);
	at = memmem(out->p + out->at, out->n, "cvm-1", 5);
	assert_non_null(at);
	at[4] = '2';
	pair_run(&p, 0);
	assert_refused(&p, &p.server, CHANNEL_BINDING_MISMATCH, "report-data");
	pair_fini(&p);
}

/* Another manifest than the measured one, honest in all else. */
static void manifest_swap_refused(void **state)
{
	struct pair p;
	struct buf *out;
	uint8_t *at;

	(void)state;
	pair_init(&p);
	p.client.does_not_quote = true;
	pair_start(&p);
	pair_run(&p, 0);
	side_answer_quote(&p.client, 0);
	out = channel_output(p.client.channel);
	at = memmem(out->p + out->at, out->n, "\"hello\"", 7);
	assert_non_null(at);
	at[1] = 'j';
	pair_run(&p, 0);
	assert_refused(&p, &p.server, CHANNEL_MANIFEST_MISMATCH, "mrconfigid");
	pair_fini(&p);
}

/* What is measured need not be a manifest. */
static void measured_garbage_is_no_manifest(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.client.manifest[0] = '[';
	side_measure(&p.client);
	side_claim(&p.client);
	run_refused(&p, &p.server, CHANNEL_MANIFEST_MISMATCH, "");
}

/* The log of one instance beside the quote of another. */
static void event_log_of_another_refused(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.client.rtmr3[0] ^= 1;
	run_refused(&p, &p.server, CHANNEL_EVIDENCE_REFUSED, "event-log-mismatch");
	pair_init(&p);
	buf_reset(&p.client.log);
	assert_true(buf_add(&p.client.log, span_str("{}")));
	run_refused(&p, &p.server, CHANNEL_EVIDENCE_REFUSED, "event-log-malformed");
}

/* A log that replays but does not say who it is of. */
static void log_without_identity_refused(void **state)
{
	static const char *const events[3] = { "app-id", "compose-hash", "instance-id" };

	(void)state;
	for (int drop = 0; drop < 3; drop++) {
		struct eventlog log;
		struct span payload[3];
		struct pair p;

		pair_init(&p);
		payload[0] = SPAN_ARRAY(p.client.claims.app_id);
		payload[1] = SPAN_ARRAY(p.client.claims.manifest_hash.b);
		payload[2] = SPAN_ARRAY(p.client.claims.instance_id);
		memset(p.client.rtmr3, 0, 48);
		eventlog_init(&log);
		for (int i = 0; i < 3; i++)
			if (i != drop)
				side_log_event(&p.client, &log, events[i], payload[i]);
		side_log_event(&p.client, &log, "boot-mr-done", span_of(NULL, 0));
		buf_reset(&p.client.log);
		assert_int_equal(eventlog_text(&log, &p.client.log), RC_OK);
		eventlog_fini(&log);
		run_refused(&p, &p.server, CHANNEL_EVIDENCE_REFUSED, "event-log-malformed");
	}
}

/* A log that replays and names another application than the manifest's. */
static void log_of_another_app_refused(void **state)
{
	static const char *const want[2] = { "event app-id", "event compose-hash" };

	(void)state;
	for (int lie = 0; lie < 2; lie++) {
		struct eventlog log;
		struct pair p;
		uint8_t app[20], hash[32];

		pair_init(&p);
		memcpy(app, p.client.claims.app_id, 20);
		memcpy(hash, p.client.claims.manifest_hash.b, 32);
		(lie == 0 ? app : hash)[0] ^= 1;
		memset(p.client.rtmr3, 0, 48);
		eventlog_init(&log);
		side_log_event(&p.client, &log, "app-id", SPAN_ARRAY(app));
		side_log_event(&p.client, &log, "compose-hash", SPAN_ARRAY(hash));
		side_log_event(&p.client, &log, "instance-id",
			       SPAN_ARRAY(p.client.claims.instance_id));
		side_log_event(&p.client, &log, "boot-mr-done", span_of(NULL, 0));
		buf_reset(&p.client.log);
		assert_int_equal(eventlog_text(&log, &p.client.log), RC_OK);
		eventlog_fini(&log);
		run_refused(&p, &p.server, CHANNEL_MANIFEST_MISMATCH, want[lie]);
	}
}

static void garbage_quote_refused(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.client.does_not_quote = true;
	pair_start(&p);
	pair_run(&p, 0);
	channel_quoted(p.client.channel, span_str("no quote"), buf_span(&p.client.log), 0, 1,
		       NULL, 0, 0);
	pair_run(&p, 0);
	assert_refused(&p, &p.server, CHANNEL_EVIDENCE_REFUSED, "quote-too-short");
	pair_fini(&p);
}

/* No exporter, no evidence, on either side: fail closed. */
static void without_exporter_nothing_is_said(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.client.has_no_exporter = true;
	pair_start(&p);
	pair_run(&p, 0);
	assert_refused(&p, &p.client, CHANNEL_INTERNAL, "no exporter");
	assert_int_equal(frames_of(buf_span(&p.client.sent), MESSAGE_EVIDENCE), 0);
	pair_fini(&p);
	pair_init(&p);
	p.server.has_no_exporter = true;
	run_refused(&p, &p.server, CHANNEL_INTERNAL, "no exporter");
}

/* Zeros are what a library leaves behind that did not say that it failed. */
static void exporter_of_zeros_closes(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.client.zero_label = BINDING_EXPORTER;
	pair_start(&p);
	pair_run(&p, 0);
	assert_refused(&p, &p.client, CHANNEL_INTERNAL, "no exporter");
	assert_int_equal(frames_of(buf_span(&p.client.sent), MESSAGE_EVIDENCE), 0);
	pair_fini(&p);
	pair_init(&p);
	p.server.zero_label = BINDING_PSK_EXPORTER;
	pair_start(&p);
	pair_run(&p, 0);
	assert_int_equal(p.server.end.reason, CHANNEL_INTERNAL);
	assert_int_equal(p.server.keyed, 0);
	assert_int_equal(p.client.assigned, 0);
	pair_fini(&p);
}

/* The exporter that fails last, for the PSK: the assignment does not come. */
static void exporter_lost_before_psk_closes(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.server.does_not_admit = true;
	pair_start(&p);
	pair_run(&p, 0);
	channel_admit(p.server.channel, 0);
	(void)side_step(&p.server, 0);
	p.server.has_no_exporter = true;
	pair_run(&p, 0);
	assert_int_equal(p.server.end.reason, CHANNEL_INTERNAL);
	assert_string_equal(p.server.end.detail, "no exporter");
	assert_int_equal(p.server.keyed, 0);
	assert_int_equal(p.client.assigned, 0);
	pair_fini(&p);
}

static void wrong_version_refused(void **state)
{
	static const uint8_t older[] = { MESSAGE_HELLO, 0, 0, 2, 0, 0 };
	static const uint8_t newer[] = { MESSAGE_HELLO, 0, 0, 4, 0, 2, 1, 1 };
	struct pair p;

	(void)state;
	for (int i = 0; i < 2; i++) {
		pair_init(&p);
		pair_start(&p);
		channel_input(p.server.channel, i ? SPAN_ARRAY(newer) : SPAN_ARRAY(older), 0);
		(void)side_step(&p.server, 0);
		assert_refused(&p, &p.server, CHANNEL_BAD_VERSION, NULL);
		channel_input(p.client.channel, i ? SPAN_ARRAY(newer) : SPAN_ARRAY(older), 0);
		(void)side_step(&p.client, 0);
		assert_refused(&p, &p.client, CHANNEL_BAD_VERSION, NULL);
		pair_fini(&p);
	}
}

static void key_before_evidence_refused(void **state)
{
	struct message_key k = { .wg_public = { 9 } };
	uint8_t bytes[64];
	struct wr w = WR_ARRAY(bytes);
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	(void)side_move(&p.client, &p.server, 0);
	message_write_key(&w, &k);
	channel_input(p.server.channel, wr_span(&w), 0);
	(void)side_step(&p.server, 0);
	assert_refused(&p, &p.server, CHANNEL_BAD_ORDER, NULL);
	pair_fini(&p);
}

/* A key sent together with the evidence, before the server has answered. */
static void key_on_the_heels_of_evidence_refused(void **state)
{
	static const uint8_t key[] = { MESSAGE_KEY, 0, 0, 36 };
	struct pair p;

	(void)state;
	pair_init(&p);
	p.client.does_not_quote = true;
	pair_start(&p);
	pair_run(&p, 0);
	side_answer_quote(&p.client, 0);
	(void)side_move(&p.client, &p.server, 0);
	channel_input(p.server.channel, SPAN_ARRAY(key), 0);
	(void)side_step(&p.server, 0);
	assert_refused(&p, &p.server, CHANNEL_BAD_ORDER, NULL);
	pair_fini(&p);
}

static void assign_instead_of_evidence_refused(void **state)
{
	static const uint8_t assign[] = { MESSAGE_ASSIGN, 0, 0, 60 };
	struct pair p;

	(void)state;
	pair_init(&p);
	p.server.does_not_quote = true;
	pair_start(&p);
	pair_run(&p, 0);
	channel_input(p.client.channel, SPAN_ARRAY(assign), 0);
	(void)side_step(&p.client, 0);
	assert_refused(&p, &p.client, CHANNEL_BAD_ORDER, NULL);
	pair_fini(&p);
}

/* Round 0's evidence in round 1: as it is, and with its number changed. */
static void evidence_of_another_round_refused(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		uint8_t copy[8192];
		struct span old;
		struct pair p;

		pair_init(&p);
		pair_start(&p);
		pair_run(&p, 0);
		old = frame_of(buf_span(&p.client.sent), MESSAGE_EVIDENCE, 0);
		assert_true(old.n && old.n <= sizeof(copy));
		memcpy(copy, old.p, old.n);
		copy[MESSAGE_HEADER_LEN + 3] = (uint8_t)i;
		channel_renew(p.client.channel, 0);
		(void)side_move(&p.client, &p.server, 0);
		channel_input(p.server.channel, span_of(copy, old.n), 0);
		(void)side_step(&p.server, 0);
		assert_int_equal(p.server.end.reason,
				 i ? CHANNEL_BINDING_MISMATCH : CHANNEL_BAD_ORDER);
		assert_int_equal(p.server.verified, 1);
		assert_int_equal(p.server.keyed, 1);
		pair_fini(&p);
	}
}

/* A renewal under an older round's number. */
static void hello_of_another_round_refused(void **state)
{
	struct pair p;

	(void)state;
	for (uint32_t round = 0; round < 4; round += 2) {
		struct message_hello m = { .version = 1, .role = CHANNEL_CLIENT, .round = round };
		uint8_t bytes[64];
		struct wr w = WR_ARRAY(bytes);

		pair_init(&p);
		pair_start(&p);
		pair_run(&p, 0);
		message_write_hello(&w, &m);
		channel_input(p.server.channel, wr_span(&w), 0);
		(void)side_step(&p.server, 0);
		assert_int_equal(p.server.end.reason, CHANNEL_BAD_ORDER);
		pair_fini(&p);
	}
}

/* A platform that no longer verifies is cut at the next round. */
static void revoked_between_rounds_refused(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	pair_run(&p, 0);
	p.server.verdict = TEE_PCK_REVOKED;
	channel_renew(p.client.channel, 0);
	pair_run(&p, 0);
	assert_int_equal(p.server.end.reason, CHANNEL_EVIDENCE_REFUSED);
	assert_string_equal(p.client.end.detail, "pck-revoked");
	assert_int_equal(p.server.keyed, 1);
	pair_fini(&p);
}

/* ---- the property */

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void check_property(const struct pair *p, uint32_t seed)
{
	struct span pending_client = buf_span(channel_output(p->client.channel));
	struct span pending_server = buf_span(channel_output(p->server.channel));
	unsigned keys = frames_of(buf_span(&p->client.sent), MESSAGE_KEY) +
			frames_of(pending_client, MESSAGE_KEY);
	unsigned assigns = frames_of(buf_span(&p->server.sent), MESSAGE_ASSIGN) +
			   frames_of(pending_server, MESSAGE_ASSIGN);

	if (keys > p->client.verified || assigns > p->server.verified ||
	    p->client.assigned > p->client.verified || p->server.keyed > p->server.verified)
		fail_msg("seed %u: a key before a verdict", seed);
	if ((p->client.verdict && (keys || p->client.assigned)) ||
	    (p->server.verdict && (assigns || p->server.keyed)))
		fail_msg("seed %u: a key after a refusal", seed);
}

/* Hands a piece of what 'from' says to 'to': whole, cut, bent, twice or not. */
static void disturb(struct side *from, struct side *to, uint32_t *seed)
{
	struct buf *out = channel_output(from->channel);
	uint8_t copy[16384];
	struct span s = buf_span(out);
	size_t n = s.n ? 1 + next_random(seed) % s.n : 0;

	if (n > sizeof(copy))
		n = sizeof(copy);
	if (next_random(seed) % 3)
		n = s.n < sizeof(copy) ? s.n : sizeof(copy);
	if (n == 0)
		return;
	memcpy(copy, s.p, n);
	if (next_random(seed) % 24 == 0)
		copy[next_random(seed) % n] ^= (uint8_t)(1 << next_random(seed) % 8);
	if (next_random(seed) % 24)
		channel_input(to->channel, span_of(copy, n), 0);
	if (next_random(seed) % 48 == 0)
		channel_input(to->channel, span_of(copy, n), 0);
	/* What it said, not what we made of it. */
	if (!buf_add(&from->sent, span_of(buf_span(out).p, n)))
		abort();
	buf_consume(out, n);
}

/* An owner that answers at random, in and out of turn. */
static void meddle(struct side *s, uint32_t *seed)
{
	switch (next_random(seed) % 6) {
	case 0:
		channel_admit(s->channel, 0);
		break;
	case 1:
		channel_offer_key(s->channel, s->wg_public, 0);
		break;
	case 2:
		channel_assign(s->channel, &s->assignment, 0);
		break;
	case 3:
		side_answer_quote(s, 0);
		break;
	case 4:
		channel_renew(s->channel, 0);
		break;
	default:
		channel_expire(s->channel, next_random(seed) % 3000);
		break;
	}
}

/* Old frames of any session, in any order, to either side. */
static void inject(const struct pair *old, struct side *to, uint32_t *seed)
{
	struct span from = buf_span(next_random(seed) % 2 ? &old->client.sent : &old->server.sent);
	struct span frame = frame_of(from, 1 + next_random(seed) % 6, 0);

	if (frame.n)
		channel_input(to->channel, frame, 0);
}

static void no_key_before_both_verdicts(void **state)
{
	unsigned complete = 0;
	struct pair old;

	(void)state;
	pair_init(&old);
	pair_start(&old);
	pair_run(&old, 0);
	for (uint32_t run = 0; run < 3000; run++) {
		uint32_t seed = run;
		struct pair p;

		pair_init(&p);
		(void)next_random(&seed);
		if (next_random(&seed) % 4 == 0)
			p.client.verdict = TEE_POLICY_MEASUREMENT;
		if (next_random(&seed) % 4 == 0)
			p.server.verdict = TEE_QUOTE_SIGNATURE;
		pair_start(&p);
		for (int i = 0; i < 60; i++) {
			struct side *a = next_random(&seed) % 2 ? &p.client : &p.server;
			struct side *b = a == &p.client ? &p.server : &p.client;
			uint32_t what = next_random(&seed) % 160;

			if (what < 80)
				(void)side_step(a, 0);
			else if (what < 158)
				disturb(a, b, &seed);
			else if (what < 159)
				inject(&old, a, &seed);
			else
				meddle(a, &seed);
			check_property(&p, run);
		}
		complete += p.client.assigned > 0;
		pair_fini(&p);
	}
	pair_fini(&old);
	/* The schedules are not so wild that nothing ever gets through. */
	assert_true(complete > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(relay_by_a_stranger_refused),
		cmocka_unit_test(relay_with_stolen_tls_keys_refused),
		cmocka_unit_test(each_input_of_the_binder_counts),
		cmocka_unit_test(binder_is_the_documents_formula),
		cmocka_unit_test(report_data_is_the_documents_formula),
		cmocka_unit_test(psk_is_the_documents_formula),
		cmocka_unit_test(replay_from_another_session_refused),
		cmocka_unit_test(replay_of_a_whole_session_refused),
		cmocka_unit_test(reflection_refused),
		cmocka_unit_test(reflection_with_equal_nonces_and_keys_refused),
		cmocka_unit_test(zero_report_data_refused),
		cmocka_unit_test(quote_made_for_another_purpose_refused),
		cmocka_unit_test(bare_binder_as_report_data_refused),
		cmocka_unit_test(merkle_paths),
		cmocka_unit_test(verifier_says_no_refused),
		cmocka_unit_test(refusal_tells_the_rule_alone),
		cmocka_unit_test(refused_gateway_gets_no_key),
		cmocka_unit_test(claims_that_lie_refused),
		cmocka_unit_test(claims_changed_on_the_way_refused),
		cmocka_unit_test(manifest_swap_refused),
		cmocka_unit_test(measured_garbage_is_no_manifest),
		cmocka_unit_test(event_log_of_another_refused),
		cmocka_unit_test(log_without_identity_refused),
		cmocka_unit_test(log_of_another_app_refused),
		cmocka_unit_test(garbage_quote_refused),
		cmocka_unit_test(without_exporter_nothing_is_said),
		cmocka_unit_test(exporter_of_zeros_closes),
		cmocka_unit_test(exporter_lost_before_psk_closes),
		cmocka_unit_test(wrong_version_refused),
		cmocka_unit_test(key_before_evidence_refused),
		cmocka_unit_test(key_on_the_heels_of_evidence_refused),
		cmocka_unit_test(assign_instead_of_evidence_refused),
		cmocka_unit_test(evidence_of_another_round_refused),
		cmocka_unit_test(hello_of_another_round_refused),
		cmocka_unit_test(revoked_between_rounds_refused),
		cmocka_unit_test(no_key_before_both_verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
