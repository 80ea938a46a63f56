/*
 * status: how far a platform's trusted computing base is behind, in Intel's
 * words.
 *
 * Source: Intel PCS v4, TCB info and enclave identity, "tcbStatus"; relaunch
 * advised: Intel TDX DCAP verification of TD report 1.5.
 */
#ifndef POSTERN_TEE_STATUS_H
#define POSTERN_TEE_STATUS_H

#include "base/span.h"

enum tee_tcb_status {
	TCB_NONE, /* not determined */
	TCB_UP_TO_DATE,
	TCB_SW_HARDENING_NEEDED,
	TCB_CONFIGURATION_NEEDED,
	TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED,
	TCB_OUT_OF_DATE,
	TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
	TCB_TD_RELAUNCH_ADVISED,
	TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED,
	TCB_REVOKED,
	TCB_STATUS_COUNT,
};
/* Intel's spelling: "UpToDate", ... */
const char *tee_tcb_status_name(enum tee_tcb_status s);
/* The status in a document.  False: no word of theirs (relaunch is ours). */
bool tee_tcb_status_parse(enum tee_tcb_status *out, struct span name);

#endif
