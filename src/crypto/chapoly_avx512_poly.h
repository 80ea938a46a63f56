/*
 * chapoly_avx512_poly: Poly1305 of eight messages, a message a lane, in limbs
 * of 44, 44 and 42 bits for the 52-bit multiply-add of IFMA.  Internal to
 * chapoly_avx512.c, whose head says why all is inline.
 *
 * Source: RFC 8439 §2.5.
 */
#ifndef POSTERN_CRYPTO_CHAPOLY_AVX512_POLY_H
#define POSTERN_CRYPTO_CHAPOLY_AVX512_POLY_H

#include <immintrin.h>

#define TARGET __attribute__(( \
	target("avx512f,avx512bw,avx512vl,avx512ifma,avx512vbmi2")))
#ifdef POSTERN_SANITIZED /* for which one function of all takes minutes */
#define INLINE TARGET __attribute__((noinline)) static
#else
#define INLINE TARGET __attribute__((always_inline)) static inline
#endif

enum {
	POLY_BLOCK = 16,
	POLY_POWERS = 4, /* blocks multiplied before one carry */
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

/*
 * Adds m * p, in parts 1 to 6 for who has other work between them.  There is
 * room for POLY_POWERS products before a carry.
 */
INLINE void multiply_part(struct products *t, const struct limbs *m,
			  const struct factor *p, int part)
{
#define MULTIPLY_ADD(i, x, y) \
	t->a##i = _mm512_madd52lo_epu64(t->a##i, x, y); \
	t->b##i = _mm512_madd52hi_epu64(t->b##i, x, y)
	switch (part) {
	case 1:
		MULTIPLY_ADD(0, m->v0, p->r.v0);
		MULTIPLY_ADD(1, m->v1, p->r.v0);
		break;
	case 2:
		MULTIPLY_ADD(2, m->v2, p->r.v0);
		break;
	case 3:
		MULTIPLY_ADD(1, m->v0, p->r.v1);
		MULTIPLY_ADD(2, m->v1, p->r.v1);
		break;
	case 4:
		MULTIPLY_ADD(2, m->v0, p->r.v2);
		break;
	case 5:
		MULTIPLY_ADD(0, m->v1, p->s2);
		MULTIPLY_ADD(1, m->v2, p->s2);
		break;
	case 6:
		MULTIPLY_ADD(0, m->v2, p->s1);
		break;
	}
#undef MULTIPLY_ADD
}

INLINE void multiply_add(struct products *t, struct limbs m,
			 const struct factor *p)
{
	multiply_part(t, &m, p, 1);
	multiply_part(t, &m, p, 2);
	multiply_part(t, &m, p, 3);
	multiply_part(t, &m, p, 4);
	multiply_part(t, &m, p, 5);
	multiply_part(t, &m, p, 6);
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

INLINE void poly_powers(struct poly *p)
{
	for (int i = 1; i < POLY_POWERS; i++)
		p->powers[i] = factor_of(multiply(p->powers[i - 1].r,
						  &p->powers[0]));
}

#endif
