/* policy_platform: machines by family, configuration and PPID; signed lists. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "policy_made.h"

static void platforms(void **state)
{
	static const struct {
		const char *name, *yaml;
		enum tee_reason want;
		const char *detail;
	} cases[] = {
		{ "no_lists_any", "platforms: {}", TEE_OK, "" },
		{ "family_listed", "platforms: {fmspc: [000000000000, b0C06f000000]}", TEE_OK, "" },
		{ "family_not_listed", "platforms: {fmspc: [00906ea10000]}", TEE_POLICY_FMSPC,
		  "platforms.fmspc: expected a listed one, found b0c06f000000" },
		{ "no_family_listed", "platforms: {fmspc: []}", TEE_POLICY_FMSPC, "fmspc" },
		{ "allowed", "platforms: {allow: [{ppid: " OTHER "}, {ppid: " PPID "}]}", TEE_OK,
		  "" },
		{ "not_allowed", "platforms: {allow: [{ppid: " OTHER "}]}", TEE_POLICY_PLATFORM,
		  "platforms.allow: expected a listed ppid, found " PPID },
		{ "nobody_allowed", "platforms: {allow: []}", TEE_POLICY_PLATFORM,
		  "platforms.allow" },
		{ "allowed_to_the_second",
		  "platforms: {allow: [{ppid: " PPID ", until: 2027-01-15T08:00:00Z}]}", TEE_OK,
		  "" },
		{ "allowance_over",
		  "platforms: {allow: [{ppid: " PPID ", until: 2027-01-15T07:59:59Z}]}",
		  TEE_POLICY_PLATFORM,
		  "found " PPID ", listed until 2027-01-15T07:59:59Z" },
		{ "the_longer_of_two_entries_counts",
		  "platforms: {allow: [{ppid: " PPID "}, {ppid: " PPID
		  ", until: 2020-01-01T00:00:00Z}]}",
		  TEE_OK, "" },
		{ "instance_too",
		  "platforms: {allow: [{ppid: " PPID
		  ", instance: 1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d}]}",
		  TEE_OK, "" },
		{ "another_instance",
		  "platforms: {allow: [{ppid: " PPID
		  ", instance: 1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1e}]}",
		  TEE_POLICY_PLATFORM, "platforms.allow" },
		{ "another_instance_denied",
		  "platforms: {deny: [{ppid: " PPID
		  ", instance: 1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1e}]}",
		  TEE_OK, "" },
		{ "denied", "platforms: {deny: [{ppid: " PPID "}]}", TEE_POLICY_PLATFORM,
		  "platforms.deny: expected a ppid not listed, found " PPID },
		{ "another_denied", "platforms: {deny: [{ppid: " OTHER "}]}", TEE_OK, "" },
		{ "denied_before_allowed",
		  "platforms: {allow: [{ppid: " PPID "}], deny: [{ppid: " PPID "}]}",
		  TEE_POLICY_PLATFORM, "platforms.deny" },
		{ "denied_to_the_second",
		  "platforms: {deny: [{ppid: " PPID ", until: 2027-01-15T08:00:00Z}]}",
		  TEE_POLICY_PLATFORM, "platforms.deny" },
		{ "denial_over",
		  "platforms: {deny: [{ppid: " PPID ", until: 2027-01-15T07:59:59Z}]}", TEE_OK,
		  "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct made m;

		print_message("%s\n", cases[i].name);
		make(&m);
		assert_int_equal(check_text(&m, cases[i].yaml), cases[i].want);
		assert_non_null(strstr(m.v.detail, cases[i].detail));
	}
}

/* What the PCK certificate says of the machine. */
static void configuration(void **state)
{
	enum {
		SMT = 1,
		DYNAMIC = 2,
		CACHED = 4,
		SILENT = 8, /* a Processor CA's certificate */
	};
	static const struct {
		const char *name, *yaml;
		enum pck_sgx_type type;
		unsigned says;
		const char *detail; /* NULL: accepted */
	} cases[] = {
		{ "any_by_default", "", PCK_STANDARD, SMT | DYNAMIC | CACHED, NULL },
		{ "nothing_said_by_default", "", PCK_STANDARD, SILENT, NULL },
		{ "smt", "platforms: {smt: false}", PCK_SCALABLE, SMT,
		  "platforms.smt: expected false in the PCK certificate, found true" },
		{ "not_smt", "platforms: {smt: false}", PCK_SCALABLE, DYNAMIC | CACHED, NULL },
		{ "smt_not_said", "platforms: {smt: false}", PCK_STANDARD, SILENT,
		  "platforms.smt: expected false in the PCK certificate, found nothing" },
		{ "dynamic", "platforms: {dynamic: false}", PCK_SCALABLE, DYNAMIC,
		  "platforms.dynamic: expected false" },
		{ "not_dynamic", "platforms: {dynamic: false}", PCK_SCALABLE, SMT | CACHED, NULL },
		{ "cached_keys", "platforms: {cached_keys: false}", PCK_SCALABLE, CACHED,
		  "platforms.cached_keys: expected false" },
		{ "no_cached_keys", "platforms: {cached_keys: false}", PCK_SCALABLE, SMT | DYNAMIC,
		  NULL },
		{ "type_listed",
		  "platforms: {sgx_type: [scalable-with-integrity, scalable]}", PCK_SCALABLE, 0,
		  NULL },
		{ "type_not_listed", "platforms: {sgx_type: [scalable-with-integrity]}",
		  PCK_SCALABLE, 0, "platforms.sgx_type: expected a listed one, found scalable" },
		{ "integrity_not_listed", "platforms: {sgx_type: [standard]}",
		  PCK_SCALABLE_WITH_INTEGRITY, 0, "found scalable-with-integrity" },
		{ "no_type_listed", "platforms: {sgx_type: []}", PCK_STANDARD, 0,
		  "platforms.sgx_type" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct made m;

		print_message("%s\n", cases[i].name);
		make(&m);
		m.v.pck.sgx_type = cases[i].type;
		m.v.pck.has_platform = !(cases[i].says & SILENT);
		m.v.pck.smt_enabled = cases[i].says & SMT;
		m.v.pck.dynamic_platform = cases[i].says & DYNAMIC;
		m.v.pck.cached_keys = cases[i].says & CACHED;
		assert_int_equal(check_text(&m, cases[i].yaml),
				 cases[i].detail ? TEE_POLICY_CONFIGURATION : TEE_OK);
		assert_non_null(strstr(m.v.detail, cases[i].detail ? cases[i].detail : ""));
	}
}

/* What a signed list holds, and what the policy demands of it. */
struct list_case {
	const char *name;
	struct platform platform;
	bool is_ours; /* the platform's PPID is the verdict's */
	struct platform_list list;
	struct policy_list wants;
	enum {
		GIVEN,
		MISSING,
		CUT,
		OTHER_KEY
	} fault;
	enum tee_reason want;
	const char *detail;
};

/* clang-format off */
/* What is not said is put in by judge(). */
#define LIST(...) .list = { __VA_ARGS__ }
#define WANTS(...) .wants = { .name = "ours", __VA_ARGS__ }
#define DENY .use = PLATFORM_DENY

enum {
	DAY = 86400,
};

static const struct list_case list_cases[] = {
	{ "allowed", .is_ours = true, LIST(), WANTS(), .want = TEE_OK, .detail = "" },
	{ "not_allowed", LIST(), WANTS(), .want = TEE_POLICY_PLATFORM,
	  .detail = "platforms.lists: expected a listed ppid, found " PPID },
	{ "denied", .is_ours = true, LIST(DENY), WANTS(DENY), .want = TEE_POLICY_PLATFORM,
	  .detail = "platforms.lists[0] (ours): expected a ppid not listed, found " PPID },
	{ "not_denied", LIST(DENY), WANTS(DENY), .want = TEE_OK, .detail = "" },
	{ "entry_to_the_second", .is_ours = true, .platform = { .until = NOW }, LIST(), WANTS(), .want = TEE_OK, .detail = "" },
	{ "entry_over", .is_ours = true, .platform = { .until = NOW - 1 }, LIST(), WANTS(), .want = TEE_POLICY_PLATFORM, .detail = "" },
	{ "denial_over", .is_ours = true, .platform = { .until = NOW - 1 }, LIST(DENY), WANTS(DENY), .want = TEE_OK, .detail = "" },
	{ "another_instance", .is_ours = true, .platform = { .instance = { 1 } }, LIST(), WANTS(), .want = TEE_POLICY_PLATFORM, .detail = "" },
	{ "level_reached", .is_ours = true, .platform = { .level = 2 }, LIST(), WANTS(.min_level = 2), .want = TEE_OK, .detail = "" },
	{ "level_not_reached", .is_ours = true, .platform = { .level = 1 }, LIST(), WANTS(.min_level = 2), .want = TEE_POLICY_PLATFORM, .detail = "" },
	{ "level_not_said", .is_ours = true, LIST(), WANTS(.min_level = 1), .want = TEE_POLICY_PLATFORM, .detail = "" },
	{ "operator", .is_ours = true, .platform = { .operator = "we" }, LIST(), WANTS(.operator = "we"), .want = TEE_OK, .detail = "" },
	{ "another_operator", .is_ours = true, .platform = { .operator = "they" }, LIST(), WANTS(.operator = "we"), .want = TEE_POLICY_PLATFORM, .detail = "" },
	{ "operator_not_said", .is_ours = true, LIST(), WANTS(.operator = "we"), .want = TEE_POLICY_PLATFORM, .detail = "" },
	{ "last_second", .is_ours = true, LIST(.expires_at = NOW), WANTS(), .want = TEE_OK, .detail = "" },
	{ "expired", .is_ours = true, LIST(.expires_at = NOW - 1), WANTS(), .want = TEE_LIST_EXPIRED,
	  .detail = "platforms.lists[0] (ours): expected one in force, found one until 2027-01-15T07:59:59Z" },
	{ "deny_list_expired", LIST(DENY, .expires_at = NOW - 1), WANTS(DENY), .want = TEE_LIST_EXPIRED, .detail = "until" },
	{ "first_second", .is_ours = true, LIST(.issued_at = NOW), WANTS(), .want = TEE_OK, .detail = "" },
	{ "not_yet", .is_ours = true, LIST(.issued_at = NOW + 1), WANTS(), .want = TEE_LIST_NOT_YET,
	  .detail = "platforms.lists[0] (ours): expected one in force, found one from 2027-01-15T08:00:01Z" },
	{ "serial_wanted", .is_ours = true, LIST(), WANTS(.min_serial = 12), .want = TEE_OK, .detail = "" },
	{ "older", .is_ours = true, LIST(), WANTS(.min_serial = 13), .want = TEE_LIST_STALE,
	  .detail = "platforms.lists[0] (ours): expected serial 13 or later, found 12" },
	{ "deny_list_in_place_of_allow_list", LIST(DENY), WANTS(), .want = TEE_LIST_MISMATCH,
	  .detail = "platforms.lists[0] (ours): expected use allow and this name, found deny of ours" },
	{ "another_list_of_that_signer", .is_ours = true, LIST(.name = "theirs"), WANTS(), .want = TEE_LIST_MISMATCH, .detail = "found allow of theirs" },
	{ "missing", LIST(), WANTS(), .fault = MISSING, .want = TEE_LIST_MISSING,
	  .detail = "platforms.lists[0] (ours): expected a list, found none" },
	{ "deny_list_missing", LIST(DENY), WANTS(DENY), .fault = MISSING, .want = TEE_LIST_MISSING, .detail = "" },
	{ "cut", .is_ours = true, LIST(), WANTS(), .fault = CUT, .want = TEE_LIST_MALFORMED,
	  .detail = "platforms.lists[0] (ours): expected a list, found what has not its form" },
	{ "by_another_key", .is_ours = true, LIST(), WANTS(), .fault = OTHER_KEY, .want = TEE_LIST_SIGNATURE,
	  .detail = "platforms.lists[0] (ours): expected a signature by its key, found another" },
};
/* clang-format on */

static void judge(const struct list_case *c, const struct p256_private *key,
		  const struct p256_private *other)
{
	struct platform entry = c->platform;
	struct platform_list list = c->list;
	struct policy_list wanted = c->wants;
	struct tee_policy p = tee_policy_default;
	char room[2048];
	struct wr w = WR_ARRAY(room);
	struct arena arena;
	struct made m;

	if (!list.name)
		list.name = "ours";
	if (!list.issued_at)
		list.issued_at = NOW - DAY;
	if (!list.expires_at)
		list.expires_at = NOW + DAY;
	list.serial = 12;
	make(&m);
	memcpy(entry.ppid, m.v.ppid, sizeof(entry.ppid));
	entry.ppid[15] ^= !c->is_ours;
	list.platforms = &entry;
	list.count = 1;
	platforms_write(&w, &list, c->fault == OTHER_KEY ? other : key);
	p256_private_point(key, &wanted.key);
	wanted.state = TEE_LIST_MISSING;
	p.lists = &wanted;
	p.list_count = 1;
	p.clock_skew_s = 0;
	arena_init(&arena, 65536);
	if (c->fault != MISSING)
		policy_list_give(&wanted, &arena,
				 span_of(room, w.n - (c->fault == CUT ? 10 : 0)));
	assert_int_equal(policy_check(&m.v, &p), c->want);
	assert_non_null(strstr(m.v.detail, c->detail));
	/* Nothing written in the policy makes up for a list out of order. */
	if (c->want != TEE_OK && c->want != TEE_POLICY_PLATFORM) {
		entry.ppid[15] ^= !c->is_ours;
		p.has_allowed = true;
		p.allowed = &entry;
		p.allowed_count = 1;
		assert_int_equal(policy_check(&m.v, &p), c->want);
	}
	arena_fini(&arena);
}

static void signed_lists(void **state)
{
	struct p256_private *key = p256_private_generate();
	struct p256_private *other = p256_private_generate();

	(void)state;
	for (size_t i = 0; i < sizeof(list_cases) / sizeof(list_cases[0]); i++) {
		print_message("%s\n", list_cases[i].name);
		judge(&list_cases[i], key, other);
	}
	p256_private_free(key);
	p256_private_free(other);
}

/* Any allow list allows, any deny list denies, and the skew is for both. */
static void lists_together(void **state)
{
	struct policy_list lists[2] = {
		{ .name = "a", .use = PLATFORM_ALLOW },
		{ .name = "b", .use = PLATFORM_ALLOW },
	};
	struct tee_policy p = tee_policy_default;
	struct platform ours = { 0 }, theirs = { .ppid = { 9 } };
	struct made m;

	(void)state;
	make(&m);
	memcpy(ours.ppid, m.v.ppid, sizeof(ours.ppid));
	for (size_t i = 0; i < 2; i++)
		lists[i].list = (struct platform_list){ .issued_at = NOW - 1,
							.expires_at = NOW + 1,
							.platforms = i ? &ours : &theirs,
							.count = 1 };
	p.lists = lists;
	p.list_count = 2;
	assert_int_equal(policy_check(&m.v, &p), TEE_OK);
	p.has_allowed = true; /* and empty: the lists still allow */
	assert_int_equal(policy_check(&m.v, &p), TEE_OK);
	p.list_count = 1;
	assert_int_equal(policy_check(&m.v, &p), TEE_POLICY_PLATFORM);
	assert_non_null(strstr(m.v.detail, "platforms.allow: expected a listed ppid"));
	p.allowed = &ours; /* the policy allows what no list does */
	p.allowed_count = 1;
	assert_int_equal(policy_check(&m.v, &p), TEE_OK);
	p.list_count = 2;
	lists[1].use = PLATFORM_DENY;
	assert_int_equal(policy_check(&m.v, &p), TEE_POLICY_PLATFORM);
	assert_non_null(strstr(m.v.detail, "platforms.lists[1] (b): expected a ppid not"));
	lists[1].list.platforms = &theirs;
	lists[0].list.issued_at = NOW + 300;
	p.clock_skew_s = 299;
	assert_int_equal(policy_check(&m.v, &p), TEE_LIST_NOT_YET);
	p.clock_skew_s = 300;
	assert_int_equal(policy_check(&m.v, &p), TEE_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(platforms),
		cmocka_unit_test(configuration),
		cmocka_unit_test(signed_lists),
		cmocka_unit_test(lists_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
