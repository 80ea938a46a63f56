#include "dns/climb.h"

#include <assert.h>

enum rc climb_init(struct climb *c, struct arena *arena,
		   const struct dns_name *name, enum climb_scope scope)
{
	struct climb climb = {
		.arena = arena,
		.scope = scope,
		.is_wildcard = dns_name_is_wildcard(name),
	};
	struct dns_name at = *name;
	size_t i;

	if (climb.is_wildcard && !dns_name_parent(&at, name))
		return RC_MALFORMED;
	climb.count = dns_name_labels(&at);
	if (climb.count == 0)
		return RC_MALFORMED;
	climb.levels = arena_new(arena, climb.count, sizeof(*climb.levels));
	if (!climb.levels)
		return RC_LIMIT;
	for (i = 0; i < climb.count; i++) {
		climb.levels[i].name = climb.levels[i].at = at;
		if (!dns_name_parent(&at, &climb.levels[i].name))
			return RC_MALFORMED;
	}
	*c = climb;
	return RC_OK;
}

/* Nothing above this level can matter to a CLIMB_FIRST climb. */
static bool is_last(const struct climb_level *level)
{
	return level->trust <= DNS_BOGUS || level->set.count > 0;
}

const struct dns_name *climb_next(const struct climb *c)
{
	if (c->answered == c->count)
		return NULL;
	if (c->scope == CLIMB_FIRST && c->answered &&
	    is_last(&c->levels[c->answered - 1]))
		return NULL;
	return &c->levels[c->answered].name;
}

enum rc climb_answer(struct climb *c, const struct climb_found *found)
{
	struct climb_level *level = &c->levels[c->answered];
	struct caa_set set = { 0 };
	enum rc rc = RC_OK;

	assert(c->answered < c->count);
	/* Data that fails validation is there all the same: it is not read, so
	 * that nobody can use it. */
	if (found->trust > DNS_BOGUS)
		rc = caa_set_read(&set, c->arena, found->rdatas, found->count);
	if (rc == RC_LIMIT && found->count <= CAA_PROPERTIES_MAX)
		return rc;
	level->trust = rc ? DNS_FAILED : found->trust;
	level->is_malformed = rc != RC_OK;
	level->set = set;
	if (found->at.n)
		level->at = found->at;
	c->answered++;
	return RC_OK;
}

static enum dns_trust weaker(enum dns_trust a, enum dns_trust b)
{
	return a < b ? a : b;
}

/* From level 'i' up. */
static struct climb_governing governing_from(const struct climb *c, size_t i)
{
	struct climb_governing g = { .trust = DNS_SECURE };

	for (; i < c->count; i++) {
		const struct climb_level *level = &c->levels[i];

		g.level = level;
		if (i >= c->answered || level->trust <= DNS_BOGUS) {
			g.state = CLIMB_UNDECIDED;
			g.trust = i < c->answered ? level->trust : DNS_FAILED;
			return g;
		}
		g.trust = weaker(g.trust, level->trust);
		if (level->set.count) {
			g.state = CLIMB_GOVERNED;
			return g;
		}
	}
	g.state = CLIMB_UNRESTRICTED;
	g.level = NULL;
	return g;
}

struct climb_governing climb_governing(const struct climb *c,
				       const struct dns_name *name)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		if (dns_name_equal(&c->levels[i].name, name))
			return governing_from(c, i);
	/* Not on this climb: nothing is known of it. */
	return (struct climb_governing){
		.state = CLIMB_UNDECIDED,
		.level = &c->levels[0],
		.trust = DNS_FAILED,
	};
}

struct climb_decision climb_decide(const struct climb *c,
				   const struct caa_request *request)
{
	static const struct caa_set none = { 0 };
	struct climb_decision d = { .governing = governing_from(c, 0) };
	struct caa_request asked = *request;
	const struct caa_set *set = &none;

	if (d.governing.state == CLIMB_UNDECIDED)
		return d;
	if (d.governing.state == CLIMB_GOVERNED)
		set = &d.governing.level->set;
	asked.is_wildcard = c->is_wildcard || request->is_wildcard;
	d.judgement = caa_may_issue(set, &asked);
	d.is_decided = true;
	return d;
}

/* Exclusivity. */

struct search {
	const struct climb *c;
	const struct caa_pins *mine;
	struct climb_finding *found;
	size_t count, covering_count;
	bool is_over;
};

static void report(struct search *s, struct climb_finding f)
{
	if (s->count == CLIMB_FINDINGS_MAX) {
		s->is_over = true;
		return;
	}
	s->found[s->count++] = f;
	if (f.covers)
		s->covering_count++;
}

/* Who else may issue for one subject, by the set that governs it. */
static void search_set(struct search *s, const struct caa_set *set,
		       struct climb_finding about)
{
	const struct caa_property *p;
	size_t at = 0;

	if (!caa_next_relevant(set, about.is_wildcard, &at)) {
		about.hole = CAA_HOLE_OPEN;
		report(s, about);
		return;
	}
	for (at = 0; (p = caa_next_relevant(set, about.is_wildcard, &at));) {
		about.hole = caa_property_hole(p, s->mine);
		about.by = p;
		if (about.hole != CAA_HOLE_NONE)
			report(s, about);
	}
}

static void search_subject(struct search *s, size_t level, bool is_wildcard,
			   bool covers)
{
	struct climb_governing g = governing_from(s->c, level);
	struct climb_finding about = {
		.subject = s->c->levels[level].name,
		.is_wildcard = is_wildcard,
		.covers = covers,
		.level = g.level,
	};

	switch (g.state) {
	case CLIMB_GOVERNED:
		search_set(s, &g.level->set, about);
		return;
	case CLIMB_UNRESTRICTED:
		about.hole = CAA_HOLE_OPEN;
		break;
	case CLIMB_UNDECIDED:
		break;
	}
	report(s, about);
}

static void search_all(struct search *s)
{
	bool wild = s->c->is_wildcard;
	size_t i;

	search_subject(s, 0, false, true);
	search_subject(s, 0, true, wild);
	/* The last level is a top-level domain: no CA signs *.com (Baseline
	 * Requirements §3.2.2.6). */
	for (i = 1; i + 1 < s->c->count; i++)
		search_subject(s, i, true, i == 1 && !wild);
}

enum rc climb_others(struct climb_exclusivity *out, const struct climb *c,
		     const struct caa_pins *mine)
{
	struct climb_governing g = governing_from(c, 0);
	struct search s = {
		.c = c,
		.mine = mine,
		.found = arena_new(c->arena, CLIMB_FINDINGS_MAX,
				   sizeof(*s.found)),
	};
	size_t i;

	assert(c->scope == CLIMB_ALL && c->answered == c->count);
	if (!s.found)
		return RC_LIMIT;
	search_all(&s);
	if (s.is_over)
		return RC_LIMIT;
	*out = (struct climb_exclusivity){
		.findings = s.found,
		.count = s.count,
		.covering_count = s.covering_count,
		.trust = DNS_SECURE,
	};
	if (g.state == CLIMB_GOVERNED)
		out->blocked = caa_blocked(&g.level->set);
	for (i = 0; i < c->count; i++)
		out->trust = weaker(out->trust, c->levels[i].trust);
	return RC_OK;
}
