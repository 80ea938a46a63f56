/*
 * The attested channel on the simulated platform: real-format v4 quotes, real
 * collateral documents, and the verifier that judges Intel's.  What the demo
 * shows, in memory.
 */
#include "unit.h"

#include "base/arena.h"
#include "channel_pair.h"
#include "quoting/sim_docs.h"
#include "quoting/sim_pki.h"
#include "quoting/sim_quote.h"
#include "tee/policy.h"

enum {
	NOW = 1'800'000'000
};

/* One installation, and what each side trusts. */
struct cloud {
	struct sim_pki pki;
	struct collateral_files files;
	struct tee_anchor anchor;
	struct arena arena;
	struct tee_policy policy;
};

/* One trust domain on it. */
struct domain {
	struct cloud *cloud;
	struct sim_td td;
	struct sim_knobs knobs;
	bool trusts_nobody; /* no simulated anchor is configured */
	const struct tee_policy *policy;
};

static void sim_make_quote(struct side *s, const uint8_t report_data[64])
{
	struct domain *d = s->platform;

	memcpy(d->td.rtmr[3].b, s->rtmr3, 48);
	manifest_config_id(d->td.mr_config_id, span_str(s->manifest));
	buf_reset(&s->quote);
	assert_int_equal(sim_quote(&s->quote, &d->cloud->pki, &d->td, report_data, &d->knobs),
			 RC_OK);
}

static void sim_verify(struct side *s, struct tee_verdict *out, struct span quote)
{
	const struct domain *d = s->platform;
	struct tee_collateral collateral = collateral_view(&d->cloud->files);
	struct tee_anchor anchors[2] = { tee_anchor_intel, d->cloud->anchor };
	struct tee_input in = {
		.quote = quote,
		.collateral = &collateral,
		.anchors = anchors,
		.anchor_count = d->trusts_nobody ? 1 : 2,
		.policy = d->policy,
		.at = NOW,
	};

	tee_verify(out, &in);
}

static void write_register(struct wr *w, const char *image, const char *file_key, const char *name)
{
	struct sha384 value;
	static const char hex[] = "0123456789abcdef";

	sim_image_register(&value, image, name);
	wr_printf(w, "    %s: ", file_key);
	for (int i = 0; i < 48; i++)
		wr_printf(w, "%c%c", hex[value.b[i] >> 4], hex[value.b[i] & 15]);
	wr_str(w, "\n");
}

static void cloud_init(struct cloud *c)
{
	char text[2048], error[POLICY_ERROR_MAX] = "";
	struct wr w = WR_ARRAY(text);

	memset(c, 0, sizeof(*c));
	assert_int_equal(sim_pki_generate(&c->pki, NULL, NOW - 86400), RC_OK);
	assert_int_equal(sim_docs_make(&c->files, &c->pki, NULL, NOW - 3600), RC_OK);
	sim_pki_anchor(&c->anchor, &c->pki);
	arena_init(&c->arena, 65536);
	wr_str(&w, "tcb:\n  accept: [UpToDate]\nimages:\n  - name: base\n");
	write_register(&w, "base", "mr_td", "mrtd");
	write_register(&w, "base", "rtmr0", "rtmr0");
	write_register(&w, "base", "rtmr1", "rtmr1");
	write_register(&w, "base", "rtmr2", "rtmr2");
	if (policy_read(&c->policy, &c->arena, "policy.yaml", wr_span(&w), error))
		fail_msg("%s", error);
}

static void cloud_fini(struct cloud *c)
{
	arena_fini(&c->arena);
	collateral_fini(&c->files);
	sim_pki_fini(&c->pki);
}

static void domain_init(struct domain *d, struct cloud *c, struct side *s, const char *image)
{
	*d = (struct domain){ .cloud = c, .policy = &c->policy };
	sim_td_launch(&d->td, image, NULL);
	s->platform = d;
	s->make_quote = sim_make_quote;
	s->verify = sim_verify;
}

struct world {
	struct cloud cloud;
	struct pair pair;
	struct domain client, server;
};

static void world_init(struct world *w)
{
	cloud_init(&w->cloud);
	pair_init(&w->pair);
	domain_init(&w->client, &w->cloud, &w->pair.client, "base");
	domain_init(&w->server, &w->cloud, &w->pair.server, "base");
}

