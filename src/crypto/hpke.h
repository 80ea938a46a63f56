/*
 * hpke: one message to the holder of an X25519 key: HPKE's base mode with
 * DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305, one message a
 * context.  By hand because OpenSSL has it only since 3.2.
 *
 * Base mode says nothing about who sent it: who must know signs what is sent.
 *
 * Source: RFC 9180 §4.1, §5.1, §5.1.1, §6.1, §7.
 */
#ifndef POSTERN_CRYPTO_HPKE_H
#define POSTERN_CRYPTO_HPKE_H

#include "base/secret.h"
#include "base/span.h"

enum {
	HPKE_ENC_LEN = 32, /* the sender's ephemeral public key */
	HPKE_TAG_LEN = 16,
	HPKE_INFO_MAX = 256,
};

/*
 * Encrypts 'plain' to out[0 .. plain.n + 16).  info is at most HPKE_INFO_MAX
 * bytes (asserted).  False: 'to' is a point of low order, of which nobody has
 * the secret.
 */
[[nodiscard]] bool hpke_seal(uint8_t enc[HPKE_ENC_LEN], void *out,
			     const uint8_t to[32], struct span info,
			     struct span ad, struct span plain);
/* The same with an ephemeral secret that is given: for test vectors. */
[[nodiscard]] bool hpke_seal_with(uint8_t enc[HPKE_ENC_LEN], void *out,
				  const struct key32 *ephemeral,
				  const uint8_t to[32], struct span info,
				  struct span ad, struct span plain);
/*
 * Decrypts to out[0 .. sealed.n - 16).  False: it is not for this key, info and
 * ad, or was changed; out holds no plaintext then.
 */
[[nodiscard]] bool hpke_open(void *out, const struct key32 *secret,
			     const uint8_t enc[HPKE_ENC_LEN], struct span info,
			     struct span ad, struct span sealed);

#endif
