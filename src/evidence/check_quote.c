#include "evidence/check_list.h"
#include "tee/claims.h"
#include "tee/layer.h"

/* False, with a finding, when there is no quote to speak of. */
static bool has_quote(struct finding *f, const struct reading *r)
{
	if (r->quote.is_there)
		return true;
	if (r->kind == READING_NONE)
		finding_say(f, CHECK_NOT_SHOWN, "the server shows no quote");
	else
		finding_say(f, CHECK_UNKNOWN, "there is no quote");
	return false;
}

static bool has_verified(struct finding *f, const struct reading *r)
{
	if (!has_quote(f, r))
		return false;
	if (r->quote.verdict.is_verified)
		return true;
	finding_say(f, CHECK_UNKNOWN, "the quote is not verified");
	return false;
}

void check_quote_signature(struct finding *f, const struct reading *r)
{
	const struct tee_verdict *v = &r->quote.verdict;

	if (!has_quote(f, r))
		return;
	if (v->is_verified)
		finding_say(f, CHECK_PASS, "%s, under %s%s",
			    tee_kind_name(v->kind),
			    v->is_simulated ? "a SIMULATED root: " : "",
			    v->anchor);
	else if (v->reason == TEE_COLLATERAL_MISSING)
		finding_say(f, CHECK_UNKNOWN, "%s: %s",
			    tee_reason_name(v->reason), v->detail);
	else
		finding_say(f, CHECK_FAIL, "%s: %s", tee_reason_name(v->reason),
			    v->detail);
}

/* ---- TCB and policy: every rule that refuses, told apart by its layer */

static const struct tee_policy *policy_of(const struct reading *r)
{
	return r->m->policy ? r->m->policy : &tee_policy_default;
}

/* About the platform's level, be it the vendor's word or the policy's. */
static bool is_about_tcb(enum tee_reason reason)
{
	return tee_reason_layer(reason) == TEE_LAYER_TCB ||
	       reason == TEE_TCB_STATUS || reason == TEE_POLICY_SNP_TCB ||
	       reason == TEE_POLICY_ADVISORY;
}

/* The first fault about that, or about anything else; NULL: none. */
static const struct policy_fault *
fault_of(struct policy_fault faults[POLICY_FAULTS_MAX],
	 const struct reading *r, bool is_tcb)
{
	size_t count = policy_faults(faults, &r->quote.verdict, policy_of(r));

	for (size_t i = 0; i < count; i++)
		if (is_about_tcb(faults[i].reason) == is_tcb)
			return &faults[i];
	return NULL;
}

void check_quote_tcb(struct finding *f, const struct reading *r)
{
	struct policy_fault faults[POLICY_FAULTS_MAX];
	const struct tee_verdict *v = &r->quote.verdict;
	const struct policy_fault *fault;

	if (!has_verified(f, r))
		return;
	if (is_about_tcb(v->reason)) {
		finding_say(f, CHECK_FAIL, "%s: %s", tee_reason_name(v->reason),
			    v->detail);
		return;
	}
	fault = fault_of(faults, r, true);
	if (fault)
		finding_say(f, CHECK_FAIL, "%s: %s",
			    tee_reason_name(fault->reason), fault->detail);
	else if (v->kind == TEE_KIND_SNP)
		finding_say(f, CHECK_PASS, "the policy's least TCB");
	else
		finding_say(f, CHECK_PASS, "%s",
			    tee_tcb_status_name(v->tcb_status));
}

void check_quote_policy(struct finding *f, const struct reading *r)
{
	struct policy_fault faults[POLICY_FAULTS_MAX];
	const struct policy_fault *fault;

	if (!has_verified(f, r))
		return;
	fault = fault_of(faults, r, false);
	if (fault)
		finding_say(f, CHECK_FAIL, "%s: %s",
			    tee_reason_name(fault->reason), fault->detail);
	else if (!policy_of(r)->has_images)
		finding_say(f, CHECK_UNKNOWN,
			    "no policy says which code is the right one");
	else
		finding_say(f, CHECK_PASS, "image %s", r->quote.verdict.image);
}

void check_quote_log(struct finding *f, const struct reading *r)
{
	if (!has_verified(f, r))
		return;
	if (!r->quote.has_log)
		finding_say(f, CHECK_UNKNOWN, "there is no event log");
	else if (r->quote.log)
		finding_say(f, CHECK_FAIL, "%s, register RTMR%u",
			    tee_reason_name(r->quote.log), r->quote.imr);
	else
		finding_say(f, CHECK_PASS, "it leads to RTMR3");
}

/* ---- the application */

static bool app_matches(const struct rules_app *app,
			const struct eventlog_identity *id)
{
	return id->has_app_id &&
	       span_equal(SPAN_ARRAY(app->app_id), SPAN_ARRAY(id->app_id)) &&
	       (!app->has_compose ||
		(id->has_manifest_hash &&
		 span_equal(SPAN_ARRAY(app->compose),
			    SPAN_ARRAY(id->manifest_hash))));
}

