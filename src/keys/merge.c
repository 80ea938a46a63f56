#include "keys/merge.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "keys/items.h"

static struct keys_merged refuse(enum keys_reason reason, const char *error)
{
	struct keys_merged m = { .refused = reason };

	(void)snprintf(m.error, sizeof(m.error), "%s", error);
	return m;
}

static bool is_newer(const struct keys_cluster *c, const struct keys_draft *d)
{
	if (!keys_cluster_policy(c) || d->policy.serial > c->policy.serial)
		return true;
	return d->policy.serial == c->policy.serial &&
	       keys_cluster_precedes(d->hash, c->policy_hash);
}

/* Whether every root could be taken, tried on a copy. */
static bool roots_fit(const struct keys_cluster *c, struct span items)
{
	AUTO(mem_auto_free)
	struct keys_cluster *copy = mem_new(sizeof(*copy));
	AUTO(keys_item_wipe)
	struct keys_item i = { 0 };
	bool ok = true;

	memcpy(copy->roots, c->roots, sizeof(copy->roots));
	copy->root_count = c->root_count;
	while (ok && !rd_end(&items) && keys_item_read(&i, &items))
		if (i.kind == KEYS_ITEM_ROOT)
			ok = keys_cluster_merge_root(copy, &i.root,
						     i.is_active);
	secret_wipe(copy, sizeof(*copy));
	return ok;
}

bool keys_merge_apply(struct keys_cluster *c, struct span items)
{
	AUTO(keys_item_wipe)
	struct keys_item i = { 0 };
	bool ok = true;

	while (ok && !rd_end(&items) && keys_item_read(&i, &items)) {
		if (i.kind == KEYS_ITEM_ROOT)
			ok = keys_cluster_merge_root(c, &i.root, i.is_active);
		else if (i.kind == KEYS_ITEM_RECORD)
			ok = keys_cluster_merge_record(c, &i.record);
	}
	return ok;
}

struct keys_merged keys_merge(struct keys_cluster *c,
			      const uint8_t id[KEYS_CLUSTER_ID_LEN],
			      struct span items,
			      const uint8_t own[KEYS_ID_LEN],
			      const struct keys_authority *authority)
{
	AUTO(keys_draft_fini)
	struct keys_draft d = { 0 };
	struct keys_merged m = { 0 };
	uint64_t version = c->version;
	enum keys_reason reason;
	struct span policy;

	if (c->is_founded &&
	    !span_equal(SPAN_ARRAY(c->id), span_of(id, KEYS_CLUSTER_ID_LEN)))
		return refuse(KEYS_OTHER_CLUSTER, "");
	if (!keys_items_check(items, &policy))
		return refuse(KEYS_MALFORMED, "items");
	if (policy.n) {
		reason = keys_draft_read(&d, policy, authority, m.error);
		if (reason)
			return refuse(reason, m.error);
	}
	if (!c->is_founded && !policy.n)
		return refuse(KEYS_NOT_READY, "no policy among the items");
	if (!c->is_founded && !keys_policy_has_node(&d.policy, own))
		return refuse(KEYS_NOT_A_NODE, "the policy does not name us");
	if (!roots_fit(c, items))
		return refuse(KEYS_MALFORMED, "roots that cannot be");
	if (!c->is_founded) {
		c->is_founded = true;
		memcpy(c->id, id, sizeof(c->id));
	}
	if (policy.n && !keys_cluster_is_same_policy(c, d.hash) &&
	    is_newer(c, &d))
		keys_cluster_take_policy(c, &d);
	if (!keys_merge_apply(c, items))
		m.refused = KEYS_FULL;
	m.is_changed = c->version != version;
	return m;
}
