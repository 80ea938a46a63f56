/*
 * secret_proof: whose is this key?  A document of secrets/keyproof.h judged:
 * its quote by the policy, its report data, its event log, and that the app
 * behind it is the one that was asked for.
 */
#ifndef POSTERN_CLI_SECRET_PROOF_H
#define POSTERN_CLI_SECRET_PROOF_H

#include "cli/collateral_open.h"
#include "cli/complaint.h"
#include "secrets/keyproof.h"

/* Borrowed for the call. */
struct secret_proof {
	const struct complainer *say;
	const char *file; /* for people */
	struct span json;
	const uint8_t *app_id; /* KEYPROOF_ID_LEN bytes */
	/* of the manifest that continues the app; NULL: the app's first, whose
	 * hash begins with app_id */
	const struct sha256 *manifest;
	const char *policy, *root; /* root: NULL: the vendor's */
	struct collateral_want want; /* but for quote and anchors */
};

/*
 * CLI_OK: public_key is of that app.  Otherwise what is wrong has been said:
 * CLI_REFUSED by the proof, CLI_USAGE by what it would be judged with.
 */
int secret_proof_judge(uint8_t public_key[32], bool *is_simulated,
		       const struct secret_proof *p);

#endif
