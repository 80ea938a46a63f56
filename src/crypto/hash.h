/*
 * hash: SHA-384 and SHA-512 over the concatenation of spans, and with sha256
 * SHA-256; HMAC and HKDF on that.
 *
 * libcrypto cannot fail on these with memory at hand; if it does the process
 * aborts, so results need no check.
 *
 * Source: FIPS 180-4; RFC 2104; RFC 5869.
 */
#ifndef POSTERN_CRYPTO_HASH_H
#define POSTERN_CRYPTO_HASH_H

#include "base/merkle.h"
#include "base/secret.h"
#include "base/span.h"
#include "crypto/sha256.h"

struct sha384 {
	uint8_t b[48];
};
struct sha512 {
	uint8_t b[64];
};

/* Hash of parts[0] || ... || parts[count-1]. */
void sha384_parts(struct sha384 *out, const struct span *parts, size_t count);
void sha512_parts(struct sha512 *out, const struct span *parts, size_t count);
/* Hash of one span. */
void sha384_of(struct sha384 *out, struct span b);
void sha512_of(struct sha512 *out, struct span b);

/* SHA-384 of bytes that come one after another.  sha384_done() gives the hash
 * and frees what sha384_new() made. */
struct sha384_stream;
struct sha384_stream *sha384_new(void);
void sha384_add(struct sha384_stream *stream, struct span b);
void sha384_done(struct sha384 *out, struct sha384_stream *stream);

/* SHA-256 in the form that base/merkle.h takes. */
merkle_hash_fn hash_merkle_sha256;

void hmac_sha256(struct sha256 *out, struct span key, struct span data);
/* RFC 5869: extract with 'salt', expand with 'info' to n <= 8160 bytes. */
void hkdf_sha256(void *out, size_t n, struct span salt, struct span secret,
		 struct span info);

#endif
