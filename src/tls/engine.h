/*
 * engine: the ciphers of TLS 1.3 records, for many connections in turn.
 *
 * A connection that waits keeps its keys and no context: an engine, one a
 * thread, lends its own, and remembers the last key of each direction, so that
 * a run of records costs one key schedule.  AES-GCM is ipsec-mb's where the
 * processor has its widest form (VAES, VPCLMULQDQ over AVX-512), else
 * libcrypto's; ChaCha20-Poly1305 is libcrypto's.
 *
 * Source: RFC 8446 §5.2, §5.3, §B.4.
 */
#ifndef POSTERN_TLS_ENGINE_H
#define POSTERN_TLS_ENGINE_H

#include "base/secret.h"
#include "base/span.h"

enum {
	ENGINE_TAG_LEN = 16,
	ENGINE_NONCE_LEN = 12,
};

enum engine_suite { /* RFC 8446 §B.4; numbers of our own */
	ENGINE_AES_128_GCM, /* with SHA-256 */
	ENGINE_AES_256_GCM, /* with SHA-384 */
	ENGINE_CHACHA20, /* with Poly1305 and SHA-256 */
	ENGINE_SUITES,
};

struct engine;

/* Returns owned: engine_free(), which erases the keys it remembers. */
struct engine *engine_new(void);
void engine_free(struct engine *e);
/* "ipsec-mb" or "libcrypto": what AES-GCM is done by. */
const char *engine_name(const struct engine *e);
/* For tests and measurements: libcrypto alone from now on. */
void engine_be_plain(struct engine *e);

size_t engine_key_len(enum engine_suite suite);

/*
 * Encrypts plain and after it the byte 'type' into out, plain.n + 1 + 16 bytes.
 * out and plain do not overlap.  AES-128 takes the first 16 bytes of the key.
 */
void engine_seal(struct engine *e, enum engine_suite suite, uint8_t *out,
		 const struct key32 *key, const uint8_t nonce[ENGINE_NONCE_LEN],
		 struct span ad, struct span plain, uint8_t type);
/*
 * Decrypts 'sealed', at least 16 bytes, to out[0 .. sealed.n - 16), which may
 * be where sealed is.  False when the tag is wrong: out holds nothing then that
 * may be used.
 */
[[nodiscard]] bool engine_open(struct engine *e, enum engine_suite suite,
			       uint8_t *out, const struct key32 *key,
			       const uint8_t nonce[ENGINE_NONCE_LEN],
			       struct span ad, struct span sealed);

#endif
