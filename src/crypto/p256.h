/*
 * p256: ECDSA over NIST P-256 with SHA-256, in the raw form of SGX and TDX:
 * points as x || y and signatures as r || s, 32 big-endian bytes each.
 *
 * Verification does not demand low s: DCAP allows both (so never use a
 * signature as an identifier).
 *
 * Source: FIPS 186-5 §6; SEC 1 §2.3, §4.1.4.
 */
#ifndef POSTERN_CRYPTO_P256_H
#define POSTERN_CRYPTO_P256_H

#include "base/rc.h"
#include "base/span.h"
#include "crypto/hash.h"

enum {
	P256_POINT_LEN = 64,
	P256_SIGNATURE_LEN = 64,
};

struct p256_point {
	uint8_t xy[P256_POINT_LEN];
};
struct p256_signature {
	uint8_t rs[P256_SIGNATURE_LEN];
};

/*
 * What verifications need besides their input: the curve, numbers, room.  For
 * one thread at a time, any number of keys, and as long as one likes.
 *
 * Not through EVP_PKEY, unlike all else here: that makes a key object of each
 * point, with a copy of the curve, and decodes each signature from DER that we
 * had to encode; a verification whose key is seen once costs 100 allocations
 * and a fifth more time.  The hard part, points and their multiples, is still
 * libcrypto's (EC_POINT); the equation is ours, and so is half of 1/s, which
 * libcrypto checks.  Everything here is public: time depends on it.
 */
struct p256_verifier;

/* Borrows 'hasher' until it is freed.  Returns owned: p256_verifier_free(). */
struct p256_verifier *p256_verifier_new(struct hasher *hasher);
void p256_verifier_free(struct p256_verifier *v);

/* The point is on the curve, and not its infinity. */
[[nodiscard]] bool p256_is_point(struct p256_verifier *v,
				 const struct p256_point *at);
/*
 * True when 'sig' is over 'message' (hashed here with SHA-256) by the key of
 * this point; false, too, for a point off the curve.  Four allocations, all
 * inside libcrypto.
 */
[[nodiscard]] bool p256_verify(struct p256_verifier *v,
			       const struct p256_point *at,
			       const struct p256_signature *sig,
			       struct span message);
/* Both without a verifier kept: a quarter slower. */
[[nodiscard]] bool p256_is_point_once(const struct p256_point *at);
[[nodiscard]] bool p256_verify_once(const struct p256_point *at,
				    const struct p256_signature *sig,
				    struct span message);

/* DER (SEQUENCE of two INTEGERs, as in X.509) to raw; false when malformed. */
bool p256_signature_from_der(struct p256_signature *out, struct span der);

/* A private key; only simulator, sealed services and tests make these. */
struct p256_private;

/* Returns owned: p256_private_free(), which erases it. */
struct p256_private *p256_private_generate(void);
/* From and to PKCS#8 PEM.  RC_MALFORMED: not a P-256 private key. */
enum rc p256_private_from_pem(struct p256_private **out, struct span pem);
/* NUL-terminated; returns owned: free() after secret_wipe(). */
char *p256_private_to_pem(const struct p256_private *k);
void p256_private_free(struct p256_private *k);
void p256_private_point(const struct p256_private *k, struct p256_point *out);
void p256_sign(const struct p256_private *k, struct p256_signature *out,
	       struct span message);

#endif
