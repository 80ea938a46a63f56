#include "keys/policy.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "json/jtree.h"

static const char policy_type[] = "postern/kms-policy/v1";

/* What a reader of parts needs: memory, and where to say what is wrong. */
struct reading {
	struct arena *arena;
	char *error; /* KEYS_POLICY_ERROR_MAX */
	const struct keys_policy *policy; /* what was read of it so far */
};

static bool bad(const struct reading *r, const char *key, const char *expected)
{
	(void)snprintf(r->error, KEYS_POLICY_ERROR_MAX, "%s: expected %s", key,
		       expected);
	return false;
}

/* ---- members ---- */

static bool has_only(const struct jtree *object, const char *const *known)
{
	size_t count = 0;

	if (object->type != JTREE_OBJECT)
		return false;
	for (size_t i = 0; known[i]; i++)
		count += jtree_get(object, known[i]) != NULL;
	return count == object->count;
}

static bool get_text(struct span *out, const struct jtree *object,
		     const char *key)
{
	const struct jtree *m = jtree_get(object, key);

	if (!m || m->type != JTREE_TEXT)
		return false;
	*out = m->text;
	return true;
}

static bool get_hex(void *out, size_t n, const struct jtree *object,
		    const char *key)
{
	struct span text;

	return get_text(&text, object, key) && text_hex_decode(out, n, text);
}

/* A member that may be left out; then *out stays. */
static bool get_number(uint64_t *out, const struct jtree *object,
		       const char *key, uint64_t min, uint64_t max)
{
	const struct jtree *m = jtree_get(object, key);

	if (!m)
		return true;
	if (m->type != JTREE_NUMBER || m->number < min || m->number > max)
		return false;
	*out = m->number;
	return true;
}

static bool get_bool(bool *out, const struct jtree *object, const char *key)
{
	const struct jtree *m = jtree_get(object, key);

	if (!m)
		return true;
	if (m->type != JTREE_BOOL)
		return false;
	*out = m->is_true;
	return true;
}

/* *array is NULL where it is left out. */
static bool get_array(const struct jtree **array, const struct jtree *object,
		      const char *key, size_t max)
{
	const struct jtree *m = jtree_get(object, key);

	*array = m;
	return !m || (m->type == JTREE_ARRAY && m->count <= max);
}

/* A name for people and references: 1..63 of a-z, 0-9, '-', '.', '_'. */
static bool is_name(struct span text)
{
	return keys_is_purpose(text) && !memchr(text.p, '/', text.n);
}

/* ---- the authority ---- */

static bool read_admin(struct keys_authority *a, const struct jtree *item)
{
	struct p256_point *at = &a->admins[a->admin_count];

	if (item->type != JTREE_TEXT ||
	    !text_hex_decode(at->xy, sizeof(at->xy), item->text) ||
	    !p256_is_point(at))
		return false;
	for (size_t i = 0; i < a->admin_count; i++)
		if (span_equal(SPAN_ARRAY(a->admins[i].xy), SPAN_ARRAY(at->xy)))
			return false;
	a->admin_count++;
	return true;
}

enum rc keys_authority_read(struct keys_authority *out, struct span manifest,
			    char error[KEYS_POLICY_ERROR_MAX])
{
	static const char *const known[] = { "quorum", "admins", NULL };
	AUTO(arena_fini)
	struct arena arena = { .max = KEYS_POLICY_TREE_MAX };
	const struct reading r = { .error = error };
	struct keys_authority a = { 0 };
	const struct jtree *kms, *admins;
	uint64_t quorum = 0;

	kms = jtree_get(jtree_read(&arena, manifest), "kms");
	if (!kms || !has_only(kms, known) ||
	    !get_array(&admins, kms, "admins", KEYS_ADMINS_MAX) || !admins) {
		(void)bad(&r, "kms", "quorum and admins, in the manifest");
		return RC_MALFORMED;
	}
	for (const struct jtree *i = admins->first; i; i = i->next)
		if (!read_admin(&a, i)) {
			(void)bad(&r, "kms.admins",
				  "P-256 points of 128 hex digits, each once");
			return RC_MALFORMED;
		}
	if (!get_number(&quorum, kms, "quorum", 1, a.admin_count) || !quorum) {
		(void)bad(&r, "kms.quorum",
			  "how many administrators must sign");
		return RC_MALFORMED;
	}
	a.quorum = (size_t)quorum;
	*out = a;
	return RC_OK;
}

