#include "cli/verify_material.h"

#include <string.h>

#include "base/text.h"
#include "crypto/sha256.h"
#include "evidence/core.h"
#include "evidence/loghead.h"
#include "resolve/proof.h"

/* ---- DNS */

/* NULL: not at every level, so that nothing can be told. */
static struct climb *climb_again(struct arena *arena,
				 const struct gathered *seen)
{
	struct climb *c = arena_new(arena, 1, sizeof(*c));
	struct dns_name host;

	if (!c || !seen->has_dns || dns_name_parse(&host, seen->host) ||
	    climb_init(c, arena, &host, CLIMB_ALL))
		return NULL;
	for (size_t i = 0; i < seen->level_count && climb_next(c); i++) {
		const struct gathered_level *level = &seen->levels[i];
		struct dns_name name;
		struct climb_found found = { .trust = level->trust,
					     .rdatas = level->rdatas,
					     .count = level->count };

		/* An answer about another name is none about this one. */
		if (dns_name_parse(&name, level->name) ||
		    !dns_name_equal(&name, climb_next(c)))
			return NULL;
		if (dns_name_parse(&found.at, level->at))
			found.at = *climb_next(c);
		if (climb_answer(c, &found))
			return NULL;
	}
	return c->answered == c->count ? c : NULL;
}

/* The evidence's entry with a proof for this name; NULL: none. */
static const struct core_caa *proved_name(const struct evidence_core *core,
					  struct span name)
{
	for (size_t i = 0; i < core->caa_count; i++)
		if (core->caa[i].has_proof &&
		    span_equal(core->caa[i].name, name))
			return &core->caa[i];
	return NULL;
}

/* The same for the host, or for the wildcard that it is one of. */
static const struct core_caa *proved_host(const struct evidence_core *core,
					  struct span host)
{
	const struct core_caa *own = proved_name(core, host);
	char wildcard[DNS_NAME_TEXT];
	struct wr w = WR_ARRAY(wildcard);
	struct span label;

	if (own || !rd_until(&host, &label, '.'))
		return own;
	wr_str(&w, "*.");
	wr_bytes(&w, host);
	return proved_name(core, wr_span(&w));
}

/* The item of that label: whether its bytes are the ones is checked below. */
static struct span proof_of(const struct core_caa *c,
			    const struct evidence_bundle *bundle)
{
	char hex[2 * sizeof(c->proof.b)];
	struct wr w = WR_ARRAY(hex);

	text_hex(&w, SPAN_ARRAY(c->proof.b));
	return bundle_item_get(&bundle->dnssec, wr_span(&w));
}

static void check_proof(struct material *m, struct arena *arena,
			const struct verify_grounds *g)
{
	struct evidence_bundle *b = arena_new(arena, 1, sizeof(*b));
	struct climb *c = arena_new(arena, 1, sizeof(*c));
	const struct core_caa *stated;
	struct evidence_core core;
	struct dns_name name;
	struct sha256 digest;
	struct span proof;

	if (!b || !c || evidence_bundle_read(b, arena, m->bundle) ||
	    evidence_core_read(&core, arena, b->core))
		return;
	stated = proved_host(&core, m->host);
	if (!stated || dns_name_parse(&name, stated->name))
		return;
	proof = proof_of(stated, b);
	if (!proof.n)
		return;
	sha256_of(&digest, proof);
	if (!span_equal(SPAN_ARRAY(digest.b), SPAN_ARRAY(stated->proof.b)) ||
	    proof_check(c, arena, proof, &name, g->dns_anchors, m->at))
		m->dns.is_proof_refused = true;
	else
		m->dns.proved = c;
}

/* ---- CT */

static void read_log_list(struct material *m, struct arena *arena,
			  const struct gathered *seen,
			  const struct verify_grounds *g)
{
	struct loglist *list = arena_new(arena, 1, sizeof(*list));

	if (!list || !seen->log_list.n ||
	    loglist_read(list, arena, seen->log_list))
		return;
	m->log_list = list;
	m->is_log_list_signed =
		g->log_list_key.n &&
		loglist_signed(seen->log_list, seen->log_list_signature,
			       g->log_list_key);
}

/* A head counts when its log signed it. */
static bool read_growth(struct material_growth *out,
			const struct gathered_growth *seen,
			const struct loglist *list)
{
	const struct loglist_log *log = loglist_find(list, seen->log_id.b);
	uint64_t at_ms;

	*out = (struct material_growth){ .log_id = seen->log_id,
					 .from = seen->from };
	if (!log || seen->proof_count > TREEPROOF_MAX ||
	    !loghead_signed(&out->now, &at_ms, seen->head, log->spki))
		return false;
	out->proof.count = seen->proof_count;
	for (size_t i = 0; i < seen->proof_count; i++)
		memcpy(out->proof.hash[i].b, seen->proof[i].b,
		       sizeof(out->proof.hash[i].b));
	return true;
}

static void read_growths(struct material *m, struct arena *arena,
			 const struct gathered *seen)
{
	struct material_growth *growth =
		arena_new(arena, seen->growth_count + 1, sizeof(*growth));

	if (!growth || !m->log_list)
		return;
	for (size_t i = 0; i < seen->growth_count; i++)
		if (read_growth(&growth[m->growth_count], &seen->growth[i],
				m->log_list))
			m->growth_count++;
	m->growth = growth;
}

void verify_material(struct material *out, struct arena *arena,
		     const struct gathered *seen,
		     const struct verify_grounds *g)
{
	*out = (struct material){
		.host = seen->host,
		.at = seen->at,
		.rules = &g->rules,
		.tls = seen->tls,
		.bundle = seen->bundle,
		.files = seen->files,
		.acme_info = seen->acme_info,
		.answer = seen->answer,
		.nonce = seen->nonce,
		.policy = &g->policy,
		.anchors = g->anchors,
		.anchor_count = g->anchor_count,
		.roots = g->roots,
		.sources = seen->sources,
		.source_count = seen->source_count,
		.crls = seen->crls,
		.crl_count = seen->crl_count,
		.memory = g->memory,
		.witnesses = g->has_witnesses ? &g->witnesses : NULL,
	};
	evidence_bundle_collateral(&out->collateral, &seen->collateral);
	read_log_list(out, arena, seen, g);
	read_growths(out, arena, seen);
	out->dns.live = climb_again(arena, seen);
	out->dns.persist = seen->persist;
	out->dns.challenge = seen->challenge;
	if (out->bundle.n)
		check_proof(out, arena, g);
}
