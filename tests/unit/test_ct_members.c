/* Every member of what logs and their list say, odd in every way; and the bounds. */
#include "unit.h"

#include "base/buf.h"
#include "base/text.h"
#include "ct/loglist.h"
#include "ct/rfc6962.h"
#include "json_odd.h"

#define HASH "LcGcZRsm+LGYmrlyC5LXhV1T6OD8iH5dNlb0sEJl9bA="
/* Keys of three bytes, and their hashes. */
#define KEY_A "\"key\":\"AAAA\",\"log_id\":\"cJ6AyISHokEeHuTfufIqhhSS0gxHZRUMDHlKvXD4FHw=\""
#define KEY_B "\"key\":\"AAAB\",\"log_id\":\"z3YF7RvHNfbIJVVBVGJ0Z+HKyd9UzuhpkhjtQ0YDxWg=\""
#define HEAD "{\"version\":\"1\",\"log_list_timestamp\":\"2026-11-28T00:00:00Z\",\"operators\":"

/* ---- the list */

/* clang-format off */
static const char list_document[] =
	HEAD "[{\"name\":\"One\",\"logs\":[{\"description\":\"a\"," KEY_A ",\"url\":\"https://a.example/\","
	"\"mmd\":86400,\"log_type\":\"prod\",\"state\":{\"readonly\":{\"timestamp\":\"2026-01-01T00:00:00Z\","
	"\"final_tree_head\":{\"sha256_root_hash\":\"" HASH "\",\"tree_size\":5}}},"
	"\"temporal_interval\":{\"start_inclusive\":\"2026-01-01T00:00:00Z\",\"end_exclusive\":\"2027-01-01T00:00:00Z\"},"
	"\"previous_operators\":[{\"name\":\"Zero\",\"end_time\":\"2025-01-01T00:00:00Z\"},"
	"{\"name\":\"Half\",\"end_time\":\"2025-06-01T00:00:00.123Z\"}]}],"
	"\"tiled_logs\":[{\"description\":\"b\"," KEY_B ",\"monitoring_url\":\"https://m.example/\","
	"\"submission_url\":\"https://s.example/\",\"mmd\":60}]}]}";
/* What is not known is skipped, people's texts are any, and what does not bear
 * on trust may be absent. */
static const char *const list_may[] = {
	" more", "*.more", "*0 more", "*interval more", "*readonly more", "*final_tree_head more", "*1 more",
	".version text", ".operators array", ".operators.0 gone", ".operators.0.name text",
	".operators.0.logs gone", ".operators.0.logs array", ".operators.0.logs.0 gone",
	".operators.0.tiled_logs gone", ".operators.0.tiled_logs array", ".operators.0.tiled_logs.0 gone",
	"*.description text", "*url text", "*.mmd 7",
	"*.log_type gone", "*.log_type text",
	"*.state gone", "*.final_tree_head gone", "*.tree_size 7",
	"*.temporal_interval gone",
	"*.previous_operators gone", "*.previous_operators array", "*.previous_operators.? gone",
	"*.previous_operators.?.name text",
	NULL
};
/* clang-format on */

static bool read_list(void *arg, struct span text)
{
	struct loglist list = { .count = 99 };
	struct arena arena;
	enum rc rc;

	(void)arg;
	arena_init(&arena, LOGLIST_ARENA);
	rc = loglist_read(&list, &arena, text);
	if (rc)
		assert_int_equal(list.count, 99);
	arena_fini(&arena);
	assert_true(rc == RC_OK || rc == RC_MALFORMED);
	return rc == RC_OK;
}

static void members_of_the_list(void **state)
{
	struct odd o = { .read = read_list, .may = list_may };

	(void)state;
	odd_each(&o, list_document);
	assert_true(o.tried > 300);
}

static void states_have_names(void **state)
{
	static const char *const names[] = { "pending", "qualified", "usable",
					     "readonly", "retired", "rejected" };

	(void)state;
	for (enum loglist_state s = LOGLIST_PENDING; s <= LOGLIST_REJECTED; s++)
		assert_string_equal(loglist_state_name(s), names[s]);
}

/* One that is 'n' times in a list, between 'head' and 'tail'. */
static char *many(const char *head, const char *item, size_t n, const char *tail)
{
	char *text = malloc(strlen(head) + n * (strlen(item) + 1) + strlen(tail) + 1);
	char *at = stpcpy(text, head);

	for (size_t i = 0; i < n; i++) {
		if (i)
			*at++ = ',';
		at = stpcpy(at, item);
	}
	strcpy(at, tail);
	return text;
}

static enum rc list_rc(const char *text, size_t n, size_t arena_max)
{
	struct loglist list = { .count = 99 };
	struct arena arena;
	enum rc rc;

	arena_init(&arena, arena_max);
	rc = loglist_read(&list, &arena, span_of(text, n));
	if (rc)
		assert_int_equal(list.count, 99);
	arena_fini(&arena);
	return rc;
}

