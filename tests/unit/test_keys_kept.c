/* A cluster as it is kept, and read again. */
#include "keys/kept.h"
#include "keys_cluster.h"

static void kept_and_read_again(void **state)
{
	struct world *w = *state;
	uint8_t *text = calloc(1, KEYS_KEPT_MAX);
	struct wr t = wr_over(text, KEYS_KEPT_MAX);

	assert_int_equal(found(w, &w->a, 1), KEYS_OK);
	keys_cluster_activate(&w->a);
	(void)keys_cluster_raise(&w->a, keys_cluster_record(&w->a, app, instance, "disk"), 9);
	(void)keys_cluster_record(&w->a, app, instance, "only-asked");
	assert_int_equal(keys_kept_write(&t, &w->a), RC_OK);
	assert_int_equal(keys_kept_read(&w->b, wr_span(&t), &w->admins.authority), RC_OK);
	assert_int_equal(keys_cluster_newest(&w->b), 1);
	assert_int_equal(w->b.record_count, 1);
	assert_int_equal(w->b.policy.serial, 3);
	for (size_t n = 0; n < wr_span(&t).n; n++) {
		enum rc rc;

		rc = keys_kept_read(&w->c, span_of(text, n), &w->admins.authority);
		assert_true(rc == RC_MALFORMED || w->c.record_count == 0);
		if (rc)
			assert_false(w->c.is_founded);
		keys_cluster_fini(&w->c);
		keys_cluster_init(&w->c);
	}
	free(text);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(kept_and_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
