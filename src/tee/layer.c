#include "tee/layer.h"

enum tee_layer tee_reason_layer(enum tee_reason reason)
{
	switch (reason) {
	case TEE_OK:
	case TEE_REASON_COUNT:
		return TEE_LAYER_NONE;
	case TEE_QUOTE_TOO_SHORT:
	case TEE_QUOTE_TOO_LARGE:
	case TEE_QUOTE_VERSION:
	case TEE_QUOTE_KEY_TYPE:
	case TEE_QUOTE_VENDOR:
	case TEE_QUOTE_TEE_TYPE:
	case TEE_QUOTE_BODY:
	case TEE_QUOTE_AUTH_SIZE:
	case TEE_QUOTE_CERT_TYPE:
	case TEE_QUOTE_TRAILING:
		return TEE_LAYER_EVIDENCE;
	case TEE_CRL_MALFORMED:
	case TEE_CRL_ISSUER:
	case TEE_CRL_SIGNATURE:
	case TEE_CRL_EXPIRED:
	case TEE_CRL_NOT_YET:
	case TEE_SIGNER_REVOKED:
	case TEE_SIGNER_CHAIN:
	case TEE_COLLATERAL_MISSING:
	case TEE_COLLATERAL_MALFORMED:
	case TEE_COLLATERAL_SIGNATURE:
	case TEE_COLLATERAL_EXPIRED:
	case TEE_COLLATERAL_NOT_YET:
	case TEE_COLLATERAL_TEE:
	case TEE_FMSPC:
	case TEE_PCEID:
	/* seen while the documents are read, before any platform */
	case TEE_TCB_UNRECOGNIZED:
		return TEE_LAYER_COLLATERAL;
	case TEE_PCK_PEM:
	case TEE_PCK_CERT:
	case TEE_PCK_EXTENSION:
	case TEE_PCK_ROOT:
	case TEE_PCK_ISSUER:
	case TEE_PCK_NAME:
	case TEE_PCK_CA_FLAG:
	case TEE_PCK_SIGNATURE:
	case TEE_PCK_EXPIRED:
	case TEE_PCK_NOT_YET:
	case TEE_PCK_REVOKED:
	case TEE_PCK_CA_REVOKED:
		return TEE_LAYER_CHAIN;
	case TEE_QE_SIGNATURE:
	case TEE_QE_HASH:
	case TEE_QE_IDENTITY:
	case TEE_QE_DEBUG:
	case TEE_QUOTE_KEY:
	case TEE_QUOTE_SIGNATURE:
		return TEE_LAYER_SIGNATURE;
	case TEE_QE_SVN:
	case TEE_MODULE:
	case TEE_MODULE_SVN:
	case TEE_TCB_NOT_SUPPORTED:
	case TEE_TCB_REVOKED:
		return TEE_LAYER_TCB;
	case TEE_TCB_STATUS:
	case TEE_POLICY_DEBUG:
	case TEE_POLICY_ATTRIBUTES:
	case TEE_POLICY_SIMULATED:
	case TEE_POLICY_MEASUREMENT:
	case TEE_POLICY_ADVISORY:
	case TEE_POLICY_EVALUATION:
	case TEE_POLICY_FMSPC:
	case TEE_POLICY_PLATFORM:
	case TEE_POLICY_FRESHNESS:
	case TEE_POLICY_XFAM:
	case TEE_POLICY_MODULE:
	case TEE_POLICY_CONFIGURATION:
	case TEE_LIST_MISSING:
	case TEE_LIST_MALFORMED:
	case TEE_LIST_SIGNATURE:
	case TEE_LIST_MISMATCH:
	case TEE_LIST_STALE:
	case TEE_LIST_EXPIRED:
	case TEE_LIST_NOT_YET:
		return TEE_LAYER_POLICY;
	case TEE_REPORT_DATA:
		return TEE_LAYER_BINDING;
	case TEE_LOG_MALFORMED:
	case TEE_LOG_MISMATCH:
		return TEE_LAYER_LOG;
	}
	return TEE_LAYER_NONE;
}

const char *tee_layer_name(enum tee_layer layer)
{
	static const char *const names[TEE_LAYER_COUNT] = {
		[TEE_LAYER_NONE] = "none",
		[TEE_LAYER_EVIDENCE] = "evidence",
		[TEE_LAYER_COLLATERAL] = "collateral",
		[TEE_LAYER_CHAIN] = "chain",
		[TEE_LAYER_SIGNATURE] = "signature",
		[TEE_LAYER_TCB] = "tcb",
		[TEE_LAYER_POLICY] = "policy",
		[TEE_LAYER_BINDING] = "binding",
		[TEE_LAYER_LOG] = "log",
	};

	return (unsigned)layer < TEE_LAYER_COUNT ? names[layer] : "none";
}
