#include "ct/watchset.h"
#include "evidence/check_list.h"
#include "pki/webcrl.h"
#include "pki/webkey.h"
#include "tee/claims.h"

/* ---- who tells the history */

static const char *fault_of_source(const struct material_source *s)
{
	switch (s->state) {
	case MATERIAL_WHOLE:
		break;
	case MATERIAL_CUT:
		return "told only a part";
	case MATERIAL_SILENT:
		return "did not answer";
	}
	return NULL;
}

typedef bool is_key_fn(const struct reading *r, const struct sha256 *spki);

static bool is_of_leaf(const struct reading *r, const struct sha256 *spki)
{
	return r->has_leaf && span_equal(SPAN_ARRAY(spki->b),
					 SPAN_ARRAY(r->leaf_spki.b));
}

/* It has a certificate of such a key. */
static bool knows(const struct material_source *s, const struct reading *r,
		  is_key_fn *is_key)
{
	for (size_t i = 0; i < s->count; i++) {
		struct web_cert cert;
		struct sha256 spki;

		if (web_parse(&cert, s->certs[i].der))
			continue;
		web_spki_sha256(&spki, &cert);
		if (is_key(r, &spki))
			return true;
	}
	return false;
}

/* A source without the key that is served, when others have it, is blind. */
static bool somebody_knows(const struct reading *r, is_key_fn *is_key)
{
	for (size_t i = 0; i < r->m->source_count; i++)
		if (knows(&r->m->sources[i], r, is_key))
			return true;
	return false;
}

/* A certificate comes to the sources a while after it was issued: until then
 * one of another key of the evidence shows that they see the name. */
void check_sources(struct finding *f, const struct reading *r)
{
	bool is_known = somebody_knows(r, is_of_leaf);
	size_t good = 0;

	for (size_t i = 0; i < r->m->source_count; i++) {
		const struct material_source *s = &r->m->sources[i];
		const char *fault = fault_of_source(s);

		if (!fault && is_known && !knows(s, r, is_of_leaf))
			fault = "does not know the certificate that others do";
		if (fault) {
			finding_say(f, CHECK_UNKNOWN, "%s %s",
				    finding_text(s->name).text, fault);
			return;
		}
		good++;
	}
	if (good < r->m->rules->sources)
		finding_say(f, CHECK_UNKNOWN, "%zu of %u asked for", good,
			    r->m->rules->sources);
	else if (!is_known && !somebody_knows(r, reading_owns_key))
		finding_say(f, CHECK_UNKNOWN,
			    "no source knows the certificate that is served");
	else
		finding_say(f, CHECK_PASS, "%zu sources agree", good);
}

/* ---- whose each certificate is */

static void add_core(struct watchset *w, const struct evidence_core *core)
{
	for (size_t i = 0; i < core->key_count; i++) {
		const struct core_key *key = &core->keys[i];

		/* what does not fit is not known, and that is an alarm */
		(void)watchset_add(w, WATCHSET_OUR_KEY, &key->spki);
		for (size_t k = 0; k < key->tbs_count; k++)
			(void)watchset_add(w, WATCHSET_OUR_TBS, &key->tbs[k]);
	}
	for (size_t i = 0; i < core->cert_count; i++)
		(void)watchset_add(w, WATCHSET_OUR_TBS, &core->certs[i].tbs);
	for (size_t i = 0; i < core->timeline.legacy_count; i++)
		(void)watchset_add(w, WATCHSET_OLDER_TBS,
				   &core->timeline.legacy[i].tbs);
}

static struct watchset *watchset_of(const struct reading *r)
{
	struct watchset *w = watchset_new();

	(void)watchset_add_name(w, r->m->host, WATCHSET_NAME);
	if (r->has_core)
		add_core(w, &r->core);
	return w;
}

/* One certificate of a source that is for our host and has not expired. */
struct found {
	const struct material_cert *cert;
	struct watchset_hit hit;
};

/* dstack's evidence has keys, and no list of what was issued for them. */
static enum watchset_class class_of(const struct reading *r,
				    const struct watchset_hit *hit)
{
	if (hit->class == WATCHSET_EXPECTED || hit->class == WATCHSET_OURS ||
	    hit->class == WATCHSET_MALFORMED ||
	    hit->class == WATCHSET_KNOWN_OLDER)
		return hit->class;
	if (!reading_owns_key(r, &hit->spki))
		return hit->class;
	return r->has_core && hit->class == WATCHSET_SAME_KEY
		       ? WATCHSET_SAME_KEY
		       : WATCHSET_EXPECTED;
}

/* False at the end.  Begin with *source = *at = 0. */
static bool next_found(struct found *out, size_t *source, size_t *at,
		       const struct reading *r, const struct watchset *w)
{
	for (; *source < r->m->source_count; (*source)++, *at = 0) {
		const struct material_source *s = &r->m->sources[*source];

		while (*at < s->count) {
			out->cert = &s->certs[(*at)++];
			if (!watchset_look(&out->hit, w, out->cert->der))
				continue;
			out->hit.class = class_of(r, &out->hit);
			if (out->hit.class == WATCHSET_MALFORMED ||
			    out->hit.cert.not_after >= r->m->at)
				return true;
		}
	}
	return false;
}

