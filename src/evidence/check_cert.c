#include "ct/sctpolicy.h"
#include "evidence/check_list.h"
#include "evidence/loghead.h"
#include "pki/webtbs.h"

static bool is_hash(const struct sha256 *a, const struct sha256 *b)
{
	return span_equal(SPAN_ARRAY(a->b), SPAN_ARRAY(b->b));
}

static bool has_leaf(struct finding *f, const struct reading *r)
{
	if (r->has_leaf)
		return true;
	finding_say(f, CHECK_UNKNOWN, "the server's certificate was not seen");
	return false;
}

/* ---- whose it is */

static bool is_in_use(const struct evidence_core *core,
		      const struct sha256 *spki)
{
	for (size_t i = 0; i < core->spki_count; i++)
		if (is_hash(&core->spki[i], spki))
			return true;
	return false;
}

static bool is_of_other_instance(const struct rules *rules,
				 const struct sha256 *spki)
{
	for (size_t i = 0; i < rules->key_count; i++)
		if (span_equal(SPAN_ARRAY(rules->keys[i]), SPAN_ARRAY(spki->b)))
			return true;
	return false;
}

void check_key(struct finding *f, const struct reading *r)
{
	if (!has_leaf(f, r))
		return;
	if (r->kind == READING_NONE)
		finding_say(f, CHECK_NOT_SHOWN, "no evidence names any key");
	else if (r->kind == READING_CORE && !r->has_core)
		finding_say(f, CHECK_UNKNOWN, "the core cannot be read");
	else if (r->has_core ? is_in_use(&r->core, &r->leaf_spki)
			     : reading_knows_key(r, &r->leaf_spki))
		finding_say(f, CHECK_PASS, "SPKI %s",
			    finding_hash(&r->leaf_spki).text);
	else if (is_of_other_instance(r->m->rules, &r->leaf_spki))
		finding_say(f, CHECK_PASS,
			    "SPKI %s of another instance that the rules name",
			    finding_hash(&r->leaf_spki).text);
	else
		finding_say(f, CHECK_FAIL,
			    "SPKI %s is none of the evidence's keys: TLS ends "
			    "elsewhere",
			    finding_hash(&r->leaf_spki).text);
}

static const struct core_cert *cert_in_core(const struct reading *r)
{
	for (size_t i = 0; i < r->core.cert_count; i++)
		if (is_hash(&r->core.certs[i].tbs, &r->leaf_tbs) &&
		    is_hash(&r->core.certs[i].spki, &r->leaf_spki))
			return &r->core.certs[i];
	return NULL;
}

/* Issued after the evidence was made, for a key that it has: a renewal whose
 * evidence is not published yet. */
static bool is_renewal(const struct reading *r)
{
	return is_in_use(&r->core, &r->leaf_spki) &&
	       r->leaf.not_before > r->core.issued_at - 3600;
}

static bool file_has_leaf(const struct reading *r, struct span pem)
{
	struct span chain[READING_CHAIN_MAX];
	size_t count;

	return reading_chain(chain, &count, r->arena, pem) == RC_OK &&
	       span_equal(chain[0], r->leaf.der);
}

static bool is_in_files(const struct reading *r)
{
	for (size_t i = 1; !r->sums_rc && i < r->sums.count; i++)
		if (file_has_leaf(r,
				  bundle_item_get(&r->files,
						  r->sums.files[i].name)))
			return true;
	return false;
}

void check_certificate(struct finding *f, const struct reading *r)
{
	if (!has_leaf(f, r))
		return;
	switch (r->kind) {
	case READING_NONE:
	case READING_GATEWAY:
		finding_say(f, CHECK_NOT_SHOWN, "no certificates are named");
		return;
	case READING_CORE:
		if (!r->has_core)
			finding_say(f, CHECK_UNKNOWN,
				    "the core cannot be read");
		else if (cert_in_core(r))
			finding_say(f, CHECK_PASS, "TBS %s",
				    finding_hash(&r->leaf_tbs).text);
		else if (is_renewal(r))
			finding_say(f, CHECK_PASS,
				    "renewed since the evidence was made, for "
				    "a key that it names");
		else
			finding_say(f, CHECK_FAIL,
				    "TBS %s is none of the evidence's",
				    finding_hash(&r->leaf_tbs).text);
		return;
	case READING_INGRESS:
		break;
	}
	if (is_in_files(r))
		finding_say(f, CHECK_PASS, "byte for byte that of a file");
	else
		finding_say(f, CHECK_FAIL, "it is in none of the files");
}

