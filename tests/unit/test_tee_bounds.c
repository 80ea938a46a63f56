/*
 * bounds: how much work TCB info of any size can cause, counted in what is made
 * of it, not in time: nodes of the tree, levels looked at, members compared.
 */
#include "unit.h"

#include <string.h>

#include "base/buf.h"
#include "tee/document.h"
#include "tee/tcbinfo.h"

enum {
	TEXT_MAX = 64 * 1024 * 1024,
	/* Nodes of one whole level and of everything beside the levels: the
	 * level, tcb, its array of 16 with one member each, 3 members. */
	LEVEL_NODES = 2 + 1 + 2 * TCBINFO_COMPONENT_COUNT + 3,
	HEAD_NODES = 10,
};

/* One after another; whole ones differ in their PCE SVN. */
static void add_levels(struct buf *b, size_t count, bool is_whole)
{
	char level[1024];

	for (size_t i = 0; i < count; i++) {
		struct wr w = WR_ARRAY(level);

		wr_str(&w, i ? ",{" : "{");
		if (is_whole) {
			wr_str(&w, "\"tcb\":{\"sgxtcbcomponents\":[");
			for (int c = 0; c < TCBINFO_COMPONENT_COUNT; c++)
				wr_str(&w, c ? ",{\"svn\":1}" : "{\"svn\":1}");
			wr_printf(&w,
				  "],\"pcesvn\":%zu},\"tcbDate\":\"2025-01-01T00:00:00Z\","
				  "\"tcbStatus\":\"UpToDate\"",
				  i % 65536);
		}
		wr_str(&w, "}");
		assert_true(buf_add(b, wr_span(&w)));
	}
}

static struct span make_info(struct buf *b, size_t count, bool is_whole)
{
	buf_init(b, TEXT_MAX);
	assert_true(buf_add(b, span_str("{\"id\":\"SGX\",\"version\":3,"
					"\"issueDate\":\"2025-01-01T00:00:00Z\","
					"\"nextUpdate\":\"2025-02-01T00:00:00Z\","
					"\"fmspc\":\"000000000000\",\"pceId\":\"0000\","
					"\"tcbType\":0,\"tcbEvaluationDataNumber\":1,"
					"\"tcbLevels\":[")));
	add_levels(b, count, is_whole);
	assert_true(buf_add(b, span_str("]}")));
	return buf_span(b);
}

static size_t nodes_of(const struct arena *a)
{
	struct arena one = { .max = 1024 };
	size_t size;

	assert_non_null(arena_new(&one, 1, sizeof(struct jtree)));
	size = one.used;
	arena_fini(&one);
	return a->used / size;
}

static void levels(void **state)
{
	static const struct {
		const char *name;
		size_t count;
		bool is_whole;
		enum tee_reason want;
		size_t nodes; /* exactly, or SIZE_MAX: as many as memory allows */
	} cases[] = {
		{ "800_levels_read", 800, true, TEE_OK, HEAD_NODES + 800 * LEVEL_NODES },
		{ "100000_levels_not_begun", 100'000, true, TEE_COLLATERAL_MALFORMED, 0 },
		{ "80000_empty_levels_stopped", 80'000, false, TEE_COLLATERAL_MALFORMED, SIZE_MAX },
		{ "over_1024_levels_not_looked_at", LEVELS_MAX + 1, false,
		  TEE_COLLATERAL_MALFORMED, HEAD_NODES + LEVELS_MAX + 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena tree = { .max = DOCUMENT_TREE_MAX }, kept = { .max = TEXT_MAX };
		struct tcbinfo info;
		struct buf b;
		struct span text = make_info(&b, cases[i].count, cases[i].is_whole);

		print_message("%s\n", cases[i].name);
		(void)document_load(&tree, text); /* what it made is looked at */
		if (cases[i].nodes == SIZE_MAX) {
			assert_true(text.n <= DOCUMENT_MAX); /* else it shows nothing */
			assert_true(nodes_of(&tree) < cases[i].count);
		} else {
			assert_int_equal(nodes_of(&tree), cases[i].nodes);
		}
		assert_true(tree.used <= DOCUMENT_TREE_MAX);
		assert_string_equal(tee_reason_name(tcbinfo_parse(&info, &kept, text)),
				    tee_reason_name(cases[i].want));
		if (cases[i].want)
			assert_int_equal(kept.used, 0);
		else
			assert_int_equal(info.level_count, cases[i].count);
		arena_fini(&tree);
		arena_fini(&kept);
		buf_fini(&b);
	}
}

/* Each member is compared with those before it: few enough, in any object. */
static void members(void **state)
{
	static const struct {
		const char *name;
		unsigned count;
		bool want;
	} cases[] = {
		{ "most_members_read", JTREE_MEMBERS_MAX, true },
		{ "one_more_refused", JTREE_MEMBERS_MAX + 1, false },
		{ "20000_stopped", 20'000, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena tree = { .max = DOCUMENT_TREE_MAX };
		const struct jtree *root;
		struct buf b;

		print_message("%s\n", cases[i].name);
		buf_init(&b, TEXT_MAX);
		for (unsigned m = 0; m < cases[i].count; m++) {
			char member[64];
			struct wr w = WR_ARRAY(member);

			wr_printf(&w, "%s\"m%u\":1", m ? "," : "{", m);
			assert_true(buf_add(&b, wr_span(&w)));
		}
		assert_true(buf_add(&b, span_str("}")));
		root = document_load(&tree, buf_span(&b));
		assert_int_equal(root != NULL, cases[i].want);
		assert_true(nodes_of(&tree) <= 1 + JTREE_MEMBERS_MAX);
		arena_fini(&tree);
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels),
		cmocka_unit_test(members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
