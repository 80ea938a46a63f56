/* Keccak and SHA-3 against known hashes, and against itself cut in parts. */
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

/* SHA-3 by Python's hashlib, Keccak by pycryptodome 3.24: around each rate. */
static void every_length_of_both_paddings(void **state)
{
	static const struct {
		size_t n, len; /* bytes 0, 1, 2, ...; of the hash */
		enum keccak_kind kind;
		const char *want;
	} cases[] = {
		{ 0, 32, KECCAK_SHA3,
		  "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a" },
		{ 0, 32, KECCAK_PLAIN,
		  "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470" },
		{ 0, 48, KECCAK_SHA3,
		  "0c63a75b845e4f7d01107d852e4c2485c51a50aaaa94fc61995e71bbee983a2a"
		  "c3713831264adb47fb6bd1e058d5f004" },
		{ 0, 48, KECCAK_PLAIN,
		  "2c23146a63a29acf99e73b88f8c24eaa7dc60aa771780ccc006afbfa8fe2479b"
		  "2dd2b21362337441ac12b515911957ff" },
		{ 0, 64, KECCAK_SHA3,
		  "a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a6"
		  "15b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26" },
		{ 0, 64, KECCAK_PLAIN,
		  "0eab42de4c3ceb9235fc91acffe746b29c29a8c366b7c60e4e67c466f36a4304"
		  "c00fa9caf9d87976ba469bcbe06713b435f091ef2769fb160cdab33d3670680e" },
		{ 71, 64, KECCAK_SHA3,
		  "3ccc850d53a1287af7b4560b2ef0d43eb5d9a80d62a0e9cf1dbc040135921104"
		  "d4395168e90bfc871773ebb34bca1bd67056e1cc7dc7a48ff7c3167d389f117c" },
		{ 71, 64, KECCAK_PLAIN,
		  "fe0953f9afdffed7ff9764c2590ff0e6af1b0689e42ddca68d6ef003ddce2671"
		  "b806e0d2e6d57117bb75ad6166e2e990ca662b6a7f8945584f5308459eabae15" },
		{ 72, 64, KECCAK_SHA3,
		  "5d63f2bbe971a983ac6847480106e4e1264ee3a0befd79954914e1d86e795b2e"
		  "18238f12fc5e46cb9cc78efdec610a93647cc04e1c23d8caaa6a58c21dd26c07" },
		{ 72, 64, KECCAK_PLAIN,
		  "76fa23369085405345fe6a2831f334113bee6b111056e21072082af56e7c1ab4"
		  "458858dbdb5f88e0d86d38ca654310c9a30712319c1f4f9783fe9f3ac0469527" },
		{ 73, 64, KECCAK_SHA3,
		  "921d9b7b2b0f3066a1646dbb058c979cb3925dec0f8c269faaa7f9648e73465a"
		  "e55ec527257d5d5e1cfdbf5d6799bea1004b6186f5108c74e3b92fe924166558" },
		{ 73, 64, KECCAK_PLAIN,
		  "e417b9573c871d948d48f62f6b16ea6cd1f1557a462ff5c1ae276d14d2fb43cd"
		  "7084631656bf60f4ceb881133113d304335bd93487e8ec3e845ebc3c1877ca12" },
		{ 103, 48, KECCAK_SHA3,
		  "1f91ee551ad18f268876d1fc262f137fe196580216c5193819a95ec5222537d2"
		  "a658dd129c3d8080e65ec7460f1f4704" },
		{ 103, 48, KECCAK_PLAIN,
		  "594b7f9a689485dba9802ed9f13e986b0b9bb83b448d402a37a628fedbeee078"
		  "3b1d03c8a9a211fe9d8269a6a45ad0a1" },
		{ 104, 48, KECCAK_SHA3,
		  "5b8d0d5cf8b41be507be8fcbfcbdbac3a28eb368d430fed6780aaa78a93a8da4"
		  "a6c50485949ca344f228be91a96005a3" },
		{ 104, 48, KECCAK_PLAIN,
		  "7f6de44434fc3011507c34186e81e80174f82052f4c63e67b85fc82835ec7659"
		  "a767052484569835c98bcdc82c785e3f" },
		{ 105, 48, KECCAK_SHA3,
		  "4a2f0a8f2f1f4cc4605cc2537e0be28cf8b465c30f0a54b494a7128ec54ee4e8"
		  "5706b5e47a5697344d15cbf85680cd40" },
		{ 105, 48, KECCAK_PLAIN,
		  "1480a097d5c3cc04b85bfba18666c3fd5f246744f8798f247f3c107187d8899a"
		  "2711edd8aa5cfcaf77b9f33450c8d785" },
		{ 135, 32, KECCAK_SHA3,
		  "fded8fd9d6551c601eeb3b7c6bc5e5cfd8aad1d015b7e9aaa9c9b9475231d5e2" },
		{ 135, 32, KECCAK_PLAIN,
		  "cbdfd9dee5faad3818d6b06f95a219fd290b0e1706f6a82e5a595b9ce9faca62" },
		{ 136, 32, KECCAK_SHA3,
		  "cf3ccff92480a29160c2d38317c430e14749bfee1788106957dfe73f8c4930e5" },
		{ 136, 32, KECCAK_PLAIN,
		  "7ce759f1ab7f9ce437719970c26b0a66ff11fe3e38e17df89cf5d29c7d7f807e" },
		{ 137, 32, KECCAK_SHA3,
		  "ce9d7dc90913ee5d92745019479a5352c6d6279bef18ed07dc0a83ee8084daca" },
		{ 137, 32, KECCAK_PLAIN,
		  "ac73d4fae68b8453f764007c1a20ce95994187861f0c3227a3a8e99a73a3b1db" },
		{ 300, 48, KECCAK_SHA3,
		  "47aefea93608f52318d433e3bc58bd296f9a88954a9ab47bd7e462468d59eeec"
		  "e908f5e861ee208a44c361831802f11e" },
		{ 300, 48, KECCAK_PLAIN,
		  "0fd25c77df9491922f305becd2fdc02465edf65ebf8e18a67a5f8fcd11ec8911"
		  "42a188c93980e6e26906649da7f85ae6" },
		{ 300, 64, KECCAK_SHA3,
		  "fa288fe9f54b8301e3012051fb1b275fd3f278a281ef149bb878fd322a647d3f"
		  "51dc24908905550ed4883870c94f8d297f0690f8661b14d8222e9a46eebcbdf6" },
		{ 300, 64, KECCAK_PLAIN,
		  "be9d780695ca319b217ff298f6cae24e173ccf3d905cb794e8cab81174028a09"
		  "d5c9d55da85efc78bdef3bfd1fed8344e404efdb508d3c11fc3bcae9797400c4" },
	};
	uint8_t in[300], want[KECCAK_MAX], got[KECCAK_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span whole = span_of(in, cases[i].n);

		memset(got, 0xaa, sizeof(got));
		assert_true(text_hex_decode(want, cases[i].len, span_str(cases[i].want)));
		keccak_parts(got, cases[i].len, cases[i].kind, &whole, 1);
		assert_memory_equal(got, want, cases[i].len);
		assert_int_equal(got[cases[i].len], 0xaa);
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
		cmocka_unit_test(every_length_of_both_paddings),
		cmocka_unit_test(parts_are_one_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
