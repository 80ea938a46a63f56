/*
 * sim_docs: the documents Intel's provisioning service would serve for a
 * simulated platform: both CRLs, TCB info, the TD QE's identity, each with the
 * chain of its signer, in the shape of the real ones.
 *
 * Source: Intel PCS API v4 (TCB Info v3, Enclave Identity v2).
 */
#ifndef POSTERN_QUOTING_SIM_DOCS_H
#define POSTERN_QUOTING_SIM_DOCS_H

#include "base/rc.h"
#include "quoting/collateral_dir.h"
#include "quoting/sim_pki.h"

enum {
	SIM_DOCS_VALID_S = 30 * 86400, /* from 'now' */
	SIM_DOCS_RENEW_S = 10 * 86400, /* reissue when less is left */
};

/*
 * Makes all six documents, issued at 'now', bent by 'knobs' (NULL: not).
 * Returns owned content: collateral_fini().
 */
enum rc sim_docs_make(struct collateral_files *out, const struct sim_pki *pki,
		      const struct sim_knobs *knobs, int64_t now);

#endif
