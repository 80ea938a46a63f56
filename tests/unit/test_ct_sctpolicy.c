/* sctpolicy, loglist: Chrome's rules and the attacks A33, A34, A53, in one
 * table over a log list made for it; a real list read. */
#include "unit.h"

#include <stdio.h>

#include "base/text.h"
#include "ct/sctpolicy.h"
#include "vectors.h"
#include "web_pki.h"

enum {
	NOW = WEB_PKI_T0 + 10 * DAY,
	LOGS = 4,
};

/* Logs 0 and 1 are Alpha's, 2 Beta's, 3 nobody's (not in the list). */
struct scene {
	struct web_ca ca, other;
	EVP_PKEY *key;
	struct web_log log[LOGS];
	X509 *pre;
};

static int set_up(void **state)
{
	struct scene *s = mem_new(sizeof(*s));

	web_ca_init(&s->ca, "CA", NULL);
	web_ca_init(&s->other, "CA", NULL);
	s->key = web_key();
	for (size_t i = 0; i < LOGS; i++)
		web_log_init(&s->log[i], NULL);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	for (size_t i = 0; i < LOGS; i++)
		web_log_fini(&s->log[i]);
	EVP_PKEY_free(s->key);
	web_ca_fini(&s->other);
	web_ca_fini(&s->ca);
	free(s);
	return 0;
}

/* One log of the list, with further members. */
static void write_log(struct wr *w, const struct web_log *l, const char *more)
{
	wr_str(w, "{\"description\":\"l\",\"log_id\":\"");
	text_base64(w, SPAN_ARRAY(l->id));
	wr_str(w, "\",\"key\":\"");
	text_base64(w, l->spki);
	wr_printf(w, "\",\"mmd\":86400,%s}", more);
}

#define URL "\"url\":\"https://a.example/\","
#define TILED "\"submission_url\":\"https://s.example/\",\"monitoring_url\":\"https://m.example/\","
#define STATE(s) "\"state\":{\"" s "\":{\"timestamp\":\"2025-01-01T00:00:00Z\"}}"
#define USABLE URL STATE("usable")

struct how {
	const char *a0, *a1, *b; /* members of the three logs */
};

static struct span write_list(struct scene *s, uint8_t *room, size_t cap, const struct how *how,
			      const char *made)
{
	struct wr w = wr_over(room, cap);

	wr_printf(&w, "{\"version\":\"1.2\",\"log_list_timestamp\":\"%s\",\"operators\":["
		      "{\"name\":\"Alpha\",\"email\":[],\"logs\":[",
		  made);
	write_log(&w, &s->log[0], how->a0);
	wr_str(&w, ",");
	write_log(&w, &s->log[1], how->a1);
	wr_str(&w, "]},{\"name\":\"Beta\",\"logs\":[],\"tiled_logs\":[");
	write_log(&w, &s->log[2], how->b);
	wr_str(&w, "]}]}");
	assert_false(w.over);
	return wr_span(&w);
}

