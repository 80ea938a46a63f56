/*
 * jws: the key of RFC 7515 A.3; what is written is read back and checked; an
 * account's binding against one computed by another implementation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "acme/jws.h"
#include "base/text.h"
#include "json/jtree.h"

static const char key_pem[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n"
	"H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n"
	"7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n"
	"-----END PRIVATE KEY-----\n";

#define JWK \
	"{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define BOUND_HEAD \
	"eyJhbGciOiJIUzI1NiIsImtpZCI6ImtleWlkLTEiLCJ1cmwiOiJodHRwczovL2NhLmV4" \
	"YW1wbGUvbmV3LWFjY291bnQifQ"
#define THUMBPRINT "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"

static struct p256_private *key(struct p256_point *at)
{
	struct p256_private *k;

	assert_int_equal(p256_private_from_pem(&k, span_str(key_pem)), RC_OK);
	p256_private_point(k, at);
	return k;
}

static void thumbprint_is_of_the_canonical_key(void **state)
{
	struct jws_thumbprint thumb;
	struct p256_point at;
	struct p256_private *k = key(&at);
	uint8_t text[512];
	struct wr w = WR_ARRAY(text);

	(void)state;
	jws_jwk(&w, &at);
	assert_true(span_equal_str(wr_span(&w), JWK));
	jws_thumbprint(&thumb, &at);
	assert_string_equal(thumb.text, THUMBPRINT);
	w = WR_ARRAY(text);
	jws_authorization(&w, span_str("token"), &thumb);
	assert_true(span_equal_str(wr_span(&w), "token." THUMBPRINT));
	p256_private_free(k);
}

static struct span text_of(const struct jtree *object, const char *name)
{
	const struct jtree *v = jtree_get(object, name);

	assert_non_null(v);
	assert_int_equal(v->type, JTREE_TEXT);
	return v->text;
}

static struct span decoded(struct arena *arena, struct span text)
{
	uint8_t *p = arena_new(arena, text.n + 1, 1);
	size_t n;

	assert_true(text_base64url_decode(p, text.n + 1, &n, text));
	return span_of(p, n);
}

static void signature_is_over_head_and_payload(void **state)
{
	static const struct {
		const char *name;
		struct jws_head head;
		const char *payload, *want;
	} cases[] = {
#define S(text) { (const uint8_t *)(text), sizeof(text) - 1 }
		{ "by_account",
		  { S("https://ca.example/new-order"), S("n-1"), S("https://ca.example/a/1") },
		  "{}",
		  "{\"alg\":\"ES256\",\"kid\":\"https://ca.example/a/1\",\"nonce\":\"n-1\","
		  "\"url\":\"https://ca.example/new-order\"}" },
		{ "by_key",
		  { S("https://ca.example/new-account"), S("n-1"), { 0 } },
		  "{\"termsOfServiceAgreed\":true}",
		  "{\"alg\":\"ES256\",\"jwk\":" JWK ",\"nonce\":\"n-1\","
		  "\"url\":\"https://ca.example/new-account\"}" },
		{ "inner_without_nonce_and_payload",
		  { S("https://ca.example/key-change"), { 0 }, { 0 } },
		  "",
		  "{\"alg\":\"ES256\",\"jwk\":" JWK ",\"url\":\"https://ca.example/key-change\"}" },
	};
	struct p256_point at;
	struct p256_private *k = key(&at);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena arena = { 0 };
		struct buf jws = { 0 };
		struct p256_signature sig;
		const struct jtree *top;
		struct span head, payload;
		char input[4096];
		size_t n = 0;

		print_message("%s\n", cases[i].name);
		arena_init(&arena, 65536);
		buf_init(&jws, JWS_MAX);
		assert_int_equal(jws_sign(&jws, &cases[i].head, k, span_str(cases[i].payload)),
				 RC_OK);
		top = jtree_read(&arena, buf_span(&jws));
		assert_non_null(top);
		assert_int_equal(top->count, 3);
		head = text_of(top, "protected");
		payload = text_of(top, "payload");
		assert_true(span_equal_str(decoded(&arena, head), cases[i].want));
		assert_true(span_equal_str(decoded(&arena, payload), cases[i].payload));
		assert_true(text_base64url_decode(sig.rs, sizeof(sig.rs), &n,
						  text_of(top, "signature")));
		assert_int_equal(n, sizeof(sig.rs));
		snprintf(input, sizeof(input), "%.*s.%.*s", (int)head.n, (const char *)head.p,
			 (int)payload.n, (const char *)payload.p);
		assert_true(p256_verify(&at, &sig, span_str(input)));
		buf_fini(&jws);
		arena_fini(&arena);
	}
	p256_private_free(k);
}

static void binding_is_that_of_another_implementation(void **state)
{
	struct p256_point at;
	struct p256_private *k = key(&at);
	struct arena arena = { 0 };
	struct buf jws = { 0 };
	const struct jtree *top;

	(void)state;
	arena_init(&arena, 65536);
	buf_init(&jws, JWS_MAX);
	assert_int_equal(jws_bind(&jws, span_str("https://ca.example/new-account"),
				  span_str("keyid-1"),
				  span_str("0123456789abcdef0123456789abcdef"), &at),
			 RC_OK);
	top = jtree_read(&arena, buf_span(&jws));
	assert_true(span_equal_str(text_of(top, "protected"), BOUND_HEAD));
	assert_true(span_equal_str(decoded(&arena, text_of(top, "payload")), JWK));
	assert_true(span_equal_str(text_of(top, "signature"),
				   "SQ7CFNLLVvlso7AsKzOM5zxSuD68PQrau9WkyiuDVD4"));
	buf_fini(&jws);
	arena_fini(&arena);
	p256_private_free(k);
}

static void failures_change_nothing(void **state)
{
	const struct jws_head bad = { .url = S("https://ca.example/\xff") };
	const struct jws_head good = { .url = S("https://ca.example/") };
	struct p256_point at;
	struct p256_private *k = key(&at);
	struct buf jws = { 0 };

	(void)state;
	buf_init(&jws, 64);
	assert_int_equal(jws_sign(&jws, &bad, k, span_str("")), RC_MALFORMED);
	assert_int_equal(jws_sign(&jws, &good, k, span_str("")), RC_LIMIT);
	assert_int_equal(jws_bind(&jws, good.url, bad.url, span_str("k"), &at), RC_MALFORMED);
	assert_int_equal(jws_bind(&jws, good.url, span_str("k"), span_str("k"), &at), RC_LIMIT);
	assert_int_equal(jws.n, 0);
	buf_fini(&jws);
	p256_private_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thumbprint_is_of_the_canonical_key),
		cmocka_unit_test(signature_is_over_head_and_payload),
		cmocka_unit_test(binding_is_that_of_another_implementation),
		cmocka_unit_test(failures_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
