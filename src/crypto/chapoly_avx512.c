/*
 * Eight messages at a time in AVX-512: ChaCha20 on sixteen blocks, two of each
 * message, a block a lane; Poly1305 on eight, a message a lane, in limbs of 44,
 * 44 and 42 bits for the 52-bit multiply-add of IFMA.
 *
 * Inlining is forced and the target named by attributes, and loops over vectors
 * are written out by macros: otherwise the vectors would go through memory, or
 * the whole program would need AVX-512.
 */
#include "crypto/chapoly_kernel.h"

#ifdef __x86_64__

#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__(( \
	target("avx512f,avx512bw,avx512vl,avx512ifma,avx512vbmi2")))
#define INLINE TARGET __attribute__((always_inline)) static inline

#define EACH_LANE(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7)

enum {
	LANES = 8,
	WORDS = 16, /* of a ChaCha20 block */
	KEY_WORDS = 8,
	DOUBLE_ROUNDS = 10,
	POLY_BLOCK = 16,
	POLY_POWERS = 4, /* blocks multiplied before one carry */
	CHUNK = 2 * CHAPOLY_BLOCK_LEN, /* of a message, by one next_stream() */
	CHUNKS_MIN = 2 * CHUNK, /* to be worth the powers */
};

/* A number of each message, in limbs of 44, 44 and 42 bits or little more. */
struct limbs {
	__m512i v0, v1, v2;
};

/* One to multiply by. */
struct factor {
	struct limbs r;
	__m512i s1, s2; /* r's limbs times 20, for what passes bit 130 */
};

/* Sums of products: the low 52 bits of each limb's, and what is above. */
struct products {
	__m512i a0, a1, a2, b0, b1, b2;
};

/* Poly1305 of eight messages. */
struct poly {
	struct limbs h; /* the sums so far */
	/* The keys' first halves and, after poly_powers(), their powers. */
	struct factor powers[POLY_POWERS];
};

struct state {
	uint32_t key_words[KEY_WORDS][LANES];
	uint32_t nonce_words[2][LANES];
	__m512i counter;
	__m512i stream[2 * LANES]; /* a block of each message, then the next */
	struct poly poly;
	uint64_t pad[2][LANES]; /* the one-time keys' second halves */
	uint8_t *at[LANES]; /* where each message goes on */
	size_t step[LANES]; /* by how much; 0 where no message is */
	size_t left[LANES];
	size_t left_min, left_max;
	uint8_t idle[CHAPOLY_BLOCK_LEN]; /* where no message is */
};

INLINE __m512i both_halves(const uint32_t words[LANES])
{
	__m256i w = _mm256_loadu_si256((const __m256i *)(const void *)words);

	return _mm512_broadcast_i64x4(w);
}

/* Turns the words of 16 blocks, a block a lane, into the blocks' bytes. */
INLINE void transpose_stream(__m512i out[2 * LANES], __m512i x[WORDS])
{
#define WORDS_4(a, b, c, d) \
	do { \
		__m512i t0 = _mm512_unpacklo_epi32(x[a], x[b]); \
		__m512i t1 = _mm512_unpacklo_epi32(x[c], x[d]); \
		__m512i t2 = _mm512_unpackhi_epi32(x[a], x[b]); \
		__m512i t3 = _mm512_unpackhi_epi32(x[c], x[d]); \
		x[a] = _mm512_unpacklo_epi64(t0, t1); \
		x[b] = _mm512_unpackhi_epi64(t0, t1); \
		x[c] = _mm512_unpacklo_epi64(t2, t3); \
		x[d] = _mm512_unpackhi_epi64(t2, t3); \
	} while (0)
#define QUARTERS_4(i) \
	do { \
		__m512i t0 = _mm512_shuffle_i32x4(x[i], x[i + 4], 0x44); \
		__m512i t1 = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0x44); \
		__m512i t2 = _mm512_shuffle_i32x4(x[i], x[i + 4], 0xee); \
		__m512i t3 = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0xee); \
		out[i] = _mm512_shuffle_i32x4(t0, t1, 0x88); \
		out[i + 4] = _mm512_shuffle_i32x4(t0, t1, 0xdd); \
		out[i + 8] = _mm512_shuffle_i32x4(t2, t3, 0x88); \
		out[i + 12] = _mm512_shuffle_i32x4(t2, t3, 0xdd); \
	} while (0)
	WORDS_4(0, 1, 2, 3);
	WORDS_4(4, 5, 6, 7);
	WORDS_4(8, 9, 10, 11);
	WORDS_4(12, 13, 14, 15);
	QUARTERS_4(0);
	QUARTERS_4(1);
	QUARTERS_4(2);
	QUARTERS_4(3);
