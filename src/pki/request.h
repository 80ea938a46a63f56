/*
 * request: a certificate signing request for one P-256 key and a list of
 * names, as an ACME server wants it: empty subject, all names in one
 * subjectAltName.
 *
 * Names are taken as they are: that they are host names is the caller's to
 * know.  What a CA puts into the certificate is for the CA; no key usage or
 * policy is asked for.
 *
 * Source: RFC 2986 §4 (CertificationRequest); RFC 2985 §5.4.2
 * (extensionRequest); RFC 5280 §4.2.1.6; RFC 8555 §7.4; RFC 8738 §3.
 */
#ifndef POSTERN_PKI_REQUEST_H
#define POSTERN_PKI_REQUEST_H

#include "base/buf.h"
#include "base/rc.h"
#include "crypto/p256.h"

enum {
	REQUEST_NAMES_MAX = 100,
	REQUEST_DER_MAX = 64 * 1024, /* a request of ours is smaller */
};

enum request_kind {
	REQUEST_DNS, /* ASCII, 1..253 bytes, perhaps with "*." in front */
	REQUEST_IP, /* 4 or 16 bytes */
};

struct request_name {
	enum request_kind kind;
	struct span value;
};

/*
 * Appends the DER of the request to *der, signed with 'key'.
 *
 * RC_LIMIT   no names or more than REQUEST_NAMES_MAX, or it does not fit
 * RC_MALFORMED  a name's length is not one its kind has
 * RC_CRYPTO  libcrypto refuses
 *
 * On failure *der is unchanged.
 */
enum rc request_make(struct buf *der, const struct p256_private *key,
		     const struct request_name *names, size_t count);

#endif
