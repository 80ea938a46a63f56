#include "tee/policy.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "tee/policy_rules.h"
#include "tee/prepare.h"

const struct tee_policy tee_policy_default = {
	.accepts_status = { [TCB_UP_TO_DATE] = true },
	.clock_skew_s = POLICY_CLOCK_SKEW_S,
};

const char *policy_utc(char text[POLICY_UTC_TEXT], int64_t at)
{
	struct wr w = wr_over(text, POLICY_UTC_TEXT);

	text_utc_write(&w, at);
	wr_u8(&w, 0);
	return wr_done(&w, &(struct span){ 0 }) ? text : "?";
}

void policy_hex(char *out, size_t cap, struct span b)
{
	struct wr w = wr_over(out, cap - 1);

	text_hex(&w, span_of(b.p, b.n < cap / 2 ? b.n : cap / 2));
	out[wr_span(&w).n] = 0;
}

/* While the grace runs, what the status is but for being out of date. */
static enum tee_tcb_status counted_status(const struct tee_verdict *v,
					  const struct tee_policy *p)
{
	enum tee_tcb_status rest = v->platform_status;

	if (!p->grace_s ||
	    (v->tcb_status != TCB_OUT_OF_DATE &&
	     v->tcb_status != TCB_OUT_OF_DATE_CONFIGURATION_NEEDED) ||
	    !v->behind_since || v->at - v->behind_since > p->grace_s)
		return v->tcb_status;
	if (rest == TCB_OUT_OF_DATE)
		rest = TCB_UP_TO_DATE;
	if (rest == TCB_OUT_OF_DATE_CONFIGURATION_NEEDED)
		rest = TCB_CONFIGURATION_NEEDED;
	return rest;
}

static enum tee_reason check_status(struct tee_verdict *v,
				    const struct tee_policy *p)
{
	char since[POLICY_UTC_TEXT];
	char accepted[TEE_DETAIL_MAX / 2];
	struct wr w = WR_ARRAY(accepted);
	struct span list;

	/* Whatever the table says: see the header. */
	if (v->tcb_status == TCB_REVOKED || v->tcb_status == TCB_NONE)
		return refuse(v->detail, TEE_TCB_REVOKED,
			      "tcb.accept: expected any but that, found %s",
			      tee_tcb_status_name(v->tcb_status));
	if (p->accepts_status[v->tcb_status] ||
	    p->accepts_status[counted_status(v, p)])
		return TEE_OK;
	for (unsigned s = 0; s < TCB_STATUS_COUNT; s++)
		if (p->accepts_status[s])
			wr_printf(&w, "%s%s", w.n ? ", " : "",
				  tee_tcb_status_name((enum tee_tcb_status)s));
	if (!wr_done(&w, &list))
		list = span_str("several");
	if (!list.n)
		list = span_str("none");
	if (p->grace_s && v->behind_since)
		return refuse(v->detail, TEE_TCB_STATUS,
			      "tcb.accept: expected %.*s, found %s since %s",
			      (int)list.n, (const char *)list.p,
			      tee_tcb_status_name(v->tcb_status),
			      policy_utc(since, v->behind_since));
	return refuse(v->detail, TEE_TCB_STATUS,
		      "tcb.accept: expected %.*s, found %s", (int)list.n,
		      (const char *)list.p, tee_tcb_status_name(v->tcb_status));
}

static enum tee_reason check_advisories(struct tee_verdict *v,
					const struct tee_policy *p)
{
	for (size_t i = 0; p->has_advisories && i < v->advisory_count; i++) {
		size_t at = 0;

		while (at < p->advisory_count &&
		       strcmp(p->advisories[at], v->advisories[i]) != 0)
			at++;
		if (at == p->advisory_count)
			return refuse(v->detail, TEE_POLICY_ADVISORY,
				      "tcb.advisories: expected listed ones, "
				      "found %s",
				      v->advisories[i]);
	}
	return TEE_OK;
}

