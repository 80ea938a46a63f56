#include "keys/cluster.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/hash.h"

static const char policy_label[] = "postern/kms-policy-id/v1";
static const char magic[] = "PSTNKMS1";

enum {
	ITEM_ROOT = 1,
	ITEM_POLICY = 2,
	ITEM_RECORD = 3,
	RECORD_SIZE = 1 + 2 * KEYS_ID_LEN + 1 + KEYS_PURPOSE_MAX + 8,
	ROOT_SIZE = 1 + 4 + 1 + 32,
};

/* One item as it is read; spans borrow. */
struct item {
	uint8_t kind;
	struct keys_root root;
	bool is_active;
	struct span policy;
	struct keys_record record;
};

static void item_wipe(struct item *i)
{
	secret_wipe(i, sizeof(*i));
}

void keys_cluster_init(struct keys_cluster *c)
{
	*c = (struct keys_cluster){ 0 };
	buf_init(&c->policy_text, KEYS_POLICY_MAX);
	arena_init(&c->policy_arena, KEYS_POLICY_TREE_MAX);
}

void keys_cluster_fini(struct keys_cluster *c)
{
	buf_fini(&c->policy_text);
	arena_fini(&c->policy_arena);
	free(c->records);
	secret_wipe(c, sizeof(*c));
}

/* ---- the policy ---- */

static void policy_hash(uint8_t out[KEYS_HASH_LEN], struct span text)
{
	const struct span parts[] = { span_str(policy_label), text };
	struct sha256 h;

	sha256_parts(&h, parts, 2);
	memcpy(out, h.b, KEYS_HASH_LEN);
}

static bool is_less(const uint8_t *a, const uint8_t *b, size_t n)
{
	/* public: hashes of signed documents, and ids of roots */
	return memcmp(a, b, n) < 0;
}

const struct keys_policy *keys_cluster_policy(const struct keys_cluster *c)
{
	return buf_span(&c->policy_text).n ? &c->policy : NULL;
}

/* A policy that was read, before it is taken. */
struct draft {
	struct arena arena;
	struct keys_policy policy;
	uint8_t hash[KEYS_HASH_LEN];
	struct span text;
};

static void draft_fini(struct draft *d)
{
	arena_fini(&d->arena);
}

static enum keys_reason draft_read(struct draft *d, struct span text,
				   const struct keys_authority *authority,
				   char error[KEYS_POLICY_ERROR_MAX])
{
	arena_init(&d->arena, KEYS_POLICY_TREE_MAX);
	d->text = text;
	policy_hash(d->hash, text);
	return keys_policy_read(&d->policy, &d->arena, text, authority, error);
}

static void take_policy(struct keys_cluster *c, struct draft *d)
{
	bool ok;

	arena_fini(&c->policy_arena);
	c->policy_arena = d->arena;
	arena_init(&d->arena, 0);
	c->policy = d->policy;
	memcpy(c->policy_hash, d->hash, sizeof(c->policy_hash));
	buf_reset(&c->policy_text);
	ok = buf_add(&c->policy_text, d->text);
	assert(ok); /* bounded by keys_policy_read() */
	(void)ok;
	c->policy_version = ++c->version;
}

static bool is_same_policy(const struct keys_cluster *c,
			   const uint8_t hash[KEYS_HASH_LEN])
{
	return keys_cluster_policy(c) &&
	       span_equal(SPAN_ARRAY(c->policy_hash),
			  span_of(hash, KEYS_HASH_LEN));
}

enum keys_reason keys_cluster_set_policy(struct keys_cluster *c,
					 struct span policy,
					 const struct keys_authority *authority,
					 char error[KEYS_POLICY_ERROR_MAX])
{
	AUTO(draft_fini)
	struct draft d = { 0 };
	enum keys_reason reason = draft_read(&d, policy, authority, error);

	if (reason)
		return reason;
	if (is_same_policy(c, d.hash))
		return KEYS_OK;
	if (keys_cluster_policy(c) && d.policy.serial <= c->policy.serial) {
		(void)snprintf(error, KEYS_POLICY_ERROR_MAX,
			       "serial %u; %u is in force", d.policy.serial,
			       c->policy.serial);
		return KEYS_SERIAL;
	}
	take_policy(c, &d);
	return KEYS_OK;
}

/* ---- roots ---- */

