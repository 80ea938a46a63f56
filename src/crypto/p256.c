#include "crypto/p256.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>

#include "base/mem.h"
#include "crypto/inverse.h"

enum {
	COORDINATE_LEN = 32,
	/* SEQUENCE of two INTEGERs, each with a sign byte at most */
	DER_SIGNATURE_MAX = 2 + 2 * (2 + 1 + COORDINATE_LEN),
	DER_INTEGER = 0x02,
	DER_SEQUENCE = 0x30,
	SEC1_UNCOMPRESSED = 0x04, /* SEC 1 §2.3.3 */
};

static const char curve_name[] = "prime256v1";

/* The numbers of one verification, named as in FIPS 186-5 §6.4.2. */
enum number {
	R,
	S,
	E, /* the hash */
	INVERSE, /* of s */
	PRODUCT, /* of both: 1 */
	U, /* e / s */
	V, /* r / s */
	X, /* of the sum */
	NUMBERS,
};

struct p256_verifier {
	struct hasher *hasher;
	EC_GROUP *curve;
	const BIGNUM *order; /* the curve's */
	uint8_t order_bytes[COORDINATE_LEN];
	BN_MONT_CTX *by_order;
	EC_POINT *key, *sum;
	BIGNUM *n[NUMBERS];
	BN_CTX *room;
};

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
	BN_free(*bn);
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

/* Fails only without memory: the number is shorter than any limit. */
static void number_of(BIGNUM *out, const uint8_t b[COORDINATE_LEN])
{
	must(BN_bin2bn(b, COORDINATE_LEN, out) != NULL);
}

struct p256_verifier *p256_verifier_new(struct hasher *hasher)
{
	struct p256_verifier *v = mem_new(sizeof(*v));

	v->hasher = hasher;
	v->curve = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	v->room = BN_CTX_new();
	must(v->curve && v->room);
	v->order = EC_GROUP_get0_order(v->curve);
	v->key = EC_POINT_new(v->curve);
	v->sum = EC_POINT_new(v->curve);
	v->by_order = BN_MONT_CTX_new();
	must(v->order && v->key && v->sum && v->by_order &&
	     BN_bn2binpad(v->order, v->order_bytes, COORDINATE_LEN) ==
		     COORDINATE_LEN &&
	     BN_MONT_CTX_set(v->by_order, v->order, v->room) == 1);
	for (size_t i = 0; i < NUMBERS; i++) {
		v->n[i] = BN_new();
		must(v->n[i] != NULL);
	}
	return v;
}

void p256_verifier_free(struct p256_verifier *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < NUMBERS; i++)
		BN_free(v->n[i]);
	BN_MONT_CTX_free(v->by_order);
	EC_POINT_free(v->sum);
	EC_POINT_free(v->key);
	BN_CTX_free(v->room);
	EC_GROUP_free(v->curve);
	free(v);
}

/* libcrypto checks that x and y are below p and satisfy the equation; the one
 * point without coordinates has no form of this length. */
bool p256_is_point(struct p256_verifier *v, const struct p256_point *at)
{
	uint8_t sec1[1 + P256_POINT_LEN] = { SEC1_UNCOMPRESSED };

	memcpy(sec1 + 1, at->xy, sizeof(at->xy));
	if (EC_POINT_oct2point(v->curve, v->key, sec1, sizeof(sec1), v->room) ==
	    1)
		return true;
	ERR_clear_error();
	return false;
}

/* In 1..n-1, FIPS 186-5 §6.4.2 step 1. */
static bool is_scalar(const struct p256_verifier *v, const BIGNUM *x)
{
	return !BN_is_zero(x) && BN_cmp(x, v->order) < 0;
}

/* n[INVERSE] = 1/s, step 4.  The last line proves it: nothing that went wrong
 * before can make a signature valid. */
static bool invert(struct p256_verifier *v, const uint8_t s[COORDINATE_LEN])
{
	BIGNUM *const *n = v->n;
	BIGNUM *w = n[INVERSE];
	uint8_t almost[INVERSE_LEN];
	unsigned shift;

	static_assert((int)INVERSE_LEN == (int)COORDINATE_LEN);
	if (!inverse_almost(almost, &shift, s, v->order_bytes))
		return false;
	number_of(w, almost);
	/* w = 2^shift/s; each reduction divides by 2^256 */
	return BN_lshift(w, w, (int)(2 * 8 * INVERSE_LEN - shift)) == 1 &&
	       BN_nnmod(w, w, v->order, v->room) == 1 &&
	       BN_from_montgomery(w, w, v->by_order, v->room) == 1 &&
	       BN_from_montgomery(w, w, v->by_order, v->room) == 1 &&
	       BN_mod_mul(n[PRODUCT], n[S], w, v->order, v->room) == 1 &&
	       BN_is_one(n[PRODUCT]);
}

/* v->sum = e/s G + r/s Q, with Q in v->key; steps 5 and 6. */
static bool add_multiples(struct p256_verifier *v)
{
	BIGNUM *const *n = v->n;

	return BN_mod_mul(n[U], n[E], n[INVERSE], v->order, v->room) == 1 &&
	       BN_mod_mul(n[V], n[R], n[INVERSE], v->order, v->room) == 1 &&
	       EC_POINT_mul(v->curve, v->sum, n[U], v->key, n[V], v->room) == 1;
}

/* The sum has an x (infinity has none), and it is r modulo the order; steps 7
 * to 9. */
static bool is_expected(struct p256_verifier *v)
{
	BIGNUM *const *n = v->n;

	return EC_POINT_is_at_infinity(v->curve, v->sum) == 0 &&
	       EC_POINT_get_affine_coordinates(v->curve, v->sum, n[X], NULL,
					       v->room) == 1 &&
	       BN_nnmod(n[X], n[X], v->order, v->room) == 1 &&
	       BN_cmp(n[X], n[R]) == 0;
}

bool p256_verify(struct p256_verifier *v, const struct p256_point *at,
		 const struct p256_signature *sig, struct span message)
{
	struct sha256 hash;

	number_of(v->n[R], sig->rs);
	number_of(v->n[S], sig->rs + COORDINATE_LEN);
	if (!is_scalar(v, v->n[R]) || !is_scalar(v, v->n[S]) ||
	    !p256_is_point(v, at))
		return false;
	hasher_sha256(v->hasher, &hash, &message, 1);
	number_of(v->n[E], hash.b);
	if (invert(v, sig->rs + COORDINATE_LEN) && add_multiples(v) &&
	    is_expected(v))
		return true;
	ERR_clear_error(); /* of what could not be computed */
	return false;
}

bool p256_is_point_once(const struct p256_point *at)
{
	struct hasher *hasher = hasher_new();
	struct p256_verifier *v = p256_verifier_new(hasher);
	bool ok = p256_is_point(v, at);

	p256_verifier_free(v);
	hasher_free(hasher);
	return ok;
}

bool p256_verify_once(const struct p256_point *at,
		      const struct p256_signature *sig, struct span message)
{
	struct hasher *hasher = hasher_new();
	struct p256_verifier *v = p256_verifier_new(hasher);
	bool ok = p256_verify(v, at, sig, message);

	p256_verifier_free(v);
	hasher_free(hasher);
	return ok;
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
