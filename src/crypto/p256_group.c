#include "crypto/p256_group.h"

#include <string.h>

#include "crypto/p256_base.h"

enum {
	/* Widths of the digits: what a table costs to make against what it
	 * saves.  G's is made. */
	Q_WIDTH = 5,
	G_WIDTH = P256_BASE_WIDTH,
	Q_MULTIPLES = 1 << (Q_WIDTH - 2), /* Q, 3 Q, 5 Q, ... */
	DIGITS = 256 + 1,
};

/* b of the curve's equation, times 2^256 modulo p */
static const struct fp curve_b = { { { 0xd89cdf6229c4bddf, 0xacf005cd78843090,
				       0xe5a220abf7212ed6,
				       0xdc30061d04874834 } } };

static bool is_on_curve(const struct affine *a)
{
	struct fp left, right, three;

	fp_double(&three, &FP_ONE);
	fp_add(&three, &three, &FP_ONE);
	fp_square(&left, &a->y);
	fp_square(&right, &a->x);
	fp_subtract(&right, &right, &three);
	fp_mul(&right, &right, &a->x);
	fp_add(&right, &right, &curve_b);
	return fp_equal(&left, &right);
}

bool affine_from(struct affine *out, const uint8_t xy[P256_XY_LEN])
{
	const struct u256 x = u256_load(xy), y = u256_load(xy + U256_LEN);
	struct affine a;

	if (!fp_from(&a.x, &x) || !fp_from(&a.y, &y) || !is_on_curve(&a))
		return false;
	*out = a;
	return true;
}

bool jacobian_is_infinity(const struct jacobian *a)
{
	return fp_is_zero(&a->z);
}

bool jacobian_has_x(const struct jacobian *a, const struct fp *x)
{
	struct fp scaled;

	if (jacobian_is_infinity(a))
		return false;
	fp_square(&scaled, &a->z);
	fp_mul(&scaled, &scaled, x);
	return fp_equal(&scaled, &a->x);
}

static void set_affine(struct jacobian *out, const struct affine *a)
{
	*out = (struct jacobian){ a->x, a->y, FP_ONE };
}

/*
 * With m = 3 (x - z^2) (x + z^2), the tangent's slope, and s = 4 x y^2:
 * (m^2 - 2 s, m (s - x') - 8 y^4, 2 y z).
 *
 * Here and below, a multiplication does not use what the one before it gave,
 * where that can be: a processor then has two under way.
 */
void jacobian_double(struct jacobian *out, const struct jacobian *a)
{
	struct fp m, s, t, yy, yz;

	fp_square(&t, &a->z);
	fp_square(&yy, &a->y);
	fp_subtract(&m, &a->x, &t);
	fp_add(&t, &a->x, &t);
	fp_mul(&t, &m, &t);
	fp_double(&yy, &yy);
	fp_mul(&yz, &a->y, &a->z);
	fp_double(&m, &t);
	fp_add(&m, &m, &t);
	fp_mul(&s, &a->x, &yy);
	fp_square(&t, &m);
	fp_square(&yy, &yy); /* 4 y^4 */
	fp_double(&s, &s);
	fp_double(&out->z, &yz);
	fp_subtract(&t, &t, &s);
	fp_subtract(&out->x, &t, &s);
	fp_subtract(&s, &s, &out->x);
	fp_mul(&s, &s, &m);
	fp_double(&yy, &yy);
	fp_subtract(&out->y, &s, &yy);
}

/* Two points, not infinity, brought to one denominator z: (x, y) and
 * (x + h, y + r). */
struct pair {
	struct fp x, y, h, r, z;
};

/* Their sum, when they are different and not each other's negative: h != 0. */
static void add_different(struct jacobian *out, const struct pair *p)
{
	struct fp hh, hhh, rr, v;

	fp_square(&hh, &p->h);
	fp_square(&rr, &p->r);
	fp_mul(&hhh, &hh, &p->h);
	fp_mul(&v, &p->x, &hh);
	fp_mul(&out->z, &p->z, &p->h);
	fp_subtract(&rr, &rr, &hhh);
	fp_subtract(&rr, &rr, &v);
	fp_subtract(&out->x, &rr, &v);
	fp_mul(&hhh, &hhh, &p->y);
	fp_subtract(&v, &v, &out->x);
	fp_mul(&v, &v, &p->r);
	fp_subtract(&out->y, &v, &hhh);
}

/* The same for any pair, whose first point is 'a'. */
static void add_pair(struct jacobian *out, const struct pair *p,
		     const struct jacobian *a)
{
	if (!fp_is_zero(&p->h))
		add_different(out, p);
	else if (fp_is_zero(&p->r))
		jacobian_double(out, a);
	else
		*out = (struct jacobian){ 0 };
}