static void policy(void **state)
{
	static const struct how usual = { USABLE, USABLE, TILED STATE("usable") };
	static const struct {
		const char *name;
		struct how how;
		const char *made;
		unsigned logs; /* bit n: SCT of log n */
		int days; /* of life */
		int64_t at; /* of the SCTs */
		bool by_other_issuer;
		enum sctpolicy_reason want;
		enum sctpolicy_sct first; /* state of the first SCT */
		/* clang-format off */
	} cases[] = {
		{ "two_operators_pass", { 0 }, NULL, 5, 90, 0, false,
		  SCTPOLICY_OK, SCTPOLICY_SCT_OK },
		{ "three_for_a_long_life_pass", { 0 }, NULL, 7, 181, 0, false,
		  SCTPOLICY_OK, SCTPOLICY_SCT_OK },
		{ "two_for_a_long_life", { 0 }, NULL, 5, 181, 0, false,
		  SCTPOLICY_TOO_FEW, SCTPOLICY_SCT_OK },
		{ "two_for_180_days_pass", { 0 }, NULL, 5, 180, 0, false,
		  SCTPOLICY_OK, SCTPOLICY_SCT_OK },
		{ "A33_none", { 0 }, NULL, 0, 90, 0, false, SCTPOLICY_NO_SCTS, SCTPOLICY_SCT_OK },
		{ "A33_one", { 0 }, NULL, 1, 90, 0, false, SCTPOLICY_TOO_FEW, SCTPOLICY_SCT_OK },
		{ "A33_one_operator", { 0 }, NULL, 3, 90, 0, false,
		  SCTPOLICY_ONE_OPERATOR, SCTPOLICY_SCT_OK },
		{ "A34_unknown_log", { 0 }, NULL, 12, 90, 0, false,
		  SCTPOLICY_TOO_FEW, SCTPOLICY_SCT_OK },
		{ "A34_only_unknown", { 0 }, NULL, 8, 90, 0, false,
		  SCTPOLICY_TOO_FEW, SCTPOLICY_SCT_UNKNOWN_LOG },
		{ "A34_rejected_log",
		  { URL STATE("rejected"), USABLE, TILED STATE("usable") },
		  NULL,
		  5,
		  90,
		  0,
		  false,
		  SCTPOLICY_TOO_FEW,
		  SCTPOLICY_SCT_REJECTED_LOG },
		{ "A34_pending_log",
		  { URL STATE("pending"), USABLE, TILED STATE("usable") },
		  NULL,
		  5,
		  90,
		  0,
		  false,
		  SCTPOLICY_TOO_FEW,
		  SCTPOLICY_SCT_PENDING_LOG },
		{ "A34_test_log",
		  { URL "\"log_type\":\"test\"," STATE("usable"), USABLE, TILED STATE("usable") },
		  NULL,
		  5,
		  90,
		  0,
		  false,
		  SCTPOLICY_TOO_FEW,
		  SCTPOLICY_SCT_TEST_LOG },
		{ "log_of_the_prod_type_passes",
		  { URL "\"log_type\":\"prod\"," STATE("usable"), USABLE, TILED STATE("usable") },
		  NULL,
		  5,
		  90,
		  0,
		  false,
		  SCTPOLICY_OK,
		  SCTPOLICY_SCT_OK },
		{ "A34_made_after_retirement",
		  { URL STATE("retired"), USABLE, TILED STATE("usable") },
		  NULL,
		  5,
		  90,
		  0,
		  false,
		  SCTPOLICY_TOO_FEW,
		  SCTPOLICY_SCT_AFTER_RETIREMENT },
		{ "made_before_retirement_passes",
		  { URL "\"state\":{\"retired\":{\"timestamp\":\"2026-01-05T00:00:00Z\"}}", USABLE,
		    TILED STATE("usable") },
		  NULL,
		  5,
		  90,
		  0,
		  false,
		  SCTPOLICY_OK,
		  SCTPOLICY_SCT_OK },
		{ "all_retired_since",
		  { URL "\"state\":{\"retired\":{\"timestamp\":\"2026-01-05T00:00:00Z\"}}", USABLE,
		    TILED "\"state\":{\"retired\":{\"timestamp\":\"2026-01-05T00:00:00Z\"}}" },
		  NULL,
		  5,
		  90,
		  0,
		  false,
		  SCTPOLICY_NO_CURRENT_LOG,
		  SCTPOLICY_SCT_OK },
		{ "read_only_is_current",
		  { URL STATE("readonly"), USABLE, TILED STATE("qualified") },
		  NULL,
		  5,
		  90,
		  0,
		  false,
		  SCTPOLICY_OK,
		  SCTPOLICY_SCT_OK },
		{ "A34_wrong_issuer_key_hash", { 0 }, NULL, 5, 90, 0, true,
		  SCTPOLICY_TOO_FEW, SCTPOLICY_SCT_BAD_SIGNATURE },
		{ "A34_from_the_future", { 0 }, NULL, 5, 90, 11 * DAY, false,
		  SCTPOLICY_TOO_FEW, SCTPOLICY_SCT_FUTURE },
		{ "expiry_outside_of_the_logs_interval",
		  { URL "\"temporal_interval\":{\"start_inclusive\":\"2027-01-01T00:00:00Z\","
			"\"end_exclusive\":\"2028-01-01T00:00:00Z\"}," STATE("usable"),
		    USABLE, TILED STATE("usable") },
		  NULL,
		  5,
		  90,
		  0,
		  false,
		  SCTPOLICY_TOO_FEW,
		  SCTPOLICY_SCT_WRONG_INTERVAL },
		{ "expiry_inside_passes",
		  { URL "\"temporal_interval\":{\"start_inclusive\":\"2026-01-01T00:00:00Z\","
			"\"end_exclusive\":\"2027-01-01T00:00:00Z\"}," STATE("usable"),
		    USABLE, TILED STATE("usable") },
		  NULL,
		  5,
		  90,
		  0,
		  false,
		  SCTPOLICY_OK,
		  SCTPOLICY_SCT_OK },
		{ "operator_at_the_time_counts", /* Alpha's then, Beta's now */
		  { USABLE, USABLE,
		    TILED "\"previous_operators\":[{\"name\":\"Alpha\",\"end_time\":"
			  "\"2026-01-03T00:00:00Z\"}]," STATE("usable") },
		  NULL,
		  5,
		  90,
		  0,
		  false,
		  SCTPOLICY_ONE_OPERATOR,
		  SCTPOLICY_SCT_OK },
		{ "A53_stale_list", { 0 }, "2025-10-01T00:00:00Z", 5, 90, 0, false,
		  SCTPOLICY_OLD_LIST, SCTPOLICY_SCT_OK },
	};
	/* clang-format on */
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct web_log *logs[LOGS];
		struct web_spec spec = { .name = "a.example",
					 .key = s->key,
					 .issuer = s->ca.x,
					 .issuer_key = s->ca.key,
					 .from = WEB_PKI_T0,
					 .until = WEB_PKI_T0 + (int64_t)cases[i].days * DAY,
					 .san = "DNS:a.example" };
		int64_t at = WEB_PKI_T0 + cases[i].at;
		struct sctpolicy_verdict v;
		struct loglist list;
		struct arena arena;
		struct web_cert c;
		uint8_t room[8192];
		size_t n = 0;
		struct span der;
		X509 *x;

		print_message("%s\n", cases[i].name);
		for (size_t k = 0; k < LOGS; k++)
			if (cases[i].logs >> k & 1)
				logs[n++] = &s->log[k];
		x = n ? web_issue_logged(spec, logs, n, (uint64_t)at * 1000, NULL)
		      : web_issue(&spec);
		der = web_der(x);
		assert_int_equal(web_parse(&c, der), RC_OK);
		arena_init(&arena, LOGLIST_ARENA);
		assert_int_equal(
			loglist_read(&list, &arena,
				     write_list(s, room, sizeof(room),
						cases[i].how.a0 ? &cases[i].how : &usual,
						cases[i].made ? cases[i].made
							      : "2026-01-09T00:00:00Z")),
			RC_OK);
		sctpolicy_judge(&v, &c, cases[i].by_other_issuer ? &s->other.view : &s->ca.view,
				&list, NOW);
		assert_int_equal(v.reason, cases[i].want);
		assert_int_equal(v.count, n);
		if (n)
			assert_int_equal(v.one[0].state, cases[i].first);
		arena_fini(&arena);
		web_free_der(der);
		X509_free(x);
	}
}

