/* BLAKE2s: RFC 7693 appendices B and E, and vectors of a second
 * implementation (Python's hashlib and hmac) for keys and HMAC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/blake2s.h"

static void sequence(uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)i;
}

static void assert_hex(const uint8_t *got, size_t n, const char *hex)
{
	uint8_t want[32];

	assert_true(text_hex_decode(want, n, span_str(hex)));
	assert_memory_equal(got, want, n);
}

static void rfc7693_appendix_b_abc(void **state)
{
	uint8_t out[32];

	(void)state;
	blake2s_2(out, 32, span_of(NULL, 0), span_str("abc"), span_of(NULL, 0));
	assert_hex(out, 32, "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
}

/* The generator of RFC 7693 appendix E. */
static void appendix_e_input(uint8_t *out, size_t n, uint32_t seed)
{
	uint32_t a = 0xdead4bad * seed, b = 1;

	for (size_t i = 0; i < n; i++) {
		uint32_t t = a + b;

		a = b;
		b = t;
		out[i] = (uint8_t)(t >> 24);
	}
}

static void rfc7693_appendix_e_self_test(void **state)
{
	static const size_t digests[] = { 16, 20, 28, 32 };
	static const size_t inputs[] = { 0, 3, 64, 65, 255, 1024 };
	uint8_t in[1024], md[32], key[32];
	struct blake2s all;

	(void)state;
	blake2s_init(&all, 32, span_of(NULL, 0));
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 6; j++) {
			struct span data = span_of(in, inputs[j]);

			appendix_e_input(in, inputs[j], (uint32_t)inputs[j]);
			blake2s_2(md, digests[i], span_of(NULL, 0), data, span_of(NULL, 0));
			blake2s_update(&all, span_of(md, digests[i]));
			appendix_e_input(key, digests[i], (uint32_t)digests[i]);
			blake2s_2(md, digests[i], span_of(key, digests[i]), data,
				  span_of(NULL, 0));
			blake2s_update(&all, span_of(md, digests[i]));
		}
	blake2s_final(&all, md);
	assert_hex(md, 32, "6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe");
}

static const struct {
	const char *name;
	size_t out_len, key_len, n;
	const char *want;
} keyed[] = {
	{ "keyed_empty", 32, 32, 0,
	  "48a8997da407876b3d79c0d92325ad3b89cbb754d86ab71aee047ad345fd2c49" },
	{ "keyed_1", 32, 32, 1,
	  "40d15fee7c328830166ac3f918650f807e7e01e177258cdc0a39b11f598066f1" },
	{ "keyed_63", 32, 32, 63,
	  "c65382513f07460da39833cb666c5ed82e61b9e998f4b0c4287cee56c3cc9bcd" },
	{ "keyed_64", 32, 32, 64,
	  "8975b0577fd35566d750b362b0897a26c399136df07bababbde6203ff2954ed4" },
	{ "keyed_65", 32, 32, 65,
	  "21fe0ceb0052be7fb0f004187cacd7de67fa6eb0938d927677f2398c132317a8" },
	{ "keyed_128", 32, 32, 128,
	  "0c311f38c35a4fb90d651c289d486856cd1413df9b0677f53ece2cd9e477c60a" },
	{ "keyed_255", 32, 32, 255,
	  "3fb735061abc519dfe979e54c1ee5bfad0a9d858b3315bad34bde999efd724dd" },
	{ "mac16_100", 16, 16, 100, "56301549e674c3b72a0e1dafb7a2c620" },
	{ "plain_empty", 32, 0, 0,
	  "69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9" },
};

/* Every split of the input in two gives the same digest. */
static void keyed_vectors_however_split(void **state)
{
	uint8_t data[256], out[32];

	(void)state;
	sequence(data, sizeof(data));
	for (size_t i = 0; i < sizeof(keyed) / sizeof(*keyed); i++)
		for (size_t at = 0; at <= keyed[i].n; at++) {
			print_message("%s at %zu\r", keyed[i].name, at);
			blake2s_2(out, keyed[i].out_len, span_of(data, keyed[i].key_len),
				  span_of(data, at), span_of(data + at, keyed[i].n - at));
			assert_hex(out, keyed[i].out_len, keyed[i].want);
		}
}

static void hmac_vectors(void **state)
{
	static const struct {
		size_t key_len;
		const char *want;
	} rows[] = {
		{ 0, "2fda1d93aa5545d8fc2fff27f5d9685d838540afc60d81226b0ddb7d7200433b" },
		{ 32, "de89a82a87de22d03601bf8c56c68b431a55ab3323c2768b3ef100bf4e3a27ba" },
		{ 64, "96a0cb986a5810727f7cdc9ad236d4da9ad37a7b41dfca798af5dcc42028f004" },
		{ 65, "da23b6ae7c1c69a31bf126e4deaa62f76fcccd0b51342fa90605482479431c2b" },
		{ 200, "908c38049d2193bc044221c76765fd781e541c2813b8619240e6b6bf3a69e7ba" },
	};
	uint8_t data[256], out[32];

	(void)state;
	sequence(data, sizeof(data));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t at = 0; at <= 77; at++) {
			blake2s_hmac(out, span_of(data, rows[i].key_len), span_of(data, at),
				     span_of(data + at, 77 - at));
			assert_hex(out, 32, rows[i].want);
		}
}

static void final_erases_state(void **state)
{
	struct blake2s s;
	uint8_t out[32];

	(void)state;
	blake2s_init(&s, 32, span_str("secret"));
	blake2s_final(&s, out);
	assert_true(span_is_zero(span_of(&s, sizeof(s))));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc7693_appendix_b_abc),
		cmocka_unit_test(rfc7693_appendix_e_self_test),
		cmocka_unit_test(keyed_vectors_however_split),
		cmocka_unit_test(hmac_vectors),
		cmocka_unit_test(final_erases_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
