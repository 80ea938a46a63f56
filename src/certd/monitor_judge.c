#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "certd/monitoring.h"
#include "certd/showing.h"
#include "io/clock.h"

enum {
	HEX_MAX = 2 * SCT_LOG_ID_LEN + 1,
	QUIET_FAILURES = 3,
};

/* ---- what is ours */

static bool is_for(const struct watchset *name, const struct find *f)
{
	struct watchset_hit hit;

	return f->der.n ? watchset_look(&hit, name, f->der)
			: watchset_matches(name, span_str(f->name));
}

/*
 * When the first of our names that it is for was pinned for the first time:
 * older ones are from before.  A name that is not yet pinned has only older
 * ones.  Addresses, and names whose CAA is nobody's to look at (caa.pin), are
 * ours since our first key.
 */
static int64_t pinned_at(const struct monitor *m, const struct find *f)
{
	int64_t first = INT64_MAX;
	bool is_any = false;

	for (size_t k = 0; m->o.config->caa.pin && k < m->book.count; k++) {
		int64_t at = m->book.of[k].first_at;

		if (!is_for(m->pinned[k], f))
			continue;
		is_any = true;
		if (at && at < first)
			first = at;
	}
	return is_any ? first : m->since;
}

/* Not knowing our first key excuses nobody.  A log that is read later than the
 * aggregators may take back what they said. */
static void learn_age(struct monitor *m, const struct find *f)
{
	if (m->keys && !f->is_malformed && find_issued_at(f) < pinned_at(m, f))
		(void)watchset_add(m->names, WATCHSET_OLDER_TBS, &f->tbs);
	else
		watchset_remove(m->names, WATCHSET_OLDER_TBS, &f->tbs);
}

void monitor_learn(struct monitor *m, struct arena *arena)
{
	/* What does not fit is not known, and that is an alarm. */
	m->keys = custody_history(m->o.custody, arena, &m->key_count);
	since_book(m->o.since, &m->book);
	m->since = clock_unix_s();
	if (!m->keys)
		m->key_count = 0;
	if (custody_begun_at(m->o.custody))
		m->since = custody_begun_at(m->o.custody);
	for (size_t i = 0; i < m->key_count; i++) {
		const struct custody_key *k = &m->keys[i];

		(void)watchset_add(m->names, WATCHSET_OUR_KEY, &k->spki);
		for (size_t n = 0; n < k->tbs_count; n++)
			(void)watchset_add(m->names, WATCHSET_OUR_TBS,
					   &k->tbs[n]);
		if (k->tbs_count == 0 && !k->retired_at)
			(void)watchset_add(m->names, WATCHSET_ORDERED_KEY,
					   &k->spki);
		else
			watchset_remove(m->names, WATCHSET_ORDERED_KEY,
					&k->spki);
	}
	for (size_t i = 0; i < m->finds.count; i++)
		learn_age(m, &m->finds.of[i]);
}

/* ---- one certificate */

static const char *const kinds[WATCHSET_CLASS_COUNT] = {
	[WATCHSET_SAME_KEY] = "ct_same_key",
	[WATCHSET_FOREIGN] = "ct_foreign",
	[WATCHSET_MALFORMED] = "ct_malformed",
};

enum watchset_class monitor_class(const struct monitor *m,
				  const struct find *f)
{
	return f->is_malformed
		       ? WATCHSET_MALFORMED
		       : watchset_class_of(m->names, &f->tbs, &f->spki);
}

/* Nobody can use it any more. */
static bool is_over(const struct find *f, int64_t now)
{
	return !f->is_malformed && (now > f->not_after || f->is_revoked);
}

static void hex_of(char out[HEX_MAX], const struct sha256 *hash)
{
	struct wr w = wr_over(out, HEX_MAX - 1);

	text_hex(&w, SPAN_ARRAY(hash->b));
	out[HEX_MAX - 1] = '\0';
}