/* Whoever gave the issuer may have made it up: what counts is that its key made
 * this very certificate, since that CA's word is the one that ends it. */
static bool has_issuer(struct web_cert *issuer, const struct found *found)
{
	const struct web_cert *cert = &found->hit.cert;

	return found->cert->issuer.n &&
	       web_parse(issuer, found->cert->issuer) == RC_OK &&
	       web_names_issuer(cert, issuer) &&
	       webkey_signed(issuer->spki, cert->algorithm, cert->tbs,
			     cert->signature);
}

/* Any list that may answer says that it is revoked. */
static enum webcrl_answer revocation_of(const struct reading *r,
					const struct found *found)
{
	enum webcrl_answer best = WEBCRL_OTHER_SHARD;
	struct webcrl_entry entry;
	struct web_cert issuer;

	if (!has_issuer(&issuer, found))
		return WEBCRL_WRONG_ISSUER;
	for (size_t i = 0; i < r->m->crl_count; i++) {
		enum webcrl_answer answer =
			webcrl_ask(&entry, r->m->crls[i], &found->hit.cert,
				   &issuer, r->m->at);

		if (answer == WEBCRL_REVOKED)
			return answer;
		if (answer == WEBCRL_NOT_LISTED || best == WEBCRL_OTHER_SHARD)
			best = answer;
	}
	return best;
}

/* False, with a finding, when nobody was asked. */
static bool has_history(struct finding *f, const struct reading *r)
{
	if (r->kind == READING_NONE) {
		finding_say(f, CHECK_NOT_SHOWN, "no evidence names any key");
		return false;
	}
	if (r->kind == READING_CORE && !r->has_core) {
		finding_say(f, CHECK_UNKNOWN, "the core cannot be read");
		return false;
	}
	for (size_t i = 0; i < r->m->source_count; i++)
		if (r->m->sources[i].state == MATERIAL_WHOLE)
			return true;
	finding_say(f, CHECK_UNKNOWN, "no source told the history");
	return false;
}

/* Fails on the first of that class that is not revoked. */
static void judge_class(struct finding *f, const struct reading *r,
			enum watchset_class class, const char *what)
{
	struct watchset *w = watchset_of(r);
	size_t source = 0, at = 0, revoked = 0;
	struct found found;

	finding_say(f, CHECK_PASS, "none");
	while (f->state == CHECK_PASS &&
	       next_found(&found, &source, &at, r, w)) {
		enum webcrl_answer answer;

		if (found.hit.class != class)
			continue;
		answer = revocation_of(r, &found);
		if (answer == WEBCRL_REVOKED)
			revoked++;
		else
			finding_say(f, CHECK_FAIL,
				    "%s by %s, TBS %s%s; revocation: %s", what,
				    finding_text(found.hit.cert
							 .issuer_organization)
					    .text,
				    finding_hash(&found.hit.tbs).text,
				    found.hit.is_precert ? " (precertificate)"
							 : "",
				    webcrl_answer_name(answer));
	}
	if (f->state == CHECK_PASS && revoked)
		finding_say(f, CHECK_PASS, "%zu, all revoked", revoked);
	watchset_free(w);
}

static bool has_malformed(const struct reading *r)
{
	struct watchset *w = watchset_of(r);
	size_t source = 0, at = 0;
	struct found found;
	bool has = false;

	while (!has && next_found(&found, &source, &at, r, w))
		has = found.hit.class == WATCHSET_MALFORMED;
	watchset_free(w);
	return has;
}

void check_foreign(struct finding *f, const struct reading *r)
{
	if (!has_history(f, r))
		return;
	judge_class(f, r, WATCHSET_FOREIGN, "a live certificate");
	if (f->state == CHECK_PASS && r->has_core && r->core.unknown_count)
		finding_say(f, CHECK_FAIL,
			    "the service itself saw %zu of others",
			    r->core.unknown_count);
	else if (f->state == CHECK_PASS && has_malformed(r))
		finding_say(f, CHECK_UNKNOWN,
			    "a source has a certificate nobody can read");
	else if (f->state == CHECK_PASS && r->kind == READING_GATEWAY &&
		 !r->is_quoted)
		finding_say(f, CHECK_UNKNOWN,
			    "no quote says which of the keys listed are its "
			    "own");
}

void check_twins(struct finding *f, const struct reading *r)
{
	if (r->kind != READING_CORE)
		finding_say(f, CHECK_NOT_SHOWN,
			    "no list says what was issued");
	else if (has_history(f, r))
		judge_class(f, r, WATCHSET_SAME_KEY,
			    "our key in a certificate that is not ours");
}

