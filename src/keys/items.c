#include "keys/items.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	RECORD_SIZE = 1 + 2 * KEYS_ID_LEN + 1 + KEYS_PURPOSE_MAX + 8,
};

void keys_item_wipe(struct keys_item *i)
{
	secret_wipe(i, sizeof(*i));
}

static bool read_name(char out[KEYS_PURPOSE_MAX + 1], struct span *from)
{
	struct span name;

	if (!rd_vec8(from, &name) || !keys_is_purpose(name))
		return false;
	memcpy(out, name.p, name.n);
	out[name.n] = '\0';
	return true;
}

bool keys_item_read_record(struct keys_record *out, struct span *from)
{
	*out = (struct keys_record){ 0 };
	return rd_copy(from, out->app, sizeof(out->app)) &&
	       rd_copy(from, out->instance, sizeof(out->instance)) &&
	       read_name(out->name, from) && rd_be64(from, &out->value);
}

bool keys_item_read_flag(bool *out, struct span *from)
{
	uint8_t v;

	if (!rd_u8(from, &v) || v > 1)
		return false;
	*out = v;
	return true;
}

bool keys_item_read(struct keys_item *out, struct span *from)
{
	*out = (struct keys_item){ 0 };
	if (!rd_u8(from, &out->kind))
		return false;
	switch (out->kind) {
	case KEYS_ITEM_ROOT:
		return rd_be32(from, &out->root.epoch) &&
		       keys_item_read_flag(&out->is_active, from) &&
		       rd_copy(from, out->root.key.b,
			       sizeof(out->root.key.b)) &&
		       out->root.epoch && !key32_is_zero(&out->root.key);
	case KEYS_ITEM_POLICY:
		return rd_vec24(from, &out->policy) &&
		       out->policy.n <= KEYS_POLICY_MAX;
	case KEYS_ITEM_RECORD:
		return keys_item_read_record(&out->record, from);
	default:
		return false;
	}
}

void keys_item_write_root(struct wr *w, const struct keys_root_item *r)
{
	wr_u8(w, KEYS_ITEM_ROOT);
	wr_be32(w, r->root.epoch);
	wr_u8(w, r->is_active);
	wr_bytes(w, SPAN_ARRAY(r->root.key.b));
}

void keys_item_write_policy(struct wr *w, const struct keys_cluster *c)
{
	wr_u8(w, KEYS_ITEM_POLICY);
	wr_vec24(w, buf_span(&c->policy_text));
}

void keys_item_write_record(struct wr *w, const struct keys_record *r)
{
	wr_u8(w, KEYS_ITEM_RECORD);
	wr_bytes(w, SPAN_ARRAY(r->app));
	wr_bytes(w, SPAN_ARRAY(r->instance));
	wr_vec8(w, span_str(r->name));
	wr_be64(w, r->value);
}

static int by_version(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The version up to which records newer than 'after' fit into 'room'. */
static uint64_t cut_records(const struct keys_cluster *c, uint64_t after,
			    size_t room)
{
	AUTO(mem_auto_free)
	uint64_t *versions = mem_new_array(c->record_count + 1, 8);
	size_t n = 0;

	for (size_t i = 0; i < c->record_count; i++)
		if (c->records[i].version > after)
			versions[n++] = c->records[i].version;
	if (n <= room / RECORD_SIZE)
		return c->version;
	qsort(versions, n, sizeof(*versions), by_version);
	return room < RECORD_SIZE ? after : versions[room / RECORD_SIZE - 1];
}

void keys_items_write(struct wr *w, uint64_t *upto,
		      const struct keys_cluster *c, uint64_t after)
{
	for (size_t i = 0; i < c->root_count; i++)
		if (c->roots[i].version > after)
			keys_item_write_root(w, &c->roots[i]);
	if (keys_cluster_policy(c) && c->policy_version > after)
		keys_item_write_policy(w, c);
	*upto = cut_records(c, after, w->over ? 0 : w->cap - w->n);
	for (size_t i = 0; i < c->record_count; i++)
		if (c->records[i].version > after &&
		    c->records[i].version <= *upto)
			keys_item_write_record(w, &c->records[i]);
}

bool keys_items_check(struct span items, struct span *policy)
{
	AUTO(keys_item_wipe)
	struct keys_item i = { 0 };

	*policy = span_of(NULL, 0);
	while (!rd_end(&items)) {
		if (!keys_item_read(&i, &items))
			return false;
		if (i.kind == KEYS_ITEM_POLICY && policy->n)
			return false;
		if (i.kind == KEYS_ITEM_POLICY)
			*policy = i.policy;
	}
	return true;
}
