/*
 * appcert: certificates that an app's own authority issues inside its CVM: the
 * authority's, and leaves for the app's containers, which may carry a quote
 * (RA-TLS).
 *
 * All keys are P-256, all signatures ECDSA with SHA-256; a serial number is
 * random.  Names are taken as they are: that they are host names is the
 * caller's to know.
 *
 * Source: RFC 5280 §4; dstack's RA-TLS extensions under 1.3.6.1.4.1.62397.1
 * (1 the quote, 2 the event log, 3 the app id, 9 the app's information, each an
 * OCTET STRING inside).
 */
#ifndef POSTERN_PKI_APPCERT_H
#define POSTERN_PKI_APPCERT_H

#include "pki/request.h"

enum {
	APPCERT_NAME_MAX = 64, /* ub-common-name */
};

/* Borrowed for the call. */
struct appcert {
	struct span subject; /* CN, UTF-8, at most 64 bytes; n == 0: none */
	const struct request_name *names; /* subjectAltName */
	size_t name_count;
	int64_t not_before, not_after; /* unix seconds */
	bool is_server, is_client; /* extended key usage; neither: none */
	/* n == 0: no extension */
	struct span quote, event_log, app_id, app_info;
};

/*
 * Appends the DER of the authority's certificate: self-signed, CA:TRUE,
 * pathlen 0.  Of 'c' it takes subject and dates.
 *
 * RC_MALFORMED  a subject or a name that X.509 has no room for
 * RC_CRYPTO     libcrypto refuses a field
 * RC_LIMIT      it does not fit
 *
 * On failure *der is unchanged.
 */
enum rc appcert_authority(struct buf *der, const struct appcert *c,
			  const struct p256_private *key);
/* The same of a leaf for 'key', signed by the authority of that subject. */
enum rc appcert_leaf(struct buf *der, const struct appcert *c,
		     const struct p256_point *key, struct span authority,
		     const struct p256_private *signer);

#endif
