/*
 * Four messages at a time in AVX2: ChaCha20 on eight blocks, two of each
 * message, a block a lane; Poly1305 on four, a message a lane, in five limbs of
 * 26 bits.
 *
 * Attributes and macros are there for the reasons given in chapoly_avx512.c.
 */
#include "crypto/chapoly_kernel.h"

#ifdef __x86_64__

#include <assert.h>
#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx2")))
#define INLINE TARGET __attribute__((always_inline)) static inline

enum {
	LANES = 4,
	WORDS = 16, /* of a ChaCha20 block */
	KEY_WORDS = 8,
	DOUBLE_ROUNDS = 10,
	POLY_BLOCK = 16,
	LIMBS = 5,
	LIMB_BITS = 26,
};

/* Poly1305 of four messages. */
struct poly {
	__m256i h[LIMBS]; /* the sums so far */
	__m256i r[LIMBS]; /* the keys' first halves */
	__m256i s[LIMBS]; /* r * 5, for what passes bit 130; s[0] is not used */
};

struct state {
	uint32_t key_words[KEY_WORDS][2 * LANES];
	uint32_t nonce_words[2][2 * LANES];
	__m256i counter;
	/* a block of each message, then the next, in halves */
	__m256i stream[2 * LANES][2];
	struct poly poly;
	uint64_t pad[2][LANES]; /* the one-time keys' second halves */
	uint8_t *at[LANES]; /* where each message goes on */
	uint64_t left[LANES];
	size_t left_min, left_max;
};

static_assert(sizeof(struct state) <= CHAPOLY_SCRATCH_LEN);

INLINE __m256i load(const void *p)
{
	return _mm256_loadu_si256((const __m256i *)p);
}

INLINE void store(void *p, __m256i v)
{
	_mm256_storeu_si256((__m256i *)p, v);
}

/* Eight rows of eight words become columns: half a block of each lane. */
INLINE void transpose_stream(struct state *s, const __m256i *x, int half)
{
	__m256i t0 = _mm256_unpacklo_epi32(x[0], x[1]);
	__m256i t1 = _mm256_unpackhi_epi32(x[0], x[1]);
	__m256i t2 = _mm256_unpacklo_epi32(x[2], x[3]);
	__m256i t3 = _mm256_unpackhi_epi32(x[2], x[3]);
	__m256i t4 = _mm256_unpacklo_epi32(x[4], x[5]);
	__m256i t5 = _mm256_unpackhi_epi32(x[4], x[5]);
	__m256i t6 = _mm256_unpacklo_epi32(x[6], x[7]);
	__m256i t7 = _mm256_unpackhi_epi32(x[6], x[7]);

#define LANES_OF(lane, unpack, a, b, c, d) \
	do { \
		__m256i low = unpack(a, b), high = unpack(c, d); \
		s->stream[lane][half] = \
			_mm256_permute2x128_si256(low, high, 0x20); \
		s->stream[lane + 4][half] = \
			_mm256_permute2x128_si256(low, high, 0x31); \
	} while (0)
	LANES_OF(0, _mm256_unpacklo_epi64, t0, t2, t4, t6);
	LANES_OF(1, _mm256_unpackhi_epi64, t0, t2, t4, t6);
	LANES_OF(2, _mm256_unpacklo_epi64, t1, t3, t5, t7);
	LANES_OF(3, _mm256_unpackhi_epi64, t1, t3, t5, t7);
#undef LANES_OF
}

