/* Attacks on what DNS says, on what was issued before, and the rest. */
#ifndef POSTERN_TESTS_ATTACKS_PAST_H
#define POSTERN_TESTS_ATTACKS_PAST_H

#include "attack_begin.h"

/* ---- DNS */

#define ZONE(name, level, ...) \
	HOOK(name) \
	{ \
		static const char *const records[EV_RECORDS] = { __VA_ARGS__ }; \
\
		WHEN(EV_DNS); \
		memcpy(e->zone[level].records, records, sizeof(records)); \
	}
ZONE(caa_missing, 1, NULL)
ZONE(caa_other_ca, 1, EV_ISSUE, EV_WILD, "0 issue \"other.example\"")
ZONE(caa_unpinned, 1, EV_ISSUE, EV_WILD, "0 issue \"ca.example\"")
ZONE(caa_closer, 0, "0 issue \"other.example\"")
ZONE(caa_only_wild, 1, EV_WILD)
ZONE(caa_only_issue, 1, EV_ISSUE)
ZONE(caa_two_accounts, 1, EV_WILD,
     "0 issue \"ca.example; accounturi=" EV_ACCOUNT "; accounturi=https://ca.example/acct/2\"",
     EV_ISSUE)
ZONE(caa_slash, 1, EV_WILD,
     "0 issue \"ca.example; accounturi=" EV_ACCOUNT "/; validationmethods=dns-01\"")
ZONE(caa_case, 1, EV_WILD,
     "0 issue \"ca.example; accounturi=https://CA.example/acct/1; validationmethods=dns-01\"")
ZONE(caa_scheme, 1, EV_WILD,
     "0 issue \"ca.example; accounturi=http://ca.example/acct/1; validationmethods=dns-01\"")
ZONE(caa_http, 1, EV_WILD,
     "0 issue \"ca.example; accounturi=" EV_ACCOUNT "; validationmethods=dns-01,http-01\"")
ZONE(caa_any_method, 1, EV_WILD, "0 issue \"ca.example; accounturi=" EV_ACCOUNT "\"")
ZONE(caa_critical, 1, EV_ISSUE, EV_WILD, "128 tbs \"unknown\"")
HOOK(caa_parent_open)
{
	WHEN(EV_DNS);
	e->zone[0].records[0] = EV_ISSUE;
	e->zone[0].records[1] = EV_WILD;
	e->zone[1].records[0] = NULL;
}
HOOK(caa_alias)
{
	WHEN(EV_DNS);
	e->zone[0].at = "www.target.example";
	e->zone[0].records[0] = "0 issue \"other.example\"";
}
HOOK(caa_alias_empty)
{
	WHEN(EV_DNS);
	e->zone[0].at = "www.target.example";
}
HOOK(dns_bogus)
{
	WHEN(EV_DNS);
	e->zone[1].trust = DNS_BOGUS;
}
HOOK(dns_insecure)
{
	WHEN(EV_DNS);
	e->zone[1].trust = DNS_INSECURE;
}
HOOK(dns_insecure_allowed)
{
	dns_insecure(e, at);
	WHEN(EV_AFTER);
	e->rules.is_dnssec_optional = true;
}
HOOK(dns_failed)
{
	WHEN(EV_DNS);
	e->zone[1].trust = DNS_FAILED;
}
HOOK(proof_refused)
{
	WHEN(EV_AFTER);
	e->m.dns.proved = NULL;
	e->m.dns.is_proof_refused = true;
}
HOOK(proof_missing)
{
	WHEN(EV_AFTER);
	e->m.dns.proved = NULL;
}
/* The service's own word, whatever is proved beside it. */
HOOK(stated_open)
{
	WHEN(EV_CORE);
	e->caa.is_exclusive = false;
}
HOOK(stated_open_unproved)
{
	stated_open(e, at);
	proof_missing(e, at);
}
HOOK(stated_open_wildcard)
{
	stated_open(e, at);
	WHEN(EV_CORE);
	e->caa.name = span_str("*.example.org");
}
/* About another name. */
HOOK(stated_open_elsewhere)
{
	stated_open(e, at);
	WHEN(EV_CORE);
	e->caa.name = span_str("*.shop.example.org");
}
HOOK(proved_by_wildcard)
{
	WHEN(EV_AFTER);
	e->proved.is_wildcard = true;
}
HOOK(persist_unsigned)
{
	WHEN(EV_AFTER);
	e->m.dns.persist.trust = DNS_INSECURE;
}
HOOK(persist_unsigned_allowed)
{
	persist_unsigned(e, at);
	WHEN(EV_AFTER);
	e->rules.is_dnssec_optional = true;
}
HOOK(persist_foreign)
{
	WHEN(EV_AFTER);
	e->texts[0] = span_str("ca.example; accounturi=https://ca.example/acct/2");
	e->m.dns.persist.texts = e->texts;
	e->m.dns.persist.count = 1;
}
HOOK(persist_ours)
{
	WHEN(EV_AFTER);
	e->texts[0] = span_str("ca.example; accounturi=" EV_ACCOUNT);
	e->m.dns.persist.texts = e->texts;
	e->m.dns.persist.count = 1;
}
HOOK(challenge_alias)
{
	WHEN(EV_AFTER);
	e->m.dns.challenge = span_str("www.acme-dns.example");
}

