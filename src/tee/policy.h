/*
 * policy: which verified platforms and measurements are accepted.
 *
 * Built from a YAML policy file by conf (the field table is here, so that
 * programs embed a policy in their own configuration or read one file).
 *
 *   tcb:
 *     accept: [UpToDate]
 *   images:
 *     - name: gateway
 *       mr_td: <96 hex>
 *       rtmr0: <96 hex>
 *       rtmr1: <96 hex>
 *       rtmr2: <96 hex>
 *
 * An image lists the registers it pins; a register it does not name is free.
 * A TDX quote is accepted when at least one image matches.  With no 'images'
 * key at all any measurement passes (as `postern quote verify` without a
 * policy); an empty list accepts none.
 *
 * Debug TDs are always refused.  SEPT_VE_DISABLE must be set, MIGRATABLE clear
 * and MR_SERVICETD zero.
 */
#ifndef POSTERN_TEE_POLICY_H
#define POSTERN_TEE_POLICY_H

#include "base/rc.h"
#include "tee/verify.h"

enum {
	POLICY_IMAGES_MAX = 64,
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

struct policy_image {
	const char *name;
	bool is_pinned[POLICY_REGISTER_COUNT];
	uint8_t value[POLICY_REGISTER_COUNT][QUOTE_MR_LEN];
};

struct tee_policy {
	bool accepts_status[TCB_STATUS_COUNT];
	bool has_images;
	const struct policy_image *images;
	size_t image_count;
};

/* UpToDate only, any measurement. */
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

#endif
