/*
 * blake2s: BLAKE2s, plain and keyed, and HMAC over it, as WireGuard uses them.
 *
 * Our own, because WireGuard checks a keyed BLAKE2s of every handshake message
 * before anything else, and libcrypto allocates for each one.
 *
 * Source: RFC 7693; WireGuard whitepaper §5.4.
 */
#ifndef POSTERN_CRYPTO_BLAKE2S_H
#define POSTERN_CRYPTO_BLAKE2S_H

#include "base/span.h"

enum {
	BLAKE2S_LEN = 32,
	BLAKE2S_BLOCK_LEN = 64,
};

struct blake2s {
	uint32_t h[8];
	uint64_t count;
	uint8_t block[BLAKE2S_BLOCK_LEN];
	size_t block_len, out_len;
};

/* out_len 1..32, key 0..32 bytes (empty: unkeyed). */
void blake2s_init(struct blake2s *s, size_t out_len, struct span key);
void blake2s_update(struct blake2s *s, struct span b);
/* Writes out_len bytes and erases the state. */
void blake2s_final(struct blake2s *s, void *out);

/* All at once over a || b; either may be empty. */
void blake2s_2(void *out, size_t out_len, struct span key, struct span a,
	       struct span b);
/* HMAC-BLAKE2s with a 32-byte result over a || b (RFC 2104). */
void blake2s_hmac(void *out, struct span key, struct span a, struct span b);

#endif
