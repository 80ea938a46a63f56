/*
 * web: an X.509 v3 certificate of anybody's, read into views: whatever key and
 * signature algorithm it has, final certificate or precertificate.
 *
 * Reads only: signature, dates, names and constraints are the caller's to
 * check (pki/path.h builds and validates chains, pki/webname.h compares
 * names, pki/webtbs.h makes what SCTs are over).  Strict DER; an extension
 * twice, a length that does not tile or a signature algorithm that differs
 * inside and outside is refused.  What no function here knows is no reason to
 * refuse: unknown extensions, critical or not, are counted and skipped.
 *
 * No allocation, no libcrypto, no clock.
 *
 * Source: RFC 5280 §4; RFC 6962 §3.1 to §3.3 (precertificates, embedded SCTs).
 */
#ifndef POSTERN_PKI_WEB_H
#define POSTERN_PKI_WEB_H

#include "base/rc.h"
#include "base/span.h"
#include "crypto/sha256.h"

enum {
	WEB_CERT_MAX = 256 * 1024, /* bytes of DER we read */
	WEB_EXTENSIONS_MAX = 64,
	WEB_SERIAL_MAX = 21, /* 20 octets (RFC 5280 §4.1.2.2) and a sign */
	WEB_NO_PATH_LEN = 255,
	WEB_IPV4_LEN = 4,
	WEB_IPV6_LEN = 16,
};

/* extKeyUsage purposes we name (RFC 5280 §4.2.1.12; RFC 6962 §3.1). */
enum {
	WEB_EKU_SERVER = 1 << 0,
	WEB_EKU_CLIENT = 1 << 1,
	WEB_EKU_ANY = 1 << 2,
	WEB_EKU_PRECERT_SIGNING = 1 << 3,
	WEB_EKU_OTHER = 1 << 4,
};

/* keyUsage: bit n of RFC 5280 §4.2.1.3. */
enum {
	WEB_USE_SIGNATURE = 1 << 0,
	WEB_USE_CERT_SIGN = 1 << 5,
	WEB_USE_CRL_SIGN = 1 << 6,
};

/* Spans borrow the bytes given to web_parse() or web_parse_tbs(). */
struct web_cert {
	struct span der; /* the whole certificate; n == 0: only a TBS */
	struct span tbs; /* TBSCertificate whole: what the signature covers */
	struct span serial; /* content of the INTEGER, shortest form */
	/* the Names whole: compared byte by byte */
	struct span issuer, subject;
	/* content of the subject's last commonName; n == 0: it has none.  Any
	 * bytes: escape before showing, and never match a host with it */
	struct span common_name;
	/* content of the issuer's last organizationName and commonName */
	struct span issuer_organization, issuer_common_name;
	int64_t not_before, not_after; /* unix seconds, both inclusive */
	struct span spki; /* SubjectPublicKeyInfo whole */
	/* AlgorithmIdentifier whole, and the signature's bytes; both empty for
	 * a TBS alone */
	struct span algorithm, signature;
	struct span extensions; /* content of the list */
	size_t unknown_critical; /* critical ones that no field here holds */

	bool is_ca; /* basicConstraints says so */
	uint8_t path_len; /* WEB_NO_PATH_LEN: no limit is given */
	bool has_key_usage, has_eku;
	uint16_t key_usage; /* WEB_USE_* and the others */
	uint8_t eku; /* WEB_EKU_*; 0 without has_eku */
	struct span sans; /* content of GeneralNames, for web_san_next() */
	size_t dns_count, ip_count;
	struct span ski, aki; /* key identifiers; n == 0: absent */
	struct span scts; /* SignedCertificateTimestampList; n == 0: none */
	bool is_precert; /* it has the poison (RFC 6962 §3.1) */
	struct span crl_points; /* content, for web_crl_point_next() */
	struct span ca_issuers; /* first http(s) URL of AIA; n == 0: none */
};

/*
 * RC_OK           *out is filled
 * RC_MALFORMED    not DER, an extension twice, bytes left over, an algorithm
 *                 inside that is not the one outside
 * RC_UNSUPPORTED  another version than 3
 * RC_LIMIT        larger than WEB_CERT_MAX, or too many extensions
 *
 * On failure *out is untouched.
 */
enum rc web_parse(struct web_cert *out, struct span der);

/* The same of a TBSCertificate alone, as CT logs hold it for a precertificate.
 * 'der', 'algorithm' and 'signature' are then empty. */
enum rc web_parse_tbs(struct web_cert *out, struct span tbs);

/* One subjectAltName. */
enum web_san_type {
	WEB_SAN_DNS, /* value: the name's bytes, any ASCII, not checked more */
	WEB_SAN_IP, /* value: 4 or 16 bytes, network order */
	WEB_SAN_OTHER,
};
struct web_san {
	enum web_san_type type;
	struct span value;
};
/* The next of *left, which starts as a copy of 'sans'; false at the end. */
bool web_san_next(struct span *left, struct web_san *out);

/* A DistributionPoint of cRLDistributionPoints, RFC 5280 §4.2.1.13. */
struct web_crl_point {
	struct span names; /* content of fullName; n == 0: none */
	struct span url; /* the first http(s) URI of those; n == 0: none */
	/* it covers only some reasons, or another CA signs the list */
	bool has_reasons, has_issuer;
};
/* The next of *left, which starts as a copy of 'crl_points'. */
bool web_crl_point_next(struct span *left, struct web_crl_point *out);
/* The URL of the first point that covers every reason and whose list the
 * certificate's own issuer signs. */
bool web_crl_url(const struct web_cert *c, struct span *url);

/* The value of any extension by the content octets of its identifier. */
bool web_extension(const struct web_cert *c, struct span oid,
		   struct span *value, bool *is_critical);

/* SHA-256 of c->spki. */
void web_spki_sha256(struct sha256 *out, const struct web_cert *c);

/* The names say that 'issuer' made 'c', and the key identifiers, where both
 * have one, do not say otherwise.  No signature is checked. */
bool web_names_issuer(const struct web_cert *c, const struct web_cert *issuer);

/* Content octets of the identifiers: the SCT list, the poison. */
struct span web_oid_scts(void);
struct span web_oid_poison(void);

#endif
