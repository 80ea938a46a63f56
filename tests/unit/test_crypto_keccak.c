/* Keccak-256 against known hashes, and against itself cut in parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/keccak.h"

/* The first is the empty string's, which Ethereum writes everywhere; the
 * others were computed with pycryptodome 3.24. */
static void known_hashes(void **state)
{
	static const struct {
		size_t n; /* bytes 0, 1, 2, ... 255, 0, ...; 3 stands for "abc" */
		const char *want;
	} cases[] = {
		{ 0, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470" },
		{ 3, "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45" },
		{ 135, "cbdfd9dee5faad3818d6b06f95a219fd290b0e1706f6a82e5a595b9ce9faca62" },
		{ 136, "7ce759f1ab7f9ce437719970c26b0a66ff11fe3e38e17df89cf5d29c7d7f807e" },
		{ 137, "ac73d4fae68b8453f764007c1a20ce95994187861f0c3227a3a8e99a73a3b1db" },
		{ 271, "7c974895b2a88303ff2dc6b58f438ceb0b298cac91099ac0539cc0f477506191" },
		{ 272, "fdf2ec49e749960d3c8521a0219af8d03e30e2b3bf19bd16150ee0eaf133d66e" },
		{ 300, "a679e749a6af300c36e7ff2255d220864eab27b382f9cfdc5aa4d13563ba36ff" },
	};
	uint8_t in[300], want[32];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span whole = cases[i].n == 3 ? span_str("abc") : span_of(in, cases[i].n);
		struct keccak256 out;

		assert_true(text_hex_decode(want, 32, span_str(cases[i].want)));
		keccak256_parts(&out, &whole, 1);
		assert_memory_equal(out.b, want, 32);
	}
}

static void parts_are_one_text(void **state)
{
	uint8_t in[280];
	const struct span whole = SPAN_ARRAY(in);
	struct keccak256 want, got;

	(void)state;
	memset(in, 7, sizeof(in));
	keccak256_parts(&want, &whole, 1);
	for (size_t cut = 0; cut <= sizeof(in); cut++) {
		const struct span rest = span_of(in + cut, sizeof(in) - cut);
		const struct span parts[3] = { span_of(in, cut), { 0 }, rest };

		keccak256_parts(&got, parts, 3);
		assert_memory_equal(got.b, want.b, 32);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_hashes),
		cmocka_unit_test(parts_are_one_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
