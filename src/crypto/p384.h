/*
 * p384: verifying ECDSA over NIST P-384 with SHA-384, in the raw form: points
 * as x || y and signatures as r || s, 48 big-endian bytes each.
 *
 * AMD's chip and cloud keys sign SEV-SNP reports with it; nothing of ours
 * signs.  Low s is not demanded, so a signature is no identifier.
 *
 * Source: FIPS 186-5 §6; SEC 1 §2.3.
 */
#ifndef POSTERN_CRYPTO_P384_H
#define POSTERN_CRYPTO_P384_H

#include "base/span.h"

enum {
	P384_COORDINATE_LEN = 48,
	P384_POINT_LEN = 2 * P384_COORDINATE_LEN,
};

struct p384_point {
	uint8_t xy[P384_POINT_LEN];
};
struct p384_signature {
	uint8_t rs[P384_POINT_LEN];
};

/*
 * True when 'sig' is by the key at this point over 'message' (hashed here with
 * SHA-384); false also for a point off the curve.
 */
[[nodiscard]] bool p384_verify(const struct p384_point *at,
			       const struct p384_signature *sig,
			       struct span message);

#endif