static void bounds_of_the_list(void **state)
{
	static const char past[] = "{\"name\":\"Zero\",\"end_time\":\"2025-01-01T00:00:00Z\"}";
	static const char log_head[] =
		HEAD "[{\"name\":\"One\",\"logs\":[{\"description\":\"a\"," KEY_A
		     ",\"url\":\"u\",\"mmd\":1,\"previous_operators\":[";
	char *text = many(HEAD "[", "{\"name\":\"x\"}", LOGLIST_OPERATORS_MAX, "]}");
	char *large = calloc(1, LOGLIST_MAX + 1);

	(void)state;
	assert_int_equal(list_rc(text, strlen(text), LOGLIST_ARENA), RC_OK);
	free(text);
	text = many(HEAD "[", "{\"name\":\"x\"}", LOGLIST_OPERATORS_MAX + 1, "]}");
	assert_int_equal(list_rc(text, strlen(text), LOGLIST_ARENA), RC_LIMIT);
	free(text);
	text = many(log_head, past, 17, "]}]}]}");
	assert_int_equal(list_rc(text, strlen(text), LOGLIST_ARENA), RC_LIMIT);
	free(text);
	text = many(log_head, past, 2, "]}]}]}"); /* not one after the other */
	assert_int_equal(list_rc(text, strlen(text), LOGLIST_ARENA), RC_MALFORMED);
	free(text);
	memset(large, ' ', LOGLIST_MAX + 1);
	assert_int_equal(list_rc(large, LOGLIST_MAX + 1, LOGLIST_ARENA), RC_LIMIT);
	free(large);
	/* The arena ends after the tree of the JSON. */
	assert_int_equal(list_rc(list_document, strlen(list_document), 8192), RC_LIMIT);
}

/* A name is the operator's key to the others': it is not empty. */
static void operators_have_names_and_keys_are_base64(void **state)
{
	static const struct {
		const char *name, *json;
	} cases[] = {
		{ "no_name", HEAD "[{\"name\":\"\"}]}" },
		{ "key_no_base64",
		  HEAD "[{\"name\":\"x\",\"logs\":[{\"description\":\"a\",\"key\":\"AAA\","
		       "\"log_id\":\"" HASH "\",\"url\":\"u\",\"mmd\":1}]}]}" },
		{ "log_twice", HEAD "[{\"name\":\"x\",\"logs\":[{\"description\":\"a\"," KEY_A
				    ",\"url\":\"u\",\"mmd\":1},{\"description\":\"a\"," KEY_A
				    ",\"url\":\"u\",\"mmd\":1}]}]}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("%s\n", cases[i].name);
		assert_int_equal(list_rc(cases[i].json, strlen(cases[i].json), LOGLIST_ARENA),
				 RC_MALFORMED);
	}
}

/* More logs than there is room for; each has a key of its own. */
static void one_log_too_many(void **state)
{
	struct buf text = { 0 };
	char line[256];

	(void)state;
	buf_init(&text, LOGLIST_MAX);
	assert_true(buf_add(&text, span_str(HEAD "[{\"name\":\"x\",\"logs\":[")));
	for (uint32_t i = 0; i <= LOGLIST_LOGS_MAX; i++) {
		const uint8_t key[3] = { (uint8_t)i, (uint8_t)(i >> 8), 9 };
		struct sha256 id;
		struct wr w = WR_ARRAY(line);

		sha256_of(&id, SPAN_ARRAY(key));
		wr_printf(&w, "%s{\"description\":\"a\",\"url\":\"u\",\"mmd\":1,\"key\":\"",
			  i ? "," : "");
		text_base64(&w, SPAN_ARRAY(key));
		wr_str(&w, "\",\"log_id\":\"");
		text_base64(&w, SPAN_ARRAY(id.b));
		wr_str(&w, "\"}");
		assert_true(buf_add(&text, wr_span(&w)));
	}
	assert_true(buf_add(&text, span_str("]}]}")));
	assert_int_equal(list_rc((const char *)text.p, text.n, LOGLIST_ARENA), RC_LIMIT);
	buf_fini(&text);
}

/* ---- what a log answers */

enum answer {
	STH,
	ENTRIES,
	CONSISTENCY,
	PROOF,
};

static enum rc read_answer(enum answer which, struct span text, size_t arena_max)
{
	struct rfc6962_entry entries[2];
	struct treeproof proof = { .count = 99 };
	struct sth sth = { .timestamp_ms = 99 };
	uint64_t index = 99;
	size_t count = 99;
	struct arena arena;
	enum rc rc = RC_SYS;

	arena_init(&arena, arena_max);
	switch (which) {
	case STH:
		rc = rfc6962_read_sth(&sth, &arena, text);
		break;
	case ENTRIES:
		rc = rfc6962_read_entries(entries, &count, 2, &arena, text);
		break;
	case CONSISTENCY:
		rc = rfc6962_read_consistency(&proof, &arena, text);
		break;
	case PROOF:
		rc = rfc6962_read_proof(&proof, &index, &arena, text);
		break;
	}
	arena_fini(&arena);
	if (rc) {
		assert_int_equal(sth.timestamp_ms, 99);
		assert_int_equal(count, 99);
		assert_int_equal(index, 99);
		assert_int_equal(proof.count, 99);
	}
	return rc;
}

static bool read_odd_answer(void *arg, struct span text)
{
	enum rc rc = read_answer(*(const enum answer *)arg, text, 1 << 20);

	/* Of two entries there is room; twice one of them is three. */
	assert_true(rc == RC_OK || rc == RC_MALFORMED || rc == RC_LIMIT);
	return rc == RC_OK;
}

/* clang-format off */
static const struct {
	enum answer which;
	const char *json, *may[8];
} answers[] = {
	{ STH, "{\"tree_size\":7,\"timestamp\":9,\"sha256_root_hash\":\"" HASH
	       "\",\"tree_head_signature\":\"BAMAAqvN\"}",
	  { " more", ".tree_size 7", ".timestamp 7", NULL } },
	{ ENTRIES, "{\"entries\":[{\"leaf_input\":\"AAAA\",\"extra_data\":\"\"},"
		   "{\"leaf_input\":\"AAAA\",\"extra_data\":\"AAAA\"}]}",
	  { " more", "*.? more", ".entries.? gone", NULL } },
	{ CONSISTENCY, "{\"consistency\":[\"" HASH "\",\"" HASH "\"]}",
	  { " more", ".consistency array", "*.? gone", "*.? twice", NULL } },
	{ PROOF, "{\"leaf_index\":7,\"audit_path\":[\"" HASH "\",\"" HASH "\"]}",
	  { " more", ".leaf_index 7", ".audit_path array", "*.? gone", "*.? twice", NULL } },
};
/* clang-format on */

static void members_of_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		enum answer which = answers[i].which;
		struct odd o = { .read = read_odd_answer, .arg = &which, .may = answers[i].may };

		odd_each(&o, answers[i].json);
	}
}

