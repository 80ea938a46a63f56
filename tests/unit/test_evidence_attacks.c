/*
 * Every attack on the evidence that is known, each as one change of an honest
 * world, with the one line of the verdict that catches it; and that each line
 * is needed: without it some attack passes.
 */
#include "unit.h"

#include <stdlib.h>

#include "base/mem.h"
#include "evidence_world.h"

#define HOOK(name) static void name(struct ev *e, enum ev_stage at)
#define WHEN(stage) \
	if (at != (stage)) \
	return

static void copy_bytes(struct buf *b, size_t at, const char *put)
{
	memcpy(b->p + b->at + at, put, strlen(put));
}

/* A leaf of the CA for our host with a stranger's key, in e->other. */
static void make_other(struct ev *e, const struct web_key *key, const struct web_leaf_want *want)
{
	web_leaf_make(&e->other, &e->base->ca, key, want, &e->promises);
}
static void add_history(struct ev *e)
{
	for (int i = 0; i < 2; i++) {
		e->certs[i][1] =
			(struct material_cert){ web_span(&e->other), web_span(&e->base->ca.der) };
		e->sources[i].count = 2;
	}
}

/* ---- who is at the other end */

HOOK(other_key)
{
	WHEN(EV_AFTER);
	make_other(e, &e->base->stranger, &e->want);
	e->chain_der[0] = web_span(&e->other);
}
HOOK(other_td)
{
	WHEN(EV_QUOTE);
	e->td.mr_td.b[0] ^= 1;
}
HOOK(later)
{
	WHEN(EV_AFTER);
	e->m.at += 86400 + 1;
}
HOOK(old_answer)
{
	WHEN(EV_AFTER);
	e->m.nonce.b[0] ^= 1;
}
HOOK(other_core_answered)
{
	WHEN(EV_ANSWERED);
	e->answer.core.b[0] ^= 1;
}
HOOK(old_beacon)
{
	WHEN(EV_CORE);
	e->heads[0].timestamp_ms -= 4 * 86400 * UINT64_C(1000);
}
HOOK(future_beacon)
{
	WHEN(EV_CORE);
	e->heads[0].timestamp_ms += 4 * 86400 * UINT64_C(1000);
}
HOOK(not_yet)
{
	WHEN(EV_CORE);
	e->core.issued_at = WEB_NOW + 3600;
}
HOOK(relayed)
{
	WHEN(EV_AFTER);
	e->m.tls.exporter[0] ^= 1;
}
HOOK(cdn)
{
	other_key(e, at);
	relayed(e, at);
}
HOOK(broken_path)
{
	WHEN(EV_ANSWERED);
	e->answer.path_count--;
}

/* ---- the platform */

HOOK(debug)
{
	WHEN(EV_QUOTE);
	e->td.attributes |= SIM_TD_DEBUG;
}
HOOK(revoked_pck)
{
	WHEN(EV_START);
	e->knobs.docs.revokes_leaf = true;
}
HOOK(revoked_pck_ca)
{
	WHEN(EV_START);
	e->knobs.docs.revokes_ca = true;
}
HOOK(out_of_date)
{
	WHEN(EV_START);
	e->is_ingress = true;
	e->knobs.docs.tcb_status = "OutOfDate";
}
HOOK(tcb_revoked)
{
	WHEN(EV_START);
	e->is_ingress = true;
	e->knobs.docs.tcb_status = "Revoked";
}
HOOK(stale_collateral)
{
	WHEN(EV_START);
	e->knobs.docs.tcb_valid = (struct sim_validity){ WEB_NOW - 900000, WEB_NOW - 1 };
}
HOOK(future_collateral)
{
	WHEN(EV_START);
	e->knobs.docs.tcb_valid = (struct sim_validity){ WEB_NOW + 86400, WEB_NOW + 900000 };
}
HOOK(other_attestation_key)
{
	WHEN(EV_QUOTE);
	e->knobs.quote.qe_hash_differs = true;
}
HOOK(other_qe)
{
	WHEN(EV_QUOTE);
	e->knobs.quote.qe_signer_differs = true;
}
HOOK(edited_log)
{
	WHEN(EV_BUNDLE);
	uint8_t *at_byte = memmem(e->log.p + e->log.at, e->log.n, "compose-hash", 12);

	/* the answer was not made yet: give it the log as it was */
	char *copy = arena_dup(&e->arena, buf_span(&e->log));

	e->bundle.event_log = span_of(copy, e->log.n);
	copy[at_byte - (e->log.p + e->log.at) + 12 + 40] ^= 1;
}
/* Whoever controls the application extends RTMR3 after the boot is over and
 * claims another identity there. */
HOOK(injected_event)
{
	struct sha384 digest;
	char text[EVENTLOG_MAX];
	struct wr w = WR_ARRAY(text);
	uint8_t other[20] = { 9 };

	WHEN(EV_START);
	eventlog_digest(&digest, span_str("app-id"), SPAN_ARRAY(other));
	assert_true(sim_td_extend(&e->td, EVENTLOG_RTMR, &digest));
	wr_bytes(&w, span_of(e->log.p + e->log.at, e->log.n - 1));
	wr_str(&w, ",{\"imr\":3,\"event_type\":134217729,\"digest\":\"");
	text_hex(&w, SPAN_ARRAY(digest.b));
	wr_str(&w, "\",\"event\":\"app-id\",\"event_payload\":\"");
	text_hex(&w, SPAN_ARRAY(other));
	wr_str(&w, "\"}]");
	ev_set(&e->log, wr_span(&w));
}
HOOK(other_compose)
{
	WHEN(EV_AFTER);
	e->app.has_compose = true;
	e->app.compose[0] = 1;
}
HOOK(other_app)
{
	WHEN(EV_AFTER);
	e->app.app_id[0] ^= 1;
}
HOOK(other_manifest)
{
	WHEN(EV_BUNDLE);
	e->bundle.manifest = span_str("{\"name\":\"other\"}");
}

