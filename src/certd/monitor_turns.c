#include <stdatomic.h>

#include "base/mem.h"
#include "certd/monitoring.h"
#include "http/fetch.h"
#include "io/clock.h"

enum {
	TIMEOUT_MS = 30'000,
	SOURCE_MS = 120'000, /* for all that one is asked in a turn */
	QUIET_FAILURES = 3, /* rounds of an aggregator, before an alarm */
	/* At a time.  One that is slow holds up itself, and the round by no
	 * more than its turn. */
	THREADS_MAX = 8,
};

/* ---- aggregators */

static void ask_source(struct monitor *m, struct monitor_source *s)
{
	const struct fetch_options how = {
		.ca_file = m->o.config->ct.ca,
		.timeout_ms = TIMEOUT_MS,
		.stop = &m->pulse.stop,
	};
	AUTO(web_ask_fini)
	struct web_ask ask = { 0 };

	uint64_t end_ms = clock_boot_ms() + SOURCE_MS;

	aggregator_begin(s->aggregator);
	while (!pulse_is_stopping(&m->pulse) &&
	       aggregator_next(s->aggregator, &ask)) {
		AUTO(web_answer_fini)
		struct web_answer answer = { 0 };
		char why[FETCH_ERROR_MAX];
		enum fetch_result got = FETCH_TIMEOUT;

		if (clock_boot_ms() < end_ms)
			got = fetch(&answer, why, &ask, &how);
		(void)aggregator_take(s->aggregator, /* the status says */
				      got == FETCH_OK ? &answer : NULL);
	}
}

static void turn_source(struct monitor *m, struct monitor_source *s)
{
	int64_t now = clock_unix_s();
	const char *said;

	if (now < s->due)
		return;
	ask_source(m, s);
	if (pulse_is_stopping(&m->pulse))
		return;
	aggregator_status(&s->last, s->aggregator);
	s->has_news = s->has_news || s->last.found;
	s->has_been_whole = s->has_been_whole ||
			    s->last.worst == AGGREGATOR_OK;
	s->failures = s->last.worst == AGGREGATOR_OK ? 0 : s->failures + 1;
	s->due = now + (int64_t)(m->o.config->ct.interval_ms / 1000);
	if (now + s->last.retry_after_s > s->due)
		s->due = now + s->last.retry_after_s;
	said = aggregator_answer_name(s->last.worst);
	if (s->failures)
		log_event(m->o.log, LOG_WARN, "ct_source",
			  LSTR("source", s->config->name), LSTR("says", said));
	if (s->failures == 0 || s->failures >= QUIET_FAILURES)
		alarm_set(m->o.alarm, s->failures, "ct_source_failed",
			  s->config->name, said);
}

/* ---- all of them */

struct turns {
	struct monitor *monitor;
	atomic_size_t next;
};

static void *take_turns(void *arg)
{
	struct turns *t = arg;
	struct monitor *m = t->monitor;
	size_t i;

	while ((i = atomic_fetch_add(&t->next, 1)) <
	       m->log_count + m->source_count) {
		if (i < m->log_count)
			logread_turn(&m->logs[i]);
		else
			turn_source(m, &m->sources[i - m->log_count]);
	}
	return NULL;
}

void monitor_turns(struct monitor *m)
{
	size_t all = m->log_count + m->source_count, n = 0;
	pthread_t threads[THREADS_MAX - 1];
	struct turns t = { .monitor = m };

	atomic_init(&t.next, 0);
	/* Where there are no more threads those that there are do it. */
	while (n < THREADS_MAX - 1 && n + 1 < all &&
	       pthread_create(&threads[n], NULL, take_turns, &t) == 0)
		n++;
	(void)take_turns(&t);
	while (n > 0)
		(void)pthread_join(threads[--n], NULL);
}
