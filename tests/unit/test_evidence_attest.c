/* Fresh evidence: nonce and session, under one quote with many others. */
#include "unit.h"

#include <string.h>

#include "base/text.h"
#include "evidence/attest.h"
#include "json_odd.h"

#define S(text) \
	{ \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}
#define N32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define H32 "0000000000000000000000000000000000000000000000000000000000000000"

static void requests_accept_and_refuse(void **state)
{
	static const struct {
		const char *name, *json;
		enum rc want;
	} cases[] = {
		{ "least", "{\"nonce\":\"" N32 "\"}", RC_OK },
		{ "loose_bits", "{\"nonce\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\"}",
		  RC_MALFORMED },
		{ "too_short", "{\"nonce\":\"AAAA\"}", RC_MALFORMED },
		{ "too_long", "{\"nonce\":\"" N32 "A" N32 "A\"}", RC_MALFORMED },
		{ "missing", "{}", RC_MALFORMED },
		{ "more", "{\"nonce\":\"" N32 "\",\"x\":1}", RC_MALFORMED },
		{ "twice", "{\"nonce\":\"" N32 "\",\"nonce\":\"" N32 "\"}", RC_MALFORMED },
		{ "padding", "{\"nonce\":\"" N32 "=\"}", RC_MALFORMED },
		{ "no_json", "nonce=" N32, RC_MALFORMED },
	};
	int bad = 0;
	char large[ATTEST_REQUEST_MAX + 1];
	struct attest_nonce n = { .n = 7 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum rc rc;

		n.n = 7;
		rc = attest_request_read(&n, span_str(cases[i].json));
		if (rc != cases[i].want || n.n != (rc ? 7 : 32)) {
			print_message("%s: %s\n", cases[i].name, rc_name(rc));
			bad++;
		}
	}
	assert_int_equal(bad, 0);
	memset(large, ' ', sizeof(large));
	assert_int_equal(attest_request_read(&n, SPAN_ARRAY(large)), RC_LIMIT);
}

static void a_request_written_and_read_is_the_identity(void **state)
{
	struct attest_nonce n = { .n = ATTEST_NONCE_MAX }, again;
	struct buf out;

	(void)state;
	for (size_t i = 0; i < n.n; i++)
		n.b[i] = (uint8_t)(i * 7);
	buf_init(&out, ATTEST_REQUEST_MAX);
	assert_int_equal(attest_request_write(&out, &n), RC_OK);
	assert_int_equal(attest_request_read(&again, buf_span(&out)), RC_OK);
	assert_int_equal(again.n, n.n);
	assert_memory_equal(again.b, n.b, n.n);
	buf_fini(&out);
}

/* Binder and report data of fixed inputs, computed with python3's hashlib. */
static void known_values(void **state)
{
	static const char binder_hex[] =
		"55530963a3bc4c3c2d34554683a4318f7128fd6337e0a93a9df5863d96861fac"
		"cd492d8f105d84aa17755ded2748249d9bb254dacb2f767611f850fd420a3036";
	static const char data_hex[] =
		"d2b206edecc02f9c6e6e4cd86a6f71499e1db571c948cc77ab496ab7e3a1a76d"
		"22d2c6ca27bc32f9fa2848f076dfd4ffc5871e6ab5845bda184ebf0966f350ca";
	const struct sha256 core = { { 1 } };
	const uint8_t exporter[ATTEST_EXPORTER_LEN] = { 2 };
	const struct attest_nonce nonce = { .b = { 3 }, .n = 32 };
	const struct merkle_hash root = { { 4 } };
	uint8_t data[64], want[64];
	struct sha512 binder;

	(void)state;
	attest_binder(&binder, &core, exporter, &nonce);
	assert_true(text_hex_decode(want, sizeof(want), span_str(binder_hex)));
	assert_memory_equal(binder.b, want, sizeof(want));
	attest_report_data(data, &root);
	assert_true(text_hex_decode(want, sizeof(want), span_str(data_hex)));
	assert_memory_equal(data, want, sizeof(want));
}