/* ---- what the quote is over */

HOOK(upper_half)
{
	WHEN(EV_QUOTE);
	e->report_data[40] ^= 1;
}
HOOK(zero_half)
{
	WHEN(EV_QUOTE);
	memset(e->report_data + 32, 0, 32);
}
HOOK(strict_asked)
{
	WHEN(EV_AFTER);
	e->rules.report_data = RULES_STRICT;
}
HOOK(strict)
{
	zero_half(e, at);
	strict_asked(e, at);
}
/* Nothing is over the core: it may be anybody's. */
HOOK(strict_not_fresh)
{
	strict(e, at);
	WHEN(EV_AFTER);
	e->m.answer.n = 0;
}
HOOK(lower_half)
{
	WHEN(EV_QUOTE);
	e->report_data[0] ^= 1;
}

/* ---- documents */

static void append_sum(struct ev *e, const char *line)
{
	assert_true(buf_add(&e->sums, span_str(line)));
}
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
HOOK(sums_extra)
{
	WHEN(EV_SUMS);
	append_sum(e, ZEROS "  cert-zzz.example.org.pem\n");
}
HOOK(sums_twice)
{
	WHEN(EV_SUMS);
	append_sum(e, ZEROS "  cert-www.example.org.pem\n");
}
HOOK(sums_path)
{
	WHEN(EV_SUMS);
	append_sum(e, ZEROS "  cert-zz/../../x.pem\n");
}
HOOK(sums_crlf)
{
	WHEN(EV_SUMS);
	e->sums.n--;
	append_sum(e, "\r\n");
}
HOOK(sums_unlisted)
{
	WHEN(EV_BUNDLE);
	ev_item(&e->bundle.files, "cert-zzz.example.org.pem", buf_span(&e->chain));
}
HOOK(sums_other_file)
{
	WHEN(EV_BUNDLE);
	copy_bytes(&e->account_text, 2, "BODY");
}
HOOK(pem_trailing)
{
	WHEN(EV_FILES);
	assert_true(buf_add(&e->chain, span_str("trailing\n")));
}
HOOK(foreign_account_file)
{
	WHEN(EV_START);
	e->account_uri = "https://ca.example/acct/2";
}
HOOK(name_in_the_middle)
{
	static const struct span names[] = { EV_S(EV_HOST), EV_S("a.*.example.org") };

	WHEN(EV_CORE);
	e->core.names = names;
}
HOOK(name_with_dot)
{
	static const struct span names[] = { EV_S("www.example.org."), EV_S(EV_HOST) };

	WHEN(EV_CORE);
	e->core.names = names;
}
HOOK(name_of_others)
{
	static const struct span names[] = { EV_S("other.example.org") };

	WHEN(EV_CORE);
	e->core.names = names;
	e->core.name_count = 1;
}
HOOK(core_twice)
{
	WHEN(EV_FILES);
	copy_bytes(&e->core_text, 0, "{\"v\":2,\"v\":2,"); /* over "issued_at" */
}
HOOK(core_version)
{
	WHEN(EV_FILES);
	copy_bytes(&e->core_text, 0, "{\"v\":3");
}
HOOK(bundle_cut)
{
	WHEN(EV_AFTER);
	e->m.bundle.n--;
}
HOOK(bundle_deep)
{
	WHEN(EV_AFTER);
	e->m.bundle = span_str(
		"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}}");
}
HOOK(answer_cut)
{
	WHEN(EV_AFTER);
	e->m.answer.n--;
}

/* ---- account */

