#include "certd/pins.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum {
	ARENA_MAX = 4 * 1024 * 1024,
};

const char *pins_state_name(enum pins_state s)
{
	static const char *const names[] = {
		[PINS_HELD] = "held",
		[PINS_ABOVE] = "above",
		[PINS_DRIFTED] = "drifted",
		[PINS_BLOCKED] = "blocked",
		[PINS_UNKNOWN] = "unknown",
	};

	return names[s];
}

static struct pins_name *find_name(struct pins *p, const char *text)
{
	for (size_t i = 0; i < p->name_count; i++)
		if (strcmp(p->names[i].text, text) == 0)
			return &p->names[i];
	return NULL;
}

enum rc pins_add_names(struct pins *p, const struct names *names)
{
	for (size_t i = 0; i < names->count; i++) {
		const struct name *n = &names->of[i];
		struct pins_name *at;

		if (n->is_ip)
			continue;
		at = find_name(p, name_base(n));
		if (!at && p->name_count == PINS_NAMES_MAX)
			return RC_LIMIT;
		if (!at) {
			at = &p->names[p->name_count++];
			(void)snprintf(at->text, sizeof(at->text), "%s",
				       name_base(n));
		}
		at->has_wildcard = at->has_wildcard || n->is_wildcard;
		at->has_plain = at->has_plain || !n->is_wildcard;
	}
	return RC_OK;
}

/* ---- in the words of dns/ ---- */

struct terms {
	struct span issuers[PINS_ACCOUNTS_MAX][DIRECTORY_ISSUERS_MAX];
	struct span methods[CHALLENGE_TYPES];
	struct caa_pin pins[PINS_ACCOUNTS_MAX];
	struct caa_pins all;
};

static void make_terms(struct terms *t, const struct pins *p)
{
	for (size_t i = 0; i < p->method_count; i++)
		t->methods[i] = span_str(challenge_name(p->methods[i]));
	for (size_t i = 0; i < p->account_count; i++) {
		const struct pins_account *a = &p->accounts[i];

		for (size_t k = 0; k < a->issuer_count; k++)
			t->issuers[i][k] = span_str(a->issuer[k]);
		t->pins[i] = (struct caa_pin){
			.issuers = t->issuers[i],
			.issuer_count = a->issuer_count,
			.account = span_str(a->url),
			.methods = t->methods,
			.method_count = p->method_count,
		};
	}
	t->all = (struct caa_pins){
		.items = t->pins,
		.count = p->account_count,
	};
}

enum rc pins_wanted(struct wanted *out, struct arena *arena,
		    const struct pins *p, const struct pins_name *name)
{
	enum wanted_kinds kinds;
	struct terms t = { 0 };

	make_terms(&t, p);
	kinds = name->has_wildcard ? WANTED_WILDCARDS_TOO : WANTED_NAMES;
	return wanted_make(out, arena, &t.all, kinds,
			   span_str(p->iodef));
}

void pins_say_wanted(struct pins_view *v, const struct pins *p,
		     const struct pins_name *name)
{
	AUTO(arena_fini)
	struct arena arena;
	struct wanted wanted;
	size_t had = strlen(v->why);
	struct wr w = wr_over(v->why + had, sizeof(v->why) - had - 1);

	arena_init(&arena, ARENA_MAX);
	if (pins_wanted(&wanted, &arena, p, name))
		return;
	wr_str(&w, "; there has to be: ");
	for (size_t i = 0; i < wanted.count; i++) {
		wr_printf(&w, "%s%s CAA ", i ? ", " : "", name->text);
		wanted_text(&w, &wanted.items[i]);
	}
	/* Half a record would be another one. */
	v->why[had + (w.over ? 0 : w.n)] = '\0';
}