static void world_fini(struct world *w)
{
	pair_fini(&w->pair);
	cloud_fini(&w->cloud);
}

static void both_ends_verified_on_simulated_hardware(void **state)
{
	const struct channel_peer *peer;
	struct world w;

	(void)state;
	world_init(&w);
	pair_start(&w.pair);
	pair_run(&w.pair, 0);
	if (w.pair.client.assigned != 1)
		fail_msg("%s / %s", w.pair.server.end.detail, w.pair.client.end.detail);
	assert_memory_equal(w.pair.client.psk.b, w.pair.server.psk.b, 32);
	peer = channel_peer(w.pair.server.channel);
	assert_true(peer->is_simulated && peer->verdict.is_simulated);
	assert_true(peer->verdict.is_verified);
	assert_int_equal(peer->verdict.tcb_status, TCB_UP_TO_DATE);
	assert_string_equal(peer->verdict.image, "base");
	channel_renew(w.pair.client.channel, 0);
	pair_run(&w.pair, 0);
	assert_int_equal(w.pair.client.assigned, 2);
	world_fini(&w);
}

static void refused_by_server(struct world *w, const char *rule)
{
	pair_start(&w->pair);
	pair_run(&w->pair, 0);
	assert_int_equal(w->pair.client.end.reason, CHANNEL_EVIDENCE_REFUSED);
	assert_true(w->pair.client.end.by_peer);
	assert_string_equal(w->pair.client.end.detail, rule);
	assert_int_equal(frames_of(buf_span(&w->pair.client.sent), MESSAGE_KEY), 0);
	assert_int_equal(frames_of(buf_span(&w->pair.server.sent), MESSAGE_ASSIGN), 0);
	assert_int_equal(w->pair.server.quoted, 0);
	world_fini(w);
}

static void unlisted_measurement_refused(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	sim_td_launch(&w.client.td, "rogue", NULL);
	refused_by_server(&w, "measurement-not-listed");
}

static void debug_domain_refused(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.client.td.attributes |= SIM_TD_DEBUG;
	refused_by_server(&w, "policy-debug");
}

static void simulated_anchor_that_nobody_named_refused(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.server.trusts_nobody = true;
	refused_by_server(&w, "root-untrusted");
}

static void quote_signed_by_a_stranger_refused(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.client.knobs.quote.by_stranger = true;
	refused_by_server(&w, "quote-signature-invalid");
}

static void gateway_that_the_client_does_not_list_refused(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	sim_td_launch(&w.server.td, "rogue", NULL);
	pair_start(&w.pair);
	pair_run(&w.pair, 0);
	assert_int_equal(w.pair.server.end.reason, CHANNEL_EVIDENCE_REFUSED);
	assert_string_equal(w.pair.server.end.detail, "measurement-not-listed");
	assert_int_equal(frames_of(buf_span(&w.pair.client.sent), MESSAGE_KEY), 0);
	world_fini(&w);
}

/* Genuine hardware all the way, and the wrong session. */
static void genuine_quote_of_another_session_refused(void **state)
{
	struct world w;
	struct pair other;
	struct domain client, server;
	struct span recorded;

	(void)state;
	world_init(&w);
	pair_start(&w.pair);
	pair_run(&w.pair, 0);
	assert_int_equal(w.pair.client.assigned, 1);
	recorded = frame_of(buf_span(&w.pair.client.sent), MESSAGE_EVIDENCE, 0);
	pair_init(&other);
	domain_init(&client, &w.cloud, &other.client, "base");
	domain_init(&server, &w.cloud, &other.server, "base");
	pair_start(&other);
	(void)side_move(&other.client, &other.server, 0);
	channel_input(other.server.channel, recorded, 0);
	(void)side_step(&other.server, 0);
	assert_int_equal(other.server.end.reason, CHANNEL_BINDING_MISMATCH);
	assert_int_equal(other.server.keyed, 0);
	pair_fini(&other);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_verified_on_simulated_hardware),
		cmocka_unit_test(unlisted_measurement_refused),
		cmocka_unit_test(debug_domain_refused),
		cmocka_unit_test(simulated_anchor_that_nobody_named_refused),
		cmocka_unit_test(quote_signed_by_a_stranger_refused),
		cmocka_unit_test(gateway_that_the_client_does_not_list_refused),
		cmocka_unit_test(genuine_quote_of_another_session_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
