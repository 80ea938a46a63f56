#include "evidence/check_list.h"
#include "tee/claims.h"

static struct span account_of(const struct reading *r)
{
	return r->has_core ? r->core.account.uri : r->account_uri;
}

/* False, with a finding, where no account is known. */
static bool has_account(struct finding *f, const struct reading *r)
{
	if (account_of(r).n)
		return true;
	if (r->kind == READING_NONE)
		finding_say(f, CHECK_NOT_SHOWN, "no account is named");
	else
		finding_say(f, CHECK_UNKNOWN, "no account is known");
	return false;
}

void check_account_proof(struct finding *f, const struct reading *r)
{
	const struct evidence_core *core = &r->core;

	if (r->kind != READING_CORE)
		finding_say(f, CHECK_NOT_SHOWN,
			    "only its URI is: any directory can hand that out");
	else if (!r->has_core)
		finding_say(f, CHECK_UNKNOWN, "the core cannot be read");
	else if (holder_is_proved(&core->account,
				  &(struct holder_context){
					  core->issued_at, core->expires_at,
					  core->spki, core->spki_count }))
		finding_say(f, CHECK_PASS, "thumbprint %s",
			    finding_hash(&core->account.thumbprint).text);
	else
		finding_say(f, CHECK_FAIL,
			    "thumbprint or signature is not of the account's "
			    "key");
}

static bool is_expected_host(const struct rules *rules, struct span host)
{
	for (size_t i = 0; i < rules->directory_count; i++)
		if (span_equal(rules->directories[i], host))
			return true;
	return false;
}

void check_directory(struct finding *f, const struct reading *r)
{
	struct span uri_host, host;

	if (!has_account(f, r))
		return;
	uri_host = holder_uri_host(account_of(r));
	host = r->has_core ? holder_uri_host(r->core.account.directory)
			   : uri_host;
	if (!is_expected_host(r->m->rules, host))
		finding_say(f, CHECK_FAIL, "%s is no expected directory",
			    finding_text(host).text);
	else if (!is_expected_host(r->m->rules, uri_host))
		finding_say(f, CHECK_FAIL, "the account is one of %s",
			    finding_text(uri_host).text);
	else
		finding_say(f, CHECK_PASS, "%s", finding_text(host).text);
}

static bool is_expected_account(const struct rules *rules, struct span uri)
{
	for (size_t i = 0; i < rules->account_count; i++)
		if (span_equal(rules->accounts[i], uri))
			return true;
	return !rules->account_count;
}

void check_account_file(struct finding *f, const struct reading *r)
{
	struct span uri = account_of(r);

	if (!has_account(f, r))
		return;
	if (!is_expected_account(r->m->rules, uri))
		finding_say(f, CHECK_FAIL, "%s is no expected account",
			    finding_text(uri).text);
	else if (r->account_uri.n && !span_equal(r->account_uri, uri))
		finding_say(f, CHECK_FAIL, LEGACY_ACCOUNT " names %s",
			    finding_text(r->account_uri).text);
	else if (r->has_acme && !span_equal(r->acme.account_uri, uri))
		finding_say(f, CHECK_FAIL, "acme-info names %s",
			    finding_text(r->acme.account_uri).text);
	else
		finding_say(f, CHECK_PASS, "%s", finding_text(uri).text);
}

static void say_covered(struct finding *f, const struct reading *r)
{
	if (r->kind != READING_CORE ||
	    r->m->rules->report_data != RULES_STRICT)
		finding_say(f, CHECK_PASS, "by the quote over the evidence");
	else if (fresh_covers_core(r))
		finding_say(f, CHECK_PASS, "by the fresh evidence");
	else
		finding_say(f, CHECK_UNKNOWN,
			    "no fresh evidence covers it in strict mode");
}

/* A gateway's account has a quote of its own; it may be another
 * instance's, as they share the account.  Elsewhere the quote over the evidence
 * covers it. */
void check_account_quote(struct finding *f, const struct reading *r)
{
	const struct reading_quote *q = r->kind == READING_GATEWAY
						? &r->account_quote
						: &r->quote;
	uint8_t expected[QUOTE_REPORT_DATA_LEN];
	struct tee_claims claims;

	if (!has_account(f, r))
		return;
	if (!q->is_there || !q->verdict.is_verified) {
		finding_say(f, CHECK_UNKNOWN, "no verified quote covers it");
		return;
	}
	if (r->kind != READING_GATEWAY) {
		say_covered(f, r);
		return;
	}
	dotdstack_report_data(expected, DOTDSTACK_ACCOUNT, r->account_uri);
	tee_claims_of(&claims, &q->verdict);
	if (!span_equal(claims.report_data, SPAN_ARRAY(expected)))
		finding_say(f, CHECK_FAIL, "its quote is over something else");
	else if (q->verdict.reason)
		finding_say(f, CHECK_FAIL, "%s: %s",
			    tee_reason_name(q->verdict.reason),
			    q->verdict.detail);
	else if (quote_is_of_same(f, r, q, reading_same_app))
		finding_say(f, CHECK_PASS, "by a quote of its own");
}
