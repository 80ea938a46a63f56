/*
 * Not through EVP, unlike all other hashes: each EVP_DigestInit_ex() of OpenSSL
 * 3.0 allocates a state of its own, and so does a copy of a fresh context, so
 * that a hash for which everything is set up still allocates once.  These three
 * are the same code beneath, the processor's instructions included, over a
 * state that is ours.  3.0 calls them deprecated; only this file does not mind.
 * They go round its providers: one for FIPS does not see these hashes.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/sha256.h"

#include <assert.h>
#include <stdlib.h>

#include <openssl/sha.h>

#include "base/secret.h"

/* Cannot fail: no memory is needed, and spans are shorter than 2^61 bytes. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

void sha256_parts(struct sha256 *out, const struct span *parts, size_t count)
{
	SHA256_CTX ctx;

	static_assert(sizeof(out->b) == SHA256_DIGEST_LENGTH);
	must(SHA256_Init(&ctx) == 1);
	for (size_t i = 0; i < count; i++)
		must(SHA256_Update(&ctx, parts[i].p, parts[i].n) == 1);
	must(SHA256_Final(out->b, &ctx) == 1);
	secret_wipe(&ctx, sizeof(ctx)); /* as EVP does */
}

void sha256_of(struct sha256 *out, struct span b)
{
	sha256_parts(out, &b, 1);
}
