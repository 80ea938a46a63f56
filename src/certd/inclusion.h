/*
 * inclusion: that a log kept what its SCT promised: the proof, asked of the log
 * and checked here, as the evidence shows it.
 *
 * Blocks; the monitor's thread.
 *
 * Source: RFC 6962 §4.5, §5.2 (a promise is kept within the MMD); C2SP
 * static-ct-api.
 */
#ifndef POSTERN_CERTD_INCLUSION_H
#define POSTERN_CERTD_INCLUSION_H

#include "certd/config.h"
#include "certd/pulse.h"
#include "certd/sightings.h"
#include "ct/loglist.h"
#include "ct/sct.h"

/* Borrowed. */
struct inclusion_ask {
	const struct config_ct *config;
	struct pulse *pulse;
	const struct loglist_log *log;
	const struct sct *sct;
	struct merkle_hash leaf; /* sct_leaf_hash() */
};

/* True: index, checkpoint and path of *out are those of a proof that holds; the
 * rest of it is the caller's.  False: the log has none to give yet, or does not
 * answer; *out is untouched. */
bool inclusion_prove(struct sighting_proof *out,
		     const struct inclusion_ask *ask);

#endif
