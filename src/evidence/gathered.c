#include "evidence/gathered.h"

#include "evidence/jget.h"
#include "json/jwrite.h"

/* As the bundle's, one higher. */
static const char collection_type[] =
	"2.25.214996118928484339226540397997355506744";

enum {
	NAME_MAX_LEN = 1024, /* of a name as text */
	PARTS_MAX = 16,
	TEXT_MAX_LEN = 64 * 1024,
	JSON_MAX = 64 * 1024 * 1024,
};

bool gathered_is(const struct cmw *top)
{
	return span_equal_str(top->collection_type, collection_type);
}

/* ---- reading: the part "seen" has all that is no document */

static bool read_bytes(struct jget *g, void *element,
		       const struct jtree *value)
{
	return jget_base64url_value(g, element, value);
}

static bool get_bytes(struct jget *g, const struct span **out, size_t *count,
		      const struct jtree *object, const char *name, size_t max)
{
	const struct jget_list list = { name, sizeof(**out), max, read_bytes };
	const void *at;

	if (!jget_array(g, &at, count, object, &list))
		return false;
	*out = at;
	return true;
}

static bool get_trust(struct jget *g, enum dns_trust *out,
		      const struct jtree *object)
{
	struct span name;

	if (!jget_ascii(g, &name, object, "trust", 16))
		return false;
	for (int t = DNS_FAILED; t <= DNS_SECURE; t++) {
		if (!span_equal_str(name, dns_trust_name((enum dns_trust)t)))
			continue;
		*out = (enum dns_trust)t;
		return true;
	}
	return jget_fail(g, RC_MALFORMED);
}

static bool read_level(struct jget *g, void *element, const struct jtree *value)
{
	struct gathered_level *out = element;

	return jget_ascii(g, &out->name, value, "name", NAME_MAX_LEN) &&
	       jget_ascii(g, &out->at, value, "at", NAME_MAX_LEN) &&
	       get_trust(g, &out->trust, value) &&
	       get_bytes(g, &out->rdatas, &out->count, value, "records",
			 CAA_PROPERTIES_MAX);
}

static bool read_dns(struct jget *g, struct gathered *out,
		     const struct jtree *top)
{
	const struct jget_list levels = { "levels",
					  sizeof(struct gathered_level),
					  GATHERED_LEVELS_MAX, read_level };
	const struct jtree *dns, *persist;
	const void *at;

	out->has_dns = jget_has(top, "dns");
	if (!out->has_dns)
		return true;
	dns = jget_object(g, top, "dns");
	persist = jget_object(g, dns, "persist");
	if (!jget_array(g, &at, &out->level_count, dns, &levels) ||
	    !jget_bool(g, &out->persist.was_asked, persist, "asked") ||
	    !get_trust(g, &out->persist.trust, persist) ||
	    !get_bytes(g, &out->persist.texts, &out->persist.count, persist,
		       "texts", GATHERED_LISTS_MAX) ||
	    !jget_text(g, &out->challenge, dns, "challenge", NAME_MAX_LEN))
		return false;
	out->levels = at;
	return true;
}

static bool read_tls(struct jget *g, struct gathered *out,
		     const struct jtree *top)
{
	const struct jtree *tls = jget_object(g, top, "tls");
	struct material_tls *t = &out->tls;

	if (!jget_bool(g, &t->is_there, tls, "there") ||
	    !jget_bool(g, &t->is_plain, tls, "plain") ||
	    !jget_bool(g, &t->is_tls13, tls, "tls13") ||
	    !jget_bool(g, &t->has_exporter, tls, "bound") ||
	    !jget_base64url(g, t->exporter, sizeof(t->exporter), tls,
			    "exporter") ||
	    !jget_text(g, &t->redirect, tls, "redirect", NAME_MAX_LEN))
		return false;
	return get_bytes(g, &t->chain, &t->chain_count, tls, "chain",
			 GATHERED_CHAIN_MAX);
}

static bool read_cert(struct jget *g, void *element, const struct jtree *value)
{
	struct material_cert *out = element;

	return jget_base64url_value(g, &out->der, jtree_get(value, "der")) &&
	       jget_base64url_value(g, &out->issuer,
				    jtree_get(value, "issuer"));
}

static bool read_source(struct jget *g, void *element,
			const struct jtree *value)
{
	const struct jget_list certs = { "certs", sizeof(struct material_cert),
					 GATHERED_CERTS_MAX, read_cert };
	struct material_source *out = element;
	uint64_t state;
	const void *at;

	if (!jget_ascii(g, &out->name, value, "name", NAME_MAX_LEN) ||
	    !jget_number(g, &state, value, "state", MATERIAL_SILENT) ||
	    !jget_array(g, &at, &out->count, value, &certs))
		return false;
	out->state = (enum material_state)state;
	out->certs = at;
	return true;
}

