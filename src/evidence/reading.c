#include "evidence/reading.h"

#include "pki/pem.h"
#include "pki/webtbs.h"
#include "tee/claims.h"

const char *reading_kind_name(enum reading_kind kind)
{
	switch (kind) {
	case READING_NONE:
		break;
	case READING_CORE:
		return "postern evidence 2";
	case READING_INGRESS:
		return "dstack-ingress";
	case READING_GATEWAY:
		return "dstack gateway";
	}
	return "nothing";
}

/* ---- files */

static size_t count_blocks(struct span pem)
{
	static const char begin[] = "-----BEGIN ";
	size_t count = 0;
	const uint8_t *at;

	while (pem.n && (at = memmem(pem.p, pem.n, begin, sizeof(begin) - 1))) {
		count++;
		(void)rd_skip(&pem, (size_t)(at - pem.p) + sizeof(begin) - 1);
	}
	return count;
}

enum rc reading_chain(struct span chain[READING_CHAIN_MAX], size_t *count,
		      struct arena *arena, struct span pem)
{
	size_t blocks = count_blocks(pem);
	uint8_t *memory;
	struct wr room;
	enum rc rc;

	if (!blocks)
		return RC_MALFORMED;
	if (blocks > READING_CHAIN_MAX)
		return RC_LIMIT;
	memory = arena_new(arena, pem.n + 1, 1);
	if (!memory)
		return RC_LIMIT;
	room = wr_over(memory, pem.n);
	rc = pem_decode(chain, blocks, &room, PEM_CERTIFICATE, pem);
	if (!rc)
		*count = blocks;
	return rc;
}

static struct span file_of(const struct reading *r, const char *name)
{
	return bundle_item_get(&r->files, span_str(name));
}

static void read_files(struct reading *r)
{
	r->sums_text = file_of(r, LEGACY_SUMS);
	r->sums_rc = legacy_sums_read(&r->sums, r->sums_text);
	r->account_rc = legacy_account_read(&r->account_uri, r->arena,
					    file_of(r, LEGACY_ACCOUNT));
}

static void read_quote_json(struct reading_quote *out, enum rc *rc,
			    struct arena *arena, struct span json)
{
	struct legacy_quote q = { 0 };

	*rc = legacy_quote_read(&q, arena, json);
	out->is_there = !*rc;
	out->bytes = q.quote;
	out->event_log = q.event_log;
}

/* ---- what the three kinds have */

/* The quote of the key that is served; the last, if it is there twice. */
static void read_key_quote(struct reading_quote *out, enum rc *rc,
			   const struct reading *r)
{
	for (size_t i = 0; r->has_leaf && i < r->acme.key_count; i++) {
		const struct dotdstack_key *key = &r->acme.keys[i];

		if (span_equal(key->spki, r->leaf.spki) && key->quote.n)
			read_quote_json(out, rc, r->arena, key->quote);
	}
}

static void read_core(struct reading *r)
{
	r->bundle_rc = evidence_bundle_read(&r->bundle, r->arena, r->m->bundle);
	if (r->bundle_rc)
		return;
	r->files = r->bundle.files;
	read_files(r);
	r->core_rc =
		evidence_core_read(&r->core, r->arena, r->bundle.core);
	r->has_core = !r->core_rc;
	if (r->bundle.acme_info.n) {
		r->acme_rc = dotdstack_acme_read(&r->acme, r->arena,
						 r->bundle.acme_info);
		r->has_acme = !r->acme_rc;
		read_key_quote(&r->key_quote, &r->key_quote_rc, r);
	}
	r->quote.is_there = true;
	r->quote.bytes = r->bundle.quote;
	r->quote.event_log = r->bundle.event_log;
}

static void read_ingress(struct reading *r)
{
	r->files = r->m->files;
	read_files(r);
	read_quote_json(&r->quote, &r->quote_rc, r->arena,
			file_of(r, LEGACY_QUOTE));
}

static void read_gateway(struct reading *r)
{
	enum rc rc;

	r->acme_rc = dotdstack_acme_read(&r->acme, r->arena, r->m->acme_info);
	r->has_acme = !r->acme_rc;
	if (!r->has_acme)
		return;
	r->account_uri = r->acme.account_uri;
	if (r->acme.account_quote.n)
		read_quote_json(&r->account_quote, &rc, r->arena,
				r->acme.account_quote);
	read_key_quote(&r->quote, &r->quote_rc, r);
}

static void read_answer(struct reading *r)
{
	if (!r->m->answer.n)
		return;
	r->answer_rc =
		attest_answer_read(&r->answer, r->arena, r->m->answer);
	r->has_answer = !r->answer_rc;
	r->fresh.is_there = r->has_answer;
	r->fresh.bytes = r->answer.quote;
	r->fresh.event_log = r->answer.event_log;
}

