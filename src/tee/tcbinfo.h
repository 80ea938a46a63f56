/*
 * tcbinfo: Intel's TCB info of one platform family (FMSPC): its TCB levels and
 * the TDX modules it knows.
 *
 * Reads one parsed object whose signature was checked before.  Unknown members
 * are skipped, as Intel adds some; unknown statuses are refused.
 *
 * Source: Intel PCS v4, TCB info v2 (SGX) and v3.
 */
#ifndef POSTERN_TEE_TCBINFO_H
#define POSTERN_TEE_TCBINFO_H

#include "base/arena.h"
#include "tee/level.h"
#include "tee/quote.h"

enum {
	TCBINFO_COMPONENT_COUNT = 16,
	TCBINFO_MODULES_MAX = 64,
	TCBINFO_MR_SIGNER_LEN = 48,
	TCBINFO_ATTRIBUTES_LEN = 8,
};

struct tcb_level {
	uint8_t sgx[TCBINFO_COMPONENT_COUNT];
	uint8_t tdx[TCBINFO_COMPONENT_COUNT]; /* zero for SGX */
	uint16_t pce_svn;
	struct level level;
};

/* What a TDX module must look like. */
struct tcb_module {
	uint8_t version; /* NN of "TDX_NN"; 0 for the plain tdxModule */
	uint8_t mr_signer[TCBINFO_MR_SIGNER_LEN];
	uint8_t attributes[TCBINFO_ATTRIBUTES_LEN];
	uint8_t attributes_mask[TCBINFO_ATTRIBUTES_LEN];
	struct svn_levels levels; /* empty for the plain one */
};

struct tcbinfo {
	enum quote_tee tee;
	int64_t issued_at, expires_at; /* issueDate, nextUpdate */
	uint8_t fmspc[6];
	uint8_t pce_id[2];
	uint32_t evaluation; /* tcbEvaluationDataNumber */
	const struct tcb_level *levels; /* latest first, at least one */
	size_t level_count;
	/* TDX only */
	struct tcb_module module;
	const struct tcb_module *modules; /* tdxModuleIdentities */
	size_t module_count;
};

/*
 * 'object' is the signed slice.  TEE_OK and *out filled, its memory in the
 * arena; TEE_COLLATERAL_MALFORMED or TEE_TCB_UNRECOGNIZED, *out untouched.
 */
enum tee_reason tcbinfo_parse(struct tcbinfo *out, struct arena *arena,
			      struct span object);

/* The module of this version (1..), or NULL. */
const struct tcb_module *tcbinfo_module(const struct tcbinfo *info,
					uint8_t version);

#endif