static void list_refusals(void **state)
{
	static const struct {
		const char *name;
		struct how how;
		enum rc want;
	} cases[] = {
		{ "good", { USABLE, USABLE, TILED STATE("usable") }, RC_OK },
		{ "no_state_is_pending", { URL "\"x\":1", USABLE, TILED STATE("usable") }, RC_OK },
		{ "unknown_state",
		  { URL STATE("blessed"), USABLE, TILED STATE("usable") },
		  RC_MALFORMED },
		{ "two_states",
		  { URL "\"state\":{\"usable\":{\"timestamp\":\"2025-01-01T00:00:00Z\"},"
			"\"retired\":{\"timestamp\":\"2025-01-01T00:00:00Z\"}}",
		    USABLE, TILED STATE("usable") },
		  RC_MALFORMED },
		{ "no_url", { STATE("usable"), USABLE, TILED STATE("usable") }, RC_MALFORMED },
		{ "tiled_without_monitoring_url", { USABLE, USABLE, USABLE }, RC_MALFORMED },
		{ "interval_backwards",
		  { URL "\"temporal_interval\":{\"start_inclusive\":\"2028-01-01T00:00:00Z\","
			"\"end_exclusive\":\"2027-01-01T00:00:00Z\"}," STATE("usable"),
		    USABLE, TILED STATE("usable") },
		  RC_MALFORMED },
		{ "final_tree_head",
		  { URL "\"state\":{\"readonly\":{\"timestamp\":\"2025-01-01T00:00:00Z\","
			"\"final_tree_head\":{\"tree_size\":5,\"sha256_root_hash\":"
			"\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}}}",
		    USABLE, TILED STATE("usable") },
		  RC_OK },
		{ "final_tree_head_without_root",
		  { URL "\"state\":{\"readonly\":{\"timestamp\":\"2025-01-01T00:00:00Z\","
			"\"final_tree_head\":{\"tree_size\":5}}}",
		    USABLE, TILED STATE("usable") },
		  RC_MALFORMED },
	};
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t room[8192];
		struct loglist list = { .count = 99 };
		struct arena arena;
		struct span json = write_list(s, room, sizeof(room), &cases[i].how,
					      "2026-01-09T00:00:00Z");

		print_message("%s\n", cases[i].name);
		arena_init(&arena, LOGLIST_ARENA);
		assert_int_equal(loglist_read(&list, &arena, json), cases[i].want);
		assert_int_equal(list.count, cases[i].want ? 99 : 3);
		for (size_t cut = 0; cut < json.n; cut += 17)
			assert_int_not_equal(loglist_read(&list, &arena, span_of(json.p, cut)),
					     RC_OK);
		arena_fini(&arena);
	}
}

