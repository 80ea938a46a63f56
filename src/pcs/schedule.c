#include "pcs/schedule.h"

enum {
	LIFE_PARTS = 3, /* due after one of them */
	JITTER_PARTS = 10,
};

/* base, and less or more by up to a tenth. */
static int64_t shake(int64_t base, uint32_t chance)
{
	int64_t most = base / JITTER_PARTS;

	return base - most + (int64_t)(chance % (uint64_t)(2 * most + 1));
}

int64_t schedule_refresh(int64_t fetched_at, int64_t expires_at,
			 uint32_t chance)
{
	if (expires_at <= fetched_at)
		return fetched_at;
	return fetched_at +
	       shake((expires_at - fetched_at) / LIFE_PARTS, chance);
}

int64_t schedule_retry(int64_t now, unsigned failures, unsigned retry_after_s,
		       uint32_t chance)
{
	int64_t wait = SCHEDULE_RETRY_MIN_S;

	while (failures-- > 1 && wait < SCHEDULE_RETRY_MAX_S)
		wait *= 2;
	if (wait > SCHEDULE_RETRY_MAX_S)
		wait = SCHEDULE_RETRY_MAX_S;
	wait = shake(wait, chance);
	/* Later than asked for, never sooner. */
	if (wait < retry_after_s)
		wait = retry_after_s + (int64_t)(chance % 10);
	return now + wait;
}
