/*
 * reason: why evidence was refused.  The names are stable: logs, JSON output,
 * the channel's refusals and the tests use them.
 *
 * In the order of the layers: format, chain, CRL, collateral, QE, module,
 * quote, TCB, policy.
 */
#ifndef POSTERN_TEE_REASON_H
#define POSTERN_TEE_REASON_H

/*
 * X(CONSTANT, "stable-name").  Append only; nobody renames.  A new one goes
 * into tee/layer and docs/REASONS.md, too; a test compares them.
 */
#define TEE_REASONS(X) \
	X(TEE_OK, "ok") \
	/* format of the quote */ \
	X(TEE_QUOTE_TOO_SHORT, "quote-too-short") \
	X(TEE_QUOTE_TOO_LARGE, "quote-too-large") \
	X(TEE_QUOTE_VERSION, "quote-version-unsupported") \
	X(TEE_QUOTE_KEY_TYPE, "quote-key-type-unsupported") \
	X(TEE_QUOTE_VENDOR, "quote-vendor-unknown") \
	X(TEE_QUOTE_TEE_TYPE, "quote-tee-type-unsupported") \
	X(TEE_QUOTE_BODY, "quote-body-mismatch") \
	X(TEE_QUOTE_AUTH_SIZE, "quote-auth-size") \
	X(TEE_QUOTE_CERT_TYPE, "quote-certification-type") \
	X(TEE_QUOTE_TRAILING, "quote-trailing-bytes") \
	/* PCK chain */ \
	X(TEE_PCK_PEM, "pck-chain-malformed") \
	X(TEE_PCK_CERT, "pck-certificate-malformed") \
	X(TEE_PCK_EXTENSION, "pck-extension-malformed") \
	X(TEE_PCK_ROOT, "root-untrusted") \
	X(TEE_PCK_ISSUER, "pck-issuer-mismatch") \
	X(TEE_PCK_NAME, "pck-subject-unexpected") \
	X(TEE_PCK_CA_FLAG, "pck-basic-constraints") \
	X(TEE_PCK_SIGNATURE, "pck-signature-invalid") \
	X(TEE_PCK_EXPIRED, "pck-expired") \
	X(TEE_PCK_NOT_YET, "pck-not-yet-valid") \
	/* CRLs */ \
	X(TEE_CRL_MALFORMED, "crl-malformed") \
	X(TEE_CRL_ISSUER, "crl-issuer-mismatch") \
	X(TEE_CRL_SIGNATURE, "crl-signature-invalid") \
	X(TEE_CRL_EXPIRED, "crl-expired") \
	X(TEE_CRL_NOT_YET, "crl-not-yet-valid") \
	X(TEE_PCK_REVOKED, "pck-revoked") \
	X(TEE_PCK_CA_REVOKED, "pck-ca-revoked") \
	X(TEE_SIGNER_REVOKED, "tcb-signer-revoked") \
	/* TCB info and QE identity */ \
	X(TEE_SIGNER_CHAIN, "tcb-signer-chain-invalid") \
	X(TEE_COLLATERAL_MISSING, "collateral-missing") \
	X(TEE_COLLATERAL_MALFORMED, "collateral-malformed") \
	X(TEE_COLLATERAL_SIGNATURE, "collateral-signature-invalid") \
	X(TEE_COLLATERAL_EXPIRED, "collateral-expired") \
	X(TEE_COLLATERAL_NOT_YET, "collateral-not-yet-valid") \
	X(TEE_COLLATERAL_TEE, "collateral-tee-mismatch") \
	X(TEE_FMSPC, "fmspc-mismatch") \
	X(TEE_PCEID, "pceid-mismatch") \
	/* quoting enclave */ \
	X(TEE_QE_SIGNATURE, "qe-report-signature-invalid") \
	X(TEE_QE_HASH, "qe-report-data-mismatch") \
	X(TEE_QE_IDENTITY, "qe-identity-mismatch") \
	X(TEE_QE_DEBUG, "qe-debug") \
	X(TEE_QE_SVN, "qe-tcb-not-supported") \
	/* TDX module */ \
	X(TEE_MODULE, "tdx-module-mismatch") \
	X(TEE_MODULE_SVN, "tdx-module-tcb-not-supported") \
	/* the quote itself */ \
	X(TEE_QUOTE_KEY, "attestation-key-invalid") \
	X(TEE_QUOTE_SIGNATURE, "quote-signature-invalid") \
	/* TCB status */ \
	X(TEE_TCB_NOT_SUPPORTED, "tcb-level-not-supported") \
	X(TEE_TCB_UNRECOGNIZED, "tcb-status-unrecognized") \
	X(TEE_TCB_REVOKED, "tcb-revoked") \
	X(TEE_TCB_STATUS, "tcb-status-not-accepted") \
	/* policy */ \
	X(TEE_POLICY_DEBUG, "policy-debug") \
	X(TEE_POLICY_ATTRIBUTES, "policy-td-attributes") \
	X(TEE_POLICY_SIMULATED, "policy-simulated-anchor") \
	X(TEE_POLICY_MEASUREMENT, "measurement-not-listed") \
	X(TEE_POLICY_ADVISORY, "policy-advisory") \
	/* event log and identity */ \
	X(TEE_LOG_MALFORMED, "event-log-malformed") \
	X(TEE_LOG_MISMATCH, "event-log-mismatch") \
	/* policy, continued */ \
	X(TEE_POLICY_EVALUATION, "policy-tcb-evaluation") \
	X(TEE_POLICY_FMSPC, "policy-fmspc") \
	X(TEE_POLICY_PLATFORM, "policy-platform") \
	X(TEE_POLICY_FRESHNESS, "policy-collateral-age") \
	X(TEE_POLICY_XFAM, "policy-xfam") \
	X(TEE_POLICY_MODULE, "policy-tdx-module") \
	X(TEE_POLICY_CONFIGURATION, "policy-platform-configuration") \
	/* signed lists of platforms that a policy names */ \
	X(TEE_LIST_MISSING, "platform-list-missing") \
	X(TEE_LIST_MALFORMED, "platform-list-malformed") \
	X(TEE_LIST_SIGNATURE, "platform-list-signature-invalid") \
	X(TEE_LIST_MISMATCH, "platform-list-mismatch") \
	X(TEE_LIST_STALE, "platform-list-older") \
	X(TEE_LIST_EXPIRED, "platform-list-expired") \
	X(TEE_LIST_NOT_YET, "platform-list-not-yet-valid") \
	/* what binds the evidence to its receiver */ \
	X(TEE_REPORT_DATA, "report-data-mismatch") \
	/* format of an SEV-SNP report */ \
	X(TEE_SNP_SIZE, "snp-report-size") \
	X(TEE_SNP_VERSION, "snp-report-version-unsupported") \
	X(TEE_SNP_ALGORITHM, "snp-signature-algorithm-unsupported") \
	X(TEE_SNP_RESERVED, "snp-report-reserved-bits") \
	X(TEE_SNP_SIGNER, "snp-signing-key-unsupported") \
	/* its chain: VCEK or VLEK, ASK or ASVK, ARK */ \
	X(TEE_VEK_CHAIN, "vek-chain-malformed") \
	X(TEE_VEK_CERT, "vek-certificate-malformed") \
	X(TEE_VEK_ISSUER, "vek-issuer-mismatch") \
	X(TEE_VEK_NAME, "vek-subject-unexpected") \
	X(TEE_VEK_CA_FLAG, "vek-basic-constraints") \
	X(TEE_VEK_SIGNATURE, "vek-signature-invalid") \
	X(TEE_VEK_EXPIRED, "vek-expired") \
	X(TEE_VEK_NOT_YET, "vek-not-yet-valid") \
	X(TEE_VEK_REVOKED, "vek-revoked") \
	X(TEE_VEK_CA_REVOKED, "vek-ca-revoked") \
	/* certificate and report are of one platform */ \
	X(TEE_VEK_EXTENSION, "vek-extension-malformed") \
	X(TEE_VEK_PRODUCT, "vek-product-mismatch") \
	X(TEE_VEK_CHIP, "vek-chip-mismatch") \
	X(TEE_VEK_TCB, "vek-tcb-mismatch") \
	X(TEE_SNP_SIGNATURE, "snp-report-signature-invalid") \
	/* policy for SEV-SNP */ \
	X(TEE_POLICY_SNP_GUEST, "policy-snp-guest") \
	X(TEE_POLICY_SNP_VMPL, "policy-snp-vmpl") \
	X(TEE_POLICY_SNP_SIGNER, "policy-snp-signer") \
	X(TEE_POLICY_SNP_TCB, "policy-snp-tcb")

enum tee_reason {
#define X(constant, name) constant,
	TEE_REASONS(X)
#undef X
	TEE_REASON_COUNT,
};

/* The stable name; never NULL. */
const char *tee_reason_name(enum tee_reason reason);

#endif
