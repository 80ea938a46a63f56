/* What a cluster tells, cut into pages. */
#include "keys_cluster.h"

static void pages_cover_everything_once(void **state)
{
	struct world *w = *state;
	uint64_t at = 0;
	size_t pages = 0;

	assert_int_equal(found(w, &w->a, 1), KEYS_OK);
	for (unsigned i = 0; i < 1000; i++) {
		uint8_t who[KEYS_ID_LEN] = { (uint8_t)i, (uint8_t)(i >> 8) };

		(void)keys_cluster_raise(&w->a, keys_cluster_record(&w->a, app, who, "disk"), i);
	}
	while (at < w->a.version) {
		struct wr p = wr_over(w->items, 16 * 1024);
		uint64_t upto;

		keys_items_write(&p, &upto, &w->a, at);
		assert_true(upto > at);
		assert_false(p.over);
		assert_int_equal(keys_merge(&w->b, id, wr_span(&p), node_2,
					    &w->admins.authority)
					 .refused,
				 KEYS_OK);
		at = upto;
		pages++;
	}
	assert_true(pages > 3);
	assert_int_equal(w->b.record_count, 1000);
	assert_int_equal(answer(w, &w->a, &w->b), KEYS_HELD_ALL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(pages_cover_everything_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
