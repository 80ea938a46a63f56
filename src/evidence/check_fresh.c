#include "base/text.h"
#include "evidence/check_list.h"
#include "tee/claims.h"

enum {
	CLOCK_SKEW_S = 300, /* how far the instance's clock may be ahead */
};

/* False, with a finding, where there can be none of what a core says. */
static bool has_core(struct finding *f, const struct reading *r)
{
	if (r->has_core)
		return true;
	if (r->kind == READING_CORE)
		finding_say(f, CHECK_UNKNOWN, "the core cannot be read");
	else
		finding_say(f, CHECK_NOT_SHOWN, "%s does not say",
			    reading_kind_name(r->kind));
	return false;
}

static bool has_answer(struct finding *f, const struct reading *r)
{
	if (r->has_answer)
		return true;
	if (r->kind == READING_CORE)
		finding_say(f, CHECK_UNKNOWN, "no answer to our nonce");
	else
		finding_say(f, CHECK_NOT_SHOWN, "%s takes no nonce",
			    reading_kind_name(r->kind));
	return false;
}

static struct finding_text date(int64_t at)
{
	struct finding_text t;
	struct wr w = wr_over(t.text, sizeof(t.text) - 1);

	text_utc_write(&w, at);
	t.text[wr_span(&w).n] = 0;
	return t;
}

void check_expiry(struct finding *f, const struct reading *r)
{
	if (!has_core(f, r))
		return;
	if (r->m->at < r->core.issued_at - CLOCK_SKEW_S)
		finding_say(f, CHECK_FAIL, "it begins at %s",
			    date(r->core.issued_at).text);
	else if (r->m->at >= r->core.expires_at)
		finding_say(f, CHECK_FAIL, "it ended at %s",
			    date(r->core.expires_at).text);
	else
		finding_say(f, CHECK_PASS, "until %s",
			    date(r->core.expires_at).text);
}

void check_nonce(struct finding *f, const struct reading *r)
{
	const struct attest_nonce *ours = &r->m->nonce,
				  *theirs = &r->answer.nonce;

	if (!has_answer(f, r))
		return;
	if (!ours->n || !span_equal(span_of(ours->b, ours->n),
				    span_of(theirs->b, theirs->n)))
		finding_say(f, CHECK_FAIL, "the answer has another nonce");
	else if (!r->has_core)
		finding_say(f, CHECK_UNKNOWN, "the core cannot be read");
	else if (!span_equal(SPAN_ARRAY(r->core.hash.b),
			     SPAN_ARRAY(r->answer.core.b)))
		finding_say(f, CHECK_FAIL, "the answer is about another core");
	else
		finding_say(f, CHECK_PASS, "%zu bytes of ours", ours->n);
}

void check_fresh_quote(struct finding *f, const struct reading *r)
{
	const struct tee_verdict *v = &r->fresh.verdict;

	if (!has_answer(f, r))
		return;
	if (v->reason == TEE_COLLATERAL_MISSING)
		finding_say(f, CHECK_UNKNOWN, "%s: %s",
			    tee_reason_name(v->reason), v->detail);
	else if (v->reason)
		finding_say(f, CHECK_FAIL, "%s: %s", tee_reason_name(v->reason),
			    v->detail);
	else if (!r->fresh.has_log || r->fresh.log)
		finding_say(f, CHECK_FAIL, "its event log: %s",
			    tee_reason_name(r->fresh.has_log
						    ? r->fresh.log
						    : TEE_LOG_MALFORMED));
	else if (!r->quote.has_log || r->quote.log)
		finding_say(f, CHECK_UNKNOWN,
			    "no log says which application the evidence's is");
	else if (!reading_same_guest(&r->quote, &r->fresh))
		finding_say(f, CHECK_FAIL,
			    "another application or instance answered than "
			    "the evidence's");
	else
		finding_say(f, CHECK_PASS, "same application%s",
			    v->is_simulated ? ", under a SIMULATED root" : "");
}

void check_fresh_session(struct finding *f, const struct reading *r)
{
	uint8_t expected[QUOTE_REPORT_DATA_LEN];
	struct tee_claims claims;

	if (!has_answer(f, r))
		return;
	if (!r->m->tls.has_exporter) {
		finding_say(f, CHECK_UNKNOWN, "the session has no exporter");
		return;
	}
	if (!attest_expected(expected, &r->answer, r->m->tls.exporter)) {
		finding_say(f, CHECK_FAIL, "the path to the quote is broken");
		return;
	}
	tee_claims_of(&claims, &r->fresh.verdict);
	if (span_equal(claims.report_data, SPAN_ARRAY(expected)))
		finding_say(f, CHECK_PASS, "exporter, nonce and core");
	else
		finding_say(f, CHECK_FAIL,
			    "the quote is over another session: TLS ends in "
			    "somebody else's hands, who relays");
}

static bool is_over_session(const struct reading *r)
{
	uint8_t expected[QUOTE_REPORT_DATA_LEN];
	struct tee_claims claims;

	if (!r->m->tls.has_exporter ||
	    !attest_expected(expected, &r->answer, r->m->tls.exporter))
		return false;
	tee_claims_of(&claims, &r->fresh.verdict);
	return span_equal(claims.report_data, SPAN_ARRAY(expected));
}

bool fresh_covers_core(const struct reading *r)
{
	return r->has_core && r->has_answer &&
	       span_equal(SPAN_ARRAY(r->core.hash.b),
			  SPAN_ARRAY(r->answer.core.b)) &&
	       reading_quote_holds(&r->quote) &&
	       reading_quote_holds(&r->fresh) &&
	       reading_same_guest(&r->quote, &r->fresh) && is_over_session(r);
}

/* ---- the beacon: a head of a log could not be known before it was there */

static bool is_grown(const struct reading *r, const struct core_head *head)
{
	struct tree_head first = { .size = head->size };

	memcpy(first.root.b, head->root.b, sizeof(first.root.b));
	for (size_t i = 0; i < r->m->growth_count; i++) {
		const struct material_growth *g = &r->m->growth[i];

		if (g->from == head->size &&
		    span_equal(SPAN_ARRAY(g->log_id.b),
			       SPAN_ARRAY(head->log_id.b)) &&
		    treeproof_extends(&first, &g->now, &g->proof))
			return true;
	}
	return false;
}

void check_beacon(struct finding *f, const struct reading *r)
{
	const struct core_head *newest = NULL;
	int64_t age;

	if (!has_core(f, r))
		return;
	for (size_t i = 0; i < r->core.head_count; i++) {
		const struct core_head *h = &r->core.heads[i];

		if (is_grown(r, h) &&
		    (!newest || h->timestamp_ms > newest->timestamp_ms))
			newest = h;
	}
	if (!newest) {
		finding_say(f, CHECK_UNKNOWN,
			    "no head of a log in it was confirmed");
		return;
	}
	age = r->m->at - (int64_t)(newest->timestamp_ms / 1000);
	if (age < -CLOCK_SKEW_S)
		finding_say(f, CHECK_FAIL, "it has a head of the future");
	else if (age > r->m->rules->beacon_age_s)
		finding_say(f, CHECK_FAIL, "its newest log head is of %s",
			    date((int64_t)(newest->timestamp_ms / 1000)).text);
	else
		finding_say(f, CHECK_PASS, "made after %s",
			    date((int64_t)(newest->timestamp_ms / 1000)).text);
}
