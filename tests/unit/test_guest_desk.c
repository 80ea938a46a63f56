/* The guest API: what is answered, to whom, and what is refused and why. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/keccak.h"
#include "crypto/secp256k1.h"
#include "guest/derive.h"
#include "guest_world.h"
#include "json/jtree.h"

enum {
	ALL = 0,
	FEW = 1,
	NONE = 2,
	TLS = 3,
	BODY_MAX = 1024 * 1024,
};

struct asked {
	struct desk_answer a;
	struct desk *pending;
	enum desk_step step;
	struct arena arena;
	const struct jtree *json; /* when it is answered */
};

static void ask_world(struct asked *out, const struct desk_world *w, size_t who, const char *path,
		      const char *body)
{
	const struct desk_request r = { body ? "POST" : "GET", path,
					body ? span_str(body) : (struct span){ 0 } };

	*out = (struct asked){ 0 };
	buf_init(&out->a.body, BODY_MAX);
	arena_init(&out->arena, 4 * BODY_MAX);
	out->step = desk_ask(&out->pending, &out->a, w, &w->manifest->guest->containers[who], &r);
	if (out->step == DESK_ANSWERED)
		out->json = jtree_read(&out->arena, buf_span(&out->a.body));
}

static void asked_fini(struct asked *a)
{
	desk_free(a->pending);
	buf_wipe(&a->a.body);
	arena_fini(&a->arena);
}

static struct span text_of(const struct asked *a, const char *key)
{
	const struct jtree *v = jtree_get(a->json, key);

	assert_non_null(v);
	assert_int_equal(v->type, JTREE_TEXT);
	return v->text;
}

