/*
 * derive: the app's keys, all from one root that a key provider gives to this
 * app alone.
 *
 *   key = HKDF-SHA256(salt "postern/guest-key/v1", root,
 *                     kind ‖ counter ‖ be16 n ‖ purpose ‖ be16 n ‖ path)
 *
 * 'kind' is one byte: 1 secp256k1, 2 Ed25519, 3 bytes without a curve, 4
 * P-256, 16 the key that vouches for others, 17 the certificate authority's.
 * So no two triples of algorithm, purpose and path give the same bytes,
 * whatever stands in them.  (dstack's derivation ignores the purpose and gives
 * the same 32 bytes for both curves.)  'counter' is 0, and counts up where the
 * result is no scalar of the curve: once in 2^128 for secp256k1, in 2^32 for
 * P-256.
 *
 * Source: RFC 5869; docs/GUEST.md.
 */
#ifndef POSTERN_GUEST_DERIVE_H
#define POSTERN_GUEST_DERIVE_H

#include "base/secret.h"
#include "base/span.h"
#include "crypto/p256.h"
#include "crypto/secp256k1.h"

enum {
	DERIVE_TEXT_MAX = 1024, /* bytes of a purpose, and of a path */
};

enum derive_algorithm {
	DERIVE_SECP256K1 = 1,
	DERIVE_ED25519 = 2,
	DERIVE_RAW = 3,
};

struct derive_name {
	enum derive_algorithm algorithm;
	struct span purpose, path; /* each at most DERIVE_TEXT_MAX */
};

void derive_key(struct key32 *out, const struct key32 *root,
		const struct derive_name *name);
/* The public key of one; SECP256K1: 33 bytes, ED25519: 32, RAW: none.
 * Returns its length. */
size_t derive_public(uint8_t out[SECP256K1_PUBLIC_LEN],
		     enum derive_algorithm algorithm, const struct key32 *key);

/* Signs for the others (secp256k1). */
void derive_voucher(struct key32 *out, const struct key32 *root);
/* P-256: the one of a path, without a purpose; the certificate authority's.
 * Each returns owned: p256_private_free(). */
struct p256_private *derive_p256(const struct key32 *root, struct span path);
struct p256_private *derive_authority(const struct key32 *root);

/*
 * dstack's signature over a derived key: by the voucher, over
 * Keccak-256(purpose ":" hex(public key)).
 */
void derive_vouch(uint8_t out[SECP256K1_RECOVERABLE_LEN],
		  const struct key32 *voucher, struct span purpose,
		  struct span public_key);
/*
 * dstack's signature over the voucher: over
 * Keccak-256("dstack-kms-issued:" app_id, its compressed public key).  By the
 * voucher itself where no key service signs: who recovers the signer then finds
 * a key that is no service's.
 */
void derive_self_issue(uint8_t out[SECP256K1_RECOVERABLE_LEN],
		       const struct key32 *voucher, struct span app_id);

#endif