#undef WORDS_4
#undef QUARTERS_4
}

/* The next two key stream blocks of each message. */
TARGET static void next_stream(struct state *s)
{
	__m512i x[WORDS] = {
		_mm512_set1_epi32(CHAPOLY_SIGMA_0),
		_mm512_set1_epi32(CHAPOLY_SIGMA_1),
		_mm512_set1_epi32(CHAPOLY_SIGMA_2),
		_mm512_set1_epi32(CHAPOLY_SIGMA_3),
		both_halves(s->key_words[0]),
		both_halves(s->key_words[1]),
		both_halves(s->key_words[2]),
		both_halves(s->key_words[3]),
		both_halves(s->key_words[4]),
		both_halves(s->key_words[5]),
		both_halves(s->key_words[6]),
		both_halves(s->key_words[7]),
		s->counter,
		_mm512_setzero_si512(),
		both_halves(s->nonce_words[0]),
		both_halves(s->nonce_words[1]),
	};

#define STEP(a, b, d, n) \
	x[a] = _mm512_add_epi32(x[a], x[b]); \
	x[d] = _mm512_rol_epi32(_mm512_xor_si512(x[d], x[a]), n);
	for (int i = 0; i < DOUBLE_ROUNDS; i++) {
		CHAPOLY_ROUND(STEP, 0, 0, 0)
		CHAPOLY_ROUND(STEP, 1, 2, 3)
	}
#undef STEP
	x[0] = _mm512_add_epi32(x[0], _mm512_set1_epi32(CHAPOLY_SIGMA_0));
	x[1] = _mm512_add_epi32(x[1], _mm512_set1_epi32(CHAPOLY_SIGMA_1));
	x[2] = _mm512_add_epi32(x[2], _mm512_set1_epi32(CHAPOLY_SIGMA_2));
	x[3] = _mm512_add_epi32(x[3], _mm512_set1_epi32(CHAPOLY_SIGMA_3));
#define ADD_KEY(i) \
	x[4 + i] = _mm512_add_epi32(x[4 + i], both_halves(s->key_words[i]));
	EACH_LANE(ADD_KEY)
#undef ADD_KEY
	x[12] = _mm512_add_epi32(x[12], s->counter);
	x[14] = _mm512_add_epi32(x[14], both_halves(s->nonce_words[0]));
	x[15] = _mm512_add_epi32(x[15], both_halves(s->nonce_words[1]));
	transpose_stream(s->stream, x);
	s->counter = _mm512_add_epi32(s->counter, _mm512_set1_epi32(2));
}

/* Eight rows of eight 64-bit words become columns: out[i] holds word i of each
 * row, so that out[2 * j] and out[2 * j + 1] are Poly1305's block j. */
