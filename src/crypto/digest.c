/* Not through EVP, for the reasons that sha256.c gives. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/digest.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "base/secret.h"

enum {
	BLOCK_MAX = 128,
	/* RFC 2104 §2 */
	INNER_PAD = 0x36,
	OUTER_PAD = 0x5c,
};

/* Cannot fail: no memory is needed, and spans are shorter than 2^61 bytes. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

static SHA256_CTX *as256(struct digest *d)
{
	static_assert(sizeof(SHA256_CTX) <= DIGEST_STATE);
	return (SHA256_CTX *)d->state;
}

static SHA512_CTX *as384(struct digest *d)
{
	static_assert(sizeof(SHA512_CTX) <= DIGEST_STATE);
	return (SHA512_CTX *)d->state;
}

size_t digest_len(enum digest_kind kind)
{
	return kind == DIGEST_SHA384 ? SHA384_DIGEST_LENGTH
				     : SHA256_DIGEST_LENGTH;
}

static size_t block_len(enum digest_kind kind)
{
	return kind == DIGEST_SHA384 ? SHA512_CBLOCK : SHA256_CBLOCK;
}

void digest_init(struct digest *d, enum digest_kind kind)
{
	d->kind = kind;
	if (kind == DIGEST_SHA384)
		must(SHA384_Init(as384(d)) == 1);
	else
		must(SHA256_Init(as256(d)) == 1);
}

void digest_add(struct digest *d, struct span bytes)
{
	if (d->kind == DIGEST_SHA384)
		must(SHA384_Update(as384(d), bytes.p, bytes.n) == 1);
	else
		must(SHA256_Update(as256(d), bytes.p, bytes.n) == 1);
}

static void finish(struct digest *d, uint8_t *out)
{
	if (d->kind == DIGEST_SHA384)
		must(SHA384_Final(out, as384(d)) == 1);
	else
		must(SHA256_Final(out, as256(d)) == 1);
	secret_wipe(d->state, sizeof(d->state));
}

void digest_value(const struct digest *d, uint8_t out[DIGEST_MAX])
{
	struct digest copy = *d;

	finish(&copy, out);
}

/* Begins a hash with the key, padded to a block, under a mask. */
static void begin_pad(struct digest *d, enum digest_kind kind,
		      const uint8_t key[BLOCK_MAX], uint8_t mask)
{
	uint8_t block[BLOCK_MAX];
	size_t n = block_len(kind), i;

	for (i = 0; i < n; i++)
		block[i] = key[i] ^ mask;
	digest_init(d, kind);
	digest_add(d, span_of(block, n));
	secret_wipe(block, sizeof(block));
}

void digest_hmac(uint8_t out[DIGEST_MAX], enum digest_kind kind,
		 struct span key, const struct span *parts, size_t count)
{
	uint8_t padded[BLOCK_MAX] = { 0 }, inner[DIGEST_MAX];
	struct digest d;
	size_t i;

	if (key.n > block_len(kind)) {
		digest_init(&d, kind);
		digest_add(&d, key);
		finish(&d, padded);
	} else if (key.n > 0) {
		memcpy(padded, key.p, key.n);
	}
	begin_pad(&d, kind, padded, INNER_PAD);
	for (i = 0; i < count; i++)
		digest_add(&d, parts[i]);
	finish(&d, inner);
	begin_pad(&d, kind, padded, OUTER_PAD);
	digest_add(&d, span_of(inner, digest_len(kind)));
	finish(&d, out);
	secret_wipe(padded, sizeof(padded));
	secret_wipe(inner, sizeof(inner));
}
