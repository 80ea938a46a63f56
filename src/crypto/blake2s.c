#include "crypto/blake2s.h"

#include <assert.h>
#include <string.h>

#include "base/secret.h"

enum {
	ROUNDS = 10,
	HMAC_INNER = 0x36, /* RFC 2104 §2: ipad */
	HMAC_OUTER = 0x5c, /* opad */
};

/* RFC 7693 §2.6. */
static const uint32_t iv[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
};

/* RFC 7693 §2.7: the order of the message words in each round. */
static const uint8_t sigma[ROUNDS][16] = {
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
	{ 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 },
	{ 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4 },
	{ 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8 },
	{ 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13 },
	{ 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9 },
	{ 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11 },
	{ 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10 },
	{ 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5 },
	{ 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0 },
};

static inline uint32_t rotr(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static uint32_t load_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

/* G of RFC 7693 §3.1 on four words of the working vector. */
static inline void mix(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d,
		       uint32_t x, uint32_t y)
{
	*a += *b + x;
	*d = rotr(*d ^ *a, 16);
	*c += *d;
	*b = rotr(*b ^ *c, 12);
	*a += *b + y;
	*d = rotr(*d ^ *a, 8);
	*c += *d;
	*b = rotr(*b ^ *c, 7);
}

/* F of RFC 7693 §3.2 on s->block, counting n more bytes. */
static void compress(struct blake2s *s, size_t n, bool is_last)
{
	uint32_t v[16], m[16];

	s->count += n;
	for (size_t i = 0; i < 16; i++)
		m[i] = load_le32(s->block + 4 * i);
	memcpy(v, s->h, sizeof(s->h));
	memcpy(v + 8, iv, sizeof(iv));
	v[12] ^= (uint32_t)s->count;
	v[13] ^= (uint32_t)(s->count >> 32);
	if (is_last)
		v[14] = ~v[14];
	for (size_t r = 0; r < ROUNDS; r++) {
		const uint8_t *w = sigma[r];

		mix(&v[0], &v[4], &v[8], &v[12], m[w[0]], m[w[1]]);
		mix(&v[1], &v[5], &v[9], &v[13], m[w[2]], m[w[3]]);
		mix(&v[2], &v[6], &v[10], &v[14], m[w[4]], m[w[5]]);
		mix(&v[3], &v[7], &v[11], &v[15], m[w[6]], m[w[7]]);
		mix(&v[0], &v[5], &v[10], &v[15], m[w[8]], m[w[9]]);
		mix(&v[1], &v[6], &v[11], &v[12], m[w[10]], m[w[11]]);
		mix(&v[2], &v[7], &v[8], &v[13], m[w[12]], m[w[13]]);
		mix(&v[3], &v[4], &v[9], &v[14], m[w[14]], m[w[15]]);
	}
	for (size_t i = 0; i < 8; i++)
		s->h[i] ^= v[i] ^ v[i + 8];
	secret_wipe(v, sizeof(v));
	secret_wipe(m, sizeof(m));
}

void blake2s_init(struct blake2s *s, size_t out_len, struct span key)
{
	assert(out_len >= 1 && out_len <= BLAKE2S_LEN && key.n <= 32);
	*s = (struct blake2s){ .out_len = out_len };
	memcpy(s->h, iv, sizeof(iv));
	s->h[0] ^= 0x01010000 ^ (uint32_t)key.n << 8 ^ (uint32_t)out_len;
	if (key.n == 0)
		return;
	/* The key is the first block, padded with zeros (RFC 7693 §2.9). */
	memcpy(s->block, key.p, key.n);
	s->block_len = BLAKE2S_BLOCK_LEN;
}

void blake2s_update(struct blake2s *s, struct span b)
{
	while (b.n) {
		size_t n = BLAKE2S_BLOCK_LEN - s->block_len;

		/* A full block waits until it is known not to be the last. */
		if (n == 0) {
			compress(s, BLAKE2S_BLOCK_LEN, false);
			s->block_len = 0;
			n = BLAKE2S_BLOCK_LEN;
		}
		if (n > b.n)
			n = b.n;
		memcpy(s->block + s->block_len, b.p, n);
		s->block_len += n;
		b = span_of(b.p + n, b.n - n);
	}
}

void blake2s_final(struct blake2s *s, void *out)
{
	uint8_t digest[BLAKE2S_LEN];

	memset(s->block + s->block_len, 0, BLAKE2S_BLOCK_LEN - s->block_len);
	compress(s, s->block_len, true);
	for (size_t i = 0; i < BLAKE2S_LEN; i++)
		digest[i] = (uint8_t)(s->h[i / 4] >> 8 * (i % 4));
	memcpy(out, digest, s->out_len);
	secret_wipe(digest, sizeof(digest));
	secret_wipe(s, sizeof(*s));
}

void blake2s_2(void *out, size_t out_len, struct span key, struct span a,
	       struct span b)
{
	struct blake2s s;

	blake2s_init(&s, out_len, key);
	blake2s_update(&s, a);
	blake2s_update(&s, b);
	blake2s_final(&s, out);
}

void blake2s_hmac(void *out, struct span key, struct span a, struct span b)
{
	uint8_t inner[BLAKE2S_BLOCK_LEN] = { 0 }, outer[BLAKE2S_BLOCK_LEN];
	uint8_t digest[BLAKE2S_LEN];
	struct blake2s s;

	if (key.n > BLAKE2S_BLOCK_LEN)
		blake2s_2(inner, BLAKE2S_LEN, span_of(NULL, 0), key,
			  span_of(NULL, 0));
	else if (key.n)
		memcpy(inner, key.p, key.n);
	for (size_t i = 0; i < BLAKE2S_BLOCK_LEN; i++) {
		outer[i] = inner[i] ^ HMAC_OUTER;
		inner[i] ^= HMAC_INNER;
	}
	blake2s_init(&s, BLAKE2S_LEN, span_of(NULL, 0));
	blake2s_update(&s, SPAN_ARRAY(inner));
	blake2s_update(&s, a);
	blake2s_update(&s, b);
	blake2s_final(&s, digest);
	blake2s_2(out, BLAKE2S_LEN, span_of(NULL, 0), SPAN_ARRAY(outer),
		  SPAN_ARRAY(digest));
	secret_wipe(inner, sizeof(inner));
	secret_wipe(outer, sizeof(outer));
	secret_wipe(digest, sizeof(digest));
}
