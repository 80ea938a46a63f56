#include "crypto/p256_scalar.h"

#include "crypto/inverse.h"

/* -1/n modulo 2^64 */
#define ORDER_FACTOR 0xccd1c8aaee00bc4f

/* *t += a b + carry; what goes over: (2^64 - 1)^2 + 2 (2^64 - 1) < 2^128 */
static uint64_t add_product(uint64_t *t, uint64_t a, uint64_t b, uint64_t carry)
{
	u256_wide sum = (u256_wide)a * b + *t + carry;

	*t = (uint64_t)sum;
	return (uint64_t)(sum >> U256_LIMB_BITS);
}

/* t += x b; of six limbs. */
static void add_row(uint64_t *t, uint64_t x, const struct u256 *b)
{
	uint64_t carry = 0;

	for (size_t i = 0; i < U256_LIMBS; i++)
		carry = add_product(&t[i], x, b->limb[i], carry);
	t[5] += u256_carry(&t[4], t[4], carry, 0);
}

/* *out = a b / 2^256 modulo n, for any a and for b below n. */
static void multiply(struct u256 *out, const struct u256 *a,
		     const struct u256 *b)
{
	uint64_t t[U256_LIMBS + 2] = { 0 };

	for (size_t i = 0; i < U256_LIMBS; i++) {
		add_row(t, a->limb[i], b);
		add_row(t, t[0] * ORDER_FACTOR, &P256_ORDER);
		for (size_t j = 0; j <= U256_LIMBS; j++)
			t[j] = t[j + 1]; /* t[0] is 0 */
		t[5] = 0;
	}
	u256_reduce_once(out, &(struct u256){ { t[0], t[1], t[2], t[3] } },
			 (u256_bit)t[4], &P256_ORDER);
}

bool scalar_from(struct scalar *out, const uint8_t b[U256_LEN])
{
	struct u256 a = u256_load(b);

	if (u256_is_zero(&a) || !u256_is_less(&a, &P256_ORDER))
		return false;
	out->n = a;
	return true;
}

void scalar_reduce(struct scalar *out, const uint8_t b[U256_LEN])
{
	struct u256 a = u256_load(b);

	u256_reduce_once(&out->n, &a, 0, &P256_ORDER); /* 2^256 < 2 n */
}

void scalar_mul(struct scalar *out, const struct scalar *a,
		const struct scalar_factor *by)
{
	multiply(&out->n, &a->n, &by->n);
}

/* *a = 2 a modulo n */
static void double_once(struct u256 *a)
{
	u256_bit carry = u256_add(a, a, a);

	u256_reduce_once(a, a, carry, &P256_ORDER);
}

bool scalar_invert(struct scalar_factor *out, const struct scalar *a)
{
	struct scalar_factor inverse;
	struct u256 power = { 0 };
	struct scalar product;
	unsigned shift, left;

	if (!inverse_almost(&inverse.n, &shift, &a->n, &P256_ORDER))
		return false;
	/* It is 2^shift / a and is to be 2^256 / a: multiply() by a power of
	 * two that is below n. */
	for (; shift <= 256; shift++)
		double_once(&inverse.n);
	left = 2 * 256 - shift;
	power.limb[left / U256_LIMB_BITS] = (uint64_t)1
					    << left % U256_LIMB_BITS;
	multiply(&inverse.n, &inverse.n, &power);
	scalar_mul(&product, a, &inverse);
	if (!u256_equal(&product.n, &(struct u256){ { 1 } }))
		return false;
	*out = inverse;
	return true;
}
