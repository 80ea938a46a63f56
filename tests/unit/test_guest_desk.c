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
#include "guest/dstackv1.h"
#include "guest_world.h"
#include "json/jtree.h"
#include "pki/pem.h"

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

static const char nonce32[] = "{\"nonce\":\"00000000000000000000000000000000"
			      "00000000000000000000000000000000\"}";

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
		{ TLS, "/prpc/Tappd.DeriveKey", "{\"path\":\"/\"}", 403 },
		{ TLS, "/prpc/Tappd.DeriveKey", "{\"path\":\"/\",\"random_seed\":true}", 200 },
		{ ALL, "/prpc/Tappd.DeriveK256Key", "{\"path\":\"/few/a\"}", 200 },
		{ FEW, "/prpc/Tappd.DeriveK256Key", "{\"path\":\"/few/a\"}", 200 },
		{ FEW, "/prpc/Tappd.DeriveK256Key", "{\"path\":\"/all\"}", 403 },
		{ NONE, "/prpc/Tappd.Version", NULL, 200 },
		{ ALL, "/prpc/Tappd.RawQuote", "{\"report_data\":\"00\"}", 0 },
		{ ALL, "/GetTlsKey", "{\"with_app_info\":true}", 200 },
		{ TLS, "/GetTlsKey", "{\"with_app_info\":true}", 403 },
		{ TLS, "/GetTlsKey", "{\"with_app_info\":false}", 200 },
		{ ALL, "/v1/tls-key", "{\"with_app_info\":true}", 400 },
		{ ALL, "/v0/GetKey", "{}", 200 },
		{ ALL, "/GetQuote", "{\"report_data\":\"0x00\"}", 0 },
		{ ALL, "/v1/quote", "{\"data\":\"0x00\"}", 400 },
		{ ALL, "/GpuInfo", "{}", 200 },
		{ NONE, "/GpuInfo", "{}", 403 },
		/* dstack's version 1 */
		{ NONE, "/v1/Version", NULL, 200 },
		{ ALL, "/v1/DstackGuest.Version", "{}", 200 },
		{ FEW, "/v1/Info", "{}", 200 },
		{ NONE, "/v1/Info", "{}", 403 },
		{ ALL, "/v1/GetKey", "{\"domain\":\"d\",\"algorithm\":\"ed25519\"}", 200 },
		{ ALL, "/v1/GetKey", "{\"algorithm\":\"secp256k1\"}", 200 },
		{ FEW, "/v1/GetKey", "{\"domain\":\"/few/a\",\"algorithm\":\"ed25519\"}", 200 },
		{ FEW, "/v1/GetKey", "{\"domain\":\"d\",\"algorithm\":\"ed25519\"}", 403 },
		{ ALL, "/v1/GetKey", "{\"domain\":\"d\"}", 400 },
		{ ALL, "/v1/GetKey", "{\"algorithm\":\"\"}", 400 },
		{ ALL, "/v1/GetKey", "{\"algorithm\":\"k256\"}", 400 },
		{ ALL, "/v1/GetKey", "{\"algorithm\":\"secp256k1_prehashed\"}", 400 },
		{ ALL, "/v1/Attest", "{\"report_data\":\"00\"}", 0 },
		{ ALL, "/v1/Attest",
		  "{\"report_data\":\"00\",\"include_boottime_gpu_evidence\":1}", 400 },
		{ FEW, "/v1/Attest", "{\"report_data\":\"00\"}", 403 },
		{ ALL, "/v1/IssueCert", "{\"subject\":\"x\"}", 200 },
		{ FEW, "/v1/IssueCert", "{}", 403 },
		{ ALL, "/v1/AttestGpu", "{\"nonce\":\"00\"}", 400 },
		{ ALL, "/v1/AttestGpu", "{}", 400 },
		{ ALL, "/v1/AttestGpu",
		  nonce32, 501 },
		{ FEW, "/v1/AttestGpu",
		  nonce32, 403 },
		{ ALL, "/v1/Sign", "{}", 404 },
		{ ALL, "/v1/Verify", "{}", 404 },
		{ ALL, "/v1/GetQuote", "{}", 404 },
		{ ALL, "/v1/EmitEvent", "{}", 404 },
		{ ALL, "/AttestGpu", "{}", 404 },
		{ ALL, "/IssueCert", "{}", 404 },
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

