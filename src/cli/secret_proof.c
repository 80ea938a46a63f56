#include "cli/secret_proof.h"

#include <string.h>

#include "base/mem.h"
#include "cli/documents.h"
#include "manifest/manifest.h"
#include "quoting/policy_load.h"
#include "tee/bind.h"

#define REFUSED "proof-refused"

/* What a verification stands on. */
struct grounds {
	struct documents documents;
	struct tee_collateral view; /* of them */
	struct tee_anchor anchors[DOCUMENTS_ANCHORS_MAX];
	size_t anchor_count;
	struct arena arena; /* of the policy */
	struct tee_policy policy;
};

static void grounds_fini(struct grounds *g)
{
	documents_fini(&g->documents);
	arena_fini(&g->arena);
}

static int load_policy(struct grounds *g, const struct secret_proof *p)
{
	char error[POLICY_ERROR_MAX];

	arena_init(&g->arena, POLICY_ARENA_MAX);
	g->policy = tee_policy_default;
	if (policy_load(&g->policy, &g->arena, p->policy, NULL, error))
		return complain(p->say, CLI_USAGE, COMPLAINT_POLICY, p->policy,
				"%s", error);
	return CLI_OK;
}

static int load(struct grounds *g, const struct secret_proof *p,
		struct span quote)
{
	struct collateral_want want = p->want;
	char error[COLLATERAL_ERROR_MAX], why[256];

	if (load_policy(g, p))
		return CLI_USAGE;
	g->anchor_count = documents_anchors(g->anchors);
	if (p->root) {
		g->anchor_count = 1;
		if (!documents_root(&g->anchors[0], p->root, why))
			return complain(p->say, CLI_USAGE, COMPLAINT_ROOT,
					p->root, "%s", why);
	}
	want.quote = quote;
	want.anchors = g->anchors;
	want.anchor_count = g->anchor_count;
	if (!documents_open(&g->documents, &g->view, &want, error))
		return complain(p->say, CLI_USAGE, COMPLAINT_COLLATERAL,
				want.from, "collateral: %s", error);
	return CLI_OK;
}

/* The app id is the manifest's word: it says nothing where the manifest is not
 * one that was asked for. */
static bool is_manifest(const struct secret_proof *p, const uint8_t hash[32])
{
	return p->manifest ? span_equal(SPAN_ARRAY(p->manifest->b),
					span_of(hash, 32))
			   : span_equal(span_of(p->app_id, KEYPROOF_ID_LEN),
					span_of(hash, KEYPROOF_ID_LEN));
}

/* By the launch (MRCONFIGID) and by the platform's events alike. */
static bool is_app(const struct secret_proof *p,
		   const struct eventlog_identity *identity,
		   const struct quote *quote)
{
	uint8_t config_id[MANIFEST_CONFIG_ID_LEN] = { 0x01 };

	memcpy(config_id + 1, identity->manifest_hash,
	       sizeof(identity->manifest_hash));
	return identity->has_app_id && identity->has_manifest_hash &&
	       span_equal(span_of(p->app_id, KEYPROOF_ID_LEN),
			  SPAN_ARRAY(identity->app_id)) &&
	       is_manifest(p, identity->manifest_hash) &&
	       span_equal(SPAN_ARRAY(config_id), quote->td.mr_config_id);
}

static int refuse(const struct secret_proof *p, const char *why,
		  const char *detail)
{
	return complain(p->say, CLI_REFUSED, REFUSED, p->file, "%s: %s%s%s",
			p->file, why, *detail ? ": " : "", detail);
}

static int judge(bool *is_simulated, const struct secret_proof *p,
		 const struct keyproof *proof)
{
	AUTO(grounds_fini)
	struct grounds g = { 0 };
	struct eventlog_identity identity = { 0 };
	struct sha512 report_data;
	struct tee_verdict v;
	struct quote quote;

	if (quote_parse(&quote, proof->quote) || quote.tee != QUOTE_TDX)
		return refuse(p, "it holds no TDX quote", "");
	if (load(&g, p, proof->quote))
		return CLI_USAGE;
	tee_verify(&v, &(struct tee_input){
			       .quote = proof->quote,
			       .collateral = &g.view,
			       .anchors = g.anchors,
			       .anchor_count = g.anchor_count,
			       .policy = &g.policy,
			       .at = p->want.at,
		       });
	keyproof_report_data(&report_data, proof);
	tee_bind_report_data(&v, SPAN_ARRAY(report_data.b));
	tee_bind_runtime_log(&v, &identity, proof->event_log);
	if (v.reason)
		return refuse(p, tee_reason_name(v.reason), v.detail);
	if (!is_app(p, &identity, &quote))
		return refuse(p, "another app's key", "");
	*is_simulated = v.is_simulated;
	return CLI_OK;
}

int secret_proof_judge(uint8_t public_key[32], bool *is_simulated,
		       const struct secret_proof *p)
{
	AUTO(arena_fini)
	struct arena arena;
	struct keyproof proof;
	int status;

	arena_init(&arena, KEYPROOF_ARENA_MAX);
	if (!keyproof_read(&proof, &arena, p->json))
		return complain(p->say, CLI_USAGE, COMPLAINT_MALFORMED, p->file,
				"%s: not a key with its proof", p->file);
	if (!span_equal(SPAN_ARRAY(proof.app_id),
			span_of(p->app_id, KEYPROOF_ID_LEN)))
		return refuse(p, "another app's key", "");
	status = judge(is_simulated, p, &proof);
	if (status == CLI_OK)
		memcpy(public_key, proof.public_key, 32);
	return status;
}
