/*
 * monitor: the thread that reads Certificate Transparency: the logs of the list
 * (ct.follow) and those who read them for others (ct.aggregators).
 *
 * A round: read on in each log, ask each aggregator, several at a time and each
 * for as long as its turn is (5 s; 2 min), judge every certificate
 * for our names that was ever found, prove that logs kept what the SCTs of our
 * certificates promise, tell, sleep.  A certificate is
 *
 *   ours    its key is in the key history, and it was issued to us, or an order
 *           for the key is under way
 *   older   of another, issued before the first of the names in it was pinned
 *           for the first time (certd/since.h): legacy
 *   foreign every other, a precertificate as well: the alarm ct_foreign (ours
 *           by the key, but ordered by nobody: ct_same_key; not to be read:
 *           ct_malformed) until it expires or is revoked
 *
 * Positions in logs, what aggregators gave, and every certificate found are
 * kept under seal: after a restart nothing is read twice or left out.  A log is
 * read from its end on, the first time; what is older is the aggregators' to
 * tell.  A log that leaves the list is read on from there when it comes back.
 *
 * When what was kept cannot be read, something may be forgotten: the alarm
 * ct_found_lost stands, over restarts, and there is no date from which the
 * names are safe, until every aggregator, asked from the beginning, has told
 * all it knows.  Without aggregators it stands until there is one.
 *
 * Of each that is not ours and has not expired the revocation list that it
 * points to is asked, again and again (ct.revocation; ct/revocation.h).  One
 * that is revoked for good is over, like one that has expired, but for who
 * looks at no such list: there is a second date for them in the status.  A list
 * that is not there, or not current, leaves it as it was.
 *
 * Source: RFC 6962 §3.1, §5.3; RFC 5280 §6.3.3.
 */
#ifndef POSTERN_CERTD_MONITOR_H
#define POSTERN_CERTD_MONITOR_H

#include "certd/hold.h"
#include "certd/issuer.h"
#include "certd/sightings.h"

struct monitor_options {
	const struct config *config;
	const struct log *log;
	struct custody *custody;
	struct audit *audit;
	struct alarm *alarm;
	struct shelf *shelf;
	struct hold *hold;
	struct sightings *sightings;
	struct issuer *issuer;
	struct since *since;
};

struct monitor;

/* No thread yet.  RC_MALFORMED, RC_DENIED, RC_SYS: error says what of the
 * configuration is wrong.  Returns owned: monitor_free(). */
enum rc monitor_new(struct monitor **out, const struct monitor_options *o,
		    char error[NODE_ERROR_MAX]);
/* Does nothing without ct.list.  RC_SYS: no thread. */
enum rc monitor_start(struct monitor *m);
/* Ends the thread. */
void monitor_free(struct monitor *m);

#endif