static void add_root(struct keys_cluster *c, const struct key32 *key,
		     bool is_active)
{
	struct keys_root_item *item = &c->roots[c->root_count];

	item->root.epoch = (uint32_t)++c->root_count;
	item->root.key = *key;
	item->is_active = is_active;
	item->version = ++c->version;
}

enum keys_reason keys_cluster_found(struct keys_cluster *c,
				    const uint8_t id[KEYS_CLUSTER_ID_LEN],
				    const struct key32 *root,
				    struct span policy,
				    const struct keys_authority *authority,
				    char error[KEYS_POLICY_ERROR_MAX])
{
	enum keys_reason reason;

	error[0] = '\0';
	if (c->is_founded)
		return KEYS_DONE_ALREADY;
	reason = keys_cluster_set_policy(c, policy, authority, error);
	if (reason)
		return reason;
	c->is_founded = true;
	memcpy(c->id, id, sizeof(c->id));
	add_root(c, root, false);
	return KEYS_OK;
}

uint32_t keys_cluster_newest(const struct keys_cluster *c)
{
	for (size_t i = c->root_count; i; i--)
		if (c->roots[i - 1].is_active)
			return c->roots[i - 1].root.epoch;
	return 0;
}

const struct keys_root *keys_cluster_root(const struct keys_cluster *c,
					  uint32_t epoch)
{
	if (epoch == 0 || epoch > c->root_count ||
	    !c->roots[epoch - 1].is_active)
		return NULL;
	return &c->roots[epoch - 1].root;
}

struct keys_root_item *keys_cluster_pending(struct keys_cluster *c)
{
	struct keys_root_item *last;

	if (!c->root_count)
		return NULL;
	last = &c->roots[c->root_count - 1];
	return last->is_active ? NULL : last;
}

enum keys_reason keys_cluster_rotate(struct keys_cluster *c,
				     const struct key32 *root)
{
	if (!c->is_founded)
		return KEYS_NOT_READY;
	if (keys_cluster_pending(c))
		return KEYS_DONE_ALREADY;
	if (c->root_count == KEYS_ROOTS_MAX)
		return KEYS_FULL;
	add_root(c, root, false);
	return KEYS_OK;
}

void keys_cluster_activate(struct keys_cluster *c)
{
	struct keys_root_item *item = keys_cluster_pending(c);

	if (!item)
		return;
	item->is_active = true;
	item->version = ++c->version;
}

/* An epoch follows the one before it, and all before the last are active. */
static bool root_fits(const struct keys_cluster *c, uint32_t epoch)
{
	if (epoch == 0 || epoch > KEYS_ROOTS_MAX || epoch > c->root_count + 1)
		return false;
	return epoch <= c->root_count || c->root_count == 0 ||
	       c->roots[c->root_count - 1].is_active;
}

/* False: it cannot be, among nodes that keep the rules. */
static bool merge_root(struct keys_cluster *c, const struct item *in)
{
	uint8_t ours[32], theirs[32];
	struct keys_root_item *item;

	if (!root_fits(c, in->root.epoch))
		return false;
	if (in->root.epoch > c->root_count) {
		add_root(c, &in->root.key, in->is_active);
		return true;
	}
	item = &c->roots[in->root.epoch - 1];
	keys_root_id(ours, &item->root);
	keys_root_id(theirs, &in->root);
	if (!span_equal(SPAN_ARRAY(ours), SPAN_ARRAY(theirs))) {
		if (item->is_active)
			return !in->is_active;
		if (!in->is_active && is_less(ours, theirs, sizeof(ours)))
			return true;
		item->root = in->root;
	} else if (item->is_active || !in->is_active) {
		return true;
	}
	item->is_active = in->is_active;
	item->version = ++c->version;
	return true;
}

/* ---- records ---- */

static bool is_record(const struct keys_record *r, const uint8_t *app,
		      const uint8_t *instance, const char *name)
{
	return span_equal(SPAN_ARRAY(r->instance),
			  span_of(instance, KEYS_ID_LEN)) &&
	       span_equal(SPAN_ARRAY(r->app), span_of(app, KEYS_ID_LEN)) &&
	       strcmp(r->name, name) == 0;
}

static struct keys_record *find(const struct keys_cluster *c,
				const uint8_t *app, const uint8_t *instance,
				const char *name)
{
	for (size_t i = 0; i < c->record_count; i++)
		if (is_record(&c->records[i], app, instance, name))
			return &c->records[i];
	return NULL;
}