/* The app id in the log follows from the manifest where that is the app's
 * first; another one only says whose update it is, as anybody's could. */
static bool is_proven(const struct rules_app *app,
		      const struct eventlog_identity *id)
{
	return app->has_compose ||
	       (id->has_manifest_hash &&
		span_equal(SPAN_ARRAY(app->app_id),
			   span_of(id->manifest_hash, sizeof(app->app_id))));
}

/* The manifest in the bundle is the one that was measured. */
static bool manifest_agrees(const struct reading *r,
			    const struct eventlog_identity *id)
{
	struct sha256 hash;

	if (!r->bundle.manifest.n)
		return true;
	sha256_of(&hash, r->bundle.manifest);
	return id->has_manifest_hash &&
	       span_equal(SPAN_ARRAY(hash.b), SPAN_ARRAY(id->manifest_hash));
}

void check_app(struct finding *f, const struct reading *r)
{
	const struct rules *rules = r->m->rules;
	const struct eventlog_identity *id = &r->quote.identity;
	bool is_claimed = false;

	if (!has_verified(f, r))
		return;
	if (!r->quote.has_log || r->quote.log) {
		finding_say(f, CHECK_UNKNOWN, "no event log says which");
		return;
	}
	if (!manifest_agrees(r, id)) {
		finding_say(f, CHECK_FAIL,
			    "the manifest shown is not the one measured");
		return;
	}
	if (!rules->app_count) {
		finding_say(f, CHECK_NOT_ASKED, "no rule names an application");
		return;
	}
	for (size_t i = 0; i < rules->app_count; i++) {
		if (!app_matches(&rules->apps[i], id))
			continue;
		if (is_proven(&rules->apps[i], id)) {
			finding_say(f, CHECK_PASS, "application and manifest");
			return;
		}
		is_claimed = true;
	}
	if (is_claimed) {
		finding_say(f, CHECK_UNKNOWN,
			    "its manifest says that it is an update of that "
			    "application, and no rule names its compose_hash");
		return;
	}
	finding_say(f, CHECK_FAIL,
		    "application or manifest is none of those expected");
}

bool quote_is_of_same(struct finding *f, const struct reading *r,
		      const struct reading_quote *q, quote_same_fn *is_same)
{
	if (!q->has_log)
		finding_say(f, CHECK_UNKNOWN, "its quote has no event log");
	else if (q->log)
		finding_say(f, CHECK_FAIL, "the event log of its quote: %s",
			    tee_reason_name(q->log));
	else if (!r->quote.has_log || r->quote.log)
		finding_say(f, CHECK_UNKNOWN,
			    "no log says which application the evidence's is");
	else if (!is_same(&r->quote, q))
		finding_say(f, CHECK_FAIL,
			    "its quote is another application's or instance's");
	else
		return true;
	return false;
}

/* ---- what the quote is over */

static void expect_report_data(uint8_t out[QUOTE_REPORT_DATA_LEN],
			       const struct reading *r)
{
	bool with_core = r->kind == READING_CORE &&
			 r->m->rules->report_data == RULES_WITH_CORE;

	if (r->kind == READING_GATEWAY)
		dotdstack_report_data(out, DOTDSTACK_CERT, r->leaf.spki);
	else
		legacy_report_data(out, r->sums_text,
				   with_core ? &r->core.hash : NULL);
}

/* In strict mode the quote is over the files and leaves out the core. */
static bool leaves_out_core(const struct reading *r)
{
	return r->kind == READING_CORE &&
	       r->m->rules->report_data == RULES_STRICT &&
	       !fresh_covers_core(r);
}

static void say_covered(struct finding *f, const struct reading *r)
{
	if (leaves_out_core(r))
		finding_say(f, CHECK_UNKNOWN,
			    "in strict mode it leaves out the core, and no "
			    "fresh evidence covers that");
	else
		finding_say(f, CHECK_PASS, "the report data is as the %s says",
			    r->kind == READING_GATEWAY ? "key" : "list");
}

void check_report_data(struct finding *f, const struct reading *r)
{
	uint8_t expected[QUOTE_REPORT_DATA_LEN];
	struct tee_claims claims;

	if (!has_verified(f, r))
		return;
	if ((r->kind == READING_CORE && !r->has_core) ||
	    (r->kind == READING_GATEWAY && !r->has_leaf)) {
		finding_say(f, CHECK_UNKNOWN, "nothing to compare it with");
		return;
	}
	expect_report_data(expected, r);
	tee_claims_of(&claims, &r->quote.verdict);
	if (span_equal(claims.report_data, SPAN_ARRAY(expected)))
		say_covered(f, r);
	else if (claims.report_data.n &&
		 span_equal(span_of(claims.report_data.p, 32),
			    span_of(expected, 32)))
		finding_say(f, CHECK_FAIL,
			    "the second half of the report data is not what "
			    "this mode asks for");
	else
		finding_say(f, CHECK_FAIL,
			    "the report data is of something else");
}
