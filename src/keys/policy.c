#include "keys/policy.h"

#include <string.h>

#include "base/mem.h"

bool keys_measurement_equal(const struct keys_measurement *a,
			    const struct keys_measurement *b)
{
	return ct_equal(a, b, sizeof(*a));
}

const struct keys_app *keys_policy_app(const struct keys_policy *p,
				       const uint8_t app[KEYS_ID_LEN])
{
	for (size_t i = 0; i < p->app_count; i++)
		if (span_equal(SPAN_ARRAY(p->apps[i].id),
			       span_of(app, KEYS_ID_LEN)))
			return &p->apps[i];
	return NULL;
}

bool keys_app_has_manifest(const struct keys_app *app,
			   const struct sha256 *manifest)
{
	for (size_t i = 0; i < app->manifest_count; i++)
		if (span_equal(SPAN_ARRAY(app->manifests[i].b),
			       SPAN_ARRAY(manifest->b)))
			return true;
	return false;
}

static bool is_image(const struct keys_image *image,
		     const struct keys_measurement *m)
{
	struct keys_measurement seen = *m;

	if (image->is_rtmr0_free)
		memcpy(seen.rtmr0, image->measurement.rtmr0, KEYS_REGISTER_LEN);
	return keys_measurement_equal(&seen, &image->measurement);
}

static bool runs_one_of(const struct keys_policy *p, const struct keys_app *app,
			const struct keys_measurement *m)
{
	for (size_t i = 0; i < p->image_count; i++)
		if (app->images >> i & 1 && is_image(&p->images[i], m))
			return true;
	return false;
}

bool keys_policy_is_founder(const struct keys_subject *s)
{
	return span_equal(span_of(s->manifest.b, KEYS_ID_LEN),
			  SPAN_ARRAY(s->app));
}

static bool runs_its_manifest(const struct keys_app *app,
			      const struct keys_subject *s)
{
	return app->lists_manifests ? keys_app_has_manifest(app, &s->manifest)
				    : keys_policy_is_founder(s);
}

enum keys_reason keys_policy_admits(const struct keys_policy *p,
				    const struct keys_subject *s)
{
	const struct keys_app *app = keys_policy_app(p, s->app);

	if (!app)
		return KEYS_APP_UNKNOWN;
	if (s->is_simulated && !p->accepts_simulated)
		return KEYS_SIMULATED;
	if (!runs_one_of(p, app, &s->measurement))
		return KEYS_MEASUREMENT;
	if (!runs_its_manifest(app, s))
		return KEYS_MANIFEST;
	for (size_t i = 0; i < app->instance_count; i++)
		if (app->instances[i].is_denied &&
		    span_equal(SPAN_ARRAY(app->instances[i].id),
			       SPAN_ARRAY(s->instance)))
			return KEYS_INSTANCE;
	return KEYS_OK;
}

static bool has_purpose(const struct keys_purposes *list, struct span purpose)
{
	for (size_t i = 0; i < list->count; i++) {
		struct span pattern = list->patterns[i];

		bool is_many = pattern.p[pattern.n - 1] == '/';

		if (is_many ? span_has_prefix(purpose, pattern)
			    : span_equal(pattern, purpose))
			return true;
	}
	return false;
}

enum keys_reason keys_policy_allows(const struct keys_policy *p,
				    const struct keys_subject *s,
				    const struct keys_wanted *wanted,
				    uint32_t newest)
{
	const struct keys_app *app = keys_policy_app(p, s->app);
	struct span purpose = span_str(wanted->purpose);
	uint32_t epoch = wanted->epoch ? wanted->epoch : newest;
	enum keys_reason reason = keys_policy_admits(p, s);
	bool is_app = wanted->scope == KEYS_OF_APP;

	if (reason)
		return reason;
	if (!has_purpose(is_app ? &app->of_app : &app->of_instance, purpose))
		return has_purpose(is_app ? &app->of_instance : &app->of_app,
				   purpose)
			       ? KEYS_SCOPE
			       : KEYS_PURPOSE;
	if (epoch == 0 || epoch > newest)
		return KEYS_EPOCH_UNKNOWN;
	if (epoch < app->min_epoch)
		return KEYS_EPOCH_FLOOR;
	return KEYS_OK;
}

enum keys_reason keys_policy_epoch(uint64_t *floor,
				   const struct keys_policy *p,
				   const struct keys_subject *s,
				   const char *name)
{
	const struct keys_app *app = keys_policy_app(p, s->app);
	enum keys_reason reason = keys_policy_admits(p, s);

	*floor = 0;
	if (reason)
		return reason;
	if (!has_purpose(&app->of_instance, span_str(name)))
		return KEYS_PURPOSE;
	for (size_t i = 0; i < app->instance_count; i++) {
		const struct keys_instance *in = &app->instances[i];

		if (in->name && strcmp(in->name, name) == 0 &&
		    span_equal(SPAN_ARRAY(in->id), SPAN_ARRAY(s->instance)) &&
		    in->floor > *floor)
			*floor = in->floor;
	}
	return KEYS_OK;
}

bool keys_policy_has_node(const struct keys_policy *p,
			  const uint8_t instance[KEYS_ID_LEN])
{
	for (size_t i = 0; i < p->node_count; i++)
		if (span_equal(SPAN_ARRAY(p->nodes[i]),
			       span_of(instance, KEYS_ID_LEN)))
			return true;
	return false;
}

bool keys_policy_is_kms(const struct keys_policy *p,
			const struct keys_subject *s,
			const struct keys_subject *own)
{
	/* Its administrators stand in its manifest, and its instance id is of
	 * that app: another manifest could name others and take ours. */
	if (!keys_policy_is_founder(s))
		return false;
	if (span_equal(SPAN_ARRAY(s->app), SPAN_ARRAY(own->app)) &&
	    keys_measurement_equal(&s->measurement, &own->measurement))
		return !s->is_simulated || own->is_simulated;
	if (!p || (s->is_simulated &&
		   (!own->is_simulated || !p->accepts_simulated)))
		return false;
	for (size_t i = 0; i < p->kms_count; i++)
		if (span_equal(SPAN_ARRAY(p->kms[i].app), SPAN_ARRAY(s->app)) &&
		    is_image(&p->images[p->kms[i].image], &s->measurement))
			return true;
	return false;
}

static size_t count_missing(const struct keys_policy *in,
			    const struct keys_policy *of)
{
	size_t count = 0;

	for (size_t i = 0; i < of->node_count; i++)
		count += !keys_policy_has_node(in, of->nodes[i]);
	return count;
}

size_t keys_policy_node_changes(const struct keys_policy *from,
				const struct keys_policy *to)
{
	return count_missing(from, to) + count_missing(to, from);
}

size_t keys_majority(size_t node_count)
{
	return node_count / 2 + 1;
}