/* ---- history */

HOOK(seen_by_service)
{
	WHEN(EV_CORE);
	e->core.unknown = e->spki;
	e->core.unknown_count = 1;
}
HOOK(foreign_precert)
{
	struct web_leaf_want want = e->want;

	WHEN(EV_AFTER);
	want.is_precert = true;
	make_other(e, &e->base->stranger, &want);
	add_history(e);
}
/* Serial, names and validity of ours, on another key. */
HOOK(foreign_copy)
{
	WHEN(EV_AFTER);
	make_other(e, &e->base->stranger, &e->want);
	add_history(e);
}
HOOK(foreign_wildcard)
{
	struct web_leaf_want want = e->want;

	WHEN(EV_AFTER);
	want.san = "DNS:*.example.org";
	make_other(e, &e->base->stranger, &want);
	add_history(e);
}
HOOK(foreign_expired)
{
	struct web_leaf_want want = e->want;

	WHEN(EV_AFTER);
	want.to = WEB_NOW - 10;
	make_other(e, &e->base->stranger, &want);
	add_history(e);
}
HOOK(twin)
{
	struct web_leaf_want want = e->want;

	WHEN(EV_AFTER);
	want.serial = 99;
	make_other(e, &e->base->leaf_key, &want);
	add_history(e);
}
HOOK(truncated_keys)
{
	struct web_leaf_want want = e->want;

	WHEN(EV_AFTER);
	want.serial = 60; /* of a key of ours that the core forgot */
	make_other(e, &e->base->stranger, &want);
	add_history(e);
}

static struct sha256 tbs_of(const struct web_der *der)
{
	struct web_cert cert;
	struct sha256 hash;

	assert_int_equal(web_parse(&cert, web_span(der)), RC_OK);
	webtbs_sha256(&hash, &cert);
	return hash;
}
/* A certificate from before, which the core lists. */
static void list_older(struct ev *e, enum ev_stage at, bool is_revoked)
{
	struct web_leaf_want want = e->want;

	want.serial = 50;
	want.from -= 100000;
	if (at == EV_CORE) {
		make_other(e, &e->base->stranger, &want);
		e->legacy[0] = (struct core_legacy){ tbs_of(&e->other), want.to, is_revoked };
		e->core.timeline.legacy_count = 1;
	} else if (at == EV_AFTER) {
		add_history(e);
		e->m.crls = &e->word[3];
		e->m.crl_count = 1;
	}
}
HOOK(older_lives)
{
	if (at == EV_CORE) {
		list_older(e, at, false);
		e->core.timeline.safe_at = e->legacy[0].not_after + 1;
	}
}
HOOK(older_forgotten)
{
	if (at == EV_CORE)
		list_older(e, at, false);
}
HOOK(pinned_lately)
{
	if (at == EV_CORE)
		e->core.timeline.safe_at = e->core.timeline.t1 = WEB_NOW + 60;
}
HOOK(lately_and_forgotten)
{
	pinned_lately(e, at);
	e->rules.caa_reuse_s = 0;
}
HOOK(remembered_longer)
{
	if (at == EV_CORE)
		e->core.timeline.safe_at = e->core.timeline.t1 = WEB_NOW - 60;
	e->rules.caa_reuse_s = RULES_CAA_REUSE_S + 61;
}
HOOK(added_lately)
{
	if (at == EV_CORE)
		e->caa.since = WEB_NOW - 60;
}
HOOK(another_added_lately)
{
	pinned_lately(e, at);
	if (at == EV_CORE)
		e->caa.since = WEB_NOW - 100000;
}
HOOK(not_pinned)
{
	if (at == EV_CORE)
		e->core.timeline.safe_at = e->core.timeline.t1 = CORE_NEVER;
}
HOOK(date_ahead_cas_forget)
{
	if (at == EV_CORE)
		e->core.timeline.safe_at = WEB_NOW + 60;
	e->rules.caa_reuse_s = 0;
}
HOOK(safe_before_pinned)
{
	if (at == EV_CORE)
		e->core.timeline.safe_at = e->core.timeline.t1 - 1;
}
HOOK(older_revoked)
{
	list_older(e, at, true);
	WHEN(EV_AFTER);
	web_crl_make(&e->crl, &e->base->ca, &e->base->ca.key, 50, WEB_NOW - 100, WEB_NOW + 86400);
	e->word[3] = web_span(&e->crl);
}
HOOK(crl_stale)
{
	list_older(e, at, true);
	WHEN(EV_AFTER);
	web_crl_make(&e->crl, &e->base->ca, &e->base->ca.key, 50, WEB_NOW - 100000, WEB_NOW - 10);
	e->word[3] = web_span(&e->crl);
}
HOOK(crl_forged)
{
	list_older(e, at, true);
	WHEN(EV_AFTER);
	web_crl_make(&e->crl, &e->base->ca, &e->base->stranger, 50, WEB_NOW - 100, WEB_NOW + 86400);
	e->word[3] = web_span(&e->crl);
}
/* A CA of the same name and key identifier, with a list that it signed: whoever
 * gave us the issuer made it up. */