static void say(struct monitor *m, const struct find *f,
		enum watchset_class class, bool is_over)
{
	char about[HEX_MAX], text[ALARM_TEXT_MAX];

	hex_of(about, &f->tbs);
	if (f->is_malformed)
		(void)snprintf(text, sizeof(text),
			       "an entry that cannot be read names us");
	else
		(void)snprintf(text, sizeof(text),
			       "%s for %s by %s, seen in%s%s",
			       f->has_final ? "a certificate"
					    : "a precertificate",
			       f->name, f->issuer,
			       f->sources & 1U << FINDS_FROM_LOG ? " logs"
								 : "",
			       f->sources & ~(1U << FINDS_FROM_LOG)
				       ? " aggregators"
				       : "");
	for (size_t i = 0; i < WATCHSET_CLASS_COUNT; i++)
		if (kinds[i])
			alarm_set(m->o.alarm,
				  i == (size_t) class && !is_over, kinds[i],
				  about, text);
}

/* ---- taking certificates back */

static bool covers(const struct config_certificate *c, const struct find *f)
{
	AUTO(watchset_auto)
	struct watchset *w = watchset_new();

	/* monitor_new() has added all of these once. */
	for (size_t i = 0; i < c->names.count; i++)
		(void)watchset_add_name(w, span_str(c->names.of[i].text),
					WATCHSET_NAME);
	return watchset_matches(w, span_str(f->name));
}

static void take_back(struct monitor *m, const struct find *f)
{
	const struct conf_list *list = &m->o.config->certificates;
	const struct config_certificate *all = list->items;
	struct showing showing = { .config = m->o.config,
				   .shelf = m->o.shelf,
				   .log = m->o.log };
	char error[NODE_ERROR_MAX] = "";
	bool is_news = false;

	for (size_t i = 0; i < list->count; i++)
		if (covers(&all[i], f))
			is_news |= hold_because(m->o.hold, i, &f->tbs,
						f->name);
	/* At once, for the issuer may be in the middle of an order; by it
	 * again, until the edge has heard. */
	if (is_news && showing_tell_edge(&showing, error))
		issuer_ask(m->o.issuer, ISSUER_TELL_EDGE);
}

/* ---- all of them */

static void add_legacy(struct sightings_view *v, const struct find *f)
{
	if (v->legacy_count < SIGHTINGS_UNKNOWN_MAX)
		v->legacy[v->legacy_count++] = (struct core_legacy){
			.tbs = f->tbs,
			.not_after = f->not_after,
			.is_revoked = f->is_revoked,
		};
}

static void judge_one(struct monitor *m, const struct find *f, int64_t now)
{
	struct sightings_view *v = m->view;
	enum watchset_class class = monitor_class(m, f);
	bool over = is_over(f, now);

	say(m, f, class, over);
	if (class == WATCHSET_EXPECTED || class == WATCHSET_OURS)
		m->ours_count++;
	else if (f->is_revoked && now <= f->not_after)
		m->revoked_count++;
	if (over && class == WATCHSET_KNOWN_OLDER && now <= f->not_after)
		add_legacy(v, f);
	if (over)
		return;
	if (class == WATCHSET_KNOWN_OLDER) {
		m->legacy_count++;
		add_legacy(v, f);
	}
	if (!watchset_is_alarm(class))
		return;
	m->foreign_count++;
	if (class == WATCHSET_FOREIGN && f->der.n &&
	    m->foreign_ders < SIGHTINGS_FOREIGN_MAX)
		m->foreign[m->foreign_ders++] = f->der;
	if (v->unknown_count < SIGHTINGS_UNKNOWN_MAX)
		v->unknown[v->unknown_count++] = f->tbs;
	if (m->o.config->ct.stop_on_foreign && class != WATCHSET_MALFORMED)
		take_back(m, f);
}

