#include "certd/making_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acme/certcheck.h"
#include "base/mem.h"
#include "base/text.h"
#include "ct/sct.h"

struct span making_keep(struct making *m, struct span s)
{
	char *p = arena_dup(&m->arena, s);

	return p ? span_of(p, s.n) : span_of(NULL, 0);
}

bool making_add(struct bundle_items *items, struct span name,
		struct span bytes)
{
	if (items->count == BUNDLE_ITEMS_MAX || !name.p || !bytes.p)
		return false;
	items->item[items->count++] = (struct bundle_item){
		.name = name,
		.bytes = bytes,
	};
	return true;
}

/* ---- certificates and the legacy files ---- */

static void take_scts(struct making_work *w, struct core_cert *out,
		      const struct web_cert *leaf)
{
	struct sct scts[SCT_COUNT_MAX];
	struct core_sct *list;
	size_t n = 0;

	if (leaf->scts.n == 0 || sct_list_parse(scts, &n, leaf->scts))
		return;
	list = arena_new(&w->m->arena, n, sizeof(*list));
	for (size_t i = 0; list && i < n; i++) {
		struct core_sct *s = &list[i];

		memcpy(s->log_id.b, scts[i].log_id, sizeof(s->log_id.b));
		s->timestamp_ms = scts[i].timestamp_ms;
		for (size_t k = 0; w->seen && k < w->seen->proof_count; k++) {
			const struct sighting_proof *p = &w->seen->proofs[k];

			if (!span_equal(SPAN_ARRAY(p->tbs.b),
					SPAN_ARRAY(out->tbs.b)) ||
			    !span_equal(SPAN_ARRAY(p->log_id.b),
					SPAN_ARRAY(s->log_id.b)))
				continue;
			s->is_proved = true;
			s->index = p->index;
			s->checkpoint = span_str(p->checkpoint);
			s->proof = p->path;
			s->proof_count = p->path_count;
		}
	}
	out->scts = list;
	out->sct_count = list ? n : 0;
}

static bool describe(struct making_work *w, struct core_cert *out,
		     const struct issuer_certificate *c, struct span chain,
		     struct span file)
{
	AUTO(certcheck_fini)
	struct certcheck_chain read = { 0 };

	if (certcheck_read(&read, chain))
		return false;
	*out = (struct core_cert){
		.file = file,
		.spki = c->spki,
		.tbs = c->tbs,
		.not_before = c->not_before,
		.not_after = c->not_after,
	};
	sha256_of(&out->chain, chain);
	take_scts(w, out, &read.cert[0]);
	return true;
}

/* The lists of the core, while they grow. */
struct lists {
	struct span *names;
	struct core_cert *certs;
	struct sha256 *spki;
};

static bool add_certificate(struct making_work *w, struct lists *l,
			    const struct issuer_certificate *c)
{
	struct evidence_core *core = &w->m->core;
	struct span chain = making_keep(w->m, buf_span(&c->chain));

	l->spki[core->spki_count++] = c->spki;
	for (size_t i = 0; i < c->names->count; i++) {
		char file[LEGACY_NAME_MAX];
		struct span name = span_str(c->names->of[i].text), at;

		if (core->name_count == CORE_NAMES_MAX ||
		    !legacy_cert_name(file, name))
			continue; /* an address has no such file */
		at = making_keep(w->m, span_str(file));
		if (!making_add(&w->m->files, at, chain) ||
		    !describe(w, &l->certs[core->cert_count], c, chain, at))
			return false;
		core->cert_count++;
		l->names[core->name_count++] = making_keep(w->m, name);
	}
	return true;
}

