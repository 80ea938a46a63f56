/*
 * Eight messages at a time in AVX-512: ChaCha20 on sixteen blocks, two of each
 * message, a block a lane; Poly1305 on eight, a message a lane.
 *
 * Additions, rotations and multiplications wait for different units of the
 * processor.  So, while all messages have bytes, the rounds that make one key
 * stream carry between them the work that uses the one before: next_words().
 *
 * Inlining is forced and the target named by attributes, and loops over vectors
 * are written out by macros: otherwise the vectors would go through memory, or
 * the whole program would need AVX-512.
 */
#include "crypto/chapoly_kernel.h"

#ifdef __x86_64__

#include <assert.h>
#include <immintrin.h>
#include <stdatomic.h>
#include <string.h>

#include "crypto/chapoly_avx512_poly.h"

#define EACH_LANE(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7)
#define EACH_WORD(f) \
	EACH_LANE(f) \
	f(8) f(9) f(10) f(11) f(12) f(13) f(14) f(15)

enum {
	LANES = 8,
	WORDS = 16, /* of a ChaCha20 block */
	COUNTER_WORD = 12,
	DOUBLE_ROUNDS = 10,
	CHUNK = 2 * CHAPOLY_BLOCK_LEN, /* of a message, by one next_words() */
	CHUNKS_MIN = 2 * CHUNK, /* to be worth the powers */
};

struct state {
	__m512i start[WORDS]; /* ChaCha20's, two blocks of each message */
	/* The same after those quarters of the first round that have no
	 * counter in them. */
	__m512i ahead[WORDS];
	/* The next key stream: its words, a block a lane, by next_words(); or
	 * its blocks, one of each message, then the next, by turn_stream(). */
	__m512i stream[WORDS];
	__m512i words[2 * LANES]; /* ciphertext for Poly1305 */
	struct poly poly;
	bool has_powers;
	uint64_t pad[2][LANES]; /* the one-time keys' second halves */
	uint8_t *at[LANES]; /* where each message goes on */
	size_t step[LANES]; /* by how much; 0 where no message is */
	size_t left[LANES];
	size_t left_min, left_max;
	uint8_t idle[CHUNK]; /* where no message is */
};

static_assert(sizeof(struct state) <= CHAPOLY_SCRATCH_LEN);

/* -- between words of sixteen blocks, a block a lane, and blocks -- */

/* Rows i to i + 3: four words of four blocks change places in each quarter. */
INLINE void turn_words(__m512i *rows, int i)
{
	__m512i t0 = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
	__m512i t1 = _mm512_unpacklo_epi32(rows[i + 2], rows[i + 3]);
	__m512i t2 = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
	__m512i t3 = _mm512_unpackhi_epi32(rows[i + 2], rows[i + 3]);

	rows[i] = _mm512_unpacklo_epi64(t0, t1);
	rows[i + 1] = _mm512_unpackhi_epi64(t0, t1);
	rows[i + 2] = _mm512_unpacklo_epi64(t2, t3);
	rows[i + 3] = _mm512_unpackhi_epi64(t2, t3);
}

/* Then the quarters of rows i, i + 4, i + 8 and i + 12 do. */
INLINE void turn_quarters(__m512i out[4], const __m512i *rows, int i)
{
	__m512i t0 = _mm512_shuffle_i32x4(rows[i], rows[i + 4], 0x44);
	__m512i t1 = _mm512_shuffle_i32x4(rows[i + 8], rows[i + 12], 0x44);
	__m512i t2 = _mm512_shuffle_i32x4(rows[i], rows[i + 4], 0xee);
	__m512i t3 = _mm512_shuffle_i32x4(rows[i + 8], rows[i + 12], 0xee);

	out[0] = _mm512_shuffle_i32x4(t0, t1, 0x88);
	out[1] = _mm512_shuffle_i32x4(t0, t1, 0xdd);
	out[2] = _mm512_shuffle_i32x4(t2, t3, 0x88);
	out[3] = _mm512_shuffle_i32x4(t2, t3, 0xdd);
}

INLINE void turn_rows(__m512i rows[WORDS], int i)
{
	__m512i out[4];

	turn_quarters(out, rows, i);
	rows[i] = out[0];
	rows[i + 4] = out[1];
	rows[i + 8] = out[2];
	rows[i + 12] = out[3];
}