HOOK(staging)
{
	WHEN(EV_CORE);
	e->core.account.directory = span_str("https://staging.ca.example/directory");
}
HOOK(look_alike)
{
	WHEN(EV_CORE);
	e->core.account.directory = span_str("https://ca.example.evil.example/directory");
}
HOOK(stolen_account)
{
	WHEN(EV_SIGNED);
	p256_private_point(e->base->thief, &e->core.account.key);
	holder_thumbprint(&e->core.account.thumbprint, &e->core.account.key);
	memset(&e->core.account.signature, 7, 8);
}
HOOK(other_thumbprint)
{
	WHEN(EV_AFTER);
	e->m.memory.thumbprint.b[0] ^= 1;
}
HOOK(other_account_than_before)
{
	WHEN(EV_AFTER);
	e->m.memory.account_uri = span_str("https://ca.example/acct/9");
}
HOOK(gateway)
{
	WHEN(EV_START);
	e->is_gateway = true;
}
HOOK(gateway_key_differs)
{
	gateway(e, at);
	other_key(e, at);
}
HOOK(gateway_account_unquoted)
{
	gateway(e, at);
	WHEN(EV_QUOTE);
	ev_set(&e->account_quote, buf_span(&e->key_quote));
	ev_acme_info(e);
}
/* The gateway lists one more key, which has a certificate. */
static void list_next(struct ev *e, enum ev_stage at, struct span quote)
{
	struct dotdstack_key keys[] = {
		{ .spki = SPAN_ARRAY(e->base->leaf_key.spki), .quote = buf_span(&e->key_quote) },
		{ .spki = SPAN_ARRAY(e->base->next_key.spki), .quote = quote },
	};
	const struct dotdstack_acme acme = { .account_uri = EV_S(EV_ACCOUNT),
					     .account_quote = buf_span(&e->account_quote),
					     .keys = keys,
					     .key_count = 2 };

	gateway(e, at);
	if (at == EV_QUOTE) {
		ev_set(&e->acme_info, span_of(NULL, 0));
		assert_int_equal(dotdstack_acme_write(&e->acme_info, &acme), RC_OK);
	} else if (at == EV_AFTER) {
		make_other(e, &e->base->next_key, &e->want);
		add_history(e);
	}
}
HOOK(gateway_lists_a_stranger)
{
	list_next(e, at, span_of(NULL, 0));
}
HOOK(gateway_lists_a_stranger_by_its_quote)
{
	list_next(e, at, buf_span(&e->key_quote));
}
HOOK(gateway_renewed)
{
	struct buf quote;
	uint8_t data[64];

	buf_init(&quote, EV_TEXT);
	if (at == EV_QUOTE) {
		dotdstack_report_data(data, DOTDSTACK_CERT, SPAN_ARRAY(e->base->next_key.spki));
		ev_get_quote(&quote, e, data);
	}
	list_next(e, at, buf_span(&quote));
	buf_fini(&quote);
}
/* Nothing says whose the keys are. */
HOOK(gateway_key_unquoted)
{
	gateway(e, at);
	WHEN(EV_QUOTE);
	ev_set(&e->key_quote, span_of(NULL, 0));
	ev_acme_info(e);
}
HOOK(key_unquoted)
{
	WHEN(EV_QUOTE);
	ev_set(&e->key_quote, buf_span(&e->account_quote));
	ev_acme_info(e);
}
/* A quote of somebody else over the right data, with his log; and the same with
 * a log that is not the quote's. */
static void quote_by(struct ev *e, const char *app, uint8_t instance, bool with_log)
{
	const struct sim_td td = e->td;
	const struct buf log = e->log;
	struct buf theirs;

	ev_boot_as(e, app, instance);
	theirs = e->log;
	if (!with_log)
		e->log = log;
	ev_key_quotes(e);
	e->td = td;
	e->log = log;
	buf_fini(&theirs);
	ev_acme_info(e);
}
HOOK(key_quoted_by_other_app)
{
	WHEN(EV_QUOTE);
	quote_by(e, "{\"name\":\"other\"}", 7, true);
}
HOOK(key_quoted_by_other_instance)
{
	WHEN(EV_QUOTE);
	quote_by(e, EV_APP, 8, true);
}
HOOK(key_quoted_with_our_log)
{
	WHEN(EV_QUOTE);
	quote_by(e, "{\"name\":\"other\"}", 7, false);
}
static void account_quote_by(struct ev *e, enum ev_stage at, const char *app, uint8_t instance)
{
	struct buf key;

	gateway(e, at);
	WHEN(EV_QUOTE);
	key = e->key_quote;
	buf_init(&e->key_quote, EV_TEXT);
	quote_by(e, app, instance, true);
	buf_fini(&e->key_quote);
	e->key_quote = key;
	ev_acme_info(e);
}
HOOK(account_quoted_by_other_app)
{
	account_quote_by(e, at, "{\"name\":\"other\"}", 7);
}
HOOK(account_quoted_by_other_instance)
{
	account_quote_by(e, at, EV_APP, 8);
}
HOOK(answered_by_other_app)
{
	WHEN(EV_ANSWER);
	buf_fini(&e->log);
	ev_boot(e, "{\"name\":\"other\"}");
}

HOOK(answered_by_other_instance)
{
	WHEN(EV_ANSWER);
	buf_fini(&e->log);
	ev_boot_as(e, EV_APP, 8);
}

/* ---- certificate, CT */

