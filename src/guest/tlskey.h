/*
 * tlskey: fresh TLS keys for containers, with certificates of the app's own
 * authority, whose key is derived (derive.h): the same after each restart, so
 * that a container can be told to trust it once.
 */
#ifndef POSTERN_GUEST_TLSKEY_H
#define POSTERN_GUEST_TLSKEY_H

#include "crypto/p256.h"
#include "guest/call.h"
#include "guest/desk.h"

enum {
	TLSKEY_DEFAULT_S = 365 * 86400, /* a leaf's life */
	TLSKEY_MAX_S = 3650 * 86400,
	TLSKEY_BEFORE_S = 300, /* of clocks that are late */
};

/* NULL: the names and dates can be; otherwise what is wrong. */
const char *tlskey_fault(const struct call *c, int64_t now_s);
/* dstack's report data of a certificate with a quote:
 * SHA-512("ratls-cert:" || SubjectPublicKeyInfo). */
void tlskey_bind(struct sha512 *out, const struct p256_private *key);
/* Appends {"key": PEM, "certificate_chain": [leaf, authority]}.  'quote' is
 * empty without one.  As desk_authority(). */
enum rc tlskey_write(struct buf *out, const struct desk_world *w,
		     const struct call *c, const struct p256_private *key,
		     struct span quote);

#endif
