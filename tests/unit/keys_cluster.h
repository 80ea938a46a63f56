/* keys_cluster: three nodes of one cluster that tell each other, for tests of the room keys. */
#ifndef POSTERN_TESTS_KEYS_CLUSTER_H
#define POSTERN_TESTS_KEYS_CLUSTER_H

#include "unit.h"

#include "keys/held.h"
#include "keys/items.h"
#include "keys/merge.h"
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

static inline int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	admins_init(&w->admins);
	keys_cluster_init(&w->a);
	keys_cluster_init(&w->b);
	keys_cluster_init(&w->c);
	*state = w;
	return 0;
}

static inline int teardown(void **state)
{
	struct world *w = *state;

	admins_fini(&w->admins);
	keys_cluster_fini(&w->a);
	keys_cluster_fini(&w->b);
	keys_cluster_fini(&w->c);
	free(w);
	return 0;
}

static inline struct span policy(struct world *w, const char *object)
{
	return sign_policy(w->text, sizeof(w->text), &w->admins, object, 3);
}

static inline enum keys_reason found(struct world *w, struct keys_cluster *c, uint8_t fill)
{
	struct key32 root;

	memset(root.b, fill, sizeof(root.b));
	return keys_cluster_found(c, id, &root, policy(w, HEAD(3) "}"), &w->admins.authority,
				  w->error);
}

/* Everything newer than 'after' of one, merged into the other. */
static inline struct keys_merged tell(struct world *w, const struct keys_cluster *from,
				      struct keys_cluster *to, const uint8_t *own)
{
	struct wr i = WR_ARRAY(w->items);
	uint64_t upto;

	keys_items_write(&i, &upto, from, 0);
	assert_int_equal(upto, from->version);
	return keys_merge(to, from->id, wr_span(&i), own, &w->admins.authority);
}

/* ... and what the teller makes of the answer. */
static inline enum keys_held answer(struct world *w, struct keys_cluster *teller,
				    const struct keys_cluster *told)
{
	struct wr i = WR_ARRAY(w->items), h = WR_ARRAY(w->held);
	bool is_changed;
	uint64_t upto;

	keys_items_write(&i, &upto, teller, 0);
	keys_held_write(&h, told, wr_span(&i));
	return keys_held_read(teller, &is_changed, wr_span(&h));
}

#endif