HOOK(unlisted_certificate)
{
	struct web_leaf_want want = e->want;

	WHEN(EV_AFTER);
	want.serial = 78;
	make_other(e, &e->base->leaf_key, &want);
	e->chain_der[0] = web_span(&e->other);
}
HOOK(renewed)
{
	struct web_leaf_want want = e->want;

	WHEN(EV_AFTER);
	want.serial = 79;
	want.from = WEB_NOW - 60;
	make_other(e, &e->base->next_key, &want);
	e->chain_der[0] = web_span(&e->other);
}
HOOK(other_instance)
{
	other_key(e, at);
	WHEN(EV_AFTER);
	memcpy(e->key_list[0], e->base->stranger.hash.b, 32);
	e->rules.keys = (const uint8_t(*)[32])e->key_list;
	e->rules.key_count = 1;
}
HOOK(other_host)
{
	WHEN(EV_START);
	e->want.san = "DNS:other.example.org";
}
HOOK(expired_certificate)
{
	WHEN(EV_START);
	e->want.to = WEB_NOW - 1;
}
HOOK(no_scts)
{
	WHEN(EV_START);
	e->promises.count = 0;
}
HOOK(one_operator)
{
	WHEN(EV_AFTER);
	e->list_logs[1].operator_name = e->list_logs[0].operator_name;
}
HOOK(unknown_log)
{
	WHEN(EV_AFTER);
	e->list.count = 1;
}
HOOK(rejected_log)
{
	WHEN(EV_AFTER);
	e->list_logs[1].state = LOGLIST_REJECTED;
}
HOOK(retired_log)
{
	WHEN(EV_AFTER);
	e->list_logs[1].state = LOGLIST_RETIRED;
	e->list_logs[1].state_at = WEB_NOW - 90000;
}
HOOK(wrong_issuer_key)
{
	WHEN(EV_START);
	e->promises.issuer = &e->base->stranger;
}
HOOK(future_sct)
{
	WHEN(EV_START);
	e->promises.time_ms = (WEB_NOW + 3600) * UINT64_C(1000);
}
HOOK(never_merged)
{
	WHEN(EV_CORE);
	e->scts[1].is_proved = false;
}
HOOK(wrong_index)
{
	WHEN(EV_CORE);
	e->scts[0].index--;
}
HOOK(wrong_leaf)
{
	WHEN(EV_CORE);
	e->proof[0][0].b[0] ^= 1;
}
HOOK(unsigned_head)
{
	WHEN(EV_CORE);
	e->scts[0].checkpoint = e->scts[1].checkpoint;
}
HOOK(split_log)
{
	WHEN(EV_CORE);
	e->heads[0].root.b[0] ^= 1;
}
/* One log shows that it only grew; the other, which has the certificate of a
 * stranger, does not answer. */
HOOK(silent_log)
{
	struct tree_head head = web_log_head(&e->base->logs[1], WEB_LEAVES - 1);

	WHEN(EV_CORE);
	e->heads[1] = (struct core_head){ .log_id = e->base->logs[1].key.hash,
					  .size = head.size,
					  .timestamp_ms = e->heads[0].timestamp_ms };
	memcpy(e->heads[1].root.b, head.root.b, 32);
	e->core.head_count = 2;
}
/* A head of a log that we do not know says nothing either way. */
HOOK(silent_log_not_listed)
{
	silent_log(e, at);
	WHEN(EV_CORE);
	memset(e->heads[1].log_id.b, 3, 32);
}
HOOK(rewritten_log)
{
	WHEN(EV_AFTER);
	e->remembered.head.root.b[0] ^= 1;
}
HOOK(attackers_list)
{
	WHEN(EV_AFTER);
	e->m.is_log_list_signed = false;
}

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