/* Words of blocks become blocks, and the other way round. */
INLINE void turn(__m512i rows[WORDS])
{
	turn_words(rows, 0);
	turn_words(rows, 4);
	turn_words(rows, 8);
	turn_words(rows, 12);
	turn_rows(rows, 0);
	turn_rows(rows, 1);
	turn_rows(rows, 2);
	turn_rows(rows, 3);
}

/* Eight rows of eight 64-bit words become columns, the even or the odd words'
 * only: out[i] holds word i of each row, so that out[2 * j] and out[2 * j + 1]
 * are Poly1305's block j. */
INLINE void columns(__m512i out[LANES], const __m512i in[LANES], int is_odd)
{
#define PAIR(a, b) \
	(is_odd ? _mm512_unpackhi_epi64(a, b) : _mm512_unpacklo_epi64(a, b))
	__m512i a = PAIR(in[0], in[1]), b = PAIR(in[2], in[3]);
	__m512i c = PAIR(in[4], in[5]), d = PAIR(in[6], in[7]);
	__m512i t0 = _mm512_shuffle_i64x2(a, b, 0x44);
	__m512i t1 = _mm512_shuffle_i64x2(c, d, 0x44);
	__m512i t2 = _mm512_shuffle_i64x2(a, b, 0xee);
	__m512i t3 = _mm512_shuffle_i64x2(c, d, 0xee);

#undef PAIR
	out[is_odd] = _mm512_shuffle_i64x2(t0, t1, 0x88);
	out[is_odd + 2] = _mm512_shuffle_i64x2(t0, t1, 0xdd);
	out[is_odd + 4] = _mm512_shuffle_i64x2(t2, t3, 0x88);
	out[is_odd + 6] = _mm512_shuffle_i64x2(t2, t3, 0xdd);
}

/* -- the work between the rounds -- */

/* Blocks i, i + 4, i + 8 and i + 12 of the stream over the messages; leaves
 * there what is encrypted. */
INLINE void crypt_rows(struct state *s, int i, bool is_seal)
{
	__m512i out[4];

	turn_quarters(out, s->stream, i);
#define CRYPT(j) \
	do { \
		uint8_t *p = s->at[(i + 4 * (j)) % LANES] + \
			     ((j) < 2 ? 0 : CHAPOLY_BLOCK_LEN); \
		__m512i old = _mm512_loadu_si512(p); \
		__m512i new = _mm512_xor_si512(old, out[j]); \
		_mm512_storeu_si512(p, new); \
		s->stream[i + 4 * (j)] = is_seal ? new : old; \
	} while (0)
	CRYPT(0);
	CRYPT(1);
	CRYPT(2);
	CRYPT(3);
#undef CRYPT
}

/* Where Poly1305 is in its eight blocks. */
struct progress {
	struct limbs m;
	struct products t;
};

/* Part 0 to 6 of block i. */
INLINE void poly_part(struct state *s, struct progress *g, int i, int part)
{
	const int power = POLY_POWERS - 1 - i % POLY_POWERS;

	if (part == 0) {
		g->m = block_of(s->words[2 * i], s->words[2 * i + 1]);
		if (i % POLY_POWERS == 0) {
			g->m = add_limbs(s->poly.h, g->m);
			g->t = no_products();
		}
	}
	multiply_part(&g->t, &g->m, &s->poly.powers[power], part);
	if (part == 6 && power == 0)
		s->poly.h = carry(&g->t);
}

/* -- the rounds -- */

/* clang-format off */
#define STEP(a, b, d, n) \
	x[a] = _mm512_add_epi32(x[a], x[b]); \
	x[d] = _mm512_rol_epi32(_mm512_xor_si512(x[d], x[a]), n);
#define COLUMN(i) \
	STEP(i, i + 4, i + 12, 16) STEP(i + 8, i + 12, i + 4, 12) \
	STEP(i, i + 4, i + 12, 8) STEP(i + 8, i + 12, i + 4, 7)

/* Work stays where it is put: the compilers would load for it early and then
 * have too few registers for the rounds. */
#define DO(work) \
	do { \
		work; \
		atomic_signal_fence(memory_order_seq_cst); \
	} while (0);

