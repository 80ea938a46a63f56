#include "resolve/climbing.h"

#include "dns/message.h"

enum rc climbing_do(struct climb *out, struct validator *r, struct arena *arena,
		    const struct dns_name *name, enum climb_scope scope)
{
	const struct dns_name *ask;
	struct climb c;
	enum rc rc = climb_init(&c, arena, name, scope);

	while (!rc && (ask = climb_next(&c))) {
		struct validator_answer a;
		struct climb_found found;

		rc = validator_ask(r, &a, arena, ask, DNS_CAA);
		if (rc)
			break;
		found = (struct climb_found){
			.trust = a.trust,
			.at = a.at,
			.rdatas = a.rdatas,
			.count = a.count,
		};
		rc = climb_answer(&c, &found);
	}
	if (!rc)
		*out = c;
	return rc;
}

static bool is_in(const struct caa_property *p, const struct caa_set *set)
{
	size_t i;

	for (i = 0; i < set->count; i++)
		if (p->flags == set->items[i].flags &&
		    span_equal_nocase(p->tag_text, set->items[i].tag_text) &&
		    span_equal(p->value, set->items[i].value))
			return true;
	return false;
}

static bool is_subset(const struct caa_set *a, const struct caa_set *b)
{
	size_t i;

	for (i = 0; i < a->count; i++)
		if (!is_in(&a->items[i], b))
			return false;
	return true;
}

/* The same at every level, unknown or not. */
static bool is_same(const struct climb *a, const struct climb *b)
{
	size_t i;

	for (i = 0; i < a->count; i++) {
		const struct climb_level *x = &a->levels[i], *y = &b->levels[i];

		if ((x->trust <= DNS_BOGUS) != (y->trust <= DNS_BOGUS) ||
		    !is_subset(&x->set, &y->set) ||
		    !is_subset(&y->set, &x->set))
			return false;
	}
	return true;
}

static enum dns_trust weakest(const struct climb *c)
{
	enum dns_trust t = DNS_SECURE;
	size_t i;

	for (i = 0; i < c->count; i++)
		if (c->levels[i].trust < t)
			t = c->levels[i].trust;
	return t;
}

enum rc climbing_views(struct climbing_views *out,
		       struct validator *const *vantages, size_t count,
		       struct arena *arena, const struct dns_name *name)
{
	struct climbing_views v = { .trust = DNS_SECURE };

	if (count > CLIMBING_VANTAGES_MAX)
		return RC_LIMIT;
	if (count == 0)
		return RC_MALFORMED;
	for (; v.count < count; v.count++) {
		struct climb *c = &v.climbs[v.count];
		enum rc rc = climbing_do(c, vantages[v.count], arena, name,
					 CLIMB_ALL);

		if (rc)
			return rc;
		if (weakest(c) < v.trust)
			v.trust = weakest(c);
		if (!v.disagree && !is_same(&v.climbs[0], c)) {
			v.disagree = true;
			v.disagrees_with_first = v.count;
		}
	}
	*out = v;
	return RC_OK;
}

bool climbing_drift(struct wanted_drift *out, size_t *unknown,
		    const struct climbing_views *views,
		    const struct wanted *wanted)
{
	bool drifted = false;
	size_t i;

	*unknown = 0;
	for (i = 0; i < views->count; i++) {
		const struct climb_level *level = &views->climbs[i].levels[0];
		struct wanted_drift d;

		if (level->trust <= DNS_BOGUS) {
			(*unknown)++;
			continue;
		}
		wanted_compare(&d, wanted, &level->set);
		if (!drifted && wanted_has_drifted(&d)) {
			*out = d;
			drifted = true;
		}
	}
	return drifted;
}
