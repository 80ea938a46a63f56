#include "certd/figures.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "json/jtree.h"

enum {
	ARENA_MAX = 16 * 1024 * 1024,
	DAY_S = 86'400,
};

struct figures {
	struct buf *out;
	const struct jtree *top;
	int64_t now;
	bool failed;
};

/* ---- lines ---- */

static void put(struct figures *f, struct span text)
{
	if (!buf_add(f->out, text))
		f->failed = true;
}

static void put_str(struct figures *f, const char *text)
{
	put(f, span_str(text));
}

static void head(struct figures *f, const char *name, const char *type)
{
	put_str(f, "# TYPE postern_cert_");
	put_str(f, name);
	put_str(f, " ");
	put_str(f, type);
	put_str(f, "\n");
}

struct label {
	const char *name;
	struct span value;
};

static void put_label(struct figures *f, const struct label *l)
{
	put_str(f, l->name);
	put_str(f, "=\"");
	for (size_t i = 0; i < l->value.n; i++) {
		if (l->value.p[i] == '\\' || l->value.p[i] == '"')
			put_str(f, "\\");
		if (l->value.p[i] == '\n')
			put_str(f, "\\n");
		else
			put(f, span_of(&l->value.p[i], 1));
	}
	put_str(f, "\"");
}

static void line(struct figures *f, const char *name,
		 const struct label labels[2], double value)
{
	char number[40];
	int n = snprintf(number, sizeof(number), " %.15g\n", value);

	put_str(f, "postern_cert_");
	put_str(f, name);
	if (labels && labels[0].name) {
		put_str(f, "{");
		put_label(f, &labels[0]);
		if (labels[1].name) {
			put_str(f, ",");
			put_label(f, &labels[1]);
		}
		put_str(f, "}");
	}
	put(f, span_of(number, (size_t)n));
}

static void lone(struct figures *f, const char *name, const char *type,
		 double value)
{
	head(f, name, type);
	line(f, name, NULL, value);
}

/* ---- members ---- */

static struct span text_of(const struct jtree *object, const char *key)
{
	const struct jtree *m = jtree_get(object, key);

	return m && m->type == JTREE_TEXT ? m->text : span_of(NULL, 0);
}

static double number_of(const struct jtree *object, const char *key)
{
	const struct jtree *m = jtree_get(object, key);

	return m && m->type == JTREE_NUMBER ? (double)m->number : 0;
}

static bool truth_of(const struct jtree *object, const char *key)
{
	const struct jtree *m = jtree_get(object, key);

	return m && m->type == JTREE_BOOL && m->is_true;
}

/* False: the member is no time. */
static bool time_of(int64_t *at, const struct jtree *object, const char *key)
{
	return text_utc(at, text_of(object, key));
}

static const struct jtree *first_of(const struct figures *f, const char *key)
{
	const struct jtree *list = jtree_get(f->top, key);

	return list && list->type == JTREE_ARRAY ? list->first : NULL;
}

/* ---- certificates ---- */

static struct span name_of(const struct jtree *certificate)
{
	const struct jtree *names = jtree_get(certificate, "names");

	return names && names->type == JTREE_ARRAY && names->first
		       ? names->first->text
		       : span_of(NULL, 0);
}

/* One time of each certificate, in seconds since 1970, or in days from now. */
static void certificate_times(struct figures *f, const char *name,
			      const char *member, bool is_in_days)
{
	head(f, name, "gauge");
	for (const struct jtree *c = first_of(f, "certificates"); c;
	     c = c->next) {
		const struct label labels[2] = { { "name", name_of(c) } };
		int64_t at;

		if (!time_of(&at, c, member))
			continue;
		line(f, name, labels,
		     is_in_days ? (double)(at - f->now) / DAY_S : (double)at);
	}
}

static void certificates(struct figures *f)
{
	head(f, "certificate_there", "gauge");
	for (const struct jtree *c = first_of(f, "certificates"); c;
	     c = c->next) {
		const struct label labels[2] = { { "name", name_of(c) } };

		line(f, "certificate_there", labels, truth_of(c, "there"));
	}
	certificate_times(f, "certificate_days_left", "not_after", true);
	certificate_times(f, "certificate_not_after_seconds", "not_after",
			  false);
	certificate_times(f, "certificate_renew_at_seconds", "renew_at",
			  false);
}

