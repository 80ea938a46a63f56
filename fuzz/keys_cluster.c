/*
 * What nodes tell each other: the first byte says whether the rest is items, an
 * answer to items, or a whole cluster as it is kept.  A merge that is refused
 * changes nothing; what was merged once changes nothing the second time; an
 * active root stays.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "keys/held.h"
#include "keys/kept.h"
#include "keys/merge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t id[KEYS_CLUSTER_ID_LEN] = { 1 }, own[KEYS_ID_LEN] = { 2 };
static const struct keys_authority authority = { .admin_count = 1, .quorum = 1 };

/* Founded, as far as it can be without a signature. */
static void begin(struct keys_cluster *c)
{
	struct key32 root = { { 7 } };

	keys_cluster_init(c);
	c->is_founded = true;
	memcpy(c->id, id, sizeof(id));
	if (keys_cluster_rotate(c, &root))
		abort();
	keys_cluster_activate(c);
	(void)keys_cluster_raise(c, keys_cluster_record(c, own, own, "disk"), 5);
}

static void check(const struct keys_cluster *c)
{
	const struct keys_root *root = keys_cluster_root(c, 1);

	if (!root || root->key.b[0] != 7 || c->root_count > KEYS_ROOTS_MAX ||
	    c->record_count > KEYS_RECORDS_MAX ||
	    keys_cluster_find(c, own, own, "disk")->value < 5)
		abort();
}

static void fuzz_items(struct keys_cluster *c, struct span items)
{
	uint64_t version = c->version;
	struct keys_merged m = keys_merge(c, id, items, own, &authority);
	uint8_t *room = mem_new(KEYS_BODY_MAX);
	struct wr held = wr_over(room, KEYS_BODY_MAX);
	bool is_changed;

	if (m.refused && m.refused != KEYS_FULL && c->version != version)
		abort();
	if (m.refused == KEYS_OK) {
		if (keys_merge(c, id, items, own, &authority).is_changed)
			abort();
		keys_held_write(&held, c, items);
		if (!held.over &&
		    keys_held_read(c, &is_changed, wr_span(&held)) == KEYS_HELD_BROKEN)
			abort();
	}
	free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keys_cluster *c = mem_new(sizeof(*c));
	bool is_changed;
	struct span rest;

	if (size > 0) {
		rest = span_of(data + 1, size - 1);
		begin(c);
		if (data[0] % 3 == 0)
			fuzz_items(c, rest);
		else if (data[0] % 3 == 1)
			(void)keys_held_read(c, &is_changed, rest);
		check(c);
		keys_cluster_fini(c);
		keys_cluster_init(c);
		if (data[0] % 3 == 2 && keys_kept_read(c, rest, &authority) == RC_OK &&
		    c->is_founded)
			abort(); /* nobody signed its policy */
		keys_cluster_fini(c);
	}
	free(c);
	return 0;
}
