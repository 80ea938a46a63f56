/*
 * p256: ECDSA over NIST P-256 with SHA-256, in the raw form of SGX and TDX:
 * points as x || y and signatures as r || s, 32 big-endian bytes each.
 *
 * Verification does not demand low s: DCAP allows both (so never use a
 * signature as an identifier).
 *
 * Source: FIPS 186-5 §6; SEC 1 §2.3.
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

/* A public key checked to be on the curve and ready for many verifications. */
struct p256_public;

/*
 * RC_OK      *out is owned: p256_public_free()
 * RC_CRYPTO  the point is not on the curve
 */
enum rc p256_public_new(struct p256_public **out, const struct p256_point *at);
/* The same with the curve taken from a key made before: four times faster. */
enum rc p256_public_new_like(struct p256_public **out,
			     const struct p256_public *like,
			     const struct p256_point *at);
void p256_public_free(struct p256_public *k);

/* True when 'sig' is by the key over 'message' (hashed here with SHA-256). */
[[nodiscard]] bool p256_verify(const struct p256_public *k,
			       const struct p256_signature *sig,
			       struct span message);
/* One verification with a key used once; false for a point off the curve. */
[[nodiscard]] bool p256_verify_once(const struct p256_point *at,
				    const struct p256_signature *sig,
				    struct span message);

enum p256_answer {
	P256_VALID,
	P256_INVALID, /* not by this key over this message */
	P256_NO_KEY, /* the point is off the curve */
};
/*
 * As p256_verify_once(), the curve taken from a key made before, which any
 * number of threads may lend.  Allocates nothing besides libcrypto's own.
 */
[[nodiscard]] enum p256_answer
p256_verify_like(const struct p256_public *like, const struct p256_point *at,
		 const struct p256_signature *sig, struct span message);

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
