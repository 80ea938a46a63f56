#include "guest/signature.h"

#include <assert.h>
#include <string.h>

#include "crypto/ed25519.h"
#include "crypto/hash.h"
#include "crypto/secp256k1.h"

const char *signature_fault(const struct call *c)
{
	if (c->algorithm == CALL_RAW)
		return "algorithm: expected one that signs";
	if (c->algorithm == CALL_SECP256K1_PREHASHED &&
	    c->data.n != SECP256K1_DIGEST_LEN)
		return "data: expected a digest of 32 bytes";
	return NULL;
}

static void digest_of(uint8_t out[SECP256K1_DIGEST_LEN], const struct call *c)
{
	struct sha256 h;

	if (c->algorithm == CALL_SECP256K1_PREHASHED) {
		memcpy(out, c->data.p, SECP256K1_DIGEST_LEN);
		return;
	}
	sha256_of(&h, c->data);
	memcpy(out, h.b, sizeof(h.b));
}

void signature_make(uint8_t out[SIGNATURE_LEN], const struct key32 *secret,
		    const struct call *c)
{
	uint8_t whole[SECP256K1_RECOVERABLE_LEN], digest[SECP256K1_DIGEST_LEN];

	assert(!signature_fault(c));
	if (c->algorithm == CALL_ED25519) {
		ed25519_sign(out, secret, c->data);
		return;
	}
	digest_of(digest, c);
	secp256k1_sign(whole, secret, digest);
	memcpy(out, whole, SIGNATURE_LEN);
}

bool signature_check(const struct call *c)
{
	uint8_t digest[SECP256K1_DIGEST_LEN];

	assert(!signature_fault(c));
	if (c->signature.n != SIGNATURE_LEN)
		return false;
	if (c->algorithm == CALL_ED25519)
		return c->public_key.n == ED25519_PUBLIC_LEN &&
		       ed25519_verify(c->public_key.p, c->signature.p, c->data);
	digest_of(digest, c);
	return secp256k1_verify(c->public_key, c->signature.p, digest);
}
