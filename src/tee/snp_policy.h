/*
 * snp_policy: what a policy says of SEV-SNP reports alone; what it says of any
 * evidence (images, simulated anchors) is in tee/policy.h.  A part of a policy;
 * policy_check() holds evidence against it.
 *
 *   snp:
 *     migration_agent: false   # true: MIGRATE_MA may be set
 *     smt: true                # false: the guest must forbid SMT
 *     single_socket: false     # true: the guest must demand it
 *     vmpl: 0                  # the report may be of VMPL 0 up to this
 *     vlek: true               # false: only a chip's own key may sign
 *     require_crl: true        # false: a CRL may be absent
 *     min_tcb:                 # only these lines, each at least so new
 *       - product: Milan
 *         bootloader: 4
 *         tee: 0
 *         snp: 24
 *         microcode: 219
 *     allow:                   # only these chips
 *       - chip_id: <128 hex>
 *         until: 2027-01-01T00:00:00Z   # may be left out
 *     deny:                    # none of these
 *       - chip_id: <128 hex>
 *
 * A guest that may be debugged is refused always, and so is a report that the
 * host asked for.  A platform that masks its chip id is none of the allowed
 * ones, and might be any of the denied ones: with either list it is refused.
 * With a VLEK every machine of a cloud can state any chip id, so that no report
 * signed with one is of an allowed chip.
 *
 * Source: AMD 56860 (GUEST_POLICY, TCB_VERSION); docs/DESIGN.md §6.
 */
#ifndef POSTERN_TEE_SNP_POLICY_H
#define POSTERN_TEE_SNP_POLICY_H

#include "tee/snp.h"

enum {
	SNP_POLICY_TCBS_MAX = 64,
};

struct snp_policy_chip {
	uint8_t chip_id[SNP_CHIP_ID_LEN];
	int64_t until; /* unix seconds, inclusive; 0: for ever */
};

struct snp_policy_tcb {
	enum snp_product product;
	struct snp_tcb least; /* each part */
};

/* Zeroed: the default. */
struct snp_policy {
	bool allows_migration_agent, refuses_smt, requires_single_socket;
	bool refuses_vlek, allows_no_crl;
	uint32_t vmpl_max; /* 0..3 */
	bool has_min_tcb, has_allowed; /* else any */
	const struct snp_policy_tcb *min_tcb;
	const struct snp_policy_chip *allowed, *denied;
	size_t min_tcb_count, allowed_count, denied_count;
};

#endif
