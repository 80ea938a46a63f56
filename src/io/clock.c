#include "io/clock.h"

#include <time.h>

static int64_t clock_ms(clockid_t id)
{
	struct timespec t = { 0 };

	/* Fails for an unknown clock only; these two exist everywhere. */
	(void)clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t clock_boot_ms(void)
{
	return (uint64_t)clock_ms(CLOCK_BOOTTIME);
}

int64_t clock_unix_s(void)
{
	return clock_unix_ms() / 1000;
}

int64_t clock_unix_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}
