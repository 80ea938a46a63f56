/* rfc6962: questions as they go out, answers read, every refusal. */
#include "unit.h"

#include "ct/rfc6962.h"
#include "vectors.h"

#define HASH "LcGcZRsm+LGYmrlyC5LXhV1T6OD8iH5dNlb0sEJl9bA="

static void questions(void **state)
{
	struct span log = span_str("https://log.example/2026/");
	struct merkle_hash leaf = { .b = { 0xfb, 0xff } };
	struct web_ask a = { 0 };

	(void)state;
	assert_int_equal(rfc6962_ask_sth(&a, log), RC_OK);
	assert_string_equal(a.url, "https://log.example/2026/ct/v1/get-sth");
	log.n--; /* without the slash it is the same */
	assert_int_equal(rfc6962_ask_sth(&a, log), RC_OK);
	assert_string_equal(a.url, "https://log.example/2026/ct/v1/get-sth");
	assert_int_equal(rfc6962_ask_entries(&a, log, 5, UINT64_MAX), RC_OK);
	assert_string_equal(a.url, "https://log.example/2026/ct/v1/get-entries?start=5"
				   "&end=18446744073709551615");
	assert_int_equal(rfc6962_ask_consistency(&a, log, 5, 9), RC_OK);
	assert_string_equal(a.url,
			    "https://log.example/2026/ct/v1/get-sth-consistency?first=5&second=9");
	assert_int_equal(rfc6962_ask_proof(&a, log, &leaf, 9), RC_OK);
	assert_string_equal(a.url, "https://log.example/2026/ct/v1/get-proof-by-hash?hash="
				   "%2B%2F8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%3D"
				   "&tree_size=9");
	assert_int_equal(rfc6962_ask_sth(&a, span_str("ftp://log.example")), RC_MALFORMED);
	web_ask_fini(&a);
}

static void heads(void **state)
{
	static const struct {
		const char *name, *json;
		enum rc want;
	} cases[] = {
		{ "good",
		  "{\"tree_size\":7,\"timestamp\":9,\"sha256_root_hash\":\"" HASH
		  "\",\"tree_head_signature\":\"BAMAAqvN\"}",
		  RC_OK },
		{ "no_size",
		  "{\"timestamp\":9,\"sha256_root_hash\":\"" HASH
		  "\",\"tree_head_signature\":\"BAMAAqvN\"}",
		  RC_MALFORMED },
		{ "size_as_text",
		  "{\"tree_size\":\"7\",\"timestamp\":9,\"sha256_root_hash\":\"" HASH
		  "\",\"tree_head_signature\":\"BAMAAqvN\"}",
		  RC_MALFORMED },
		{ "short_root",
		  "{\"tree_size\":7,\"timestamp\":9,\"sha256_root_hash\":\"AAAA\","
		  "\"tree_head_signature\":\"BAMAAqvN\"}",
		  RC_MALFORMED },
		{ "A51_size_twice",
		  "{\"tree_size\":7,\"tree_size\":8,\"timestamp\":9,\"sha256_root_hash\":\"" HASH
		  "\",\"tree_head_signature\":\"BAMAAqvN\"}",
		  RC_MALFORMED },
		{ "base64_junk",
		  "{\"tree_size\":7,\"timestamp\":9,\"sha256_root_hash\":\"" HASH
		  "\",\"tree_head_signature\":\"BAMAAqv*\"}",
		  RC_MALFORMED },
		{ "page", "<html>", RC_MALFORMED },
		{ "array", "[]", RC_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(arena_fini)
		struct arena arena;
		struct sth s = { .timestamp_ms = 77 };

		print_message("%s\n", cases[i].name);
		arena_init(&arena, 1 << 20);
		assert_int_equal(rfc6962_read_sth(&s, &arena, span_str(cases[i].json)),
				 cases[i].want);
		assert_int_equal(s.timestamp_ms, cases[i].want ? 77 : 9);
		if (!cases[i].want)
			assert_int_equal(s.signature_len, 6);
	}
}

static void entries(void **state)
{
	static const char good[] = "{\"entries\":[{\"leaf_input\":\"AAE=\",\"extra_data\":\"\"},"
				   "{\"leaf_input\":\"AAI=\",\"extra_data\":\"AAAA\"}]}";
	static const char *const bad[] = {
		"{\"entries\":[]}",
		"{\"entries\":{}}",
		"{}",
		"{\"entries\":[{\"leaf_input\":\"AAE=\"}]}",
		"{\"entries\":[{\"extra_data\":\"AAE=\"}]}",
		"{\"entries\":[{\"leaf_input\":\"AAE\",\"extra_data\":\"\"}]}",
		"{\"error_message\":\"no\"}",
	};
	AUTO(arena_fini)
	struct arena arena;
	struct rfc6962_entry e[4];
	size_t n = 77;

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(rfc6962_read_entries(e, &n, 4, &arena, span_str(good)), RC_OK);
	assert_int_equal(n, 2);
	assert_int_equal(e[1].leaf_input.n, 2);
	assert_int_equal(e[1].leaf_input.p[1], 2);
	assert_int_equal(e[0].extra_data.n, 0);
	assert_int_equal(e[1].extra_data.n, 3);
	n = 77;
	/* more than was asked for */
	assert_int_equal(rfc6962_read_entries(e, &n, 1, &arena, span_str(good)), RC_LIMIT);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(rfc6962_read_entries(e, &n, 4, &arena, span_str(bad[i])),
				 RC_MALFORMED);
	assert_int_equal(n, 77);
}

static void proofs(void **state)
{
	AUTO(arena_fini)
	struct arena arena;
	struct treeproof p = { .count = 77 };
	char text[8192];
	struct wr w = WR_ARRAY(text);
	uint64_t index = 5;

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(rfc6962_read_consistency(&p, &arena, span_str("{\"consistency\":[]}")),
			 RC_OK);
	assert_int_equal(p.count, 0);
	assert_int_equal(
		rfc6962_read_consistency(&p, &arena,
					 span_str("{\"consistency\":[\"" HASH "\"]}")),
		RC_OK);
	assert_int_equal(p.count, 1);
	assert_int_equal(
		rfc6962_read_consistency(&p, &arena, span_str("{\"consistency\":[\"AAAA\"]}")),
		RC_MALFORMED);
	assert_int_equal(rfc6962_read_consistency(&p, &arena, span_str("{}")), RC_MALFORMED);
	assert_int_equal(
		rfc6962_read_proof(&p, &index, &arena, span_str("{\"leaf_index\":3,\"audit_path\":"
								"[\"" HASH "\",\"" HASH "\"]}")),
		RC_OK);
	assert_int_equal(index, 3);
	assert_int_equal(p.count, 2);
	assert_int_equal(
		rfc6962_read_proof(&p, &index, &arena, span_str("{\"audit_path\":[]}")),
		RC_MALFORMED);
	wr_str(&w, "{\"consistency\":[");
	for (int i = 0; i <= TREEPROOF_MAX; i++)
		wr_printf(&w, "%s\"" HASH "\"", i ? "," : "");
	wr_str(&w, "]}");
	assert_int_equal(rfc6962_read_consistency(&p, &arena, wr_span(&w)), RC_LIMIT);
	assert_int_equal(p.count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions),
		cmocka_unit_test(heads),
		cmocka_unit_test(entries),
		cmocka_unit_test(proofs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