static void bounds_of_answers(void **state)
{
	static const size_t longest[] = { [STH] = RFC6962_STH_MAX,
					  [ENTRIES] = RFC6962_ENTRIES_MAX,
					  [CONSISTENCY] = RFC6962_PROOF_MAX,
					  [PROOF] = RFC6962_PROOF_MAX };
	enum rc rc = RC_OK;
	char *text;

	(void)state;
	for (enum answer a = STH; a <= PROOF; a++) {
		char *large = malloc(longest[a] + 1);

		memset(large, ' ', longest[a] + 1);
		assert_int_equal(read_answer(a, span_of(large, longest[a] + 1), 1 << 20), RC_LIMIT);
		free(large);
	}
	text = many("{\"entries\":[", "{\"leaf_input\":\"AA==\",\"extra_data\":\"\"}", 3, "]}");
	assert_int_equal(read_answer(ENTRIES, span_str(text), 1 << 20), RC_LIMIT);
	free(text);
	text = many("{\"leaf_index\":7,\"audit_path\":[", "\"" HASH "\"", TREEPROOF_MAX + 1, "]}");
	assert_int_equal(read_answer(PROOF, span_str(text), 1 << 20), RC_LIMIT);
	free(text);
	/* Room for the tree of the JSON, not for what is decoded of it. */
	text = many("{\"entries\":[{\"leaf_input\":\"", "", 1, "");
	text = realloc(text, 6000);
	memset(text + strlen(text), 'A', 4000 - strlen(text));
	strcpy(text + 4000, "\",\"extra_data\":\"\"}]}");
	for (size_t room = 256; room < 16384 && rc != RC_LIMIT; room += 256)
		rc = read_answer(ENTRIES, span_str(text), room);
	assert_int_equal(rc, RC_LIMIT);
	free(text);
}

static void questions_that_have_no_room(void **state)
{
	char log[WEB_URL_MAX + 1];
	struct merkle_hash leaf = { 0 };
	struct web_ask a = { 0 };

	(void)state;
	memcpy(log, "https://", 8);
	memset(log + 8, 'a', sizeof(log) - 8);
	assert_int_equal(rfc6962_ask_sth(&a, span_of(log, WEB_URL_MAX - 4)), RC_MALFORMED);
	assert_int_equal(rfc6962_ask_proof(&a, span_of(log, WEB_URL_MAX - 4), &leaf, 9),
			 RC_MALFORMED);
	web_ask_fini(&a);
}

/* What is no digitally-signed structure is signed by nobody. */
static void signatures_that_are_none(void **state)
{
	struct sth sth = { .signature_len = 0 };

	(void)state;
	assert_false(sth_signed(&sth, span_str("no key")));
	memcpy(sth.signature, (const uint8_t[]){ 4, 3, 0, 1, 0xab, 0 }, 6);
	sth.signature_len = 6; /* a byte too many */
	assert_false(sth_signed(&sth, span_str("no key")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_of_the_list),
		cmocka_unit_test(states_have_names),
		cmocka_unit_test(bounds_of_the_list),
		cmocka_unit_test(operators_have_names_and_keys_are_base64),
		cmocka_unit_test(one_log_too_many),
		cmocka_unit_test(members_of_answers),
		cmocka_unit_test(bounds_of_answers),
		cmocka_unit_test(questions_that_have_no_room),
		cmocka_unit_test(signatures_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
