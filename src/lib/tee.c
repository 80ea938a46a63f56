/*
 * The functions of include/postern/tee.h, which is their manual.
 */
#include <postern/tee.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "lib/verdict.h"
#include "tee/bind.h"
#include "tee/hint.h"
#include "tee/layer.h"
#include "tee/policy.h"

enum {
	/*
	 * What the first version's callers have.  A struct that grows leaves
	 * these as they are.
	 */
	VERDICT_SIZE_FIRST = sizeof(struct postern_tee_verdict),
	HINT_SIZE_FIRST = offsetof(struct postern_tee_hint, reported_tcb),
	REQUEST_SIZE_FIRST = sizeof(struct postern_tee_request),
	/* Of AMD's, which are read with libcrypto: of a CRL it makes ten times
	 * the size and more. */
	SNP_DOCUMENT_MAX = 64 * 1024,
	ANCHORS_MAX = 1 + TEE_ANCHOR_AMD_COUNT,
};

/* Documents for quotes, for reports, or for both. */
struct postern_tee_collateral {
	struct tee_prepared *prepared; /* NULL: none for quotes */
	struct tee_prepared_snp *reports; /* the same for reports */
	struct tee_anchor anchors[ANCHORS_MAX];
	size_t anchor_count;
};

struct postern_tee_policy {
	struct arena arena;
	struct tee_policy policy;
};

const char *postern_tee_version(void)
{
	return POSTERN_TEE_VERSION;
}

static enum postern_tee_result fail(struct postern_tee_error *error,
				    enum postern_tee_result result,
				    const char *reason, const char *detail)
{
	if (!error)
		return result;
	error->reason = reason;
	(void)snprintf(error->detail, sizeof(error->detail), "%s", detail);
	return result;
}

static enum postern_tee_result unusable(struct postern_tee_error *error,
					const char *detail)
{
	return fail(error, POSTERN_TEE_UNUSABLE, VERDICT_UNUSABLE, detail);
}

/* Where the document of a name goes. */
static struct span *place_of(struct tee_collateral *c, size_t index)
{
	struct span *const places[] = {
		&c->root_crl,
		&c->pck_crl,
		&c->tcb_info,
		&c->tcb_info_chain,
		&c->qe_identity,
		&c->qe_identity_chain,
		&c->pck_crl_chain,
		&c->pck_chain,
		&c->snp.vek,
		&c->snp.vek,
		&c->snp.chain,
		&c->snp.crl,
	};

	return index < sizeof(places) / sizeof(places[0]) ? places[index]
							  : NULL;
}

/* In the order of the places above. */
const char *postern_tee_document_name(size_t index)
{
	static const char *const names[] = {
		POSTERN_TEE_ROOT_CRL,
		POSTERN_TEE_PCK_CRL,
		POSTERN_TEE_TCB_INFO,
		POSTERN_TEE_TCB_INFO_CHAIN,
		POSTERN_TEE_QE_IDENTITY,
		POSTERN_TEE_QE_IDENTITY_CHAIN,
		POSTERN_TEE_PCK_CRL_CHAIN,
		POSTERN_TEE_PCK_CHAIN,
		POSTERN_TEE_VCEK,
		POSTERN_TEE_VLEK,
		POSTERN_TEE_VEK_CHAIN,
		POSTERN_TEE_VEK_CRL,
	};

	return index < sizeof(names) / sizeof(names[0]) ? names[index] : NULL;
}

static struct span *place_named(struct tee_collateral *c, const char *name)
{
	const char *known;

	for (size_t i = 0; (known = postern_tee_document_name(i)); i++)
		if (strcmp(known, name) == 0)
			return place_of(c, i);
	return NULL;
}

static enum postern_tee_result
sort_documents(struct tee_collateral *out,
	       const struct postern_tee_document *documents, size_t count,
	       struct postern_tee_error *error)
{
	char detail[POSTERN_TEE_DETAIL_MAX];

	for (size_t i = 0; i < count; i++) {
		const struct postern_tee_document *d = &documents[i];
		struct span *place;

		if (!d->name || (!d->data && d->size))
			return unusable(error, "a document is NULL");
		place = place_named(out, d->name);
		if (place && !d->size)
			continue;
		if (place && !place->n) {
			*place = span_of(d->data, d->size);
			continue;
		}
		(void)snprintf(detail, sizeof(detail), "document %.64s: %s",
			       d->name,
			       place ? "comes twice" : "no such name");
		return unusable(error, detail);
	}
	return POSTERN_TEE_OK;
}

