/*
 * The attack cases A17 to A31 on CAA, each a small world and what is found in it; and the climb
 * against a second, stupid evaluation on random worlds.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "dns/climb.h"
#include "dns_world.h"

enum {
	ARENA_MAX = 4 * 1024 * 1024,
};

#define ACCOUNT "https://ca.test/acct/1"
#define PIN "ca.test; accounturi=" ACCOUNT "; validationmethods=dns-01"
#define BOTH "0 issue \"" PIN "\"|0 issuewild \"" PIN "\""

static const struct span issuers[] = { { (const uint8_t *)"ca.test", 7 } };
static const struct span methods[] = { { (const uint8_t *)"dns-01", 6 } };

static struct caa_pin our_pin(void)
{
	return (struct caa_pin){ issuers, 1, span_str(ACCOUNT), methods, 1 };
}

/* "NAME hole" or "*.NAME hole" of each finding that covers, in order, separated by ", ". */
static void say_holes(char *out, size_t n, const struct climb_exclusivity *e)
{
	char text[DNS_NAME_TEXT];
	size_t at = 0, i;

	out[0] = '\0';
	for (i = 0; i < e->count; i++) {
		if (!e->findings[i].covers)
			continue;
		dns_name_text(text, &e->findings[i].subject);
		at += (size_t)snprintf(out + at, n - at, "%s%s%s %s", at ? ", " : "",
				       e->findings[i].is_wildcard ? "*." : "", text,
				       caa_hole_name(e->findings[i].hole));
	}
}

