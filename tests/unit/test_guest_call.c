/* call: requests in our dialect, every member odd in every way, and the statuses. */
#include "unit.h"

#include "base/wr.h"
#include "guest/call.h"
#include "json_odd.h"

struct request {
	const char *method, *path, *body;
};

static enum rc read_it(struct arena *arena, const struct request *q, struct span body,
		       unsigned *status)
{
	struct call c, before;
	struct call_fault fault = { 0 };

	memset(&c, 0xa5, sizeof(c));
	before = c;
	if (call_read(&c, &fault, arena, q->method, q->path, body)) {
		*status = 200;
		return RC_OK;
	}
	assert_memory_equal(&c, &before, sizeof(c));
	assert_non_null(fault.why);
	*status = fault.status;
	return RC_MALFORMED;
}

static void statuses(void **state)
{
	static const struct {
		const char *name;
		struct request q;
		unsigned want;
	} cases[] = {
		{ "get_without_a_body", { "GET", "/v1/version", "" }, 200 },
		{ "post_too", { "POST", "/v1/info", "{}" }, 200 },
		{ "get_of_what_needs_members", { "GET", "/v1/key", "" }, 405 },
		{ "put", { "PUT", "/v1/version", "" }, 405 },
		{ "no_such_method", { "GET", "/v1/nothing", "" }, 404 },
		{ "no_such_path", { "GET", "version", "" }, 404 },
		{ "member_missing", { "POST", "/v1/key", "{}" }, 400 },
		{ "no_body_where_one_is_needed", { "POST", "/v1/key", "" }, 400 },
		{ "no_object", { "POST", "/v1/key", "[]" }, 400 },
		{ "no_json", { "POST", "/v1/key", "{" }, 400 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct arena arena;
		unsigned status;

		print_message("%s\n", cases[i].name);
		arena_init(&arena, CALL_ARENA_MAX);
		(void)read_it(&arena, &cases[i].q, span_str(cases[i].q.body), &status);
		assert_int_equal(status, cases[i].want);
		arena_fini(&arena);
	}
}

static bool read_odd(void *arg, struct span body)
{
	struct arena arena;
	unsigned status;
	enum rc rc;

	arena_init(&arena, CALL_ARENA_MAX);
	rc = read_it(&arena, arg, body, &status);
	arena_fini(&arena);
	assert_true(rc == RC_OK || status == 400);
	return rc == RC_OK;
}

/* clang-format off */
static const struct {
	struct request q;
	const char *may[32];
} documents[] = {
	{ { "POST", "/v1/quote", "{\"data\":\"00ff\"}" }, { NULL } },
	{ { "POST", "/v1/evidence", "{\"nonce\":\"00ff\"}" }, { ".nonce gone", NULL } },
	{ { "POST", "/v1/sign", "{\"path\":\"/a\",\"purpose\":\"p\",\"algorithm\":\"raw\",\"data\":\"00\"}" },
	  { ".path text", ".purpose text", ".purpose gone", ".algorithm gone", NULL } },
	{ { "POST", "/v1/verify", "{\"algorithm\":\"ed25519\",\"data\":\"00\",\"signature\":\"00\",\"public_key\":\"00\"}" },
	  { ".algorithm gone", NULL } },
	{ { "POST", "/v1/event", "{\"event\":\"e\",\"payload\":\"00\"}" }, { ".event text", ".payload gone", NULL } },
	{ { "POST", "/v1/tls-key",
	    "{\"subject\":\"s\",\"alt_names\":[\"a.example\",\"b.example\"],\"usage_server_auth\":true,"
	    "\"usage_client_auth\":false,\"usage_ra_tls\":true,\"not_before\":1,\"not_after\":2}" },
	  { ".* gone", ".subject text", ".usage* true", ".not* 7", ".alt_names array", ".alt_names.? twice",
	    ".alt_names.? text", NULL } },
};
/* clang-format on */

static void members_one_by_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
		struct request q = documents[i].q;
		struct odd o = { .read = read_odd, .arg = &q, .may = documents[i].may };

		print_message("%s\n", q.path);
		odd_each(&o, q.body);
	}
}

static void algorithms_by_name(void **state)
{
	static const struct {
		const char *name;
		int want; /* -1: none */
	} cases[] = {
		{ "secp256k1", CALL_SECP256K1 },
		{ "k256", CALL_SECP256K1 },
		{ "", CALL_SECP256K1 },
		{ "secp256k1_prehashed", CALL_SECP256K1_PREHASHED },
		{ "ed25519", CALL_ED25519 },
		{ "raw", CALL_RAW },
		{ "rsa", -1 },
		{ "RAW", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct call c = { 0 };
		struct call_fault fault;
		struct arena arena;
		char body[128];

		arena_init(&arena, CALL_ARENA_MAX);
		snprintf(body, sizeof(body), "{\"path\":\"/a\",\"algorithm\":\"%s\"}",
			 cases[i].name);
		assert_int_equal(call_read(&c, &fault, &arena, "POST", "/v1/key", span_str(body)),
				 cases[i].want >= 0);
		if (cases[i].want >= 0)
			assert_int_equal(c.algorithm, cases[i].want);
		arena_fini(&arena);
	}
}

static void put_text(struct wr *w, const char *key, size_t n)
{
	wr_printf(w, "{\"%s\":\"", key);
	for (size_t i = 0; i < n; i++)
		wr_u8(w, '0');
	wr_str(w, "\"}");
}

/* One byte or name more than there may be. */
static void bounds(void **state)
{
	static char body[CALL_BODY_MAX + 2];
	const struct request key = { "POST", "/v1/key", "" };
	const struct request quote = { "POST", "/v1/quote", "" };
	const struct request tls = { "POST", "/v1/tls-key", "" };

	(void)state;
	for (size_t over = 0; over < 2; over++) {
		const unsigned want = over ? 400 : 200;
		struct arena arena;
		unsigned status;
		struct wr w;

		arena_init(&arena, CALL_ARENA_MAX);
		w = WR_ARRAY(body);
		put_text(&w, "path", CALL_TEXT_MAX + over);
		(void)read_it(&arena, &key, wr_span(&w), &status);
		assert_int_equal(status, want);
		w = WR_ARRAY(body);
		put_text(&w, "data", 2 * CALL_DATA_MAX + 2 * over);
		(void)read_it(&arena, &quote, wr_span(&w), &status);
		assert_int_equal(status, want);
		w = WR_ARRAY(body);
		wr_str(&w, "{\"alt_names\":[\"a\"");
		for (size_t i = 1; i < CALL_NAMES_MAX + over; i++)
			wr_str(&w, ",\"a\"");
		wr_str(&w, "]}");
		(void)read_it(&arena, &tls, wr_span(&w), &status);
		assert_int_equal(status, want);
		memset(body, ' ', sizeof(body));
		memcpy(body, "{\"path\":\"/a\"}", 13);
		(void)read_it(&arena, &key, span_of(body, CALL_BODY_MAX + over), &status);
		assert_int_equal(status, want);
		arena_fini(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses),
		cmocka_unit_test(members_one_by_one),
		cmocka_unit_test(algorithms_by_name),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
