/*
 * watch: the thread that looks at the CAA records of every name again and
 * again, through every resolver.
 *
 * Once the names are pinned, each look raises or ends these alarms:
 *
 *   caa_drifted     somebody else could get a certificate, or we could not
 *   caa_changed     the set is another than we wrote, harmless or not
 *   caa_disagree    resolvers see different sets
 *   caa_not_seen    what CAA says cannot be told
 *   caa_above_open  a wildcard of a name above is open to others
 *
 * It writes nothing to the DNS: whoever changed the records had the right to,
 * or has what we would write with.  POST /v1/caa/look pins them again.
 * Evidence is made anew, with a proof of what is there now, when it says
 * something else than the last look saw.
 *
 * Source: RFC 8659 §3, §4; CA/Browser Forum Baseline Requirements §3.2.2.9.
 */
#ifndef POSTERN_CERTD_WATCH_H
#define POSTERN_CERTD_WATCH_H

#include "certd/issuer.h"
#include "certd/sightings.h"

struct watch_options {
	const struct config *config;
	const struct log *log;
	struct audit *audit;
	struct alarm *alarm;
	struct shelf *shelf;
	struct sightings *sightings;
	struct issuer *issuer;
	struct since *since;
};

struct watch;

/* No thread yet.  error says what fails.  Returns owned: watch_free(). */
enum rc watch_new(struct watch **out, const struct watch_options *o,
		  char error[NODE_ERROR_MAX]);
/* Does nothing where caa.pin is off.  RC_SYS: no thread. */
enum rc watch_start(struct watch *w);
/* Ends the thread. */
void watch_free(struct watch *w);

#endif
