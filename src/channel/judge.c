#include "channel/judge.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static bool refuse(struct judge_refusal *why, enum channel_reason reason,
		   const char *told)
{
	*why = (struct judge_refusal){ .reason = reason };
	(void)snprintf(why->told, sizeof(why->told), "%s", told);
	(void)snprintf(why->kept, sizeof(why->kept), "%s", told);
	return false;
}

/* The peer learns the rule's name; what our policy or platform data hold, and
 * how far the verification came, it does not. */
static bool refuse_tee(struct judge_refusal *why, enum tee_reason reason,
		       const char *detail)
{
	(void)refuse(why, CHANNEL_EVIDENCE_REFUSED, tee_reason_name(reason));
	if (detail[0])
		(void)snprintf(why->kept, sizeof(why->kept), "%s: %.200s",
			       tee_reason_name(reason), detail);
	return false;
}

/*
 * The report_data commits, through the batch's tree, to the binder that we
 * computed.  Cheap, so it comes before anything is verified.
 */
static bool check_binding(struct judge_refusal *why, const struct quote *quote,
			  const struct judge_input *in)
{
	const struct message_evidence *e = in->evidence;
	struct span found = quote_report_data(quote);
	uint8_t want[QUOTE_REPORT_DATA_LEN];
	struct merkle_hash leaf, root;

	merkle_leaf(&leaf, hash_merkle_sha256, SPAN_ARRAY(in->binder->b));
	if (!merkle_climb(&root, hash_merkle_sha256, &leaf, e->leaf_index,
			  e->leaf_count, e->path, e->path_count))
		return refuse(why, CHANNEL_BINDING_MISMATCH, "merkle-path");
	if (found.n != sizeof(want))
		return refuse(why, CHANNEL_BINDING_MISMATCH,
			      "report-data-length");
	if (span_is_zero(found))
		return refuse(why, CHANNEL_BINDING_MISMATCH,
			      "report-data-zero");
	channel_report_data(want, &root);
	if (!ct_equal(want, found.p, sizeof(want)))
		return refuse(why, CHANNEL_BINDING_MISMATCH, "report-data");
	return true;
}

/* A verifier that fills nothing has accepted nothing. */
static bool check_quote(struct tee_verdict *verdict, struct judge_refusal *why,
			const struct judge_input *in)
{
	*verdict = (struct tee_verdict){ .reason = TEE_COLLATERAL_MISSING };
	in->verify(in->arg, verdict, in->evidence->quote);
	if (verdict->reason != TEE_OK)
		return refuse_tee(why, verdict->reason, verdict->detail);
	if (!verdict->is_verified)
		return refuse_tee(why, TEE_QUOTE_SIGNATURE, "not verified");
	return true;
}

static bool check_manifest(struct manifest *m, struct judge_refusal *why,
			   const struct quote *quote, struct span json)
{
	char error[MANIFEST_ERROR_MAX] = "";
	uint8_t config_id[MANIFEST_CONFIG_ID_LEN];

	manifest_config_id(config_id, json);
	if (!span_equal(SPAN_ARRAY(config_id), quote->td.mr_config_id))
		return refuse(why, CHANNEL_MANIFEST_MISMATCH, "mrconfigid");
	if (manifest_read(m, json, error)) {
		(void)refuse(why, CHANNEL_MANIFEST_MISMATCH,
			     "manifest-malformed");
		(void)snprintf(why->kept, sizeof(why->kept), "%.200s", error);
		return false;
	}
	return true;
}

/* What the platform's events said, held against the measured manifest. */
static bool check_events(struct eventlog_identity *id,
			 struct judge_refusal *why, const struct quote *quote,
			 const struct manifest *m, struct span json)
{
	unsigned imr = 0;
	enum tee_reason reason = eventlog_check(id, &imr, quote, json);

	if (reason == TEE_LOG_MISMATCH) {
		(void)refuse_tee(why, reason, "");
		(void)snprintf(why->kept, sizeof(why->kept), "%s: rtmr%u",
			       tee_reason_name(reason), imr);
		return false;
	}
	if (reason != TEE_OK)
		return refuse_tee(why, reason, "");
	if (!id->has_app_id || !id->has_instance_id || !id->has_manifest_hash)
		return refuse_tee(why, TEE_LOG_MALFORMED,
				  "no app-id, instance-id or compose-hash");
	if (!span_equal(SPAN_ARRAY(id->app_id), SPAN_ARRAY(m->lineage)))
		return refuse(why, CHANNEL_MANIFEST_MISMATCH, "event app-id");
	if (!span_equal(SPAN_ARRAY(id->manifest_hash), SPAN_ARRAY(m->hash.b)))
		return refuse(why, CHANNEL_MANIFEST_MISMATCH,
			      "event compose-hash");
	return true;
}

static bool check_claims(struct channel_claims *claims,
			 struct judge_refusal *why, const struct manifest *m,
			 const struct eventlog_identity *id,
			 const struct judge_input *in)
{
	if (channel_claims_read(claims, in->evidence->claims))
		return refuse(why, CHANNEL_CLAIMS_MALFORMED, "claims");
	if (!span_equal(SPAN_ARRAY(claims->app_id), SPAN_ARRAY(m->lineage)))
		return refuse(why, CHANNEL_CLAIMS_MISMATCH, "app_id");
	if (!span_equal(SPAN_ARRAY(claims->instance_id),
			SPAN_ARRAY(id->instance_id)))
		return refuse(why, CHANNEL_CLAIMS_MISMATCH, "instance_id");
	if (!span_equal(SPAN_ARRAY(claims->manifest_hash.b),
			SPAN_ARRAY(m->hash.b)))
		return refuse(why, CHANNEL_CLAIMS_MISMATCH, "manifest_hash");
	if (strcmp(claims->purpose, in->purpose) != 0)
		return refuse(why, CHANNEL_PURPOSE, "purpose");
	return true;
}

bool judge_evidence(struct channel_peer *peer, struct judge_refusal *why,
		    const struct judge_input *in)
{
	const struct message_evidence *e = in->evidence;
	AUTO(manifest_fini)
	struct manifest m = { 0 };
	struct eventlog_identity id = { 0 };
	struct channel_claims claims = { 0 };
	struct channel_peer p = { 0 };
	struct quote quote = { 0 };
	enum tee_reason reason;

	reason = quote_parse(&quote, e->quote);
	if (reason != TEE_OK)
		return refuse_tee(why, reason, "");
	if (quote.tee != QUOTE_TDX)
		return refuse_tee(why, TEE_QUOTE_TEE_TYPE, "not TDX");
	if (!check_binding(why, &quote, in) ||
	    !check_quote(&p.verdict, why, in) ||
	    !check_manifest(&m, why, &quote, e->manifest) ||
	    !check_events(&id, why, &quote, &m, e->eventlog) ||
	    !check_claims(&claims, why, &m, &id, in))
		return false;
	memcpy(p.instance_id, id.instance_id, sizeof(p.instance_id));
	memcpy(p.node_id, claims.node_id, sizeof(p.node_id));
	memcpy(p.version, claims.version, sizeof(p.version));
	p.has_lineage = claims.has_lineage;
	p.lineage = claims.lineage;
	p.is_simulated = p.verdict.is_simulated;
	p.verdict.quote = (struct quote){ 0 };
	p.manifest = m;
	m = (struct manifest){ 0 }; /* the peer's now, with what it owns */
	*peer = p;
	return true;
}
