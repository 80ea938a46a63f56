/* verify_report's HTML page: one file, no script, no link, readable on a
 * phone; dark where the reader's screen is. */
#include "base/text.h"
#include "cli/verify_report.h"

/* clang-format off */
static const char style[] =
	":root{color-scheme:light dark;--bg:#fff;--fg:#1a1c1e;--soft:#5c6268;"
	"--line:#e2e5e8;--pass:#1b7f3b;--fail:#b3261e;--open:#8a5a00}"
	"@media(prefers-color-scheme:dark){:root{--bg:#15181b;--fg:#e6e8ea;"
	"--soft:#9aa1a8;--line:#2c3237;--pass:#6fd08c;--fail:#ff8a80;"
	"--open:#f2c14e}}"
	"*{box-sizing:border-box}"
	"body{margin:0 auto;max-width:52rem;padding:1rem;background:var(--bg);"
	"color:var(--fg);font:16px/1.5 system-ui,sans-serif}"
	"header{border-left:.5rem solid;padding:.25rem 0 .25rem 1rem;"
	"margin:1rem 0}"
	"h1{margin:0;font-size:1.6rem;overflow-wrap:anywhere}"
	"header p{margin:.25rem 0;color:var(--soft)}"
	"h2{font-size:1rem;margin:1.75rem 0 .25rem;text-transform:uppercase;"
	"letter-spacing:.04em;color:var(--soft)}"
	"ul{list-style:none;margin:0;padding:0}"
	"li{display:grid;grid-template-columns:1.75rem 1fr;padding:.5rem 0;"
	"border-top:1px solid var(--line)}"
	"li b{font-weight:600}"
	"li span{display:block;color:var(--soft);overflow-wrap:anywhere}"
	"li small{display:block;color:var(--soft);font-size:.8rem}"
	".pass{color:var(--pass)}.fail{color:var(--fail)}"
	".unknown,.not-shown,.not-yet{color:var(--open)}.not-asked{color:var(--soft)}"
	".holds{border-color:var(--pass)}.refuted{border-color:var(--fail)}"
	".undecided{border-color:var(--open)}"
	".sim{background:var(--fail);color:var(--bg);padding:.5rem 1rem;"
	"font-weight:600}";
/* clang-format on */

struct page {
	struct buf *out;
	bool over;
};

static void put(struct page *p, const char *text)
{
	if (!buf_add(p->out, span_str(text)))
		p->over = true;
}

/* A stranger's text: reasons quote names and records. */
static void put_text(struct page *p, struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		char one[] = { (char)text.p[i], 0 };

		switch (text.p[i]) {
		case '<':
			put(p, "&lt;");
			break;
		case '>':
			put(p, "&gt;");
			break;
		case '&':
			put(p, "&amp;");
			break;
		case '"':
			put(p, "&quot;");
			break;
		case '\'':
			put(p, "&#39;");
			break;
		default:
			put(p, one);
			break;
		}
	}
}

static const char *sign_of(enum check_state state)
{
	switch (state) {
	case CHECK_PASS:
		return "&#10003;";
	case CHECK_FAIL:
		return "&#10007;";
	case CHECK_UNKNOWN:
		return "?";
	case CHECK_NOT_SHOWN:
		return "&#8709;";
	case CHECK_NOT_YET:
		return "&hellip;";
	case CHECK_NOT_ASKED:
		break;
	}
	return "&ndash;";
}

static void put_check(struct page *p, const struct check *c,
		      const struct finding *f)
{
	put(p, "<li><i class=\"");
	put(p, check_state_name(f->state));
	put(p, "\" style=\"font-style:normal;font-weight:700\" title=\"");
	put(p, check_state_name(f->state));
	put(p, "\">");
	put(p, sign_of(f->state));
	put(p, "</i><div><b>");
	if (f->state == CHECK_NOT_SHOWN)
		put(p, "Not shown: ");
	if (f->state == CHECK_NOT_YET)
		put(p, "Not yet: ");
	put_text(p, span_str(c->title));
	put(p, "</b><span>");
	put_text(p, span_str(f->reason));
	put(p, "</span><small>");
	put_text(p, span_str(c->id));
	put(p, " &middot; ");
	put_text(p, span_str(c->rule));
	put(p, "</small></div></li>\n");
}

static const char *sentence_of(enum checks_outcome outcome)
{
	switch (outcome) {
	case CHECKS_HOLD:
		return "Everything that was checked holds.";
	case CHECKS_REFUTED:
		return "Refuted: do not trust this host.";
	case CHECKS_UNDECIDED:
		break;
	}
	return "Not decided: nothing is refuted, and not all could be "
	       "checked.";
}

static void put_header(struct page *p, const struct verify_report *r)
{
	const struct material *m = r->reading->m;
	char at[24], text[VERIFY_HEARSAY_MAX];
	struct span hearsay = verify_hearsay(text, r);
	struct wr w = WR_ARRAY(at);

	text_utc_write(&w, m->at);
	put(p, "<header class=\"");
	put(p, checks_outcome_name(r->outcome));
	put(p, "\"><h1>");
	put_text(p, m->host);
	put(p, "</h1><p>");
	put(p, sentence_of(r->outcome));
	put(p, "</p><p>");
	put_text(p, span_str(reading_kind_name(r->reading->kind)));
	put(p, ", as of ");
	put_text(p, wr_span(&w));
	put(p, r->is_offline ? ", from a file" : "");
	if (hearsay.n) {
		put(p, "</p><p>");
		put_text(p, hearsay);
	}
	put(p, "</p></header>\n");
	if (verify_is_simulated(r))
		put(p, "<p class=\"sim\">SIMULATED: the platform's root was "
		       "made for this installation; no hardware vouches for "
		       "anything here.</p>\n");
}

static void put_checks(struct page *p, const struct verify_report *r)
{
	for (unsigned s = 1; s <= 20; s++) {
		const char *heading = verify_heading(s);

		if (heading) {
			put(p, s > 1 ? "</ul>\n<h2>" : "<h2>");
			put_text(p, span_str(heading));
			put(p, "</h2>\n<ul>\n");
		}
		for (size_t i = 0; i < checks_count; i++)
			if (checks[i].step == s)
				put_check(p, &checks[i], &r->findings[i]);
	}
	put(p, "</ul>\n");
}

enum rc verify_write_html(struct buf *out, const struct verify_report *r)
{
	struct page p = { .out = out };

	put(&p, "<!doctype html>\n<html lang=\"en\">\n<head>\n"
		"<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width,"
		"initial-scale=1\">\n<title>");
	put_text(&p, r->reading->m->host);
	put(&p, " &ndash; postern verify</title>\n<style>");
	put(&p, style);
	put(&p, "</style>\n</head>\n<body>\n");
	put_header(&p, r);
	put_checks(&p, r);
	put(&p, "</body>\n</html>\n");
	return p.over ? RC_LIMIT : RC_OK;
}
