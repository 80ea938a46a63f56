/*
 * Every attack on the evidence that is known, each as one change of an honest
 * world, with the one line of the verdict that catches it; and that each line
 * is needed: without it some attack passes.
 */
#include "unit.h"

#include <stdlib.h>

#include "base/mem.h"
#include "attacks_past.h"
#include "attacks_platform.h"
#include "attacks_web.h"

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
	{ "A41_added_lately", added_lately, "history.safe", CHECK_NOT_YET, NULL },
	{ "A41_another_added_lately", another_added_lately, "history.safe", CHECK_PASS, NULL },
	{ "A41_not_pinned", not_pinned, "history.safe", CHECK_UNKNOWN, NULL },
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