INLINE void transpose_words(__m512i out[LANES], const __m512i in[LANES])
{
	__m512i t0 = _mm512_unpacklo_epi64(in[0], in[1]);
	__m512i t1 = _mm512_unpackhi_epi64(in[0], in[1]);
	__m512i t2 = _mm512_unpacklo_epi64(in[2], in[3]);
	__m512i t3 = _mm512_unpackhi_epi64(in[2], in[3]);
	__m512i t4 = _mm512_unpacklo_epi64(in[4], in[5]);
	__m512i t5 = _mm512_unpackhi_epi64(in[4], in[5]);
	__m512i t6 = _mm512_unpacklo_epi64(in[6], in[7]);
	__m512i t7 = _mm512_unpackhi_epi64(in[6], in[7]);

#define PAIRS_4(a, b, c, d, o) \
	do { \
		__m512i m0 = _mm512_shuffle_i64x2(a, b, 0x44); \
		__m512i m1 = _mm512_shuffle_i64x2(c, d, 0x44); \
		__m512i m2 = _mm512_shuffle_i64x2(a, b, 0xee); \
		__m512i m3 = _mm512_shuffle_i64x2(c, d, 0xee); \
		out[o] = _mm512_shuffle_i64x2(m0, m1, 0x88); \
		out[o + 2] = _mm512_shuffle_i64x2(m0, m1, 0xdd); \
		out[o + 4] = _mm512_shuffle_i64x2(m2, m3, 0x88); \
		out[o + 6] = _mm512_shuffle_i64x2(m2, m3, 0xdd); \
	} while (0)
	PAIRS_4(t0, t2, t4, t6, 0);
	PAIRS_4(t1, t3, t5, t7, 1);
#undef PAIRS_4
}

INLINE __m512i mask_44(void)
{
	return _mm512_set1_epi64((1ll << 44) - 1);
}

INLINE __m512i mask_42(void)
{
	return _mm512_set1_epi64((1ll << 42) - 1);
}

INLINE __m512i add(__m512i a, __m512i b)
{
	return _mm512_add_epi64(a, b);
}

INLINE __m512i times(__m512i a, long long n)
{
	return n == 5 ? add(a, _mm512_slli_epi64(a, 2))
		      : _mm512_slli_epi64(add(a, _mm512_slli_epi64(a, 2)), 2);
}

/* a + b * 2^52, of which the bits from 'bits' on are the next limb's. */
#define CARRY(a, b, bits) \
	add(_mm512_srli_epi64(a, bits), _mm512_slli_epi64(b, 52 - bits))

/* The number that a block of each message is, given as its two words. */
INLINE struct limbs limbs_of(__m512i low, __m512i high)
{
	return (struct limbs){
		_mm512_and_si512(low, mask_44()),
		_mm512_and_si512(_mm512_shrdi_epi64(low, high, 44), mask_44()),
		_mm512_srli_epi64(high, 24),
	};
}

/* A block and the bit behind it (RFC 8439 §2.5.1). */
INLINE struct limbs block_of(__m512i low, __m512i high)
{
	struct limbs m = limbs_of(low, high);

	m.v2 = _mm512_or_si512(m.v2, _mm512_set1_epi64(1ll << 40));
	return m;
}

INLINE struct limbs add_limbs(struct limbs a, struct limbs b)
{
	return (struct limbs){ add(a.v0, b.v0), add(a.v1, b.v1),
			       add(a.v2, b.v2) };
}

/* Adds m * p.  There is room for POLY_POWERS before a carry. */
INLINE void multiply_add(struct products *t, struct limbs m,
			 const struct factor *p)
{
#define MULTIPLY_ADD(i, x, y) \
	t->a##i = _mm512_madd52lo_epu64(t->a##i, x, y); \
	t->b##i = _mm512_madd52hi_epu64(t->b##i, x, y)
	MULTIPLY_ADD(0, m.v0, p->r.v0);
	MULTIPLY_ADD(1, m.v0, p->r.v1);
	MULTIPLY_ADD(2, m.v0, p->r.v2);
	MULTIPLY_ADD(0, m.v1, p->s2);
	MULTIPLY_ADD(1, m.v1, p->r.v0);
	MULTIPLY_ADD(2, m.v1, p->r.v1);
	MULTIPLY_ADD(0, m.v2, p->s1);
	MULTIPLY_ADD(1, m.v2, p->s2);
	MULTIPLY_ADD(2, m.v2, p->r.v0);
#undef MULTIPLY_ADD
}

