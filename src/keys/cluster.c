#include "keys/cluster.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

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

bool keys_cluster_precedes(const uint8_t a[KEYS_HASH_LEN],
			   const uint8_t b[KEYS_HASH_LEN])
{
	/* public: hashes of signed documents, and ids of roots */
	return memcmp(a, b, KEYS_HASH_LEN) < 0;
}

const struct keys_policy *keys_cluster_policy(const struct keys_cluster *c)
{
	return buf_span(&c->policy_text).n ? &c->policy : NULL;
}

void keys_cluster_take_policy(struct keys_cluster *c, struct keys_draft *d)
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

bool keys_cluster_is_same_policy(const struct keys_cluster *c,
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
	AUTO(keys_draft_fini)
	struct keys_draft d = { 0 };
	enum keys_reason reason = keys_draft_read(&d, policy, authority, error);

	if (reason)
		return reason;
	if (keys_cluster_is_same_policy(c, d.hash))
		return KEYS_OK;
	if (keys_cluster_policy(c) && d.policy.serial <= c->policy.serial) {
		(void)snprintf(error, KEYS_POLICY_ERROR_MAX,
			       "serial %u; %u is in force", d.policy.serial,
			       c->policy.serial);
		return KEYS_SERIAL;
	}
	keys_cluster_take_policy(c, &d);
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

bool keys_cluster_merge_root(struct keys_cluster *c,
			     const struct keys_root *in, bool is_active)
{
	uint8_t ours[32], theirs[32];
	struct keys_root_item *item;

	if (!root_fits(c, in->epoch))
		return false;
	if (in->epoch > c->root_count) {
		add_root(c, &in->key, is_active);
		return true;
	}
	item = &c->roots[in->epoch - 1];
	keys_root_id(ours, &item->root);
	keys_root_id(theirs, in);
	if (!span_equal(SPAN_ARRAY(ours), SPAN_ARRAY(theirs))) {
		if (item->is_active)
			return !is_active;
		if (!is_active && keys_cluster_precedes(ours, theirs))
			return true;
		item->root = *in;
	} else if (item->is_active || !is_active) {
		return true;
	}
	item->is_active = is_active;
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

bool keys_cluster_merge_record(struct keys_cluster *c,
			       const struct keys_record *in)
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
