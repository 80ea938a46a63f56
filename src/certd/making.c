#include "certd/making.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acme/certcheck.h"
#include "base/mem.h"
#include "base/text.h"
#include "ct/sct.h"
#include "io/file.h"
#include "resolve/proof.h"

enum {
	ANCHORS_MAX = 64 * 1024,
	PROOF_MS = 5000,
	CAA_REUSE_S = 8 * 3600, /* BR 3.2.2.8: how long a CA may keep one */
};

/* Nobody knows: 9999-12-31T23:59:59Z, and no reader takes it for safe. */
#define NEVER INT64_C(253402300799)

/* What the steps have in common. */
struct work {
	struct making *m;
	const struct publish_options *o;
	struct issuer *issuer;
	int64_t now;
	struct pins pins;
	struct sightings_view *seen;
};

static struct span keep(struct making *m, struct span s)
{
	char *p = arena_dup(&m->arena, s);

	return p ? span_of(p, s.n) : span_of(NULL, 0);
}

static bool add_item(struct bundle_items *items, struct span name,
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

static void take_scts(struct work *w, struct core_cert *out,
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

static bool describe(struct work *w, struct core_cert *out,
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

static bool add_certificate(struct work *w, struct lists *l,
			    const struct issuer_certificate *c)
{
	struct evidence_core *core = &w->m->core;
	struct span chain = keep(w->m, buf_span(&c->chain));

	l->spki[core->spki_count++] = c->spki;
	for (size_t i = 0; i < c->names->count; i++) {
		char file[LEGACY_NAME_MAX];
		struct span name = span_str(c->names->of[i].text), at;

		if (core->name_count == CORE_NAMES_MAX ||
		    !legacy_cert_name(file, name))
			continue; /* an address has no such file */
		at = keep(w->m, span_str(file));
		if (!add_item(&w->m->files, at, chain) ||
		    !describe(w, &l->certs[core->cert_count], c, chain, at))
			return false;
		core->cert_count++;
		l->names[core->name_count++] = keep(w->m, name);
	}
	return true;
}

static enum rc add_certificates(struct work *w, char error[NODE_ERROR_MAX])
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
static enum rc add_legacy(struct work *w, char error[NODE_ERROR_MAX])
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
	account.bytes = keep(w->m, buf_span(&text));
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
	w->m->sums = keep(w->m, buf_span(&text));
	if (!rc && !add_item(f, span_str(LEGACY_SUMS), w->m->sums))
		rc = RC_LIMIT;
	if (rc)
		error_set(error, "files for dstack's verifiers: %s",
			  rc_name(rc));
	return rc;
}

/* ---- keys ---- */

static void add_keys(struct work *w)
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

/* ---- CAA, with the proof of it ---- */

static void prove(struct work *w, struct core_caa *out,
		  const struct dns_name *name)
{
	AUTO(buf_fini)
	struct buf anchors = { 0 }, proof = { 0 };
	const struct config_dns *dns = &w->o->config->dns;
	const struct proof_source source = {
		.servers = dns->resolvers.items,
		.server_count = dns->resolvers.count,
		.timeout_ms = PROOF_MS,
	};
	struct proof_source with = source;
	char hex[65] = "";
	struct wr hw = wr_over(hex, 64);

	buf_init(&anchors, ANCHORS_MAX);
	buf_init(&proof, PROOF_MAX);
	if (file_read(&anchors, dns->anchors))
		return;
	with.anchors = buf_span(&anchors);
	if (proof_collect(&proof, &with, name))
		return;
	sha256_of(&out->proof, buf_span(&proof));
	text_hex(&hw, SPAN_ARRAY(out->proof.b));
	out->has_proof = add_item(&w->m->dnssec, keep(w->m, span_str(hex)),
				  keep(w->m, buf_span(&proof)));
}

static void take_set(struct work *w, struct core_caa *out,
		     const struct climb *c, const struct dns_name *name)
{
	struct climb_governing g = climb_governing(c, name);
	char at[DNS_NAME_TEXT];
	struct span *records;

	if (g.state != CLIMB_GOVERNED)
		return;
	dns_name_text(at, &g.level->name);
	out->found_at = keep(w->m, span_str(at));
	records = arena_new(&w->m->arena, g.level->set.count, sizeof(*records));
	for (size_t i = 0; records && i < g.level->set.count; i++) {
		const struct caa_property *p = &g.level->set.items[i];
		uint8_t rdata[2048];
		struct wr r = WR_ARRAY(rdata);

		caa_write_rdata(&r, p->flags, p->tag_text, p->value);
		records[i] = keep(w->m, wr_span(&r));
	}
	out->records = records;
	out->record_count = records ? g.level->set.count : 0;
}

static bool add_caa(struct work *w, struct vantage *v, struct core_caa *out,
		    struct span text)
{
	struct pins_name pin = { 0 };
	struct pins_view view;
	struct dns_name name;
	struct climb climb = { 0 };
	struct span base = text;

	*out = (struct core_caa){
		.name = text,
		.at = w->now,
		.found_at = span_str(""),
	};
	if (base.n > 2 && base.p[0] == '*') {
		(void)rd_skip(&base, 2); /* "*." */
		pin.has_wildcard = true;
	}
	pin.has_plain = !pin.has_wildcard;
	(void)snprintf(pin.text, sizeof(pin.text), "%.*s", (int)base.n,
		       (const char *)base.p);
	if (dns_name_parse(&name, base))
		return false;
	pins_look(&view, &climb, &w->pins, &pin, v, &w->m->arena);
	out->is_exclusive = view.state == PINS_HELD;
	if (climb.count)
		take_set(w, out, &climb, &name);
	prove(w, out, &name);
	return true;
}

static enum rc add_all_caa(struct work *w, char error[NODE_ERROR_MAX])
{
	struct evidence_core *core = &w->m->core;
	struct core_caa *list = arena_new(&w->m->arena, core->name_count,
					  sizeof(*list));
	struct vantage v;
	enum rc rc = vantage_open(&v, &w->o->config->dns, error);

	if (rc)
		return rc;
	for (size_t i = 0; list && i < core->name_count; i++)
		if (add_caa(w, &v, &list[core->caa_count], core->names[i]))
			core->caa_count++;
	core->caa = list;
	vantage_close(&v);
	return RC_OK;
}

/* ---- logs and the timeline ---- */

static void add_sightings(struct work *w)
{
	struct evidence_core *core = &w->m->core;
	struct sightings_view *v = w->seen;
	struct span *sources;

	core->timeline.t0 = w->now;
	if (custody_begun_at(w->o->custody))
		core->timeline.t0 = custody_begun_at(w->o->custody);
	core->timeline.t1 = core->timeline.t0 + CAA_REUSE_S;
	core->timeline.safe_at = NEVER;
	if (!v)
		return;
	sources = arena_new(&w->m->arena, v->source_count + 1,
			    sizeof(*sources));
	for (size_t i = 0; sources && i < v->source_count; i++)
		sources[i] = span_str(v->sources[i]);
	if (v->safe_at)
		core->timeline.safe_at = v->safe_at;
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

static enum rc add_account(struct work *w, char error[NODE_ERROR_MAX])
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
	h->challenges = keep(w->m, buf_span(&ways));
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
	struct work w = { .m = m, .o = o, .issuer = issuer, .now = now };
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
	add_sightings(&w);
	rc = add_all_caa(&w, error);
	return rc ? rc : add_account(&w, error);
}

void making_fini(struct making *m)
{
	arena_fini(&m->arena);
}