static void rights_decide(void **state)
{
	static const struct {
		size_t who;
		const char *path, *body;
		unsigned status; /* 0: it waits for the machine */
	} cases[] = {
		{ ALL, "/v1/version", NULL, 200 },
		{ NONE, "/v1/version", NULL, 200 },
		{ NONE, "/Version", "{}", 200 },
		{ ALL, "/v1/info", NULL, 200 },
		{ FEW, "/v1/info", "{}", 200 },
		{ NONE, "/v1/info", NULL, 403 },
		{ NONE, "/Info", "{}", 403 },
		{ NONE, "/prpc/Tappd.Info", "{}", 403 },
		{ ALL, "/v1/quote", "{\"data\":\"00\"}", 0 },
		{ FEW, "/v1/quote", "{\"data\":\"00\"}", 403 },
		{ FEW, "/GetQuote", "{\"report_data\":\"00\"}", 403 },
		{ ALL, "/prpc/DstackGuest.GetQuote", "{\"report_data\":\"00\"}", 0 },
		{ ALL, "/prpc/GetQuote", "{\"report_data\":\"00\",\"more\":1}", 0 },
		{ ALL, "/v1/quote", "{\"data\":\"00\",\"more\":1}", 400 },
		{ ALL, "/v1/quote", "{\"report_data\":\"00\"}", 400 },
		{ ALL, "/v1/quote", "{}", 400 },
		{ ALL, "/v1/quote", NULL, 405 },
		{ ALL, "/Attest", "{\"report_data\":\"00\"}", 0 },
		{ FEW, "/Attest", "{\"report_data\":\"00\"}", 403 },
		{ ALL, "/v1/evidence", "{}", 0 },
		{ FEW, "/v1/evidence", "{}", 403 },
		{ FEW, "/v1/key", "{\"path\":\"/few/a\"}", 200 },
		{ FEW, "/v1/key", "{\"path\":\"/few\"}", 403 },
		{ FEW, "/GetKey", "{\"path\":\"/few/a\"}", 200 },
		{ FEW, "/GetKey", "{}", 403 },
		{ ALL, "/GetKey", "{}", 200 },
		{ ALL, "/GetKey", "{\"algorithm\":\"raw\"}", 400 },
		{ ALL, "/GetKey", "{\"algorithm\":\"secp256k1_prehashed\"}", 400 },
		{ ALL, "/GetKey", "{\"path\":null}", 200 },
		{ ALL, "/v1/key", "{\"path\":null}", 400 },
		{ ALL, "/v1/key", "{\"path\":\"a\",\"algorithm\":\"raw\"}", 200 },
		{ FEW, "/v1/sign", "{\"path\":\"/few/a\",\"data\":\"\"}", 403 },
		{ ALL, "/v1/sign", "{\"path\":\"/few/a\",\"data\":\"\"}", 200 },
		{ ALL, "/v1/sign", "{\"path\":\"a\",\"data\":\"\",\"algorithm\":\"raw\"}", 400 },
		{ FEW, "/Sign", "{\"data\":\"\"}", 403 },
		{ ALL, "/Sign", "{\"data\":\"\",\"algorithm\":\"secp256k1_prehashed\"}", 400 },
		{ FEW, "/v1/tls-key", "{}", 403 },
		{ ALL, "/v1/tls-key", "{}", 200 },
		{ TLS, "/v1/tls-key", "{}", 200 },
		{ TLS, "/v1/tls-key", "{\"usage_ra_tls\":true}", 403 },
		{ TLS, "/v1/quote", "{\"data\":\"\"}", 403 },
		{ ALL, "/v1/tls-key", "{\"usage_ra_tls\":true}", 0 },
		{ ALL, "/v1/tls-key", "{\"usage_ra_tls\":1}", 400 },
		{ ALL, "/v1/tls-key", "{\"not_before\":2,\"not_after\":1}", 400 },
		{ ALL, "/v1/tls-key", "{\"not_after\":5000000000}", 400 },
		{ ALL, "/v1/tls-key", "{\"not_before\":1,\"not_after\":1800000000}", 400 },
		{ ALL, "/v1/tls-key", "{\"alt_names\":[\"a b\"]}", 400 },
		{ ALL, "/v1/tls-key", "{\"alt_names\":[\"\"]}", 400 },
		{ ALL, "/v1/tls-key", "{\"alt_names\":[\"*.x\",\"::1\",\"1.2.3.4\"]}", 200 },
		{ ALL, "/prpc/Tappd.DeriveKey", "{\"path\":\"/\",\"subject\":\"x\"}", 200 },
		{ ALL, "/prpc/Tappd.TdxQuote",
		  "{\"report_data\":\"00\"}", 0 },
		{ ALL, "/prpc/Tappd.TdxQuote",
		  "{\"report_data\":\"00\",\"hash_algorithm\":\"md5\"}", 400 },
		{ FEW, "/v1/event", "{\"event\":\"x\"}", 403 },
		{ ALL, "/v1/event", "{\"event\":\"x\",\"payload\":\"00\"}", 0 },
		{ ALL, "/v1/event", "{\"event\":\"\"}", 400 },
		{ ALL, "/v1/event", "{\"event\":\"boot-mr-done\"}", 400 },
		{ ALL, "/EmitEvent", "{\"event\":\"a\\u0000\"}", 400 },
		{ ALL, "/EmitEvent", "{\"event\":\"a\\nb\"}", 400 },
		{ ALL, "/v1/", "{}", 404 },
		{ ALL, "/v2/info", "{}", 404 },
		{ ALL, "/prpc/Tappd.GetKey", "{}", 404 },
		{ ALL, "/prpc/", "{}", 404 },
		{ ALL, "*", "{}", 404 },
		{ ALL, "", "{}", 404 },
		{ ALL, "/v1/info", "[]", 400 },
		{ ALL, "/v1/info", "{", 400 },
	};
	struct guest_world g;

	(void)state;
	assert_true(guest_world_make(&g));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asked a;
		unsigned got;

		ask_world(&a, &g.w, cases[i].who, cases[i].path, cases[i].body);
		got = a.step == DESK_ANSWERED ? a.a.status : 0;
		if (got != cases[i].status)
			fail_msg("%s %s: %u", cases[i].path,
				 cases[i].body ? cases[i].body : "", got);
		if (a.step == DESK_ANSWERED)
			assert_true((got != 200) == (jtree_get(a.json, "error") != NULL));
		asked_fini(&a);
	}
	guest_world_fini(&g);
}

