/* What nodes take over of each other: items only grow, in whatever order they come. */
#include "crypto/rng.h"
#include "keys_cluster.h"

static void joiner_gets_everything(void **state)
{
	struct world *w = *state;

	assert_int_equal(found(w, &w->a, 1), KEYS_OK);
	assert_int_equal(answer(w, &w->a, &w->b), KEYS_HELD_LESS);
	assert_int_equal(tell(w, &w->a, &w->b, node_2).refused, KEYS_OK);
	assert_true(w->b.is_founded);
	assert_memory_equal(w->b.id, id, sizeof(id));
	assert_int_equal(answer(w, &w->a, &w->b), KEYS_HELD_ALL);
	assert_false(tell(w, &w->a, &w->b, node_2).is_changed);
	keys_cluster_activate(&w->a);
	assert_int_equal(answer(w, &w->a, &w->b), KEYS_HELD_LESS);
	assert_true(tell(w, &w->a, &w->b, node_2).is_changed);
	assert_int_equal(keys_cluster_newest(&w->b), 1);
}

static void refused_merges_change_nothing(void **state)
{
	struct world *w = *state;
	struct wr i = WR_ARRAY(w->items);
	uint64_t upto;

	assert_int_equal(found(w, &w->a, 1), KEYS_OK);
	assert_int_equal(tell(w, &w->a, &w->b, stranger).refused, KEYS_NOT_A_NODE);
	assert_false(w->b.is_founded);
	keys_items_write(&i, &upto, &w->a, w->a.version - 1); /* the root alone */
	assert_int_equal(keys_merge(&w->b, id, wr_span(&i), node_2, &w->admins.authority)
				 .refused,
			 KEYS_NOT_READY);
	/* Administrators of another manifest. */
	p256_private_point(w->admins.keys[2], &w->admins.authority.admins[0]);
	assert_int_equal(tell(w, &w->a, &w->b, node_2).refused, KEYS_SIGNATURES);
	assert_false(w->b.is_founded);
	assert_int_equal(w->b.root_count, 0);
	p256_private_point(w->admins.keys[0], &w->admins.authority.admins[0]);
	/* Another cluster. */
	assert_int_equal(found(w, &w->c, 2), KEYS_OK);
	w->c.id[0] ^= 1;
	assert_int_equal(tell(w, &w->a, &w->c, node_2).refused, KEYS_OTHER_CLUSTER);
	assert_int_equal(w->c.roots[0].root.key.b[0], 2);
}

static void every_prefix_of_items_refused_or_smaller(void **state)
{
	struct world *w = *state;
	struct wr i = WR_ARRAY(w->items);
	uint64_t upto;

	assert_int_equal(found(w, &w->a, 1), KEYS_OK);
	keys_cluster_activate(&w->a);
	(void)keys_cluster_raise(&w->a, keys_cluster_record(&w->a, app, instance, "disk"), 9);
	keys_items_write(&i, &upto, &w->a, 0);
	for (size_t n = 0; n < wr_span(&i).n; n++) {
		uint8_t *part = malloc(n ? n : 1);
		enum keys_reason r;

		memcpy(part, w->items, n);
		keys_cluster_fini(&w->b);
		keys_cluster_init(&w->b);
		r = keys_merge(&w->b, id, span_of(part, n), node_2, &w->admins.authority)
			    .refused;
		free(part);
		/* Cut between items, it is a shorter list. */
		assert_true(r == KEYS_MALFORMED || r == KEYS_NOT_READY ||
			    (r == KEYS_OK && w->b.record_count == 0));
	}
}

static void two_pending_roots_become_one(void **state)
{
	struct world *w = *state;
	uint8_t x[32], y[32];
	struct key32 k1 = { { 1 } }, k2 = { { 2 } };

	assert_int_equal(found(w, &w->a, 1), KEYS_OK);
	keys_cluster_activate(&w->a);
	assert_int_equal(tell(w, &w->a, &w->b, node_2).refused, KEYS_OK);
	assert_int_equal(keys_cluster_rotate(&w->a, &k1), KEYS_OK);
	assert_int_equal(keys_cluster_rotate(&w->a, &k1), KEYS_DONE_ALREADY);
	assert_int_equal(keys_cluster_rotate(&w->b, &k2), KEYS_OK);
	assert_int_equal(tell(w, &w->a, &w->b, node_2).refused, KEYS_OK);
	assert_int_equal(tell(w, &w->b, &w->a, node_1).refused, KEYS_OK);
	keys_root_id(x, &w->a.roots[1].root);
	keys_root_id(y, &w->b.roots[1].root);
	assert_memory_equal(x, y, 32);
	assert_int_equal(answer(w, &w->a, &w->b), KEYS_HELD_ALL);
	keys_cluster_activate(&w->a);
	assert_int_equal(tell(w, &w->a, &w->b, node_2).refused, KEYS_OK);
	assert_int_equal(keys_cluster_newest(&w->b), 2);
}

