/*
 * P-256's arithmetic against libcrypto's numbers and points.  A byte says what
 * is done; then numbers follow, each a byte that says how to read it, so that
 * numbers near 0, n, p and 2^256 and limbs of ones and zeros are a byte away,
 * and 32 bytes.
 *
 * Promises: sums, differences, products and squares modulo p, and u G + v Q for
 * any u, v and Q, are libcrypto's; a signature is valid here just where the
 * equation of FIPS 186-5 §6.4.2 holds with libcrypto's points, and one that was
 * made by that equation is valid.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "base/span.h"
#include "crypto/p256.h"
#include "crypto/p256_group.h"
#include "crypto/p256_scalar.h"
#include "crypto/sha256.h"

/* Set up once. */
struct curve {
	EC_GROUP *group;
	const BIGNUM *order;
	BIGNUM *prime, *factor; /* 1 / 2^256 modulo p */
	BN_CTX *ctx;
};

static struct curve curve_new(void)
{
	struct curve c = { .group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1) };
	BIGNUM *r = BN_new();

	c.ctx = BN_CTX_new();
	c.order = EC_GROUP_get0_order(c.group);
	c.prime = BN_dup(EC_GROUP_get0_field(c.group));
	assert(BN_set_bit(r, 256) == 1);
	c.factor = BN_mod_inverse(NULL, r, c.prime, c.ctx);
	BN_free(r);
	return c;
}

static bool read_number(struct span *in, struct u256 *out)
{
	uint8_t how, b[U256_LEN];
	struct u256 small = { 0 };

	if (!rd_u8(in, &how) || !rd_copy(in, b, sizeof(b)))
		return false;
	*out = u256_load(b);
	small.limb[0] = b[U256_LEN - 1];
	switch (how % 8) {
	case 0:
		for (size_t i = 0; i < U256_LIMBS; i++)
			out->limb[i] = how >> (4 + i) & 1 ? UINT64_MAX : 0;
		break;
	case 1:
		for (size_t i = 0; i < U256_LIMBS; i++)
			if (how >> (4 + i) & 1)
				out->limb[i] = how & 8 ? UINT64_MAX : 0;
		break;
	case 2:
		*out = small;
		break;
	case 3:
		(void)u256_subtract(out, &P256_ORDER, &small);
		break;
	case 4:
		(void)u256_add(out, &P256_ORDER, &small);
		break;
	case 5:
		(void)u256_subtract(out, &P256_PRIME, &small);
		break;
	case 6:
		(void)u256_subtract(out, &(struct u256){ 0 }, &small);
		break;
	default: /* as it is */
		break;
	}
	return true;
}

static BIGNUM *bn(const struct u256 *a)
{
	uint8_t b[U256_LEN];

	u256_store(b, a);
	return BN_bin2bn(b, sizeof(b), NULL);
}

static void same(const struct u256 *got, const BIGNUM *want)
{
	uint8_t a[U256_LEN], b[U256_LEN];

	u256_store(a, got);
	assert(BN_bn2binpad(want, b, sizeof(b)) == sizeof(b));
	assert(!memcmp(a, b, sizeof(a)));
}

/* Operations modulo p of numbers as their limbs are. */
static void check_field(const struct curve *c, const struct u256 *u, const struct u256 *v)
{
	struct fp a = { *u }, b = { *v }, out;
	BIGNUM *x, *y, *z = BN_new();

	u256_reduce_once(&a.n, u, 0, &P256_PRIME);
	u256_reduce_once(&b.n, v, 0, &P256_PRIME);
	x = bn(&a.n);
	y = bn(&b.n);
	assert(BN_mod_mul(z, x, y, c->prime, c->ctx) == 1 &&
	       BN_mod_mul(z, z, c->factor, c->prime, c->ctx) == 1);
	fp_mul(&out, &a, &b);
	same(&out.n, z);
	assert(BN_mod_sqr(z, x, c->prime, c->ctx) == 1 &&
	       BN_mod_mul(z, z, c->factor, c->prime, c->ctx) == 1);
	fp_square(&out, &a);
	same(&out.n, z);
	assert(BN_mod_add(z, x, y, c->prime, c->ctx) == 1);
	fp_add(&out, &a, &b);
	same(&out.n, z);
	assert(BN_mod_sub(z, x, y, c->prime, c->ctx) == 1);
	fp_subtract(&out, &a, &b);
	same(&out.n, z);
	BN_free(z);
	BN_free(y);
	BN_free(x);
}