const struct keys_record *keys_cluster_find(const struct keys_cluster *c,
					    const uint8_t app[KEYS_ID_LEN],
					    const uint8_t instance[KEYS_ID_LEN],
					    const char *name)
{
	return find(c, app, instance, name);
}

static size_t count_of_app(const struct keys_cluster *c, const uint8_t *app)
{
	size_t count = 0;

	for (size_t i = 0; i < c->record_count; i++)
		count += span_equal(SPAN_ARRAY(c->records[i].app),
				    span_of(app, KEYS_ID_LEN));
	return count;
}

static struct keys_record *add_record(struct keys_cluster *c)
{
	if (c->record_count == KEYS_RECORDS_MAX)
		return NULL;
	if (c->record_count == c->record_cap) {
		c->record_cap = c->record_cap ? 2 * c->record_cap : 16;
		c->records = mem_grow(c->records, c->record_cap,
				      sizeof(*c->records));
	}
	return &c->records[c->record_count++];
}

struct keys_record *keys_cluster_record(struct keys_cluster *c,
					const uint8_t app[KEYS_ID_LEN],
					const uint8_t instance[KEYS_ID_LEN],
					const char *name)
{
	struct keys_record *r = find(c, app, instance, name);

	if (r || count_of_app(c, app) >= KEYS_RECORDS_APP_MAX)
		return r;
	r = add_record(c);
	if (!r)
		return NULL;
	*r = (struct keys_record){ .version = ++c->version };
	memcpy(r->app, app, sizeof(r->app));
	memcpy(r->instance, instance, sizeof(r->instance));
	(void)snprintf(r->name, sizeof(r->name), "%s", name);
	return r;
}

bool keys_cluster_raise(struct keys_cluster *c, struct keys_record *record,
			uint64_t to)
{
	bool is_changed = to > record->value;

	record->version = ++c->version;
	if (is_changed)
		record->value = to;
	return is_changed;
}

/* False: full.  Another node's count of one app's is its own affair. */
static bool merge_record(struct keys_cluster *c, const struct keys_record *in)
{
	struct keys_record *r = find(c, in->app, in->instance, in->name);

	if (!r) {
		r = add_record(c);
		if (!r)
			return false;
		*r = *in;
		r->version = ++c->version;
	} else if (in->value > r->value) {
		r->value = in->value;
		r->version = ++c->version;
	}
	return true;
}

/* ---- items ---- */

static bool read_name(char out[KEYS_PURPOSE_MAX + 1], struct span *from)
{
	struct span name;

	if (!rd_vec8(from, &name) || !keys_is_purpose(name))
		return false;
	memcpy(out, name.p, name.n);
	out[name.n] = '\0';
	return true;
}

static bool read_record(struct keys_record *out, struct span *from)
{
	*out = (struct keys_record){ 0 };
	return rd_copy(from, out->app, sizeof(out->app)) &&
	       rd_copy(from, out->instance, sizeof(out->instance)) &&
	       read_name(out->name, from) && rd_be64(from, &out->value);
}

static bool read_flag(bool *out, struct span *from)
{
	uint8_t v;

	if (!rd_u8(from, &v) || v > 1)
		return false;
	*out = v;
	return true;
}

static bool read_item(struct item *out, struct span *from)
{
	*out = (struct item){ 0 };
	if (!rd_u8(from, &out->kind))
		return false;
	switch (out->kind) {
	case ITEM_ROOT:
		return rd_be32(from, &out->root.epoch) &&
		       read_flag(&out->is_active, from) &&
		       rd_copy(from, out->root.key.b,
			       sizeof(out->root.key.b)) &&
		       out->root.epoch && !key32_is_zero(&out->root.key);
	case ITEM_POLICY:
		return rd_vec24(from, &out->policy) &&
		       out->policy.n <= KEYS_POLICY_MAX;
	case ITEM_RECORD:
		return read_record(&out->record, from);
	default:
		return false;
	}
}

static void write_root(struct wr *w, const struct keys_root_item *r)
{
	wr_u8(w, ITEM_ROOT);
	wr_be32(w, r->root.epoch);
	wr_u8(w, r->is_active);
	wr_bytes(w, SPAN_ARRAY(r->root.key.b));
}

static void write_policy(struct wr *w, const struct keys_cluster *c)
{
	wr_u8(w, ITEM_POLICY);
	wr_vec24(w, buf_span(&c->policy_text));
}

