/*
 * client: whole jobs against a CA in memory: every trouble at every request,
 * a kill at every step, accounts that are lost, keys that change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "acme_ca.h"
#include "acme_drive.h"

static const char *const one_name[] = { "a.example.org", NULL };
static const char *const two_names[] = { "a.example.org", "b.example.org", NULL };
static const char *const wild_names[] = { "*.example.org", "example.org", NULL };
#define STATE_HEAD "{\"version\":1,\"directory\":\"https://ca.example/directory\""

static void certificate_is_issued(void **state)
{
	static const struct {
		const char *name;
		enum challenge_type method;
		const char *names[4];
		size_t proofs;
	} cases[] = {
		{ "dns_01_one_name", CHALLENGE_DNS_01, { "a.example.org" }, 1 },
		{ "dns_01_base_and_wildcard",
		  CHALLENGE_DNS_01,
		  { "*.example.org", "example.org" },
		  2 },
		{ "http_01_name_and_address",
		  CHALLENGE_HTTP_01,
		  { "a.example.org", "192.0.2.7", "2001:db8::1" },
		  3 },
		{ "tls_alpn_01", CHALLENGE_TLS_ALPN_01, { "a.example.org", "192.0.2.7" }, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct drive d;

		print_message("%s\n", cases[i].name);
		drive_init(&d, cases[i].method);
		drive_names(&d, cases[i].names);
		d.ca.ignores_proofs = cases[i].method == CHALLENGE_TLS_ALPN_01;
		drive_register(&d);
		assert_int_equal(drive_order(&d, NULL), ACME_END_OK);
		assert_int_equal(d.shows, cases[i].proofs);
		assert_int_equal(d.ca.shown_count, 0);
		drive_check_chain(&d);
		assert_false(acme_has_order(d.a));
		drive_fini(&d);
	}
}

/*
 * Each trouble, at each request of an issuance, for one and for all of the
 * requests from there on: it ends, never with a wrong certificate, nothing
 * stays shown, and with the trouble gone the next try succeeds.
 */
static void every_trouble_at_every_request(void **state)
{
	(void)state;
	for (enum ca_trouble t = CA_SILENT; t < CA_TROUBLES; t++)
		for (unsigned at = 0; at < 12; at++)
			for (unsigned lasts = 1; lasts <= 1000; lasts += 999) {
				struct drive d;
				enum acme_end end;

				drive_init(&d, CHALLENGE_DNS_01);
				drive_names(&d, two_names);
				drive_register(&d);
				d.trouble = t;
				d.trouble_at = at;
				d.trouble_lasts = lasts;
				end = drive_order(&d, NULL);
				if (end == ACME_END_OK)
					drive_check_chain(&d);
				else
					assert_int_equal(acme_chain(d.a).n, 0);
				assert_int_equal(acme_account(d.a)->status, ACCOUNT_VALID);
				assert_int_equal(d.ca.accounts_made, 1);
				d.trouble_at = UINT32_MAX;
				d.ca.trouble_left = 0;
				d.now += 2 * CA_DAY;
				if (acme_has_order(d.a))
					end = drive_resume(&d);
				if (end != ACME_END_OK)
					end = drive_order(&d, NULL);
				assert_int_equal(end, ACME_END_OK);
				drive_check_chain(&d);
				assert_int_equal(d.ca.shown_count, 0);
				assert_in_range(d.ca.orders_made, 1, 2);
				drive_fini(&d);
			}
}

