/*
 * libsodium's, whose ladder takes a third less time than libcrypto's with all
 * that EVP does around it; a public key takes half.
 */
#include "crypto/x25519.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/mem.h"
#include "crypto/rng.h"

/* Chooses the code for this processor; again, it does nothing.  It fails only
 * where the kernel gives no random bytes. */
static void be_ready(void)
{
	if (sodium_init() < 0)
		abort();
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
	static_assert(sizeof(secret->b) == crypto_scalarmult_SCALARBYTES);
	be_ready();
	if (crypto_scalarmult_base(public_key, secret->b) != 0)
		abort(); /* of no scalar: it is clamped */
}

bool x25519_shared(struct key32 *out, const struct key32 *secret,
		   const uint8_t peer_public[32])
{
	struct key32 shared AUTO(key32_wipe) = { 0 };

	be_ready();
	/* libsodium refuses the all-zero result by itself; asking again costs
	 * nothing and does not depend on its version. */
	if (crypto_scalarmult(shared.b, secret->b, peer_public) != 0 ||
	    key32_is_zero(&shared)) {
		memset(out, 0, sizeof(*out));
		return false;
	}
	*out = shared;
	return true;
}