/* Which evidence the documents are for. */
static bool has_snp(const struct tee_collateral *c)
{
	return c->snp.vek.n || c->snp.chain.n || c->snp.crl.n;
}

static bool has_quotes(struct tee_collateral *c)
{
	struct span *place;

	for (size_t i = 0; (place = place_of(c, i)) != &c->snp.vek; i++)
		if (place->n)
			return true;
	return false;
}

/* Reads AMD's documents once; what is wrong with what they say is said by each
 * verification. */
static enum tee_reason prepare_snp(struct postern_tee_collateral *c,
				   char detail[TEE_DETAIL_MAX],
				   const struct snp_collateral *given)
{
	const struct {
		const char *name;
		struct span bytes;
		bool is_needed;
		enum tee_reason too_large;
	} items[] = {
		{ "VCEK or VLEK certificate", given->vek, true, TEE_VEK_CERT },
		{ "ASK and ARK", given->chain, true, TEE_VEK_CHAIN },
		{ "CRL", given->crl, false, TEE_CRL_MALFORMED },
	};

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		if (items[i].is_needed && !items[i].bytes.n) {
			(void)snprintf(detail, TEE_DETAIL_MAX, "%s: missing",
				       items[i].name);
			return TEE_COLLATERAL_MISSING;
		}
		if (items[i].bytes.n > SNP_DOCUMENT_MAX) {
			(void)snprintf(detail, TEE_DETAIL_MAX,
				       "%s: larger than %d bytes",
				       items[i].name, SNP_DOCUMENT_MAX);
			return items[i].too_large;
		}
	}
	c->reports = tee_prepare_snp(given, c->anchors, c->anchor_count);
	return TEE_OK;
}

static void auto_collateral(struct postern_tee_collateral **c)
{
	postern_tee_collateral_free(*c);
}

static enum postern_tee_result
prepare(struct postern_tee_collateral **out, const struct tee_anchor *anchors,
	size_t anchor_count, const struct postern_tee_document *documents,
	size_t count, struct postern_tee_error *error)
{
	AUTO(auto_collateral)
	struct postern_tee_collateral *c = mem_new(sizeof(*c));
	struct tee_collateral given = { 0 };
	char detail[TEE_DETAIL_MAX] = "";
	enum postern_tee_result result;
	enum tee_reason reason = TEE_OK;

	if (!documents && count)
		return unusable(error, "documents are NULL");
	result = sort_documents(&given, documents, count, error);
	if (result)
		return result;
	memcpy(c->anchors, anchors, anchor_count * sizeof(*anchors));
	c->anchor_count = anchor_count;
	if (has_snp(&given))
		reason = prepare_snp(c, detail, &given.snp);
	if (!reason && (has_quotes(&given) || !has_snp(&given)))
		reason = tee_prepare(&c->prepared, detail, &given, c->anchors,
				     c->anchor_count);
	if (reason)
		return fail(error, POSTERN_TEE_REFUSED, tee_reason_name(reason),
			    detail);
	*out = STEAL(c);
	return fail(error, POSTERN_TEE_OK, tee_reason_name(TEE_OK), "");
}

enum postern_tee_result
postern_tee_collateral_new(struct postern_tee_collateral **out,
			   const struct postern_tee_document *documents,
			   size_t count, struct postern_tee_error *error)
{
	struct tee_anchor anchors[ANCHORS_MAX] = { tee_anchor_intel };

	if (!out)
		return unusable(error, "out is NULL");
	*out = NULL;
	memcpy(anchors + 1, tee_anchors_amd, sizeof(tee_anchors_amd));
	return prepare(out, anchors, ANCHORS_MAX, documents, count, error);
}

/* A root of the form of either vendor's. */
static enum rc simulated_anchor(struct tee_anchor *out, struct span pem)
{
	enum rc rc = tee_anchor_simulated(out, pem);

	return rc == RC_MALFORMED ? tee_anchor_simulated_snp(out, pem) : rc;
}

enum postern_tee_result postern_tee_collateral_new_simulated(
	struct postern_tee_collateral **out, const void *root_pem,
	size_t root_pem_size, const struct postern_tee_document *documents,
	size_t count, struct postern_tee_error *error)
{
	struct tee_anchor anchor;

	if (!out)
		return unusable(error, "out is NULL");
	*out = NULL;
	if (!root_pem)
		return unusable(error, "root_pem is NULL");
	switch (simulated_anchor(&anchor, span_of(root_pem, root_pem_size))) {
	case RC_OK:
		return prepare(out, &anchor, 1, documents, count, error);
	case RC_DENIED:
		return unusable(error, "root_pem: Intel's or AMD's root is no "
				       "simulation");
	case RC_MALFORMED:
	case RC_UNSUPPORTED:
	case RC_LIMIT:
	case RC_STALE:
	case RC_CLOSED:
	case RC_SYS:
	case RC_CRYPTO:
		break;
	}
	return unusable(error, "root_pem: not one self-signed certificate "
			       "with P-256, or with RSA-4096, PSS and SHA-384");
}

