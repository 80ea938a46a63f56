/* p384: RFC 6979 A.2.6 vectors, wrong numbers, points off the curve. */
#include "unit.h"

#include <string.h>

#include "base/text.h"
#include "crypto/p384.h"

/* clang-format off */
#define U_HEX \
	"ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13" \
	"8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720"
/* clang-format on */
/* clang-format off */
#define R_HEX \
	"94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46"
/* clang-format on */
/* clang-format off */
#define S_HEX \
	"99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8"
/* clang-format on */
/* the group's order */
/* clang-format off */
#define N_HEX \
	"ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973"
/* clang-format on */
/* clang-format off */
#define ZERO_HEX \
	"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
/* clang-format on */

static void unhex(void *out, size_t n, const char *hex)
{
	assert_true(text_hex_decode(out, n, span_str(hex)));
}

static void verification(void **state)
{
	static const struct {
		const char *name, *message, *signature;
		bool want;
	} cases[] = {
		{ "rfc6979_sample_accepted", "sample", R_HEX S_HEX, true },
		{ "rfc6979_test_accepted", "test",
		  "8203b63d3c853e8d77227fb377bcf7b7b772e97892a80f36"
		  "ab775d509d7a5feb0542a7f0812998da8f1dd3ca3cf023db"
		  "ddd0760448d42d8a43af45af836fce4de8be06b485e9b61b"
		  "827c2f13173923e06a739f040649a667bf3b828246baa5a5",
		  true },
		{ "other_message_refused", "samplf", R_HEX S_HEX, false },
		{ "empty_message_refused", "", R_HEX S_HEX, false },
		{ "r_zero_refused", "sample", ZERO_HEX S_HEX, false },
		{ "s_zero_refused", "sample", R_HEX ZERO_HEX, false },
		{ "both_zero_refused", "sample", ZERO_HEX ZERO_HEX, false },
		{ "r_is_order_refused", "sample", N_HEX S_HEX, false },
		{ "s_is_order_refused", "sample", R_HEX N_HEX, false },
		{ "swapped_refused", "sample", S_HEX R_HEX, false },
	};
	struct p384_point at;

	(void)state;
	unhex(at.xy, sizeof(at.xy), U_HEX);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct p384_signature sig;

		print_message("%s\n", cases[i].name);
		unhex(sig.rs, sizeof(sig.rs), cases[i].signature);
		assert_int_equal(p384_verify(&at, &sig, span_str(cases[i].message)),
				 cases[i].want);
	}
}

static void points(void **state)
{
	struct p384_point at, other;
	struct p384_signature sig;

	(void)state;
	unhex(at.xy, sizeof(at.xy), U_HEX);
	unhex(sig.rs, sizeof(sig.rs), R_HEX S_HEX);
	for (size_t i = 0; i < sizeof(at.xy); i++) {
		other = at;
		other.xy[i] ^= 1;
		assert_false(p384_verify(&other, &sig, span_str("sample")));
	}
	memset(&other, 0, sizeof(other));
	assert_false(p384_verify(&other, &sig, span_str("sample")));
	memset(&other, 0xff, sizeof(other)); /* above the field's prime */
	assert_false(p384_verify(&other, &sig, span_str("sample")));
	assert_true(p384_verify(&at, &sig, span_str("sample")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verification),
		cmocka_unit_test(points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
