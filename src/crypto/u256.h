/*
 * u256: numbers of 256 bits in four limbs, and the carries between limbs: what
 * inverse, p256_field and p256_scalar are made of.
 *
 * Not for secrets: comparisons stop early.
 *
 * All of it stands here: each is a few instructions, on a path that takes
 * thousands of them.  Steps are written out because compilers do not unroll
 * these loops, and carries go through the processor's own instructions where
 * there is a name for them: what gcc 12 makes of plain C takes twice the time.
 *
 * Pure: no allocation, no libcrypto.
 */
#ifndef POSTERN_CRYPTO_U256_H
#define POSTERN_CRYPTO_U256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

enum {
	U256_LEN = 32, /* bytes */
	U256_LIMBS = 4,
	U256_LIMB_BITS = 64,
};

/* The least significant limb first. */
struct u256 {
	uint64_t limb[U256_LIMBS];
};

/* Twice as wide as a limb. */
typedef unsigned __int128 u256_wide;

/* A carry or borrow: 0 or 1.  Not bool, which compilers would make 0 or 1 once
 * more at each step. */
typedef unsigned char u256_bit;

/* *out = a + b + carry modulo 2^64; what went over.  In any C; the test
 * compares the other with it. */
static inline u256_bit u256_carry_plain(uint64_t *out, uint64_t a, uint64_t b,
					u256_bit carry)
{
	u256_wide sum = (u256_wide)a + b + carry;

	*out = (uint64_t)sum;
	return (u256_bit)(sum >> U256_LIMB_BITS);
}

/* *out = a - b - borrow modulo 2^64; whether that was below 0. */
static inline u256_bit u256_borrow_plain(uint64_t *out, uint64_t a, uint64_t b,
					 u256_bit borrow)
{
	u256_wide difference = (u256_wide)a - b - borrow;

	*out = (uint64_t)difference;
	return difference >> U256_LIMB_BITS & 1;
}

/* The same two. */
#ifdef __x86_64__
static inline u256_bit u256_carry(uint64_t *out, uint64_t a, uint64_t b,
				  u256_bit carry)
{
	unsigned long long sum;

	carry = _addcarry_u64(carry, a, b, &sum);
	*out = sum;
	return carry;
}

static inline u256_bit u256_borrow(uint64_t *out, uint64_t a, uint64_t b,
				   u256_bit borrow)
{
	unsigned long long difference;

	borrow = _subborrow_u64(borrow, a, b, &difference);
	*out = difference;
	return borrow;
}
#else
static inline u256_bit u256_carry(uint64_t *out, uint64_t a, uint64_t b,
				  u256_bit carry)
{
	return u256_carry_plain(out, a, b, carry);
}

static inline u256_bit u256_borrow(uint64_t *out, uint64_t a, uint64_t b,
				   u256_bit borrow)
{
	return u256_borrow_plain(out, a, b, borrow);
}
#endif

/* *out = a + b modulo 2^256; the carry.  'out' may be an operand, here and
 * below. */
static inline u256_bit u256_add(struct u256 *out, const struct u256 *a,
				const struct u256 *b)
{
	const uint64_t *x = a->limb, *y = b->limb;
	u256_bit carry = u256_carry(&out->limb[0], x[0], y[0], 0);

	carry = u256_carry(&out->limb[1], x[1], y[1], carry);
	carry = u256_carry(&out->limb[2], x[2], y[2], carry);
	return u256_carry(&out->limb[3], x[3], y[3], carry);
}

/* *out = a - b modulo 2^256; true when b was greater. */
static inline u256_bit u256_subtract(struct u256 *out, const struct u256 *a,
				     const struct u256 *b)
{
	const uint64_t *x = a->limb, *y = b->limb;
	u256_bit borrow = u256_borrow(&out->limb[0], x[0], y[0], 0);

	borrow = u256_borrow(&out->limb[1], x[1], y[1], borrow);
	borrow = u256_borrow(&out->limb[2], x[2], y[2], borrow);
	return u256_borrow(&out->limb[3], x[3], y[3], borrow);
}

/*
 * *out = carry 2^256 + a, less m where that is not less than m: reduced modulo
 * m, when it was below 2 m.
 */
static inline void u256_reduce_once(struct u256 *out, const struct u256 *a,
				    u256_bit carry, const struct u256 *m)
{
	struct u256 less;
	bool is_below = u256_subtract(&less, a, m) > carry;

	/* Selected a limb at a time: half of all jumps here would be guessed
	 * wrongly. */
	out->limb[0] = is_below ? a->limb[0] : less.limb[0];
	out->limb[1] = is_below ? a->limb[1] : less.limb[1];
	out->limb[2] = is_below ? a->limb[2] : less.limb[2];
	out->limb[3] = is_below ? a->limb[3] : less.limb[3];
}

static inline bool u256_is_zero(const struct u256 *a)
{
	const uint64_t *l = a->limb;

	return !(l[0] | l[1] | l[2] | l[3]);
}

static inline bool u256_equal(const struct u256 *a, const struct u256 *b)
{
	const uint64_t *x = a->limb, *y = b->limb;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2] && x[3] == y[3];
}

static inline bool u256_is_less(const struct u256 *a, const struct u256 *b)
{
	struct u256 none;

	return u256_subtract(&none, a, b);
}

/* From and to big-endian bytes. */
static inline struct u256 u256_load(const uint8_t b[U256_LEN])
{
	struct u256 a = { 0 };

	for (size_t i = 0; i < U256_LEN; i++) {
		uint64_t *limb = &a.limb[U256_LIMBS - 1 - i / 8];

		*limb = *limb << 8 | b[i];
	}
	return a;
}

static inline void u256_store(uint8_t b[U256_LEN], const struct u256 *a)
{
	for (size_t i = 0; i < U256_LEN; i++)
		b[i] = (uint8_t)(a->limb[U256_LIMBS - 1 - i / 8] >>
				 (56 - 8 * (i % 8)));
}

#endif
