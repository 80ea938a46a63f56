/*
 * policy_rules: inside of policy_check(): one function a rule, each TEE_OK or
 * a reason with its detail in the verdict.  Only for the policy_*.c files.
 */
#ifndef POSTERN_TEE_POLICY_RULES_H
#define POSTERN_TEE_POLICY_RULES_H

#include "tee/policy.h"

typedef enum tee_reason policy_rule_fn(struct tee_verdict *v,
				       const struct tee_policy *p);

/* policy_td.c: what the module says of the TD, or the processor of the
 * enclave; always accepted where it is of the other kind. */
policy_rule_fn policy_debug, policy_reserved, policy_attributes,
	policy_service_td, policy_xfam, policy_module;

/* policy_platform.c */
policy_rule_fn policy_family, policy_sgx_type, policy_configuration,
	policy_lists, policy_denied, policy_allowed;

/* policy_snp.c: rules for SEV-SNP reports alone; the others but check_anchor()
 * of policy.c and policy_measurement() are not asked about these. */
policy_rule_fn policy_snp_guest, policy_snp_vmpl, policy_snp_signer,
	policy_snp_tcb, policy_snp_denied, policy_snp_allowed;

/* policy_image.c */
policy_rule_fn policy_measurement;

enum {
	POLICY_UTC_TEXT = 24,
};
/* A time as people write it, in 'text'. */
const char *policy_utc(char text[POLICY_UTC_TEXT], int64_t at);
/* Lower-case hex with its NUL, cut to what fits. */
void policy_hex(char *out, size_t cap, struct span b);

#endif
