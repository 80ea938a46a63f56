#include "crypto/p256.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>

#include "base/mem.h"
#include "base/wr.h"

enum {
	COORDINATE_LEN = 32,
	/* SEQUENCE of two INTEGERs, each with a sign byte at most */
	DER_SIGNATURE_MAX = 2 + 2 * (2 + 1 + COORDINATE_LEN),
	DER_INTEGER = 0x02,
	DER_SEQUENCE = 0x30,
	SEC1_UNCOMPRESSED = 0x04, /* SEC 1 §2.3.3 */
};

static const char curve_name[] = "prime256v1";

struct p256_public {
	EVP_PKEY *key;
};

struct p256_private {
	EVP_PKEY *key;
};

static void auto_key_ctx(EVP_PKEY_CTX **ctx)
{
	EVP_PKEY_CTX_free(*ctx);
}

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

/* NULL when the point is off the curve: libcrypto's decoder checks that x and
 * y are below p and satisfy the equation. */
static EVP_PKEY *key_of_point(const struct p256_point *at)
{
	uint8_t sec1[1 + P256_POINT_LEN] = { SEC1_UNCOMPRESSED };
	char group[sizeof(curve_name)];
	AUTO(auto_key_ctx)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	must(ctx && EVP_PKEY_fromdata_init(ctx) == 1);
	memcpy(group, curve_name, sizeof(group));
	memcpy(sec1 + 1, at->xy, sizeof(at->xy));
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
						 group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, sec1,
						  sizeof(sec1)),
		OSSL_PARAM_construct_end(),
	};
	if (EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
		ERR_clear_error();
		return NULL;
	}
	return key;
}

/* The same.  Making a group anew is most of the work above; a copy of one that
 * is there, with the point replaced and checked as above, is a quarter. */
static EVP_PKEY *key_like(EVP_PKEY *like, const struct p256_point *at)
{
	uint8_t sec1[1 + P256_POINT_LEN] = { SEC1_UNCOMPRESSED };
	AUTO(auto_key)
	EVP_PKEY *key = EVP_PKEY_dup(like);

	must(key);
	memcpy(sec1 + 1, at->xy, sizeof(at->xy));
	if (EVP_PKEY_set1_encoded_public_key(key, sec1, sizeof(sec1)) != 1) {
		ERR_clear_error();
		return NULL;
	}
	return STEAL(key);
}

static enum rc public_of(struct p256_public **out, EVP_PKEY *key)
{
	if (!key)
		return RC_CRYPTO;
	*out = mem_new(sizeof(**out));
	(*out)->key = key;
	return RC_OK;
}

enum rc p256_public_new(struct p256_public **out, const struct p256_point *at)
{
	return public_of(out, key_of_point(at));
}

enum rc p256_public_new_like(struct p256_public **out,
			     const struct p256_public *like,
			     const struct p256_point *at)
{
	return public_of(out, key_like(like->key, at));
}

void p256_public_free(struct p256_public *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->key);
	free(k);
}

/* X.690 §8.3: the shortest form, with a zero byte before a set high bit. */
static void write_integer(struct wr *w, const uint8_t value[COORDINATE_LEN])
{
	size_t skip = 0;
	bool pads;

	while (skip < COORDINATE_LEN - 1 && !value[skip])
		skip++;
	pads = value[skip] & 0x80;
	wr_u8(w, DER_INTEGER);
	wr_u8(w, (uint8_t)(COORDINATE_LEN - skip + pads));
	wr_zero(w, pads);
	wr_bytes(w, span_of(value + skip, COORDINATE_LEN - skip));
}

static struct span der_of_signature(uint8_t der[DER_SIGNATURE_MAX],
				    const struct p256_signature *sig)
{
	struct wr w = wr_over(der, DER_SIGNATURE_MAX);
	struct wr_mark length;

	wr_u8(&w, DER_SEQUENCE);
	length = wr_open(&w, 1);
	write_integer(&w, sig->rs);
	write_integer(&w, sig->rs + COORDINATE_LEN);
	wr_close(&w, length);
	return wr_span(&w);
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

static bool verify_with(EVP_PKEY *key, const struct p256_signature *sig,
			struct span message)
{
	AUTO(auto_key_ctx)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	uint8_t der[DER_SIGNATURE_MAX];
	struct span s = der_of_signature(der, sig);
	struct sha256 hash;
	bool ok;

	must(ctx && EVP_PKEY_verify_init(ctx) == 1);
	sha256_of(&hash, message);
	ok = EVP_PKEY_verify(ctx, s.p, s.n, hash.b, sizeof(hash.b)) == 1;
	if (!ok)
		ERR_clear_error();
	return ok;
}

bool p256_verify(const struct p256_public *k, const struct p256_signature *sig,
		 struct span message)
{
	return verify_with(k->key, sig, message);
}

bool p256_verify_once(const struct p256_point *at,
		      const struct p256_signature *sig, struct span message)
{
	AUTO(auto_key)
	EVP_PKEY *key = key_of_point(at);

	return key && verify_with(key, sig, message);
}

enum p256_answer p256_verify_like(const struct p256_public *like,
				  const struct p256_point *at,
				  const struct p256_signature *sig,
				  struct span message)
{
	AUTO(auto_key)
	EVP_PKEY *key = key_like(like->key, at);

	if (!key)
		return P256_NO_KEY;
	return verify_with(key, sig, message) ? P256_VALID : P256_INVALID;
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