/* ---- images, nodes, other code of the service ---- */

static bool read_image(struct keys_image *out, const struct reading *r,
		       const struct jtree *item)
{
	static const char *const known[] = { "name", "mr_td", "rtmr0",
					     "rtmr1", "rtmr2", NULL };
	struct keys_measurement *m = &out->measurement;
	struct span name;

	if (!has_only(item, known) || !get_text(&name, item, "name") ||
	    !is_name(name) || !get_hex(m->mr_td, 48, item, "mr_td") ||
	    !get_hex(m->rtmr1, 48, item, "rtmr1") ||
	    !get_hex(m->rtmr2, 48, item, "rtmr2"))
		return false;
	out->is_rtmr0_free = !jtree_get(item, "rtmr0");
	if (!out->is_rtmr0_free && !get_hex(m->rtmr0, 48, item, "rtmr0"))
		return false;
	out->name = arena_dup(r->arena, name);
	return out->name != NULL;
}

static bool find_image(size_t *out, const struct keys_policy *p,
		       struct span name)
{
	for (size_t i = 0; i < p->image_count; i++)
		if (span_equal_str(name, p->images[i].name)) {
			*out = i;
			return true;
		}
	return false;
}

static bool read_images(struct keys_policy *p, const struct reading *r,
			const struct jtree *object)
{
	const struct jtree *array;
	struct keys_image *images;
	size_t other;

	if (!get_array(&array, object, "images", KEYS_IMAGES_MAX))
		return false;
	if (!array || !array->count)
		return true;
	images = arena_new(r->arena, array->count, sizeof(*images));
	p->images = images;
	if (!images)
		return false;
	for (const struct jtree *i = array->first; i; i = i->next) {
		struct keys_image *image = &images[p->image_count];

		if (!read_image(image, r, i) ||
		    find_image(&other, p, span_str(image->name)))
			return false;
		p->image_count++;
	}
	return true;
}

static bool read_nodes(struct keys_policy *p, const struct jtree *object)
{
	const struct jtree *array;

	if (!get_array(&array, object, "nodes", KEYS_NODES_MAX) || !array ||
	    !array->count)
		return false;
	for (const struct jtree *i = array->first; i; i = i->next) {
		uint8_t id[KEYS_ID_LEN];

		if (i->type != JTREE_TEXT ||
		    !text_hex_decode(id, sizeof(id), i->text) ||
		    keys_policy_has_node(p, id))
			return false;
		memcpy(p->nodes[p->node_count++], id, sizeof(id));
	}
	return true;
}

static bool read_kms(struct keys_policy *p, const struct reading *r,
		     const struct jtree *object)
{
	static const char *const known[] = { "app", "image", NULL };
	const struct jtree *array;
	struct keys_kms *kms;
	struct span name;

	if (!get_array(&array, object, "kms", KEYS_IMAGES_MAX))
		return false;
	if (!array || !array->count)
		return true;
	kms = arena_new(r->arena, array->count, sizeof(*kms));
	p->kms = kms;
	if (!kms)
		return false;
	for (const struct jtree *i = array->first; i; i = i->next, kms++) {
		if (!has_only(i, known) ||
		    !get_hex(kms->app, sizeof(kms->app), i, "app") ||
		    !get_text(&name, i, "image") ||
		    !find_image(&kms->image, p, name))
			return false;
		p->kms_count++;
	}
	return true;
}

/* ---- apps ---- */

/* A purpose, or what many begin with. */
static bool is_pattern(struct span text)
{
	if (text.n > 1 && text.p[text.n - 1] == '/')
		text.n--;
	return keys_is_purpose(text) && !keys_purpose_is_own(text) &&
	       !span_equal_str(text, "kms");
}