INLINE struct limbs carry(const struct products *t)
{
	__m512i a1 = add(t->a1, CARRY(t->a0, t->b0, 44));
	__m512i a2 = add(t->a2, CARRY(a1, t->b1, 44));
	__m512i v0 = add(_mm512_and_si512(t->a0, mask_44()),
			 times(CARRY(a2, t->b2, 42), 5));

	return (struct limbs){
		_mm512_and_si512(v0, mask_44()),
		add(_mm512_and_si512(a1, mask_44()), _mm512_srli_epi64(v0, 44)),
		_mm512_and_si512(a2, mask_42()),
	};
}

INLINE struct products no_products(void)
{
	const __m512i zero = _mm512_setzero_si512();

	return (struct products){ zero, zero, zero, zero, zero, zero };
}

INLINE struct limbs multiply(struct limbs m, const struct factor *p)
{
	struct products t = no_products();

	multiply_add(&t, m, p);
	return carry(&t);
}

INLINE struct factor factor_of(struct limbs r)
{
	return (struct factor){ r, times(r.v1, 20), times(r.v2, 20) };
}

/* Adds one block of each message, given as its two words, and multiplies by r.
 * Where 'lanes' is not set nothing changes. */
INLINE void poly_block(struct poly *p, __m512i low, __m512i high,
		       __mmask8 lanes)
{
	struct limbs h = multiply(add_limbs(p->h, block_of(low, high)),
				  &p->powers[0]);

	p->h.v0 = _mm512_mask_mov_epi64(p->h.v0, lanes, h.v0);
	p->h.v1 = _mm512_mask_mov_epi64(p->h.v1, lanes, h.v1);
	p->h.v2 = _mm512_mask_mov_epi64(p->h.v2, lanes, h.v2);
}

/* Four blocks of each message: h = (h + m0) r^4 + m1 r^3 + m2 r^2 + m3 r, which
 * is four times poly_block() with one carry. */
INLINE void poly_four(struct poly *p, const __m512i words[2 * POLY_POWERS])
{
	struct products t = no_products();

	multiply_add(&t, add_limbs(p->h, block_of(words[0], words[1])),
		     &p->powers[3]);
	multiply_add(&t, block_of(words[2], words[3]), &p->powers[2]);
	multiply_add(&t, block_of(words[4], words[5]), &p->powers[1]);
	multiply_add(&t, block_of(words[6], words[7]), &p->powers[0]);
	p->h = carry(&t);
}

TARGET static void poly_powers(struct poly *p)
{
	for (int i = 1; i < POLY_POWERS; i++)
		p->powers[i] = factor_of(multiply(p->powers[i - 1].r,
						  &p->powers[0]));
}

/* The one-time keys are the first blocks of the key streams (§2.6). */
TARGET static void poly_begin(struct state *s)
{
	struct poly *p = &s->poly;
	const __m512i zero = _mm512_setzero_si512();
	__m512i w[LANES], low, high;

	transpose_words(w, s->stream);
	low = _mm512_and_si512(w[0], _mm512_set1_epi64(CHAPOLY_CLAMP_LOW));
	high = _mm512_and_si512(w[1], _mm512_set1_epi64(CHAPOLY_CLAMP_HIGH));
	p->h = (struct limbs){ zero, zero, zero };
	p->powers[0] = factor_of(limbs_of(low, high));
	_mm512_storeu_si512(s->pad[0], w[2]);
	_mm512_storeu_si512(s->pad[1], w[3]);
}