static void add_to_history(const struct monitor *m, struct history *h,
			   const struct find *f)
{
	int64_t at = find_issued_at(f);

	for (unsigned n = 0; n < HISTORY_SOURCES_MAX; n++)
		if (f->sources & 1U << n)
			/* It was read before it was kept. */
			(void)history_add(h, n, f->der,
					  at > 0 ? (uint64_t)at * 1000 : 0);
	history_pinned(h, &f->tbs, pinned_at(m, f));
	if (f->is_revoked)
		history_crl(h, &f->tbs, WEBCRL_REVOKED, &f->revoked);
}

static void judge_sources(struct monitor *m, struct history *h)
{
	struct sightings_view *v = m->view;

	for (size_t i = 0; i < m->source_count; i++) {
		const struct monitor_source *s = &m->sources[i];
		char *name = v->sources[v->source_count];

		/* One round without an answer changes no date. */
		if (m->finds.is_lost || !s->has_been_whole ||
		    s->failures >= QUIET_FAILURES) {
			history_source_failed(h, s->number);
			continue;
		}
		history_source_done(h, s->number);
		(void)snprintf(name, SIGHTINGS_SOURCE_LEN, "%s",
			       s->config->name);
		v->source_count++;
	}
}

/* Since when the names of all our certificates are pinned; 0: they are not. */
static int64_t pinned_since(const struct monitor *m)
{
	int64_t since = m->since;
	bool is_pinned = true;

	for (size_t i = 0; i < m->o.config->certificates.count; i++) {
		struct issuer_certificate c;

		if (!issuer_certificate(m->o.issuer, i, &c))
			continue;
		is_pinned = pinbook_since(&m->book, c.names, &since) &&
			    is_pinned;
		buf_fini(&c.chain);
	}
	return is_pinned ? since : 0;
}

/* From when on nobody else has a certificate for our names; 0: nobody knows. */
static void judge_time(struct monitor *m, int64_t now)
{
	AUTO(history_auto)
	struct history *h = history_new(m->names);
	int64_t safe_at;

	for (size_t i = 0; i < m->finds.count; i++)
		if (m->finds.of[i].der.n)
			add_to_history(m, h, &m->finds.of[i]);
	judge_sources(m, h);
	history_summarize(&m->summary, h, pinned_since(m),
			  (uint32_t)m->o.config->dns.ttl_s, now);
	safe_at = m->summary.safe_at;
	for (size_t i = 0; safe_at && i < m->finds.count; i++) {
		const struct find *f = &m->finds.of[i];
		enum watchset_class class = monitor_class(m, f);

		if (!f->der.n && !f->is_revoked && f->not_after >= safe_at &&
		    (class == WATCHSET_FOREIGN ||
		     class == WATCHSET_KNOWN_OLDER))
			safe_at = f->not_after + 1;
	}
	m->view->safe_at = m->finds.lost || m->finds.is_lost ? 0 : safe_at;
}

void monitor_judge(struct monitor *m)
{
	struct sightings_view *v = m->view;
	int64_t now = clock_unix_s();

	memset(v, 0, sizeof(*v));
	v->log_list = m->list_hash;
	v->has_log_list = m->has_list;
	m->foreign_count = m->legacy_count = 0;
	m->revoked_count = m->ours_count = 0;
	m->foreign_ders = 0;
	for (size_t i = 0; i < m->finds.count; i++)
		judge_one(m, &m->finds.of[i], now);
	sightings_put_foreign(m->o.sightings, m->foreign, m->foreign_ders);
	judge_time(m, now);
	finds_drop_expired(&m->finds, now); /* their alarms are over */
	alarm_set(m->o.alarm, m->finds.lost, "ct_too_many", "",
		  "more certificates for our names than can be kept");
	alarm_set(m->o.alarm, m->summary.verdict == HISTORY_DISAGREE,
		  "ct_sources_disagree", "",
		  "an aggregator does not know a live certificate that "
		  "another source has");
}
