/*
 * pulse: what a working thread waits with: until a time, until somebody has
 * something for it, or until the program ends.
 */
#ifndef POSTERN_CERTD_PULSE_H
#define POSTERN_CERTD_PULSE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct pulse {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_poked;
	atomic_bool stop; /* for fetch_options, too */
};

void pulse_init(struct pulse *p);
void pulse_fini(struct pulse *p);

/* Waits until this wall time (unix milliseconds), a poke, or the end.  True:
 * go on; false: the program ends.  Looks at the wall clock every minute, since
 * it can be set. */
bool pulse_wait(struct pulse *p, int64_t until_ms);
/* The same without minding pokes: what waits for an answer's time. */
bool pulse_sleep(struct pulse *p, int64_t until_ms);
void pulse_poke(struct pulse *p);
void pulse_stop(struct pulse *p);
bool pulse_is_stopping(const struct pulse *p);

#endif