static const struct attack {
	const char *name; /* the case of the list of attacks, and what is done */
	ev_hook *hook;
	const char *check; /* the line that says it */
	enum check_state state;
	const char *also; /* other lines that fail with it */
} attacks[] = {
	{ "A1_key_differs", other_key, "cert.key", CHECK_FAIL, "cert.issued" },
	{ "A1_key_of_a_gateway_differs", gateway_key_differs, "cert.key", CHECK_FAIL, NULL },
	{ "A2_other_td", other_td, "quote.policy", CHECK_FAIL, NULL },
	{ "A2_other_app", other_app, "app.identity", CHECK_FAIL, NULL },
	{ "A3_expired", later, "core.time", CHECK_FAIL, NULL },
	{ "A3_nonce", old_answer, "fresh.nonce", CHECK_FAIL, NULL },
	{ "A3_answer_of_another_core", other_core_answered, "fresh.nonce", CHECK_FAIL,
	  "fresh.session" },
	{ "A3_beacon_old", old_beacon, "core.beacon", CHECK_FAIL, NULL },
	{ "A3_beacon_future", future_beacon, "core.beacon", CHECK_FAIL, NULL },
	{ "A3_not_yet", not_yet, "core.time", CHECK_FAIL, NULL },
	{ "A4_relay", relayed, "fresh.session", CHECK_FAIL, NULL },
	{ "A4_path_broken", broken_path, "fresh.session", CHECK_FAIL, NULL },
	{ "A5_cdn_in_front", cdn, "cert.key", CHECK_FAIL, "cert.issued fresh.session" },
	{ "A6_debug", debug, "quote.policy", CHECK_FAIL, NULL },
	{ "A7_pck_revoked", revoked_pck, "quote.signature", CHECK_FAIL, "fresh.quote key.quote" },
	{ "A7_pck_ca_revoked", revoked_pck_ca, "quote.signature", CHECK_FAIL,
	  "fresh.quote key.quote" },
	{ "A8_out_of_date", out_of_date, "quote.tcb", CHECK_FAIL, NULL },
	{ "A8_revoked", tcb_revoked, "quote.tcb", CHECK_FAIL, NULL },
	{ "A9_collateral_expired", stale_collateral, "quote.signature", CHECK_FAIL,
	  "fresh.quote key.quote" },
	{ "A9_collateral_of_the_future", future_collateral, "quote.signature", CHECK_FAIL,
	  "fresh.quote key.quote" },
	{ "A10_qe_binds_another_key", other_attestation_key, "quote.signature", CHECK_FAIL, NULL },
	{ "A10_qe_identity", other_qe, "quote.signature", CHECK_FAIL, NULL },
	{ "A11_log_edited", edited_log, "quote.log", CHECK_FAIL, NULL },
	{ "A11_event_after_boot", injected_event, "app.identity", CHECK_PASS, NULL },
	{ "A12_other_compose", other_compose, "app.identity", CHECK_FAIL, NULL },
	{ "A12_other_manifest_shown", other_manifest, "app.identity", CHECK_FAIL, NULL },
	{ "A13_upper_half", upper_half, "quote.binding", CHECK_FAIL, NULL },
	{ "A13_zeros_for_the_core", zero_half, "quote.binding", CHECK_FAIL, NULL },
	{ "A13_core_where_zeros_are_asked", strict_asked, "quote.binding", CHECK_FAIL, NULL },
	{ "A13_lower_half", lower_half, "quote.binding", CHECK_FAIL, NULL },
	{ "A13_strict_and_fresh", strict, "quote.binding", CHECK_PASS, NULL },
	{ "A13_strict_core_uncovered", strict_not_fresh, "quote.binding", CHECK_UNKNOWN, NULL },
	{ "A13_strict_account_uncovered", strict_not_fresh, "account.quote", CHECK_UNKNOWN, NULL },
	{ "A14_extra_name", sums_extra, "form.files", CHECK_FAIL, NULL },
	{ "A14_twice", sums_twice, "form.files", CHECK_FAIL, NULL },
	{ "A14_path", sums_path, "form.files", CHECK_FAIL, NULL },
	{ "A14_crlf", sums_crlf, "form.files", CHECK_FAIL, NULL },
	{ "A14_unlisted", sums_unlisted, "form.files", CHECK_FAIL, NULL },
	{ "A14_other_content", sums_other_file, "form.files", CHECK_FAIL, NULL },
	{ "A15_foreign_account", foreign_account_file, "account.file", CHECK_FAIL, NULL },
	{ "A16_staging", staging, "account.directory", CHECK_FAIL, NULL },
	{ "A16_look_alike", look_alike, "account.directory", CHECK_FAIL, NULL },
	{ "A17_no_caa", caa_missing, "caa.exclusive", CHECK_FAIL, NULL },
	{ "A18_other_ca", caa_other_ca, "caa.exclusive", CHECK_FAIL, NULL },
	{ "A19_unpinned_beside", caa_unpinned, "caa.exclusive", CHECK_FAIL, NULL },
	{ "A20_closer_foreign", caa_closer, "caa.exclusive", CHECK_FAIL, NULL },
	{ "A21_only_issuewild", caa_only_wild, "caa.exclusive", CHECK_FAIL, NULL },
	{ "A22_only_issue_is_enough", caa_only_issue, "caa.exclusive", CHECK_PASS, NULL },
	{ "A23_ancestor_wildcard", caa_parent_open, "caa.exclusive", CHECK_FAIL, NULL },
	{ "A24_alias_names_others", caa_alias, "caa.exclusive", CHECK_FAIL, NULL },
	{ "A25_alias_parent_does_not_count", caa_alias_empty, "caa.exclusive", CHECK_PASS, NULL },
	{ "A26_two_accounts_let_in_nobody", caa_two_accounts, "caa.exclusive", CHECK_PASS, NULL },
	{ "A26_slash", caa_slash, "caa.exclusive", CHECK_FAIL, NULL },
	{ "A26_case", caa_case, "caa.exclusive", CHECK_FAIL, NULL },
	{ "A26_scheme", caa_scheme, "caa.exclusive", CHECK_FAIL, NULL },
	{ "A27_http_01", caa_http, "caa.exclusive", CHECK_FAIL, NULL },
	{ "A27_any_method", caa_any_method, "caa.exclusive", CHECK_FAIL, NULL },
	{ "A28_critical_is_reported", caa_critical, "caa.exclusive", CHECK_PASS, NULL },
	{ "A29_bogus", dns_bogus, "caa.dnssec", CHECK_FAIL, NULL },
	{ "A30_proof_refused", proof_refused, "caa.proof", CHECK_FAIL, NULL },
	{ "A30_proof_missing", proof_missing, "caa.proof", CHECK_UNKNOWN, NULL },
	{ "A30_stated_open", stated_open, "caa.proof", CHECK_FAIL, NULL },
	{ "A30_stated_open_unproved", stated_open_unproved, "caa.proof", CHECK_FAIL, NULL },
	{ "A30_stated_open_by_wildcard", stated_open_wildcard, "caa.proof", CHECK_FAIL, NULL },
	{ "A30_stated_open_elsewhere", stated_open_elsewhere, "caa.proof", CHECK_PASS, NULL },
	{ "A31_unsigned", dns_insecure, "caa.dnssec", CHECK_UNKNOWN, NULL },
	{ "A31_unsigned_and_allowed", dns_insecure_allowed, "caa.dnssec", CHECK_PASS, NULL },
	{ "A31_failed", dns_failed, "caa.dnssec", CHECK_UNKNOWN, NULL },
	{ "A32_changed_and_back", seen_by_service, "history.foreign", CHECK_FAIL, NULL },
	{ "A33_no_scts", no_scts, "ct.scts", CHECK_FAIL, NULL },
	{ "A33_one_operator", one_operator, "ct.scts", CHECK_FAIL, NULL },
	{ "A34_unknown_log", unknown_log, "ct.scts", CHECK_FAIL, NULL },
	{ "A34_rejected", rejected_log, "ct.scts", CHECK_FAIL, NULL },
	{ "A34_after_retirement", retired_log, "ct.scts", CHECK_FAIL, NULL },
	{ "A34_issuer_key_hash", wrong_issuer_key, "ct.scts", CHECK_FAIL, NULL },
	{ "A34_future", future_sct, "ct.scts", CHECK_FAIL, NULL },
	{ "A35_never_merged", never_merged, "ct.inclusion", CHECK_FAIL, NULL },
	{ "A36_remembered_differs", rewritten_log, "memory.logs", CHECK_FAIL, NULL },
	{ "A36_split_view", split_log, "ct.growth", CHECK_FAIL, NULL },
	{ "A36_silent_log", silent_log, "ct.growth", CHECK_UNKNOWN, NULL },
	{ "A36_silent_log_not_listed", silent_log_not_listed, "ct.growth", CHECK_PASS, NULL },
	{ "A37_wrong_index", wrong_index, "ct.inclusion", CHECK_FAIL, NULL },
	{ "A37_wrong_leaf", wrong_leaf, "ct.inclusion", CHECK_FAIL, NULL },
	{ "A37_head_of_another_log", unsigned_head, "ct.inclusion", CHECK_FAIL, NULL },
	{ "A38_precertificate", foreign_precert, "history.foreign", CHECK_FAIL, NULL },
	{ "A39_copied_serial", foreign_copy, "history.foreign", CHECK_FAIL, NULL },
	{ "A40_same_key", twin, "history.twins", CHECK_FAIL, NULL },
	{ "A41_live_from_before", older_lives, "history.safe", CHECK_FAIL, NULL },
	{ "A41_date_too_early", older_forgotten, "history.safe", CHECK_FAIL, NULL },
	{ "A41_pinned_lately", pinned_lately, "history.safe", CHECK_NOT_YET, NULL },
	{ "A41_pinned_and_forgotten", lately_and_forgotten, "history.safe", CHECK_PASS, NULL },
	{ "A41_cas_remember_longer", remembered_longer, "history.safe", CHECK_NOT_YET, NULL },
	{ "A41_date_ahead", date_ahead_cas_forget, "history.safe", CHECK_NOT_YET, NULL },
	{ "A41_safe_before_pinned", safe_before_pinned, "history.safe", CHECK_FAIL, NULL },
	{ "A41_expired_is_no_matter", foreign_expired, "history.foreign", CHECK_PASS, NULL },
	{ "A42_revoked", older_revoked, "history.revoked", CHECK_PASS, NULL },
	{ "A42_crl_stale", crl_stale, "history.revoked", CHECK_FAIL, NULL },
	{ "A42_crl_of_made_up_issuer", crl_of_made_up_issuer, "history.revoked", CHECK_FAIL, NULL },
	{ "A42_crl_forged", crl_forged, "history.revoked", CHECK_FAIL, NULL },
	{ "A42_not_listed", crl_without, "history.revoked", CHECK_FAIL, NULL },
	{ "A43_silent", source_silent, "history.sources", CHECK_UNKNOWN, NULL },
	{ "A43_capped", source_cut, "history.sources", CHECK_UNKNOWN, NULL },
	{ "A43_empty", source_empty, "history.sources", CHECK_UNKNOWN, NULL },
	{ "A43_all_empty", sources_empty, "history.sources", CHECK_UNKNOWN, NULL },
	{ "A43_all_blind", sources_blind, "history.sources", CHECK_UNKNOWN, NULL },
	{ "A43_renewal_not_known_yet", renewed, "history.sources", CHECK_PASS, NULL },
	{ "A43_alone", source_alone, "history.sources", CHECK_UNKNOWN, NULL },
	{ "A44_keys_truncated", truncated_keys, "history.foreign", CHECK_FAIL, NULL },
	{ "A45_renewal_is_no_attack", renewed, "cert.issued", CHECK_PASS, NULL },
	{ "A45_old_certificate", unlisted_certificate, "cert.issued", CHECK_FAIL, NULL },
	{ "A46_other_instance", other_instance, "cert.key", CHECK_PASS, "cert.issued" },
	{ "A47_rollover_by_a_thief", other_thumbprint, "memory.account", CHECK_FAIL, NULL },
	{ "A47_another_account", other_account_than_before, "memory.account", CHECK_FAIL, NULL },
	{ "A47_key_without_signature", stolen_account, "account.proof", CHECK_FAIL,
	  "memory.account" },
	{ "A48_persist_of_others", persist_foreign, "dns.persist", CHECK_FAIL, NULL },
	{ "A48_persist_of_ours", persist_ours, "dns.persist", CHECK_PASS, NULL },
	{ "A48_persist_unsigned", persist_unsigned, "dns.persist", CHECK_UNKNOWN, NULL },
	{ "A48_persist_unsigned_allowed", persist_unsigned_allowed, "dns.persist", CHECK_PASS,
	  NULL },
	{ "A49_challenge_alias", challenge_alias, "dns.persist", CHECK_PASS, NULL },
	{ "A50_wildcard_in_the_middle", name_in_the_middle, "form.names", CHECK_FAIL, NULL },
	{ "A50_trailing_dot", name_with_dot, "form.names", CHECK_FAIL, NULL },
	{ "A50_another_name", name_of_others, "form.names", CHECK_FAIL, NULL },
	{ "A51_key_twice", core_twice, "form.core", CHECK_FAIL, NULL },
	{ "A51_other_version", core_version, "form.core", CHECK_FAIL, NULL },
	{ "A51_bundle_cut", bundle_cut, "form.bundle", CHECK_FAIL, NULL },
	{ "A51_bundle_deep", bundle_deep, "form.bundle", CHECK_FAIL, NULL },
	{ "A51_answer_cut", answer_cut, "form.answer", CHECK_FAIL, NULL },
	{ "A51_pem_trailing", pem_trailing, "form.files", CHECK_FAIL, NULL },
	{ "A52_tls_1_2", tls12, "reach.session", CHECK_FAIL, NULL },
	{ "A53_attackers_log_list", attackers_list, "ct.list", CHECK_FAIL, NULL },
	{ "A54_too_few_witnesses", one_witness, "audit.proof", CHECK_FAIL, NULL },
	{ "A54_same_witness_twice", same_witness_twice, "audit.proof", CHECK_FAIL, NULL },
	{ "A54_not_the_entry", not_the_entry, "audit.proof", CHECK_FAIL, NULL },
	{ "A55_plain_http", plain_http, "reach.https", CHECK_FAIL, NULL },
	{ "A55_redirect", redirected, "reach.https", CHECK_FAIL, NULL },
	/* not of that list */
	{ "W1_certificate_of_another_host", other_host, "cert.path", CHECK_FAIL, NULL },
	{ "W2_certificate_expired", expired_certificate, "cert.path", CHECK_FAIL, NULL },
	{ "W3_foreign_wildcard", foreign_wildcard, "history.foreign", CHECK_FAIL, NULL },
	{ "W4_gateway_account_unquoted", gateway_account_unquoted, "account.quote", CHECK_FAIL,
	  NULL },
	{ "W4_gateway_lists_a_stranger", gateway_lists_a_stranger, "history.foreign", CHECK_FAIL,
	  NULL },
	{ "W4_gateway_lists_a_stranger_by_its_quote", gateway_lists_a_stranger_by_its_quote,
	  "history.foreign", CHECK_FAIL, NULL },
	{ "W4_gateway_renewed", gateway_renewed, "history.foreign", CHECK_PASS, NULL },
	{ "W4_gateway_key_unquoted", gateway_key_unquoted, "history.foreign", CHECK_UNKNOWN,
	  NULL },
	{ "W5_key_unquoted", key_unquoted, "key.quote", CHECK_FAIL, NULL },
	{ "W5_key_quoted_by_another_app", key_quoted_by_other_app, "key.quote", CHECK_FAIL, NULL },
	{ "W5_key_quoted_by_another_instance", key_quoted_by_other_instance, "key.quote",
	  CHECK_FAIL, NULL },
	{ "W5_key_quoted_with_our_log", key_quoted_with_our_log, "key.quote", CHECK_FAIL, NULL },
	{ "W5_account_quoted_by_another_app", account_quoted_by_other_app, "account.quote",
	  CHECK_FAIL, NULL },
	{ "W5_account_of_instances", account_quoted_by_other_instance, "account.quote", CHECK_PASS,
	  NULL },
	{ "W6_answered_by_another_app", answered_by_other_app, "fresh.quote", CHECK_FAIL, NULL },
	{ "W7_answered_by_another_instance", answered_by_other_instance, "fresh.quote", CHECK_FAIL,
	  NULL },
};