/* A round (RFC 8439 §2.3.1) with work between its parts. */
#define ROUND(sb, sc, sd, w0, w1, w2, w3) \
	CHAPOLY_FOUR(STEP, 0, 0, 4, sb, 12, sd, 16) \
	DO(w0) \
	CHAPOLY_FOUR(STEP, 8, sc, 12, sd, 4, sb, 12) \
	DO(w1) \
	CHAPOLY_FOUR(STEP, 0, 0, 4, sb, 12, sd, 8) \
	DO(w2) \
	CHAPOLY_FOUR(STEP, 8, sc, 12, sd, 4, sb, 7) \
	DO(w3)
/* clang-format on */

INLINE void begin_rounds(__m512i x[WORDS], const struct state *s)
{
#define START(i) x[i] = i % 4 ? s->ahead[i] : s->start[i];
	EACH_WORD(START)
#undef START
	COLUMN(0)
}

INLINE void end_rounds(struct state *s, const __m512i x[WORDS])
{
#define END(i) s->stream[i] = _mm512_add_epi32(x[i], s->start[i]);
	EACH_WORD(END)
#undef END
	s->start[COUNTER_WORD] = _mm512_add_epi32(s->start[COUNTER_WORD],
						  _mm512_set1_epi32(2));
}

/* The next two key stream blocks of each message, as words. */
TARGET static void next_words(struct state *s)
{
	__m512i x[WORDS];

	begin_rounds(x, s);
	CHAPOLY_ROUND(STEP, 1, 2, 3)
	for (int i = 1; i < DOUBLE_ROUNDS; i++) {
		CHAPOLY_ROUND(STEP, 0, 0, 0)
		CHAPOLY_ROUND(STEP, 1, 2, 3)
	}
	end_rounds(s, x);
}

/* The same, and meanwhile a chunk of each message with the words before. */
INLINE void next_words_with_chunk(struct state *s, bool is_seal)
{
	struct progress g;
	__m512i x[WORDS];

#define TURN(i) turn_words(s->stream, i)
#define CRYPT(i) crypt_rows(s, i, is_seal)
#define COLUMNS(i, is_odd) columns(s->words + (i), s->stream + (i), is_odd)
#define POLY(i, part) poly_part(s, &g, i, part)
#define POLY_BETWEEN(i) \
	ROUND(0, 0, 0, POLY(i, 0), POLY(i, 1), POLY(i, 2), POLY(i, 3)) \
	ROUND(1, 2, 3, POLY(i, 4), POLY(i, 5), POLY(i, 6), )
	begin_rounds(x, s);
	DO(TURN(0))
	ROUND(1, 2, 3, TURN(4), TURN(8), TURN(12), CRYPT(0))
	ROUND(0, 0, 0, CRYPT(1), CRYPT(2), CRYPT(3), )
	ROUND(1, 2, 3, COLUMNS(0, 0), COLUMNS(0, 1), COLUMNS(8, 0),
	      COLUMNS(8, 1))
	EACH_LANE(POLY_BETWEEN)
#undef TURN
#undef CRYPT
#undef COLUMNS
#undef POLY
#undef POLY_BETWEEN
	end_rounds(s, x);
}

/* As many chunks as all messages have. */
INLINE void crypt_chunks(struct state *s, bool is_seal)
{
	const size_t n = s->left_min / CHUNK * CHUNK;

	for (size_t at = 0; at < n; at += CHUNK) {
		next_words_with_chunk(s, is_seal);
#define ADVANCE(i) s->at[i] += 2 * s->step[i];
		EACH_LANE(ADVANCE)
#undef ADVANCE
	}
	for (size_t i = 0; i < LANES; i++)
		s->left[i] -= s->left[i] < n ? s->left[i] : n;
	s->left_min -= n;
	s->left_max -= n;
}

/* -- the beginnings and ends of messages -- */

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
	columns(w, cipher, 0);
	columns(w, cipher, 1);
}

