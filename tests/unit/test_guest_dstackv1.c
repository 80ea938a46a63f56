/* dstack's version 1 keys: its document's vectors, and a claim that leads back. */
#include "unit.h"

#include <string.h>

#include "base/text.h"
#include "base/wr.h"
#include "crypto/keccak.h"
#include "guest/dstackv1.h"

static struct key32 app_key(void)
{
	struct key32 key;

	assert_true(text_hex_decode(
		key.b, 32,
		span_str("1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8d9e0f1a2b")));
	return key;
}

/* docs/guest-api-v1.md, "Test vectors". */
static void the_documents_vectors(void **state)
{
	static const struct {
		struct dstackv1_name name;
		const char *secret, *public;
	} cases[] = {
		{ { DERIVE_SECP256K1, { 0 } },
		  "59f60584ce6fd2a3a31997256db9d77322463fc8a6b1520110401bcb1ee92387",
		  "0377c7fb050db181d392266a3cee9adb2901c6d665f11bac68be5457f577ba4908" },
		{ { DERIVE_ED25519, { 0 } },
		  "b023493030669cf22e9cafa6a464d4cf3ae4edfe5474ec796710f21ea011946d",
		  "a3dc149fd5b765eab2eb7d3174fa939e39386898f10b15b7b146f6f1358ecf2a" },
		{ { DERIVE_SECP256K1, { (const uint8_t *)"storage-encryption", 18 } },
		  "5510330f86902ddae38c6d89c93a8408019332c17a429e1abd01c4a28d1544a6",
		  "03d962450a41748021c8b02787ac36ce642ff0ae25f4c55019eb527e1112cfd764" },
		{ { DERIVE_ED25519, { (const uint8_t *)"storage-encryption", 18 } },
		  "3c4c3ece12fa99ccb93fc0090877f80e70545fdd971e2ac93d3398c4684538d3",
		  "2380c4a33a60b60613fa43866421e5b96eb8dcde211317200fd0d41e7e491288" },
		{ { DERIVE_SECP256K1, { (const uint8_t *)"a/b/c", 5 } },
		  "7f0973449298085d2d36a3b4c4d3243c100ba1981ffa885fe9e9dee883e69538",
		  "02e9b1a61b6d70aa9b241753828c316bf90e33e77b2e113f9ba75a8b6dc3cde5c1" },
		{ { DERIVE_ED25519, { (const uint8_t *)"k\0:ey", 5 } },
		  "42da8bf0b479ed125c370e3b91f982735bf08ff592abbd586985affa43ee96a1",
		  "c833107822b003ff5675b33b90b151d4315c3ab9162b17d876e8dffde41abf9b" },
	};
	const struct key32 app = app_key();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t public[SECP256K1_PUBLIC_LEN], want[SECP256K1_PUBLIC_LEN];
		struct key32 key, secret;
		size_t n = strlen(cases[i].public) / 2;

		assert_true(text_hex_decode(secret.b, 32, span_str(cases[i].secret)));
		assert_true(text_hex_decode(want, n, span_str(cases[i].public)));
		assert_true(dstackv1_key(&key, &app, &cases[i].name));
		assert_memory_equal(key.b, secret.b, 32);
		assert_int_equal(derive_public(public, cases[i].name.algorithm, &key), n);
		assert_memory_equal(public, want, n);
	}
}

/* "Link 0": the claim's bytes, written once more by hand. */
static void claim_digest(struct keccak256 *out)
{
	static const uint8_t head[] = "\0\0\0\x19"
				      "dstack-guest-v1-key-claim"
				      "\0\0\0\x09"
				      "secp256k1"
				      "\0\0\0\x12"
				      "storage-encryption"
				      "\0\0\0\x21";
	uint8_t key[33];
	struct span parts[2] = { span_of(head, sizeof(head) - 1), SPAN_ARRAY(key) };

	assert_true(text_hex_decode(
		key, 33,
		span_str("03d962450a41748021c8b02787ac36ce642ff0ae25f4c55019eb527e1112cfd764")));
	keccak256_parts(out, parts, 2);
}

/* The document's signature and ours are of the same claim by the same key. */
static void the_claim_leads_to_the_apps_key(void **state)
{
	static const char theirs[] =
		"5b6193729ce7976ec67863f21692d4b98c69832698aae8e001a7d33a6f818b6e"
		"46ca950725b6e90e8ca9bcf394abd03ce264bf9b7eec1e91693247f9dd53c26901";
	const struct dstackv1_name name = { DERIVE_SECP256K1, span_str("storage-encryption") };
	const struct key32 app = app_key();
	uint8_t signature[65], found[33], want[33], public[33];
	struct keccak256 digest;
	struct key32 key;

	(void)state;
	secp256k1_public(want, &app);
	claim_digest(&digest);
	assert_true(text_hex_decode(signature, 65, span_str(theirs)));
	assert_true(secp256k1_recover(found, signature, digest.b));
	assert_memory_equal(found, want, 33);
	assert_true(dstackv1_key(&key, &app, &name));
	secp256k1_public(public, &key);
	dstackv1_vouch(signature, &app, &name, SPAN_ARRAY(public));
	assert_true(secp256k1_recover(found, signature, digest.b));
	assert_memory_equal(found, want, 33);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_documents_vectors),
		cmocka_unit_test(the_claim_leads_to_the_apps_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