enum {
	ATTACKS = sizeof(attacks) / sizeof(attacks[0]),
};

static struct ev_base base;

/* The findings of a world, and what they come to with one check left out. */
struct judged {
	struct finding finding[64];
	enum checks_outcome outcome;
};

static void judge(struct judged *out, ev_hook *hook)
{
	struct ev *e = mem_new(sizeof(*e));
	struct reading *r = mem_new(sizeof(*r));

	assert_true(checks_count <= 64);
	ev_make(e, &base, hook);
	reading_make(r, &e->arena, &e->m);
	checks_run(out->finding, checks, checks_count, r);
	out->outcome = checks_outcome(out->finding, checks, checks_count, &e->rules);
	ev_free(e);
	free(r);
	free(e);
}

static enum checks_outcome without(const struct judged *j, size_t left_out)
{
	struct finding some[64];
	struct check table[64];
	size_t n = 0;

	for (size_t i = 0; i < checks_count; i++) {
		if (i == left_out)
			continue;
		some[n] = j->finding[i];
		table[n++] = checks[i];
	}
	return checks_outcome(some, table, n, &rules_default);
}

static void print_findings(const struct judged *j)
{
	for (size_t i = 0; i < checks_count; i++)
		if (j->finding[i].state != CHECK_PASS)
			print_message("   %-9s %-17s %s\n", check_state_name(j->finding[i].state),
				      checks[i].id, j->finding[i].reason);
}