/* The next two key stream blocks of each message. */
TARGET static void next_stream(struct state *s)
{
	const __m256i by_16 = _mm256_set_epi8(
		13, 12, 15, 14, 9, 8, 11, 10, 5, 4, 7, 6, 1, 0, 3, 2,
		13, 12, 15, 14, 9, 8, 11, 10, 5, 4, 7, 6, 1, 0, 3, 2);
	const __m256i by_8 = _mm256_set_epi8(
		14, 13, 12, 15, 10, 9, 8, 11, 6, 5, 4, 7, 2, 1, 0, 3,
		14, 13, 12, 15, 10, 9, 8, 11, 6, 5, 4, 7, 2, 1, 0, 3);
	__m256i x[WORDS] = {
		_mm256_set1_epi32(CHAPOLY_SIGMA_0),
		_mm256_set1_epi32(CHAPOLY_SIGMA_1),
		_mm256_set1_epi32(CHAPOLY_SIGMA_2),
		_mm256_set1_epi32(CHAPOLY_SIGMA_3),
		load(s->key_words[0]),
		load(s->key_words[1]),
		load(s->key_words[2]),
		load(s->key_words[3]),
		load(s->key_words[4]),
		load(s->key_words[5]),
		load(s->key_words[6]),
		load(s->key_words[7]),
		s->counter,
		_mm256_setzero_si256(),
		load(s->nonce_words[0]),
		load(s->nonce_words[1]),
	};

#define ROTATE(v, n) \
	((n) == 16  ? _mm256_shuffle_epi8(v, by_16) \
	 : (n) == 8 ? _mm256_shuffle_epi8(v, by_8) \
		    : _mm256_or_si256(_mm256_slli_epi32(v, n), \
				      _mm256_srli_epi32(v, 32 - (n))))
#define STEP(a, b, d, n) \
	x[a] = _mm256_add_epi32(x[a], x[b]); \
	x[d] = _mm256_xor_si256(x[d], x[a]); \
	x[d] = ROTATE(x[d], n);
	for (int i = 0; i < DOUBLE_ROUNDS; i++) {
		CHAPOLY_ROUND(STEP, 0, 0, 0)
		CHAPOLY_ROUND(STEP, 1, 2, 3)
	}
#undef STEP
#undef ROTATE
#define ADD(i, v) x[i] = _mm256_add_epi32(x[i], v)
	ADD(0, _mm256_set1_epi32(CHAPOLY_SIGMA_0));
	ADD(1, _mm256_set1_epi32(CHAPOLY_SIGMA_1));
	ADD(2, _mm256_set1_epi32(CHAPOLY_SIGMA_2));
	ADD(3, _mm256_set1_epi32(CHAPOLY_SIGMA_3));
	ADD(4, load(s->key_words[0]));
	ADD(5, load(s->key_words[1]));
	ADD(6, load(s->key_words[2]));
	ADD(7, load(s->key_words[3]));
	ADD(8, load(s->key_words[4]));
	ADD(9, load(s->key_words[5]));
	ADD(10, load(s->key_words[6]));
	ADD(11, load(s->key_words[7]));
	ADD(12, s->counter);
	ADD(14, load(s->nonce_words[0]));
	ADD(15, load(s->nonce_words[1]));
#undef ADD
	transpose_stream(s, x, 0);
	transpose_stream(s, x + 8, 1);
	s->counter = _mm256_add_epi32(s->counter, _mm256_set1_epi32(2));
}

/* Four rows of four 64-bit words become columns. */
INLINE void transpose_words(__m256i out[4], const __m256i in[4])
{
	__m256i t0 = _mm256_unpacklo_epi64(in[0], in[1]);
	__m256i t1 = _mm256_unpackhi_epi64(in[0], in[1]);
	__m256i t2 = _mm256_unpacklo_epi64(in[2], in[3]);
	__m256i t3 = _mm256_unpackhi_epi64(in[2], in[3]);

	out[0] = _mm256_permute2x128_si256(t0, t2, 0x20);
	out[1] = _mm256_permute2x128_si256(t1, t3, 0x20);
	out[2] = _mm256_permute2x128_si256(t0, t2, 0x31);
	out[3] = _mm256_permute2x128_si256(t1, t3, 0x31);
}

INLINE __m256i add(__m256i a, __m256i b)
{
	return _mm256_add_epi64(a, b);
}

INLINE __m256i times_5(__m256i a)
{
	return add(a, _mm256_slli_epi64(a, 2));
}

