#include "base/siphash.h"

enum {
	ROUNDS_A_WORD = 2,
	ROUNDS_AT_THE_END = 4,
};

static uint64_t turned(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void rounds(uint64_t v[4], int count)
{
	for (int i = 0; i < count; i++) {
		v[0] += v[1];
		v[1] = turned(v[1], 13) ^ v[0];
		v[0] = turned(v[0], 32);
		v[2] += v[3];
		v[3] = turned(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = turned(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = turned(v[1], 17) ^ v[2];
		v[2] = turned(v[2], 32);
	}
}

static void take(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	rounds(v, ROUNDS_A_WORD);
	v[0] ^= word;
}

uint64_t siphash(const struct siphash_key *key, struct span text)
{
	struct span halves = SPAN_ARRAY(key->b);
	uint64_t k0 = 0, k1 = 0, word, last = (uint64_t)text.n << 56;
	uint64_t v[4];

	/* A key has these bytes. */
	(void)!(rd_le64(&halves, &k0) && rd_le64(&halves, &k1));
	v[0] = k0 ^ 0x736f'6d65'7073'6575;
	v[1] = k1 ^ 0x646f'7261'6e64'6f6d;
	v[2] = k0 ^ 0x6c79'6765'6e65'7261;
	v[3] = k1 ^ 0x7465'6462'7974'6573;
	while (rd_le64(&text, &word))
		take(v, word);
	for (size_t i = 0; i < text.n; i++)
		last |= (uint64_t)text.p[i] << (8 * i);
	take(v, last);
	v[2] ^= 0xff;
	rounds(v, ROUNDS_AT_THE_END);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
