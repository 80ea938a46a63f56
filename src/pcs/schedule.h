/*
 * schedule: when collateral is fetched again.
 *
 * After a third of what was left of its life when it was fetched, give or take
 * a tenth of that, so that many machines do not ask at once.  A failure is
 * tried again after a minute, then twice as long each time, up to an hour, and
 * not before the server said to.
 *
 * Pure: time and chance are inputs.
 */
#ifndef POSTERN_PCS_SCHEDULE_H
#define POSTERN_PCS_SCHEDULE_H

#include <stdint.h>

enum {
	SCHEDULE_RETRY_MIN_S = 60,
	SCHEDULE_RETRY_MAX_S = 3600,
};

/*
 * When collateral fetched at 'fetched_at' that expires at 'expires_at' is due;
 * fetched_at itself when it is past its life.  'chance' is any number; the same
 * one gives the same answer.
 */
int64_t schedule_refresh(int64_t fetched_at, int64_t expires_at,
			 uint32_t chance);

/*
 * When to try again after the failures-th failure in a row (1: the first) at
 * 'now'; not before retry_after_s have passed.
 */
int64_t schedule_retry(int64_t now, unsigned failures, unsigned retry_after_s,
		       uint32_t chance);

#endif
