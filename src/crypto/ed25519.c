#include "crypto/ed25519.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/mem.h"

static void auto_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void auto_md_ctx(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

/* What only missing memory can break. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

/* libcrypto wants a pointer also where there is nothing. */
static const uint8_t *bytes(struct span s)
{
	return s.n ? s.p : (const uint8_t *)"";
}

static EVP_PKEY *private_of(const struct key32 *secret)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(
		EVP_PKEY_ED25519, NULL, secret->b, sizeof(secret->b));

	must(key);
	return key;
}

void ed25519_public(uint8_t out[ED25519_PUBLIC_LEN], const struct key32 *secret)
{
	AUTO(auto_key)
	EVP_PKEY *key = private_of(secret);
	size_t n = ED25519_PUBLIC_LEN;

	must(EVP_PKEY_get_raw_public_key(key, out, &n) == 1 &&
	     n == ED25519_PUBLIC_LEN);
}

void ed25519_sign(uint8_t out[ED25519_SIGNATURE_LEN],
		  const struct key32 *secret, struct span message)
{
	AUTO(auto_key)
	EVP_PKEY *key = private_of(secret);
	AUTO(auto_md_ctx)
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = ED25519_SIGNATURE_LEN;

	must(ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
	     EVP_DigestSign(ctx, out, &n, bytes(message), message.n) == 1 &&
	     n == ED25519_SIGNATURE_LEN);
}

bool ed25519_verify(const uint8_t key[ED25519_PUBLIC_LEN],
		    const uint8_t signature[ED25519_SIGNATURE_LEN],
		    struct span message)
{
	AUTO(auto_key)
	EVP_PKEY *k = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key,
						  ED25519_PUBLIC_LEN);
	AUTO(auto_md_ctx)
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	must(ctx);
	ok = k && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, k) == 1 &&
	     EVP_DigestVerify(ctx, signature, ED25519_SIGNATURE_LEN,
			      bytes(message), message.n) == 1;
	if (!ok)
		ERR_clear_error();
	return ok;
}