void jacobian_add(struct jacobian *out, const struct jacobian *a,
		  const struct jacobian *b)
{
	struct pair p;
	struct fp aa, bb, t;

	if (jacobian_is_infinity(a)) {
		*out = *b;
		return;
	}
	if (jacobian_is_infinity(b)) {
		*out = *a;
		return;
	}
	fp_square(&aa, &a->z);
	fp_square(&bb, &b->z);
	fp_mul(&p.z, &a->z, &b->z);
	fp_mul(&t, &b->x, &aa);
	fp_mul(&p.x, &a->x, &bb);
	fp_mul(&aa, &aa, &a->z);
	fp_mul(&bb, &bb, &b->z);
	fp_subtract(&p.h, &t, &p.x);
	fp_mul(&t, &b->y, &aa);
	fp_mul(&p.y, &a->y, &bb);
	fp_subtract(&p.r, &t, &p.y);
	add_pair(out, &p, a);
}

void jacobian_add_affine(struct jacobian *out, const struct jacobian *a,
			 const struct affine *b)
{
	struct pair p;
	struct fp aa, t;

	if (jacobian_is_infinity(a)) {
		set_affine(out, b);
		return;
	}
	p.x = a->x;
	p.y = a->y;
	p.z = a->z;
	fp_square(&aa, &a->z);
	fp_mul(&t, &b->x, &aa);
	fp_subtract(&p.h, &t, &p.x);
	fp_mul(&aa, &aa, &a->z);
	fp_mul(&t, &b->y, &aa);
	fp_subtract(&p.r, &t, &p.y);
	add_pair(out, &p, a);
}

/* The bits at..at+n-1, n at most 8; those from 256 on are 0. */
static unsigned bits(const struct u256 *a, size_t at, unsigned n)
{
	size_t limb = at / U256_LIMB_BITS, shift = at % U256_LIMB_BITS;
	uint64_t v = 0;

	if (limb < U256_LIMBS)
		v = a->limb[limb] >> shift;
	if (limb + 1 < U256_LIMBS && shift)
		v |= a->limb[limb + 1] << (U256_LIMB_BITS - shift);
	return (unsigned)v & ((1U << n) - 1);
}

/*
 * a = the sum of digit[i] 2^i, where each digit is 0 or odd and below
 * 2^(width - 1) on either side of 0, and of 'width' in a row one at most is not
 * 0.  Where the bits taken are too many for a digit, it is negative and 2^width
 * is carried on.
 */
static void digits_of(int8_t digit[DIGITS], const struct u256 *a,
		      unsigned width)
{
	unsigned carry = 0;
	size_t i = 0;

	memset(digit, 0, DIGITS);
	while (i < DIGITS) {
		int v;

		if (bits(a, i, 1) == carry) { /* even with the carry */
			i++;
			continue;
		}
		v = (int)(bits(a, i, width) + carry);
		carry = v >> (width - 1) & 1;
		digit[i] = (int8_t)(v - (int)(carry << width));
		i += width;
	}
}

/* table[i] = (2 i + 1) q */
static void odd_multiples(struct jacobian table[Q_MULTIPLES],
			  const struct affine *q)
{
	struct jacobian twice;

	set_affine(&table[0], q);
	jacobian_double(&twice, &table[0]);
	for (size_t i = 1; i < Q_MULTIPLES; i++)
		jacobian_add(&table[i], &table[i - 1], &twice);
}

/* *out += digit Q; digit is odd. */
static void add_q(struct jacobian *out, const struct jacobian *table, int digit)
{
	struct jacobian negative;

	if (digit > 0) {
		jacobian_add(out, out, &table[digit / 2]);
		return;
	}
	negative = table[-digit / 2];
	fp_negate(&negative.y, &negative.y);
	jacobian_add(out, out, &negative);
}

/* *out += digit G; digit is odd. */
static void add_g(struct jacobian *out, int digit)
{
	struct affine negative;

	if (digit > 0) {
		jacobian_add_affine(out, out, &p256_base[digit / 2]);
		return;
	}
	negative = p256_base[-digit / 2];
	fp_negate(&negative.y, &negative.y);
	jacobian_add_affine(out, out, &negative);
}

void jacobian_multiply(struct jacobian *out, const struct u256 *u,
		       const struct u256 *v, const struct affine *q)
{
	struct jacobian table[Q_MULTIPLES], sum = { 0 };
	int8_t of_u[DIGITS], of_v[DIGITS];

	digits_of(of_u, u, G_WIDTH);
	digits_of(of_v, v, Q_WIDTH);
	odd_multiples(table, q);
	for (size_t i = DIGITS; i-- > 0;) {
		if (!jacobian_is_infinity(&sum))
			jacobian_double(&sum, &sum);
		if (of_v[i])
			add_q(&sum, table, of_v[i]);
		if (of_u[i])
			add_g(&sum, of_u[i]);
	}
	*out = sum;
}
