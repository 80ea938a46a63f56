#include "keys/held.h"

#include "base/mem.h"
#include "keys/items.h"

static void write_held_root(struct wr *w, const struct keys_cluster *c,
			    const struct keys_item *i)
{
	uint8_t id[32] = { 0 };
	bool is_active = false;

	if (i->root.epoch <= c->root_count) {
		keys_root_id(id, &c->roots[i->root.epoch - 1].root);
		is_active = c->roots[i->root.epoch - 1].is_active;
	}
	wr_u8(w, KEYS_ITEM_ROOT);
	wr_be32(w, i->root.epoch);
	wr_u8(w, is_active);
	wr_bytes(w, SPAN_ARRAY(id));
}

void keys_held_write(struct wr *w, const struct keys_cluster *c,
		     struct span items)
{
	AUTO(keys_item_wipe)
	struct keys_item i = { 0 };
	const struct keys_record *r;

	while (!rd_end(&items) && keys_item_read(&i, &items)) {
		if (i.kind == KEYS_ITEM_ROOT) {
			write_held_root(w, c, &i);
		} else if (i.kind == KEYS_ITEM_POLICY) {
			wr_u8(w, KEYS_ITEM_POLICY);
			wr_be32(w, c->policy.serial);
			wr_bytes(w, SPAN_ARRAY(c->policy_hash));
		} else {
			r = keys_cluster_find(c, i.record.app,
					      i.record.instance,
					      i.record.name);
			if (!r)
				i.record.value = 0;
			keys_item_write_record(w, r ? r : &i.record);
		}
	}
}

static bool holds_root(const struct keys_cluster *c, bool *is_held,
		       struct span *from)
{
	uint8_t theirs[32], ours[32];
	uint32_t epoch;
	bool is_active;

	if (!rd_be32(from, &epoch) || !keys_item_read_flag(&is_active, from) ||
	    !rd_copy(from, theirs, sizeof(theirs)) || !epoch ||
	    epoch > c->root_count)
		return false;
	keys_root_id(ours, &c->roots[epoch - 1].root);
	*is_held &= span_equal(SPAN_ARRAY(ours), SPAN_ARRAY(theirs)) &&
		    (is_active || !c->roots[epoch - 1].is_active);
	return true;
}

static bool holds_policy(const struct keys_cluster *c, bool *is_held,
			 struct span *from)
{
	uint8_t hash[KEYS_HASH_LEN];
	uint32_t serial;

	if (!rd_be32(from, &serial) || !rd_copy(from, hash, sizeof(hash)))
		return false;
	*is_held &= serial > c->policy.serial ||
		    (serial == c->policy.serial &&
		     !keys_cluster_precedes(c->policy_hash, hash));
	return true;
}

static bool holds_record(struct keys_cluster *c, bool *is_held,
			 struct span *from)
{
	const struct keys_record *r;
	struct keys_record theirs;

	if (!keys_item_read_record(&theirs, from))
		return false;
	r = keys_cluster_find(c, theirs.app, theirs.instance, theirs.name);
	*is_held &= r && theirs.value >= r->value;
	return r && keys_cluster_merge_record(c, &theirs);
}

enum keys_held keys_held_read(struct keys_cluster *c, bool *is_changed,
			      struct span held)
{
	uint64_t version = c->version;
	bool is_held = true, ok = true;
	uint8_t kind;

	while (ok && rd_u8(&held, &kind)) {
		if (kind == KEYS_ITEM_ROOT)
			ok = holds_root(c, &is_held, &held);
		else if (kind == KEYS_ITEM_POLICY)
			ok = holds_policy(c, &is_held, &held);
		else
			ok = kind == KEYS_ITEM_RECORD &&
			     holds_record(c, &is_held, &held);
	}
	*is_changed = c->version != version;
	if (!ok)
		return KEYS_HELD_BROKEN;
	return is_held ? KEYS_HELD_ALL : KEYS_HELD_LESS;
}