/* 128 bits as limbs; the last is not masked. */
INLINE void to_limbs(__m256i out[LIMBS], __m256i low, __m256i high)
{
	const __m256i mask = _mm256_set1_epi64x((1 << LIMB_BITS) - 1);

	out[0] = _mm256_and_si256(low, mask);
	out[1] = _mm256_and_si256(_mm256_srli_epi64(low, 26), mask);
	out[2] = _mm256_and_si256(_mm256_or_si256(_mm256_srli_epi64(low, 52),
						  _mm256_slli_epi64(high, 12)),
				  mask);
	out[3] = _mm256_and_si256(_mm256_srli_epi64(high, 14), mask);
	out[4] = _mm256_srli_epi64(high, 40);
}

/* Moves what is above 26 bits of limb i to limb j. */
#define CARRY(i, j) \
	do { \
		h[j] = add(h[j], _mm256_srli_epi64(h[i], LIMB_BITS)); \
		h[i] = _mm256_and_si256(h[i], mask); \
	} while (0)

/* Adds one block of each message, given as its two words, and multiplies by r.
 * Where 'lanes' is zero nothing changes.  RFC 8439 §2.5.1. */
INLINE void poly_block(struct poly *p, __m256i low, __m256i high, __m256i lanes)
{
	const __m256i mask = _mm256_set1_epi64x((1 << LIMB_BITS) - 1);
	const __m256i *r = p->r, *s = p->s;
	__m256i a[LIMBS], h[LIMBS];

	to_limbs(a, low, high);
	a[4] = _mm256_or_si256(a[4], _mm256_set1_epi64x(1 << 24)); /* 2^128 */
	a[0] = add(a[0], p->h[0]);
	a[1] = add(a[1], p->h[1]);
	a[2] = add(a[2], p->h[2]);
	a[3] = add(a[3], p->h[3]);
	a[4] = add(a[4], p->h[4]);
#define ROW(i, r0, r1, r2, r3, r4) \
	h[i] = add(add(add(_mm256_mul_epu32(a[0], r0), \
			   _mm256_mul_epu32(a[1], r1)), \
		       add(_mm256_mul_epu32(a[2], r2), \
			   _mm256_mul_epu32(a[3], r3))), \
		   _mm256_mul_epu32(a[4], r4))
	ROW(0, r[0], s[4], s[3], s[2], s[1]);
	ROW(1, r[1], r[0], s[4], s[3], s[2]);
	ROW(2, r[2], r[1], r[0], s[4], s[3]);
	ROW(3, r[3], r[2], r[1], r[0], s[4]);
	ROW(4, r[4], r[3], r[2], r[1], r[0]);
#undef ROW
	CARRY(0, 1);
	CARRY(3, 4);
	CARRY(1, 2);
	h[0] = add(h[0], times_5(_mm256_srli_epi64(h[4], LIMB_BITS)));
	h[4] = _mm256_and_si256(h[4], mask);
	CARRY(2, 3);
	CARRY(0, 1);
	CARRY(3, 4);
	p->h[0] = _mm256_blendv_epi8(p->h[0], h[0], lanes);
	p->h[1] = _mm256_blendv_epi8(p->h[1], h[1], lanes);
	p->h[2] = _mm256_blendv_epi8(p->h[2], h[2], lanes);
	p->h[3] = _mm256_blendv_epi8(p->h[3], h[3], lanes);
	p->h[4] = _mm256_blendv_epi8(p->h[4], h[4], lanes);
}