enum rc pins_write(const struct pins *p, const struct pins_name *name,
		   struct writer *w, bool *changed, char error[NODE_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena arena;
	struct wanted wanted;
	struct dns_name n;
	enum rc rc;

	arena_init(&arena, ARENA_MAX);
	rc = dns_name_parse(&n, span_str(name->text));
	if (!rc)
		rc = pins_wanted(&wanted, &arena, p, name);
	if (rc) {
		error_set(error, "CAA of %s: %s", name->text, rc_name(rc));
		return rc;
	}
	return writer_caa(w, &n, &wanted, changed, error);
}

/* ---- looking ---- */

static void say(struct pins_view *v, enum pins_state state, const char *rule,
		const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static void say(struct pins_view *v, enum pins_state state, const char *rule,
		const char *format, ...)
{
	va_list args;

	v->state = state;
	v->rule = rule;
	va_start(args, format);
	(void)vsnprintf(v->why, sizeof(v->why), format, args);
	va_end(args);
}

static void property_text(char out[256], const struct caa_property *p)
{
	struct wr w = wr_over(out, 255);

	out[0] = '\0';
	if (!p)
		return;
	caa_write_text(&w, p);
	out[w.over ? 0 : w.n] = '\0';
}

/* The first of our ways by which such a name can be proved. */
static struct span method_for(const struct pins *p, bool is_wildcard)
{
	const struct name any = { .text = "", .is_wildcard = is_wildcard };

	for (size_t i = 0; i < p->method_count; i++)
		if (challenge_can(p->methods[i], &any, is_wildcard))
			return span_str(challenge_name(p->methods[i]));
	return span_of(NULL, 0);
}

/* Every account must be let in for what it is asked for. */
static bool lets_us(struct pins_view *v, const struct climb *c,
		    const struct terms *t, struct span method,
		    bool is_wildcard)
{
	for (size_t i = 0; i < t->all.count; i++) {
		const struct caa_pin *pin = &t->pins[i];
		const struct caa_request request = {
			/* add_account() sees to it that there is one. */
			.issuer = pin->issuers[0],
			.account = pin->account,
			.method = method,
			.is_wildcard = is_wildcard,
		};
		struct climb_decision d = climb_decide(c, &request);

		if (d.is_decided && d.judgement.answer == CAA_PERMITTED)
			continue;
		if (!d.is_decided)
			say(v, PINS_UNKNOWN, "RFC 8659 3",
			    "what CAA says cannot be told");
		else
			say(v, PINS_BLOCKED,
			    caa_reason_rule(d.judgement.reason),
			    "account %.200s may not: %s", pin->account.p,
			    caa_reason_name(d.judgement.reason));
		return false;
	}
	return true;
}

static const char *hole_text(enum caa_hole hole)
{
	return hole == CAA_HOLE_NONE ? "cannot be told" : caa_hole_name(hole);
}

/* A finding about our own set is one that we can do something about. */
static void judge_others(struct pins_view *v, const struct climb *c,
			 const struct terms *t, const struct dns_name *base)
{
	struct climb_exclusivity e = { 0 };
	char subject[DNS_NAME_TEXT], by[256];

	if (climb_others(&e, c, &t->all)) {
		say(v, PINS_UNKNOWN, "RFC 8659 3", "too much to look at");
		return;
	}
	v->trust = e.trust;
	for (size_t i = 0; i < e.count; i++) {
		const struct climb_finding *f = &e.findings[i];
		bool is_own = dns_name_equal(&f->subject, base);

		if (!f->covers || (!is_own && v->state == PINS_ABOVE))
			continue;
		dns_name_text(subject, &f->subject);
		property_text(by, f->by);
		say(v, is_own ? PINS_DRIFTED : PINS_ABOVE, "RFC 8659 4",
		    "somebody else could get %s%.200s: %s%s%s",
		    f->is_wildcard ? "*." : "", subject,
		    hole_text(f->hole),
		    by[0] ? ", by " : "", by);
		if (is_own)
			return;
	}
}

/* What it is and how it is asked for. */
struct looked {
	struct dns_name base, name;
	bool is_wildcard;
	struct span method;
};

static bool look_one(struct pins_view *out, struct climb *climb,
		     const struct terms *t, const struct looked *l,
		     struct vantage *v, struct arena *arena)
{
	AUTO(mem_auto_free)
	struct climbing_views *views = mem_new(sizeof(*views));

	if (climbing_views(views, v->of, v->count, arena, &l->name)) {
		say(out, PINS_UNKNOWN, "RFC 8659 3", "look-ups fail");
		return false;
	}
	out->disagree = out->disagree || views->disagree;
	out->trust = views->trust;
	if (climb && views->count)
		*climb = views->climbs[0];
	for (size_t i = 0; i < views->count; i++) {
		const struct climb *c = &views->climbs[i];

		if (!lets_us(out, c, t, l->method, l->is_wildcard))
			return false;
		judge_others(out, c, t, &l->base);
		if (out->state != PINS_HELD && out->state != PINS_ABOVE)
			return false;
	}
	return true;
}

void pins_look(struct pins_view *out, struct climb *climb,
	       const struct pins *p, const struct pins_name *name,
	       struct vantage *v, struct arena *arena)
{
	struct terms t = { 0 };
	struct looked l = { 0 };

	*out = (struct pins_view){ .state = PINS_HELD, .rule = "" };
	make_terms(&t, p);
	if (dns_name_parse(&l.base, span_str(name->text))) {
		say(out, PINS_UNKNOWN, "RFC 8659 3", "no name");
		return;
	}
	l.name = l.base;
	l.method = method_for(p, false);
	if (name->has_plain && !look_one(out, climb, &t, &l, v, arena))
		return;
	l.is_wildcard = true;
	l.method = method_for(p, true);
	if (name->has_wildcard && dns_name_prefix(&l.name, "*", &l.base))
		(void)look_one(out, climb, &t, &l, v, arena); /* *out says */
}

void pins_hash(struct sha256 *out, const struct climb *c,
	       const struct pins_name *name, struct arena *arena)
{
	AUTO(buf_fini)
	struct buf all = { 0 };
	struct climb_governing g = { 0 };
	struct dns_name n;
	char at[DNS_NAME_TEXT] = "";

	buf_init(&all, ARENA_MAX);
	if (c->count && !dns_name_parse(&n, span_str(name->text)))
		g = climb_governing(c, &n);
	if (g.level) {
		dns_name_text(at, &g.level->name);
		(void)buf_add(&all, span_str(at)); /* there is room */
	}
	for (size_t i = 0; g.level && i < g.level->set.count; i++) {
		const struct caa_property *p = &g.level->set.items[i];
		uint8_t *room = arena_new(arena, 1, 2048);
		struct wr r = wr_over(room, room ? 2048 : 0);

		caa_write_rdata(&r, p->flags, p->tag_text, p->value);
		(void)buf_add(&all, wr_span(&r));
	}
	sha256_of(out, buf_span(&all));
}

/* ---- the trace of another account ---- */

static bool is_ours(const struct pins *p, struct span url)
{
	for (size_t i = 0; i < p->account_count; i++)
		if (span_equal_str(url, p->accounts[i].url))
			return true;
	return false;
}

static bool is_one_of(struct span issuer, const struct span *issuers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_equal_nocase(issuer, issuers[i]))
			return true;
	return false;
}

static enum pins_trace trace_in(char url[ACME_URL_MAX], const struct pins *p,
				const struct span *issuers,
				size_t issuer_count, const struct caa_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct caa_property *at = &set->items[i];

		if (at->account_count == 0 ||
		    !is_one_of(at->issuer, issuers, issuer_count) ||
		    is_ours(p, at->account))
			continue;
		(void)snprintf(url, ACME_URL_MAX, "%.*s", (int)at->account.n,
			       (const char *)at->account.p);
		return PINS_TRACE_OTHER;
	}
	return PINS_TRACE_NONE;
}