enum {
	CROWD = 11,
};

/* What the server does for a crowd; each member of it then finds its leaf. */
static void everyone_in_a_batch_is_bound(void **state)
{
	struct merkle_hash leaves[CROWD], root;
	uint8_t exporter[CROWD][ATTEST_EXPORTER_LEN], quoted[64], got[64];
	struct attest_answer a[CROWD];

	(void)state;
	for (size_t i = 0; i < CROWD; i++) {
		struct sha512 binder;

		memset(exporter[i], (int)i, sizeof(exporter[i]));
		a[i] = (struct attest_answer){
			.core = { { 9 } },
			.nonce = { .b = { (uint8_t)i }, .n = 32 },
			.index = i,
			.count = CROWD,
		};
		attest_binder(&binder, &a[i].core, exporter[i], &a[i].nonce);
		merkle_leaf(&leaves[i], hash_merkle_sha256, SPAN_ARRAY(binder.b));
	}
	merkle_root(&root, hash_merkle_sha256, leaves, CROWD);
	attest_report_data(quoted, &root);
	for (size_t i = 0; i < CROWD; i++) {
		a[i].path_count = merkle_path(a[i].path, hash_merkle_sha256, leaves, CROWD, i);
		assert_true(attest_expected(got, &a[i], exporter[i]));
		assert_memory_equal(got, quoted, sizeof(got));
		/* another session, nonce, core, place */
		assert_true(attest_expected(got, &a[i], exporter[(i + 1) % CROWD]));
		assert_memory_not_equal(got, quoted, sizeof(got));
		a[i].nonce.b[31] ^= 1;
		assert_true(attest_expected(got, &a[i], exporter[i]));
		assert_memory_not_equal(got, quoted, sizeof(got));
		a[i].nonce.b[31] ^= 1;
		a[i].core.b[31] ^= 1;
		assert_true(attest_expected(got, &a[i], exporter[i]));
		assert_memory_not_equal(got, quoted, sizeof(got));
		a[i].core.b[31] ^= 1;
		a[i].path_count--;
		assert_false(attest_expected(got, &a[i], exporter[i]));
	}
}

static const struct attest_answer answer = {
	.core = { { 1 } },
	.nonce = { .b = { 2 }, .n = 48 },
	.index = 1,
	.count = 2,
	.path = { { { 3 } } },
	.path_count = 1,
	.quote = S("\x04\x00\x02"),
	.event_log = S("[{\"imr\":3}]"),
};

static void an_answer_written_and_read_is_the_identity(void **state)
{
	struct attest_answer a;
	struct arena arena;
	struct buf out, again;

	(void)state;
	arena_init(&arena, 64 * 1024);
	buf_init(&out, 4096);
	buf_init(&again, 4096);
	assert_int_equal(attest_answer_write(&out, &answer), RC_OK);
	assert_int_equal(attest_answer_read(&a, &arena, buf_span(&out)), RC_OK);
	assert_int_equal(attest_answer_write(&again, &a), RC_OK);
	assert_true(span_equal(buf_span(&again), buf_span(&out)));
	assert_true(span_equal(a.event_log, answer.event_log));
	assert_int_equal(a.nonce.n, 48);
	for (size_t n = 0; n < buf_span(&out).n; n++) {
		arena_fini(&arena);
		assert_int_equal(attest_answer_read(&a, &arena, span_of(buf_span(&out).p, n)),
				 RC_MALFORMED);
	}
	arena_fini(&arena);
	buf_fini(&out);
	buf_fini(&again);
}

