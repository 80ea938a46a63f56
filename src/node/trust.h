/*
 * trust: whom this node believes: policy, collateral and anchors from the files
 * of its configuration, always as the files are now.
 *
 * The collateral's files are looked at (inode, size, times) at each
 * verification and read again when they changed, so what is judged is never
 * older than the folder; between changes their own signatures are not checked
 * again.  The policy and the simulated root are read at the start and when
 * trust_poll() sees that they changed.  A policy file that turns bad leaves the
 * last good one in force, and is reported.  The signed lists of platforms that
 * the policy names are read with it; one that turns bad, or goes back behind
 * the highest serial ever seen here (quoting/serials.h), refuses every quote
 * from then on.
 *
 * Source: docs/DESIGN.md §6.
 */
#ifndef POSTERN_NODE_TRUST_H
#define POSTERN_NODE_TRUST_H

#include "node/error.h"
#include "node/settings.h"
#include "tee/verify.h"

struct trust;

/*
 * 'state' is the folder where serials are remembered, in "platform-serials";
 * NULL: in this process only.  What is there and cannot be read, or cannot be
 * written, is a failure: who forgets is open to the lists of last year.  On
 * failure error says which file and why.  Returns owned.
 */
enum rc trust_open(struct trust **out, const struct trust_settings *settings,
		   const char *state, char error[NODE_ERROR_MAX]);
void trust_free(struct trust *t);

/* A simulated anchor is accepted, because the configuration names one. */
bool trust_is_simulated(const struct trust *t);
/* The policy names no images, so any measurement is accepted. */
bool trust_accepts_any(const struct trust *t);

/*
 * Verifies a quote at the time 'at' (unix seconds).  Collateral that cannot be
 * read shows as TEE_COLLATERAL_MISSING.
 */
void trust_verify(struct trust *t, struct tee_verdict *out, struct span quote,
		  int64_t at);

enum trust_change {
	TRUST_SAME,
	TRUST_RELOADED, /* something changed and has settled: judge again */
	/* something changed; error says why policy and root stay the last good
	 * ones.  Collateral may be new: judge again, too */
	TRUST_BAD,
	/* as TRUST_RELOADED, but the serials of lists are not on disk yet:
	 * error says why; each look tries again */
	TRUST_UNSAVED,
};
/*
 * Looks at the files.  Changes are reported once two looks in a row see the
 * same, since collateral is several files that are replaced one by one; 'now'
 * reports and reloads without that wait (SIGHUP).
 */
enum trust_change trust_poll(struct trust *t, bool now,
			     char error[NODE_ERROR_MAX]);

#endif
