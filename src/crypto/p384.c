#include "crypto/p384.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/mem.h"
#include "crypto/hash.h"

enum {
	SEC1_UNCOMPRESSED = 0x04, /* SEC 1 §2.3.3 */
};

static void auto_key_ctx(EVP_PKEY_CTX **ctx)
{
	EVP_PKEY_CTX_free(*ctx);
}

static void auto_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void auto_sig(ECDSA_SIG **sig)
{
	ECDSA_SIG_free(*sig);
}

static void auto_der(uint8_t **der)
{
	OPENSSL_free(*der);
}

/* What only missing memory can break; see the header of crypto/hash. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

/* NULL when the point is off the curve, which libcrypto checks. */
static EVP_PKEY *key_of(const struct p384_point *at)
{
	char group[] = "secp384r1";
	uint8_t sec1[1 + P384_POINT_LEN] = { SEC1_UNCOMPRESSED };
	AUTO(auto_key_ctx)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	memcpy(sec1 + 1, at->xy, sizeof(at->xy));
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
						 group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, sec1,
						  sizeof(sec1)),
		OSSL_PARAM_construct_end(),
	};
	must(ctx && EVP_PKEY_fromdata_init(ctx) == 1);
	if (EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return NULL;
	return key;
}

/* The DER that libcrypto wants; returns its length. */
static size_t der_of(uint8_t **der, const struct p384_signature *sig)
{
	AUTO(auto_sig)
	ECDSA_SIG *s = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(sig->rs, P384_COORDINATE_LEN, NULL);
	BIGNUM *t = BN_bin2bn(sig->rs + P384_COORDINATE_LEN,
			      P384_COORDINATE_LEN, NULL);
	int n;

	must(s && r && t && ECDSA_SIG_set0(s, r, t) == 1);
	n = i2d_ECDSA_SIG(s, der);
	must(n > 0);
	return (size_t)n;
}

bool p384_verify(const struct p384_point *at, const struct p384_signature *sig,
		 struct span message)
{
	AUTO(auto_key)
	EVP_PKEY *key = key_of(at);
	AUTO(auto_key_ctx)
	EVP_PKEY_CTX *ctx = NULL;
	AUTO(auto_der)
	uint8_t *der = NULL;
	struct sha384 hash;
	size_t n;
	bool ok;

	if (!key) {
		ERR_clear_error();
		return false;
	}
	n = der_of(&der, sig);
	ctx = EVP_PKEY_CTX_new(key, NULL);
	must(ctx && EVP_PKEY_verify_init(ctx) == 1);
	sha384_of(&hash, message);
	ok = EVP_PKEY_verify(ctx, der, n, hash.b, sizeof(hash.b)) == 1;
	if (!ok)
		ERR_clear_error();
	return ok;
}
