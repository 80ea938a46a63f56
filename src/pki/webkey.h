/*
 * webkey: signatures of the web's keys: ECDSA, RSA and Ed25519 keys as
 * SubjectPublicKeyInfo, read and used through libcrypto.
 *
 * Verifying only.  A key too weak (RSA below 2048 bits, a curve other than
 * P-256, P-384, P-521) verifies nothing.  Nor does one of a form in which a
 * key can be made for a signature that is there already (duplicate-signature
 * key selection), and somebody be given an issuer he never had: a curve by its
 * parameters, an RSA exponent that is even, 1 or longer than 32 bits.
 *
 * Source: RFC 5280 §4.1.2.7; RFC 5480 §2.1.1; RFC 6962 §2.1.4; RFC 8032;
 * RFC 8410; Baseline Requirements §6.1.5, §6.1.6.
 */
#ifndef POSTERN_PKI_WEBKEY_H
#define POSTERN_PKI_WEBKEY_H

#include "base/span.h"

enum {
	WEBKEY_ED25519_LEN = 32,
	WEBKEY_ED25519_SIGNATURE_LEN = 64,
	WEBKEY_RSA_BITS_MIN = 2048,
	WEBKEY_RSA_EXPONENT_BITS_MAX = 32,
};

enum webkey_kind {
	WEBKEY_NONE, /* unreadable, weak, or of another kind */
	WEBKEY_EC,
	WEBKEY_RSA,
	WEBKEY_ED25519,
};
enum webkey_kind webkey_kind_of(struct span spki);

/*
 * 'signature' is over parts[0] || ... || parts[count-1] with SHA-256 by this
 * key, which is of this kind: ECDSA in DER, or RSA with PKCS #1 v1.5.
 */
[[nodiscard]] bool webkey_verify(struct span spki, enum webkey_kind kind,
				 const struct span *parts, size_t count,
				 struct span signature);

/* The signature of an X.509 object: 'algorithm' is the AlgorithmIdentifier
 * whole.  False also for an algorithm outside ECDSA and RSA PKCS #1 v1.5 with
 * SHA-256, SHA-384 and SHA-512, and Ed25519. */
[[nodiscard]] bool webkey_signed(struct span spki, struct span algorithm,
				 struct span message, struct span signature);

/* RFC 8032, pure: the key by itself, and a signature of 64 bytes. */
[[nodiscard]] bool webkey_ed25519(const uint8_t key[WEBKEY_ED25519_LEN],
				  struct span message, struct span signature);

#endif
