/*
 * dstackv1: keys of version 1 of dstack's guest API, which are others than
 * those of its first: named by domain and algorithm, and vouched for in a claim
 * that cannot be read in two ways.
 *
 *   LP(x) = be32(length of x) || x
 *   key   = HKDF-SHA256(salt "dstack-guest-v1", the app's key,
 *                       LP("dstack-guest-v1-key") || LP(algorithm) ||
 *                       LP(domain))
 *   claim = LP("dstack-guest-v1-key-claim") || LP(algorithm) || LP(domain) ||
 *           LP(public key), signed as Keccak-256(claim)
 *
 * The app's key is dstack's app root key; here it is the voucher (derive.h).
 *
 * Source: dstack's docs/guest-api-v1.md, "Key derivation" and "Link 0".
 */
#ifndef POSTERN_GUEST_DSTACKV1_H
#define POSTERN_GUEST_DSTACKV1_H

#include "guest/derive.h"

struct dstackv1_name {
	enum derive_algorithm algorithm; /* SECP256K1 or ED25519 (asserted) */
	struct span domain; /* at most DERIVE_TEXT_MAX */
};

/* False: it is no scalar of the curve (once in 2^128); the caller is to choose
 * another domain. */
[[nodiscard]] bool dstackv1_key(struct key32 *out, const struct key32 *app,
				const struct dstackv1_name *name);
void dstackv1_vouch(uint8_t out[SECP256K1_RECOVERABLE_LEN],
		    const struct key32 *app, const struct dstackv1_name *name,
		    struct span public_key);

#endif