/* ---- quotes */

static struct tee_collateral collateral_of(const struct reading *r)
{
	struct tee_collateral c;

	evidence_bundle_collateral(&c, &r->bundle.collateral);
	return c.tcb_info.n ? c : r->m->collateral;
}

/* Documents are checked once for all quotes that meet them; when they do not
 * hold, tee_verify() says why. */
struct judge {
	const struct reading *r;
	struct tee_collateral collateral;
	struct tee_prepared *prepared; /* or NULL */
};

static void judge_init(struct judge *j, const struct reading *r)
{
	char detail[TEE_DETAIL_MAX];

	*j = (struct judge){ .r = r, .collateral = collateral_of(r) };
	if (tee_prepare(&j->prepared, detail, &j->collateral, r->m->anchors,
			r->m->anchor_count))
		j->prepared = NULL;
}

static void judge_fini(struct judge *j)
{
	tee_prepared_free(j->prepared);
}

static void verify(struct tee_verdict *out, const struct judge *j,
		   struct span quote)
{
	const struct material *m = j->r->m;

	if (j->prepared && tee_kind_of(quote) != TEE_KIND_SNP)
		tee_verify_prepared(out, j->prepared, quote, m->policy, m->at);
	else
		tee_verify(out, &(struct tee_input){
					.quote = quote,
					.collateral = &j->collateral,
					.anchors = m->anchors,
					.anchor_count = m->anchor_count,
					.policy = m->policy,
					.at = m->at,
				});
}

static void judge_quote(struct reading_quote *q, const struct judge *j)
{
	if (!q->is_there)
		return;
	verify(&q->verdict, j, q->bytes);
	q->has_log = q->event_log.n > 0;
	if (q->has_log && q->verdict.is_verified &&
	    q->verdict.kind != TEE_KIND_SNP)
		q->log = eventlog_check(&q->identity, &q->imr,
					&q->verdict.quote, q->event_log);
	else if (q->has_log)
		q->log = TEE_LOG_MISMATCH;
}

bool reading_quote_holds(const struct reading_quote *q)
{
	return q->is_there && q->verdict.is_verified && !q->verdict.reason &&
	       q->has_log && !q->log;
}

bool reading_same_app(const struct reading_quote *qa,
		      const struct reading_quote *qb)
{
	const struct eventlog_identity *a = &qa->identity, *b = &qb->identity;

	return a->has_app_id && b->has_app_id &&
	       span_equal(SPAN_ARRAY(a->app_id), SPAN_ARRAY(b->app_id)) &&
	       a->has_manifest_hash == b->has_manifest_hash &&
	       span_equal(SPAN_ARRAY(a->manifest_hash),
			  SPAN_ARRAY(b->manifest_hash));
}

bool reading_same_guest(const struct reading_quote *qa,
			const struct reading_quote *qb)
{
	const struct eventlog_identity *a = &qa->identity, *b = &qb->identity;

	return reading_same_app(qa, qb) &&
	       (!a->has_instance_id || !b->has_instance_id ||
		span_equal(SPAN_ARRAY(a->instance_id),
			   SPAN_ARRAY(b->instance_id)));
}

/* A key's own quote holds. */
static bool is_quoted(const struct judge *j, const struct dotdstack_key *key)
{
	uint8_t expected[QUOTE_REPORT_DATA_LEN];
	struct reading_quote q = { 0 };
	struct tee_claims claims;
	enum rc rc;

	if (!key->quote.n)
		return false;
	read_quote_json(&q, &rc, j->r->arena, key->quote);
	judge_quote(&q, j);
	if (!reading_quote_holds(&q) || !reading_same_app(&j->r->quote, &q))
		return false;
	dotdstack_report_data(expected, DOTDSTACK_CERT, key->spki);
	tee_claims_of(&claims, &q.verdict);
	return span_equal(claims.report_data, SPAN_ARRAY(expected));
}

static void judge_keys(struct reading *r, const struct judge *j)
{
	bool *are = arena_new(r->arena, r->acme.key_count + 1, sizeof(*are));

	for (size_t i = 0; are && i < r->acme.key_count; i++)
		are[i] = is_quoted(j, &r->acme.keys[i]);
	r->is_quoted = are;
}

static void judge_quotes(struct reading *r)
{
	struct judge j;

	judge_init(&j, r);
	judge_quote(&r->quote, &j);
	judge_quote(&r->account_quote, &j);
	judge_quote(&r->fresh, &j);
	judge_quote(&r->key_quote, &j);
	if (r->kind == READING_GATEWAY && reading_quote_holds(&r->quote))
		judge_keys(r, &j);
	judge_fini(&j);
}