static void no_provider_no_keys(void **state)
{
	static const char *const paths[][2] = {
		{ "/v1/key", "{\"path\":\"a\"}" },
		{ "/v1/sign", "{\"path\":\"a\",\"data\":\"\"}" },
		{ "/v1/tls-key", "{}" },
		{ "/v1/evidence", "{}" },
		{ "/GetKey", "{}" },
	};
	struct guest_world g;

	(void)state;
	assert_true(guest_world_make(&g));
	g.w.root = NULL;
	for (size_t i = 0; i < 5; i++) {
		struct asked a;

		ask_world(&a, &g.w, ALL, paths[i][0], paths[i][1]);
		assert_int_equal(a.step, DESK_ANSWERED);
		assert_int_equal(a.a.status, 503);
		asked_fini(&a);
	}
	guest_world_fini(&g);
}

/* SHA-512("postern/guest/v1" || 3 || "all" || 00 ff), by Python's hashlib. */
static void quotes_are_labelled(void **state)
{
	static const char want[] =
		"fde1e5569355dbb0cbda6fa62213829c6ba8ff6308a6297a4f54b75084d6c34f"
		"424698d99e782f29b074cc0ef76dc929a174b78b6c0f33042704fb44e4df3817";
	uint8_t report_data[64];
	struct guest_world g;
	struct asked a;

	(void)state;
	assert_true(guest_world_make(&g));
	ask_world(&a, &g.w, ALL, "/v1/quote", "{\"data\":\"00ff\"}");
	assert_int_equal(a.step, DESK_QUOTE);
	assert_true(text_hex_decode(report_data, 64, span_str(want)));
	assert_memory_equal(desk_report_data(a.pending), report_data, 64);
	/* And what comes of it. */
	desk_end(a.pending, &a.a, &g.w, RC_OK, span_str("quote"));
	assert_int_equal(a.a.status, 200);
	a.json = jtree_read(&a.arena, buf_span(&a.a.body));
	assert_true(span_equal_str(text_of(&a, "quote"), "71756f7465"));
	assert_true(span_equal_str(text_of(&a, "container"), "all"));
	assert_true(span_equal_str(text_of(&a, "report_data"), want));
	asked_fini(&a);
	guest_world_fini(&g);
}

static void raw_quotes_need_the_manifest(void **state)
{
	uint8_t want[64] = { 1, 2 };
	struct guest_world g;
	struct asked a;

	(void)state;
	assert_true(guest_world_make(&g));
	ask_world(&a, &g.w, ALL, "/GetQuote", "{\"report_data\":\"0102\"}");
	assert_int_equal(a.step, DESK_QUOTE);
	assert_memory_equal(desk_report_data(a.pending), want, 64);
	asked_fini(&a);
	ask_world(&a, &g.w, ALL,
		  "/GetQuote",
		  "{\"report_data\":\""
		  "00000000000000000000000000000000000000000000000000000000000000000000"
		  "00000000000000000000000000000000000000000000000000000000000000\"}");
	assert_int_equal(a.a.status, 400);
	asked_fini(&a);
	g.manifest.guest->has_raw_quotes = false;
	ask_world(&a, &g.w, ALL, "/GetQuote", "{\"report_data\":\"0102\"}");
	assert_int_equal(a.a.status, 403);
	asked_fini(&a);
	ask_world(&a, &g.w, ALL, "/v1/quote", "{\"data\":\"0102\"}");
	assert_int_equal(a.step, DESK_QUOTE);
	asked_fini(&a);
	guest_world_fini(&g);
}