static void answers_refused(void **state)
{
#define ANSWER(v, hash, nonce, place, path, quote) \
	"{\"v\":" v ",\"core_sha256\":\"" hash "\",\"nonce\":\"" nonce "\"," place \
	",\"path\":[" path "],\"quote\":\"" quote "\",\"event_log\":\"\"}"
	static const struct {
		const char *name, *json;
		enum rc want;
	} cases[] = {
		{ "good", ANSWER("2", H32, N32, "\"index\":0,\"count\":1", "", "AAAA"), RC_OK },
		{ "version", ANSWER("1", H32, N32, "\"index\":0,\"count\":1", "", "AAAA"),
		  RC_UNSUPPORTED },
		{ "hash", ANSWER("2", "00", N32, "\"index\":0,\"count\":1", "", "AAAA"),
		  RC_MALFORMED },
		{ "nonce", ANSWER("2", H32, "AAAA", "\"index\":0,\"count\":1", "", "AAAA"),
		  RC_MALFORMED },
		{ "index", ANSWER("2", H32, N32, "\"index\":1,\"count\":1", "", "AAAA"),
		  RC_MALFORMED },
		{ "count", ANSWER("2", H32, N32, "\"index\":0,\"count\":4294967296", "", "AAAA"),
		  RC_MALFORMED },
		{ "step", ANSWER("2", H32, N32, "\"index\":0,\"count\":1", "\"00\"", "AAAA"),
		  RC_MALFORMED },
		{ "quote", ANSWER("2", H32, N32, "\"index\":0,\"count\":1", "", "AA"),
		  RC_MALFORMED },
		{ "no_quote", ANSWER("2", H32, N32, "\"index\":0,\"count\":1", "", ""),
		  RC_MALFORMED },
		{ "member", ANSWER("2", H32, N32, "\"x\":0,\"index\":0,\"count\":1", "", "AAAA"),
		  RC_MALFORMED },
	};
	struct wr w;
	static char large[16 * 1024];
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct attest_answer a = { .count = 77 };
		struct arena arena;
		enum rc rc;

		arena_init(&arena, 64 * 1024);
		rc = attest_answer_read(&a, &arena, span_str(cases[i].json));
		if (rc != cases[i].want || (rc && a.count != 77)) {
			print_message("%s: %s\n", cases[i].name, rc_name(rc));
			bad++;
		}
		arena_fini(&arena);
	}
	assert_int_equal(bad, 0);
	/* a path longer than any tree has */
	w = WR_ARRAY(large);
	wr_str(&w, "{\"v\":2,\"core_sha256\":\"" H32 "\",\"nonce\":\"" N32
		   "\",\"index\":0,\"count\":1,\"path\":[");
	for (int i = 0; i <= MERKLE_PATH_MAX; i++)
		wr_printf(&w, "%s\"" H32 "\"", i ? "," : "");
	wr_str(&w, "],\"quote\":\"AAAA\",\"event_log\":\"\"}");
	{
		struct attest_answer a;
		struct arena arena;

		arena_init(&arena, 64 * 1024);
		assert_int_equal(attest_answer_read(&a, &arena, wr_span(&w)), RC_LIMIT);
		arena_fini(&arena);
	}
}

static enum rc read_answer(struct arena *arena, struct span text)
{
	struct attest_answer a, before;
	enum rc rc;

	memset(&a, 0xa5, sizeof(a));
	before = a;
	rc = attest_answer_read(&a, arena, text);
	if (rc)
		assert_memory_equal(&a, &before, sizeof(a));
	return rc;
}

static void members_one_by_one(void **state)
{
	static const char *const may[] = { ".count 7", ".path array", ".path.0 gone",
					   ".path.0 twice", ".event_log text", NULL };
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	assert_int_equal(attest_answer_write(&out, &answer), RC_OK);
	odd_in_arena(read_answer, buf_span(&out), may);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_accept_and_refuse),
		cmocka_unit_test(a_request_written_and_read_is_the_identity),
		cmocka_unit_test(known_values),
		cmocka_unit_test(everyone_in_a_batch_is_bound),
		cmocka_unit_test(an_answer_written_and_read_is_the_identity),
		cmocka_unit_test(answers_refused),
		cmocka_unit_test(members_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