static bool read_purposes(struct keys_purposes *out, const struct reading *r,
			  const struct jtree *app, const char *key)
{
	const struct jtree *array;
	struct span *patterns;
	const char *copy;

	if (!get_array(&array, app, key, KEYS_PURPOSES_MAX))
		return false;
	if (!array || !array->count)
		return true;
	patterns = arena_new(r->arena, array->count, sizeof(*patterns));
	out->patterns = patterns;
	if (!patterns)
		return false;
	for (const struct jtree *i = array->first; i; i = i->next) {
		if (i->type != JTREE_TEXT || !is_pattern(i->text))
			return false;
		copy = arena_dup(r->arena, i->text);
		if (!copy)
			return false;
		patterns[out->count++] = span_str(copy);
	}
	return true;
}

static bool read_app_images(struct keys_app *app, const struct reading *r,
			    const struct jtree *object)
{
	const struct jtree *array;
	size_t index;

	static_assert(KEYS_IMAGES_MAX <= 64);
	if (!get_array(&array, object, "images", KEYS_IMAGES_MAX) || !array)
		return false;
	for (const struct jtree *i = array->first; i; i = i->next) {
		if (i->type != JTREE_TEXT ||
		    !find_image(&index, r->policy, i->text))
			return false;
		app->images |= UINT64_C(1) << index;
	}
	return true;
}

static bool read_manifests(struct keys_app *app, const struct reading *r,
			   const struct jtree *object)
{
	const struct jtree *array;
	struct sha256 *at;

	if (!get_array(&array, object, "manifests", KEYS_MANIFESTS_MAX))
		return false;
	app->lists_manifests = array != NULL;
	if (!array || !array->count)
		return true;
	at = arena_new(r->arena, array->count, sizeof(*at));
	app->manifests = at;
	if (!at)
		return false;
	for (const struct jtree *i = array->first; i; i = i->next, at++) {
		if (i->type != JTREE_TEXT ||
		    !text_hex_decode(at->b, sizeof(at->b), i->text) ||
		    keys_app_has_manifest(app, at))
			return false;
		app->manifest_count++;
	}
	return true;
}

static bool read_instance(struct keys_instance *out, const struct reading *r,
			  const struct jtree *item)
{
	static const char *const known[] = { "instance", "denied", "name",
					     "floor", NULL };
	struct span name;

	if (!has_only(item, known) ||
	    !get_hex(out->id, sizeof(out->id), item, "instance") ||
	    !get_bool(&out->is_denied, item, "denied") ||
	    !get_number(&out->floor, item, "floor", 1, UINT64_MAX) ||
	    !jtree_get(item, "name") != !jtree_get(item, "floor"))
		return false;
	if (!jtree_get(item, "name"))
		return true;
	if (!get_text(&name, item, "name") || !keys_is_purpose(name))
		return false;
	out->name = arena_dup(r->arena, name);
	return out->name != NULL;
}

static bool read_instances(struct keys_app *app, const struct reading *r,
			   const struct jtree *object)
{
	const struct jtree *array;
	struct keys_instance *instances;

	if (!get_array(&array, object, "instances", KEYS_INSTANCES_MAX))
		return false;
	if (!array || !array->count)
		return true;
	instances = arena_new(r->arena, array->count, sizeof(*instances));
	app->instances = instances;
	if (!instances)
		return false;
	for (const struct jtree *i = array->first; i; i = i->next)
		if (!read_instance(&instances[app->instance_count++], r, i))
			return false;
	return true;
}

static bool read_app(struct keys_app *out, const struct reading *r,
		     const struct jtree *item)
{
	static const char *const known[] = { "app", "images", "manifests",
					     "instance_keys", "app_keys",
					     "min_epoch", "per_minute",
					     "instances", NULL };
	uint64_t min_epoch = 0, per_minute = KEYS_RATE_DEFAULT;

	if (!has_only(item, known) ||
	    !get_hex(out->id, sizeof(out->id), item, "app") ||
	    keys_policy_app(r->policy, out->id) ||
	    !read_app_images(out, r, item) ||
	    !read_manifests(out, r, item) ||
	    !read_purposes(&out->of_instance, r, item, "instance_keys") ||
	    !read_purposes(&out->of_app, r, item, "app_keys") ||
	    !get_number(&min_epoch, item, "min_epoch", 1, UINT32_MAX) ||
	    !get_number(&per_minute, item, "per_minute", 1, KEYS_RATE_MAX) ||
	    !read_instances(out, r, item))
		return false;
	out->min_epoch = (uint32_t)min_epoch;
	out->per_minute = (uint32_t)per_minute;
	return true;
}