static enum pins_trace trace_by(char url[ACME_URL_MAX], const struct pins *p,
				const struct span *issuers,
				size_t issuer_count,
				const struct pins_name *name,
				struct validator *v)
{
	AUTO(arena_fini)
	struct arena arena;
	struct climb_governing g;
	struct dns_name n;
	struct climb c;

	arena_init(&arena, ARENA_MAX);
	if (dns_name_parse(&n, span_str(name->text)) ||
	    climbing_do(&c, v, &arena, &n, CLIMB_FIRST))
		return PINS_TRACE_UNKNOWN;
	g = climb_governing(&c, &n);
	if (g.state == CLIMB_UNDECIDED)
		return PINS_TRACE_UNKNOWN;
	if (g.state == CLIMB_UNRESTRICTED)
		return PINS_TRACE_NONE;
	return trace_in(url, p, issuers, issuer_count, &g.level->set);
}

enum pins_trace pins_trace(char url[ACME_URL_MAX], const struct pins *p,
			   const struct span *issuers, size_t issuer_count,
			   const struct pins_name *name, struct vantage *v)
{
	enum pins_trace worst = PINS_TRACE_NONE;

	for (size_t i = 0; i < v->count; i++) {
		enum pins_trace t = trace_by(url, p, issuers, issuer_count,
					     name, v->of[i]);

		if (t == PINS_TRACE_OTHER)
			return t;
		if (t == PINS_TRACE_UNKNOWN)
			worst = t;
	}
	return worst;
}