static void failures_of_the_machine_are_said(void **state)
{
	static const struct {
		const char *path, *body;
		enum rc rc;
		unsigned status;
	} cases[] = {
		{ "/v1/quote", "{\"data\":\"\"}", RC_SYS, 503 },
		{ "/v1/tls-key", "{\"usage_ra_tls\":true}", RC_CLOSED, 503 },
		{ "/v1/event", "{\"event\":\"x\"}", RC_UNSUPPORTED, 503 },
		{ "/v1/event", "{\"event\":\"x\"}", RC_LIMIT, 400 },
		{ "/v1/event", "{\"event\":\"x\"}", RC_OK, 200 },
	};
	struct guest_world g;

	(void)state;
	assert_true(guest_world_make(&g));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asked a;

		ask_world(&a, &g.w, ALL, cases[i].path, cases[i].body);
		assert_non_null(a.pending);
		desk_end(a.pending, &a.a, &g.w, cases[i].rc, (struct span){ 0 });
		assert_int_equal(a.a.status, cases[i].status);
		asked_fini(&a);
	}
	guest_world_fini(&g);
}

/* As a verifier of dstack's chains does it: both signatures lead to keys. */
static void a_chain_leads_to_the_voucher(void **state)
{
	uint8_t voucher_key[33], found[33], first[65], second[65];
	const struct jtree *chain, *key;
	struct keccak256 digest;
	struct key32 voucher;
	struct guest_world g;
	struct asked a;

	(void)state;
	assert_true(guest_world_make(&g));
	derive_voucher(&voucher, &g.root);
	secp256k1_public(voucher_key, &voucher);
	ask_world(&a, &g.w, ALL, "/v1/key", "{\"path\":\"/x\",\"purpose\":\"eth\"}");
	chain = jtree_get(a.json, "signature_chain");
	key = jtree_get(a.json, "public_key");
	assert_int_equal(chain->count, 2);
	assert_true(text_hex_decode(first, 65, chain->first->text));
	assert_true(text_hex_decode(second, 65, chain->first->next->text));
	const struct span one[] = { span_str("eth:"), key->text };
	keccak256_parts(&digest, one, 2);
	assert_true(secp256k1_recover(found, first, digest.b));
	assert_memory_equal(found, voucher_key, 33);
	const struct span two[] = { span_str("dstack-kms-issued:"), SPAN_ARRAY(g.manifest.app_id),
				    SPAN_ARRAY(voucher_key) };
	keccak256_parts(&digest, two, 3);
	assert_true(secp256k1_recover(found, second, digest.b));
	assert_memory_equal(found, voucher_key, 33);
	asked_fini(&a);
	/* A key service's signature stands where it has given one. */
	memset(second, 5, sizeof(second));
	g.w.issuer_signature =
		SPAN_ARRAY(second);
	ask_world(&a, &g.w, ALL, "/v1/key",
		  "{\"path\":\"/x\",\"purpose\":\"eth\"}");
	chain = jtree_get(a.json, "signature_chain");
	assert_true(text_hex_decode(first, 65, chain->first->next->text));
	assert_memory_equal(first, second, 65);
	asked_fini(&a);
	guest_world_fini(&g);
}

static void each_prefix_of_a_body_is_refused(void **state)
{
	static const char body[] = "{\"path\":\"/a\",\"purpose\":\"p\",\"algorithm\":\"ed25519\"}";
	struct guest_world g;

	(void)state;
	assert_true(guest_world_make(&g));
	for (size_t n = 1; n < sizeof(body) - 1; n++) {
		char *cut = mem_dup_n(body, n);
		struct asked a;

		ask_world(&a, &g.w, ALL, "/v1/key", cut);
		assert_int_equal(a.a.status, 400);
		asked_fini(&a);
		free(cut);
	}
	guest_world_fini(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rights_decide),
		cmocka_unit_test(no_provider_no_keys),
		cmocka_unit_test(quotes_are_labelled),
		cmocka_unit_test(raw_quotes_need_the_manifest),
		cmocka_unit_test(failures_of_the_machine_are_said),
		cmocka_unit_test(a_chain_leads_to_the_voucher),
		cmocka_unit_test(each_prefix_of_a_body_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
