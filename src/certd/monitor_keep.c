#include "base/mem.h"
#include "certd/monitoring.h"

static bool keep(struct monitor *m, const char *purpose, struct span bytes)
{
	enum seal_reason reason = custody_put(m->o.custody, purpose, bytes);

	if (reason)
		log_event(m->o.log, LOG_ERROR, "ct_not_kept",
			  LSTR("what", purpose),
			  LSTR("why", seal_reason_name(reason)));
	return !reason;
}

bool monitor_keep_finds(struct monitor *m)
{
	AUTO(buf_fini)
	struct buf bytes = { 0 };

	buf_init(&bytes, MONITOR_SEALED_MAX);
	if (!m->finds.has_changed)
		return true;
	if (finds_write(&bytes, &m->finds)) {
		log_event(m->o.log, LOG_ERROR, "ct_not_kept",
			  LSTR("what", MONITOR_FOUND),
			  LSTR("why", "too large"));
		return false;
	}
	if (!keep(m, MONITOR_FOUND, buf_span(&bytes)))
		return false;
	m->finds.has_changed = false;
	return true;
}

static void keep_positions(struct monitor *m)
{
	AUTO(buf_fini)
	struct buf all = { 0 };
	AUTO(mem_auto_free)
	uint8_t *room = mem_new_array(FOLLOW_POSITION_MAX + 64, 1);
	bool has_moved = false;

	buf_init(&all, MONITOR_SEALED_MAX);
	for (size_t i = 0; i < m->log_count; i++) {
		struct logread *r = &m->logs[i];
		struct wr w = wr_over(room, FOLLOW_POSITION_MAX + 64);
		struct wr_mark mark;

		has_moved = has_moved || r->has_moved;
		wr_bytes(&w, SPAN_ARRAY(r->id.b));
		mark = wr_open(&w, 3);
		follow_position(r->follow, &w);
		wr_close(&w, mark);
		if (w.over || !buf_add(&all, wr_span(&w)))
			log_event(m->o.log, LOG_ERROR, "ct_not_kept",
				  LSTR("what", r->about),
				  LSTR("why", "too large"));
	}
	if (!has_moved)
		return;
	if (!buf_add(&all, buf_span(&m->others)))
		log_event(m->o.log, LOG_ERROR, "ct_not_kept",
			  LSTR("what", "positions in logs not listed"),
			  LSTR("why", "too large"));
	if (!keep(m, MONITOR_POSITIONS, buf_span(&all)))
		return;
	for (size_t i = 0; i < m->log_count; i++)
		m->logs[i].has_moved = false;
}

static void keep_source(struct monitor *m, struct monitor_source *s)
{
	AUTO(mem_auto_free)
	uint8_t *room = mem_new_array(MONITOR_SEALED_MAX, 1);
	struct wr w = wr_over(room, MONITOR_SEALED_MAX);
	char purpose[FORM_PURPOSE_MAX + 1];
	struct span bytes;

	custody_purpose(purpose, "ct-source", s->config->url);
	aggregator_write(&w, s->aggregator);
	if (wr_done(&w, &bytes) && keep(m, purpose, bytes))
		s->has_news = false;
}

/* After a crash between, the same is read again. */
void monitor_keep(struct monitor *m)
{
	if (!monitor_keep_finds(m))
		return;
	keep_positions(m);
	for (size_t i = 0; i < m->source_count; i++)
		if (m->sources[i].has_news)
			keep_source(m, &m->sources[i]);
}
