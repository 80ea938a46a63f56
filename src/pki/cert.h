/*
 * cert: an X.509 v3 certificate with a P-256 key, read into views.
 *
 * Only the profile of Intel's SGX PKI and of our simulator: ECDSA P-256 with
 * SHA-256, named curve, uncompressed point.  Reads only; signatures, dates,
 * names and constraints are the caller's to check.  No allocation and no
 * libcrypto: a chain is read in microseconds.
 *
 * Source: RFC 5280 §4; RFC 5480 §2; Intel SGX PCK Certificate and CRL Profile
 * Specification 1.5.
 */
#ifndef POSTERN_PKI_CERT_H
#define POSTERN_PKI_CERT_H

#include "base/rc.h"
#include "base/span.h"
#include "crypto/p256.h"

enum {
	CERT_MAX = 4096, /* bytes of DER we read */
	CERT_EXTENSIONS_MAX = 32,
	CERT_SERIAL_MAX = 21, /* 20 octets (RFC 5280 §4.1.2.2) and a sign */
	CERT_NO_PATH_LEN = 255,
};

/* keyUsage bits as this struct has them: bit n of RFC 5280 §4.2.1.3. */
enum {
	CERT_USE_SIGNATURE = 1 << 0,
	CERT_USE_CERT_SIGN = 1 << 5,
	CERT_USE_CRL_SIGN = 1 << 6,
};

/* Spans borrow the bytes given to cert_parse. */
struct cert {
	struct span der; /* the whole certificate */
	struct span tbs; /* what the signature covers */
	struct span serial; /* content of the INTEGER */
	/* the Names whole: compared byte by byte */
	struct span issuer, subject;
	struct span common_name; /* of the subject; n == 0: it has none */
	int64_t not_before, not_after; /* unix seconds, both inclusive */
	struct p256_point key;
	bool is_ca;
	uint8_t path_len; /* CERT_NO_PATH_LEN: no limit is given */
	uint16_t key_usage; /* 0: no such extension */
	struct span ski, aki; /* key identifiers; n == 0: absent */
	struct span sgx; /* value of extension 1.2.840.113741.1.13.1 */
	struct p256_signature signature;
};

/*
 * RC_OK           *out is filled
 * RC_MALFORMED    not DER, an extension twice, bytes left over
 * RC_UNSUPPORTED  another version, key or signature algorithm, or a critical
 *                 extension we do not know
 * RC_LIMIT        larger than CERT_MAX, or too many extensions
 *
 * On failure *out is untouched.
 */
enum rc cert_parse(struct cert *out, struct span der);

/*
 * The names say that 'issuer' made 'c', and the key identifiers, where both
 * have one, do not say otherwise.  No signature is checked.
 */
bool cert_names_issuer(const struct cert *c, const struct cert *issuer);

/* The subject's common name contains this text. */
bool cert_name_has(const struct cert *c, const char *text);

/*
 * A P-256 public key by itself: SubjectPublicKeyInfo, uncompressed.  That the
 * point is on the curve is not checked.  As cert_parse()'s failures.
 */
enum rc cert_public_key(struct p256_point *out, struct span der);

/* The signature algorithm element all our objects carry (used by crl too). */
struct span cert_signature_algorithm(void);

#endif