void check_legacy(struct finding *f, const struct reading *r)
{
	if (r->kind != READING_CORE)
		finding_say(f, CHECK_NOT_SHOWN,
			    "nothing says which certificates are older");
	else if (has_history(f, r))
		judge_class(f, r, WATCHSET_KNOWN_OLDER,
			    "an older certificate still lives,");
}

/*
 * No older certificate that is listed lives.  A date that is t1 waits only for
 * CAs to forget what CAA said before it was pinned: of this name, though
 * another of the evidence may be newer, and for as long as the relying party
 * says.  Any other date is the service's own, and not before that.
 */
static void judge_date(struct finding *f, const struct reading *r)
{
	const struct core_timeline *t = &r->core.timeline;
	int64_t reuse_s = r->m->rules->caa_reuse_s;
	int64_t forgotten_at = core_pinned_at(&r->core, r->m->host) + reuse_s;
	bool waits_for_cas = t->safe_at == t->t1 || forgotten_at > t->safe_at;
	int64_t from = waits_for_cas ? forgotten_at : t->safe_at;
	long long left_min = (long long)(from - r->m->at + 59) / 60;

	if (r->m->at >= from)
		finding_say(f, CHECK_PASS, "by its own account%s",
			    t->safe_at > r->m->at
				    ? ", and by the rules' word that CAs "
				      "forget sooner"
				    : "");
	else if (waits_for_cas)
		finding_say(f, CHECK_NOT_YET,
			    "for another %lld min a CA may act on what CAA "
			    "said before it was pinned",
			    left_min);
	else
		finding_say(f, CHECK_NOT_YET,
			    "by its own account in another %lld min",
			    left_min);
}

void check_safe_at(struct finding *f, const struct reading *r)
{
	const struct core_timeline *t = &r->core.timeline;
	bool lives = false;

	if (r->kind != READING_CORE) {
		finding_say(f, CHECK_NOT_SHOWN, "no date is shown");
		return;
	}
	if (!r->has_core) {
		finding_say(f, CHECK_UNKNOWN, "the core cannot be read");
		return;
	}
	for (size_t i = 0; i < t->legacy_count; i++) {
		if (t->legacy[i].is_revoked)
			continue;
		if (t->legacy[i].not_after > t->safe_at) {
			finding_say(f, CHECK_FAIL,
				    "its date is before the end of a "
				    "certificate that it lists");
			return;
		}
		lives |= t->legacy[i].not_after >= r->m->at;
	}
	if (t->safe_at == CORE_NEVER)
		finding_say(f, CHECK_UNKNOWN, "the service has no date yet");
	else if (t->safe_at < t->t1)
		finding_say(f, CHECK_FAIL,
			    "its date is before CAA could be relied on");
	else if (lives)
		finding_say(f, CHECK_FAIL,
			    "an older certificate that it lists still lives");
	else
		judge_date(f, r);
}

/* ---- key first: a quote for the served key, from before the certificate */

static void judge_key_quote(struct finding *f, const struct reading *r,
			    const struct reading_quote *q)
{
	uint8_t expected[QUOTE_REPORT_DATA_LEN];
	struct tee_claims claims;

	dotdstack_report_data(expected, DOTDSTACK_CERT, r->leaf.spki);
	tee_claims_of(&claims, &q->verdict);
	if (q->verdict.reason == TEE_COLLATERAL_MISSING)
		finding_say(f, CHECK_UNKNOWN, "%s: %s",
			    tee_reason_name(q->verdict.reason),
			    q->verdict.detail);
	else if (q->verdict.reason)
		finding_say(f, CHECK_FAIL, "its quote: %s: %s",
			    tee_reason_name(q->verdict.reason),
			    q->verdict.detail);
	else if (!span_equal(claims.report_data, SPAN_ARRAY(expected)))
		finding_say(f, CHECK_FAIL, "its quote is over something else");
	else if (q == &r->quote ||
		 quote_is_of_same(f, r, q, reading_same_guest))
		finding_say(f, CHECK_PASS, "SPKI %s%s",
			    finding_hash(&r->leaf_spki).text,
			    q->verdict.is_simulated ? ", under a SIMULATED root"
						    : "");
}

void check_key_quotes(struct finding *f, const struct reading *r)
{
	const struct reading_quote *q =
		r->kind == READING_GATEWAY ? &r->quote : &r->key_quote;

	if (r->kind != READING_CORE && r->kind != READING_GATEWAY)
		finding_say(f, CHECK_NOT_SHOWN,
			    "any file could be in the certificate's place");
	else if (!r->has_leaf)
		finding_say(f, CHECK_UNKNOWN,
			    "the server's certificate was not seen");
	else if (r->key_quote_rc)
		finding_say(f, CHECK_FAIL, "its quote cannot be read: %s",
			    rc_name(r->key_quote_rc));
	else if (!q->is_there)
		finding_say(f, CHECK_UNKNOWN,
			    "no quote of its making is shown");
	else
		judge_key_quote(f, r, q);
}