static const struct attack {
	const char *name;
	const char *served; /* may begin with "*." */
	struct world_entry world[WORLD_MAX];
	const char *holes; /* that cover; "": held by us alone */
	const char *reason; /* of our own request; "undecided" */
	enum dns_trust trust; /* the weakest that it rests on */
	bool blocked;
} attacks[] = {
	{ "a17_no_caa_at_any_level",
	  "app.example.test",
	  { { 0 } },
	  "app.example.test unrestricted, *.example.test unrestricted",
	  "no_records",
	  DNS_SECURE,
	  false },
	{ "a18_extra_issue_for_another_ca",
	  "app.example.test",
	  { { "app.example.test", BOTH "|0 issue \"evil.test\"" }, { "example.test", BOTH } },
	  "app.example.test other_issuer",
	  "matches",
	  DNS_SECURE,
	  false },
	{ "a19_our_ca_without_account_beside_the_pin",
	  "app.example.test",
	  { { "app.example.test", BOTH "|0 issue \"ca.test\"" }, { "example.test", BOTH } },
	  "app.example.test any_account",
	  "matches",
	  DNS_SECURE,
	  false },
	{ "a20_foreign_set_closer_than_the_pin",
	  "app.example.test",
	  { { "app.example.test", "0 issue \"evil.test\"" }, { "example.test", BOTH } },
	  "app.example.test other_issuer",
	  "issuer_not_named",
	  DNS_SECURE,
	  false },
	{ "a21_issuewild_alone_leaves_names_open",
	  "app.example.test",
	  { { "app.example.test", "0 issuewild \"" PIN "\"" }, { "example.test", BOTH } },
	  "app.example.test unrestricted",
	  "no_issue_property",
	  DNS_SECURE,
	  false },
	{ "a22_issue_alone_covers_wildcards_too",
	  "*.example.test",
	  { { "example.test", "0 issue \"" PIN "\"" } },
	  "",
	  "matches",
	  DNS_SECURE,
	  false },
	{ "a23_wildcard_of_the_parent_is_open",
	  "app.example.test",
	  { { "app.example.test", BOTH } },
	  "*.example.test unrestricted",
	  "matches",
	  DNS_SECURE,
	  false },
	{ "a23_wildcard_of_the_parent_names_another",
	  "app.example.test",
	  { { "app.example.test", BOTH },
	    { "example.test", "0 issue \"" PIN "\"|0 issuewild \"evil.test\"" } },
	  "*.example.test other_issuer",
	  "matches",
	  DNS_SECURE,
	  false },
	{ "a23_parents_issuewild_nobody_is_held",
	  "app.example.test",
	  { { "app.example.test", BOTH },
	    { "example.test", "0 issue \"evil.test\"|0 issuewild \";\"" } },
	  "",
	  "matches",
	  DNS_SECURE,
	  false },
	{ "a24_alias_whose_targets_set_names_another",
	  "app.example.test",
	  { { "app.example.test", "-> target.other.test" },
	    { "target.other.test", "0 issue \"evil.test\"" },
	    { "example.test", BOTH } },
	  "app.example.test other_issuer",
	  "issuer_not_named",
	  DNS_SECURE,
	  false },
	{ "a25_parent_of_the_targets_name_is_not_climbed",
	  "app.example.test",
	  { { "app.example.test", "-> target.other.test" },
	    { "other.test", "0 issue \"evil.test\"" },
	    { "example.test", BOTH } },
	  "",
	  "matches",
	  DNS_SECURE,
	  false },
	{ "a26_two_accounts_in_one_property_satisfy_nobody",
	  "app.example.test",
	  { { "app.example.test",
	      "0 issue \"ca.test; accounturi=" ACCOUNT "; accounturi=https://ca.test/acct/2\""
	      "|0 issuewild \";\"" },
	    { "example.test", BOTH } },
	  "",
	  "unsatisfiable",
	  DNS_SECURE,
	  false },
	{ "a26_account_with_a_slash_more",
	  "app.example.test",
	  { { "app.example.test",
	      "0 issue \"ca.test; accounturi=" ACCOUNT "/; validationmethods=dns-01\"" },
	    { "example.test", BOTH } },
	  "app.example.test other_account",
	  "other_account",
	  DNS_SECURE,
	  false },
	{ "a26_account_in_other_case",
	  "app.example.test",
	  { { "app.example.test",
	      "0 issue \"ca.test; accounturi=https://CA.test/acct/1; validationmethods=dns-01\"" },
	    { "example.test", BOTH } },
	  "app.example.test other_account",
	  "other_account",
	  DNS_SECURE,
	  false },
	{ "a26_account_by_another_scheme",
	  "app.example.test",
	  { { "app.example.test",
	      "0 issue \"ca.test; accounturi=http://ca.test/acct/1; validationmethods=dns-01\"" },
	    { "example.test", BOTH } },
	  "app.example.test other_account",
	  "other_account",
	  DNS_SECURE,
	  false },
	{ "a26_parameter_name_in_other_case_is_no_pin",
	  "app.example.test",
	  { { "app.example.test",
	      "0 issue \"ca.test; accountURI=" ACCOUNT "; validationmethods=dns-01\"" },
	    { "example.test", BOTH } },
	  "app.example.test any_account",
	  "unsatisfiable",
	  DNS_SECURE,
	  false },
	{ "a27_http_01_allowed_beside_dns_01",
	  "app.example.test",
	  { { "app.example.test",
	      "0 issue \"ca.test; accounturi=" ACCOUNT "; validationmethods=dns-01,http-01\"" },
	    { "example.test", BOTH } },
	  "app.example.test other_method",
	  "matches",
	  DNS_SECURE,
	  false },
	{ "a27_any_method_allowed",
	  "app.example.test",
	  { { "app.example.test", "0 issue \"ca.test; accounturi=" ACCOUNT "\"" },
	    { "example.test", BOTH } },
	  "app.example.test other_method",
	  "matches",
	  DNS_SECURE,
	  false },
	{ "a28_unknown_critical_tag_blocks_us_too",
	  "app.example.test",
	  { { "app.example.test", BOTH "|128 future \"x\"" }, { "example.test", BOTH } },
	  "",
	  "unknown_critical_property",
	  DNS_SECURE,
	  true },
	{ "a28_unknown_tag_that_is_not_critical_is_skipped",
	  "app.example.test",
	  { { "app.example.test", BOTH "|0 future \"x\"" }, { "example.test", BOTH } },
	  "",
	  "matches",
	  DNS_SECURE,
	  false },
	{ "a29_bogus_data_is_not_used",
	  "app.example.test",
	  { { "app.example.test", "!bogus|" BOTH }, { "example.test", BOTH } },
	  "app.example.test none",
	  "undecided",
	  DNS_BOGUS,
	  false },
	{ "a29_bogus_absence_hides_a_set",
	  "app.example.test",
	  { { "app.example.test", "!bogus" }, { "example.test", BOTH } },
	  "app.example.test none",
	  "undecided",
	  DNS_BOGUS,
	  false },
	{ "a29_failed_lookup_is_not_absence",
	  "app.example.test",
	  { { "app.example.test", "!failed" }, { "example.test", BOTH } },
	  "app.example.test none",
	  "undecided",
	  DNS_FAILED,
	  false },
	{ "a30_bogus_above_the_set_leaves_it_decided",
	  "app.example.test",
	  { { "app.example.test", BOTH }, { "example.test", "!bogus" } },
	  "*.example.test none",
	  "matches",
	  DNS_BOGUS,
	  false },
	{ "a31_unsigned_zone_is_said_to_be_insecure",
	  "app.example.test",
	  { { "app.example.test", "!insecure|" BOTH }, { "example.test", "!insecure|" BOTH } },
	  "",
	  "matches",
	  DNS_INSECURE,
	  false },
	{ "malformed_value_permits_nobody_by_the_rules",
	  "app.example.test",
	  { { "app.example.test", "0 issue \"evil.test; ;\"|" BOTH }, { "example.test", BOTH } },
	  "app.example.test other_issuer",
	  "matches",
	  DNS_SECURE,
	  false },
	{ "wildcard_served_needs_names_under_it_too",
	  "*.example.test",
	  { { "example.test", "0 issue \"evil.test\"|0 issuewild \"" PIN "\"" } },
	  "example.test other_issuer",
	  "matches",
	  DNS_SECURE,
	  false },
	{ "iodef_alone_restricts_nothing",
	  "app.example.test",
	  { { "app.example.test", "0 iodef \"mailto:x@example.test\"" }, { "example.test", BOTH } },
	  "app.example.test unrestricted",
	  "no_issue_property",
	  DNS_SECURE,
	  false },
};