static void active_root_is_never_replaced(void **state)
{
	struct world *w = *state;
	enum keys_held held;

	assert_int_equal(found(w, &w->a, 1), KEYS_OK);
	assert_int_equal(found(w, &w->b, 2), KEYS_OK);
	keys_cluster_activate(&w->a);
	keys_cluster_activate(&w->b);
	assert_int_equal(tell(w, &w->a, &w->b, node_2).refused, KEYS_MALFORMED);
	assert_int_equal(w->b.roots[0].root.key.b[0], 2);
	held = answer(w, &w->a, &w->b);
	assert_int_equal(held, KEYS_HELD_LESS);
}

static void newer_policy_wins_everywhere(void **state)
{
	struct world *w = *state;

	assert_int_equal(found(w, &w->a, 1), KEYS_OK);
	assert_int_equal(tell(w, &w->a, &w->b, node_2).refused, KEYS_OK);
	assert_int_equal(keys_cluster_set_policy(&w->b, policy(w, HEAD(4) "}"),
						 &w->admins.authority, w->error),
			 KEYS_OK);
	assert_int_equal(keys_cluster_set_policy(&w->b, policy(w, HEAD(3) "}"),
						 &w->admins.authority, w->error),
			 KEYS_SERIAL);
	assert_int_equal(tell(w, &w->a, &w->b, node_2).refused, KEYS_OK);
	assert_int_equal(w->b.policy.serial, 4);
	assert_int_equal(answer(w, &w->a, &w->b), KEYS_HELD_ALL);
	assert_int_equal(answer(w, &w->b, &w->a), KEYS_HELD_LESS);
	assert_int_equal(tell(w, &w->b, &w->a, node_1).refused, KEYS_OK);
	assert_int_equal(w->a.policy.serial, 4);
	/* Two of one serial: the same one on both sides in the end. */
	assert_int_equal(keys_cluster_set_policy(&w->a, policy(w, HEAD(5) "}"),
						 &w->admins.authority, w->error),
			 KEYS_OK);
	assert_int_equal(keys_cluster_set_policy(&w->b, policy(w, HEAD(5) ",\"simulated\":true}"),
						 &w->admins.authority, w->error),
			 KEYS_OK);
	assert_int_equal(tell(w, &w->a, &w->b, node_2).refused, KEYS_OK);
	assert_int_equal(tell(w, &w->b, &w->a, node_1).refused, KEYS_OK);
	assert_memory_equal(w->a.policy_hash, w->b.policy_hash, KEYS_HASH_LEN);
}

/* Random changes on three nodes, told in random order: all come to the same. */
static void any_order_leads_to_the_same(void **state)
{
	struct world *w = *state;
	struct keys_cluster *all[3] = { &w->a, &w->b, &w->c };
	unsigned seed = rng_u32();

	print_message("seed %u\n", seed);
	srand(seed);
	assert_int_equal(found(w, &w->a, 1), KEYS_OK);
	assert_int_equal(tell(w, &w->a, &w->b, node_2).refused, KEYS_OK);
	assert_int_equal(tell(w, &w->a, &w->c, node_2).refused, KEYS_OK);
	for (int i = 0; i < 400; i++) {
		struct keys_cluster *from = all[rand() % 3], *to = all[rand() % 3];
		uint8_t who[KEYS_ID_LEN] = { (uint8_t)(rand() % 4) };

		(void)keys_cluster_raise(from, keys_cluster_record(from, app, who, "disk"),
					 (uint64_t)(rand() % 1000));
		assert_int_equal(tell(w, from, to, node_2).refused, KEYS_OK);
	}
	for (int i = 0; i < 9; i++)
		assert_int_equal(tell(w, all[i % 3], all[(i + 1) % 3], node_2).refused, KEYS_OK);
	for (size_t i = 0; i < w->a.record_count; i++) {
		const struct keys_record *r = &w->a.records[i];

		assert_int_equal(keys_cluster_find(&w->b, r->app, r->instance, "disk")->value,
				 r->value);
		assert_int_equal(keys_cluster_find(&w->c, r->app, r->instance, "disk")->value,
				 r->value);
	}
}

static struct keys_merged merge(struct world *w, struct span items)
{
	return keys_merge(&w->a, id, items, node_1, &w->admins.authority);
}

static void items_that_are_none(void **state)
{
	struct world *w = *state;
	struct wr out = WR_ARRAY(w->items);
	uint64_t upto;

	assert_int_equal(found(w, &w->a, 1), KEYS_OK);
	assert_non_null(keys_cluster_record(&w->a, node_1, node_1, "disk"));
	keys_items_write(&out, &upto, &w->a, 0);
	assert_int_equal(upto, w->a.version);
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

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(joiner_gets_everything),
		T(refused_merges_change_nothing),
		T(every_prefix_of_items_refused_or_smaller),
		T(two_pending_roots_become_one),
		T(active_root_is_never_replaced),
		T(newer_policy_wins_everywhere),
		T(any_order_leads_to_the_same),
		T(items_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