static void an_honest_world_holds(void **state)
{
	struct judged j;

	(void)state;
	judge(&j, NULL);
	if (j.outcome != CHECKS_HOLD)
		print_findings(&j);
	assert_int_equal(j.outcome, CHECKS_HOLD);
	for (size_t i = 0; i < checks_count; i++) {
		assert_int_equal(j.finding[i].state, CHECK_PASS);
		assert_true(j.finding[i].reason[0]);
	}
}

static const struct finding *finding_of(const struct judged *j, const char *check)
{
	return &j->finding[check_find(check) - checks];
}

/* What a proof of the wildcard alone leaves open is said. */
static void a_wildcards_proof_says_so(void **state)
{
	const struct finding *f;
	struct judged j;

	(void)state;
	judge(&j, proved_by_wildcard);
	f = finding_of(&j, "caa.proof");
	assert_int_equal(f->state, CHECK_PASS);
	assert_non_null(strstr(f->reason, "of the wildcard only"));
}

HOOK(strict_relayed)
{
	strict(e, at);
	relayed(e, at);
}
HOOK(strict_no_exporter)
{
	strict(e, at);
	WHEN(EV_AFTER);
	e->m.tls.has_exporter = false;
}
HOOK(strict_other_core)
{
	strict(e, at);
	other_core_answered(e, at);
}
HOOK(strict_other_app)
{
	strict(e, at);
	answered_by_other_app(e, at);
}
HOOK(strict_other_instance)
{
	strict(e, at);
	answered_by_other_instance(e, at);
}
HOOK(strict_other_code)
{
	strict(e, at);
	WHEN(EV_ANSWER);
	e->td.mr_td.b[0] ^= 1;
}