/* ---- the web's own rules */

void check_path(struct finding *f, const struct reading *r)
{
	if (!has_leaf(f, r))
		return;
	if (!r->m->roots)
		finding_say(f, CHECK_UNKNOWN, "there are no roots to trust");
	else if (r->path.reason)
		finding_say(f, CHECK_FAIL, "%s at depth %zu (%s)",
			    path_reason_name(r->path.reason), r->path.depth,
			    path_reason_rule(r->path.reason));
	else
		finding_say(f, CHECK_PASS, "%zu certificates up to a root",
			    r->path.chain_count);
}

void check_log_list(struct finding *f, const struct reading *r)
{
	if (!r->m->log_list)
		finding_say(f, CHECK_UNKNOWN, "there is no list of logs");
	else if (!r->m->is_log_list_signed)
		finding_say(f, CHECK_FAIL,
			    "the list is not signed by the key that is pinned");
	else
		finding_say(f, CHECK_PASS, "%zu logs", r->m->log_list->count);
}

static bool has_scts(struct finding *f, const struct reading *r)
{
	if (!has_leaf(f, r))
		return false;
	if (!r->has_issuer)
		finding_say(f, CHECK_UNKNOWN,
			    "the certificate's issuer is not known");
	else if (!r->m->log_list)
		finding_say(f, CHECK_UNKNOWN, "there is no list of logs");
	else
		return true;
	return false;
}

/* The first of the certificate's SCTs that does not count, or NULL. */
static const char *fault_of_scts(const struct sctpolicy_verdict *v)
{
	for (size_t i = 0; i < v->count; i++)
		if (v->one[i].state != SCTPOLICY_SCT_OK)
			return sctpolicy_sct_name(v->one[i].state);
	return NULL;
}

void check_scts(struct finding *f, const struct reading *r)
{
	struct sctpolicy_verdict v;
	const char *fault;

	if (!has_scts(f, r))
		return;
	sctpolicy_judge(&v, &r->leaf, &r->issuer, r->m->log_list, r->m->at);
	fault = fault_of_scts(&v);
	if (v.reason == SCTPOLICY_OLD_LIST)
		finding_say(f, CHECK_UNKNOWN, "the list of logs is too old");
	else if (v.reason)
		finding_say(f, CHECK_FAIL, "%s (%s)%s%s",
			    sctpolicy_reason_name(v.reason),
			    sctpolicy_reason_rule(v.reason),
			    fault ? "; one is " : "", fault ? fault : "");
	else
		finding_say(f, CHECK_PASS, "%zu logs of %zu operators",
			    v.valid, v.operators);
}

/* ---- inclusion: the core's proofs for the certificate's own SCTs */

static const struct core_sct *stated_of(const struct core_cert *cert,
					const struct sct *sct)
{
	for (size_t i = 0; i < cert->sct_count; i++)
		if (span_equal(SPAN_ARRAY(cert->scts[i].log_id.b),
			       SPAN_ARRAY(sct->log_id)) &&
		    cert->scts[i].timestamp_ms == sct->timestamp_ms)
			return &cert->scts[i];
	return NULL;
}

static bool is_included(const struct reading *r, const struct sct *sct,
			const struct core_sct *stated,
			const struct loglist_log *log)
{
	struct sct_entry entry = sct_entry_embedded(&r->leaf, &r->issuer);
	struct treeproof proof = { .count = stated->proof_count };
	struct merkle_hash leaf;
	struct tree_head head;
	uint64_t at_ms;

	if (stated->proof_count > TREEPROOF_MAX ||
	    (sct->has_index && sct->index != stated->index) ||
	    !loghead_signed(&head, &at_ms, stated->checkpoint, log->spki))
		return false;
	for (size_t i = 0; i < proof.count; i++)
		memcpy(proof.hash[i].b, stated->proof[i].b,
		       sizeof(proof.hash[i].b));
	sct_leaf_hash(&leaf, sct, &entry);
	return treeproof_includes(&head, stated->index, &leaf, &proof);
}

