#include "crypto/inverse.h"

enum {
	SHIFT_MAX = U256_LIMB_BITS - 1, /* of one step */
};

static bool is_number(const struct u256 *a, uint64_t v)
{
	return u256_equal(a, &(struct u256){ { v } });
}

/* Both by 1 to 63 bits. */
static void shift_right(struct u256 *a, unsigned n)
{
	uint64_t *l = a->limb;

	l[0] = l[0] >> n | l[1] << (U256_LIMB_BITS - n);
	l[1] = l[1] >> n | l[2] << (U256_LIMB_BITS - n);
	l[2] = l[2] >> n | l[3] << (U256_LIMB_BITS - n);
	l[3] >>= n;
}

static void shift_left(struct u256 *a, unsigned n)
{
	uint64_t *l = a->limb;

	l[3] = l[3] << n | l[2] >> (U256_LIMB_BITS - n);
	l[2] = l[2] << n | l[1] >> (U256_LIMB_BITS - n);
	l[1] = l[1] << n | l[0] >> (U256_LIMB_BITS - n);
	l[0] <<= n;
}

/* Halves a, which is not 0, until it is odd, and doubles b as often. */
static unsigned make_odd(struct u256 *a, struct u256 *b)
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
bool inverse_almost(struct u256 *out, unsigned *shift, const struct u256 *x,
		    const struct u256 *n)
{
	struct u256 u = *n, v = *x, r = { 0 }, s = { { 1 } }, d;
	unsigned k;

	if (u256_is_zero(x) || !(n->limb[0] & 1) || !u256_is_less(x, n))
		return false;
	k = make_odd(&v, &r);
	for (;;) {
		bool is_less = u256_subtract(&d, &u, &v);

		if (u256_is_zero(&d))
			break;
		if (is_less) {
			(void)u256_subtract(&v, &v, &u); /* u is less */
			(void)u256_add(&s, &s, &r); /* below 2^256 */
			k += make_odd(&v, &r);
		} else {
			u = d;
			(void)u256_add(&r, &r, &s);
			k += make_odd(&u, &s);
		}
	}
	if (!is_number(&v, 1))
		return false;
	*out = s;
	*shift = k;
	return true;
}