static void attack_is_seen(void **state)
{
	const struct attack *a = *state;
	const struct caa_pin pin = our_pin();
	const struct caa_pins mine = { &pin, 1 };
	struct caa_request request = { issuers[0], span_str(ACCOUNT), methods[0], false };
	struct climb_exclusivity e;
	struct climb_decision d;
	struct arena arena;
	struct climb c;
	char holes[1024];

	arena_init(&arena, ARENA_MAX);
	world_climb(&c, &arena, a->world, a->served, CLIMB_ALL);
	assert_int_equal(climb_others(&e, &c, &mine), RC_OK);
	say_holes(holes, sizeof(holes), &e);
	assert_string_equal(holes, a->holes);
	d = climb_decide(&c, &request);
	assert_string_equal(d.is_decided ? caa_reason_name(d.judgement.reason) : "undecided",
			    a->reason);
	assert_int_equal(e.trust, a->trust);
	assert_int_equal(e.blocked != NULL, a->blocked);
	/* A climb that stops early decides the same. */
	world_climb(&c, &arena, a->world, a->served, CLIMB_FIRST);
	d = climb_decide(&c, &request);
	assert_string_equal(d.is_decided ? caa_reason_name(d.judgement.reason) : "undecided",
			    a->reason);
	arena_fini(&arena);
}

/* A20, A25: what a CLIMB_FIRST climb asks for. */
static void climb_stops_at_the_first_set(void **state)
{
	static const struct world_entry world[] = { { "b.example.test", BOTH },
						    { "example.test", BOTH },
						    { 0 } };
	struct arena arena;
	struct climb c;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	world_climb(&c, &arena, world, "*.a.b.example.test", CLIMB_FIRST);
	assert_int_equal(c.answered, 2);
	assert_true(c.is_wildcard);
	world_climb(&c, &arena, world, "a.b.example.test", CLIMB_ALL);
	assert_int_equal(c.answered, 4);
	arena_fini(&arena);
}