/* As docs/guest-api-v1.md has a relying party do it. */
static void a_chain_of_version_1_leads_to_the_voucher(void **state)
{
	const struct dstackv1_name name = { DERIVE_ED25519, span_str("d") };
	uint8_t public[32], signature[65], want[65], found[33], voucher_key[33];
	static const uint8_t head[] = "\0\0\0\x19"
				      "dstack-guest-v1-key-claim"
				      "\0\0\0\7"
				      "ed25519"
				      "\0\0\0\1"
				      "d"
				      "\0\0\0\x20";
	const struct span claim[] = { span_of(head, sizeof(head) - 1), SPAN_ARRAY(public) };
	struct key32 voucher, secret, got;
	const struct jtree *chain;
	struct keccak256 digest;
	struct guest_world g;
	struct asked a;

	(void)state;
	assert_true(guest_world_make(&g));
	derive_voucher(&voucher, &g.root);
	secp256k1_public(voucher_key, &voucher);
	ask_world(&a, &g.w, ALL, "/v1/GetKey", "{\"domain\":\"d\",\"algorithm\":\"ed25519\"}");
	assert_true(text_hex_decode(got.b, 32, text_of(&a, "key")));
	assert_true(dstackv1_key(&secret, &voucher, &name));
	assert_memory_equal(got.b, secret.b, 32);
	assert_true(text_hex_decode(public, 32, text_of(&a, "public_key")));
	chain = jtree_get(a.json, "signature_chain");
	assert_int_equal(chain->count, 2);
	assert_true(text_hex_decode(signature, 65, chain->first->text));
	keccak256_parts(&digest, claim, 2);
	assert_true(secp256k1_recover(found, signature, digest.b));
	assert_memory_equal(found, voucher_key, 33);
	asked_fini(&a);
	/* The second link is the older surface's. */
	memset(want, 5, sizeof(want));
	g.w.issuer_signature = SPAN_ARRAY(want);
	ask_world(&a, &g.w, ALL, "/v1/GetKey", "{\"algorithm\":\"secp256k1\"}");
	chain = jtree_get(a.json, "signature_chain");
	assert_true(text_hex_decode(signature, 65, chain->first->next->text));
	assert_memory_equal(signature, want, 65);
	asked_fini(&a);
	guest_world_fini(&g);
}

/* The members that dstack's SDKs look for, by their names. */
static void answers_have_the_members_that_are_read(void **state)
{
	static const struct {
		const char *path, *body;
		const char *members; /* each with a space behind it */
	} cases[] = {
		{ "/GetKey", "{}", "key signature_chain " },
		{ "/prpc/Tappd.DeriveK256Key", "{}", "k256_key k256_signature_chain " },
		{ "/prpc/Tappd.DeriveKey", "{}", "key certificate_chain " },
		{ "/GetTlsKey", "{}", "key certificate_chain " },
		{ "/v1/IssueCert", "{}", "key certificate_chain " },
		{ "/Sign", "{\"data\":\"\"}", "signature signature_chain public_key " },
		{ "/Version", "{}", "version rev " },
		{ "/prpc/Tappd.Version", "{}", "version rev " },
		{ "/v1/Version", "{}", "version rev " },
		{ "/GpuInfo", "{}", "attestation " },
		{ "/Info", "{}",
		  "app_id instance_id app_cert tcb_info app_name device_id mr_aggregated "
		  "os_image_hash key_provider_info compose_hash vm_config cloud_vendor "
		  "cloud_product " },
		{ "/v1/Info", "{}",
		  "app_id app_name compose_hash app_compose instance_id device_id "
		  "os_image_hash mr_aggregated vm_config key_provider_info cloud_vendor "
		  "cloud_product " },
	};
	struct guest_world g;

	(void)state;
	assert_true(guest_world_make(&g));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span rest = span_str(cases[i].members), member;
		struct asked a;
		size_t n = 0;

		ask_world(&a, &g.w, ALL, cases[i].path, cases[i].body);
		assert_int_equal(a.a.status, 200);
		for (; rd_until(&rest, &member, ' '); n++) {
			char name[32] = "";

			memcpy(name, member.p, member.n);
			if (!jtree_get(a.json, name))
				fail_msg("%s: %s", cases[i].path, name);
		}
		assert_int_equal(a.json->count, n);
		asked_fini(&a);
	}
	guest_world_fini(&g);
}

static void a_tls_key_of_a_path_is_the_same_again(void **state)
{
	static const struct {
		const char *one, *other;
		bool is_same;
	} cases[] = {
		{ "{\"path\":\"/a\"}", "{\"path\":\"/a\",\"subject\":\"x\"}", true },
		{ "{\"path\":\"/a\"}", "{\"path\":\"/b\"}", false },
		{ "{\"path\":\"/a\"}", "{\"path\":\"/a\",\"random_seed\":true}", false },
		{ "{\"path\":\"/a\",\"random_seed\":true}",
		  "{\"path\":\"/a\",\"random_seed\":true}", false },
	};
	struct guest_world g;

	(void)state;
	assert_true(guest_world_make(&g));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asked a, b;

		ask_world(&a, &g.w, ALL, "/prpc/Tappd.DeriveKey", cases[i].one);
		ask_world(&b, &g.w, ALL, "/prpc/Tappd.DeriveKey", cases[i].other);
		assert_true(span_equal(text_of(&a, "key"), text_of(&b, "key")) == cases[i].is_same);
		asked_fini(&a);
		asked_fini(&b);
	}
	guest_world_fini(&g);
}

