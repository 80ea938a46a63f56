#include "keys/policy_read.h"

#include <assert.h>

#include "base/text.h"
#include "keys/member.h"

/* A purpose, or what many begin with. */
static bool is_pattern(struct span text)
{
	if (text.n > 1 && text.p[text.n - 1] == '/')
		text.n--;
	return keys_is_purpose(text) && !keys_purpose_is_own(text) &&
	       !span_equal_str(text, "kms");
}

static bool read_purposes(struct keys_purposes *out,
			  const struct keys_policy_reading *r,
			  const struct jtree *app, const char *key)
{
	const struct jtree *array;
	struct span *patterns;
	const char *copy;

	if (!keys_member_array(&array, app, key, KEYS_PURPOSES_MAX))
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

static bool read_app_images(struct keys_app *app,
			    const struct keys_policy_reading *r,
			    const struct jtree *object)
{
	const struct jtree *array;
	size_t index;

	static_assert(KEYS_IMAGES_MAX <= 64);
	if (!keys_member_array(&array, object, "images", KEYS_IMAGES_MAX) ||
	    !array)
		return false;
	for (const struct jtree *i = array->first; i; i = i->next) {
		if (i->type != JTREE_TEXT ||
		    !keys_policy_read_find(&index, r->policy, i->text))
			return false;
		app->images |= UINT64_C(1) << index;
	}
	return true;
}

static bool read_manifests(struct keys_app *app,
			   const struct keys_policy_reading *r,
			   const struct jtree *object)
{
	const struct jtree *array;
	struct sha256 *at;

	if (!keys_member_array(&array, object, "manifests", KEYS_MANIFESTS_MAX))
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

static bool read_instance(struct keys_instance *out,
			  const struct keys_policy_reading *r,
			  const struct jtree *item)
{
	static const char *const known[] = { "instance", "denied", "name",
					     "floor", NULL };
	struct span name;

	if (!keys_member_only(item, known) ||
	    !keys_member_hex(out->id, sizeof(out->id), item, "instance") ||
	    !keys_member_bool(&out->is_denied, item, "denied") ||
	    !keys_member_number(&out->floor, item, "floor", 1, UINT64_MAX) ||
	    !jtree_get(item, "name") != !jtree_get(item, "floor"))
		return false;
	if (!jtree_get(item, "name"))
		return true;
	if (!keys_member_text(&name, item, "name") || !keys_is_purpose(name))
		return false;
	out->name = arena_dup(r->arena, name);
	return out->name != NULL;
}

static bool read_instances(struct keys_app *app,
			   const struct keys_policy_reading *r,
			   const struct jtree *object)
{
	const struct jtree *array;
	struct keys_instance *instances;

	if (!keys_member_array(&array, object, "instances", KEYS_INSTANCES_MAX))
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

static bool read_app(struct keys_app *out, const struct keys_policy_reading *r,
		     const struct jtree *item)
{
	static const char *const known[] = { "app", "images", "manifests",
					     "instance_keys", "app_keys",
					     "min_epoch", "per_minute",
					     "instances", NULL };
	uint64_t min_epoch = 0, per_minute = KEYS_RATE_DEFAULT;

	if (!keys_member_only(item, known) ||
	    !keys_member_hex(out->id, sizeof(out->id), item, "app") ||
	    keys_policy_app(r->policy, out->id) ||
	    !read_app_images(out, r, item) || !read_manifests(out, r, item) ||
	    !read_purposes(&out->of_instance, r, item, "instance_keys") ||
	    !read_purposes(&out->of_app, r, item, "app_keys") ||
	    !keys_member_number(&min_epoch, item, "min_epoch", 1, UINT32_MAX) ||
	    !keys_member_number(&per_minute, item, "per_minute", 1,
				KEYS_RATE_MAX) ||
	    !read_instances(out, r, item))
		return false;
	out->min_epoch = (uint32_t)min_epoch;
	out->per_minute = (uint32_t)per_minute;
	return true;
}

bool keys_policy_read_apps(struct keys_policy *p,
			   const struct keys_policy_reading *r,
			   const struct jtree *object)
{
	const struct jtree *array;
	struct keys_app *apps;

	if (!keys_member_array(&array, object, "apps", KEYS_APPS_MAX))
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