static void ancestors_wildcards_are_reported_and_do_not_cover(void **state)
{
	static const struct world_entry world[] = { { "b.example.test", BOTH }, { 0 } };
	const struct caa_pin pin = our_pin();
	const struct caa_pins mine = { &pin, 1 };
	struct climb_exclusivity e;
	struct arena arena;
	struct climb c;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	world_climb(&c, &arena, world, "a.b.example.test", CLIMB_ALL);
	assert_int_equal(climb_others(&e, &c, &mine), RC_OK);
	assert_int_equal(e.covering_count, 0);
	assert_int_equal(e.count, 1);
	assert_int_equal(e.findings[0].hole, CAA_HOLE_OPEN);
	assert_true(e.findings[0].is_wildcard && !e.findings[0].covers);
	arena_fini(&arena);
}

static void root_has_no_climb(void **state)
{
	struct dns_name root;
	struct arena arena;
	struct climb c;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	dns_name_root(&root);
	assert_int_equal(climb_init(&c, &arena, &root, CLIMB_ALL), RC_MALFORMED);
	root = world_name("*");
	assert_int_equal(climb_init(&c, &arena, &root, CLIMB_ALL), RC_MALFORMED);
	arena_fini(&arena);
}

static void malformed_record_makes_the_level_unknown(void **state)
{
	const uint8_t bytes[] = { 0, 0 };
	const struct span rdata = SPAN_ARRAY(bytes);
	struct climb_found found = { .trust = DNS_SECURE, .rdatas = &rdata, .count = 1 };
	struct caa_request request = { issuers[0], span_str(ACCOUNT), methods[0], false };
	struct dns_name name = world_name("test");
	struct arena arena;
	struct climb c;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	assert_int_equal(climb_init(&c, &arena, &name, CLIMB_ALL), RC_OK);
	assert_int_equal(climb_answer(&c, &found), RC_OK);
	assert_true(c.levels[0].is_malformed);
	assert_int_equal(c.levels[0].trust, DNS_FAILED);
	assert_false(climb_decide(&c, &request).is_decided);
	arena_fini(&arena);
}

/*
 * The second evaluation, written from RFC 8659 §3 and §4 over text, with nothing of ours: may a
 * request of (issuer, account, method) for 'name' be met?  1 yes, 0 no, -1 unknown.
 */
static int stupid(const struct world_entry *world, const char *name, const char *issuer,
		  const char *account, const char *method)
{
	int wild = !strncmp(name, "*.", 2);
	const char *at = wild ? name + 2 : name;

	for (; at; at = strchr(at, '.') ? strchr(at, '.') + 1 : NULL) {
		char set[2048], *one, *save = NULL;
		const char *records = world_at(world, at);
		int issue = 0, issuewild = 0, allowed = 0, pass;

		while (!strncmp(records, "-> ", 3))
			records = world_at(world, records + 3);
		if (!strncmp(records, "!bogus", 6) || !strncmp(records, "!failed", 7))
			return -1;
		if (!*records)
			continue;
		issue = strstr(records, " issue ") != NULL;
		issuewild = strstr(records, " issuewild ") != NULL;
		if (strstr(records, "128 future"))
			return 0;
		if (wild ? !issue && !issuewild : !issue)
			return 1;
		for (pass = 0; pass < 1; pass++) {
			snprintf(set, sizeof(set), "%s", records);
			for (one = strtok_r(set, "|", &save); one;
			     one = strtok_r(NULL, "|", &save)) {
				const char *tag =
					wild && issuewild ? "0 issuewild \"" : "0 issue \"";
				char want[256];

				if (strncmp(one, tag, strlen(tag)))
					continue;
				one += strlen(tag);
				snprintf(want, sizeof(want), "%s\"", issuer);
				allowed |= !strcmp(one, want);
				snprintf(want, sizeof(want), "%s; accounturi=%s\"", issuer,
					 account);
				allowed |= !strcmp(one, want);
				snprintf(want, sizeof(want), "%s; validationmethods=%s\"", issuer,
					 method);
				allowed |= !strcmp(one, want);
			}
		}
		return allowed;
	}
	return 1;
}

