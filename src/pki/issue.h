/*
 * issue: X.509 certificates and CRLs of the shape Intel's SGX PKI has, made
 * for the simulated platform and for tests.
 *
 * It writes what it is told, wrong things included (a leaf that claims to be a
 * CA, a validity that ends before it begins): negative tests need them.  It
 * keeps nothing, and no product path that verifies uses it.
 *
 * All keys are P-256, all signatures ECDSA with SHA-256.  Key identifiers are
 * the leftmost 160 bits of SHA-256 over the public point (RFC 7093 §2, 1).
 *
 * Source: RFC 5280 §4 (certificates), §5 (CRLs); Intel SGX PCK Certificate
 * and CRL Profile Specification, rev 1.4 (names, extensions and their order).
 */
#ifndef POSTERN_PKI_ISSUE_H
#define POSTERN_PKI_ISSUE_H

#include "base/buf.h"
#include "base/rc.h"
#include "crypto/p256.h"

enum {
	ISSUE_SERIAL_LEN = 20,
	ISSUE_DER_MAX = 64 * 1024, /* a certificate or CRL of ours is smaller */
};

/* What the certificate may do: its basicConstraints and its keyUsage. */
enum issue_role {
	ISSUE_CA, /* CA:TRUE; keyCertSign, cRLSign */
	ISSUE_END, /* CA:FALSE; digitalSignature, nonRepudiation */
};

/* A name is CN beside fixed O, L, ST and C that say "simulated". */
struct issue_certificate {
	const char *subject; /* the CN, at most 64 characters */
	const char *issuer; /* the issuer's CN */
	uint8_t serial[ISSUE_SERIAL_LEN]; /* big-endian, positive, not 0 */
	int64_t not_before, not_after; /* unix seconds */
	enum issue_role role;
	int path_len; /* ISSUE_CA only */
	struct p256_point key; /* the subject's */
	struct p256_point issuer_key; /* for the authority key identifier */
	const char *crl_url; /* CRL distribution point */
	struct span sgx; /* value of the SGX extension; n == 0: none */
};

/*
 * Appends the DER of the certificate, signed with 'signer', to *der.
 * RC_CRYPTO when libcrypto refuses a field, RC_LIMIT when it does not fit; *der
 * is unchanged then.
 */
enum rc issue_certificate(struct buf *der, const struct issue_certificate *c,
			  const struct p256_private *signer);

/* One SGX extension (1.2.840.113741.1.13.1), all seven entries. */
struct issue_sgx {
	uint8_t ppid[16];
	uint8_t component[16]; /* SGX TCB component SVNs */
	uint16_t pce_svn;
	uint8_t cpu_svn[16];
	uint8_t pce_id[2];
	uint8_t fmspc[6];
	uint8_t sgx_type; /* 0 standard, 1 scalable, 2 with integrity */
	uint8_t platform_instance_id[16];
	bool is_dynamic, has_cached_keys, has_smt;
};

/* Writes the extension's value: a SEQUENCE of SEQUENCE { OID, value }. */
void issue_sgx(struct wr *w, const struct issue_sgx *s);

struct issue_crl {
	const char *issuer; /* CN */
	struct p256_point issuer_key;
	int64_t this_update, next_update; /* unix seconds */
	uint64_t number; /* crlNumber */
	const uint8_t (*revoked)[ISSUE_SERIAL_LEN]; /* reason: keyCompromise */
	size_t revoked_count;
};

/* Appends the DER of the CRL to *der; failures as issue_certificate. */
enum rc issue_crl(struct buf *der, const struct issue_crl *c,
		  const struct p256_private *signer);

#endif