/* 64 bytes of each message, before or after the chunks. */
INLINE void crypt_whole(struct state *s, const __m512i *stream, bool is_seal)
{
	__m512i w[LANES];

	crypt_words(w, s, stream, is_seal);
	if (s->has_powers) {
		poly_four(&s->poly, w);
		return;
	}
	poly_block(&s->poly, w[0], w[1], 0xff);
	poly_block(&s->poly, w[2], w[3], 0xff);
	poly_block(&s->poly, w[4], w[5], 0xff);
	poly_block(&s->poly, w[6], w[7], 0xff);
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
	columns(w, cipher, 0);
	columns(w, cipher, 1);
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

/* The one-time keys are the first blocks of the key streams (§2.6). */
INLINE void begin_poly(struct state *s)
{
	struct poly *p = &s->poly;
	const __m512i zero = _mm512_setzero_si512();
	__m512i w[LANES], low, high;

	columns(w, s->stream, 0);
	columns(w, s->stream, 1);
	low = _mm512_and_si512(w[0], _mm512_set1_epi64(CHAPOLY_CLAMP_LOW));
	high = _mm512_and_si512(w[1], _mm512_set1_epi64(CHAPOLY_CLAMP_HIGH));
	p->h = (struct limbs){ zero, zero, zero };
	p->powers[0] = factor_of(limbs_of(low, high));
	_mm512_storeu_si512(s->pad[0], w[2]);
	_mm512_storeu_si512(s->pad[1], w[3]);
	s->has_powers = s->left_min >= CHAPOLY_BLOCK_LEN + CHUNKS_MIN;
	if (s->has_powers)
		poly_powers(p);
}

/* ChaCha20's first block and the next of a message (§2.3), as rows. */
INLINE void start_rows(struct state *s, size_t lane,
		       const struct chapoly_job *j)
{
	const void *key = j->key->b, *rest = j->key->b + 16;
	__m512i row = _mm512_castsi128_si512(
		_mm_set_epi32(CHAPOLY_SIGMA_3, CHAPOLY_SIGMA_2,
			      CHAPOLY_SIGMA_1, CHAPOLY_SIGMA_0));

	row = _mm512_inserti32x4(row, _mm_loadu_si128(key), 1);
	row = _mm512_inserti32x4(row, _mm_loadu_si128(rest), 2);
	s->start[lane] = _mm512_inserti32x4(
		row, _mm_set_epi64x((long long)j->counter, 0), 3);
	s->start[lane + LANES] = _mm512_inserti32x4(
		row, _mm_set_epi64x((long long)j->counter, 1), 3);
}

INLINE void start_chacha(struct state *s)
{
	__m512i x[WORDS];

	turn(s->start);
#define COPY(i) x[i] = s->start[i];
	EACH_WORD(COPY)
#undef COPY
	COLUMN(1)
	COLUMN(2)
	COLUMN(3)
#define KEEP(i) s->ahead[i] = x[i];
	EACH_WORD(KEEP)
#undef KEEP
}

TARGET static void begin(struct state *s, struct chapoly_job *const *jobs,
			 size_t count)
{
	s->left_min = SIZE_MAX;
	s->left_max = 0;
	memset(s->idle, 0, sizeof(s->idle));
	for (size_t i = 0; i < LANES; i++) {
		/* A lane without a message does the first's work on none. */
		const struct chapoly_job *j = jobs[i < count ? i : 0];

		s->left[i] = i < count ? j->n : 0;
		s->at[i] = s->left[i] ? j->bytes : s->idle;
		s->step[i] = i < count ? CHAPOLY_BLOCK_LEN : 0;
		start_rows(s, i, j);
		if (i < count && s->left[i] < s->left_min)
			s->left_min = s->left[i];
		if (s->left[i] > s->left_max)
			s->left_max = s->left[i];
	}
	start_chacha(s);
	next_words(s);
	turn(s->stream);
	begin_poly(s);
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
		  uint8_t tags[][CHAPOLY_TAG_LEN], struct state *s,
		  bool is_seal)
{
	begin(s, jobs, count);
	if (s->left_max)
		crypt_64(s, s->stream + LANES, is_seal);
	if (s->left_max)
		next_words(s);
	if (s->left_min >= CHUNKS_MIN)
		crypt_chunks(s, is_seal);
	while (s->left_max) {
		turn(s->stream);
		crypt_64(s, s->stream, is_seal);
		if (s->left_max)
			crypt_64(s, s->stream + LANES, is_seal);
		if (s->left_max)
			next_words(s);
	}
	end(s, jobs, count, tags);
}

TARGET void chapoly_avx512_seal(struct chapoly_job *const *jobs, size_t count,
				uint8_t tags[][CHAPOLY_TAG_LEN], void *scratch)
{
	crypt(jobs, count, tags, scratch, true);
}

TARGET void chapoly_avx512_open(struct chapoly_job *const *jobs, size_t count,
				uint8_t tags[][CHAPOLY_TAG_LEN], void *scratch)
{
	crypt(jobs, count, tags, scratch, false);
}

#endif
