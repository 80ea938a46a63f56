/*
 * policy: which verified platforms and measurements are accepted.
 *
 * Built from a YAML policy file; every key may be left out.
 *
 *   tcb:
 *     accept: [UpToDate]         # statuses; Revoked is never accepted
 *     advisories: [INTEL-SA-1]   # only these may be open; absent: any
 *     min_evaluation: 17         # least tcbEvaluationDataNumber
 *     grace: 30d                 # how long OutOfDate still counts as in order
 *   td:
 *     migratable: false          # true: MIGRATABLE and a service TD may be set
 *     sept_ve_disable: true      # false: the bit may be clear
 *   platforms:
 *     fmspc: [b0c06f000000]      # only these families
 *     allow:                     # only these machines
 *       - ppid: <32 hex>
 *         until: 2027-01-01T00:00:00Z   # may be left out
 *     deny:                      # none of these
 *       - ppid: <32 hex>
 *   simulated: true              # false: refuse simulated anchors
 *   clock_skew: 0s               # what is not valid yet by so much is valid
 *   images:
 *     - name: gateway
 *       mr_td: <96 hex>
 *       rtmr0: <96 hex>
 *       rtmr1: <96 hex>
 *       rtmr2: <96 hex>
 *
 * An image lists the registers it pins, at least one of mr_td, rtmr0, rtmr1,
 * rtmr2, rtmr3, mr_config_id, mr_owner, mr_owner_config, mr_seam; a register it
 * does not name is free.  A TDX quote is accepted when at least one image
 * matches; an SGX quote matches none.  With no 'images' key at all any
 * measurement passes (as `postern quote verify` without a policy); an empty
 * list accepts none.
 *
 * The grace begins with the tcbDate of the first newer level of what is out of
 * date.  While it runs, OutOfDate counts as the platform's status without that,
 * which 'accept' must have.  An entry with 'until' counts up to that second.
 *
 * Debug TDs and debug enclaves are always refused, and so are attribute bits
 * that are reserved.
 *
 * Source: Intel TDX Module 1.5 ABI, TD_PARAMS.ATTRIBUTES; docs/DESIGN.md §6.
 */
#ifndef POSTERN_TEE_POLICY_H
#define POSTERN_TEE_POLICY_H

#include "base/rc.h"
#include "tee/verify.h"

enum {
	POLICY_IMAGES_MAX = 64,
	POLICY_PLATFORMS_MAX = 65536, /* of each list */
	POLICY_REGISTER_COUNT = 9,
};

enum policy_register {
	POLICY_MR_TD,
	POLICY_RTMR0,
	POLICY_RTMR1,
	POLICY_RTMR2,
	POLICY_RTMR3,
	POLICY_MR_CONFIG_ID,
	POLICY_MR_OWNER,
	POLICY_MR_OWNER_CONFIG,
	POLICY_MR_SEAM,
};

/* "mr_td", "rtmr0", ... as in the file. */
const char *policy_register_name(enum policy_register r);

struct policy_image {
	const char *name;
	bool is_pinned[POLICY_REGISTER_COUNT];
	uint8_t value[POLICY_REGISTER_COUNT][QUOTE_MR_LEN];
};

struct policy_platform {
	uint8_t ppid[16];
	int64_t until; /* unix seconds, inclusive; 0: for ever */
};

struct policy_family {
	uint8_t fmspc[6];
};

struct tee_policy {
	bool accepts_status[TCB_STATUS_COUNT];
	bool has_images;
	const struct policy_image *images;
	size_t image_count;
	bool has_advisories; /* only the listed ones may apply */
	const char *const *advisories;
	size_t advisory_count;
	uint32_t min_evaluation; /* of TCB info and QE identity; 0: any */
	int64_t grace_s; /* >= 0 */
	bool has_families, has_allowed; /* else any */
	const struct policy_family *families;
	const struct policy_platform *allowed, *denied;
	size_t family_count, allowed_count, denied_count;
	bool allows_migratable; /* MIGRATABLE set, MR_SERVICETD not zero */
	bool allows_sept_ve; /* SEPT_VE_DISABLE clear */
	bool refuses_simulated;
	int64_t clock_skew_s; /* allowance for what is not valid yet, >= 0 */
};

/* UpToDate only, any measurement, SEPT_VE_DISABLE set, not MIGRATABLE, no
 * service TD, no allowance for clocks. */
extern const struct tee_policy tee_policy_default;

struct arena;
enum {
	POLICY_ERROR_MAX = 512
};
/*
 * Reads a policy file's text.  Strings and images live in the arena.
 * RC_MALFORMED: error holds "name:line: key: what is expected".
 */
enum rc policy_read(struct tee_policy *out, struct arena *arena,
		    const char *name, struct span text,
		    char error[POLICY_ERROR_MAX]);

/*
 * Layers 2 and 3 of a verification, on a verdict whose layer 1 is done: TCB
 * status, attributes, measurements.  TEE_OK and v->image set, or the reason,
 * with rule, expected and found in v->detail.
 */
enum tee_reason policy_check(struct tee_verdict *v, const struct tee_policy *p);

#endif