static enum rc add_certificates(struct making_work *w,
				char error[NODE_ERROR_MAX])
{
	struct arena *arena = &w->m->arena;
	struct evidence_core *core = &w->m->core;
	struct lists l = {
		.names = arena_new(arena, CORE_NAMES_MAX, sizeof(struct span)),
		.certs = arena_new(arena, CORE_CERTS_MAX,
				   sizeof(struct core_cert)),
		.spki = arena_new(arena, CONFIG_CERTIFICATES_MAX,
				  sizeof(struct sha256)),
	};
	bool is_good = true;

	for (size_t i = 0; i < w->o->config->certificates.count; i++) {
		struct issuer_certificate c;

		if (!issuer_certificate(w->issuer, i, &c))
			continue;
		is_good = add_certificate(w, &l, &c) && is_good;
		buf_fini(&c.chain);
	}
	core->names = l.names;
	core->certs = l.certs;
	core->spki = l.spki;
	if (!is_good) {
		error_set(error, "a certificate cannot be described");
		return RC_MALFORMED;
	}
	return core->cert_count ? RC_OK : RC_UNSUPPORTED;
}

static int by_name(const void *a, const void *b)
{
	const struct bundle_item *x = a, *y = b;
	size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
	/* public: names of files */
	int order = memcmp(x->name.p, y->name.p, n);

	if (order)
		return order;
	return x->name.n < y->name.n ? -1 : x->name.n > y->name.n;
}