/* The extension 1.3.6.1.4.1.62397.1.9 with a map of 8 in two OCTET STRINGs. */
static void an_app_is_in_its_certificate_where_it_asks(void **state)
{
	static const uint8_t oid[] = { 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04,
				       0x01, 0x83, 0xe7, 0x3d, 0x01, 0x09 };
	static const char *const bodies[] = { "{}", "{\"with_app_info\":true}" };
	uint8_t der[4096];
	struct guest_world g;

	(void)state;
	assert_true(guest_world_make(&g));
	for (size_t i = 0; i < 2; i++) {
		const uint8_t *found;
		struct span pem, out;
		struct wr room = WR_ARRAY(der);
		struct asked a;

		ask_world(&a, &g.w, ALL, "/GetTlsKey", bodies[i]);
		pem = jtree_get(a.json, "certificate_chain")->first->text;
		assert_int_equal(pem_decode(&out, 1, &room, PEM_CERTIFICATE, pem), RC_OK);
		found = memmem(out.p, out.n, oid, sizeof(oid));
		assert_true((found != NULL) == (i == 1));
		if (found) /* 04 82 len len 04 82 len len, then the map */
			assert_int_equal(found[sizeof(oid) + 8], 0x88);
		asked_fini(&a);
	}
	guest_world_fini(&g);
}

/* What comes of a quote, in each of dstack's forms. */
static void quotes_are_answered_in_their_form(void **state)
{
	static const struct {
		const char *path, *body, *log;
		unsigned status;
		const char *member, *begins;
	} cases[] = {
		{ "/GetQuote", "{\"report_data\":\"0102\"}",
		  "[]", 200, "report_data", "0102000000" },
		{ "/prpc/Tappd.TdxQuote", "{\"report_data\":\"01\"}",
		  "[]", 200, "hash_algorithm", "sha512" },
		{ "/prpc/Tappd.TdxQuote", "{\"report_data\":\"01\"}",
		  "[]", 200, "prefix", "app-data" },
		{ "/prpc/Tappd.TdxQuote", "{\"report_data\":\"01\",\"prefix\":\"x\"}",
		  "[]", 200, "prefix", "x" },
		{ "/prpc/Tappd.RawQuote", "{\"report_data\":\"01\"}",
		  "[]", 200, "hash_algorithm", "raw" },
		/* a map of three: "version", ... */
		{ "/Attest", "{\"report_data\":\"01\"}",
		  "[]", 200, "attestation", "83a776657273696f6e01" },
		{ "/v1/Attest", "{\"report_data\":\"01\"}",
		  "[]", 200, "attestation", "83a776657273696f6e01" },
		{ "/Attest", "{\"report_data\":\"01\"}",
		  "[{}]", 500, "error", "" },
	};
	struct guest_world g;

	(void)state;
	assert_true(guest_world_make(&g));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asked a;

		g.w.event_log = span_str(cases[i].log);
		ask_world(&a, &g.w, ALL, cases[i].path, cases[i].body);
		assert_int_equal(a.step, DESK_QUOTE);
		desk_end(a.pending, &a.a, &g.w, RC_OK, span_str("quote"));
		assert_int_equal(a.a.status, cases[i].status);
		a.json = jtree_read(&a.arena, buf_span(&a.a.body));
		if (!span_has_prefix(text_of(&a, cases[i].member), span_str(cases[i].begins)))
			fail_msg("%s: %s", cases[i].path, cases[i].member);
		assert_true((jtree_get(a.json, "boottime_gpu_evidence") != NULL) ==
			    (strncmp(cases[i].path, "/v1/", 4) == 0));
		asked_fini(&a);
	}
	guest_world_fini(&g);
}

/* dstack's answer without content is null. */
static void an_event_is_answered_in_its_dialect(void **state)
{
	static const char *const cases[][2] = { { "/v1/event", "{}" }, { "/EmitEvent", "null" } };
	struct guest_world g;

	(void)state;
	assert_true(guest_world_make(&g));
	for (size_t i = 0; i < 2; i++) {
		struct asked a;

		ask_world(&a, &g.w, ALL, cases[i][0], "{\"event\":\"x\"}");
		assert_int_equal(a.step, DESK_EVENT);
		desk_end(a.pending, &a.a, &g.w, RC_OK, (struct span){ 0 });
		assert_true(span_equal_str(buf_span(&a.a.body), cases[i][1]));
		asked_fini(&a);
	}
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
		cmocka_unit_test(a_chain_of_version_1_leads_to_the_voucher),
		cmocka_unit_test(answers_have_the_members_that_are_read),
		cmocka_unit_test(a_tls_key_of_a_path_is_the_same_again),
		cmocka_unit_test(an_app_is_in_its_certificate_where_it_asks),
		cmocka_unit_test(quotes_are_answered_in_their_form),
		cmocka_unit_test(an_event_is_answered_in_its_dialect),
		cmocka_unit_test(each_prefix_of_a_body_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
