#include "crypto/p256.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "base/mem.h"
#include "crypto/hash.h"
#include "crypto/p256_group.h"
#include "crypto/p256_scalar.h"

enum {
	COORDINATE_LEN = 32,
	/* SEQUENCE of two INTEGERs, each with a sign byte at most */
	DER_SIGNATURE_MAX = 2 + 2 * (2 + 1 + COORDINATE_LEN),
	DER_INTEGER = 0x02,
	DER_SEQUENCE = 0x30,
};

static const char curve_name[] = "prime256v1";

struct p256_private {
	EVP_PKEY *key;
};

static void auto_md_ctx(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

static void auto_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void auto_bio(BIO **bio)
{
	BIO_free(*bio);
}

static void auto_bn(BIGNUM **bn)
{
	BN_clear_free(*bn);
}

static void auto_group(EC_GROUP **group)
{
	EC_GROUP_free(*group);
}

static void auto_ec_point(EC_POINT **point)
{
	EC_POINT_free(*point);
}

static void auto_builder(OSSL_PARAM_BLD **b)
{
	OSSL_PARAM_BLD_free(*b);
}

static void auto_params(OSSL_PARAM **p)
{
	OSSL_PARAM_free(*p);
}

static void auto_key_ctx(EVP_PKEY_CTX **ctx)
{
	EVP_PKEY_CTX_free(*ctx);
}

/* What only missing memory can break; see the header of crypto/hash. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool read_integer(struct span *s, uint8_t out[COORDINATE_LEN])
{
	struct span v;
	uint8_t tag;

	if (!rd_u8(s, &tag) || tag != DER_INTEGER || !rd_vec8(s, &v) || !v.n)
		return false;
	if (v.p[0] & 0x80) /* negative */
		return false;
	if (v.n > 1 && !v.p[0]) {
		if (!(v.p[1] & 0x80)) /* not the shortest form */
			return false;
		(void)rd_skip(&v, 1); /* v.n > 1 */
	}
	if (v.n > COORDINATE_LEN)
		return false;
	memset(out, 0, COORDINATE_LEN - v.n);
	memcpy(out + COORDINATE_LEN - v.n, v.p, v.n);
	return true;
}

bool p256_signature_from_der(struct p256_signature *out, struct span der)
{
	struct p256_signature sig;
	struct span body;
	uint8_t tag;

	/* No length here needs the long form: the longest is 70. */
	if (der.n > DER_SIGNATURE_MAX ||
	    !rd_u8(&der, &tag) || tag != DER_SEQUENCE ||
	    !rd_vec8(&der, &body) || !rd_end(&der) ||
	    !read_integer(&body, sig.rs) ||
	    !read_integer(&body, sig.rs + COORDINATE_LEN) || !rd_end(&body))
		return false;
	*out = sig;
	return true;
}

bool p256_is_point(const struct p256_point *at)
{
	struct affine point;

	return affine_from(&point, at->xy);
}

/* x of the sum is r modulo the order, and below p: r itself, or r + n where
 * that is below p; steps 7 to 9. */
static bool has_x(const struct jacobian *sum, const struct scalar *r)
{
	struct u256 over;
	struct fp x;

	if (fp_from(&x, &r->n) && jacobian_has_x(sum, &x))
		return true;
	return !u256_add(&over, &r->n, &P256_ORDER) && fp_from(&x, &over) &&
	       jacobian_has_x(sum, &x);
}

/* Steps and names as in FIPS 186-5 §6.4.2. */
bool p256_verify(const struct p256_point *at, const struct p256_signature *sig,
		 struct span message)
{
	return p256_verify_parts(at, sig, &message, 1);
}

bool p256_verify_parts(const struct p256_point *at,
		       const struct p256_signature *sig,
		       const struct span *parts, size_t count)
{
	struct scalar r, s, e, u, v;
	struct scalar_factor inverse;
	struct affine q;
	struct jacobian sum;
	struct sha256 hash;

	if (!scalar_from(&r, sig->rs) ||
	    !scalar_from(&s, sig->rs + COORDINATE_LEN) ||
	    !affine_from(&q, at->xy))
		return false;
	sha256_parts(&hash, parts, count);
	scalar_reduce(&e, hash.b);
	if (!scalar_invert(&inverse, &s))
		return false;
	scalar_mul(&u, &e, &inverse);
	scalar_mul(&v, &r, &inverse);
	jacobian_multiply(&sum, &u.n, &v.n, &q);
	return has_x(&sum, &r);
}

static struct p256_private *private_of(EVP_PKEY *key)
{
	struct p256_private *k = mem_new(sizeof(*k));

	k->key = key;
	return k;
}

