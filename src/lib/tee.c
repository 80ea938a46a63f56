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
	HINT_SIZE_FIRST = sizeof(struct postern_tee_hint),
	REQUEST_SIZE_FIRST = sizeof(struct postern_tee_request),
};

struct postern_tee_collateral {
	struct tee_prepared *prepared;
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
		if (place && !place->p) {
			*place = span_of(d->data ? d->data : "", d->size);
			continue;
		}
		(void)snprintf(detail, sizeof(detail), "document %.64s: %s",
			       d->name,
			       place ? "comes twice" : "no such name");
		return unusable(error, detail);
	}
	return POSTERN_TEE_OK;
}

static enum postern_tee_result
prepare(struct postern_tee_collateral **out, const struct tee_anchor *anchor,
	const struct postern_tee_document *documents, size_t count,
	struct postern_tee_error *error)
{
	struct tee_collateral c = { 0 };
	struct tee_prepared *prepared = NULL;
	char detail[TEE_DETAIL_MAX] = "";
	enum postern_tee_result result;
	enum tee_reason reason;

	if (!documents && count)
		return unusable(error, "documents are NULL");
	result = sort_documents(&c, documents, count, error);
	if (result)
		return result;
	reason = tee_prepare(&prepared, detail, &c, anchor, 1);
	if (reason)
		return fail(error, POSTERN_TEE_REFUSED, tee_reason_name(reason),
			    detail);
	*out = mem_new(sizeof(**out));
	(*out)->prepared = prepared;
	return fail(error, POSTERN_TEE_OK, tee_reason_name(TEE_OK), "");
}

enum postern_tee_result
postern_tee_collateral_new(struct postern_tee_collateral **out,
			   const struct postern_tee_document *documents,
			   size_t count, struct postern_tee_error *error)
{
	if (!out)
		return unusable(error, "out is NULL");
	*out = NULL;
	return prepare(out, &tee_anchor_intel, documents, count, error);
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
	switch (tee_anchor_simulated(&anchor,
				     span_of(root_pem, root_pem_size))) {
	case RC_OK:
		return prepare(out, &anchor, documents, count, error);
	case RC_DENIED:
		return unusable(error, "root_pem: Intel's root is no "
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
	return unusable(error, "root_pem: not one self-signed P-256 "
			       "certificate");
}

void postern_tee_collateral_free(struct postern_tee_collateral *collateral)
{
	if (!collateral)
		return;
	tee_prepared_free(collateral->prepared);
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

enum postern_tee_result postern_tee_hint_read(struct postern_tee_hint *hint,
					      const void *evidence, size_t size)
{
	struct postern_tee_hint h = { 0 };
	struct quote q;

	if (!hint || hint->size < HINT_SIZE_FIRST || (!evidence && size))
		return POSTERN_TEE_UNUSABLE;
	h.size = hint->size;
	memset(hint, 0, h.size);
	hint->size = h.size;
	if (quote_parse(&q, span_of(evidence, size)))
		return POSTERN_TEE_REFUSED;
	h.kind = verdict_kind(q.tee);
	if (hint_fmspc(h.family, &q))
		h.family_size = FMSPC_LEN;
	memcpy(hint, &h, sizeof(h));
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
	tee_verify_prepared(&v, request->collateral->prepared,
			    span_of(request->evidence, request->evidence_size),
			    request->policy ? &request->policy->policy : NULL,
			    request->at);
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
