/*
 * qeidentity: Intel's identity of the quoting enclave: which enclave may sign
 * quotes, and which of its versions are in order.
 *
 * Reads one parsed object whose signature was checked before.
 *
 * Source: Intel PCS v4, enclave identity v2 ("QE" and "TD_QE").
 */
#ifndef POSTERN_TEE_QEIDENTITY_H
#define POSTERN_TEE_QEIDENTITY_H

#include "base/arena.h"
#include "tee/level.h"
#include "tee/quote.h"

struct qeidentity {
	enum quote_tee tee; /* "QE" is SGX's, "TD_QE" TDX's */
	int64_t issued_at, expires_at; /* issueDate, nextUpdate */
	uint32_t evaluation; /* tcbEvaluationDataNumber */
	uint8_t misc_select[4], misc_select_mask[4]; /* as in the report */
	uint8_t attributes[16], attributes_mask[16];
	uint8_t mr_signer[32];
	uint16_t isv_prod_id;
	struct svn_levels levels;
};

/* As tcbinfo_parse. */
enum tee_reason qeidentity_parse(struct qeidentity *out, struct arena *arena,
				 struct span object);

/*
 * Is this the report of that enclave?  TEE_OK, TEE_QE_DEBUG, or
 * TEE_QE_IDENTITY and *field says which one differs.
 */
enum tee_reason qeidentity_check(const char **field,
				 const struct qeidentity *identity,
				 const struct enclave_report *report);

#endif
