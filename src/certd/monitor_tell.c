#include <stdio.h>
#include <string.h>

#include "acme/certcheck.h"
#include "base/mem.h"
#include "base/text.h"
#include "certd/inclusion.h"
#include "certd/monitoring.h"
#include "io/clock.h"
#include "json/jwrite.h"

enum {
	STATUS_MAX = 512 * 1024,
};

/* ---- that promises to us were kept */

static bool is_proved(const struct monitor *m, const struct sha256 *tbs,
		      const uint8_t log_id[SCT_LOG_ID_LEN])
{
	for (size_t i = 0; i < m->proof_count; i++)
		if (span_equal(SPAN_ARRAY(m->proofs[i].tbs.b),
			       SPAN_ARRAY(tbs->b)) &&
		    span_equal(SPAN_ARRAY(m->proofs[i].log_id.b),
			       span_of(log_id, SCT_LOG_ID_LEN)))
			return true;
	return false;
}

static void prove_one(struct monitor *m, const struct sha256 *tbs,
		      const struct sct *sct, const struct sct_entry *entry)
{
	const struct loglist_log *log = loglist_find(&m->list, sct->log_id);
	struct sighting_proof *p = &m->proofs[m->proof_count];
	struct inclusion_ask ask = { .config = &m->o.config->ct,
				     .pulse = &m->pulse,
				     .log = log,
				     .sct = sct };
	int64_t late;
	char about[ALARM_ABOUT_MAX];
	bool has;

	if (!log || m->proof_count == SIGHTINGS_PROOFS_MAX ||
	    is_proved(m, tbs, sct->log_id) ||
	    !sct_verify(sct, entry, log->spki))
		return;
	sct_leaf_hash(&ask.leaf, sct, entry);
	*p = (struct sighting_proof){ .tbs = *tbs };
	memcpy(p->log_id.b, sct->log_id, sizeof(p->log_id.b));
	has = inclusion_prove(p, &ask);
	m->proof_count += has;
	late = (int64_t)(sct->timestamp_ms / 1000 + log->mmd_s);
	(void)snprintf(about, sizeof(about), "%.*s", (int)log->url.n,
		       (const char *)log->url.p);
	alarm_set(m->o.alarm, !has && clock_unix_s() > late,
		  "ct_promise_broken", about,
		  "it has not shown our certificate within its merge delay");
}

static void prove_certificate(struct monitor *m,
			      const struct issuer_certificate *c)
{
	AUTO(certcheck_fini)
	struct certcheck_chain chain = { 0 };
	struct sct scts[SCT_COUNT_MAX];
	struct sct_entry entry;
	size_t n = 0;

	if (certcheck_read(&chain, buf_span(&c->chain)) || chain.count < 2 ||
	    chain.cert[0].scts.n == 0 ||
	    sct_list_parse(scts, &n, chain.cert[0].scts))
		return;
	entry = sct_entry_embedded(&chain.cert[0], &chain.cert[1]);
	for (size_t i = 0; i < n && !pulse_is_stopping(&m->pulse); i++)
		prove_one(m, &c->tbs, &scts[i], &entry);
}

/* Proofs of what is served no more make room. */
static void drop_old(struct monitor *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->proof_count; i++) {
		bool is_served = false;

		for (size_t k = 0; k < m->o.config->certificates.count; k++) {
			struct issuer_certificate c;

			if (!issuer_certificate(m->o.issuer, k, &c))
				continue;
			is_served = is_served ||
				    span_equal(SPAN_ARRAY(c.tbs.b),
					       SPAN_ARRAY(m->proofs[i].tbs.b));
			buf_fini(&c.chain);
		}
		if (is_served)
			m->proofs[kept++] = m->proofs[i];
	}
	m->proof_count = kept;
}

void monitor_prove(struct monitor *m)
{
	drop_old(m);
	for (size_t k = 0; k < m->o.config->certificates.count; k++) {
		struct issuer_certificate c;

		if (!issuer_certificate(m->o.issuer, k, &c))
			continue;
		prove_certificate(m, &c);
		buf_fini(&c.chain);
	}
	memcpy(m->view->proofs, m->proofs, m->proof_count * sizeof(*m->proofs));
	m->view->proof_count = m->proof_count;
}

/* ---- heads */

static void take_heads(struct monitor *m)
{
	struct sightings_view *v = m->view;

	for (size_t i = 0;
	     i < m->log_count && v->head_count < SIGHTINGS_HEADS_MAX; i++) {
		struct core_head *head = &v->heads[v->head_count];
		struct follow_status s;

		follow_status(&s, m->logs[i].follow);
		if (!s.signed_at_ms)
			continue;
		*head = (struct core_head){ .log_id = m->logs[i].id,
					    .size = s.signed_size,
					    .timestamp_ms = s.signed_at_ms };
		memcpy(head->root.b, s.signed_root.b, sizeof(head->root.b));
		v->head_count++;
	}
}

