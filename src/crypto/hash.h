/*
 * hash: SHA-2 over the concatenation of spans, HMAC and HKDF on SHA-256.
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

struct sha256 {
	uint8_t b[32];
};
struct sha384 {
	uint8_t b[48];
};
struct sha512 {
	uint8_t b[64];
};

/* Hash of parts[0] || ... || parts[count-1]. */
void sha256_parts(struct sha256 *out, const struct span *parts, size_t count);
void sha384_parts(struct sha384 *out, const struct span *parts, size_t count);
void sha512_parts(struct sha512 *out, const struct span *parts, size_t count);
/* Hash of one span. */
void sha256_of(struct sha256 *out, struct span b);
void sha384_of(struct sha384 *out, struct span b);
void sha512_of(struct sha512 *out, struct span b);

/* SHA-384 of bytes that come one after another.  sha384_done() gives the hash
 * and frees what sha384_new() made. */
struct sha384_stream;
struct sha384_stream *sha384_new(void);
void sha384_add(struct sha384_stream *stream, struct span b);
void sha384_done(struct sha384 *out, struct sha384_stream *stream);

/*
 * SHA-256 many times, by one thread at a time: what libcrypto looks up and sets
 * up for the functions above at each call is kept.  A hash allocates once,
 * inside libcrypto, which has no interface that does not.
 */
struct hasher;

/* Returns owned: hasher_free(). */
struct hasher *hasher_new(void);
void hasher_free(struct hasher *h);
/* As sha256_parts. */
void hasher_sha256(struct hasher *h, struct sha256 *out,
		   const struct span *parts, size_t count);

/* SHA-256 in the form that base/merkle.h takes. */
merkle_hash_fn hash_merkle_sha256;

void hmac_sha256(struct sha256 *out, struct span key, struct span data);
/* RFC 5869: extract with 'salt', expand with 'info' to n <= 8160 bytes. */
void hkdf_sha256(void *out, size_t n, struct span salt, struct span secret,
		 struct span info);

#endif
