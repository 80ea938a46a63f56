/* schedule: the secrets of RFC 8448 §3, and SHA-384 against libcrypto's KDF. */
#include "unit.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <string.h>

#include "base/text.h"
#include "crypto/rng.h"
#include "tls/schedule.h"

/* RFC 8448 §3: "{client} construct a ClientHello", "{server} construct a
 * ServerHello". */
static const char CLIENT_HELLO[] =
	"010000c00303cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7000006130113"
	"031302010000910000000b0009000006736572766572ff01000100000a00140012001d001700180019010001"
	"010102010301040023000000330026002400"
	"1d002099381de560e4bd43d23d8e435a7dbafeb3c06e51c13cae4d5413691e529aaf2c002b0003020304000d"
	"0020001e040305030603020308040805080604010501060102010402050206020202002d00020101001c0002"
	"4001";
static const char SERVER_HELLO[] =
	"020000560303a6af06a4121860dc5e6e60249cd34c95930c8ac5cb1434dac155772ed3e26928001301000"
	"02e00330024001d0020c9828876112095fe66762bdbf7c672e156d6cc253b833df1dd69b1b04e751f0f00"
	"2b00020304";
static const char SHARED[] = "8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d";

static void add_hex(struct digest *d, const char *hex)
{
	uint8_t bytes[256];
	size_t n = strlen(hex) / 2;

	assert_true(n <= sizeof(bytes) && text_hex_decode(bytes, n, span_str(hex)));
	digest_add(d, span_of(bytes, n));
}

static void assert_hex(const uint8_t *got, const char *hex)
{
	uint8_t want[DIGEST_MAX];
	size_t n = strlen(hex) / 2;

	assert_true(text_hex_decode(want, n, span_str(hex)));
	assert_memory_equal(got, want, n);
}

static void rfc8448_3_secrets(void **state)
{
	const struct span nothing = { 0 };
	uint8_t shared[32], got[DIGEST_MAX], key[DIGEST_MAX];
	struct digest hellos;
	struct schedule s;

	(void)state;
	assert_true(text_hex_decode(shared, 32, span_str(SHARED)));
	digest_init(&hellos, DIGEST_SHA256);
	add_hex(&hellos, CLIENT_HELLO);
	add_hex(&hellos, SERVER_HELLO);
	schedule_begin(&s, DIGEST_SHA256, nothing);
	assert_hex(s.secret, "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a");
	schedule_next(&s, SPAN_ARRAY(shared));
	assert_hex(s.secret, "1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac");
	schedule_derive(&s, got, "c hs traffic", &hellos);
	assert_hex(got, "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21");
	schedule_expand(key, 16, DIGEST_SHA256, got, "key", nothing);
	assert_hex(key, "dbfaa693d1762c5b666af5d950258d01");
	schedule_expand(key, 12, DIGEST_SHA256, got, "iv", nothing);
	assert_hex(key, "5bd3c71b836e0b76bb73265f");
	schedule_derive(&s, got, "s hs traffic", &hellos);
	assert_hex(got, "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38");
	schedule_expand(key, 16, DIGEST_SHA256, got, "key", nothing);
	assert_hex(key, "3fce516009c21727d0f2e4e86ee403bc");
	schedule_next(&s, nothing);
	assert_hex(s.secret, "18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919");
}

/* The same of libcrypto's HKDF. */
static void kdf(uint8_t *out, size_t n, const char *mode, struct span key, struct span salt_or_info,
		const char *param)
{
	EVP_KDF *k = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(k);
	char hash[] = "SHA384", name[16];
	OSSL_PARAM params[5], *p = params;

	strcpy(name, mode);
	*p++ = OSSL_PARAM_construct_utf8_string("mode", name, 0);
	*p++ = OSSL_PARAM_construct_utf8_string("digest", hash, 0);
	*p++ = OSSL_PARAM_construct_octet_string("key", (void *)(uintptr_t)key.p, key.n);
	*p++ = OSSL_PARAM_construct_octet_string(param, (void *)(uintptr_t)salt_or_info.p,
						 salt_or_info.n);
	*p = OSSL_PARAM_construct_end();
	assert_int_equal(EVP_KDF_derive(ctx, out, n, params), 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(k);
}

static void sha384_as_libcrypto_has_it(void **state)
{
	/* HkdfLabel of "tls13 iv", 12 bytes, without a context (§7.1). */
	static const uint8_t iv_info[] = { 0, 12, 8, 't', 'l', 's', '1', '3', ' ', 'i', 'v', 0 };
	static const uint8_t zeros[48];
	uint8_t psk[48], want[48], iv[12], got[48];
	struct schedule s;

	(void)state;
	rng_bytes(psk, sizeof(psk));
	schedule_begin(&s, DIGEST_SHA384, SPAN_ARRAY(psk));
	kdf(want, 48, "EXTRACT_ONLY", SPAN_ARRAY(psk), SPAN_ARRAY(zeros), "salt");
	assert_memory_equal(s.secret, want, 48);
	schedule_expand(got, 12, DIGEST_SHA384, s.secret, "iv", span_of(NULL, 0));
	kdf(iv, 12, "EXPAND_ONLY", SPAN_ARRAY(want), SPAN_ARRAY(iv_info), "info");
	assert_memory_equal(got, iv, 12);
}

/* The label and the messages so far are in what is derived. */
static void each_input_matters(void **state)
{
	uint8_t a[DIGEST_MAX], b[DIGEST_MAX];
	struct digest d;
	struct schedule s;

	(void)state;
	digest_init(&d, DIGEST_SHA256);
	schedule_begin(&s, DIGEST_SHA256, span_of(NULL, 0));
	schedule_derive(&s, a, "c ap traffic", &d);
	schedule_derive(&s, b, "s ap traffic", &d);
	assert_memory_not_equal(a, b, 32);
	digest_add(&d, span_str("x"));
	schedule_derive(&s, b, "c ap traffic", &d);
	assert_memory_not_equal(a, b, 32);
	schedule_finished(a, DIGEST_SHA256, s.secret, &d);
	digest_add(&d, span_str("y"));
	schedule_finished(b, DIGEST_SHA256, s.secret, &d);
	assert_memory_not_equal(a, b, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc8448_3_secrets),
		cmocka_unit_test(sha384_as_libcrypto_has_it),
		cmocka_unit_test(each_input_matters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
