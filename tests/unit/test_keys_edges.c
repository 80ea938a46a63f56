/* What a cluster refuses besides: commands out of order, items and answers that are none. */
#include "unit.h"

#include "keys/cluster.h"
#include "keys_policy.h"

static const uint8_t id[KEYS_CLUSTER_ID_LEN] = { 5 };
static const uint8_t own[KEYS_ID_LEN] = { 1 };

struct world {
	struct admins admins;
	struct keys_cluster c;
	char text[16384], error[KEYS_POLICY_ERROR_MAX];
	uint8_t items[32768], held[32768];
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	admins_init(&w->admins);
	keys_cluster_init(&w->c);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	admins_fini(&w->admins);
	keys_cluster_fini(&w->c);
	free(w);
	return 0;
}

static void found(struct world *w)
{
	const struct key32 root = { { 1 } };

	assert_int_equal(keys_cluster_found(&w->c, id, &root,
					    sign_policy(w->text, sizeof(w->text), &w->admins,
							HEAD(3) "}", 3),
					    &w->admins.authority, w->error),
			 KEYS_OK);
}

static void commands_out_of_order(void **state)
{
	struct world *w = *state;
	const struct key32 root = { { 1 } };

	assert_null(keys_cluster_pending(&w->c));
	assert_int_equal(keys_cluster_rotate(&w->c, &root), KEYS_NOT_READY);
	keys_cluster_activate(&w->c); /* there is nothing */
	assert_int_equal(keys_cluster_newest(&w->c), 0);
	assert_int_equal(keys_cluster_found(&w->c, id, &root, span_str("no"),
					    &w->admins.authority, w->error),
			 KEYS_MALFORMED);
	assert_false(w->c.is_founded);
	found(w);
	for (uint32_t epoch = 1; epoch < KEYS_ROOTS_MAX; epoch++) {
		keys_cluster_activate(&w->c);
		assert_int_equal(keys_cluster_newest(&w->c), epoch);
		assert_int_equal(keys_cluster_rotate(&w->c, &root), KEYS_OK);
	}
	keys_cluster_activate(&w->c);
	assert_int_equal(keys_cluster_rotate(&w->c, &root), KEYS_FULL);
}

static struct keys_merged merge(struct world *w, struct span items)
{
	return keys_cluster_merge(&w->c, id, items, own, &w->admins.authority);
}

static void items_that_are_none(void **state)
{
	struct world *w = *state;
	struct wr out = WR_ARRAY(w->items);
	uint64_t upto;

	found(w);
	assert_non_null(keys_cluster_record(&w->c, own, own, "disk"));
	keys_cluster_write_items(&out, &upto, &w->c, 0);
	assert_int_equal(upto, w->c.version);
	assert_int_equal(merge(w, wr_span(&out)).refused, KEYS_OK);
	for (uint8_t kind = 0;; kind++) {
		struct keys_merged m = merge(w, span_of(&kind, 1));

		assert_int_equal(m.refused, KEYS_MALFORMED);
		assert_false(m.is_changed);
		if (kind == 255)
			break;
	}
	/* All of it twice: two policies in one question. */
	memcpy(w->items + out.n, w->items, out.n);
	assert_int_equal(merge(w, span_of(w->items, 2 * out.n)).refused, KEYS_MALFORMED);
}

/* Every answer that is cut, and each byte of it changed: broken, or no more than was told. */
static void answers_that_are_none(void **state)
{
	struct world *w = *state;
	struct wr items = WR_ARRAY(w->items), held = WR_ARRAY(w->held);
	bool is_changed;
	uint64_t upto;

	found(w);
	assert_non_null(keys_cluster_record(&w->c, own, own, "disk"));
	keys_cluster_write_items(&items, &upto, &w->c, 0);
	keys_cluster_write_held(&held, &w->c, wr_span(&items));
	assert_int_equal(keys_cluster_read_held(&w->c, &is_changed, wr_span(&held)),
			 KEYS_HELD_ALL);
	assert_false(is_changed);
	for (size_t n = 0; n < held.n; n++) {
		uint8_t *own_copy = malloc(n + 1);
		enum keys_held got;

		memcpy(own_copy, w->held, n);
		got = keys_cluster_read_held(&w->c, &is_changed, span_of(own_copy, n));
		assert_true(got == KEYS_HELD_BROKEN || got == KEYS_HELD_ALL);
		own_copy[n] = 0xff; /* an item of a kind that is not */
		if (got == KEYS_HELD_ALL)
			assert_int_equal(keys_cluster_read_held(&w->c, &is_changed,
								span_of(own_copy, n + 1)),
					 KEYS_HELD_BROKEN);
		free(own_copy);
	}
	for (size_t i = 0; i < held.n; i++) {
		w->held[i] ^= 0x80;
		(void)keys_cluster_read_held(&w->c, &is_changed, wr_span(&held));
		w->held[i] ^= 0x80;
	}
	assert_int_equal(keys_cluster_newest(&w->c), 0);
	assert_int_equal(w->c.root_count, 1);
}

static void keys_are_erased(void **state)
{
	struct keys_key key = { .epoch = 1, .key = { { 7 } } };

	(void)state;
	keys_key_wipe(&key);
	assert_int_equal(key.key.b[0], 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(commands_out_of_order),
		T(items_that_are_none),
		T(answers_that_are_none),
		cmocka_unit_test(keys_are_erased),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