/* ---- accounts, orders, CAA, alarms ---- */

/* A member of each entry of a list, under a label or two of it. */
static void texts(struct figures *f, const char *name, const char *list,
		  const char *label, const char *second)
{
	head(f, name, "gauge");
	for (const struct jtree *e = first_of(f, list); e; e = e->next) {
		const struct label labels[2] = {
			{ label, text_of(e, label) },
			{ second, second ? text_of(e, second)
					 : span_of(NULL, 0) },
		};

		line(f, name, labels, 1);
	}
}

static void accounts(struct figures *f)
{
	head(f, "account_ready", "gauge");
	for (const struct jtree *a = first_of(f, "accounts"); a; a = a->next) {
		const struct label labels[2] = { { "directory",
						   text_of(a, "directory") } };

		line(f, "account_ready", labels,
		     span_equal_str(text_of(a, "standing"), "ready"));
	}
}

static void numbers(struct figures *f, const char *name, const char *type,
		    const char *list, const char *label, const char *second,
		    const char *member)
{
	head(f, name, type);
	for (const struct jtree *e = first_of(f, list); e; e = e->next) {
		const struct label labels[2] = {
			{ label, text_of(e, label) },
			{ second, second ? text_of(e, second)
					 : span_of(NULL, 0) },
		};

		line(f, name, labels, number_of(e, member));
	}
}

static void alarms(struct figures *f)
{
	const struct jtree *list = jtree_get(f->top, "alarms");

	lone(f, "alarms", "gauge", list ? (double)list->count : 0);
	texts(f, "alarm", "alarms", "kind", "about");
}

/* ---- the node, evidence ---- */

static void node(struct figures *f)
{
	const struct jtree *n = jtree_get(f->top, "node");

	lone(f, "simulated", "gauge", truth_of(n, "simulated"));
	lone(f, "generation", "counter", number_of(n, "generation"));
	lone(f, "audit_lines", "counter", number_of(n, "audit_lines"));
}

static void evidence(struct figures *f)
{
	const struct jtree *e = jtree_get(f->top, "evidence");
	int64_t issued, expires;

	if (!time_of(&issued, e, "issued_at") ||
	    !time_of(&expires, e, "expires_at"))
		return;
	lone(f, "evidence_age_seconds", "gauge", (double)(f->now - issued));
	lone(f, "evidence_left_seconds", "gauge", (double)(expires - f->now));
}

static void attest(struct figures *f)
{
	static const struct {
		const char *member, *name, *type;
	} rows[] = {
		{ "answered", "attest_answered_total", "counter" },
		{ "refused", "attest_refused_total", "counter" },
		{ "busy", "attest_busy_total", "counter" },
		{ "failed", "attest_failed_total", "counter" },
		{ "quotes", "attest_quotes_total", "counter" },
		{ "waiting", "attest_waiting", "gauge" },
	};
	const struct jtree *a = jtree_get(f->top, "attest");

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		lone(f, rows[i].name, rows[i].type,
		     number_of(a, rows[i].member));
}

enum rc figures_write(struct buf *out, struct span status, int64_t now)
{
	AUTO(arena_fini)
	struct arena arena;
	struct figures f = { .out = out, .now = now };

	arena_init(&arena, ARENA_MAX);
	f.top = jtree_read(&arena, status);
	if (!f.top || f.top->type != JTREE_OBJECT)
		return RC_MALFORMED;
	alarms(&f);
	node(&f);
	certificates(&f);
	accounts(&f);
	numbers(&f, "orders_booked", "gauge", "ledger", "directory", NULL,
		"orders");
	numbers(&f, "orders_booked_max", "gauge", "ledger", "directory", NULL,
		"orders_max");
	texts(&f, "caa", "caa", "name", "state");
	numbers(&f, "events_total", "counter", "events", "event", "end",
		"count");
	evidence(&f);
	attest(&f);
	return f.failed ? RC_LIMIT : RC_OK;
}