static bool read_apps(struct keys_policy *p, const struct reading *r,
		      const struct jtree *object)
{
	const struct jtree *array;
	struct keys_app *apps;

	if (!get_array(&array, object, "apps", KEYS_APPS_MAX))
		return false;
	if (!array || !array->count)
		return true;
	apps = arena_new(r->arena, array->count, sizeof(*apps));
	p->apps = apps;
	if (!apps)
		return false;
	for (const struct jtree *i = array->first; i; i = i->next) {
		if (!read_app(&apps[p->app_count], r, i))
			return false;
		p->app_count++;
	}
	return true;
}

/* ---- the whole ---- */

static bool read_release(bool *alone, const struct jtree *object)
{
	struct span text = span_str("quorum");

	if (jtree_get(object, "release") &&
	    !get_text(&text, object, "release"))
		return false;
	*alone = span_equal_str(text, "known");
	return *alone || span_equal_str(text, "quorum");
}

static bool read_head(struct keys_policy *p, const struct reading *r,
		      const struct jtree *object)
{
	static const char *const known[] = { "type", "serial", "issued",
					     "nodes", "images", "kms",
					     "release", "majority_lost",
					     "simulated", "apps", NULL };
	uint64_t serial = 0;
	struct span text;

	if (!has_only(object, known))
		return bad(r, "policy", "the members of this version alone");
	if (!get_text(&text, object, "type") ||
	    !span_equal_str(text, policy_type))
		return bad(r, "type", policy_type);
	if (!get_number(&serial, object, "serial", 1, UINT32_MAX) || !serial)
		return bad(r, "serial", "a number from 1");
	p->serial = (uint32_t)serial;
	if (!get_text(&text, object, "issued") ||
	    !text_utc(&p->issued_at, text))
		return bad(r, "issued", "a time such as 2026-11-28T00:00:00Z");
	if (!read_release(&p->releases_alone, object))
		return bad(r, "release", "\"quorum\" or \"known\"");
	if (!get_bool(&p->is_majority_lost, object, "majority_lost"))
		return bad(r, "majority_lost", "true or false");
	if (!get_bool(&p->accepts_simulated, object, "simulated"))
		return bad(r, "simulated", "true or false");
	return true;
}

