/* What a node answers to items, and what the teller makes of it. */
#include "keys_cluster.h"

static void numbers_only_grow(void **state)
{
	struct world *w = *state;
	struct keys_record *r;

	assert_int_equal(found(w, &w->a, 1), KEYS_OK);
	assert_int_equal(tell(w, &w->a, &w->b, node_2).refused, KEYS_OK);
	r = keys_cluster_record(&w->a, app, instance, "disk");
	assert_true(keys_cluster_raise(&w->a, r, 5));
	assert_false(keys_cluster_raise(&w->a, r, 4));
	r = keys_cluster_record(&w->b, app, instance, "disk");
	assert_true(keys_cluster_raise(&w->b, r, 4));
	assert_int_equal(answer(w, &w->a, &w->b), KEYS_HELD_LESS);
	assert_true(keys_cluster_raise(&w->b, r, 8));
	/* The greater is taken over from an answer, too. */
	assert_int_equal(answer(w, &w->a, &w->b), KEYS_HELD_ALL);
	assert_int_equal(keys_cluster_find(&w->a, app, instance, "disk")->value, 8);
	assert_int_equal(tell(w, &w->a, &w->b, node_2).refused, KEYS_OK);
	assert_int_equal(keys_cluster_find(&w->b, app, instance, "disk")->value, 8);
	assert_null(keys_cluster_find(&w->a, app, instance, "other"));
	assert_null(keys_cluster_find(&w->a, instance, app, "disk"));
}

/* Every answer that is cut, and each byte of it changed: broken, or no more than was told. */
static void answers_that_are_none(void **state)
{
	struct world *w = *state;
	struct wr items = WR_ARRAY(w->items), held = WR_ARRAY(w->held);
	bool is_changed;
	uint64_t upto;

	assert_int_equal(found(w, &w->a, 1), KEYS_OK);
	assert_non_null(keys_cluster_record(&w->a, node_1, node_1, "disk"));
	keys_items_write(&items, &upto, &w->a, 0);
	keys_held_write(&held, &w->a, wr_span(&items));
	assert_int_equal(keys_held_read(&w->a, &is_changed, wr_span(&held)),
			 KEYS_HELD_ALL);
	assert_false(is_changed);
	for (size_t n = 0; n < held.n; n++) {
		uint8_t *own_copy = malloc(n + 1);
		enum keys_held got;

		memcpy(own_copy, w->held, n);
		got = keys_held_read(&w->a, &is_changed, span_of(own_copy, n));
		assert_true(got == KEYS_HELD_BROKEN || got == KEYS_HELD_ALL);
		own_copy[n] = 0xff; /* an item of a kind that is not */
		if (got == KEYS_HELD_ALL)
			assert_int_equal(keys_held_read(&w->a, &is_changed,
							span_of(own_copy, n + 1)),
					 KEYS_HELD_BROKEN);
		free(own_copy);
	}
	for (size_t i = 0; i < held.n; i++) {
		w->held[i] ^= 0x80;
		(void)keys_held_read(&w->a, &is_changed, wr_span(&held));
		w->held[i] ^= 0x80;
	}
	assert_int_equal(keys_cluster_newest(&w->a), 0);
	assert_int_equal(w->a.root_count, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(numbers_only_grow),
		T(answers_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