static enum tee_reason check_evaluation(struct tee_verdict *v,
					const struct tee_policy *p)
{
	uint32_t found = v->tcb_evaluation < v->qe_evaluation
				 ? v->tcb_evaluation
				 : v->qe_evaluation;

	if (found >= p->min_evaluation)
		return TEE_OK;
	return refuse(v->detail, TEE_POLICY_EVALUATION,
		      "tcb.min_evaluation: expected at least %u, found %u",
		      p->min_evaluation, found);
}

static enum tee_reason refuse_age(struct tee_verdict *v, const char *rule,
				  const char *what, int64_t floor,
				  int64_t found)
{
	char expected_text[POLICY_UTC_TEXT], found_text[POLICY_UTC_TEXT];

	return refuse(v->detail, TEE_POLICY_FRESHNESS,
		      "tcb.%s: expected %s of %s or later, found %s", rule,
		      what, policy_utc(expected_text, floor),
		      policy_utc(found_text, found));
}

static enum tee_reason check_freshness(struct tee_verdict *v,
				       const struct tee_policy *p)
{
	if (v->monthly_issue < p->issued_after)
		return refuse_age(v, "issued_after", "collateral",
				  p->issued_after, v->monthly_issue);
	if (v->root_crl_issue < p->root_crl_issued_after)
		return refuse_age(v, "root_crl_issued_after", "a root CRL",
				  p->root_crl_issued_after, v->root_crl_issue);
	return TEE_OK;
}

static enum tee_reason check_anchor(struct tee_verdict *v,
				    const struct tee_policy *p)
{
	if (!v->is_simulated || !p->refuses_simulated)
		return TEE_OK;
	return refuse(v->detail, TEE_POLICY_SIMULATED,
		      "simulated: expected the vendor's anchor, "
		      "found %s",
		      v->anchor);
}

/* In the order of their consequence: for quotes, and for SEV-SNP reports. */
static policy_rule_fn *const quote_rules[] = {
	policy_debug,
	policy_reserved,
	policy_attributes,
	policy_service_td,
	policy_xfam,
	policy_module,
	check_status,
	check_advisories,
	check_evaluation,
	check_freshness,
	policy_family,
	policy_sgx_type,
	policy_configuration,
	policy_lists,
	policy_denied,
	policy_allowed,
	check_anchor,
	policy_measurement,
};

static policy_rule_fn *const snp_rules[] = {
	policy_snp_guest,
	policy_snp_vmpl,
	policy_snp_signer,
	policy_snp_tcb,
	policy_snp_denied,
	policy_snp_allowed,
	check_anchor,
	policy_measurement,
};

enum {
	QUOTE_RULES = sizeof(quote_rules) / sizeof(quote_rules[0]),
	SNP_RULES = sizeof(snp_rules) / sizeof(snp_rules[0]),
};

static policy_rule_fn *const *rules_of(const struct tee_verdict *v,
				       size_t *count)
{
	*count = v->kind == TEE_KIND_SNP ? SNP_RULES : QUOTE_RULES;
	return v->kind == TEE_KIND_SNP ? snp_rules : quote_rules;
}

enum tee_reason policy_check(struct tee_verdict *v, const struct tee_policy *p)
{
	enum tee_reason reason = TEE_OK;
	size_t rule_count;
	policy_rule_fn *const *rules = rules_of(v, &rule_count);

	for (size_t i = 0; !reason && i < rule_count; i++)
		reason = rules[i](v, p);
	return reason;
}

size_t policy_faults(struct policy_fault out[POLICY_FAULTS_MAX],
		     const struct tee_verdict *v, const struct tee_policy *p)
{
	static_assert((int)QUOTE_RULES <= (int)POLICY_FAULTS_MAX &&
		      (int)SNP_RULES <= (int)POLICY_FAULTS_MAX);
	struct tee_verdict copy = *v;
	size_t count = 0, rule_count;
	policy_rule_fn *const *rules = rules_of(v, &rule_count);

	for (size_t i = 0; i < rule_count; i++) {
		out[count].reason = rules[i](&copy, p);
		if (!out[count].reason)
			continue;
		memcpy(out[count].detail, copy.detail, TEE_DETAIL_MAX);
		count++;
	}
	return count;
}