static bool read_growth(struct jget *g, void *element,
			const struct jtree *value)
{
	struct gathered_growth *out = element;

	return jget_hash(g, &out->log_id, value, "log_id") &&
	       jget_number(g, &out->from, value, "from", INT64_MAX) &&
	       jget_text(g, &out->head, value, "head", TEXT_MAX_LEN) &&
	       jget_hashes(g, &out->proof, &out->proof_count, value, "proof",
			   TREEPROOF_MAX);
}

static bool read_nonce(struct jget *g, struct gathered *out,
		       const struct jtree *top)
{
	struct span nonce;

	if (!jget_base64url_value(g, &nonce, jtree_get(top, "nonce")))
		return false;
	if (nonce.n > ATTEST_NONCE_MAX)
		return jget_fail(g, RC_MALFORMED);
	out->nonce.n = nonce.n;
	return rd_copy(&nonce, out->nonce.b, nonce.n);
}

static bool read_seen(struct jget *g, struct gathered *out, struct span text)
{
	const struct jget_list sources = { "sources",
					   sizeof(struct material_source),
					   GATHERED_SOURCES_MAX, read_source };
	const struct jget_list growth = { "growth",
					  sizeof(struct gathered_growth),
					  GATHERED_LISTS_MAX, read_growth };
	const struct jtree *top = jget_top(g, text, JSON_MAX);
	const void *s, *w;

	if (!top || !jget_ascii(g, &out->host, top, "host", NAME_MAX_LEN) ||
	    !jget_time(g, &out->at, top, "at") || !read_tls(g, out, top) ||
	    !read_nonce(g, out, top) || !read_dns(g, out, top) ||
	    !jget_array(g, &s, &out->source_count, top, &sources) ||
	    !jget_array(g, &w, &out->growth_count, top, &growth))
		return false;
	out->sources = s;
	out->growth = w;
	return get_bytes(g, &out->crls, &out->crl_count, top, "crls",
			 GATHERED_LISTS_MAX);
}

static enum rc read_items(struct bundle_items *out, const struct cmw *in)
{
	for (const struct cmw *m = in ? in->first : NULL; m; m = m->next) {
		if (m->is_collection || out->count == BUNDLE_ITEMS_MAX)
			return RC_MALFORMED;
		out->item[out->count++] =
			(struct bundle_item){ m->label, m->value };
	}
	return RC_OK;
}

enum rc gathered_read(struct gathered *out, struct arena *arena,
		      struct span text)
{
	struct jget g = { .arena = arena };
	struct gathered *got = arena_new(arena, 1, sizeof(*got));
	const struct cmw *top;
	enum rc rc = got ? cmw_read(&top, arena, text) : RC_LIMIT;

	if (rc)
		return rc;
	if (!gathered_is(top))
		return RC_MALFORMED;
	if (!read_seen(&g, got, cmw_value(top, "seen")))
		return g.rc;
	got->bundle = cmw_value(top, "bundle");
	got->acme_info = cmw_value(top, "acme-info");
	got->answer = cmw_value(top, "answer");
	got->log_list = cmw_value(top, "log-list");
	got->log_list_signature = cmw_value(top, "log-list-signature");
	rc = read_items(&got->files, cmw_get(top, "files"));
	if (!rc)
		rc = read_items(&got->collateral, cmw_get(top, "collateral"));
	if (!rc)
		*out = *got;
	return rc;
}

/* ---- writing */

static void write_all_bytes(struct jwrite *j, const char *key,
			    const struct span *bytes, size_t count)
{
	jwrite_array(j, key);
	for (size_t i = 0; i < count; i++)
		jwrite_base64url(j, NULL, bytes[i]);
	jwrite_end(j);
}

static void write_tls(struct jwrite *j, const struct material_tls *tls)
{
	jwrite_object(j, "tls");
	jwrite_bool(j, "there", tls->is_there);
	jwrite_bool(j, "plain", tls->is_plain);
	jwrite_bool(j, "tls13", tls->is_tls13);
	jwrite_bool(j, "bound", tls->has_exporter);
	jwrite_base64url(j, "exporter", SPAN_ARRAY(tls->exporter));
	jwrite_text(j, "redirect", tls->redirect);
	write_all_bytes(j, "chain", tls->chain, tls->chain_count);
	jwrite_end(j);
}

