/* Derived keys: no two names give the same, each is one of its curve, and the
 * formula is the document's. */
#include "unit.h"

#include <string.h>

#include "base/text.h"
#include "crypto/hash.h"
#include "guest/derive.h"

static const struct key32 root = { { 1, 2, 3 } };

/* docs/GUEST.md, written once more by hand. */
static void the_formula_is_the_documents(void **state)
{
	static const uint8_t info[] = {
		2, /* Ed25519 */
		0, /* counter */
		0, 1, 'p', /* purpose */
		0, 2, '/', 'a', /* path */
	};
	const struct derive_name name = { DERIVE_ED25519, span_str("p"), span_str("/a") };
	struct key32 want, got;

	(void)state;
	hkdf_sha256(want.b, 32, span_str("postern/guest-key/v1"),
		    SPAN_ARRAY(root.b), SPAN_ARRAY(info));
	derive_key(&got, &root, &name);
	assert_memory_equal(got.b, want.b, 32);
}

static void names_do_not_run_together(void **state)
{
	static const char *const texts[] = { "", "a", "b", "ab", "a\0b", "aa", "\0\1a" };
	static const size_t lengths[] = { 0, 1, 1, 2, 3, 2, 3 };
	enum {
		TEXTS = 7,
		KEYS = 3 * TEXTS * TEXTS,
	};
	struct key32 keys[KEYS];
	size_t n = 0;

	(void)state;
	for (unsigned algorithm = 1; algorithm <= 3; algorithm++)
		for (size_t p = 0; p < TEXTS; p++)
			for (size_t q = 0; q < TEXTS; q++)
				derive_key(&keys[n++], &root,
					   &(struct derive_name){ (enum derive_algorithm)algorithm,
								  span_of(texts[p], lengths[p]),
								  span_of(texts[q], lengths[q]) });
	for (size_t i = 0; i < KEYS; i++)
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(keys[i].b, keys[k].b, 32);
}

static void public_keys_are_of_their_kind(void **state)
{
	const struct derive_name name = { DERIVE_SECP256K1, span_str(""), span_str("") };
	uint8_t public[SECP256K1_PUBLIC_LEN];
	struct key32 key, voucher;

	(void)state;
	derive_key(&key, &root, &name);
	assert_true(secp256k1_is_secret(&key));
	assert_int_equal(derive_public(public, DERIVE_SECP256K1, &key), 33);
	assert_int_equal(derive_public(public, DERIVE_ED25519, &key), 32);
	assert_int_equal(derive_public(public, DERIVE_RAW, &key), 0);
	derive_voucher(&voucher, &root);
	assert_memory_not_equal(voucher.b, key.b, 32);
}

static void the_authority_stays_the_same(void **state)
{
	struct p256_private *a = derive_authority(&root), *b = derive_authority(&root);
	struct p256_point pa, pb;

	(void)state;
	p256_private_point(a, &pa);
	p256_private_point(b, &pb);
	assert_memory_equal(&pa, &pb, sizeof(pa));
	assert_true(p256_is_point(&pa));
	p256_private_free(a);
	p256_private_free(b);
}

static void p256_keys_follow_from_their_path(void **state)
{
	struct p256_private *keys[] = { derive_p256(&root, span_str("/a")),
					derive_p256(&root, span_str("/a")),
					derive_p256(&root, span_str("/b")),
					derive_p256(&root, span_str("")), derive_authority(&root) };
	struct p256_point at[5];

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		p256_private_point(keys[i], &at[i]);
		assert_true(p256_is_point(&at[i]));
		p256_private_free(keys[i]);
	}
	assert_memory_equal(&at[0], &at[1], sizeof(at[0]));
	for (size_t i = 1; i < 5; i++)
		for (size_t k = 1; k < i; k++)
			assert_memory_not_equal(&at[i], &at[k], sizeof(at[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_formula_is_the_documents),
		cmocka_unit_test(names_do_not_run_together),
		cmocka_unit_test(public_keys_are_of_their_kind),
		cmocka_unit_test(the_authority_stays_the_same),
		cmocka_unit_test(p256_keys_follow_from_their_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
