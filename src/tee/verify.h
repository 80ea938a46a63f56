/*
 * verify: is this evidence what it says, on a platform in good order, and does
 * our policy accept it?  One entry point; there is no way to run half of it.
 *
 * Evidence is a TDX or SGX quote, or an AMD SEV-SNP report: the bytes tell
 * which, and tee/claims.h gives what is common to all of them.
 *
 * Three layers, each with its own reason: cryptographic validity (PCK chain to
 * the anchor, both CRLs, TCB info, QE identity, QE report, attestation key,
 * quote), TCB status, policy.
 *
 * Pure: no I/O, no clock, no global state; thread-safe.
 *
 * Two ways to the same checks: tee_verify() for one quote, and tee_prepare()
 * with tee_verify_prepared() where many quotes meet the same collateral, whose
 * own signatures are then checked once.
 *
 * Source: Intel SGX/TDX DCAP Quote formats v3, v4, v5; Intel PCS v4 documents;
 * the choices where verifiers disagree are in docs/DESIGN.md §6.
 */
#ifndef POSTERN_TEE_VERIFY_H
#define POSTERN_TEE_VERIFY_H

#include "base/rc.h"
#include "base/span.h"
#include "crypto/p256.h"
#include "tee/kind.h"
#include "tee/pck.h"
#include "tee/quote.h"
#include "tee/reason.h"
#include "tee/snp.h"
#include "tee/status.h"

struct tee_policy;

/* The documents a verification needs, each exactly as served.  Borrowed. */
struct tee_collateral {
	struct span root_crl; /* DER, or PEM or hex of it: pki/crl_form.h */
	struct span pck_crl; /* the same */
	struct span tcb_info; /* JSON: {"tcbInfo":{...},"signature":"..."} */
	struct span tcb_info_chain; /* PEM: signer, root */
	struct span qe_identity; /* the same with "enclaveIdentity" */
	struct span qe_identity_chain; /* PEM */
	/*
	 * PEM: PCK certificate, its CA, root.  For quotes that do not carry
	 * them (certification types 1..3); n == 0: none.  When the quote does,
	 * both must be the same bytes, up to the NULs and line ends behind.
	 */
	struct span pck_chain;
	/*
	 * PEM: the PCK CRL's issuer and root, or n == 0.  With it PCK CA and
	 * PCK CRL are verified once in tee_prepare(), and not for each quote
	 * whose PCK certificate is of this CA.
	 */
	struct span pck_crl_chain;
	/* For SEV-SNP reports, which need nothing of the above. */
	struct snp_collateral snp;
};

/*
 * A root key.  'label' names it in verdicts; a simulated one marks every
 * verdict that rests on it.  Quotes go by the key, SEV-SNP reports by the
 * certificate: an anchor of one kind is never one of the other.
 */
struct tee_anchor {
	struct p256_point key; /* zero, no point: an anchor for reports */
	const char *label;
	bool is_simulated;
	/* SHA-256 of the root certificate as it is served, which then needs no
	 * check of its self-signature; zero: not known. */
	uint8_t certificate[32];
};

/* Intel's root, compiled in. */
extern const struct tee_anchor tee_anchor_intel;

/*
 * A simulated anchor (label "simulated") from the PEM of its self-signed root
 * certificate.  RC_MALFORMED: not one such certificate; RC_DENIED: it holds
 * Intel's key, which is no simulation.
 */
enum rc tee_anchor_simulated(struct tee_anchor *out, struct span pem);

enum {
	TEE_ANCHOR_AMD_COUNT = 3,
};
/* AMD's roots (ARK) of Milan, Genoa and Turin, compiled in. */
extern const struct tee_anchor tee_anchors_amd[TEE_ANCHOR_AMD_COUNT];
/* As tee_anchor_simulated(), for reports: the root is as an ARK. */
enum rc tee_anchor_simulated_snp(struct tee_anchor *out, struct span pem);

enum {
	TEE_ADVISORIES_MAX = 64,
	TEE_ADVISORY_LEN = 32,
	TEE_DETAIL_MAX = 256,
};

struct tee_input {
	struct span quote; /* or SEV-SNP report */
	const struct tee_collateral *collateral;
	const struct tee_anchor *anchors;
	size_t anchor_count;
	const struct tee_policy *policy; /* NULL: the default policy */
	int64_t at; /* unix seconds */
};

