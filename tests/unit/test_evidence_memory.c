/* memory: what is kept between visits, written and read again. */
#include "unit.h"

#include <string.h>

#include "evidence/memory.h"
#include "evidence_made.h"

#define HOST "www.example.org"
#define ZEROS "00000000000000000000000000000000000000000000000000000000000000"
#define BEGIN(v, host) \
	"{\"v\":" v ",\"host\":\"" host "\",\"at\":7,\"account_uri\":\"https://ca/1\"," \
	"\"thumbprint\":\"" ZEROS "05\",\"heads\":["
#define HEAD(id, size) "{\"log_id\":\"" ZEROS id "\",\"size\":" size ",\"root\":\"" ZEROS "aa\"}"

static void forms(void **state)
{
	static const struct {
		const char *name, *text;
		enum rc want;
	} cases[] = {
		{ "no_heads", BEGIN("1", HOST) "]}", RC_OK },
		{ "two_heads", BEGIN("1", HOST) HEAD("01", "5") "," HEAD("02", "6") "]}", RC_OK },
		{ "later_version_unsupported", BEGIN("2", HOST) "]}", RC_UNSUPPORTED },
		{ "another_host_malformed", BEGIN("1", "other.example") "]}", RC_MALFORMED },
		{ "unknown_member_malformed", BEGIN("1", HOST) "],\"more\":1}", RC_MALFORMED },
		{ "missing_member_malformed", "{\"v\":1}", RC_MALFORMED },
		{ "unknown_in_head_malformed",
		  BEGIN("1", HOST) "{\"log_id\":\"" ZEROS "01\",\"size\":1,\"root\":\"" ZEROS
				   "aa\",\"x\":1}]}",
		  RC_MALFORMED },
		{ "no_object_malformed", "[]", RC_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct material_memory m = { .head_count = 77 };
		struct arena arena;
		enum rc rc;

		arena_init(&arena, 1024 * 1024);
		rc = memory_read(&m, &arena, span_str(cases[i].text), span_str(HOST));
		if (rc != cases[i].want)
			fail_msg("%s: %s", cases[i].name, rc_name(rc));
		if (rc)
			assert_int_equal(m.head_count, 77);
		else
			assert_true(m.is_there && span_equal_str(m.account_uri, "https://ca/1") &&
				    m.thumbprint.b[31] == 5);
		arena_fini(&arena);
	}
}

static void every_prefix_is_refused(void **state)
{
	static const char text[] = BEGIN("1", HOST) HEAD("01", "5") "]}";

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		uint8_t *copy = test_malloc(n + 1);
		struct material_memory m;
		struct arena arena;

		memcpy(copy, text, n);
		arena_init(&arena, 1024 * 1024);
		assert_int_not_equal(memory_read(&m, &arena, span_of(copy, n), span_str(HOST)),
				     RC_OK);
		arena_fini(&arena);
		test_free(copy);
	}
}

static const struct material_head *find(const struct material_memory *m, uint8_t id)
{
	const struct material_head *found = NULL;

	for (size_t i = 0; i < m->head_count; i++)
		if (m->heads[i].log_id.b[31] == id) {
			assert_null(found); /* each log once */
			found = &m->heads[i];
		}
	return found;
}

/* The newest head of each log is what stays, whoever had it. */
static void what_is_kept(void **state)
{
	struct core_head now[] = {
		{ .log_id = { { [31] = 1 } }, .size = 10, .root = { { 10 } } },
		{ .log_id = { { [31] = 2 } }, .size = 4, .root = { { 4 } } },
		{ .log_id = { { [31] = 3 } }, .size = 8, .root = { { 8 } } },
	};
	struct material_head old[] = {
		{ .log_id = { { [31] = 1 } }, .head = { .size = 5 } },
		{ .log_id = { { [31] = 2 } }, .head = { .size = 6 } },
		{ .log_id = { { [31] = 4 } }, .head = { .size = 7 } },
	};
	const struct material_memory before = { .is_there = true, .heads = old, .head_count = 3 };
	const struct material m = { .host = span_str(HOST), .at = MADE_AT };
	static struct reading r;
	struct material_memory after;
	struct arena arena;
	struct buf text;

	(void)state;
	r = (struct reading){ .m = &m, .has_core = true };
	r.core.account.uri = span_str("https://ca/1");
	r.core.account.thumbprint.b[0] = 9;
	r.core.heads = now;
	r.core.head_count = 3;
	buf_init(&text, MEMORY_MAX);
	arena_init(&arena, 1024 * 1024);
	assert_true(memory_write(&text, &r, &before));
	assert_int_equal(memory_read(&after, &arena, buf_span(&text), m.host), RC_OK);
	assert_true(span_equal_str(after.account_uri, "https://ca/1"));
	assert_int_equal(after.thumbprint.b[0], 9);
	assert_int_equal(after.head_count, 4);
	assert_int_equal(find(&after, 1)->head.size, 10);
	assert_int_equal(find(&after, 1)->head.root.b[0], 10);
	assert_int_equal(find(&after, 2)->head.size, 6);
	assert_int_equal(find(&after, 3)->head.size, 8);
	assert_int_equal(find(&after, 4)->head.size, 7);

	r.has_core = false;
	assert_false(memory_write(&text, &r, &before));
	arena_fini(&arena);
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(what_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
