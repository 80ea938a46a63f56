/*
 * rsapss: certificates and CRLs signed with RSA-4096 PSS and SHA-384: the
 * profile of AMD's SEV-SNP keys (ARK, ASK, ASVK, VCEK, VLEK).
 *
 * Read by libcrypto, unlike pki/cert: a report needs three certificates, once,
 * and no hot path leads here.  What is read is narrow all the same: version 3,
 * DER to the last byte, this one signature algorithm, a key that is RSA-4096
 * or P-384, no critical extension we do not know.  Dates, names and
 * constraints are the caller's to check, and nothing is trusted here.
 *
 * Source: AMD 57230 (VCEK certificate and KDS), §2, §3; RFC 5280; RFC 4055 §3.1
 * (RSASSA-PSS-params; AMD writes the default trailerField in some certificates
 * and leaves it out in others).
 */
#ifndef POSTERN_PKI_RSAPSS_H
#define POSTERN_PKI_RSAPSS_H

#include "base/rc.h"
#include "base/span.h"
#include "crypto/p384.h"

enum {
	RSAPSS_CERT_MAX = 4096, /* bytes of DER; real ones are below 1700 */
	RSAPSS_CRL_MAX = 1024 * 1024,
	RSAPSS_NAME_MAX = 64, /* of a common name, X.520 ub-common-name */
};

struct x509_st;
struct X509_crl_st;

enum rsapss_key {
	RSAPSS_KEY_RSA, /* 4096 bits: can verify certificates and CRLs */
	RSAPSS_KEY_P384, /* signs reports */
};

struct rsapss_cert {
	struct x509_st *x509; /* owned */
	char common_name[RSAPSS_NAME_MAX + 1]; /* of the subject */
	int64_t not_before, not_after; /* unix seconds, both inclusive */
	enum rsapss_key key;
	struct p384_point point; /* RSAPSS_KEY_P384 */
	bool is_ca, may_sign_certs, may_sign_crls; /* false: does not say so */
};

/*
 * RC_OK           *out owns memory: rsapss_cert_fini()
 * RC_MALFORMED    no certificate, bytes over, an extension twice, not exactly
 *                 one common name of printable ASCII
 * RC_UNSUPPORTED  another version, key or signature algorithm, or a critical
 *                 extension that is not known
 * RC_LIMIT        larger than RSAPSS_CERT_MAX
 *
 * On failure *out is untouched.
 */
enum rc rsapss_cert_read(struct rsapss_cert *out, struct span der);
/* A zeroed one too. */
void rsapss_cert_fini(struct rsapss_cert *c);

/* 'issuer' has the name that 'c' gives its issuer; no signature is checked. */
bool rsapss_names_issuer(const struct rsapss_cert *c,
			 const struct rsapss_cert *issuer);
/* The signature of 'c' is by the RSA key of 'issuer'. */
[[nodiscard]] bool rsapss_is_signed_by(const struct rsapss_cert *c,
				       const struct rsapss_cert *issuer);
/* The value of the extension with this dotted identifier; false: it has none.
 * Borrows c. */
bool rsapss_extension(const struct rsapss_cert *c, const char *oid,
		      struct span *value);

struct rsapss_crl {
	struct X509_crl_st *crl; /* owned */
	int64_t this_update, next_update; /* unix seconds, both inclusive */
};

/*
 * As rsapss_cert_read(); RC_MALFORMED also without nextUpdate.  A critical
 * extension of the list or of an entry is RC_UNSUPPORTED: a delta, indirect or
 * partitioned list does not say what a complete one says.
 */
enum rc rsapss_crl_read(struct rsapss_crl *out, struct span der);
void rsapss_crl_fini(struct rsapss_crl *c);
bool rsapss_crl_names_issuer(const struct rsapss_crl *c,
			     const struct rsapss_cert *issuer);
[[nodiscard]] bool rsapss_crl_is_signed_by(const struct rsapss_crl *c,
					   const struct rsapss_cert *issuer);
/* The list holds the serial number of this certificate. */
bool rsapss_crl_lists(const struct rsapss_crl *c,
		      const struct rsapss_cert *cert);

#endif
