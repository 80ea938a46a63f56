/* memory: what is kept between visits, written and read again. */
#include "unit.h"

#include <string.h>

#include "evidence/memory.h"
#include "evidence_made.h"
#include "json_odd.h"

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

static struct tree_head tree_of(const struct merkle_hash *leaves, size_t n)
{
	struct tree_head head = { .size = n };

	merkle_root(&head.root, hash_merkle_sha256, leaves, n);
	return head;
}

static struct core_head core_head(uint8_t id, const struct tree_head *tree)
{
	struct core_head h = { .log_id = { { [31] = id } }, .size = tree->size };

	memcpy(h.root.b, tree->root.b, sizeof(h.root.b));
	return h;
}

/* What is remembered of one log, as sizes of trees. */
static void what_is_kept(void **state)
{
	static const struct {
		const char *name;
		size_t old, now; /* sizes; 0: there is none */
		bool is_old_known, is_now_known; /* that the log confirms it */
		uint8_t bend; /* of the head in the evidence */
		size_t want;
	} cases[] = {
		{ "grown", 1, 2, true, true, 0, 2 },
		{ "same", 1, 1, true, true, 0, 1 },
		{ "first", 0, 2, false, true, 0, 2 },
		{ "first_not_confirmed", 0, 2, false, false, 0, 0 },
		{ "not_in_the_evidence", 1, 0, false, false, 0, 1 },
		{ "older", 2, 1, true, true, 0, 2 },
		{ "silent", 1, 2, false, false, 0, 1 },
		{ "remembered_not_confirmed", 1, 2, false, true, 0, 1 },
		{ "evidence_not_confirmed", 1, 2, true, false, 0, 1 },
		{ "another_tree", 1, 2, true, true, 1, 1 },
		{ "another_tree_of_that_size", 1, 1, true, true, 1, 1 },
	};
	struct merkle_hash leaves[3] = { { { 1 } }, { { 2 } }, { { 3 } } };
	const struct tree_head trees[] = { { 0 }, tree_of(leaves, 1), tree_of(leaves, 2) };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct sha256 id = { { [31] = 1 } };
		const struct material_growth growth[] = {
			{ .log_id = id,
			  .now = trees[2],
			  .from = 1,
			  .proof = { .hash = { leaves[1] }, .count = 1 } },
			{ .log_id = id, .now = trees[2], .from = 2 },
		};
		struct material_growth shown[2];
		struct material m = { .host = span_str(HOST), .at = MADE_AT, .growth = shown };
		struct core_head now = core_head(1, &trees[cases[i].now]);
		struct material_head old = { .log_id = id, .head = trees[cases[i].old] };
		const struct material_memory before = { .is_there = true,
							.heads = &old,
							.head_count = cases[i].old ? 1 : 0 };
		struct material_memory after;
		static struct reading r;
		struct arena arena;
		struct buf text;

		if (cases[i].is_old_known)
			shown[m.growth_count++] = growth[cases[i].old - 1];
		if (cases[i].is_now_known)
			shown[m.growth_count++] = growth[cases[i].now - 1];
		now.root.b[0] ^= cases[i].bend;
		r = (struct reading){ .m = &m, .has_core = true };
		r.core.account.uri = span_str("https://ca/1");
		r.core.account.thumbprint.b[0] = 9;
		r.core.heads = &now;
		r.core.head_count = cases[i].now ? 1 : 0;
		buf_init(&text, MEMORY_MAX);
		arena_init(&arena, 1024 * 1024);
		assert_true(memory_write(&text, &r, &before));
		assert_int_equal(memory_read(&after, &arena, buf_span(&text), m.host), RC_OK);
		assert_true(span_equal_str(after.account_uri, "https://ca/1"));
		assert_int_equal(after.thumbprint.b[0], 9);
		if (after.head_count != (cases[i].want ? 1 : 0))
			fail_msg("%s: %zu heads", cases[i].name, after.head_count);
		if (cases[i].want &&
		    !tree_head_equal(&find(&after, 1)->head, &trees[cases[i].want]))
			fail_msg("%s: another head", cases[i].name);
		r.has_core = false;
		assert_false(memory_write(&text, &r, &before));
		arena_fini(&arena);
		buf_fini(&text);
	}
}

/* Each log for itself. */
static void logs_are_kept_apart(void **state)
{
	struct merkle_hash leaf = { { 1 } };
	const struct tree_head tree = tree_of(&leaf, 1);
	struct core_head now[] = { core_head(1, &tree), core_head(3, &tree) };
	const struct material_head old[] = { { .log_id = { { [31] = 1 } }, .head = tree },
					     { .log_id = { { [31] = 4 } }, .head = tree } };
	const struct material_memory before = { .is_there = true, .heads = old, .head_count = 2 };
	const struct material_growth growth[] = {
		{ .log_id = { { [31] = 1 } }, .now = tree, .from = 1 },
		{ .log_id = { { [31] = 3 } }, .now = tree, .from = 1 },
	};
	const struct material m = {
		.host = span_str(HOST), .at = MADE_AT, .growth = growth, .growth_count = 2
	};
	struct material_memory after;
	static struct reading r;
	struct arena arena;
	struct buf text;

	(void)state;
	r = (struct reading){ .m = &m, .has_core = true };
	r.core.account.uri = span_str("https://ca/1");
	r.core.heads = now;
	r.core.head_count = 2;
	buf_init(&text, MEMORY_MAX);
	arena_init(&arena, 1024 * 1024);
	assert_true(memory_write(&text, &r, &before));
	assert_int_equal(memory_read(&after, &arena, buf_span(&text), m.host), RC_OK);
	assert_int_equal(after.head_count, 3);
	assert_non_null(find(&after, 1));
	assert_non_null(find(&after, 3));
	assert_non_null(find(&after, 4));
	arena_fini(&arena);
	buf_fini(&text);
}

static enum rc read_memory(struct arena *arena, struct span text)
{
	struct material_memory m, before;
	enum rc rc;

	memset(&m, 0xa5, sizeof(m));
	before = m;
	rc = memory_read(&m, arena, text, span_str(HOST));
	if (rc)
		assert_memory_equal(&m, &before, sizeof(m));
	return rc;
}

static void members_one_by_one(void **state)
{
	static const char *const may[] = { ".at 7", ".account_uri text", ".heads array",
					   ".heads.? gone", ".heads.? twice", ".heads.?.size 7",
					   NULL };

	(void)state;
	odd_in_arena(read_memory,
		     span_str(BEGIN("1", HOST) HEAD("01", "5") "," HEAD("02", "6") "]}"),
		     may);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(what_is_kept),
		cmocka_unit_test(logs_are_kept_apart),
		cmocka_unit_test(members_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
