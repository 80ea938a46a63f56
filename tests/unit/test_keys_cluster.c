/* What nodes hold in common: roots, the policy and numbers, which only grow. */
#include "keys_cluster.h"

static void root_is_pending_until_activated(void **state)
{
	struct world *w = *state;

	assert_int_equal(found(w, &w->a, 1), KEYS_OK);
	assert_int_equal(found(w, &w->a, 1), KEYS_DONE_ALREADY);
	assert_int_equal(keys_cluster_newest(&w->a), 0);
	assert_null(keys_cluster_root(&w->a, 1));
	assert_int_equal(keys_cluster_pending(&w->a)->root.epoch, 1);
	keys_cluster_activate(&w->a);
	assert_int_equal(keys_cluster_newest(&w->a), 1);
	assert_int_equal(keys_cluster_root(&w->a, 1)->key.b[0], 1);
	assert_null(keys_cluster_pending(&w->a));
	assert_null(keys_cluster_root(&w->a, 0));
	assert_null(keys_cluster_root(&w->a, 2));
}

static void records_are_bounded(void **state)
{
	struct world *w = *state;
	uint8_t who[KEYS_ID_LEN] = { 0 }, other[KEYS_ID_LEN] = { 0 };

	for (unsigned i = 0; i <= KEYS_RECORDS_APP_MAX; i++) {
		who[0] = (uint8_t)i;
		who[1] = (uint8_t)(i >> 8);
		assert_int_equal(keys_cluster_record(&w->a, app, who, "disk") != NULL,
				 i < KEYS_RECORDS_APP_MAX);
	}
	assert_non_null(keys_cluster_record(&w->a, other, who, "disk"));
}

static void commands_out_of_order(void **state)
{
	struct world *w = *state;
	const struct key32 root = { { 1 } };

	assert_null(keys_cluster_pending(&w->a));
	assert_int_equal(keys_cluster_rotate(&w->a, &root), KEYS_NOT_READY);
	keys_cluster_activate(&w->a); /* there is nothing */
	assert_int_equal(keys_cluster_newest(&w->a), 0);
	assert_int_equal(keys_cluster_found(&w->a, id, &root, span_str("no"),
					    &w->admins.authority, w->error),
			 KEYS_MALFORMED);
	assert_false(w->a.is_founded);
	assert_int_equal(found(w, &w->a, 1), KEYS_OK);
	for (uint32_t epoch = 1; epoch < KEYS_ROOTS_MAX; epoch++) {
		keys_cluster_activate(&w->a);
		assert_int_equal(keys_cluster_newest(&w->a), epoch);
		assert_int_equal(keys_cluster_rotate(&w->a, &root), KEYS_OK);
	}
	keys_cluster_activate(&w->a);
	assert_int_equal(keys_cluster_rotate(&w->a, &root), KEYS_FULL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(root_is_pending_until_activated),
		T(records_are_bounded),
		T(commands_out_of_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