/* A53: the attacker's log under a real log's id, or the same id twice. */
static void ids_are_hashes_of_keys(void **state)
{
	struct scene *s = *state;
	struct how how = { USABLE, USABLE, TILED STATE("usable") };
	struct web_log kept = s->log[1];
	struct loglist list;
	struct arena arena;
	uint8_t room[8192];

	arena_init(&arena, LOGLIST_ARENA);
	s->log[1].spki = s->log[0].spki;
	assert_int_equal(loglist_read(&list, &arena,
				      write_list(s, room, sizeof(room), &how,
						 "2026-01-09T00:00:00Z")),
			 RC_MALFORMED);
	s->log[1] = s->log[0];
	assert_int_equal(loglist_read(&list, &arena,
				      write_list(s, room, sizeof(room), &how,
						 "2026-01-09T00:00:00Z")),
			 RC_MALFORMED);
	s->log[1] = kept;
	arena_fini(&arena);
}

/* A53: a list is believed with the pinned key's signature only. */
static void list_signature(void **state)
{
	struct scene *s = *state;
	struct web_log rsa;
	const struct web_log *keys[2] = { &s->log[0], &rsa };
	static const char json[] = "{\"operators\":[]}";

	web_log_init(&rsa, web_rsa(2048));
	for (size_t i = 0; i < 2; i++) {
		uint8_t room[1024];
		struct wr w = WR_ARRAY(room);
		struct span sig;

		web_log_sign(&w, keys[i], span_str(json));
		sig = wr_span(&w);
		assert_true(rd_skip(&sig, 4)); /* by itself, not DigitallySigned */
		assert_true(loglist_signed(span_str(json), sig, keys[i]->spki));
		assert_false(loglist_signed(span_str(json), sig, s->log[2].spki));
		assert_false(loglist_signed(span_str("{\"operators\":[ ]}"), sig, keys[i]->spki));
		assert_false(loglist_signed(span_str(json), span_of(sig.p, sig.n - 1),
					    keys[i]->spki));
		assert_false(loglist_signed(span_str(json), sig, span_str("no key")));
	}
	web_log_fini(&rsa);
}

static void real_list_read(void **state)
{
	static const char id[] = "KTxRllTIOWW6qlD8WAfUt2+/WHopctykwwz05UVH9Hg=";
	struct span json = vector_load("tests/vectors/ct/log_list_2022.json");
	const struct loglist_log *log;
	struct loglist list;
	struct arena arena;
	uint8_t bytes[32];
	size_t n;

	(void)state;
	arena_init(&arena, LOGLIST_ARENA);
	assert_int_equal(loglist_read(&list, &arena, json), RC_OK);
	assert_true(span_equal_str(list.version, "9.4"));
	assert_int_equal(list.made_at, 1651841711); /* 2022-05-06T12:55:11Z */
	assert_int_equal(list.count, 6);
	assert_true(text_base64_decode(bytes, sizeof(bytes), &n, span_str(id)));
	log = loglist_find(&list, bytes);
	assert_non_null(log);
	assert_true(span_equal_str(log->description, "Google 'Icarus' log"));
	assert_true(span_equal_str(log->operator_name, "Google"));
	assert_int_equal(log->state, LOGLIST_USABLE);
	assert_false(log->is_tiled);
	bytes[0] ^= 1;
	assert_null(loglist_find(&list, bytes));
	arena_fini(&arena);
	vector_free(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policy),
		cmocka_unit_test(list_refusals),
		cmocka_unit_test(ids_are_hashes_of_keys),
		cmocka_unit_test(list_signature),
		cmocka_unit_test(real_list_read),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