/* The one-time keys are the first blocks of the key streams (§2.6). */
TARGET static void poly_begin(struct state *s)
{
	const __m256i in[LANES] = { s->stream[0][0], s->stream[1][0],
				    s->stream[2][0], s->stream[3][0] };
	struct poly *p = &s->poly;
	__m256i w[4];

	transpose_words(w, in);
	to_limbs(p->r,
		 _mm256_and_si256(w[0], _mm256_set1_epi64x(CHAPOLY_CLAMP_LOW)),
		 _mm256_and_si256(w[1],
				  _mm256_set1_epi64x(CHAPOLY_CLAMP_HIGH)));
	for (int i = 0; i < LIMBS; i++) {
		p->h[i] = _mm256_setzero_si256();
		p->s[i] = times_5(p->r[i]);
	}
	store(s->pad[0], w[2]);
	store(s->pad[1], w[3]);
}

/* Four blocks of each message; block j counts where left > 16 j. */
INLINE void poly_64(struct state *s, const __m256i low[LANES],
		    const __m256i high[LANES], __m256i left)
{
	__m256i w[4];

#define BLOCK(j, a, b) \
	poly_block(&s->poly, a, b, \
		   _mm256_cmpgt_epi64(left, \
				      _mm256_set1_epi64x((j)*POLY_BLOCK)))
	transpose_words(w, low);
	BLOCK(0, w[0], w[1]);
	BLOCK(1, w[2], w[3]);
	transpose_words(w, high);
	BLOCK(2, w[0], w[1]);
	BLOCK(3, w[2], w[3]);
#undef BLOCK
}

/* 64 bytes of each message; 'stream' are their blocks. */
INLINE void crypt_whole(struct state *s, const __m256i (*stream)[2],
			bool is_seal)
{
	__m256i low[LANES], high[LANES];

#define CRYPT(i) \
	do { \
		__m256i in0 = load(s->at[i]), in1 = load(s->at[i] + 32); \
		__m256i out0 = _mm256_xor_si256(in0, stream[i][0]); \
		__m256i out1 = _mm256_xor_si256(in1, stream[i][1]); \
		store(s->at[i], out0); \
		store(s->at[i] + 32, out1); \
		low[i] = is_seal ? out0 : in0; \
		high[i] = is_seal ? out1 : in1; \
		s->at[i] += CHAPOLY_BLOCK_LEN; \
	} while (0)
	CRYPT(0);
	CRYPT(1);
	CRYPT(2);
	CRYPT(3);
#undef CRYPT
	poly_64(s, low, high, _mm256_set1_epi64x(CHAPOLY_BLOCK_LEN));
}

/* Up to 64 bytes of each message: some end here, or have ended. */
INLINE void crypt_ends(struct state *s, const __m256i (*stream)[2],
		       bool is_seal)
{
	uint8_t cipher[LANES][CHAPOLY_BLOCK_LEN] = { 0 };
	uint8_t bytes[CHAPOLY_BLOCK_LEN];
	__m256i low[LANES], high[LANES];

	for (int i = 0; i < LANES; i++) {
		size_t n = s->left[i] < sizeof(bytes) ? s->left[i]
						      : sizeof(bytes);

		memcpy(bytes, stream[i], sizeof(bytes));
		if (!is_seal && n)
			memcpy(cipher[i], s->at[i], n);
		for (size_t at = 0; at < n; at++)
			s->at[i][at] ^= bytes[at];
		if (is_seal && n)
			memcpy(cipher[i], s->at[i], n);
		low[i] = load(cipher[i]);
		high[i] = load(cipher[i] + 32);
		s->at[i] += n;
	}
	poly_64(s, low, high, load(s->left));
	secret_wipe(bytes, sizeof(bytes));
}

INLINE void crypt_64(struct state *s, const __m256i (*stream)[2], bool is_seal)
{
	if (s->left_min >= CHAPOLY_BLOCK_LEN) {
		crypt_whole(s, stream, is_seal);
		s->left_min -= CHAPOLY_BLOCK_LEN;
	} else {
		crypt_ends(s, stream, is_seal);
		s->left_min = 0;
	}
	for (int i = 0; i < LANES; i++)
		s->left[i] -= s->left[i] < CHAPOLY_BLOCK_LEN
				      ? s->left[i]
				      : CHAPOLY_BLOCK_LEN;
	s->left_max -= s->left_max < CHAPOLY_BLOCK_LEN ? s->left_max
						       : CHAPOLY_BLOCK_LEN;
}