static void write_dns(struct jwrite *j, const struct gathered *g)
{
	jwrite_object(j, "dns");
	jwrite_array(j, "levels");
	for (size_t i = 0; i < g->level_count; i++) {
		const struct gathered_level *level = &g->levels[i];

		jwrite_object(j, NULL);
		jwrite_text(j, "name", level->name);
		jwrite_text(j, "at", level->at);
		jwrite_str(j, "trust", dns_trust_name(level->trust));
		write_all_bytes(j, "records", level->rdatas, level->count);
		jwrite_end(j);
	}
	jwrite_end(j);
	jwrite_object(j, "persist");
	jwrite_bool(j, "asked", g->persist.was_asked);
	jwrite_str(j, "trust", dns_trust_name(g->persist.trust));
	write_all_bytes(j, "texts", g->persist.texts, g->persist.count);
	jwrite_end(j);
	jwrite_text(j, "challenge", g->challenge);
	jwrite_end(j);
}

static void write_source(struct jwrite *j, const struct material_source *s)
{
	jwrite_object(j, NULL);
	jwrite_text(j, "name", s->name);
	jwrite_number(j, "state", s->state);
	jwrite_array(j, "certs");
	for (size_t i = 0; i < s->count; i++) {
		jwrite_object(j, NULL);
		jwrite_base64url(j, "der", s->certs[i].der);
		jwrite_base64url(j, "issuer", s->certs[i].issuer);
		jwrite_end(j);
	}
	jwrite_end(j);
	jwrite_end(j);
}

static void write_growth(struct jwrite *j, const struct gathered_growth *w)
{
	jwrite_object(j, NULL);
	jwrite_hex(j, "log_id", SPAN_ARRAY(w->log_id.b));
	jwrite_number(j, "from", w->from);
	jwrite_text(j, "head", w->head);
	jwrite_array(j, "proof");
	for (size_t i = 0; i < w->proof_count; i++)
		jwrite_hex(j, NULL, SPAN_ARRAY(w->proof[i].b));
	jwrite_end(j);
	jwrite_end(j);
}

static bool write_seen(struct buf *out, const struct gathered *g)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_text(&j, "host", g->host);
	jwrite_number(&j, "at", (uint64_t)g->at);
	write_tls(&j, &g->tls);
	jwrite_base64url(&j, "nonce", span_of(g->nonce.b, g->nonce.n));
	if (g->has_dns)
		write_dns(&j, g);
	jwrite_array(&j, "sources");
	for (size_t i = 0; i < g->source_count; i++)
		write_source(&j, &g->sources[i]);
	jwrite_end(&j);
	jwrite_array(&j, "growth");
	for (size_t i = 0; i < g->growth_count; i++)
		write_growth(&j, &g->growth[i]);
	jwrite_end(&j);
	write_all_bytes(&j, "crls", g->crls, g->crl_count);
	jwrite_end(&j);
	return jwrite_done(&j);
}

/* Parts that are there, chained in order. */
struct parts {
	struct cmw at[PARTS_MAX];
	size_t count;
};

static void add_part(struct parts *p, struct cmw part)
{
	p->at[p->count] = part;
	if (p->count)
		p->at[p->count - 1].next = &p->at[p->count];
	p->count++;
}

static void add_bytes(struct parts *p, const char *label, const char *type,
		      struct span value)
{
	if (value.n)
		add_part(p, (struct cmw){ .label = span_str(label),
					  .type = span_str(type),
					  .value = value });
}

static void add_items(struct parts *p, struct cmw room[BUNDLE_ITEMS_MAX],
		      const char *label, const struct bundle_items *items)
{
	for (size_t i = 0; i < items->count; i++)
		room[i] = (struct cmw){
			.label = items->item[i].name,
			.type = span_str("application/octet-stream"),
			.value = items->item[i].bytes,
			.next = i + 1 < items->count ? &room[i + 1] : NULL,
		};
	if (items->count)
		add_part(p, (struct cmw){ .label = span_str(label),
					  .is_collection = true,
					  .first = room });
}

enum rc gathered_write(struct buf *out, const struct gathered *g)
{
	struct cmw files[BUNDLE_ITEMS_MAX], collateral[BUNDLE_ITEMS_MAX];
	struct parts p = { .count = 0 };
	struct buf seen;
	enum rc rc = RC_LIMIT;

	buf_init(&seen, JSON_MAX);
	if (write_seen(&seen, g)) {
		add_bytes(&p, "seen", "application/json", buf_span(&seen));
		add_bytes(&p, "bundle", BUNDLE_MEDIA_TYPE, g->bundle);
		add_bytes(&p, "acme-info", "application/json", g->acme_info);
		add_bytes(&p, "answer", "application/json", g->answer);
		add_bytes(&p, "log-list", "application/json", g->log_list);
		add_bytes(&p, "log-list-signature", "application/octet-stream",
			  g->log_list_signature);
		add_items(&p, files, "files", &g->files);
		add_items(&p, collateral, "collateral", &g->collateral);
		rc = cmw_write(out, &(struct cmw){ .is_collection = true,
						   .collection_type = span_str(
							   collection_type),
						   .first = p.at });
	}
	buf_fini(&seen);
	return rc;
}
