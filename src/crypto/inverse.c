#include "crypto/inverse.h"

#include <stddef.h>

enum {
	LIMBS = 4,
	LIMB_BITS = 64,
	SHIFT_MAX = LIMB_BITS - 1, /* of one step */
};

/* 256 bits, least significant limb first. */
struct number {
	uint64_t limb[LIMBS];
};

static struct number load(const uint8_t b[INVERSE_LEN])
{
	struct number a = { 0 };

	for (size_t i = 0; i < INVERSE_LEN; i++)
		a.limb[LIMBS - 1 - i / 8] = a.limb[LIMBS - 1 - i / 8] << 8 |
					    b[i];
	return a;
}

static void store(uint8_t b[INVERSE_LEN], const struct number *a)
{
	for (size_t i = 0; i < INVERSE_LEN; i++)
		b[i] = (uint8_t)(a->limb[LIMBS - 1 - i / 8] >>
				 (56 - 8 * (i % 8)));
}

/* a += b + carry; the carry. */
static bool add_limb(uint64_t *a, uint64_t b, bool carry)
{
	bool over = __builtin_add_overflow(*a, b, a);

	return __builtin_add_overflow(*a, (uint64_t)carry, a) || over;
}

/* a -= b + borrow; the borrow. */
static bool subtract_limb(uint64_t *a, uint64_t b, bool borrow)
{
	uint64_t was = *a, d = was - b;

	*a = d - borrow;
	return was < b || d < (uint64_t)borrow;
}

/* The steps are written out: compilers do not, and it takes twice as long. */
static void add(struct number *a, const struct number *b)
{
	bool carry = add_limb(&a->limb[0], b->limb[0], false);

	carry = add_limb(&a->limb[1], b->limb[1], carry);
	carry = add_limb(&a->limb[2], b->limb[2], carry);
	(void)add_limb(&a->limb[3], b->limb[3], carry); /* below 2^256 */
}

/* True when b was greater; a is then 2^256 too large. */
static bool subtract(struct number *a, const struct number *b)
{
	bool borrow = subtract_limb(&a->limb[0], b->limb[0], false);

	borrow = subtract_limb(&a->limb[1], b->limb[1], borrow);
	borrow = subtract_limb(&a->limb[2], b->limb[2], borrow);
	return subtract_limb(&a->limb[3], b->limb[3], borrow);
}

static bool is_number(const struct number *a, uint64_t v)
{
	return a->limb[0] == v && !(a->limb[1] | a->limb[2] | a->limb[3]);
}

/* Both by 1 to 63 bits. */
static void shift_right(struct number *a, unsigned n)
{
	uint64_t *l = a->limb;

	l[0] = l[0] >> n | l[1] << (LIMB_BITS - n);
	l[1] = l[1] >> n | l[2] << (LIMB_BITS - n);
	l[2] = l[2] >> n | l[3] << (LIMB_BITS - n);
	l[3] >>= n;
}

static void shift_left(struct number *a, unsigned n)
{
	uint64_t *l = a->limb;

	l[3] = l[3] << n | l[2] >> (LIMB_BITS - n);
	l[2] = l[2] << n | l[1] >> (LIMB_BITS - n);
	l[1] = l[1] << n | l[0] >> (LIMB_BITS - n);
	l[0] <<= n;
}

/* Halves a, which is not 0, until it is odd, and doubles b as often. */
static unsigned make_odd(struct number *a, struct number *b)
{
	unsigned count = 0;

	while (!(a->limb[0] & 1)) {
		unsigned n = a->limb[0]
				     ? (unsigned)__builtin_ctzll(a->limb[0])
				     : SHIFT_MAX;

		shift_right(a, n);
		shift_left(b, n);
		count += n;
	}
	return count;
}

/*
 * Throughout, with k halvings done:
 *   u s + v r = n, so that nothing here reaches 2^256, and
 *   x s = v 2^k, x r = -u 2^k  (modulo n).
 * u and v fall until they are equal: to 1, where x and n have no common
 * divisor, and s is then what was asked for.
 */
bool inverse_almost(uint8_t out[INVERSE_LEN], unsigned *shift,
		    const uint8_t x[INVERSE_LEN], const uint8_t n[INVERSE_LEN])
{
	struct number u = load(n), v = load(x), r = { 0 }, s = { { 1 } };
	struct number d = v;
	unsigned k;

	if (is_number(&v, 0) || !(u.limb[0] & 1) || !subtract(&d, &u))
		return false;
	k = make_odd(&v, &r);
	for (;;) {
		bool is_less;

		d = u;
		is_less = subtract(&d, &v);
		if (is_number(&d, 0))
			break;
		if (is_less) {
			(void)subtract(&v, &u); /* u is less */
			add(&s, &r);
			k += make_odd(&v, &r);
		} else {
			u = d;
			add(&r, &s);
			k += make_odd(&u, &s);
		}
	}
	if (!is_number(&v, 1))
		return false;
	store(out, &s);
	*shift = k;
	return true;
}