/* 64 bytes of each message; gives the words of what is encrypted. */
INLINE void crypt_words(__m512i w[LANES], struct state *s,
			const __m512i *stream, bool is_seal)
{
	__m512i cipher[LANES];

#define CRYPT(i) \
	do { \
		__m512i in = _mm512_loadu_si512(s->at[i]); \
		__m512i out = _mm512_xor_si512(in, stream[i]); \
		_mm512_storeu_si512(s->at[i], out); \
		cipher[i] = is_seal ? out : in; \
		s->at[i] += s->step[i]; \
	} while (0);
	EACH_LANE(CRYPT)
#undef CRYPT
	transpose_words(w, cipher);
}

/* 64 bytes of each message, before or after the chunks. */
INLINE void crypt_whole(struct state *s, const __m512i *stream, bool is_seal)
{
	struct poly p = s->poly;
	__m512i w[LANES];

	crypt_words(w, s, stream, is_seal);
	poly_block(&p, w[0], w[1], 0xff);
	poly_block(&p, w[2], w[3], 0xff);
	poly_block(&p, w[4], w[5], 0xff);
	poly_block(&p, w[6], w[7], 0xff);
	s->poly = p;
}

/* Lanes whose message has more than n bytes left. */
INLINE __mmask8 lanes_over(const struct state *s, size_t n)
{
	return _mm512_cmpgt_epu64_mask(_mm512_loadu_si512(s->left),
				       _mm512_set1_epi64((long long)n));
}

/* Up to 64 bytes of each message: some end here, or have ended. */
INLINE void crypt_ends(struct state *s, const __m512i *stream, bool is_seal)
{
	struct poly p = s->poly;
	__m512i cipher[LANES], w[LANES];

#define CRYPT(i) \
	do { \
		size_t n = s->left[i] < 64 ? s->left[i] : 64; \
		__mmask64 m = n ? ~0ull >> (64 - n) : 0; \
		__m512i in = _mm512_maskz_loadu_epi8(m, s->at[i]); \
		__m512i out = _mm512_xor_si512(in, stream[i]); \
		_mm512_mask_storeu_epi8(s->at[i], m, out); \
		cipher[i] = is_seal ? _mm512_maskz_mov_epi8(m, out) : in; \
		s->at[i] = s->left[i] > n ? s->at[i] + n : s->idle; \
	} while (0);
	EACH_LANE(CRYPT)
#undef CRYPT
	transpose_words(w, cipher);
	poly_block(&p, w[0], w[1], lanes_over(s, 0));
	poly_block(&p, w[2], w[3], lanes_over(s, POLY_BLOCK));
	poly_block(&p, w[4], w[5], lanes_over(s, 2 * POLY_BLOCK));
	poly_block(&p, w[6], w[7], lanes_over(s, 3 * POLY_BLOCK));
	s->poly = p;
}

INLINE void crypt_64(struct state *s, const __m512i *stream, bool is_seal)
{
	const __m512i block = _mm512_set1_epi64(CHAPOLY_BLOCK_LEN);
	__m512i left = _mm512_loadu_si512(s->left);

	if (s->left_min >= CHAPOLY_BLOCK_LEN) {
		crypt_whole(s, stream, is_seal);
		s->left_min -= CHAPOLY_BLOCK_LEN;
	} else {
		crypt_ends(s, stream, is_seal);
		s->left_min = 0;
	}
	left = _mm512_sub_epi64(left, _mm512_min_epu64(left, block));
	_mm512_storeu_si512(s->left, left);
	s->left_max -= s->left_max < CHAPOLY_BLOCK_LEN ? s->left_max
						       : CHAPOLY_BLOCK_LEN;
}

/* As many chunks as all messages have. */
INLINE void crypt_chunks(struct state *s, bool is_seal)
{
	const size_t n = s->left_min / CHUNK * CHUNK;
	__m512i left = _mm512_loadu_si512(s->left);
	__m512i w[2 * LANES];

	poly_powers(&s->poly);
	for (size_t at = 0; at < n; at += CHUNK) {
		next_stream(s);
		crypt_words(w, s, s->stream, is_seal);
		crypt_words(w + LANES, s, s->stream + LANES, is_seal);
		poly_four(&s->poly, w);
		poly_four(&s->poly, w + LANES);
	}
	left = _mm512_sub_epi64(
		left,
		_mm512_min_epu64(left, _mm512_set1_epi64((long long)n)));
	_mm512_storeu_si512(s->left, left);
	s->left_min -= n;
	s->left_max -= n;
}