/* Two lanes a message: its even blocks, its odd ones. */
static void set_lanes(struct state *s, size_t lane, const struct chapoly_job *j)
{
	for (size_t at = lane; at < (size_t)2 * LANES; at += LANES) {
		s->nonce_words[0][at] = (uint32_t)j->counter;
		s->nonce_words[1][at] = (uint32_t)(j->counter >> 32);
		for (size_t w = 0; w < KEY_WORDS; w++)
			memcpy(&s->key_words[w][at], j->key->b + 4 * w, 4);
	}
}

TARGET static void begin(struct state *s, struct chapoly_job *const *jobs,
			 size_t count)
{
	s->left_min = SIZE_MAX;
	s->left_max = 0;
	for (size_t i = 0; i < LANES; i++) {
		const struct chapoly_job *j = jobs[i < count ? i : 0];

		/* A lane without a message does the first's work on none. */
		set_lanes(s, i, j);
		s->at[i] = j->bytes;
		s->left[i] = i < count ? j->n : 0;
		if (s->left[i] < s->left_min)
			s->left_min = s->left[i];
		if (s->left[i] > s->left_max)
			s->left_max = s->left[i];
	}
	s->counter = _mm256_set_epi32(1, 1, 1, 1, 0, 0, 0, 0);
	next_stream(s);
	poly_begin(s);
}

/* The block of lengths, and the tags (§2.8). */
TARGET static void end(struct state *s, struct chapoly_job *const *jobs,
		       size_t count, uint8_t tags[][CHAPOLY_TAG_LEN])
{
	uint64_t h[LIMBS][LANES], lengths[LANES] = { 0 };

	for (size_t i = 0; i < count; i++)
		lengths[i] = jobs[i]->n;
	poly_block(&s->poly, _mm256_setzero_si256(), load(lengths),
		   _mm256_set1_epi64x(-1));
	for (int i = 0; i < LIMBS; i++)
		store(h[i], s->poly.h[i]);
	for (size_t i = 0; i < count; i++) {
		const uint64_t pad[2] = { s->pad[0][i], s->pad[1][i] };
		unsigned __int128 sum = h[0][i];
		uint64_t low;

		/* Limbs 1 and 4 may have a bit too many: add, do not or. */
		sum += (unsigned __int128)h[1][i] << 26;
		sum += (unsigned __int128)h[2][i] << 52;
		low = (uint64_t)sum;
		sum = (sum >> 64) + ((unsigned __int128)h[3][i] << 14) +
		      ((unsigned __int128)h[4][i] << 40);
		chapoly_tag(tags[i], low, (uint64_t)sum, (uint64_t)(sum >> 64),
			    pad);
	}
	secret_wipe(h, sizeof(h));
}

INLINE void crypt(struct chapoly_job *const *jobs, size_t count,
		  uint8_t tags[][CHAPOLY_TAG_LEN], struct state *s,
		  bool is_seal)
{
	begin(s, jobs, count);
	if (s->left_max)
		crypt_64(s, s->stream + LANES, is_seal);
	while (s->left_max) {
		next_stream(s);
		crypt_64(s, s->stream, is_seal);
		if (s->left_max)
			crypt_64(s, s->stream + LANES, is_seal);
	}
	end(s, jobs, count, tags);
}

TARGET void chapoly_avx2_seal(struct chapoly_job *const *jobs, size_t count,
			      uint8_t tags[][CHAPOLY_TAG_LEN], void *scratch)
{
	crypt(jobs, count, tags, scratch, true);
}

TARGET void chapoly_avx2_open(struct chapoly_job *const *jobs, size_t count,
			      uint8_t tags[][CHAPOLY_TAG_LEN], void *scratch)
{
	crypt(jobs, count, tags, scratch, false);
}

#endif