enum keys_reason keys_policy_read_object(struct keys_policy *out,
					 struct arena *arena,
					 struct span object,
					 char error[KEYS_POLICY_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena room = { .max = KEYS_POLICY_TREE_MAX };
	struct keys_policy p = { 0 };
	const struct reading r = { arena, error, &p };
	const struct jtree *tree;
	bool ok;

	tree = object.n > KEYS_POLICY_MAX ? NULL : jtree_read(&room, object);
	if (!tree) {
		(void)bad(&r, "policy", "JSON of at most 60 KiB");
		return KEYS_MALFORMED;
	}
	ok = read_head(&p, &r, tree);
	if (ok && !read_nodes(&p, tree))
		ok = bad(&r, "nodes", "1 to 16 instance ids, each once");
	if (ok && !read_images(&p, &r, tree))
		ok = bad(&r, "images",
			 "a name, and mr_td, rtmr1, rtmr2 of 96 hex digits");
	if (ok && !read_kms(&p, &r, tree))
		ok = bad(&r, "kms", "app and the name of an image");
	if (ok && !read_apps(&p, &r, tree)) {
		char which[24];

		(void)snprintf(which, sizeof(which), "apps[%zu]", p.app_count);
		ok = bad(&r, which,
			 "app (once), images by name, manifests (each once), "
			 "lists of purposes, bounds and instances");
	}
	if (!ok)
		return KEYS_MALFORMED;
	*out = p;
	return KEYS_OK;
}

/* ---- signatures ---- */

/* {"policy": <object> ... : the bytes of the object. */
static bool find_object(struct span *out, struct span text)
{
	struct span key;

	jtree_skip_white(&text);
	if (!jtree_rd_byte(&text, '{'))
		return false;
	jtree_skip_white(&text);
	if (!jtree_rd_string(&text, &key) || !span_equal_str(key, "policy"))
		return false;
	jtree_skip_white(&text);
	if (!jtree_rd_byte(&text, ':'))
		return false;
	jtree_skip_white(&text);
	return jtree_rd_object(&text, out);
}

static bool read_signatures(struct keys_signature *out, size_t *count,
			    const struct jtree *document)
{
	static const char *const envelope[] = { "policy", "signatures", NULL };
	static const char *const known[] = { "key", "signature", NULL };
	const struct jtree *array;

	*count = 0;
	if (!has_only(document, envelope) ||
	    !get_array(&array, document, "signatures", KEYS_ADMINS_MAX) ||
	    !array)
		return false;
	for (const struct jtree *i = array->first; i; i = i->next, out++) {
		if (!has_only(i, known) ||
		    !get_hex(out->key.xy, sizeof(out->key.xy), i, "key") ||
		    !get_hex(out->signature.rs, sizeof(out->signature.rs), i,
			     "signature"))
			return false;
		(*count)++;
	}
	return true;
}

bool keys_policy_split(struct span *object,
		       struct keys_signature signatures[KEYS_ADMINS_MAX],
		       size_t *count, struct span text)
{
	AUTO(arena_fini)
	struct arena room = { .max = KEYS_POLICY_TREE_MAX };
	const struct jtree *tree;

	tree = text.n > KEYS_POLICY_MAX ? NULL : jtree_read(&room, text);
	if (!tree || tree->type != JTREE_OBJECT)
		return false;
	*count = 0;
	if (find_object(object, text))
		return read_signatures(signatures, count, tree);
	jtree_skip_white(&text);
	return jtree_rd_object(&text, object);
}

void keys_policy_join(struct wr *w, struct span object,
		      const struct keys_signature *signatures, size_t count)
{
	wr_str(w, "{\"policy\":");
	wr_bytes(w, object);
	wr_str(w, ",\n\"signatures\":[");
	for (size_t i = 0; i < count; i++) {
		wr_str(w, i ? ",\n{\"key\":\"" : "\n{\"key\":\"");
		text_hex(w, SPAN_ARRAY(signatures[i].key.xy));
		wr_str(w, "\",\"signature\":\"");
		text_hex(w, SPAN_ARRAY(signatures[i].signature.rs));
		wr_str(w, "\"}");
	}
	wr_str(w, "]}\n");
}

/* The administrator's number; admin_count: none has this key. */
static size_t find_admin(const struct keys_authority *a,
			 const struct p256_point *key)
{
	size_t i = 0;

	while (i < a->admin_count &&
	       !span_equal(SPAN_ARRAY(a->admins[i].xy), SPAN_ARRAY(key->xy)))
		i++;
	return i;
}

static bool check_signatures(const struct keys_authority *a, struct span object,
			     const struct keys_signature *s, size_t count,
			     const struct reading *r)
{
	bool seen[KEYS_ADMINS_MAX] = { false };

	for (size_t i = 0; i < count; i++) {
		size_t admin = find_admin(a, &s[i].key);

		if (admin == a->admin_count)
			return bad(r, "signatures", "administrators' keys");
		if (seen[admin])
			return bad(r, "signatures", "each key once");
		if (!p256_verify(&s[i].key, &s[i].signature, object))
			return bad(r, "signatures", "ones over this object");
		seen[admin] = true;
	}
	if (count >= a->quorum)
		return true;
	(void)snprintf(r->error, KEYS_POLICY_ERROR_MAX,
		       "signatures: expected %zu or more, found %zu",
		       a->quorum, count);
	return false;
}

enum keys_reason keys_policy_read(struct keys_policy *out, struct arena *arena,
				  struct span text,
				  const struct keys_authority *authority,
				  char error[KEYS_POLICY_ERROR_MAX])
{
	struct keys_signature signatures[KEYS_ADMINS_MAX];
	const struct reading r = { arena, error, NULL };
	enum keys_reason reason;
	struct keys_policy p;
	struct span object;
	size_t count;

	if (!keys_policy_split(&object, signatures, &count, text)) {
		(void)bad(&r, "document", "policy and signatures, as JSON");
		return KEYS_MALFORMED;
	}
	/* Before anything of it is looked at. */
	if (!check_signatures(authority, object, signatures, count, &r))
		return KEYS_SIGNATURES;
	reason = keys_policy_read_object(&p, arena, object, error);
	if (reason)
		return reason;
	p.signer_count = count;
	*out = p;
	return KEYS_OK;
}