/* ---- the status */

static void write_log(struct jwrite *j, const struct logread *r)
{
	struct follow_status s;

	follow_status(&s, r->follow);
	jwrite_object(j, NULL);
	jwrite_str(j, "url", r->about);
	jwrite_hex(j, "log_id", SPAN_ARRAY(r->id.b));
	jwrite_number(j, "read", s.read);
	jwrite_number(j, "proven", s.proven);
	jwrite_number(j, "signed", s.signed_size);
	if (s.signed_at_ms)
		jwrite_utc(j, "signed_at", (int64_t)(s.signed_at_ms / 1000));
	jwrite_number(j, "failures", s.failures);
	jwrite_bool(j, "convicted", r->is_convicted);
	jwrite_end(j);
}

static void write_source(struct jwrite *j, const struct monitor_source *s)
{
	jwrite_object(j, NULL);
	jwrite_str(j, "name", s->config->name);
	jwrite_str(j, "says", aggregator_answer_name(s->last.worst));
	jwrite_number(j, "rows", s->last.rows);
	jwrite_number(j, "failures", s->failures);
	jwrite_end(j);
}

static void write_find(struct jwrite *j, const struct monitor *m,
		       const struct find *f)
{
	jwrite_object(j, NULL);
	jwrite_hex(j, "tbs", SPAN_ARRAY(f->tbs.b));
	jwrite_str(j, "class",
		   watchset_class_name(
			   f->is_malformed
				   ? WATCHSET_MALFORMED
				   : watchset_class_of(m->names, &f->tbs,
						       &f->spki)));
	jwrite_str(j, "name", f->name);
	jwrite_str(j, "issuer", f->issuer);
	jwrite_bool(j, "precertificate", !f->has_final);
	jwrite_utc(j, "issued_at", find_issued_at(f));
	jwrite_utc(j, "not_after", f->not_after);
	jwrite_bool(j, "revoked", f->is_revoked);
	if (f->is_revoked) {
		jwrite_utc(j, "revoked_at", f->revoked.revoked_at);
		jwrite_str(j, "reason", webcrl_reason_name(f->revoked.reason));
	}
	if (f->revocation)
		jwrite_str(j, "revocation", f->revocation);
	jwrite_end(j);
}

static void write_all(struct jwrite *j, const struct monitor *m)
{
	jwrite_object(j, NULL);
	jwrite_utc(j, "at", clock_unix_s());
	jwrite_hex(j, "log_list_sha256", SPAN_ARRAY(m->list_hash.b));
	jwrite_str(j, "verdict", history_verdict_name(m->summary.verdict));
	if (m->view->safe_at)
		jwrite_utc(j, "safe_at", m->view->safe_at);
	if (m->view->safe_at && m->summary.safe_at_without_crl)
		jwrite_utc(j, "safe_at_without_crl",
			   m->summary.safe_at_without_crl);
	jwrite_number(j, "ours", m->ours_count);
	jwrite_number(j, "legacy", m->legacy_count);
	jwrite_number(j, "foreign", m->foreign_count);
	jwrite_number(j, "revoked", m->revoked_count);
	jwrite_number(j, "proofs", m->proof_count);
	jwrite_array(j, "logs");
	for (size_t i = 0; i < m->log_count; i++)
		write_log(j, &m->logs[i]);
	jwrite_end(j);
	jwrite_array(j, "sources");
	for (size_t i = 0; i < m->source_count; i++)
		write_source(j, &m->sources[i]);
	jwrite_end(j);
	jwrite_array(j, "certificates");
	for (size_t i = 0; i < m->finds.count; i++)
		write_find(j, m, &m->finds.of[i]);
	jwrite_end(j);
	jwrite_end(j);
}

void monitor_tell(struct monitor *m)
{
	AUTO(buf_fini)
	struct buf json = { 0 };
	struct jwrite j;
	uint64_t version;

	take_heads(m);
	sightings_put(m->o.sightings, m->view);
	buf_init(&json, STATUS_MAX);
	j = jwrite_to(&json);
	write_all(&j, m);
	if (jwrite_done(&j))
		shelf_put_status(m->o.shelf, "ct", buf_span(&json));
	version = sightings_version(m->o.sightings);
	if (version == m->told)
		return;
	m->told = version;
	issuer_ask(m->o.issuer, ISSUER_ROUND);
}