static const char *const words[] = {
	"0 issue \"ca.test\"",
	"0 issue \"ca.test; accounturi=1\"",
	"0 issue \"ca.test; accounturi=2\"",
	"0 issue \"evil.test\"",
	"0 issue \";\"",
	"0 issuewild \"ca.test; accounturi=1\"",
	"0 issuewild \";\"",
	"0 issuewild \"evil.test\"",
	"0 iodef \"mailto:a@b\"",
	"128 future \"x\"",
	"0 issue \"ca.test; validationmethods=dns-01\"",
	"0 issue \"ca.test; validationmethods=http-01\"",
};
static const char *const names[] = { "a.b.c", "b.c", "c", "t.d.c", "d.c" };

static void make_world(struct world_entry *world, char text[][512])
{
	size_t i, k;

	for (i = 0; i < 5; i++) {
		size_t n = (size_t)rand() % 4, at = 0;

		text[i][0] = '\0';
		if (rand() % 10 == 0)
			at = (size_t)snprintf(text[i], 512, "%s",
					      rand() % 2 ? "!bogus|" : "!failed|");
		for (k = 0; k < n; k++)
			at += (size_t)snprintf(
				text[i] + at, 512 - at, "%s%s", k ? "|" : "",
				words[(size_t)rand() % (sizeof(words) / sizeof(*words))]);
		if (i < 3 && rand() % 6 == 0)
			snprintf(text[i], 512, "-> t.d.c");
		world[i] = (struct world_entry){ names[i], text[i] };
	}
	world[5] = (struct world_entry){ 0 };
}

static void random_worlds_agree_with_a_stupid_reader(void **state)
{
	static const char *const asked[] = { "a.b.c", "*.a.b.c", "*.b.c", "z.a.b.c", "c" };
	unsigned seed = 20261127;
	size_t round, i, yes = 0;

	(void)state;
	print_message("seed %u\n", seed);
	srand(seed);
	for (round = 0; round < 20000; round++) {
		struct world_entry world[6];
		char text[5][512];

		make_world(world, text);
		for (i = 0; i < 5; i++) {
			struct caa_request request = { span_str("ca.test"),
						       span_str(rand() % 2 ? "1" : "2"),
						       span_str(rand() % 2 ? "dns-01" : "http-01"),
						       false };
			char account[2] = { (char)request.account.p[0], 0 };
			struct climb_decision d;
			struct arena arena;
			struct climb c;
			int want = stupid(world, asked[i], "ca.test", account,
					  request.method.p[0] == 'd' ? "dns-01" : "http-01");

			arena_init(&arena, ARENA_MAX);
			world_climb(&c, &arena, world, asked[i],
				    round % 2 ? CLIMB_ALL : CLIMB_FIRST);
			d = climb_decide(&c, &request);
			assert_int_equal(!d.is_decided ? -1 : d.judgement.answer == CAA_PERMITTED,
					 want);
			yes += want == 1;
			arena_fini(&arena);
		}
	}
	/* All three answers are met often. */
	assert_true(yes > 10000 && yes < 80000);
}

int main(void)
{
	enum {
		ATTACKS = sizeof(attacks) / sizeof(attacks[0])
	};
	struct CMUnitTest tests[ATTACKS + 5];
	size_t i;

	for (i = 0; i < ATTACKS; i++)
		tests[i] = (struct CMUnitTest){ attacks[i].name, attack_is_seen, NULL, NULL,
						(void *)(uintptr_t)&attacks[i] };
	tests[i++] = (struct CMUnitTest)cmocka_unit_test(climb_stops_at_the_first_set);
	tests[i++] = (struct CMUnitTest)cmocka_unit_test(
		ancestors_wildcards_are_reported_and_do_not_cover);
	tests[i++] = (struct CMUnitTest)cmocka_unit_test(root_has_no_climb);
	tests[i++] = (struct CMUnitTest)cmocka_unit_test(malformed_record_makes_the_level_unknown);
	tests[i++] = (struct CMUnitTest)cmocka_unit_test(random_worlds_agree_with_a_stupid_reader);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
