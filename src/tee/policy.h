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
 *     issued_after: 2026-03-01T00:00:00Z   # TCB info, QE identity, PCK CRL
 *     root_crl_issued_after: 2026-01-01T00:00:00Z
 *   td:
 *     migratable: false          # true: MIGRATABLE may be set
 *     service_td: false          # true: MR_SERVICETD may be other than zero
 *     sept_ve_disable: true      # false: the bit may be clear
 *     perfmon: true              # false: the bit must be clear; so pks and
 *     pks: true                  # key_locker
 *     key_locker: true
 *     xfam: 000000000006dbe7     # no other bits may be set
 *     modules:                   # only these TDX modules
 *       - name: 1.5.06
 *         mr_seam: <96 hex>
 *   platforms:
 *     fmspc: [b0c06f000000]      # only these families
 *     sgx_type: [scalable-with-integrity]  # only these kinds of memory
 *     smt: true                  # false: must be off; so dynamic (packages
 *     dynamic: true              # can be added) and cached_keys
 *     cached_keys: true
 *     allow:                     # only these machines
 *       - ppid: <32 hex>
 *         instance: <32 hex>     # its instance id too; may be left out
 *         until: 2027-01-01T00:00:00Z   # may be left out
 *     deny:                      # none of these
 *       - ppid: <32 hex>
 *     lists:                     # the same from signed files
 *       - name: example-datacentres
 *         use: allow
 *         file: example.platforms.json
 *         key: |
 *           -----BEGIN PUBLIC KEY-----
 *           ...
 *         min_serial: 12         # these may be left out
 *         min_level: 2
 *         operator: Example GmbH
 *   simulated: true              # false: refuse simulated anchors
 *   clock_skew: 5m               # what is not valid yet by so much is valid
 *   images:
 *     - name: gateway
 *       mr_td: <96 hex>
 *       rtmr0: <96 hex>
 *       rtmr1: <96 hex>
 *       rtmr2: <96 hex>
 *     - name: an-enclave
 *       mr_signer: <64 hex>
 *       isv_prod_id: 1
 *       min_isv_svn: 3
 *     - name: a-guest-on-amd
 *       measurement: <96 hex>
 *
 * and 'snp' for SEV-SNP reports, see tee/snp_policy.h; of the above, simulated,
 * clock_skew and images are for them too, the rest is for quotes.
 *
 * An image lists what it pins; what it does not name is free.  A TDX image pins
 * at least one of the registers below; an SGX image pins mr_enclave, or
 * mr_signer and isv_prod_id; an SEV-SNP image pins at least one of measurement,
 * host_data and id_key_digest.  Evidence is accepted when at least one image of
 * its kind matches.  With no 'images' key at all any measurement passes (as
 * `postern quote verify` without a policy); an empty list accepts none.
 *
 * The grace begins with the tcbDate of the first newer level of what is out of
 * date.  While it runs, OutOfDate counts as the platform's status without that,
 * which 'accept' must have.  An entry with 'until' counts up to that second.
 *
 * A platform is allowed by any of the allow lists, if there are any, written
 * here or signed, and refused by any deny list.  A signed list that is not
 * there, not in order or not in force refuses every quote: otherwise whoever
 * keeps a deny list from us would have lifted it.
 *
 * Debug TDs and debug enclaves are always refused, and so are attribute bits
 * that are reserved.
 *
 * Source: Intel TDX Module 1.5 ABI, TD_PARAMS.ATTRIBUTES; docs/DESIGN.md §6.
 */
#ifndef POSTERN_TEE_POLICY_H
#define POSTERN_TEE_POLICY_H

#include "base/rc.h"
#include "tee/platforms.h"
#include "tee/snp_policy.h"
#include "tee/verify.h"

enum {
	POLICY_IMAGES_MAX = 64,
	POLICY_MODULES_MAX = 64,
	POLICY_PLATFORMS_MAX = 65536, /* of each list in the file */
	POLICY_LISTS_MAX = 16, /* signed ones */
	POLICY_REGISTER_COUNT = 10,
	/* Bound of an arena for any policy and its signed lists. */
	POLICY_ARENA_MAX = 32 * 1024 * 1024,
	/* Documents can be younger than a clock that is behind. */
	POLICY_CLOCK_SKEW_S = 300,
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
	POLICY_MR_SERVICE_TD, /* a TD report 1.0 has none, and never matches */
};

/* x87, SSE, AVX, AVX-512, PT, PKU, CET, user interrupts, LBR and AMX: what XFAM
 * may have where a policy does not say. */
#define POLICY_XFAM UINT64_C(0x6dbe7)

/* "mr_td", "rtmr0", ... as in the file. */
const char *policy_register_name(enum policy_register r);

