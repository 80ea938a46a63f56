/*
 * chapoly: ChaCha20-Poly1305 over batches of messages, for packets.
 *
 * One message after the other leaves most of a vector unit idle; eight side by
 * side fill it.  The messages of a batch may have different keys and lengths;
 * batches of equal lengths are the fastest.  There is no additional data, as in
 * WireGuard's transport messages.  Does not choose nonces: the caller never
 * gives one counter twice under a key.
 *
 * Takes the same time for all contents of the same lengths.  Not shared between
 * threads.
 *
 * Source: RFC 8439 §2.3 to §2.8; the nonce is 4 zero bytes then the counter,
 * little-endian (WireGuard whitepaper §5.4.6).
 */
#ifndef POSTERN_CRYPTO_CHAPOLY_H
#define POSTERN_CRYPTO_CHAPOLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

enum {
	CHAPOLY_TAG_LEN = 16,
};

/* How it is computed. */
enum chapoly_path {
	CHAPOLY_PORTABLE, /* libcrypto, one message at a time */
	CHAPOLY_AVX2, /* groups of 4 */
	CHAPOLY_AVX512, /* groups of 8; needs IFMA and VBMI2 */
	CHAPOLY_PATHS,
};

/* One message, changed in place: n bytes and the tag behind them. */
struct chapoly_job {
	const struct key32 *key; /* borrowed for the call */
	uint64_t counter;
	uint8_t *bytes; /* n + CHAPOLY_TAG_LEN */
	size_t n; /* without the tag */
	bool is_authentic; /* chapoly_open()'s answer */
};

struct chapoly;

/* Whether this processor and system can; the portable path always. */
bool chapoly_has(enum chapoly_path path);
/* The fastest there is. */
enum chapoly_path chapoly_best(void);
/* A path that chapoly_has().  Returns owned: chapoly_free(). */
struct chapoly *chapoly_new(enum chapoly_path path);
void chapoly_free(struct chapoly *c);

/* Encrypts each message and writes its tag. */
void chapoly_seal(struct chapoly *c, struct chapoly_job *jobs, size_t count);
/* Checks each message and decrypts it.  One that is not authentic is all zero
 * afterwards, never plaintext. */
void chapoly_open(struct chapoly *c, struct chapoly_job *jobs, size_t count);

#endif
