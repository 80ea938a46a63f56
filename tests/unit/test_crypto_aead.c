/* ChaCha20-Poly1305 (RFC 8439 appendix A.5) and XChaCha20-Poly1305
 * (draft-irtf-cfrg-xchacha-03 appendix A.3.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/aead.h"

static const char a5_key[] = "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0";
static const char a5_ad[] = "f33388860000000000004e91";
static const uint64_t a5_counter = 0x0807060504030201;
static const char a5_plain[] =
	"Internet-Drafts are draft documents valid for a maximum of six months and may be "
	"updated, replaced, or obsoleted by other documents at any time. It is inappropriate "
	"to use Internet-Drafts as reference material or to cite them other than as "
	"/\xe2\x80\x9cwork in progress./\xe2\x80\x9d";
static const char a5_tag[] = "eead9d67890cbb22392336fea1851f38";
static const char a5_start[] = "64a0861575861af460f062c79be643bd";

static const char x_plain[] = "Ladies and Gentlemen of the class of '99: If I could offer you "
			      "only one tip for the future, sunscreen would be it.";
static const char x_sealed[] =
	"bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
	"731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
	"2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
	"21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49";

static struct key32 key_of(const char *hex)
{
	struct key32 k;

	assert_true(text_hex_decode(k.b, sizeof(k.b), span_str(hex)));
	return k;
}

static void rfc8439_a5_seal_and_open(void **state)
{
	struct key32 key = key_of(a5_key);
	struct aead *a = aead_new(&key);
	struct span plain = span_str(a5_plain);
	uint8_t ad[12], want[16], sealed[512], opened[512];

	(void)state;
	assert_true(text_hex_decode(ad, 12, span_str(a5_ad)));
	/* Twice with one context: the second message is not disturbed. */
	for (int i = 0; i < 2; i++) {
		aead_seal(a, sealed, a5_counter, SPAN_ARRAY(ad), plain);
		assert_true(text_hex_decode(want, 16, span_str(a5_start)));
		assert_memory_equal(sealed, want, 16);
		assert_true(text_hex_decode(want, 16, span_str(a5_tag)));
		assert_memory_equal(sealed + plain.n, want, 16);
		assert_true(aead_open(a, opened, a5_counter, SPAN_ARRAY(ad),
				      span_of(sealed, plain.n + 16)));
		assert_memory_equal(opened, plain.p, plain.n);
	}
	aead_free(a);
}

static void once_equals_context(void **state)
{
	struct key32 key = key_of(a5_key);
	struct aead *a = aead_new(&key);
	uint8_t data[100] = { 7 }, one[116], two[116], back[100];

	(void)state;
	for (size_t n = 0; n <= sizeof(data); n++) {
		struct span plain = span_of(data, n);

		aead_seal(a, one, n, span_str("ad"), plain);
		aead_seal_once(two, &key, n, span_str("ad"), plain);
		assert_memory_equal(one, two, n + 16);
		assert_true(aead_open_once(back, &key, n, span_str("ad"), span_of(one, n + 16)));
		assert_memory_equal(back, data, n);
	}
	aead_free(a);
}

static void in_place_seal_and_open(void **state)
{
	struct key32 key = key_of(a5_key);
	struct aead *a = aead_new(&key);
	uint8_t b[64 + 16], want[64];

	(void)state;
	memset(b, 0x5a, sizeof(b));
	memcpy(want, b, 64);
	aead_seal(a, b, 1, span_of(NULL, 0), span_of(b, 64));
	assert_memory_not_equal(b, want, 64);
	assert_true(aead_open(a, b, 1, span_of(NULL, 0), SPAN_ARRAY(b)));
	assert_memory_equal(b, want, 64);
	aead_free(a);
}

static void any_flipped_bit_refused_without_plaintext(void **state)
{
	struct key32 key = key_of(a5_key);
	struct aead *a = aead_new(&key);
	static const uint8_t zero[32];
	uint8_t plain[32], sealed[48], out[32];

	(void)state;
	memset(plain, 0x33, sizeof(plain));
	aead_seal(a, sealed, 5, span_str("x"), SPAN_ARRAY(plain));
	for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		memset(out, 0, sizeof(out));
		assert_false(aead_open(a, out, 5, span_str("x"), SPAN_ARRAY(sealed)));
		assert_memory_equal(out, zero, sizeof(out));
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_false(aead_open(a, out, 6, span_str("x"), SPAN_ARRAY(sealed)));
	assert_false(aead_open(a, out, 5, span_str("y"), SPAN_ARRAY(sealed)));
	assert_true(aead_open(a, out, 5, span_str("x"), SPAN_ARRAY(sealed)));
	aead_free(a);
}

static void shorter_than_a_tag_refused_untouched(void **state)
{
	struct key32 key = key_of(a5_key);
	uint8_t sealed[16], out[1] = { 9 };

	(void)state;
	aead_seal_once(sealed, &key, 0, span_of(NULL, 0), span_of(NULL, 0));
	for (size_t n = 0; n < 16; n++)
		assert_false(aead_open_once(out, &key, 0, span_of(NULL, 0), span_of(sealed, n)));
	assert_int_equal(out[0], 9);
	assert_true(aead_open_once(out, &key, 0, span_of(NULL, 0), span_of(sealed, 16)));
}

static void xchacha_a31_seal_and_open(void **state)
{
	struct span plain = span_str(x_plain);
	uint8_t ad[12], nonce[24], want[130], got[130], back[114];
	struct key32 key;

	(void)state;
	for (size_t i = 0; i < 32; i++)
		key.b[i] = (uint8_t)(0x80 + i);
	for (size_t i = 0; i < 24; i++)
		nonce[i] = (uint8_t)(0x40 + i);
	assert_true(text_hex_decode(ad, 12, span_str("50515253c0c1c2c3c4c5c6c7")));
	assert_true(text_hex_decode(want, 130, span_str(x_sealed)));
	assert_int_equal(plain.n, 114);
	xaead_seal(got, &key, nonce, SPAN_ARRAY(ad), plain);
	assert_memory_equal(got, want, 130);
	assert_true(xaead_open(back, &key, nonce, SPAN_ARRAY(ad), SPAN_ARRAY(got)));
	assert_memory_equal(back, plain.p, plain.n);
	for (size_t i = 0; i < 24; i++) {
		nonce[i] ^= 1;
		assert_false(xaead_open(back, &key, nonce, SPAN_ARRAY(ad), SPAN_ARRAY(got)));
		nonce[i] ^= 1;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc8439_a5_seal_and_open),
		cmocka_unit_test(once_equals_context),
		cmocka_unit_test(in_place_seal_and_open),
		cmocka_unit_test(any_flipped_bit_refused_without_plaintext),
		cmocka_unit_test(shorter_than_a_tag_refused_untouched),
		cmocka_unit_test(xchacha_a31_seal_and_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
