/*
 * claims: what a verdict says of the evidence, whichever TEE it is from: for
 * callers that decide by measurement, report data and platform, and need not
 * know how the hardware says so.
 *
 * A view: it holds no more than the verdict does.  Claims are worth something
 * only when the verdict accepted (or at least verified) the evidence.
 */
#ifndef POSTERN_TEE_CLAIMS_H
#define POSTERN_TEE_CLAIMS_H

#include "tee/verify.h"

enum {
	TEE_MEASUREMENTS_MAX = 12,
};

struct tee_measurement {
	const char *name; /* as a policy's image names it: "mr_td", ... */
	struct span value;
};

struct tee_claims {
	enum tee_kind kind;
	struct tee_measurement measurements[TEE_MEASUREMENTS_MAX];
	size_t measurement_count;
	struct span report_data; /* 64 bytes */
	bool is_debug; /* whoever runs the machine can look inside */
	bool is_simulated;
	enum tee_tcb_status tcb_status; /* TCB_NONE: its vendor gives none */
	/* PPID or chip id; n == 0: not reached, or the platform hides it */
	struct span platform_id;
	/* of what was given to verify with; 0: not reached */
	int64_t earliest_issue, earliest_expiry;
};

/* Borrows the verdict and what it borrows.  With nothing parsed: kind only. */
void tee_claims_of(struct tee_claims *out, const struct tee_verdict *v);

/* The measurement of this name; n == 0: this TEE has none. */
struct span tee_claims_measurement(const struct tee_claims *c,
				   const char *name);

#endif