/* u G + v Q; Q may be NULL. */
static EC_POINT *multiply(const struct curve *c, const BIGNUM *u, const EC_POINT *q,
			  const BIGNUM *v)
{
	EC_POINT *out = EC_POINT_new(c->group);

	assert(EC_POINT_mul(c->group, out, u, q, v, c->ctx) == 1);
	return out;
}

/* x || y of a point that is not infinity. */
static struct p256_point bytes_of(const struct curve *c, const EC_POINT *at)
{
	uint8_t sec1[1 + P256_POINT_LEN];
	struct p256_point out;

	assert(EC_POINT_point2oct(c->group, at, POINT_CONVERSION_UNCOMPRESSED, sec1, sizeof(sec1),
				  c->ctx) == sizeof(sec1));
	memcpy(out.xy, sec1 + 1, sizeof(out.xy));
	return out;
}

static void check_multiply(const struct curve *c, const EC_POINT *q, const struct u256 *u,
			   const struct u256 *v)
{
	const struct p256_point key = bytes_of(c, q);
	BIGNUM *x = bn(u), *y = bn(v);
	EC_POINT *want;
	struct jacobian got;
	struct affine flat;

	assert(BN_nnmod(x, x, c->order, c->ctx) == 1 && BN_nnmod(y, y, c->order, c->ctx) == 1);
	want = multiply(c, x, q, y);
	assert(affine_from(&flat, key.xy));
	jacobian_multiply(&got, u, v, &flat);
	assert(jacobian_is_infinity(&got) == (EC_POINT_is_at_infinity(c->group, want) == 1));
	if (!jacobian_is_infinity(&got)) {
		const struct p256_point at = bytes_of(c, want);
		struct fp cube;

		assert(affine_from(&flat, at.xy) && jacobian_has_x(&got, &flat.x));
		fp_square(&cube, &got.z);
		fp_mul(&cube, &cube, &got.z);
		fp_mul(&cube, &cube, &flat.y);
		assert(fp_equal(&cube, &got.y));
	}
	EC_POINT_free(want);
	BN_free(y);
	BN_free(x);
}

/* The equation, steps of FIPS 186-5 §6.4.2. */
static bool is_valid(const struct curve *c, const EC_POINT *q, const struct p256_signature *sig,
		     const BIGNUM *e)
{
	BIGNUM *r = BN_bin2bn(sig->rs, U256_LEN, NULL);
	BIGNUM *s = BN_bin2bn(sig->rs + U256_LEN, U256_LEN, NULL);
	BIGNUM *u = BN_new(), *v = BN_new();
	bool ok = !BN_is_zero(r) && !BN_is_zero(s) && BN_cmp(r, c->order) < 0 &&
		  BN_cmp(s, c->order) < 0;

	if (ok) {
		EC_POINT *sum;

		assert(BN_mod_inverse(s, s, c->order, c->ctx) != NULL);
		assert(BN_mod_mul(u, e, s, c->order, c->ctx) == 1);
		assert(BN_mod_mul(v, r, s, c->order, c->ctx) == 1);
		sum = multiply(c, u, q, v);
		ok = !EC_POINT_is_at_infinity(c->group, sum);
		if (ok) {
			assert(EC_POINT_get_affine_coordinates(c->group, sum, u, NULL,
							       c->ctx) == 1);
			assert(BN_nnmod(u, u, c->order, c->ctx) == 1);
			ok = BN_cmp(u, r) == 0;
		}
		EC_POINT_free(sum);
	}
	BN_free(v);
	BN_free(u);
	BN_free(s);
	BN_free(r);
	return ok;
}

