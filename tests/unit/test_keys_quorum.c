/* Counting nodes: each once, only those that the policy lists, this one with them. */
#include "unit.h"

#include <string.h>

#include "keys/quorum.h"

static struct keys_policy three(void)
{
	return (struct keys_policy){ .nodes = { { 1 }, { 2 }, { 3 } }, .node_count = 3 };
}

static void counts_by_policy(void **state)
{
	static const struct {
		const char *name;
		uint8_t own, node;
		bool is_linked;
		uint64_t confirmed;
		size_t holders, linked;
		bool is_settled;
	} table[] = {
		{ "alone", 1, 0, false, 0, 1, 1, true },
		{ "one_more", 1, 2, true, 5, 2, 2, true },
		{ "behind", 1, 2, true, 4, 1, 2, false },
		{ "behind_and_away", 1, 2, false, 4, 1, 1, true },
		{ "held_and_away", 1, 2, false, 5, 2, 1, true },
		{ "stranger", 1, 9, true, 5, 1, 1, true },
		{ "stranger_behind", 1, 9, true, 0, 1, 1, true },
		{ "itself_again", 1, 1, true, 5, 1, 1, true },
		{ "not_a_node", 9, 2, true, 5, 1, 1, true },
	};
	struct keys_policy p = three();

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct keys_quorum q = { .own = { table[i].own } };
		uint8_t id[KEYS_ID_LEN] = { table[i].node };
		struct keys_node *n = table[i].node ? keys_quorum_node(&q, id) : NULL;

		if (n) {
			n->is_linked = table[i].is_linked;
			n->confirmed = table[i].confirmed;
			assert_ptr_equal(keys_quorum_node(&q, id), n);
		}
		if (keys_quorum_holders(&q, &p, 5) != table[i].holders ||
		    keys_quorum_linked(&q, &p) != table[i].linked ||
		    keys_quorum_is_settled(&q, &p, 5) != table[i].is_settled)
			fail_msg("%s", table[i].name);
	}
}

static void fresh_while_a_majority_was_heard(void **state)
{
	struct keys_quorum q = { .own = { 1 } };
	uint8_t id[KEYS_ID_LEN] = { 2 };
	struct keys_policy p = three();
	struct keys_node *n = keys_quorum_node(&q, id);

	(void)state;
	assert_false(keys_quorum_is_fresh(&q, &p, 100, 50));
	n->was_heard = true;
	n->heard_at_ms = 60;
	assert_true(keys_quorum_is_fresh(&q, &p, 100, 50));
	assert_false(keys_quorum_is_fresh(&q, &p, 111, 50));
	n->heard_at_ms = 111;
	q.own[0] = 9; /* we are none of them: one heard is no majority */
	assert_false(keys_quorum_is_fresh(&q, &p, 111, 50));
}

static void majorities(void **state)
{
	static const size_t want[] = { 0, 1, 2, 2, 3, 3, 4 };

	(void)state;
	for (size_t n = 1; n <= 6; n++)
		assert_int_equal(keys_majority(n), want[n]);
}

static void nodes_are_bounded(void **state)
{
	struct keys_quorum q = { 0 };

	(void)state;
	for (unsigned i = 0; i <= KEYS_QUORUM_MAX; i++) {
		uint8_t id[KEYS_ID_LEN] = { (uint8_t)i };

		assert_int_equal(keys_quorum_node(&q, id) != NULL, i < KEYS_QUORUM_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_by_policy),
		cmocka_unit_test(fresh_while_a_majority_was_heard),
		cmocka_unit_test(majorities),
		cmocka_unit_test(nodes_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