void postern_tee_collateral_free(struct postern_tee_collateral *collateral)
{
	if (!collateral)
		return;
	tee_prepared_free(collateral->prepared);
	tee_prepared_snp_free(collateral->reports);
	free(collateral);
}

enum postern_tee_result postern_tee_policy_new(struct postern_tee_policy **out,
					       const char *name,
					       const void *text, size_t size,
					       struct postern_tee_error *error)
{
	char detail[POLICY_ERROR_MAX];
	struct postern_tee_policy *p;

	if (!out)
		return unusable(error, "out is NULL");
	*out = NULL;
	if (!name || (!text && size))
		return unusable(error, "name or text is NULL");
	p = mem_new(sizeof(*p));
	arena_init(&p->arena, POLICY_ARENA_MAX);
	if (policy_read(&p->policy, &p->arena, name,
			span_of(text ? text : "", size), detail)) {
		postern_tee_policy_free(p);
		return unusable(error, detail);
	}
	*out = p;
	return fail(error, POSTERN_TEE_OK, tee_reason_name(TEE_OK), "");
}

const char *postern_tee_policy_file(const struct postern_tee_policy *policy,
				    size_t index)
{
	if (!policy || index >= policy->policy.list_count)
		return NULL;
	return policy->policy.lists[index].file;
}

enum postern_tee_result
postern_tee_policy_give(struct postern_tee_policy *policy,
			const struct postern_tee_document *file,
			struct postern_tee_error *error)
{
	enum tee_reason reason = TEE_OK;
	size_t named = 0;

	if (!policy || !file || !file->name || (!file->data && file->size))
		return unusable(error, "an argument is NULL");
	for (size_t i = 0; i < policy->policy.list_count; i++) {
		struct policy_list *l = &policy->policy.lists[i];

		if (strcmp(l->file, file->name) != 0)
			continue;
		named++;
		policy_list_give(l, &policy->arena,
				 span_of(file->data ? file->data : "",
					 file->size));
		if (l->state)
			reason = l->state;
	}
	if (!named)
		return unusable(error, "the policy names no such file");
	return fail(error, reason ? POSTERN_TEE_REFUSED : POSTERN_TEE_OK,
		    tee_reason_name(reason), reason ? file->name : "");
}

void postern_tee_policy_free(struct postern_tee_policy *policy)
{
	if (!policy)
		return;
	arena_fini(&policy->arena);
	free(policy);
}

const char *postern_tee_status_name(enum postern_tee_status status)
{
	static_assert((int)POSTERN_TEE_STATUS_NONE == (int)TCB_NONE);
	static_assert((int)POSTERN_TEE_REVOKED == (int)TCB_REVOKED);

	if ((unsigned)status > POSTERN_TEE_REVOKED)
		return "unknown";
	return tee_tcb_status_name((enum tee_tcb_status)status);
}

const char *postern_tee_layer_name(enum postern_tee_layer layer)
{
	static_assert((int)POSTERN_TEE_LAYER_LOG == (int)TEE_LAYER_LOG);
	static_assert((int)POSTERN_TEE_LAYER_LOG == TEE_LAYER_COUNT - 1);

	if ((unsigned)layer > POSTERN_TEE_LAYER_LOG)
		return "unknown";
	return tee_layer_name((enum tee_layer)layer);
}

const char *postern_tee_reason(size_t index, enum postern_tee_layer *layer)
{
	if (index >= TEE_REASON_COUNT)
		return NULL;
	if (layer)
		*layer = verdict_layer((enum tee_reason)index);
	return tee_reason_name((enum tee_reason)index);
}

static bool hint_of_report(struct postern_tee_hint *h, struct span evidence)
{
	struct snp_report r;

	if (snp_parse(&r, evidence))
		return false;
	h->family_size = verdict_snp_family(h->family, &r);
	h->reported_tcb = r.reported_tcb;
	memcpy(h->chip_id, r.chip_id.p, sizeof(h->chip_id));
	h->is_vlek = r.signing_key == SNP_VLEK;
	return true;
}

static bool hint_of_quote(struct postern_tee_hint *h, struct span evidence)
{
	struct quote q;

	if (quote_parse(&q, evidence))
		return false;
	if (hint_fmspc(h->family, &q))
		h->family_size = FMSPC_LEN;
	return true;
}

