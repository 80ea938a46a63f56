#include "pki/pkey.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/mem.h"
#include "base/secret.h"

static void auto_bio(BIO **b)
{
	BIO_free(*b);
}

static void auto_pkey_ctx(EVP_PKEY_CTX **c)
{
	EVP_PKEY_CTX_free(*c);
}

EVP_PKEY *pkey_private(const struct p256_private *k)
{
	char *pem = p256_private_to_pem(k);
	size_t n = strlen(pem);
	AUTO(auto_bio)
	BIO *bio = BIO_new_mem_buf(pem, (int)n);
	EVP_PKEY *out = NULL;

	if (bio)
		out = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	secret_wipe(pem, n);
	mem_auto_free(&pem);
	return out;
}

EVP_PKEY *pkey_public(const struct p256_point *at)
{
	char group[] = "prime256v1";
	uint8_t point[1 + P256_POINT_LEN] = { POINT_CONVERSION_UNCOMPRESSED };
	AUTO(auto_pkey_ctx)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *out = NULL;

	memcpy(point + 1, at->xy, P256_POINT_LEN);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
						 group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
						  point, sizeof(point)),
		OSSL_PARAM_construct_end(),
	};
	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &out, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return NULL;
	return out;
}

void pkey_auto(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

enum rc pkey_failed(void)
{
	ERR_clear_error();
	return RC_CRYPTO;
}

enum rc pkey_take_der(struct buf *der, uint8_t *p, int n)
{
	bool fits = n > 0 && buf_add(der, span_of(p, (size_t)n));

	OPENSSL_free(p);
	if (n <= 0)
		return pkey_failed();
	return fits ? RC_OK : RC_LIMIT;
}
