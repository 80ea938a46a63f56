/*
 * sim_pki: the keys and certificates of a simulated platform: a root, a PCK
 * Platform CA, a TCB signer, one PCK certificate and one attestation key.
 *
 * Made per installation and kept in its state folder; never part of a build.
 * Nothing but the root's key tells it from Intel's: same shapes, same checks.
 * All names begin with "SIMULATED - NOT FOR PRODUCTION".
 *
 * Source: docs/DESIGN.md §6; Intel SGX PCK Certificate and CRL Profile
 * Specification, rev 1.4 (names).
 */
#ifndef POSTERN_QUOTING_SIM_PKI_H
#define POSTERN_QUOTING_SIM_PKI_H

#include "base/buf.h"
#include "base/rc.h"
#include "pki/issue.h"
#include "quoting/sim_knobs.h"
#include "tee/verify.h"

enum sim_key {
	SIM_KEY_ROOT,
	SIM_KEY_CA,
	SIM_KEY_SIGNER,
	SIM_KEY_PCK,
	SIM_KEY_ATTESTATION,
	SIM_KEY_COUNT,
};

/* In the order of their keys above. */
enum sim_cert {
	SIM_CERT_ROOT,
	SIM_CERT_CA,
	SIM_CERT_SIGNER,
	SIM_CERT_PCK,
	SIM_CERT_COUNT,
};

#define SIM_LABEL "SIMULATED - NOT FOR PRODUCTION"

/* Zeroed: empty. */
struct sim_pki {
	struct p256_private *key[SIM_KEY_COUNT];
	struct buf cert[SIM_CERT_COUNT]; /* DER */
	uint8_t serial[SIM_CERT_COUNT][ISSUE_SERIAL_LEN];
	struct issue_sgx platform; /* what the PCK certificate says */
};

/* Fresh keys and certificates valid at 'now'; 'knobs' may be NULL. */
enum rc sim_pki_generate(struct sim_pki *out, const struct sim_knobs *knobs,
			 int64_t now);

/*
 * The platform of the state folder: read from folder/platform.pem (keys and
 * certificates, mode 0600, replaced as one), made when there is none.
 * Certificates that do not fit their keys or end within 60 days are issued
 * again under the same keys.
 *
 * RC_SYS        errno; error names the file
 * RC_MALFORMED  the file is not ours; nothing was overwritten
 */
enum rc sim_pki_open(struct sim_pki *out, const char *folder, int64_t now,
		     char error[256]);

void sim_pki_fini(struct sim_pki *p);

/* Issues all four certificates again, as 'knobs' (or NULL) has it. */
enum rc sim_pki_certify(struct sim_pki *p, const struct sim_knobs *knobs,
			int64_t now);

/* The trust anchor of this platform.  Its label is static. */
void sim_pki_anchor(struct tee_anchor *out, const struct sim_pki *p);
/* Appends the certificate as PEM. */
enum rc sim_pki_pem(struct buf *pem, const struct sim_pki *p, enum sim_cert c);

/* The CN of a certificate. */
const char *sim_pki_name(enum sim_cert c);

/*
 * The key that signs: pki's own or, 'by_stranger', one made for the occasion,
 * which *stranger then owns.
 */
const struct p256_private *sim_pki_signer(const struct sim_pki *p,
					  enum sim_key key, bool by_stranger,
					  struct p256_private **stranger);
/* For AUTO(). */
void sim_key_auto(struct p256_private **k);

#endif