/* What an SGX image pins. */
struct policy_enclave {
	bool pins_enclave, pins_signer;
	uint8_t mr_enclave[32], mr_signer[32];
	bool pins_product; /* always with the signer */
	uint16_t isv_prod_id, min_isv_svn;
};

/* What an SEV-SNP image pins. */
struct policy_guest {
	bool pins_measurement, pins_host_data, pins_id_key;
	uint8_t measurement[SNP_MEASUREMENT_LEN];
	uint8_t host_data[SNP_HOST_DATA_LEN];
	uint8_t id_key_digest[SNP_MEASUREMENT_LEN];
};

struct policy_image {
	const char *name;
	/* TDX: at least one; else none */
	bool is_pinned[POLICY_REGISTER_COUNT];
	uint8_t value[POLICY_REGISTER_COUNT][QUOTE_MR_LEN];
	bool is_enclave, is_guest; /* SGX, SEV-SNP; neither: TDX */
	struct policy_enclave enclave;
	struct policy_guest guest;
};

struct policy_module {
	const char *name;
	uint8_t mr_seam[QUOTE_MR_LEN];
};

/* A signed list as the policy names it, and what came of it. */
struct policy_list {
	const char *name; /* that the list must bear */
	enum platform_use use; /* that it must have */
	const char *file; /* for the caller: a path below the policy's folder */
	struct p256_point key;
	/* A caller that remembers the serials it saw may raise this. */
	uint32_t min_serial;
	/* Allow lists: which entries count. */
	uint32_t min_level;
	const char *operator; /* NULL: any */
	/* TEE_LIST_MISSING until policy_list_give() */
	enum tee_reason state;
	struct platform_list list; /* when TEE_OK */
};

struct policy_family {
	uint8_t fmspc[6];
};

/* A list with a 'has_' of its name that is false is any. */
struct tee_policy {
	bool accepts_status[TCB_STATUS_COUNT];
	uint32_t min_evaluation; /* of TCB info and QE identity; 0: any */
	int64_t grace_s; /* >= 0 */
	int64_t issued_after, root_crl_issued_after; /* inclusive; 0: any */
	int64_t clock_skew_s; /* allowance for what is not valid yet, >= 0 */
	const char *const *advisories; /* only these may apply */
	size_t advisory_count;
	uint64_t xfam; /* which bits of XFAM may be set; two must be */
	const struct policy_module *modules; /* else any that Intel signed */
	size_t module_count;
	const struct policy_family *families;
	const struct platform *allowed, *denied;
	size_t family_count, allowed_count, denied_count;
	struct policy_list *lists;
	size_t list_count;
	const struct policy_image *images;
	size_t image_count;
	bool has_advisories, has_modules, has_families, has_allowed, has_images;
	bool has_xfam; /* else POLICY_XFAM */
	bool refuses_sgx_type[PCK_SCALABLE_WITH_INTEGRITY + 1];
	bool refuses_smt, refuses_dynamic, refuses_cached_keys;
	bool allows_migratable; /* MIGRATABLE set */
	bool allows_service_td; /* MR_SERVICETD not zero */
	bool allows_sept_ve; /* SEPT_VE_DISABLE clear */
	bool refuses_perfmon, refuses_pks, refuses_key_locker;
	bool refuses_simulated;
	struct snp_policy snp;
};

/* UpToDate only, any measurement, SEPT_VE_DISABLE set, not MIGRATABLE, no
 * service TD, the XFAM bits of today's processors, POLICY_CLOCK_SKEW_S.  For
 * SEV-SNP: no migration agent, VMPL 0, a CRL, any TCB. */
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
 * Gives a list the bytes of its file; what is wrong with them is kept in
 * l->state and refuses what is judged by the policy.  The dates are looked at
 * in each verification.  The arena is the policy's.
 */
void policy_list_give(struct policy_list *l, struct arena *arena,
		      struct span text);

/*
 * Layers 2 and 3 of a verification, on a verdict whose layer 1 is done: TCB
 * status, attributes, platform, measurements.  TEE_OK and v->image set, or the
 * reason, with rule, expected and found in v->detail.  A rule is named by the
 * key in the policy that decides it, one that no key decides by the field.
 */
enum tee_reason policy_check(struct tee_verdict *v, const struct tee_policy *p);

struct policy_fault {
	enum tee_reason reason;
	char detail[TEE_DETAIL_MAX];
};
enum {
	POLICY_FAULTS_MAX = 32
};
/*
 * Every rule that refuses, of the rules that policy_check() stops at the first
 * of, in the same order.  Returns how many; 0: it accepts.  The verdict's
 * layer 1 is done and its TCB known, as policy_check() leaves it.
 */
size_t policy_faults(struct policy_fault out[POLICY_FAULTS_MAX],
		     const struct tee_verdict *v, const struct tee_policy *p);

#endif