/* The account first, then the chains in order, as their list wants them. */
static enum rc add_legacy(struct making_work *w, char error[NODE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	struct bundle_items *f = &w->m->files;
	struct legacy_sums sums = { 0 };
	struct bundle_item account = { .name = span_str(LEGACY_ACCOUNT) };
	enum rc rc;

	qsort(f->item, f->count, sizeof(f->item[0]), by_name);
	buf_init(&text, LEGACY_ACCOUNT_MAX);
	rc = legacy_account_write(&text, span_str(w->m->account.url));
	account.bytes = making_keep(w->m, buf_span(&text));
	if (!rc && f->count + 2 > LEGACY_FILES_MAX)
		rc = RC_LIMIT;
	if (!rc) {
		memmove(&f->item[1], &f->item[0],
			f->count++ * sizeof(f->item[0]));
		f->item[0] = account;
	}
	for (size_t i = 0; !rc && i < f->count; i++) {
		struct legacy_file *at = &sums.files[sums.count++];

		at->name = f->item[i].name;
		sha256_of(&at->hash, f->item[i].bytes);
	}
	buf_reset(&text);
	if (!rc)
		rc = legacy_sums_write(&text, &sums);
	w->m->sums = making_keep(w->m, buf_span(&text));
	if (!rc && !making_add(f, span_str(LEGACY_SUMS), w->m->sums))
		rc = RC_LIMIT;
	if (rc)
		error_set(error, "files for dstack's verifiers: %s",
			  rc_name(rc));
	return rc;
}

/* ---- keys ---- */

static void add_keys(struct making_work *w)
{
	struct making *m = w->m;
	struct core_key *keys;

	m->history = custody_history(w->o->custody, &m->arena,
				     &m->history_count);
	keys = arena_new(&m->arena, m->history_count + 1, sizeof(*keys));
	for (size_t i = 0; keys && i < m->history_count; i++) {
		const struct custody_key *k = &m->history[i];

		keys[i] = (struct core_key){
			.spki = k->spki,
			.tbs = k->tbs,
			.tbs_count = k->tbs_count,
			.made_at = k->made_at,
			.retired_at = k->retired_at,
			.has_quote = true,
		};
	}
	m->core.keys = keys;
	m->core.key_count = keys ? m->history_count : 0;
}

/* ---- logs and the timeline ---- */

/* Every name of a certificate that is shown; *since: the last of them. */
static bool is_pinned(struct making_work *w, int64_t *since)
{
	bool is_pinned = true;

	for (size_t i = 0; i < w->o->config->certificates.count; i++) {
		struct issuer_certificate c;

		if (!issuer_certificate(w->issuer, i, &c))
			continue;
		is_pinned = pinbook_since(&w->book, c.names, since) &&
			    is_pinned;
		buf_fini(&c.chain);
	}
	return is_pinned;
}

static void add_sightings(struct making_work *w)
{
	struct evidence_core *core = &w->m->core;
	struct sightings_view *v = w->seen;
	struct span *sources;
	int64_t since;

	core->timeline.t0 = w->now;
	if (custody_begun_at(w->o->custody))
		core->timeline.t0 = custody_begun_at(w->o->custody);
	since = core->timeline.t0;
	core->timeline.t1 = CORE_NEVER;
	if (is_pinned(w, &since))
		core->timeline.t1 = since + CORE_REUSE_S;
	core->timeline.safe_at = CORE_NEVER;
	if (!v)
		return;
	sources = arena_new(&w->m->arena, v->source_count + 1,
			    sizeof(*sources));
	for (size_t i = 0; sources && i < v->source_count; i++)
		sources[i] = span_str(v->sources[i]);
	/* The monitor's word may be from before a name was added. */
	if (v->safe_at && core->timeline.t1 != CORE_NEVER)
		core->timeline.safe_at = v->safe_at > core->timeline.t1
						 ? v->safe_at
						 : core->timeline.t1;
	core->timeline.sources = sources;
	core->timeline.source_count = sources ? v->source_count : 0;
	core->timeline.legacy = v->legacy;
	core->timeline.legacy_count = v->legacy_count;
	core->log_list = v->log_list;
	core->has_log_list = v->has_log_list;
	core->heads = v->heads;
	core->head_count = v->head_count;
	core->unknown = v->unknown;
	core->unknown_count = v->unknown_count;
}

/* ---- the account's own word ---- */

static enum rc add_account(struct making_work *w, char error[NODE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf statement = { 0 }, ways = { 0 };
	struct evidence_core *core = &w->m->core;
	struct holder *h = &core->account;
	const struct holder_context context = {
		.issued_at = core->issued_at,
		.expires_at = core->expires_at,
		.spki = core->spki,
		.spki_count = core->spki_count,
	};
	const struct issuer_account *a = &w->m->account;
	bool is_good = true;

	buf_init(&ways, 512);
	buf_init(&statement, HOLDER_STATEMENT_MAX);
	for (size_t i = 0; i < w->pins.method_count; i++)
		is_good = is_good &&
			  buf_add(&ways, span_str(i ? "," : "")) &&
			  buf_add(&ways, span_str(challenge_name(
						 w->pins.methods[i])));
	h->directory = span_str(a->directory);
	h->uri = span_str(a->url);
	h->key = a->key;
	holder_thumbprint(&h->thumbprint, &a->key);
	h->profile = span_str(a->profile ? a->profile : "");
	h->challenges = making_keep(w->m, buf_span(&ways));
	if (!is_good || holder_statement(&statement, h, &context) ||
	    !issuer_sign(w->issuer, &h->signature, buf_span(&statement))) {
		error_set(error, "the account's statement cannot be made");
		return RC_LIMIT;
	}
	return RC_OK;
}

enum rc making_make(struct making *m, const struct publish_options *o,
		    struct issuer *issuer, int64_t now,
		    char error[NODE_ERROR_MAX])
{
	struct making_work w = { .m = m, .o = o, .issuer = issuer, .now = now };
	enum rc rc;

	*m = (struct making){ 0 };
	arena_init(&m->arena, MAKING_ARENA_MAX);
	m->core.issued_at = now;
	m->core.expires_at =
		now + (int64_t)(o->config->evidence.life_ms / 1000);
	if (!issuer_account(issuer, &m->account) ||
	    !issuer_pins(issuer, &w.pins))
		return RC_UNSUPPORTED;
	w.seen = sightings_get(o->sightings, &m->arena);
	rc = add_certificates(&w, error);
	if (!rc)
		rc = add_legacy(&w, error);
	if (rc)
		return rc;
	add_keys(&w);
	rc = making_caa(&w, error);
	if (rc)
		return rc;
	add_sightings(&w);
	return add_account(&w, error);
}

void making_fini(struct making *m)
{
	arena_fini(&m->arena);
}
