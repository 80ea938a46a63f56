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
#include "base/secret.h"
#include "base/span.h"

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
 * Verification is arithmetic of our own (p256_field, p256_scalar, p256_group),
 * unlike all else here: libcrypto makes a key object of each point and decodes
 * each signature from DER that we had to encode, which is 100 allocations where
 * a key is seen once, and its points allocate even then.  Ours allocates
 * nothing, has no state, and is for public numbers only: time depends on them.
 * Private keys and signing are libcrypto's.
 */

/* The point is on the curve, and not its infinity. */
[[nodiscard]] bool p256_is_point(const struct p256_point *at);
/*
 * True when 'sig' is over 'message' (hashed here with SHA-256) by the key of
 * this point; false, too, for a point off the curve.
 */
[[nodiscard]] bool p256_verify(const struct p256_point *at,
			       const struct p256_signature *sig,
			       struct span message);
/* The same of a message in parts, one behind the other. */
[[nodiscard]] bool p256_verify_parts(const struct p256_point *at,
				     const struct p256_signature *sig,
				     const struct span *parts, size_t count);

/* DER (SEQUENCE of two INTEGERs, as in X.509) to raw; false when malformed. */
bool p256_signature_from_der(struct p256_signature *out, struct span der);

/* A private key; only simulator, sealed services and tests make these. */
struct p256_private;

/* Returns owned: p256_private_free(), which erases it. */
struct p256_private *p256_private_generate(void);
/* From and to PKCS#8 PEM.  RC_MALFORMED: not a P-256 private key. */
enum rc p256_private_from_pem(struct p256_private **out, struct span pem);
/* From a scalar.  RC_MALFORMED: zero, or not below the order. */
enum rc p256_private_from_secret(struct p256_private **out,
				 const struct key32 *secret);
/* NUL-terminated; returns owned: free() after secret_wipe(). */
char *p256_private_to_pem(const struct p256_private *k);
void p256_private_free(struct p256_private *k);
void p256_private_point(const struct p256_private *k, struct p256_point *out);
void p256_sign(const struct p256_private *k, struct p256_signature *out,
	       struct span message);

#endif
