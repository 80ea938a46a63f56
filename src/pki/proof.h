/*
 * proof: the certificate that answers a tls-alpn-01 challenge.
 *
 * Self-signed, with exactly one name and a critical acmeIdentifier extension
 * that holds the hash of the key authorization.  It is shown to a client that
 * offers the protocol "acme-tls/1", and to no other.
 *
 * Source: RFC 8737 §3; RFC 8738 §6 (an address as the name).
 */
#ifndef POSTERN_PKI_PROOF_H
#define POSTERN_PKI_PROOF_H

#include "pki/request.h"

#include "crypto/sha256.h"

#define PROOF_ALPN "acme-tls/1" /* RFC 8737 §6.2 */

/*
 * Appends the DER to *der.  'digest' is SHA-256 of the key authorization.  The
 * serial number is taken from it: the same challenge gives the same one.
 * 'key' is a fresh one; it must not be the account's.  Failures as
 * request_make().
 */
enum rc proof_make(struct buf *der, const struct p256_private *key,
		   const struct request_name *name,
		   const struct sha256 *digest, int64_t not_before,
		   int64_t not_after);

#endif
