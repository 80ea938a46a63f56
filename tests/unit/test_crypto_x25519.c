/* X25519 against RFC 7748 §5.2 and §6.1, and the points of low order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/rng.h"
#include "crypto/x25519.h"

static void unhex(uint8_t out[32], const char *hex)
{
	assert_true(text_hex_decode(out, 32, span_str(hex)));
}

static void rfc7748_5_2_scalar_times_point(void **state)
{
	uint8_t u[32], want[32];
	struct key32 k, out;

	(void)state;
	unhex(k.b, "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
	unhex(u, "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
	unhex(want, "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
	assert_true(x25519_shared(&out, &k, u));
	assert_memory_equal(out.b, want, 32);
}

static void rfc7748_5_2_thousand_iterations(void **state)
{
	struct key32 k = { { 9 } }, out;
	uint8_t u[32] = { 9 }, want[32];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_true(x25519_shared(&out, &k, u));
		memcpy(u, k.b, 32);
		k = out;
	}
	unhex(want, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
	assert_memory_equal(k.b, want, 32);
}

static void rfc7748_6_1_bob(void **state)
{
	uint8_t alice_public[32], bob_public[32], want[32];
	struct key32 bob, shared;

	(void)state;
	unhex(bob.b, "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
	unhex(alice_public, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
	x25519_public(bob_public, &bob);
	unhex(want, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
	assert_memory_equal(bob_public, want, 32);
	assert_true(x25519_shared(&shared, &bob, alice_public));
	unhex(want, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
	assert_memory_equal(shared.b, want, 32);
}

static void both_sides_agree(void **state)
{
	struct key32 a, b, ab, ba;
	uint8_t a_public[32], b_public[32];

	(void)state;
	x25519_generate(&a);
	x25519_generate(&b);
	x25519_public(a_public, &a);
	x25519_public(b_public, &b);
	assert_true(x25519_shared(&ab, &a, b_public));
	assert_true(x25519_shared(&ba, &b, a_public));
	assert_memory_equal(ab.b, ba.b, 32);
}

/* Every encoding of a point whose order divides 8. */
static void low_order_points_refused_and_zero(void **state)
{
	static const struct {
		const char *name, *point;
	} rows[] = {
		{ "zero", "0000000000000000000000000000000000000000000000000000000000000000" },
		{ "one", "0100000000000000000000000000000000000000000000000000000000000000" },
		{ "order_8", "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800" },
		{ "order_8_other",
		  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157" },
		{ "p_minus_1", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" },
		{ "p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" },
		{ "p_plus_1", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" },
	};
	static const uint8_t zero[32];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct key32 k, out;
		uint8_t u[32];

		print_message("%s\n", rows[i].name);
		unhex(u, rows[i].point);
		x25519_generate(&k);
		memset(&out, 1, sizeof(out));
		assert_false(x25519_shared(&out, &k, u));
		assert_memory_equal(out.b, zero, 32);
	}
}

static void clamp_sets_rfc7748_bits(void **state)
{
	struct key32 k;

	(void)state;
	memset(k.b, 0xff, 32);
	x25519_clamp(&k);
	assert_int_equal(k.b[0], 0xf8);
	assert_int_equal(k.b[31], 0x7f);
	memset(k.b, 0, 32);
	x25519_clamp(&k);
	assert_int_equal(k.b[0], 0);
	assert_int_equal(k.b[31], 0x40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc7748_5_2_scalar_times_point),
		cmocka_unit_test(rfc7748_5_2_thousand_iterations),
		cmocka_unit_test(rfc7748_6_1_bob),
		cmocka_unit_test(both_sides_agree),
		cmocka_unit_test(low_order_points_refused_and_zero),
		cmocka_unit_test(clamp_sets_rfc7748_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
