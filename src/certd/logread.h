/*
 * logread: one log of the list, followed over the network.
 *
 * What the log signed and cannot keep is an alarm about it that stays; what
 * stands between us and it is one that ends with its next answer.
 *
 * Blocks; several may have their turn at a time, each in a thread.
 *
 * Source: RFC 6962 §5.3; ct/follow.h.
 */
#ifndef POSTERN_CERTD_LOGREAD_H
#define POSTERN_CERTD_LOGREAD_H

#include <pthread.h>

#include "certd/alarm.h"
#include "certd/config.h"
#include "certd/finds.h"
#include "certd/pulse.h"
#include "ct/follow.h"
#include "ct/loglist.h"
#include "io/log.h"

/* What all of them share.  Borrowed. */
struct logread_context {
	const struct config_ct *config;
	const struct log *log;
	struct alarm *alarm;
	struct pulse *pulse;
	const struct watchset *names;
	struct finds *finds;
	pthread_mutex_t *lock; /* over finds */
};

struct logread {
	const struct logread_context *context;
	const struct loglist_log *log; /* of the list */
	struct sha256 id;
	char about[ALARM_ABOUT_MAX]; /* its URL */
	struct follow *follow;
	int64_t due; /* unix seconds: not to be asked before */
	bool has_moved; /* its position, since it was written */
	bool is_convicted;
};

/* The list lives as long.  End with logread_close(). */
void logread_open(struct logread *out, const struct logread_context *context,
		  const struct loglist_log *log);
void logread_close(struct logread *r);

/* Asks until there is nothing more to be asked now, or a turn's share of
 * requests or of time is used up: then 'due' is now. */
void logread_turn(struct logread *r);

#endif
