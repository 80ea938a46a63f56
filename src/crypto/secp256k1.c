#include "crypto/secp256k1.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>

#include "base/mem.h"

enum {
	SCALAR_LEN = 32,
	DER_MAX = 2 + 2 * (2 + 1 + SCALAR_LEN),
	COMPRESSED_EVEN = 2, /* SEC 1 §2.3.3 */
};

static void auto_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void auto_key_ctx(EVP_PKEY_CTX **ctx)
{
	EVP_PKEY_CTX_free(*ctx);
}

static void auto_bn(BIGNUM **bn)
{
	BN_clear_free(*bn);
}

static void auto_bn_ctx(BN_CTX **ctx)
{
	BN_CTX_free(*ctx);
}

static void auto_group(EC_GROUP **group)
{
	EC_GROUP_free(*group);
}

static void auto_point(EC_POINT **point)
{
	EC_POINT_clear_free(*point);
}

static void auto_signature(ECDSA_SIG **signature)
{
	ECDSA_SIG_free(*signature);
}

static void auto_builder(OSSL_PARAM_BLD **b)
{
	OSSL_PARAM_BLD_free(*b);
}

static void auto_params(OSSL_PARAM **p)
{
	OSSL_PARAM_free(*p);
}

/* What only missing memory can break. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

static EC_GROUP *curve(void)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_secp256k1);

	must(group);
	return group;
}

static BIGNUM *number(const uint8_t b[SCALAR_LEN])
{
	BIGNUM *n = BN_secure_new();

	must(n && BN_bin2bn(b, SCALAR_LEN, n));
	BN_set_flags(n, BN_FLG_CONSTTIME);
	return n;
}

static bool is_scalar(const EC_GROUP *group, const BIGNUM *n)
{
	return !BN_is_zero(n) && BN_cmp(n, EC_GROUP_get0_order(group)) < 0;
}

/* Above half of the order. */
static bool is_high(const EC_GROUP *group, const BIGNUM *s)
{
	AUTO(auto_bn)
	BIGNUM *half = BN_dup(EC_GROUP_get0_order(group));

	must(half && BN_rshift1(half, half) == 1);
	return BN_cmp(s, half) > 0;
}

bool secp256k1_is_secret(const struct key32 *secret)
{
	AUTO(auto_group)
	EC_GROUP *group = curve();
	AUTO(auto_bn)
	BIGNUM *n = number(secret->b);

	return is_scalar(group, n);
}

void secp256k1_public(uint8_t out[SECP256K1_PUBLIC_LEN],
		      const struct key32 *secret)
{
	AUTO(auto_group)
	EC_GROUP *group = curve();
	AUTO(auto_bn)
	BIGNUM *n = number(secret->b);
	AUTO(auto_point)
	EC_POINT *at = EC_POINT_new(group);

	assert(is_scalar(group, n));
	must(at && EC_POINT_mul(group, at, n, NULL, NULL, NULL) == 1 &&
	     EC_POINT_point2oct(group, at, POINT_CONVERSION_COMPRESSED, out,
				SECP256K1_PUBLIC_LEN,
				NULL) == SECP256K1_PUBLIC_LEN);
}

/* 'private' may be NULL.  NULL: the point is none of the curve. */
static EVP_PKEY *key_of(struct span public, const BIGNUM *private)
{
	AUTO(auto_builder)
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	AUTO(auto_params)
	OSSL_PARAM *params = NULL;
	AUTO(auto_key_ctx)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	int what = private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
	EVP_PKEY *key = NULL;

	must(b && ctx &&
	     OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME,
					     "secp256k1", 0) == 1 &&
	     OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY,
					      public.p, public.n) == 1 &&
	     (!private || OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY,
						 private) == 1));
	params = OSSL_PARAM_BLD_to_param(b);
	must(params && EVP_PKEY_fromdata_init(ctx) == 1);
	if (EVP_PKEY_fromdata(ctx, &key, what, params) == 1)
		return key;
	ERR_clear_error();
	return NULL;
}

static ECDSA_SIG *sign_raw(const struct key32 *secret, const uint8_t *public,
			   const uint8_t digest[SECP256K1_DIGEST_LEN])
{
	AUTO(auto_bn)
	BIGNUM *n = number(secret->b);
	AUTO(auto_key)
	EVP_PKEY *key = key_of(span_of(public, SECP256K1_PUBLIC_LEN), n);
	AUTO(auto_key_ctx)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	uint8_t der[DER_MAX];
	const uint8_t *at = der;
	size_t len = sizeof(der);
	ECDSA_SIG *out;

	must(key && ctx && EVP_PKEY_sign_init(ctx) == 1 &&
	     EVP_PKEY_sign(ctx, der, &len, digest, SECP256K1_DIGEST_LEN) == 1);
	out = d2i_ECDSA_SIG(NULL, &at, (long)len);
	must(out);
	return out;
}

/* s, or n - s where that is lower: both verify. */
static void write_low(uint8_t out[SECP256K1_SIGNATURE_LEN],
		      const EC_GROUP *group, const ECDSA_SIG *raw)
{
	AUTO(auto_bn)
	BIGNUM *s = BN_dup(ECDSA_SIG_get0_s(raw));

	must(s);
	if (is_high(group, s))
		must(BN_sub(s, EC_GROUP_get0_order(group), s) == 1);
	must(BN_bn2binpad(ECDSA_SIG_get0_r(raw), out, SCALAR_LEN) ==
		     SCALAR_LEN &&
	     BN_bn2binpad(s, out + SCALAR_LEN, SCALAR_LEN) == SCALAR_LEN);
}

