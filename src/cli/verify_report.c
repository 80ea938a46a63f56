#include "cli/verify_report.h"

#include <string.h>

#include "base/text.h"
#include "cli/json.h"

bool verify_is_simulated(const struct verify_report *r)
{
	return r->reading->quote.verdict.is_simulated ||
	       r->reading->fresh.verdict.is_simulated ||
	       r->reading->account_quote.verdict.is_simulated ||
	       r->reading->key_quote.verdict.is_simulated;
}

struct span verify_hearsay(char text[VERIFY_HEARSAY_MAX],
			   const struct verify_report *r)
{
	struct wr w = wr_over(text, VERIFY_HEARSAY_MAX);

	if (!r->saved_in)
		return span_of(NULL, 0);
	wr_str(&w, "As saved by whoever made ");
	text_escape(&w, span_str(r->saved_in), 128);
	wr_str(&w, ": DNS, sources, session and time are that one's word");
	wr_str(&w, r->is_saver_trusted ? ", which you trust."
				       : "; without --trust-saved the outcome "
					 "is at best not decided.");
	return wr_span(&w);
}

const char *verify_heading(unsigned step)
{
	static const char *const headings[] = {
		[1] = "connection",
		[3] = "documents",
		[4] = "platform and code",
		[6] = "what the quote covers, and since when",
		[8] = "certificate",
		[10] = "certificate transparency",
		[12] = "who may issue",
		[13] = "ACME account",
		[14] = "history of the name",
		[17] = "age and witnesses",
		[20] = "earlier visits",
	};

	return step < sizeof(headings) / sizeof(headings[0]) ? headings[step]
							     : NULL;
}

/* ---- tree */

struct mark {
	const char *sign, *colour;
};

static struct mark mark_of(enum check_state state)
{
	switch (state) {
	case CHECK_PASS:
		return (struct mark){ "\u2713", "\033[32m" };
	case CHECK_FAIL:
		return (struct mark){ "\u2717", "\033[31m" };
	case CHECK_UNKNOWN:
		return (struct mark){ "?", "\033[33m" };
	case CHECK_NOT_SHOWN:
		return (struct mark){ "\u2205", "\033[33m" };
	case CHECK_NOT_YET:
		return (struct mark){ "\u2026", "\033[33m" };
	case CHECK_NOT_ASKED:
		break;
	}
	return (struct mark){ "-", "\033[2m" };
}

/* What keeps a title from being read as a promise that is kept. */
static const char *lead_of(enum check_state state)
{
	if (state == CHECK_NOT_SHOWN)
		return "not shown: ";
	return state == CHECK_NOT_YET ? "not yet: " : "";
}

static const char *word_of(enum checks_outcome outcome)
{
	switch (outcome) {
	case CHECKS_HOLD:
		return "HOLDS";
	case CHECKS_REFUTED:
		return "REFUTED";
	case CHECKS_UNDECIDED:
		break;
	}
	return "NOT DECIDED";
}

static const char *colour_of(enum checks_outcome outcome)
{
	switch (outcome) {
	case CHECKS_HOLD:
		return "\033[1;32m";
	case CHECKS_REFUTED:
		return "\033[1;31m";
	case CHECKS_UNDECIDED:
		break;
	}
	return "\033[1;33m";
}

static const char *time_of(char text[24], int64_t at)
{
	struct wr w = wr_over(text, 23);

	text_utc_write(&w, at);
	text[wr_span(&w).n] = 0;
	return text;
}

static void print_line(FILE *to, const struct check *c,
		       const struct finding *f, bool has_colour)
{
	struct mark m = mark_of(f->state);

	fprintf(to, "  %s%s%s %s%s%s: %s  %s[%s, %s]%s\n",
		has_colour ? m.colour : "", m.sign, has_colour ? "\033[0m" : "",
		lead_of(f->state), c->title,
		"", f->reason, has_colour ? "\033[2m" : "", c->id, c->rule,
		has_colour ? "\033[0m" : "");
}

/* The checks of one heading: those whose step is from it to the next. */
static void print_section(FILE *to, const struct verify_report *r,
			  unsigned from, unsigned until, bool has_colour)
{
	fprintf(to, "%s\n", verify_heading(from));
	for (size_t i = 0; i < checks_count; i++)
		if (checks[i].step >= from && checks[i].step < until)
			print_line(to, &checks[i], &r->findings[i], has_colour);
}

static unsigned next_heading(unsigned step)
{
	do
		step++;
	while (step <= 20 && !verify_heading(step));
	return step;
}

void verify_print_tree(FILE *to, const struct verify_report *r, bool has_colour)
{
	const struct material *m = r->reading->m;
	char at[24], text[VERIFY_HEARSAY_MAX];
	struct span hearsay = verify_hearsay(text, r);

	fprintf(to, "%s%s%s%s: %.*s, %s, as of %s%s\n\n",
		has_colour ? colour_of(r->outcome) : "", word_of(r->outcome),
		verify_is_simulated(r) ? " (SIMULATED)" : "",
		has_colour ? "\033[0m" : "", (int)m->host.n,
		(const char *)m->host.p, reading_kind_name(r->reading->kind),
		time_of(at, m->at), r->is_offline ? ", from a file" : "");
	if (hearsay.n)
		fprintf(to, "%.*s\n\n", (int)hearsay.n,
			(const char *)hearsay.p);
	for (unsigned s = 1; s <= 20; s = next_heading(s))
		print_section(to, r, s, next_heading(s), has_colour);
	if (verify_is_simulated(r))
		fputs("\nSIMULATED: the platform's root was made for this "
		      "installation; no hardware vouches for anything here.\n",
		      to);
}

/* ---- JSON */

static json_t *check_json(const struct check *c, const struct finding *f)
{
	json_t *o = json_object();

	jset_text(o, "id", c->id);
	jset_text(o, "title", c->title);
	jset_text(o, "state", check_state_name(f->state));
	jset_text(o, "reason", f->reason);
	jset_text(o, "rule", c->rule);
	jset(o, "step", json_integer(c->step));
	return o;
}

void verify_print_json(FILE *to, const struct verify_report *r)
{
	const struct material *m = r->reading->m;
	json_t *root = json_object(), *list = json_array();
	char text[VERIFY_HEARSAY_MAX];
	struct span hearsay = verify_hearsay(text, r);

	jset(root, "host",
	     json_stringn((const char *)m->host.p, m->host.n));
	jset_time(root, "at", m->at);
	jset_text(root, "outcome", checks_outcome_name(r->outcome));
	jset_text(root, "evidence", reading_kind_name(r->reading->kind));
	jset(root, "simulated", json_boolean(verify_is_simulated(r)));
	jset(root, "offline", json_boolean(r->is_offline));
	jset(root, "hearsay",
	     hearsay.n ? json_stringn((const char *)hearsay.p, hearsay.n)
		       : json_null());
	for (size_t i = 0; i < checks_count; i++)
		jadd(list, check_json(&checks[i], &r->findings[i]));
	jset(root, "checks", list);
	jprint(to, root);
	json_decref(root);
}
