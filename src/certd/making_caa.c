#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "certd/making_inside.h"
#include "io/file.h"
#include "resolve/proof.h"

enum {
	ANCHORS_MAX = 64 * 1024,
	PROOF_MS = 5000,
};

static void prove(struct making_work *w, struct core_caa *out,
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
	out->has_proof = making_add(&w->m->dnssec,
				    making_keep(w->m, span_str(hex)),
				    making_keep(w->m, buf_span(&proof)));
}

static void take_set(struct making_work *w, struct core_caa *out,
		     const struct climb *c, const struct dns_name *name)
{
	struct climb_governing g = climb_governing(c, name);
	char at[DNS_NAME_TEXT];
	struct span *records;

	if (g.state != CLIMB_GOVERNED)
		return;
	dns_name_text(at, &g.level->name);
	out->found_at = making_keep(w->m, span_str(at));
	records = arena_new(&w->m->arena, g.level->set.count, sizeof(*records));
	for (size_t i = 0; records && i < g.level->set.count; i++) {
		const struct caa_property *p = &g.level->set.items[i];
		uint8_t rdata[2048];
		struct wr r = WR_ARRAY(rdata);

		caa_write_rdata(&r, p->flags, p->tag_text, p->value);
		records[i] = making_keep(w->m, wr_span(&r));
	}
	out->records = records;
	out->record_count = records ? g.level->set.count : 0;
}

/* "x" and "*.x" have one set; both have to be ours alone. */
static void note_caa(struct making_work *w, const struct pins_name *name,
		     const struct climb *climb, bool is_exclusive)
{
	struct making *m = w->m;
	struct sighting_caa *at = m->caa;

	while (at < &m->caa[m->caa_count] && strcmp(at->name, name->text) != 0)
		at++;
	if (at < &m->caa[m->caa_count]) {
		at->is_exclusive = at->is_exclusive && is_exclusive;
		return;
	}
	if (m->caa_count == PINS_NAMES_MAX)
		return;
	m->caa_count++;
	(void)snprintf(at->name, sizeof(at->name), "%s", name->text);
	at->is_exclusive = is_exclusive;
	pins_hash(&at->set, climb, name, &m->arena);
}

static bool add_caa(struct making_work *w, struct vantage *v,
		    struct core_caa *out, struct span text)
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
	/* This is a look, too; but of one form of a name, which alone does not
	 * make it pinned. */
	if (view.state == PINS_DRIFTED || view.state == PINS_BLOCKED)
		since_saw(w->o->since, pin.text, view.state, w->now);
	note_caa(w, &pin, &climb, out->is_exclusive);
	if (climb.count)
		take_set(w, out, &climb, &name);
	prove(w, out, &name);
	return true;
}

/* After all looks. */
static void add_since(struct making_work *w, struct core_caa *list,
		      size_t count)
{
	since_book(w->o->since, &w->book);
	for (size_t i = 0; i < count; i++) {
		char base[NAME_MAX_LEN + 1] = "";
		const struct pinbook_name *at;
		struct span text = list[i].name;

		if (span_has_prefix(text, span_str("*.")))
			(void)rd_skip(&text, 2); /* it has them */
		(void)snprintf(base, sizeof(base), "%.*s", (int)text.n,
			       (const char *)text.p);
		at = pinbook_find(&w->book, base);
		list[i].since = at ? at->since_at : 0;
	}
}

enum rc making_caa(struct making_work *w, char error[NODE_ERROR_MAX])
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
	if (list)
		add_since(w, list, core->caa_count);
	return RC_OK;
}
