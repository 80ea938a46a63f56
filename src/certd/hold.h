/*
 * hold: keeps certificates from the edge once somebody else got one for their
 * names (ct.stop_on_foreign), over restarts and renewals, until a person says
 * that it was seen to.  While one is held the alarm certificate_held stands.
 * When there are more of them than can be remembered, everything is held (alarm
 * hold_full), and while that cannot be sealed, which a restart would forget,
 * hold_not_sealed stands.
 *
 * Any thread.
 */
#ifndef POSTERN_CERTD_HOLD_H
#define POSTERN_CERTD_HOLD_H

#include "certd/alarm.h"
#include "certd/custody.h"
#include "certd/shelf.h"

struct hold_options {
	const struct config *config;
	const struct log *log;
	struct custody *custody;
	struct audit *audit;
	struct alarm *alarm;
	struct shelf *shelf;
};

struct hold;

/* Holds what was held before; so before the edge can ask.  RC_DENIED: that
 * cannot be read, and nobody may go on as if nothing had been; error. */
enum rc hold_open(struct hold **out, const struct hold_options *o,
		  char error[NODE_ERROR_MAX]);
void hold_close(struct hold *h);

/* A foreign certificate for the names of the certificate 'index'.  True: that
 * is held now, and was not before. */
bool hold_because(struct hold *h, size_t index, const struct sha256 *tbs,
		  const char *name);
/* A person has seen it: all go to the edge again, which is to be told.  False:
 * nothing was held.  Where that cannot be sealed the next start holds again. */
bool hold_release(struct hold *h);
bool hold_is_any(struct hold *h);

#endif