static void wrong_certificates_are_refused(void **state)
{
	static const struct {
		enum ca_trouble trouble;
		enum certcheck_reason want;
	} cases[] = {
		{ CA_WRONG_KEY, CERTCHECK_WRONG_KEY },
		{ CA_MISSING_NAME, CERTCHECK_MISSING_NAME },
		{ CA_EXTRA_NAME, CERTCHECK_EXTRA_NAME },
		{ CA_EXPIRED, CERTCHECK_EXPIRED },
		{ CA_NO_SERVER, CERTCHECK_WRONG_PURPOSE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct drive d;

		drive_init(&d, CHALLENGE_DNS_01);
		drive_names(&d, two_names);
		drive_register(&d);
		d.trouble = cases[i].trouble;
		d.trouble_lasts = 1000;
		assert_int_equal(drive_order(&d, NULL), ACME_END_CERTIFICATE);
		assert_int_equal(acme_outcome(d.a)->check, cases[i].want);
		assert_int_equal(acme_chain(d.a).n, 0);
		drive_fini(&d);
	}
}

/*
 * The process ends before each of its steps, once: the account is one, the
 * orders are at most two, the certificate comes, nothing stays shown.
 */
static void killed_before_every_step(void **state)
{
	unsigned twice = 0, steps = 0;
	bool was_killed = true;

	(void)state;
	for (; was_killed; steps++) {
		struct drive d;

		drive_init(&d, CHALLENGE_DNS_01);
		drive_names(&d, wild_names);
		d.kill_in = (int)steps;
		drive_register(&d);
		if (d.was_killed)
			drive_register(&d);
		if (drive_order(&d, NULL) == ACME_END_NONE) {
			assert_true(d.was_killed);
			if (acme_has_order(d.a))
				assert_int_equal(drive_resume(&d), ACME_END_OK);
			else
				assert_int_equal(drive_order(&d, NULL), ACME_END_OK);
		}
		was_killed = d.was_killed;
		drive_check_chain(&d);
		assert_int_equal(d.ca.accounts_made, 1);
		assert_in_range(d.ca.orders_made, 1, 2);
		assert_int_equal(d.ca.issued, 1);
		assert_int_equal(d.ca.shown_count, 0);
		twice += d.ca.orders_made == 2;
		drive_fini(&d);
	}
	assert_true(steps > 20);
	assert_int_equal(twice, 1);
}

static void challenge_loops_and_many_chains_end(void **state)
{
	struct drive d;

	(void)state;
	drive_init(&d, CHALLENGE_DNS_01);
	drive_names(&d, one_name);
	d.ca.loops = true;
	d.issuer = "Nobody";
	drive_restart(&d);
	drive_register(&d);
	assert_int_equal(drive_order(&d, NULL), ACME_END_OK);
	drive_check_chain(&d);
	assert_true(d.ca.requests < 40);
	drive_fini(&d);
}

static void lost_account_is_never_made_again(void **state)
{
	struct drive d;

	(void)state;
	drive_init(&d, CHALLENGE_DNS_01);
	drive_names(&d, one_name);
	drive_register(&d);
	d.ca.has_account = false;
	assert_int_equal(drive_order(&d, NULL), ACME_END_ACCOUNT);
	assert_int_equal(acme_account(d.a)->status, ACCOUNT_LOST);
	assert_non_null(strstr(acme_outcome(d.a)->why, "CAA"));
	drive_restart(&d);
	assert_int_equal(acme_account(d.a)->status, ACCOUNT_LOST);
	assert_int_equal(acme_register(d.a), RC_DENIED);
	assert_int_equal(acme_find(d.a), RC_DENIED);
	assert_int_equal(acme_update(d.a), RC_DENIED);
	assert_int_equal(d.ca.accounts_made, 1);
	drive_fini(&d);

	/* Found out by looking, too. */
	drive_init(&d, CHALLENGE_DNS_01);
	drive_register(&d);
	d.ca.has_account = false;
	assert_int_equal(acme_register(d.a), RC_OK);
	assert_int_equal(drive_run(&d), ACME_END_ACCOUNT);
	assert_int_equal(acme_account(d.a)->status, ACCOUNT_LOST);
	assert_int_equal(d.ca.accounts_made, 1);
	drive_fini(&d);
}

static void key_change_survives_a_lost_answer(void **state)
{
	static const enum ca_trouble troubles[] = { CA_FINE, CA_SILENT, CA_DEAF, CA_BROKEN };

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (int kill = -1; kill < 6; kill++) {
			struct p256_private *next = p256_private_generate();
			struct p256_point at;
			struct drive d;

			drive_init(&d, CHALLENGE_DNS_01);
			drive_register(&d);
			d.trouble = troubles[i];
			d.trouble_lasts = 1;
			d.kill_in = kill;
			assert_int_equal(acme_change_key(d.a, next), RC_OK);
			if (drive_run(&d) != ACME_END_OK) {
				assert_true(d.was_killed);
				d.trouble_at = UINT32_MAX;
				d.ca.trouble_left = 0;
				if (acme_key_change_pending(d.a))
					assert_int_equal(acme_find(d.a), RC_DENIED);
				assert_int_equal(acme_change_key(d.a, next), RC_OK);
				assert_int_equal(drive_run(&d), ACME_END_OK);
			}
			p256_private_point(next, &at);
			assert_memory_equal(&d.ca.account, &at, sizeof(at));
			assert_false(acme_key_change_pending(d.a));
			p256_private_free(d.key);
			d.key = next;
			d.kill_in = -1;
			d.trouble = CA_FINE;
			drive_restart(&d);
			assert_int_equal(acme_update(d.a), RC_OK);
			assert_int_equal(drive_run(&d), ACME_END_OK);
			assert_int_equal(d.ca.accounts_made, 1);
			drive_fini(&d);
		}
}

/* A CA cannot have us prove to it what we did not ask for. */
static void authorizations_are_of_the_order(void **state)
{
	static const struct {
		const char *const *names;
		const char *authorizes;
		bool flips_wildcard, is_fine;
	} cases[] = {
		{ wild_names, NULL, false, true },
		{ two_names, NULL, false, true },
		{ one_name, "victim.example.org", false, false },
		{ one_name, "example.org", false, false },
		{ one_name, NULL, true, false },
		{ wild_names, "b.example.org", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct drive d;

		drive_init(&d, CHALLENGE_DNS_01);
		drive_names(&d, cases[i].names);
		drive_register(&d);
		d.ca.authorizes = cases[i].authorizes;
		d.ca.flips_wildcard = cases[i].flips_wildcard;
		assert_int_equal(drive_order(&d, NULL),
				 cases[i].is_fine ? ACME_END_OK : ACME_END_MALFORMED);
		assert_int_equal(d.shows > 0, cases[i].is_fine);
		drive_fini(&d);
	}
}

/* Nothing goes in the clear because a directory says so. */
static void directory_keeps_to_https(void **state)
{
	struct drive d;

	(void)state;
	drive_init(&d, CHALLENGE_DNS_01);
	d.ca.plain = "keyChange";
	assert_int_equal(acme_register(d.a), RC_OK);
	assert_int_equal(drive_run(&d), ACME_END_UNREACHABLE);
	assert_int_equal(d.ca.accounts_made, 0);
	assert_null(acme_directory(d.a));
	d.ca.plain = NULL;
	drive_register(&d);
	assert_int_equal(d.ca.accounts_made, 1);
	drive_fini(&d);
}

static void busy_key_change_ends_and_goes_on_later(void **state)
{
	struct p256_private *next = p256_private_generate();
	struct p256_point at;
	struct drive d;

	(void)state;
	drive_init(&d, CHALLENGE_DNS_01);
	drive_register(&d);
	d.ca.hurried = "/key-change";
	assert_int_equal(acme_change_key(d.a, next), RC_OK);
	assert_int_equal(drive_run(&d), ACME_END_REFUSED);
	assert_int_equal(acme_outcome(d.a)->problem.type, PROBLEM_RATE_LIMITED);
	assert_true(acme_key_change_pending(d.a));
	assert_int_equal(d.ca.keys_changed, 0);
	d.ca.hurried = NULL;
	assert_int_equal(acme_change_key(d.a, next), RC_OK);
	assert_int_equal(drive_run(&d), ACME_END_OK);
	assert_false(acme_key_change_pending(d.a));
	p256_private_point(next, &at);
	assert_memory_equal(&d.ca.account, &at, sizeof(at));
	drive_fini(&d);
	p256_private_free(next);
}

/* Whatever it says of the order afterwards: no request without an end. */
static void finalize_to_no_effect_has_an_end(void **state)
{
	static const char *const after[] = { "ready", "processing" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct drive d;

		drive_init(&d, CHALLENGE_DNS_01);
		drive_names(&d, one_name);
		drive_register(&d);
		d.ca.stuck = after[i];
		assert_int_equal(drive_order(&d, NULL), ACME_END_TIMEOUT);
		assert_int_equal(d.ca.finalized, 4);
		/* The order is there still, and good when the CA is. */
		d.ca.stuck = NULL;
		assert_int_equal(drive_resume(&d), ACME_END_OK);
		drive_check_chain(&d);
		assert_int_equal(d.ca.orders_made, 1);
		drive_fini(&d);
	}
}

static void replaced_already_is_ordered_without(void **state)
{
	struct drive d;

	(void)state;
	drive_init(&d, CHALLENGE_DNS_01);
	drive_names(&d, one_name);
	drive_register(&d);
	assert_int_equal(drive_order(&d, "aki.serial"), ACME_END_OK);
	assert_string_equal(d.ca.replaces, "aki.serial");
	assert_false(acme_dropped_replaces(d.a));
	strcpy(d.ca.known_successor, "aki.serial");
	assert_int_equal(drive_order(&d, "aki.serial"), ACME_END_OK);
	assert_string_equal(d.ca.replaces, "");
	assert_true(acme_dropped_replaces(d.a));
	drive_fini(&d);
}

static void proof_that_cannot_be_shown_ends_the_order(void **state)
{
	struct drive d;

	(void)state;
	drive_init(&d, CHALLENGE_DNS_01);
	drive_names(&d, one_name);
	drive_register(&d);
	d.cannot_show = true;
	assert_int_equal(drive_order(&d, NULL), ACME_END_PROOF);
	assert_string_equal(acme_outcome(d.a)->why, "no such zone");
	assert_false(acme_has_order(d.a));
	/* What we do not want any more was given back. */
	assert_string_equal(d.ca.order[0].authz[0], "deactivated");
	d.cannot_show = false;
	d.shows_nothing = true;
	assert_int_equal(drive_order(&d, NULL), ACME_END_REFUSED);
	assert_int_equal(acme_outcome(d.a)->problem.type, PROBLEM_DNS);
	assert_int_equal(problem_cure_of(&acme_outcome(d.a)->problem), CURE_PROOF);
	drive_fini(&d);
}

static void foreign_certificate_is_revoked_by_proof(void **state)
{
	struct drive d, other;
	struct certcheck_chain chain;

	(void)state;
	drive_init(&other, CHALLENGE_DNS_01);
	drive_names(&other, one_name);
	drive_register(&other);
	assert_int_equal(drive_order(&other, NULL), ACME_END_OK);
	assert_int_equal(certcheck_read(&chain, acme_chain(other.a)), CERTCHECK_OK);

	for (int kill = -1; kill < 20; kill++) {
		drive_init(&d, CHALLENGE_DNS_01);
		drive_register(&d);
		d.kill_in = kill;
		assert_int_equal(acme_revoke_foreign(d.a, chain.der[0], 1), RC_OK);
		if (drive_run(&d) != ACME_END_OK) {
			assert_true(d.was_killed);
			if (acme_has_order(d.a))
				assert_int_equal(drive_resume(&d), ACME_END_OK);
			else if (!d.ca.revoked) {
				assert_int_equal(acme_revoke_foreign(d.a, chain.der[0], 1), RC_OK);
				assert_int_equal(drive_run(&d), ACME_END_OK);
			}
		}
		assert_in_range(d.ca.revoked, 1, 2);
		assert_int_equal(d.ca.issued, 0);
		assert_int_equal(d.ca.shown_count, 0);
		assert_false(acme_has_order(d.a));
		drive_fini(&d);
	}
	certcheck_fini(&chain);
	drive_fini(&other);
}

static void order_that_waits_is_given_up(void **state)
{
	struct drive d;

	(void)state;
	drive_init(&d, CHALLENGE_DNS_01);
	drive_names(&d, one_name);
	drive_register(&d);
	d.trouble = CA_SILENT;
	d.trouble_at = 2; /* the order and its authorization came */
	d.trouble_lasts = 1000;
	assert_int_equal(drive_order(&d, NULL), ACME_END_UNREACHABLE);
	assert_true(acme_has_order(d.a));
	assert_int_equal(d.ca.shown_count, 1);
	assert_int_equal(acme_order(d.a, &(struct order_wish){ .names = &d.names }), RC_DENIED);
	drive_restart(&d);
	assert_int_equal(acme_abandon(d.a), RC_OK);
	assert_int_equal(drive_run(&d), ACME_END_ABANDONED);
	assert_int_equal(d.ca.shown_count, 0);
	assert_false(acme_has_order(d.a));
	drive_fini(&d);
}

/* So many steps of the job, and no more; false: it was over before. */
static bool steps_done(struct drive *d, unsigned steps)
{
	enum acme_want want;

	for (; steps > 0; steps--) {
		want = acme_next(d->a, d->now);
		if (want == ACME_WANT_NOTHING)
			return false;
		assert_true(drive_step(d, want));
	}
	return acme_outcome(d->a)->end == ACME_END_NONE;
}

/* Nothing can be asked for while a job is under way, and anything after. */
static void break_off(struct drive *d, struct acme *a)
{
	const size_t requests = d->ca.requests;
	const bool has_url = d->ca.orders_made > 0;
	bool is_over;

	assert_int_equal(acme_register(a), RC_DENIED);
	acme_break_off(a, "no room on the disk");
	assert_int_equal(acme_outcome(a)->end, ACME_END_BROKEN_OFF);
	assert_string_equal(acme_outcome(a)->why, "no room on the disk");
	assert_string_equal(acme_end_name(acme_outcome(a)->end), "broken_off");
	acme_answer(a, NULL, d->now); /* too late */
	is_over = acme_next(a, d->now) == ACME_WANT_NOTHING;
	assert_true(is_over || acme_next(a, d->now) == ACME_WANT_STORE);
	assert_int_equal(d->ca.requests, requests);
	assert_int_equal(acme_has_order(a), has_url);
	acme_break_off(a, "again"); /* there is no job */
	assert_string_equal(acme_outcome(a)->why, "no room on the disk");
}

/*
 * The caller gives up before each step of an order: the account can still be
 * looked at, the order goes on where the CA has given one, and else another is
 * made at once.
 */
static void broken_off_at_every_step(void **state)
{
	unsigned steps = 0;
	bool was_broken = true;

	(void)state;
	for (; was_broken; steps++) {
		struct drive d;

		drive_init(&d, CHALLENGE_DNS_01);
		drive_names(&d, wild_names);
		drive_register(&d);
		assert_int_equal(acme_order(d.a, &(struct order_wish){ .names = &d.names }), RC_OK);
		was_broken = steps_done(&d, steps);
		if (was_broken) {
			break_off(&d, d.a);
			drive_register(&d);
			if (acme_has_order(d.a))
				assert_int_equal(drive_resume(&d), ACME_END_OK);
			else
				assert_int_equal(drive_order(&d, NULL), ACME_END_OK);
		}
		acme_break_off(d.a, "too late");
		assert_int_equal(acme_outcome(d.a)->end, ACME_END_OK);
		drive_check_chain(&d);
		assert_int_equal(drive_order(&d, NULL), ACME_END_OK);
		assert_int_equal(d.ca.accounts_made, 1);
		assert_int_equal(d.ca.orders_made, 2);
		assert_int_equal(d.ca.issued, 2);
		assert_int_equal(d.ca.shown_count, 0);
		drive_fini(&d);
	}
	assert_true(steps > 15);
}

/* A key change is finished after it was broken off before any of its steps. */
static void broken_off_key_change_is_finished(void **state)
{
	unsigned steps = 0;
	bool was_broken = true;

	(void)state;
	for (; was_broken; steps++) {
		struct p256_private *next = p256_private_generate();
		struct p256_point at;
		struct drive d;

		drive_init(&d, CHALLENGE_DNS_01);
		drive_register(&d);
		assert_int_equal(acme_change_key(d.a, next), RC_OK);
		was_broken = steps_done(&d, steps);
		acme_break_off(d.a, "no room on the disk");
		if (acme_key_change_pending(d.a)) {
			assert_int_equal(acme_register(d.a), RC_DENIED);
			assert_int_equal(acme_change_key(d.a, next), RC_OK);
			assert_int_equal(drive_run(&d), ACME_END_OK);
		}
		p256_private_point(next, &at);
		assert_memory_equal(&d.ca.account, &at, sizeof(at));
		assert_int_equal(d.ca.keys_changed, 1);
		drive_register(&d);
		assert_int_equal(acme_account(d.a)->status, ACCOUNT_VALID);
		acme_free(STEAL(d.a)); /* borrows the key */
		p256_private_free(next);
		drive_fini(&d);
	}
	assert_true(steps > 2);
}

static void state_of_another_kind_is_refused(void **state)
{
	static const struct {
		const char *name, *text;
		enum rc want;
	} cases[] = {
		{ "empty", "", RC_MALFORMED },
		{ "no_version", "{}", RC_MALFORMED },
		{ "newer_version", "{\"version\":2}", RC_UNSUPPORTED },
		{ "another_ca",
		  "{\"version\":1,\"directory\":\"https://other.example/directory\"}",
		  RC_DENIED },
		{ "no_account", STATE_HEAD "}", RC_MALFORMED },
		{ "valid_without_url",
		  STATE_HEAD ",\"account\":{\"status\":\"valid\",\"url\":\"\","
			     "\"key\":\"\",\"nextKey\":\"\"}}",
		  RC_MALFORMED },
	};
	struct drive d;

	(void)state;
	drive_init(&d, CHALLENGE_DNS_01);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].name);
		assert_int_equal(acme_load(d.a, span_str(cases[i].text)), cases[i].want);
		assert_int_equal(acme_account(d.a)->status, ACCOUNT_NONE);
	}
	drive_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificate_is_issued),
		cmocka_unit_test(every_trouble_at_every_request),
		cmocka_unit_test(wrong_certificates_are_refused),
		cmocka_unit_test(killed_before_every_step),
		cmocka_unit_test(challenge_loops_and_many_chains_end),
		cmocka_unit_test(lost_account_is_never_made_again),
		cmocka_unit_test(key_change_survives_a_lost_answer),
		cmocka_unit_test(authorizations_are_of_the_order),
		cmocka_unit_test(directory_keeps_to_https),
		cmocka_unit_test(busy_key_change_ends_and_goes_on_later),
		cmocka_unit_test(finalize_to_no_effect_has_an_end),
		cmocka_unit_test(replaced_already_is_ordered_without),
		cmocka_unit_test(proof_that_cannot_be_shown_ends_the_order),
		cmocka_unit_test(foreign_certificate_is_revoked_by_proof),
		cmocka_unit_test(order_that_waits_is_given_up),
		cmocka_unit_test(broken_off_at_every_step),
		cmocka_unit_test(broken_off_key_change_is_finished),
		cmocka_unit_test(state_of_another_kind_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
