/*
 * crl: a certificate revocation list, read into views.
 *
 * Complete lists of one issuer only: a delta, indirect or partitioned list has
 * a critical extension, and those are refused.  Reads only; signature, dates
 * and issuer are the caller's to check.
 *
 * Source: RFC 5280 §5; Intel SGX PCK Certificate and CRL Profile 1.5 §4.
 */
#ifndef POSTERN_PKI_CRL_H
#define POSTERN_PKI_CRL_H

#include "base/rc.h"
#include "base/span.h"
#include "crypto/p256.h"
#include "pki/cert.h"

enum {
	CRL_MAX = 1024 * 1024,
};

/* Spans borrow the bytes given to crl_parse. */
struct crl {
	struct span tbs; /* what the signature covers */
	struct span issuer; /* the Name whole */
	int64_t this_update, next_update; /* unix seconds, both inclusive */
	struct span number; /* content of the cRLNumber INTEGER */
	struct span aki; /* key identifier of the issuer */
	struct span entries; /* checked; for crl_lists */
	size_t entry_count;
	struct p256_signature signature;
};

/*
 * RC_OK           *out is filled, every entry was checked
 * RC_MALFORMED    not DER, no nextUpdate, cRLNumber or authority key
 *                 identifier, an extension twice, bytes left over
 * RC_UNSUPPORTED  another version or signature algorithm, or a critical
 *                 extension of the list or of an entry
 * RC_LIMIT        larger than CRL_MAX
 *
 * On failure *out is untouched.
 */
enum rc crl_parse(struct crl *out, struct span der);

/* The list holds this serial number (content octets, as in struct cert). */
bool crl_lists(const struct crl *c, struct span serial);

/* As cert_names_issuer. */
bool crl_names_issuer(const struct crl *c, const struct cert *issuer);

#endif
