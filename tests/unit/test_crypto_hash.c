/* hash: FIPS 180-4, RFC 4231 and RFC 5869 vectors, and parts against whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/hash.h"

static void assert_hex(const void *got, size_t n, const char *hex)
{
	char text[256];
	struct wr w = WR_ARRAY(text);

	text_hex(&w, span_of(got, n));
	wr_u8(&w, 0);
	assert_string_equal(text, hex);
}

static void sha2_vectors(void **state)
{
	static const struct {
		const char *name, *message, *h256, *h384, *h512;
	} cases[] = {
		{ "empty_message", "",
		  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		  "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fb"
		  "d5"
		  "1ad2f14898b95b",
		  "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0"
		  "ff"
		  "8318d2877eec2f63b931bd47417a81a538327af927da3e" },
		{ "one_block_abc", "abc",
		  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		  "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc23"
		  "58"
		  "baeca134c825a7",
		  "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a8"
		  "36"
		  "ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span m = span_str(cases[i].message);
		struct sha256 a;
		struct sha384 b;
		struct sha512 c;

		print_message("%s\n", cases[i].name);
		sha256_of(&a, m);
		sha384_of(&b, m);
		sha512_of(&c, m);
		assert_hex(a.b, sizeof(a.b), cases[i].h256);
		assert_hex(b.b, sizeof(b.b), cases[i].h384);
		assert_hex(c.b, sizeof(c.b), cases[i].h512);
	}
}

static void parts_hash_as_their_concatenation(void **state)
{
	const struct span parts[] = { span_str("a"), { NULL, 0 }, span_str("bc") };
	struct sha256 a;
	struct sha384 b;
	struct sha512 c;
	struct merkle_hash m;

	(void)state;
	sha256_parts(&a, parts, 3);
	assert_hex(a.b, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	hash_merkle_sha256(&m, parts, 3);
	assert_memory_equal(&m, &a, 32);
	sha384_parts(&b, parts, 3);
	sha512_parts(&c, parts, 3);
	assert_memory_equal(b.b, "\xcb\x00\x75\x3f", 4);
	assert_memory_equal(c.b, "\xdd\xaf\x35\xa1", 4);
	sha256_parts(&a, NULL, 0);
	assert_hex(a.b, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void hmac_rfc4231(void **state)
{
	uint8_t key[131];
	struct sha256 out;

	(void)state;
	hmac_sha256(&out, span_str("Jefe"), span_str("what do ya want for nothing?"));
	assert_hex(out.b, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	hmac_sha256(&out, SPAN_ARRAY(key),
		    span_str("Test Using Larger Than Block-Size Key - Hash Key First"));
	assert_hex(out.b, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	/* an empty key and empty data are allowed */
	hmac_sha256(&out, (struct span){ NULL, 0 }, (struct span){ NULL, 0 });
	assert_hex(out.b, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void hkdf_rfc5869(void **state)
{
	static const struct {
		const char *name, *salt, *secret, *info, *okm;
		size_t n;
	} cases[] = {
		{ "test_case_1", "000102030405060708090a0b0c",
		  "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "f0f1f2f3f4f5f6f7f8f9",
		  "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b88718"
		  "5865",
		  42 },
		{ "test_case_3_without_salt_and_info", "",
		  "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "",
		  "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a"
		  "96c8",
		  42 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t salt[16], secret[32], info[16], out[64];
		size_t ns, nk, ni;

		print_message("%s\n", cases[i].name);
		assert_true(text_hex_decode_any(salt, sizeof(salt), &ns, span_str(cases[i].salt)));
		assert_true(text_hex_decode_any(secret, sizeof(secret), &nk,
						span_str(cases[i].secret)));
		assert_true(text_hex_decode_any(info, sizeof(info), &ni, span_str(cases[i].info)));
		memset(out, 0xee, sizeof(out));
		hkdf_sha256(out, cases[i].n, span_of(salt, ns), span_of(secret, nk),
			    span_of(info, ni));
		assert_hex(out, cases[i].n, cases[i].okm);
		assert_int_equal(out[cases[i].n], 0xee);
	}
}

static void stream_is_the_hash_of_all(void **state)
{
	static const uint8_t bytes[1000] = { 1, 2, 3 };
	struct sha384 want, got;

	(void)state;
	for (size_t step = 1; step < sizeof(bytes); step += 111) {
		struct sha384_stream *stream = sha384_new();
		struct span rest = SPAN_ARRAY(bytes), part;

		while (rd_n(&rest, &part, rest.n < step ? rest.n : step) && part.n)
			sha384_add(stream, part);
		sha384_done(&got, stream);
		sha384_of(&want, SPAN_ARRAY(bytes));
		assert_memory_equal(got.b, want.b, 48);
	}
	sha384_done(&got, sha384_new());
	sha384_of(&want, (struct span){ 0 });
	assert_memory_equal(got.b, want.b, 48);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha2_vectors),
		cmocka_unit_test(parts_hash_as_their_concatenation),
		cmocka_unit_test(hmac_rfc4231),
		cmocka_unit_test(hkdf_rfc5869),
		cmocka_unit_test(stream_is_the_hash_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