HOOK(crl_of_made_up_issuer)
{
	X509 *x;

	list_older(e, at, true);
	WHEN(EV_AFTER);
	x = X509_dup(e->base->ca.x);
	assert_true(X509_set_pubkey(x, e->base->stranger.evp) == 1);
	assert_true(X509_sign(x, e->base->stranger.evp, EVP_sha256()) > 0);
	web_to_der(&e->made_up, x);
	X509_free(x);
	web_crl_make(&e->crl, &e->base->ca, &e->base->stranger, 50, WEB_NOW - 100, WEB_NOW + 86400);
	e->word[3] = web_span(&e->crl);
	for (int i = 0; i < 2; i++)
		e->certs[i][1].issuer = web_span(&e->made_up);
}
HOOK(crl_without)
{
	list_older(e, at, true);
	WHEN(EV_AFTER);
	web_crl_make(&e->crl, &e->base->ca, &e->base->ca.key, 51, WEB_NOW - 100, WEB_NOW + 86400);
	e->word[3] = web_span(&e->crl);
}
HOOK(source_silent)
{
	WHEN(EV_AFTER);
	e->sources[1].state = MATERIAL_SILENT;
}
HOOK(source_cut)
{
	WHEN(EV_AFTER);
	e->sources[1].state = MATERIAL_CUT;
}
HOOK(source_empty)
{
	WHEN(EV_AFTER);
	e->sources[1].count = 0;
}
HOOK(sources_empty)
{
	WHEN(EV_AFTER);
	e->sources[0].count = e->sources[1].count = 0;
}
/* They answer, about somebody else. */
HOOK(sources_blind)
{
	struct web_leaf_want want = e->want;

	WHEN(EV_AFTER);
	want.san = "DNS:b.example.net";
	make_other(e, &e->base->stranger, &want);
	for (int i = 0; i < 2; i++)
		e->certs[i][0].der = web_span(&e->other);
}
HOOK(source_alone)
{
	WHEN(EV_AFTER);
	e->m.source_count = 1;
}

/* ---- the rest */

HOOK(tls12)
{
	WHEN(EV_AFTER);
	e->m.tls.is_tls13 = e->m.tls.has_exporter = false;
}
HOOK(one_witness)
{
	WHEN(EV_BUNDLE);
	ev_audit(e, 1);
}
HOOK(same_witness_twice)
{
	WHEN(EV_BUNDLE);
	ev_audit(e, 1);
	{
		/* its line once more */
		struct span text = buf_span(&e->audit), line = text;
		const uint8_t *last = text.p + text.n - 1;
		char *copy;

		while (last[-1] != '\n')
			last--;
		line = span_of(last, (size_t)(text.p + text.n - last));
		copy = arena_dup(&e->arena, line);
		assert_true(buf_add(&e->audit, span_of(copy, line.n)));
		e->bundle.audit = buf_span(&e->audit);
	}
}
HOOK(not_the_entry)
{
	WHEN(EV_BUNDLE);
	e->core_text.p[e->core_text.at] = ' '; /* another core was logged */
	ev_audit(e, 2);
	e->core_text.p[e->core_text.at] = '{';
}
HOOK(plain_http)
{
	WHEN(EV_AFTER);
	e->m.tls = (struct material_tls){ .is_plain = true };
}
HOOK(redirected)
{
	WHEN(EV_AFTER);
	e->m.tls.redirect = span_str("evidence.example.net");
}

#endif
