#include "crypto/x25519.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/mem.h"
#include "crypto/rng.h"

enum {
	KEY_LEN = 32,
};

static void auto_pkey(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

static void auto_pkey_ctx(EVP_PKEY_CTX **c)
{
	EVP_PKEY_CTX_free(*c);
}

/* 32 bytes are always a key: failing means the library is broken. */
static EVP_PKEY *private_of(const struct key32 *secret)
{
	EVP_PKEY *k = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL,
						   secret->b, KEY_LEN);

	if (!k)
		abort();
	return k;
}

void x25519_clamp(struct key32 *secret)
{
	secret->b[0] &= 248;
	secret->b[31] = (uint8_t)((secret->b[31] & 127) | 64);
}

void x25519_generate(struct key32 *secret)
{
	rng_bytes(secret->b, sizeof(secret->b));
	x25519_clamp(secret);
}

void x25519_public(uint8_t public_key[32], const struct key32 *secret)
{
	EVP_PKEY *k AUTO(auto_pkey) = private_of(secret);
	size_t n = KEY_LEN;

	if (EVP_PKEY_get_raw_public_key(k, public_key, &n) != 1 || n != KEY_LEN)
		abort();
}

bool x25519_shared(struct key32 *out, const struct key32 *secret,
		   const uint8_t peer_public[32])
{
	EVP_PKEY *own AUTO(auto_pkey) = private_of(secret);
	EVP_PKEY *peer AUTO(auto_pkey) = EVP_PKEY_new_raw_public_key(
		EVP_PKEY_X25519, NULL, peer_public, KEY_LEN);
	EVP_PKEY_CTX *ctx AUTO(auto_pkey_ctx) = EVP_PKEY_CTX_new(own, NULL);
	struct key32 shared AUTO(key32_wipe) = { 0 };
	size_t n = sizeof(shared.b);

	/* libcrypto refuses the all-zero result by itself; asking again costs
	 * nothing and does not depend on its version. */
	if (!peer || !ctx || EVP_PKEY_derive_init(ctx) != 1 ||
	    EVP_PKEY_derive_set_peer(ctx, peer) != 1 ||
	    EVP_PKEY_derive(ctx, shared.b, &n) != 1 || n != sizeof(shared.b) ||
	    key32_is_zero(&shared)) {
		ERR_clear_error();
		memset(out, 0, sizeof(*out));
		return false;
	}
	*out = shared;
	return true;
}