/* Filled whatever the outcome, as far as the verification came. */
struct tee_verdict {
	enum tee_reason reason; /* TEE_OK: accepted */
	/* rule, expected and found, for a person; "" when accepted */
	char detail[TEE_DETAIL_MAX];
	enum tee_kind kind;
	bool is_verified; /* cryptographically valid (layer 1) */
	bool is_simulated; /* rests on a simulated anchor */
	char anchor[64]; /* the anchor's label */
	enum tee_tcb_status tcb_status;
	char advisories[TEE_ADVISORIES_MAX][TEE_ADVISORY_LEN];
	size_t advisory_count;
	uint32_t tcb_evaluation, qe_evaluation; /* tcbEvaluationDataNumber */
	int64_t earliest_issue, earliest_expiry; /* over all collateral */
	int64_t root_crl_issue; /* the root CRL alone: it is renewed yearly */
	int64_t monthly_issue; /* the earliest of the others */
	uint8_t fmspc[6];
	uint8_t ppid[16];
	uint8_t platform_instance_id[16]; /* zero: none */
	/* the parts of tcb_status; TCB_NONE: not reached or not there */
	enum tee_tcb_status platform_status, module_status, qe_status;
	int64_t tcb_date; /* of the platform's level */
	int64_t behind_since; /* see tee/tcb.h */
	int64_t at; /* the input's */
	struct pck_info pck; /* the PCK certificate's SGX extension */
	char image[64]; /* name of the policy image that matched, or "" */
	struct quote quote; /* parsed; borrows the input's bytes */
	/* SEV-SNP: these two, and of the above from fmspc on only 'at' and
	 * 'image'.  AMD publishes no TCB status: tcb_status is TCB_NONE. */
	struct snp_report snp; /* parsed; borrows the input's bytes */
	struct snp_platform snp_platform;
};

/* Verifies.  verdict->reason says the outcome; nothing else decides. */
void tee_verify(struct tee_verdict *verdict, const struct tee_input *in);

/*
 * Collateral whose signatures rest on one of the anchors, read and ready for
 * any number of verifications, from any number of threads.  It says nothing
 * about time: each verification checks every date again.
 */
struct tee_prepared;

/*
 * TEE_OK and *out owned (tee_prepared_free), or why the collateral is refused,
 * with detail.  The documents and anchors are copied.
 */
enum tee_reason tee_prepare(struct tee_prepared **out,
			    char detail[TEE_DETAIL_MAX],
			    const struct tee_collateral *collateral,
			    const struct tee_anchor *anchors,
			    size_t anchor_count);
void tee_prepared_free(struct tee_prepared *p);

/* What prepared collateral says of itself. */
struct tee_prepared_info {
	enum quote_tee tcb_tee, qe_tee;
	uint8_t fmspc[6];
	uint32_t tcb_evaluation, qe_evaluation;
	/* issueDate and thisUpdate */
	int64_t tcb_issued, qe_issued, pck_crl_issued, root_crl_issued;
	/* when all documents and their signers are valid, both inclusive */
	int64_t valid_from, valid_to;
	char anchor[64];
	bool is_simulated;
};
void tee_prepared_info(struct tee_prepared_info *out,
		       const struct tee_prepared *p);

/*
 * Any other document that Intel signs as it does TCB info, with 'chain' (PEM:
 * signer, root) and the root's revocation list: *object is the signed member
 * 'name' and borrows 'text'.  TEE_OK, or why it is refused at the time 'at',
 * with detail; *object is then untouched.
 */
struct tee_signed_document {
	struct span text, chain, root_crl;
	const char *name;
};
enum tee_reason tee_document_open(struct span *object,
				  char detail[TEE_DETAIL_MAX],
				  const struct tee_signed_document *document,
				  const struct tee_anchor *anchors,
				  size_t anchor_count, int64_t at);

/*
 * AMD's documents, read once for any number of reports and threads: names,
 * signatures, revocation.  Whatever is wrong with them is said by each
 * verification, as tee_verify() says it, so this cannot fail.  Copies; returns
 * owned: tee_prepared_snp_free().
 */
struct tee_prepared_snp;
struct tee_prepared_snp *tee_prepare_snp(const struct snp_collateral *c,
					 const struct tee_anchor *anchors,
					 size_t anchor_count);
void tee_prepared_snp_free(struct tee_prepared_snp *p);
/* As tee_verify(), of reports only; policy NULL: the default policy. */
void tee_verify_prepared_snp(struct tee_verdict *verdict,
			     const struct tee_prepared_snp *p,
			     struct span report,
			     const struct tee_policy *policy, int64_t at);

/* As tee_verify(), of quotes only; policy NULL: the default policy. */
void tee_verify_prepared(struct tee_verdict *verdict,
			 const struct tee_prepared *p, struct span quote,
			 const struct tee_policy *policy, int64_t at);

#endif