/* By the key d with this nonce; false where there is none: r or s is 0. */
static bool sign(const struct curve *c, struct p256_signature *out, const BIGNUM *d,
		 const BIGNUM *nonce, const BIGNUM *e)
{
	EC_POINT *at = multiply(c, nonce, NULL, NULL);
	BIGNUM *r = BN_new(), *s = BN_new(), *inverse = BN_new();
	bool ok = false;

	if (!EC_POINT_is_at_infinity(c->group, at)) {
		assert(EC_POINT_get_affine_coordinates(c->group, at, r, NULL, c->ctx) == 1);
		assert(BN_nnmod(r, r, c->order, c->ctx) == 1);
		assert(BN_mod_inverse(inverse, nonce, c->order, c->ctx) != NULL);
		assert(BN_mod_mul(s, r, d, c->order, c->ctx) == 1);
		assert(BN_mod_add(s, s, e, c->order, c->ctx) == 1);
		assert(BN_mod_mul(s, s, inverse, c->order, c->ctx) == 1);
		ok = !BN_is_zero(r) && !BN_is_zero(s);
		assert(BN_bn2binpad(r, out->rs, U256_LEN) == U256_LEN);
		assert(BN_bn2binpad(s, out->rs + U256_LEN, U256_LEN) == U256_LEN);
	}
	BN_free(inverse);
	BN_free(s);
	BN_free(r);
	EC_POINT_free(at);
	return ok;
}

/* r and s as given, and those of a signature with u as its nonce; 'message' says
 * which of its bits is flipped, if it says anything. */
static void check_signature(const struct curve *c, const EC_POINT *q, const BIGNUM *d,
			    const struct u256 *u, const struct u256 *v, struct span message)
{
	const struct p256_point key = bytes_of(c, q);
	struct p256_signature sig;
	struct sha256 hash;
	BIGNUM *e, *nonce = bn(u);

	sha256_of(&hash, message);
	e = BN_bin2bn(hash.b, sizeof(hash.b), NULL);
	u256_store(sig.rs, u);
	u256_store(sig.rs + U256_LEN, v);
	assert(p256_verify(&key, &sig, message) == is_valid(c, q, &sig, e));
	assert(BN_nnmod(nonce, nonce, c->order, c->ctx) == 1);
	if (sign(c, &sig, d, nonce, e)) {
		assert(p256_verify(&key, &sig, message));
		if (message.n) {
			sig.rs[message.p[0] % P256_SIGNATURE_LEN] ^=
				(uint8_t)(1U << message.p[message.n - 1] % 8);
			assert(p256_verify(&key, &sig, message) == is_valid(c, q, &sig, e));
		}
	}
	BN_free(nonce);
	BN_free(e);
}

/* A point that libcrypto reads is one here, too. */
static void check_point(const struct curve *c, const struct u256 *x, const struct u256 *y)
{
	uint8_t sec1[1 + P256_POINT_LEN] = { 4 };
	EC_POINT *at = EC_POINT_new(c->group);
	struct p256_point point;

	u256_store(sec1 + 1, x);
	u256_store(sec1 + 1 + U256_LEN, y);
	memcpy(point.xy, sec1 + 1, sizeof(point.xy));
	assert(p256_is_point(&point) ==
	       (EC_POINT_oct2point(c->group, at, sec1, sizeof(sec1), c->ctx) == 1));
	EC_POINT_free(at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct curve c;
	struct span in = span_of(data, size);
	struct u256 k, u, v;
	uint8_t what;
	EC_POINT *q;
	BIGNUM *d;

	if (!c.group)
		c = curve_new();
	if (!rd_u8(&in, &what) || !read_number(&in, &k) || !read_number(&in, &u) ||
	    !read_number(&in, &v))
		return 0;
	check_field(&c, &k, &u);
	check_field(&c, &u, &v);
	check_point(&c, &u, &v);
	d = bn(&k);
	assert(BN_nnmod(d, d, c.order, c.ctx) == 1);
	if (!BN_is_zero(d)) {
		q = multiply(&c, d, NULL, NULL);
		if (what % 2)
			check_multiply(&c, q, &u, &v);
		else
			check_signature(&c, q, d, &u, &v, in);
		EC_POINT_free(q);
	}
	BN_free(d);
	return 0;
}