TARGET static void begin(struct state *s, struct chapoly_job *const *jobs,
			 size_t count)
{
	s->left_min = SIZE_MAX;
	s->left_max = 0;
	memset(s->idle, 0, sizeof(s->idle));
	for (size_t i = 0; i < LANES; i++) {
		const struct chapoly_job *j = jobs[i < count ? i : 0];

		s->left[i] = i < count ? j->n : 0;
		s->at[i] = s->left[i] ? j->bytes : s->idle;
		s->step[i] = i < count ? CHAPOLY_BLOCK_LEN : 0;
		s->nonce_words[0][i] = (uint32_t)j->counter;
		s->nonce_words[1][i] = (uint32_t)(j->counter >> 32);
		for (size_t w = 0; w < KEY_WORDS; w++)
			memcpy(&s->key_words[w][i], j->key->b + 4 * w, 4);
		if (i < count && s->left[i] < s->left_min)
			s->left_min = s->left[i];
		if (s->left[i] > s->left_max)
			s->left_max = s->left[i];
	}
	s->counter = _mm512_inserti64x4(_mm512_setzero_si512(),
					_mm256_set1_epi32(1), 1);
	next_stream(s);
	poly_begin(s);
}

/* The block of lengths, and the tags (§2.8). */
TARGET static void end(struct state *s, struct chapoly_job *const *jobs,
		       size_t count, uint8_t tags[][CHAPOLY_TAG_LEN])
{
	uint64_t h[3][LANES], lengths[LANES] = { 0 };

	for (size_t i = 0; i < count; i++)
		lengths[i] = jobs[i]->n;
	poly_block(&s->poly, _mm512_setzero_si512(),
		   _mm512_loadu_si512(lengths), 0xff);
	_mm512_storeu_si512(h[0], s->poly.h.v0);
	_mm512_storeu_si512(h[1], s->poly.h.v1);
	_mm512_storeu_si512(h[2], s->poly.h.v2);
	for (size_t i = 0; i < count; i++) {
		const uint64_t pad[2] = { s->pad[0][i], s->pad[1][i] };
		uint64_t h2 = h[2][i] + (h[1][i] >> 44); /* the last carry */

		chapoly_tag(tags[i], h[0][i] | h[1][i] << 44,
			    (h[1][i] & ((1ull << 44) - 1)) >> 20 | h2 << 24,
			    h2 >> 40, pad);
	}
	secret_wipe(h, sizeof(h));
}

INLINE void crypt(struct chapoly_job *const *jobs, size_t count,
		  uint8_t tags[][CHAPOLY_TAG_LEN], bool is_seal)
{
	struct state s;

	begin(&s, jobs, count);
	if (s.left_max)
		crypt_64(&s, s.stream + LANES, is_seal);
	if (s.left_min >= CHUNKS_MIN)
		crypt_chunks(&s, is_seal);
	while (s.left_max) {
		next_stream(&s);
		crypt_64(&s, s.stream, is_seal);
		if (s.left_max)
			crypt_64(&s, s.stream + LANES, is_seal);
	}
	end(&s, jobs, count, tags);
	secret_wipe(&s, sizeof(s));
}

TARGET void chapoly_avx512_seal(struct chapoly_job *const *jobs, size_t count,
				uint8_t tags[][CHAPOLY_TAG_LEN])
{
	crypt(jobs, count, tags, true);
}

TARGET void chapoly_avx512_open(struct chapoly_job *const *jobs, size_t count,
				uint8_t tags[][CHAPOLY_TAG_LEN])
{
	crypt(jobs, count, tags, false);
}

#endif