/* ---- the certificate */

static void read_leaf(struct reading *r)
{
	const struct material_tls *tls = &r->m->tls;

	r->has_leaf = tls->chain_count &&
		      web_parse(&r->leaf, tls->chain[0]) == RC_OK;
	if (!r->has_leaf)
		return;
	web_spki_sha256(&r->leaf_spki, &r->leaf);
	webtbs_sha256(&r->leaf_tbs, &r->leaf);
	if (!r->m->roots)
		return;
	path_validate(&r->path, &(struct path_query){
					.leaf = tls->chain[0],
					.others = tls->chain + 1,
					.other_count = tls->chain_count - 1,
					.roots = r->m->roots,
					.host = r->m->host,
					.at = r->m->at,
				});
	r->has_issuer = r->path.chain_count > 1 &&
			web_parse(&r->issuer, r->path.chain[1]) == RC_OK;
}

static enum reading_kind kind_of(const struct material *m)
{
	if (m->bundle.n)
		return READING_CORE;
	if (m->files.count)
		return READING_INGRESS;
	return m->acme_info.n ? READING_GATEWAY : READING_NONE;
}

void reading_make(struct reading *out, struct arena *arena,
		  const struct material *m)
{
	memset(out, 0, sizeof(*out));
	out->m = m;
	out->arena = arena;
	out->kind = kind_of(m);
	read_leaf(out);
	switch (out->kind) {
	case READING_NONE:
		break;
	case READING_CORE:
		read_core(out);
		break;
	case READING_INGRESS:
		read_ingress(out);
		break;
	case READING_GATEWAY:
		read_gateway(out);
		break;
	}
	read_answer(out);
	judge_quotes(out);
}

/* ---- keys */

static bool is_listed(const struct sha256 *hashes, size_t count,
		      const struct sha256 *hash)
{
	for (size_t i = 0; i < count; i++)
		if (span_equal(SPAN_ARRAY(hashes[i].b), SPAN_ARRAY(hash->b)))
			return true;
	return false;
}

static bool core_knows(const struct evidence_core *core,
		       const struct sha256 *spki)
{
	for (size_t i = 0; i < core->key_count; i++)
		if (is_listed(&core->keys[i].spki, 1, spki))
			return true;
	return is_listed(core->spki, core->spki_count, spki);
}

/* Among the keys for which is[] is true; NULL: among all. */
static bool acme_knows(const struct dotdstack_acme *acme, const bool *is,
		       const struct sha256 *spki)
{
	for (size_t i = 0; i < acme->key_count; i++) {
		struct sha256 hash;

		if (is && !is[i])
			continue;
		sha256_of(&hash, acme->keys[i].spki);
		if (is_listed(&hash, 1, spki))
			return true;
	}
	return false;
}

/* The leaf of a file's chain. */
static bool file_is_for(const struct reading *r, struct span pem,
			const struct sha256 *spki)
{
	struct span chain[READING_CHAIN_MAX];
	struct web_cert leaf;
	struct sha256 hash;
	size_t count;

	if (reading_chain(chain, &count, r->arena, pem) ||
	    web_parse(&leaf, chain[0]))
		return false;
	web_spki_sha256(&hash, &leaf);
	return is_listed(&hash, 1, spki);
}

static bool files_know(const struct reading *r, const struct sha256 *spki)
{
	for (size_t i = 1; !r->sums_rc && i < r->sums.count; i++)
		if (file_is_for(r,
				bundle_item_get(&r->files,
						r->sums.files[i].name),
				spki))
			return true;
	return false;
}

static bool rules_know(const struct rules *rules, const struct sha256 *spki)
{
	for (size_t i = 0; i < rules->key_count; i++)
		if (span_equal(SPAN_ARRAY(rules->keys[i]), SPAN_ARRAY(spki->b)))
			return true;
	return false;
}

bool reading_knows_key(const struct reading *r, const struct sha256 *spki)
{
	if (rules_know(r->m->rules, spki))
		return true;
	switch (r->kind) {
	case READING_NONE:
		break;
	case READING_CORE:
		return r->has_core && core_knows(&r->core, spki);
	case READING_INGRESS:
		return files_know(r, spki);
	case READING_GATEWAY:
		return r->has_acme && acme_knows(&r->acme, NULL, spki);
	}
	return false;
}

bool reading_owns_key(const struct reading *r, const struct sha256 *spki)
{
	if (!r->is_quoted)
		return reading_knows_key(r, spki);
	return rules_know(r->m->rules, spki) ||
	       acme_knows(&r->acme, r->is_quoted, spki);
}