/* The log's time to merge the entry is over. */
static bool is_due(const struct reading *r, const struct sct *sct,
		   const struct loglist_log *log)
{
	return r->m->at > (int64_t)(sct->timestamp_ms / 1000) +
				  (int64_t)log->mmd_s;
}

/* One SCT; true while the finding may still be a pass. */
static bool judge_inclusion(struct finding *f, const struct reading *r,
			    const struct core_cert *cert, const struct sct *sct)
{
	const struct loglist_log *log =
		loglist_find(r->m->log_list, sct->log_id);
	const struct core_sct *stated = stated_of(cert, sct);

	if (!log) {
		finding_say(f, CHECK_UNKNOWN, "one of its logs is not known");
		return false;
	}
	if (stated && stated->is_proved) {
		if (is_included(r, sct, stated, log))
			return true;
		finding_say(f, CHECK_FAIL, "the proof of %s does not hold",
			    finding_text(log->description).text);
		return false;
	}
	if (is_due(r, sct, log))
		finding_say(f, CHECK_FAIL,
			    "%s promised, its time is over, and nothing proves "
			    "that the entry is there",
			    finding_text(log->description).text);
	else
		finding_say(f, CHECK_UNKNOWN, "%s still has time",
			    finding_text(log->description).text);
	return false;
}

void check_inclusion(struct finding *f, const struct reading *r)
{
	struct sct scts[SCT_COUNT_MAX];
	const struct core_cert *cert;
	size_t count;

	if (r->kind != READING_CORE) {
		finding_say(f, CHECK_NOT_SHOWN, "no proofs are shown");
		return;
	}
	if (!has_scts(f, r))
		return;
	cert = r->has_core ? cert_in_core(r) : NULL;
	if (!cert || sct_list_parse(scts, &count, r->leaf.scts)) {
		finding_say(f, CHECK_UNKNOWN,
			    "the evidence has no proofs for this certificate");
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (!judge_inclusion(f, r, cert, &scts[i]))
			return;
	finding_say(f, CHECK_PASS, "%zu proofs up to signed heads", count);
}

/* ---- the logs the service saw: no split view */

static const struct material_growth *growth_of(const struct reading *r,
					       const struct core_head *head)
{
	for (size_t i = 0; i < r->m->growth_count; i++)
		if (r->m->growth[i].from == head->size &&
		    is_hash(&r->m->growth[i].log_id, &head->log_id))
			return &r->m->growth[i];
	return NULL;
}

static bool is_in_list(const struct reading *r, const struct core_head *head)
{
	return r->m->log_list &&
	       loglist_find(r->m->log_list, head->log_id.b) != NULL;
}

/* False, with a finding: the log has two histories. */
static bool judge_head(struct finding *f, const struct core_head *head,
		       const struct material_growth *g)
{
	struct tree_head first = { .size = head->size };

	memcpy(first.root.b, head->root.b, sizeof(first.root.b));
	if (treeproof_extends(&first, &g->now, &g->proof))
		return true;
	finding_say(f, CHECK_FAIL,
		    "log %s has two histories: the service saw another one "
		    "than we",
		    finding_hash(&head->log_id).text);
	return false;
}

void check_growth(struct finding *f, const struct reading *r)
{
	size_t asked = 0, confirmed = 0;

	if (r->kind != READING_CORE) {
		finding_say(f, CHECK_NOT_SHOWN, "no heads are shown");
		return;
	}
	for (size_t i = 0; i < r->core.head_count; i++) {
		const struct core_head *h = &r->core.heads[i];
		const struct material_growth *g = growth_of(r, h);

		asked += is_in_list(r, h);
		if (!g)
			continue;
		if (!judge_head(f, h, g))
			return;
		confirmed += is_in_list(r, h);
	}
	if (!asked)
		finding_say(f, CHECK_UNKNOWN, "no head of a log in the list");
	else
		finding_say(f,
			    confirmed == asked ? CHECK_PASS : CHECK_UNKNOWN,
			    "%zu of %zu heads confirmed", confirmed, asked);
}
