/* What nodes hold in common: items only grow, in whatever order they come. */
#include "unit.h"

#include "crypto/rng.h"
#include "keys/cluster.h"
#include "keys_policy.h"

enum {
	ROOM = 256 * 1024,
};

struct world {
	struct admins admins;
	struct keys_cluster a, b, c;
	char text[16384], error[KEYS_POLICY_ERROR_MAX];
	uint8_t items[ROOM], held[ROOM];
};

static const uint8_t id[KEYS_CLUSTER_ID_LEN] = { 5 };
static const uint8_t node_1[KEYS_ID_LEN] = { 1 }, node_2[KEYS_ID_LEN] = { 2 };
static const uint8_t stranger[KEYS_ID_LEN] = { 9 };
static const uint8_t app[KEYS_ID_LEN] = { 0xaa }, instance[KEYS_ID_LEN] = { 0xcc };

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	admins_init(&w->admins);
	keys_cluster_init(&w->a);
	keys_cluster_init(&w->b);
	keys_cluster_init(&w->c);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	admins_fini(&w->admins);
	keys_cluster_fini(&w->a);
	keys_cluster_fini(&w->b);
	keys_cluster_fini(&w->c);
	free(w);
	return 0;
}

static struct span policy(struct world *w, const char *object)
{
	return sign_policy(w->text, sizeof(w->text), &w->admins, object, 3);
}

static enum keys_reason found(struct world *w, struct keys_cluster *c, uint8_t fill)
{
	struct key32 root;

	memset(root.b, fill, sizeof(root.b));
	return keys_cluster_found(c, id, &root, policy(w, HEAD(3) "}"), &w->admins.authority,
				  w->error);
}

/* Everything newer than 'after' of one, merged into the other. */
static struct keys_merged tell(struct world *w, const struct keys_cluster *from,
			       struct keys_cluster *to, const uint8_t *own)
{
	struct wr i = WR_ARRAY(w->items);
	uint64_t upto;

	keys_cluster_write_items(&i, &upto, from, 0);
	assert_int_equal(upto, from->version);
	return keys_cluster_merge(to, from->id, wr_span(&i), own, &w->admins.authority);
}

/* ... and what the teller makes of the answer. */
static enum keys_held answer(struct world *w, struct keys_cluster *teller,
			     const struct keys_cluster *told)
{
	struct wr i = WR_ARRAY(w->items), h = WR_ARRAY(w->held);
	bool is_changed;
	uint64_t upto;

	keys_cluster_write_items(&i, &upto, teller, 0);
	keys_cluster_write_held(&h, told, wr_span(&i));
	return keys_cluster_read_held(teller, &is_changed, wr_span(&h));
}

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
	keys_cluster_write_items(&i, &upto, &w->a, w->a.version - 1); /* the root alone */
	assert_int_equal(keys_cluster_merge(&w->b, id, wr_span(&i), node_2, &w->admins.authority)
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
	keys_cluster_write_items(&i, &upto, &w->a, 0);
	for (size_t n = 0; n < wr_span(&i).n; n++) {
		uint8_t *part = malloc(n ? n : 1);
		enum keys_reason r;

		memcpy(part, w->items, n);
		keys_cluster_fini(&w->b);
		keys_cluster_init(&w->b);
		r = keys_cluster_merge(&w->b, id, span_of(part, n), node_2, &w->admins.authority)
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

		keys_cluster_write_items(&p, &upto, &w->a, at);
		assert_true(upto > at);
		assert_false(p.over);
		assert_int_equal(keys_cluster_merge(&w->b, id, wr_span(&p), node_2,
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

static void kept_and_read_again(void **state)
{
	struct world *w = *state;
	uint8_t *text = calloc(1, KEYS_CLUSTER_MAX);
	struct wr t = wr_over(text, KEYS_CLUSTER_MAX);

	assert_int_equal(found(w, &w->a, 1), KEYS_OK);
	keys_cluster_activate(&w->a);
	(void)keys_cluster_raise(&w->a, keys_cluster_record(&w->a, app, instance, "disk"), 9);
	(void)keys_cluster_record(&w->a, app, instance, "only-asked");
	assert_int_equal(keys_cluster_write(&t, &w->a), RC_OK);
	assert_int_equal(keys_cluster_read(&w->b, wr_span(&t), &w->admins.authority), RC_OK);
	assert_int_equal(keys_cluster_newest(&w->b), 1);
	assert_int_equal(w->b.record_count, 1);
	assert_int_equal(w->b.policy.serial, 3);
	for (size_t n = 0; n < wr_span(&t).n; n++) {
		enum rc rc;

		rc = keys_cluster_read(&w->c, span_of(text, n), &w->admins.authority);
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
		T(root_is_pending_until_activated),
		T(joiner_gets_everything),
		T(refused_merges_change_nothing),
		T(every_prefix_of_items_refused_or_smaller),
		T(two_pending_roots_become_one),
		T(active_root_is_never_replaced),
		T(numbers_only_grow),
		T(newer_policy_wins_everywhere),
		T(any_order_leads_to_the_same),
		T(pages_cover_everything_once),
		T(records_are_bounded),
		T(kept_and_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
