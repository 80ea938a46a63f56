#include "agent/measured.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

struct measured {
	struct identity *id;
	struct quote_source *source;
	const char *state;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Under the lock. */
	bool is_busy; /* somebody has the machine */
	unsigned tunnel_waits;
	struct buf quoted_log; /* of the tunnel's last quote */
};

struct measured *measured_new(struct identity *id, struct quote_source *source,
			      const char *state)
{
	struct measured *m = mem_new(sizeof(*m));

	m->id = id;
	m->source = source;
	m->state = state;
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->changed, NULL);
	buf_init(&m->quoted_log, EVENTLOG_MAX);
	return m;
}

void measured_free(struct measured *m)
{
	if (!m)
		return;
	buf_fini(&m->quoted_log);
	pthread_cond_destroy(&m->changed);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

/* Who has the machine may use id and source without the lock. */
static void take(struct measured *m, bool is_tunnel)
{
	pthread_mutex_lock(&m->lock);
	m->tunnel_waits += is_tunnel;
	while (m->is_busy || (!is_tunnel && m->tunnel_waits))
		pthread_cond_wait(&m->changed, &m->lock);
	m->tunnel_waits -= is_tunnel;
	m->is_busy = true;
	pthread_mutex_unlock(&m->lock);
}

static void give(struct measured *m)
{
	pthread_mutex_lock(&m->lock);
	m->is_busy = false;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
}

enum rc measured_quote(void *arg, struct buf *out, const uint8_t report_data[])
{
	struct measured *m = arg;
	enum rc rc;

	take(m, true);
	rc = quote_source_get(m->source, out, report_data);
	pthread_mutex_lock(&m->lock);
	buf_reset(&m->quoted_log);
	if (!rc && !buf_add(&m->quoted_log, buf_span(&m->id->eventlog)))
		rc = RC_LIMIT;
	pthread_mutex_unlock(&m->lock);
	give(m);
	return rc;
}

enum rc measured_log(struct measured *m, struct buf *out)
{
	bool fits;

	pthread_mutex_lock(&m->lock);
	fits = buf_add(out, buf_span(&m->quoted_log));
	pthread_mutex_unlock(&m->lock);
	return fits ? RC_OK : RC_LIMIT;
}

enum rc measured_quote_with_log(struct measured *m, struct buf *quote,
				struct buf *log, const uint8_t report_data[])
{
	enum rc rc;

	take(m, false);
	rc = quote_source_get(m->source, quote, report_data);
	if (!rc && !buf_add(log, buf_span(&m->id->eventlog)))
		rc = RC_LIMIT;
	give(m);
	return rc;
}

enum rc measured_extend(struct measured *m, const char *event,
			struct span payload, struct sha384 *rtmr3,
			struct buf *log)
{
	struct eventlog_registers replayed;
	enum rc rc;

	take(m, false);
	rc = identity_extend(m->id, m->source, m->state, event, payload);
	if (!rc && eventlog_replay(&replayed, buf_span(&m->id->eventlog)))
		rc = RC_MALFORMED;
	if (!rc && !buf_add(log, buf_span(&m->id->eventlog)))
		rc = RC_LIMIT;
	if (!rc)
		*rtmr3 = replayed.rtmr[EVENTLOG_RTMR];
	give(m);
	return rc;
}