static void write_record(struct wr *w, const struct keys_record *r)
{
	wr_u8(w, ITEM_RECORD);
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

void keys_cluster_write_items(struct wr *w, uint64_t *upto,
			      const struct keys_cluster *c, uint64_t after)
{
	for (size_t i = 0; i < c->root_count; i++)
		if (c->roots[i].version > after)
			write_root(w, &c->roots[i]);
	if (keys_cluster_policy(c) && c->policy_version > after)
		write_policy(w, c);
	*upto = cut_records(c, after, w->over ? 0 : w->cap - w->n);
	for (size_t i = 0; i < c->record_count; i++)
		if (c->records[i].version > after &&
		    c->records[i].version <= *upto)
			write_record(w, &c->records[i]);
}

/* ---- merging ---- */

static struct keys_merged refuse(enum keys_reason reason, const char *error)
{
	struct keys_merged m = { .refused = reason };

	(void)snprintf(m.error, sizeof(m.error), "%s", error);
	return m;
}

/* Reads all items for their grammar, and finds the policy among them. */
static bool check_items(struct span items, struct span *policy)
{
	AUTO(item_wipe)
	struct item i = { 0 };

	*policy = span_of(NULL, 0);
	while (!rd_end(&items)) {
		if (!read_item(&i, &items))
			return false;
		if (i.kind == ITEM_POLICY && policy->n)
			return false;
		if (i.kind == ITEM_POLICY)
			*policy = i.policy;
	}
	return true;
}

static bool is_newer(const struct keys_cluster *c, const struct draft *d)
{
	if (!keys_cluster_policy(c) || d->policy.serial > c->policy.serial)
		return true;
	return d->policy.serial == c->policy.serial &&
	       is_less(d->hash, c->policy_hash, sizeof(d->hash));
}

/* Whether every root could be taken, tried on a copy. */
static bool roots_fit(const struct keys_cluster *c, struct span items)
{
	AUTO(mem_auto_free)
	struct keys_cluster *copy = mem_new(sizeof(*copy));
	AUTO(item_wipe)
	struct item i = { 0 };
	bool ok = true;

	memcpy(copy->roots, c->roots, sizeof(copy->roots));
	copy->root_count = c->root_count;
	while (ok && !rd_end(&items) && read_item(&i, &items))
		if (i.kind == ITEM_ROOT)
			ok = merge_root(copy, &i);
	secret_wipe(copy, sizeof(*copy));
	return ok;
}

static bool apply(struct keys_cluster *c, struct span items)
{
	AUTO(item_wipe)
	struct item i = { 0 };
	bool ok = true;

	while (ok && !rd_end(&items) && read_item(&i, &items)) {
		if (i.kind == ITEM_ROOT)
			ok = merge_root(c, &i);
		else if (i.kind == ITEM_RECORD)
			ok = merge_record(c, &i.record);
	}
	return ok;
}

struct keys_merged keys_cluster_merge(struct keys_cluster *c,
				      const uint8_t id[KEYS_CLUSTER_ID_LEN],
				      struct span items,
				      const uint8_t own[KEYS_ID_LEN],
				      const struct keys_authority *authority)
{
	AUTO(draft_fini)
	struct draft d = { 0 };
	struct keys_merged m = { 0 };
	uint64_t version = c->version;
	enum keys_reason reason;
	struct span policy;

	if (c->is_founded &&
	    !span_equal(SPAN_ARRAY(c->id), span_of(id, KEYS_CLUSTER_ID_LEN)))
		return refuse(KEYS_OTHER_CLUSTER, "");
	if (!check_items(items, &policy))
		return refuse(KEYS_MALFORMED, "items");
	if (policy.n) {
		reason = draft_read(&d, policy, authority, m.error);
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
	if (policy.n && !is_same_policy(c, d.hash) && is_newer(c, &d))
		take_policy(c, &d);
	if (!apply(c, items))
		m.refused = KEYS_FULL;
	m.is_changed = c->version != version;
	return m;
}

/* ---- what is held ---- */

static void write_held_root(struct wr *w, const struct keys_cluster *c,
			    const struct item *i)
{
	uint8_t id[32] = { 0 };
	bool is_active = false;

	if (i->root.epoch <= c->root_count) {
		keys_root_id(id, &c->roots[i->root.epoch - 1].root);
		is_active = c->roots[i->root.epoch - 1].is_active;
	}
	wr_u8(w, ITEM_ROOT);
	wr_be32(w, i->root.epoch);
	wr_u8(w, is_active);
	wr_bytes(w, SPAN_ARRAY(id));
}

void keys_cluster_write_held(struct wr *w, const struct keys_cluster *c,
			     struct span items)
{
	AUTO(item_wipe)
	struct item i = { 0 };
	const struct keys_record *r;

	while (!rd_end(&items) && read_item(&i, &items)) {
		if (i.kind == ITEM_ROOT) {
			write_held_root(w, c, &i);
		} else if (i.kind == ITEM_POLICY) {
			wr_u8(w, ITEM_POLICY);
			wr_be32(w, c->policy.serial);
			wr_bytes(w, SPAN_ARRAY(c->policy_hash));
		} else {
			r = keys_cluster_find(c, i.record.app,
					      i.record.instance,
					      i.record.name);
			if (!r)
				i.record.value = 0;
			write_record(w, r ? r : &i.record);
		}
	}
}

static bool holds_root(const struct keys_cluster *c, bool *is_held,
		       struct span *from)
{
	uint8_t theirs[32], ours[32];
	uint32_t epoch;
	bool is_active;

	if (!rd_be32(from, &epoch) || !read_flag(&is_active, from) ||
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
		     !is_less(c->policy_hash, hash, sizeof(hash)));
	return true;
}

static bool holds_record(struct keys_cluster *c, bool *is_held,
			 struct span *from)
{
	const struct keys_record *r;
	struct keys_record theirs;

	if (!read_record(&theirs, from))
		return false;
	r = find(c, theirs.app, theirs.instance, theirs.name);
	*is_held &= r && theirs.value >= r->value;
	return r && merge_record(c, &theirs);
}

enum keys_held keys_cluster_read_held(struct keys_cluster *c, bool *is_changed,
				      struct span held)
{
	uint64_t version = c->version;
	bool is_held = true, ok = true;
	uint8_t kind;

	while (ok && rd_u8(&held, &kind)) {
		if (kind == ITEM_ROOT)
			ok = holds_root(c, &is_held, &held);
		else if (kind == ITEM_POLICY)
			ok = holds_policy(c, &is_held, &held);
		else
			ok = kind == ITEM_RECORD &&
			     holds_record(c, &is_held, &held);
	}
	*is_changed = c->version != version;
	if (!ok)
		return KEYS_HELD_BROKEN;
	return is_held ? KEYS_HELD_ALL : KEYS_HELD_LESS;
}

/* ---- as it is kept ---- */

enum rc keys_cluster_write(struct wr *w, const struct keys_cluster *c)
{
	struct span done;

	wr_str(w, magic);
	wr_u8(w, c->is_founded);
	wr_bytes(w, SPAN_ARRAY(c->id));
	for (size_t i = 0; i < c->root_count; i++)
		write_root(w, &c->roots[i]);
	if (keys_cluster_policy(c))
		write_policy(w, c);
	for (size_t i = 0; i < c->record_count; i++)
		if (c->records[i].value) /* others were only asked for */
			write_record(w, &c->records[i]);
	return wr_done(w, &done) ? RC_OK : RC_LIMIT;
}

static bool read_whole(struct keys_cluster *c, struct span text,
		       const struct keys_authority *authority)
{
	AUTO(draft_fini)
	struct draft d = { 0 };
	char error[KEYS_POLICY_ERROR_MAX];
	struct span head, policy;
	bool is_founded;

	if (!rd_n(&text, &head, strlen(magic)) ||
	    !span_equal_str(head, magic) || !read_flag(&is_founded, &text) ||
	    !rd_copy(&text, c->id, sizeof(c->id)) ||
	    !check_items(text, &policy))
		return false;
	c->is_founded = is_founded;
	if (policy.n) {
		if (draft_read(&d, policy, authority, error))
			return false;
		take_policy(c, &d);
	}
	return is_founded == (policy.n > 0) && apply(c, text) &&
	       (!is_founded || c->root_count);
}

enum rc keys_cluster_read(struct keys_cluster *c, struct span text,
			  const struct keys_authority *authority)
{
	if (read_whole(c, text, authority))
		return RC_OK;
	keys_cluster_fini(c);
	keys_cluster_init(c);
	return RC_MALFORMED;
}
