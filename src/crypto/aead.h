/*
 * aead: ChaCha20-Poly1305 and XChaCha20-Poly1305.
 *
 * A struct aead is a key made ready once and used for many messages; it owns
 * libcrypto contexts and is not shared between threads.
 *
 * Source: RFC 8439 §2.8; draft-irtf-cfrg-xchacha-03 §2 (HChaCha20 and on).
 */
#ifndef POSTERN_CRYPTO_AEAD_H
#define POSTERN_CRYPTO_AEAD_H

#include "base/rc.h"
#include "base/secret.h"
#include "base/span.h"

enum {
	AEAD_TAG_LEN = 16,
	AEAD_NONCE_LEN = 12,
	XAEAD_NONCE_LEN = 24,
};

struct aead;

/* Copies the key.  Returns owned: aead_free(), which erases it. */
struct aead *aead_new(const struct key32 *key);
void aead_free(struct aead *a);
/* From now on with this key; costs little when it is the one it had. */
void aead_rekey(struct aead *a, const struct key32 *key);

/*
 * Encrypts 'plain' to out[0 .. plain.n + 16).  out may be plain.p.  The nonce
 * is 4 zero bytes then the counter, little-endian (WireGuard §5.4.6).
 */
void aead_seal(struct aead *a, void *out, uint64_t counter, struct span ad,
	       struct span plain);
/*
 * Decrypts and checks 'sealed' (at least 16 bytes) to out[0 .. sealed.n - 16);
 * out may be sealed.p.
 *
 * False when the tag is wrong or sealed is too short; out is then zeroed or
 * untouched, never plaintext.
 */
[[nodiscard]] bool aead_open(struct aead *a, void *out, uint64_t counter,
			     struct span ad, struct span sealed);

/* One message under a key used once or rarely: no context is kept. */
void aead_seal_once(void *out, const struct key32 *key, uint64_t counter,
		    struct span ad, struct span plain);
[[nodiscard]] bool aead_open_once(void *out, const struct key32 *key,
				  uint64_t counter, struct span ad,
				  struct span sealed);

/* The same with a nonce of which every byte is given (HPKE). */
void aead_seal_nonce(void *out, const struct key32 *key,
		     const uint8_t nonce[AEAD_NONCE_LEN], struct span ad,
		     struct span plain);
[[nodiscard]] bool aead_open_nonce(void *out, const struct key32 *key,
				   const uint8_t nonce[AEAD_NONCE_LEN],
				   struct span ad, struct span sealed);

/* The same with a 24-byte nonce (WireGuard's cookie reply). */
void xaead_seal(void *out, const struct key32 *key,
		const uint8_t nonce[XAEAD_NONCE_LEN], struct span ad,
		struct span plain);
[[nodiscard]] bool xaead_open(void *out, const struct key32 *key,
			      const uint8_t nonce[XAEAD_NONCE_LEN],
			      struct span ad, struct span sealed);

#endif