void secp256k1_sign(uint8_t out[SECP256K1_RECOVERABLE_LEN],
		    const struct key32 *secret,
		    const uint8_t digest[SECP256K1_DIGEST_LEN])
{
	uint8_t public[SECP256K1_PUBLIC_LEN], found[SECP256K1_PUBLIC_LEN];
	AUTO(auto_group)
	EC_GROUP *group = curve();

	secp256k1_public(public, secret);
	/* Once in 2^127 r is not R.x, and no number of ours would say so. */
	for (;;) {
		AUTO(auto_signature)
		ECDSA_SIG *raw = sign_raw(secret, public, digest);

		write_low(out, group, raw);
		for (uint8_t odd = 0; odd < 2; odd++) {
			out[SECP256K1_SIGNATURE_LEN] = odd;
			if (secp256k1_recover(found, out, digest) &&
			    span_equal(SPAN_ARRAY(found), SPAN_ARRAY(public)))
				return;
		}
	}
}

/* r and s as numbers of a signature that may be verified. */
static bool read_signature(BIGNUM **r, BIGNUM **s, const EC_GROUP *group,
			   const uint8_t signature[SECP256K1_SIGNATURE_LEN])
{
	*r = number(signature);
	*s = number(signature + SCALAR_LEN);
	return is_scalar(group, *r) && is_scalar(group, *s) &&
	       !is_high(group, *s);
}

bool secp256k1_verify(struct span key,
		      const uint8_t signature[SECP256K1_SIGNATURE_LEN],
		      const uint8_t digest[SECP256K1_DIGEST_LEN])
{
	AUTO(auto_group)
	EC_GROUP *group = curve();
	AUTO(auto_bn)
	BIGNUM *r = NULL;
	AUTO(auto_bn)
	BIGNUM *s = NULL;
	AUTO(auto_signature)
	ECDSA_SIG *sig = ECDSA_SIG_new();
	AUTO(auto_key)
	EVP_PKEY *k = NULL;
	AUTO(auto_key_ctx)
	EVP_PKEY_CTX *ctx = NULL;
	uint8_t der[DER_MAX], *to = der;
	int n;
	bool ok;

	if (!read_signature(&r, &s, group, signature) ||
	    (key.n != SECP256K1_PUBLIC_LEN && key.n != 2 * SCALAR_LEN + 1))
		return false;
	k = key_of(key, NULL);
	if (!k)
		return false;
	must(sig && ECDSA_SIG_set0(sig, r, s) == 1);
	r = s = NULL; /* taken */
	n = i2d_ECDSA_SIG(sig, &to);
	ctx = EVP_PKEY_CTX_new(k, NULL);
	must(n > 0 && ctx && EVP_PKEY_verify_init(ctx) == 1);
	ok = EVP_PKEY_verify(ctx, der, (size_t)n, digest,
			     SECP256K1_DIGEST_LEN) == 1;
	if (!ok)
		ERR_clear_error();
	return ok;
}

/* Q = r^-1 (s R - e G), SEC 1 §4.1.6. */
static bool find_key(uint8_t out[SECP256K1_PUBLIC_LEN], const EC_GROUP *group,
		     const EC_POINT *big_r, BIGNUM *r, BIGNUM *s, BIGNUM *e)
{
	AUTO(auto_bn_ctx)
	BN_CTX *ctx = BN_CTX_new();
	AUTO(auto_bn)
	BIGNUM *inverse = BN_new();
	AUTO(auto_point)
	EC_POINT *q = EC_POINT_new(group);
	const BIGNUM *order = EC_GROUP_get0_order(group);

	must(ctx && inverse && q && BN_mod_inverse(inverse, r, order, ctx) &&
	     BN_mod_mul(s, s, inverse, order, ctx) == 1 &&
	     BN_nnmod(e, e, order, ctx) == 1 &&
	     BN_mod_mul(e, e, inverse, order, ctx) == 1 &&
	     (BN_is_zero(e) || BN_sub(e, order, e) == 1) &&
	     EC_POINT_mul(group, q, e, big_r, s, ctx) == 1);
	return !EC_POINT_is_at_infinity(group, q) &&
	       EC_POINT_point2oct(group, q, POINT_CONVERSION_COMPRESSED, out,
				  SECP256K1_PUBLIC_LEN,
				  ctx) == SECP256K1_PUBLIC_LEN;
}

bool secp256k1_recover(uint8_t out[SECP256K1_PUBLIC_LEN],
		       const uint8_t signature[SECP256K1_RECOVERABLE_LEN],
		       const uint8_t digest[SECP256K1_DIGEST_LEN])
{
	AUTO(auto_group)
	EC_GROUP *group = curve();
	AUTO(auto_point)
	EC_POINT *big_r = EC_POINT_new(group);
	AUTO(auto_bn)
	BIGNUM *r = NULL;
	AUTO(auto_bn)
	BIGNUM *s = NULL;
	AUTO(auto_bn)
	BIGNUM *e = number(digest);
	uint8_t at[SECP256K1_PUBLIC_LEN], found[SECP256K1_PUBLIC_LEN];

	must(big_r);
	if (signature[SECP256K1_SIGNATURE_LEN] > 1 ||
	    !read_signature(&r, &s, group, signature))
		return false;
	at[0] = (uint8_t)(COMPRESSED_EVEN + signature[SECP256K1_SIGNATURE_LEN]);
	memcpy(at + 1, signature, SCALAR_LEN);
	if (EC_POINT_oct2point(group, big_r, at, sizeof(at), NULL) != 1) {
		ERR_clear_error();
		return false;
	}
	if (!find_key(found, group, big_r, r, s, e))
		return false;
	memcpy(out, found, sizeof(found));
	return true;
}
