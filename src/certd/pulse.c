#include "certd/pulse.h"

#include <time.h>

#include "io/clock.h"

enum {
	LOOK_MS = 60'000,
};

void pulse_init(struct pulse *p)
{
	pthread_condattr_t attr;

	/* None of these fails on Linux. */
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_cond_init(&p->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	p->is_poked = false;
	atomic_init(&p->stop, false);
}

void pulse_fini(struct pulse *p)
{
	(void)pthread_cond_destroy(&p->changed); /* nobody waits */
	(void)pthread_mutex_destroy(&p->lock);
}

static void wait_ms(struct pulse *p, int64_t ms)
{
	struct timespec at;

	(void)clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += ms / 1000;
	at.tv_nsec += ms % 1000 * 1'000'000;
	if (at.tv_nsec >= 1'000'000'000) {
		at.tv_nsec -= 1'000'000'000;
		at.tv_sec++;
	}
	(void)pthread_cond_timedwait(&p->changed, &p->lock, &at);
}

static bool wait_until(struct pulse *p, int64_t until_ms, bool minds_pokes)
{
	int64_t left;

	(void)pthread_mutex_lock(&p->lock);
	while (!atomic_load(&p->stop) && !(minds_pokes && p->is_poked) &&
	       (left = until_ms - clock_unix_ms()) > 0)
		wait_ms(p, left < LOOK_MS ? left : LOOK_MS);
	if (minds_pokes)
		p->is_poked = false;
	(void)pthread_mutex_unlock(&p->lock);
	return !atomic_load(&p->stop);
}

bool pulse_wait(struct pulse *p, int64_t until_ms)
{
	return wait_until(p, until_ms, true);
}

bool pulse_sleep(struct pulse *p, int64_t until_ms)
{
	return wait_until(p, until_ms, false);
}

void pulse_poke(struct pulse *p)
{
	(void)pthread_mutex_lock(&p->lock);
	p->is_poked = true;
	(void)pthread_cond_broadcast(&p->changed);
	(void)pthread_mutex_unlock(&p->lock);
}

void pulse_stop(struct pulse *p)
{
	(void)pthread_mutex_lock(&p->lock);
	atomic_store(&p->stop, true);
	(void)pthread_cond_broadcast(&p->changed);
	(void)pthread_mutex_unlock(&p->lock);
}

bool pulse_is_stopping(const struct pulse *p)
{
	return atomic_load(&p->stop);
}