/* Only fresh evidence that holds in all of it stands for a core that the quote
 * leaves out. */
static void strict_asks_for_all_of_an_answer(void **state)
{
	static const struct {
		const char *name;
		ev_hook *hook;
	} cases[] = {
		{ "relayed", strict_relayed },
		{ "no_exporter", strict_no_exporter },
		{ "another_core", strict_other_core },
		{ "another_application", strict_other_app },
		{ "another_instance", strict_other_instance },
		{ "other_code", strict_other_code },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct judged j;

		judge(&j, cases[i].hook);
		if (finding_of(&j, "quote.binding")->state != CHECK_UNKNOWN ||
		    finding_of(&j, "account.quote")->state != CHECK_UNKNOWN)
			fail_msg("%s", cases[i].name);
	}
}

static bool is_named(const char *list, const char *id)
{
	return list && strstr(list, id);
}

/* Every line that fails is the one that should, or named beside it. */
static bool is_caught(const struct attack *a, const struct judged *j)
{
	bool good = true;

	for (size_t i = 0; i < checks_count; i++) {
		bool is_it = strcmp(checks[i].id, a->check) == 0;

		if (is_it && j->finding[i].state != a->state)
			good = false;
		if (!is_it && j->finding[i].state == CHECK_FAIL && !is_named(a->also, checks[i].id))
			good = false;
	}
	if (a->state == CHECK_FAIL && j->outcome != CHECKS_REFUTED)
		good = false;
	if ((a->state == CHECK_UNKNOWN || a->state == CHECK_NOT_YET) &&
	    j->outcome != CHECKS_UNDECIDED)
		good = false;
	return good;
}

static struct judged verdicts[ATTACKS];

static void each_attack_has_its_line(void **state)
{
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ATTACKS; i++) {
		judge(&verdicts[i], attacks[i].hook);
		if (is_caught(&attacks[i], &verdicts[i]))
			continue;
		print_message("%s: %s\n", attacks[i].name,
			      checks_outcome_name(verdicts[i].outcome));
		print_findings(&verdicts[i]);
		bad++;
	}
	assert_int_equal(bad, 0);
}

static void all_of_the_list_are_there(void **state)
{
	(void)state;
	for (int n = 1; n <= 55; n++) {
		char prefix[16];
		bool is_there = false;

		(void)snprintf(prefix, sizeof(prefix), "A%d_", n);
		for (size_t i = 0; i < ATTACKS; i++)
			is_there =
				is_there || strncmp(attacks[i].name, prefix, strlen(prefix)) == 0;
		if (!is_there)
			fail_msg("A%d has no case", n);
	}
}

/* The mutation run: without a check, some attack is no longer refuted (or, where
 * the check can only miss something, no longer left undecided). */
static void each_check_is_needed(void **state)
{
	int bad = 0;

	(void)state;
	for (size_t c = 0; c < checks_count; c++) {
		size_t escaped = 0;

		for (size_t i = 0; i < ATTACKS; i++)
			escaped += verdicts[i].outcome != CHECKS_HOLD &&
				   without(&verdicts[i], c) != verdicts[i].outcome;
		if (escaped)
			continue;
		print_message("%s: no attack needs it\n", checks[c].id);
		bad++;
	}
	assert_int_equal(bad, 0);
}

static void checks_are_named_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < checks_count; i++) {
		assert_ptr_equal(check_find(checks[i].id), &checks[i]);
		assert_in_range(checks[i].step, 1, 20);
		assert_true(checks[i].title[0] && checks[i].rule[0]);
	}
	assert_null(check_find("other"));
}

static int setup(void **state)
{
	(void)state;
	ev_base_make(&base);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ev_base_free(&base);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks_are_named_once),
		cmocka_unit_test(an_honest_world_holds),
		cmocka_unit_test(a_wildcards_proof_says_so),
		cmocka_unit_test(strict_asks_for_all_of_an_answer),
		cmocka_unit_test(each_attack_has_its_line),
		cmocka_unit_test(all_of_the_list_are_there),
		cmocka_unit_test(each_check_is_needed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
