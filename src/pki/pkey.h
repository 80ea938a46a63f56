/*
 * pkey: our P-256 keys as libcrypto wants them for signing X.509 structures.
 *
 * For the modules of this room that write: issue, request, proof.
 */
#ifndef POSTERN_PKI_PKEY_H
#define POSTERN_PKI_PKEY_H

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/rc.h"
#include "crypto/p256.h"

/* Return owned: pkey_auto(), or EVP_PKEY_free().  NULL when libcrypto will
 * not have it: a point that is not on the curve. */
EVP_PKEY *pkey_private(const struct p256_private *k);
EVP_PKEY *pkey_public(const struct p256_point *at);
/* For AUTO(). */
void pkey_auto(EVP_PKEY **k);

/* Forgets what libcrypto has to say about it: RC_CRYPTO. */
enum rc pkey_failed(void);
/*
 * Appends the n bytes at p that an i2d_*() of libcrypto allocated, and frees
 * them.  RC_CRYPTO when n says that it failed, RC_LIMIT when they do not fit.
 */
enum rc pkey_take_der(struct buf *der, uint8_t *p, int n);

#endif