enum postern_tee_result postern_tee_hint_read(struct postern_tee_hint *hint,
					      const void *evidence, size_t size)
{
	struct span bytes = span_of(evidence, size);
	struct postern_tee_hint h = { 0 };
	enum tee_kind kind;

	if (!hint || hint->size < HINT_SIZE_FIRST || (!evidence && size))
		return POSTERN_TEE_UNUSABLE;
	h.size = hint->size;
	memset(hint, 0, h.size);
	hint->size = h.size;
	kind = tee_kind_of(bytes);
	h.kind = verdict_kind(kind);
	if (!(kind == TEE_KIND_SNP ? hint_of_report : hint_of_quote)(&h, bytes))
		return POSTERN_TEE_REFUSED;
	memcpy(hint, &h, h.size < sizeof(h) ? h.size : sizeof(h));
	return POSTERN_TEE_OK;
}

/* What is wrong with the request, or NULL. */
static const char *complaint(const struct postern_tee_request *r)
{
	if (r->size < REQUEST_SIZE_FIRST)
		return "request: size is not set";
	/* What we do not know is a check that we would not make. */
	if (r->size > sizeof(*r) &&
	    !span_is_zero(span_of((const uint8_t *)r + sizeof(*r),
				  r->size - sizeof(*r))))
		return "request: asks for more than this library knows";
	if (!r->evidence)
		return "request: evidence is NULL";
	if (!r->collateral)
		return "request: collateral is NULL";
	if (!r->report_data == !r->any_report_data)
		return "request: expected report_data, or any_report_data set";
	if (r->report_data_size > QUOTE_REPORT_DATA_LEN)
		return "request: report_data is longer than 64 bytes";
	if (r->report_data && !r->report_data_size)
		return "request: report_data is empty";
	if (!r->report_data && r->report_data_size)
		return "request: report_data is NULL";
	if (!r->firmware_log && r->firmware_log_size)
		return "request: firmware_log is NULL";
	if (!r->runtime_log && r->runtime_log_size)
		return "request: runtime_log is NULL";
	return NULL;
}

/*
 * What there are no documents for goes the other way to the same checks, which
 * says so.
 */
static void judge(struct tee_verdict *v, const struct postern_tee_request *r)
{
	const struct postern_tee_collateral *c = r->collateral;
	const struct tee_policy *policy = r->policy ? &r->policy->policy : NULL;
	struct span evidence = span_of(r->evidence, r->evidence_size);

	static const struct tee_collateral none;
	bool is_report = tee_kind_of(evidence) == TEE_KIND_SNP;

	if (is_report && c->reports)
		tee_verify_prepared_snp(v, c->reports, evidence, policy, r->at);
	else if (!is_report && c->prepared)
		tee_verify_prepared(v, c->prepared, evidence, policy, r->at);
	else
		tee_verify(v, &(struct tee_input){
				      .quote = evidence,
				      .collateral = &none,
				      .anchors = c->anchors,
				      .anchor_count = c->anchor_count,
				      .policy = policy,
				      .at = r->at,
			      });
}

enum postern_tee_result
postern_tee_verify(struct postern_tee_verdict *verdict,
		   const struct postern_tee_request *request)
{
	struct eventlog_identity identity = { 0 };
	struct tee_verdict v;
	const char *why;

	if (!verdict || verdict->size < VERDICT_SIZE_FIRST)
		return POSTERN_TEE_UNUSABLE;
	why = request ? complaint(request) : "request is NULL";
	if (why) {
		verdict_unusable(verdict, why);
		return POSTERN_TEE_UNUSABLE;
	}
	judge(&v, request);
	if (request->report_data)
		tee_bind_report_data(&v, span_of(request->report_data,
						 request->report_data_size));
	if (request->firmware_log)
		tee_bind_firmware_log(&v, span_of(request->firmware_log,
						  request->firmware_log_size));
	if (request->runtime_log)
		tee_bind_runtime_log(&v, &identity,
				     span_of(request->runtime_log,
					     request->runtime_log_size));
	verdict_give(verdict, &v, &identity);
	return v.reason ? POSTERN_TEE_REFUSED : POSTERN_TEE_OK;
}

const struct postern_tee_claim *
postern_tee_claim_find(const struct postern_tee_verdict *verdict,
		       const char *name)
{
	if (!verdict || !name || verdict->size < VERDICT_SIZE_FIRST)
		return NULL;
	for (size_t i = 0; i < verdict->claim_count; i++)
		if (strcmp(verdict->claims[i].name, name) == 0)
			return &verdict->claims[i];
	return NULL;
}