struct p256_private *p256_private_generate(void)
{
	EVP_PKEY *key = EVP_EC_gen(curve_name);

	must(key);
	return private_of(key);
}

/* Never ask the terminal for a password: an encrypted key is not ours. */
static int no_password(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1;
}

static bool is_p256(const EVP_PKEY *key)
{
	char group[sizeof(curve_name)];
	size_t n = 0;

	return EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_group_name(key, group, sizeof(group), &n) == 1 &&
	       span_equal_str(span_of(group, n), curve_name);
}

enum rc p256_private_from_pem(struct p256_private **out, struct span pem)
{
	static const char begin[] = "-----BEGIN PRIVATE KEY-----";
	AUTO(auto_bio)
	BIO *bio = NULL;
	AUTO(auto_key)
	EVP_PKEY *key = NULL;

	if (!span_has_prefix(pem, span_str(begin)) || pem.n > 64 * 1024)
		return RC_MALFORMED;
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	must(bio);
	key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	if (!key || !is_p256(key)) {
		ERR_clear_error();
		return RC_MALFORMED;
	}
	*out = private_of(STEAL(key));
	return RC_OK;
}

/* A key of its scalar and the point that goes with it. */
static EVP_PKEY *pair_of(const BIGNUM *secret,
			 const uint8_t public[1 + P256_POINT_LEN])
{
	AUTO(auto_builder)
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	AUTO(auto_params)
	OSSL_PARAM *params = NULL;
	AUTO(auto_key_ctx)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	must(b && ctx &&
	     OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME,
					     curve_name, 0) == 1 &&
	     OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY,
					      public,
					      1 + P256_POINT_LEN) == 1 &&
	     OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, secret) == 1);
	params = OSSL_PARAM_BLD_to_param(b);
	must(params && EVP_PKEY_fromdata_init(ctx) == 1 &&
	     EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) == 1);
	return key;
}

enum rc p256_private_from_secret(struct p256_private **out,
				 const struct key32 *secret)
{
	AUTO(auto_group)
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	AUTO(auto_ec_point)
	EC_POINT *at = group ? EC_POINT_new(group) : NULL;
	AUTO(auto_bn)
	BIGNUM *n = BN_secure_new();
	uint8_t public[1 + P256_POINT_LEN];

	must(at && n && BN_bin2bn(secret->b, sizeof(secret->b), n));
	BN_set_flags(n, BN_FLG_CONSTTIME);
	if (BN_is_zero(n) || BN_cmp(n, EC_GROUP_get0_order(group)) >= 0)
		return RC_MALFORMED;
	must(EC_POINT_mul(group, at, n, NULL, NULL, NULL) == 1 &&
	     EC_POINT_point2oct(group, at, POINT_CONVERSION_UNCOMPRESSED,
				public, sizeof(public),
				NULL) == sizeof(public));
	*out = private_of(pair_of(n, public));
	return RC_OK;
}

char *p256_private_to_pem(const struct p256_private *k)
{
	AUTO(auto_bio)
	BIO *bio = BIO_new(BIO_s_secmem());
	char *text;
	long n;

	must(bio && PEM_write_bio_PKCS8PrivateKey(bio, k->key, NULL, NULL, 0,
						  NULL, NULL) == 1);
	n = BIO_get_mem_data(bio, &text);
	must(n > 0);
	return mem_dup_n(text, (size_t)n);
}

void p256_private_free(struct p256_private *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->key); /* libcrypto erases the scalar */
	free(k);
}

static void get_coordinate(EVP_PKEY *key, const char *name, uint8_t *out)
{
	AUTO(auto_bn)
	BIGNUM *n = NULL;

	must(EVP_PKEY_get_bn_param(key, name, &n) == 1 &&
	     BN_bn2binpad(n, out, COORDINATE_LEN) == COORDINATE_LEN);
}

void p256_private_point(const struct p256_private *k, struct p256_point *out)
{
	get_coordinate(k->key, OSSL_PKEY_PARAM_EC_PUB_X, out->xy);
	get_coordinate(k->key, OSSL_PKEY_PARAM_EC_PUB_Y,
		       out->xy + COORDINATE_LEN);
}

void p256_sign(const struct p256_private *k, struct p256_signature *out,
	       struct span message)
{
	AUTO(auto_md_ctx)
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[DER_SIGNATURE_MAX];
	size_t n = sizeof(der);

	must(ctx &&
	     EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, k->key) == 1 &&
	     EVP_DigestSign(ctx, der, &n,
			    message.n ? message.p : (const void *)"",
			    message.n) == 1 &&
	     p256_signature_from_der(out, span_of(der, n)));
}
