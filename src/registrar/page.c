#include "registrar/page.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

enum {
	SHORT_ID = 4, /* bytes of an instance id */
	PIECE_MAX = 4096,
};

struct out {
	struct buf *buf;
	bool is_over;
};

static void put(struct out *o, const char *s)
{
	if (!buf_add(o->buf, span_str(s)))
		o->is_over = true;
}

__attribute__((format(printf, 2, 3))) static void say(struct out *o,
						      const char *format, ...)
{
	char piece[PIECE_MAX];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(piece, sizeof(piece), format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(piece))
		o->is_over = true;
	else
		put(o, piece);
}

/* Somebody's text between tags or in a quoted attribute. */
static void text(struct out *o, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '&':
			put(o, "&amp;");
			break;
		case '<':
			put(o, "&lt;");
			break;
		case '>':
			put(o, "&gt;");
			break;
		case '"':
			put(o, "&quot;");
			break;
		case '\'':
			put(o, "&#39;");
			break;
		default:
			if (!buf_add(o->buf, span_of(s, 1)))
				o->is_over = true;
		}
	}
}

static const char style[] =
	"<style>"
	":root{color-scheme:light dark;--d:#667;--l:#8883;--c:#8881}"
	"*{box-sizing:border-box}"
	"body{font:16px/1.45 system-ui,sans-serif;max-width:60rem;"
	"margin:0 auto;padding:1rem}"
	"h1{font-size:1.4rem;margin:.4rem 0;overflow-wrap:anywhere}"
	"h2{font-size:1.05rem;margin:1.6rem 0 .5rem}"
	".s{background:#b00020;color:#fff;padding:.6rem .8rem;"
	"border-radius:.4rem;margin:.6rem 0}"
	".g{display:grid;gap:.6rem;"
	"grid-template-columns:repeat(auto-fit,minmax(7.4rem,1fr))}"
	".g div{background:var(--c);border-radius:.4rem;padding:.6rem .8rem}"
	".g b{display:block;font-size:1.3rem;font-variant-numeric:tabular-nums}"
	"small,dt,th{color:var(--d);font-weight:400}"
	"table{border-collapse:collapse;width:100%}"
	"th,td{text-align:left;padding:.4rem .6rem .4rem 0;"
	"border-bottom:1px solid var(--l);vertical-align:top}"
	"code{overflow-wrap:anywhere}"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}"
	"dd{margin:0;overflow-wrap:anywhere}"
	"@media(max-width:40rem){thead{display:none}"
	"tr{display:block;padding:.5rem 0;border-bottom:1px solid var(--l)}"
	"td{display:flex;justify-content:space-between;gap:1rem;border:0;"
	"padding:.15rem 0;overflow-wrap:anywhere}"
	"td::before{content:attr(data-h);color:var(--d)}"
	"dl{display:block}dd{margin-bottom:.5rem}}"
	"</style>\n";

static void write_head(struct out *o, const struct page *p)
{
	put(o, "<!doctype html>\n<html lang=\"en\"><head>"
	       "<meta charset=\"utf-8\">"
	       "<meta name=\"viewport\" "
	       "content=\"width=device-width,initial-scale=1\">");
	say(o, "<meta http-equiv=\"refresh\" content=\"%d\">", PAGE_REFRESH_S);
	put(o, "<title>gateway.");
	text(o, p->base);
	put(o, "</title>\n");
	put(o, style);
	put(o, "</head>\n<body>\n<h1>gateway.");
	text(o, p->base);
	put(o, "</h1>\n");
	if (p->is_simulated)
		put(o, "<p class=\"s\"><b>SIMULATED</b> The quotes here come "
		       "from a simulated platform. They prove nothing to "
		       "anybody but a test.</p>\n");
}

/* "950", "12.3 k", ... of bytes or anything. */
static void amount(struct out *o, uint64_t n)
{
	static const char units[] = " kMGTP";
	double v = (double)n;
	int unit = 0;

	while (v >= 1000 && unit < 5) {
		v /= 1000;
		unit++;
	}
	if (unit == 0)
		say(o, "%llu", (unsigned long long)n);
	else
		say(o, "%.1f&nbsp;%c", v, units[unit]);
}

/* "42 s", "12 min", "5 h", "89 days" */
static void duration(struct out *o, int64_t s)
{
	static const struct {
		int64_t from, each;
		const char *unit;
	} steps[] = {
		{ 2 * 86400, 86400, "days" },
		{ 2 * 3600, 3600, "h" },
		{ 120, 60, "min" },
		{ INT64_MIN, 1, "s" },
	};
	size_t i = 0;

	while (s < steps[i].from)
		i++;
	say(o, "%lld&nbsp;%s", (long long)(s / steps[i].each), steps[i].unit);
}

static void card(struct out *o, const char *what, uint64_t n, const char *unit)
{
	put(o, "<div><b>");
	amount(o, n);
	say(o, "</b><small>%s%s</small></div>", what, unit);
}

static void write_live(struct out *o, const struct page *p)
{
	const struct page_live *l = p->live;

	put(o, "<h2>Now</h2>\n<div class=\"g\">");
	card(o, "attested tunnels", p->tunnel_total, "");
	if (l) {
		card(o, "connections", l->connections, "");
		card(o, "new visits", l->connections_per_s, "/s");
		card(o, "TLS handshakes", l->handshakes_per_s, "/s");
		card(o, "refused", l->refused_per_s, "/s");
		card(o, "bytes to apps", l->up_per_s, "/s");
		card(o, "bytes to visitors", l->down_per_s, "/s");
	}
	put(o, "</div>\n");
	if (!l)
		put(o, "<p><small>The edge does not say how it is."
		       "</small></p>\n");
}

static void cell(struct out *o, const char *title)
{
	say(o, "<td data-h=\"%s\"><span>", title);
}

static void write_tunnel(struct out *o, const struct page_tunnel *t)
{
	char id[2 * SHORT_ID + 1] = "";
	struct wr w = wr_over(id, sizeof(id) - 1);

	text_hex(&w, span_of(t->instance_id, SHORT_ID));
	put(o, "<tr>");
	cell(o, "app");
	text(o, t->app);
	put(o, "</span></td>");
	cell(o, "instance");
	say(o, "<code>%s</code></span></td>", id);
	cell(o, "evidence");
	duration(o, t->evidence_age_s);
	put(o, " old</span></td>");
	cell(o, "handshake");
	if (t->handshake_age_s < 0) {
		put(o, "none yet");
	} else {
		duration(o, t->handshake_age_s);
		put(o, " ago");
	}
	put(o, "</span></td>");
	cell(o, "lease");
	duration(o, t->left_s);
	put(o, " left</span></td>");
	cell(o, "TCB");
	text(o, t->tcb);
	put(o, "</span></td></tr>\n");
}

static void write_tunnels(struct out *o, const struct page *p)
{
	size_t i, shown = p->tunnel_count;

	put(o, "<h2>Apps behind attested tunnels</h2>\n");
	if (p->tunnel_total == 0) {
		put(o, "<p>None is connected.</p>\n");
		return;
	}
	put(o, "<table><thead><tr><th>app<th>instance<th>evidence"
	       "<th>handshake<th>lease<th>TCB</tr></thead><tbody>\n");
	for (i = 0; i < shown; i++)
		write_tunnel(o, &p->tunnels[i]);
	put(o, "</tbody></table>\n");
	if (shown < p->tunnel_total)
		say(o, "<p><small>and %zu more</small></p>\n",
		    p->tunnel_total - shown);
}

static void fact(struct out *o, const char *name, const char *value)
{
	say(o, "<dt>%s</dt><dd>", name);
	text(o, value);
	put(o, "</dd>");
}

static void write_facts(struct out *o, const struct page *p)
{
	const struct page_live *l = p->live;

	put(o, "<h2>This gateway</h2>\n<dl>");
	fact(o, "node", p->node);
	fact(o, "version", p->version);
	fact(o, "app id", p->app_id);
	put(o, "<dt>exposure window</dt><dd>");
	duration(o, (int64_t)p->lease_s);
	put(o, ": how long a tunnel lives without fresh evidence</dd>"
	       "<dt>running for</dt><dd>");
	duration(o, (int64_t)p->uptime_s);
	put(o, "</dd>");
	if (l && l->certificate[0]) {
		put(o, "<dt>certificate</dt><dd>");
		text(o, l->certificate);
		put(o, ", ");
		if (l->certificate_left_s < 0) {
			put(o, "<b>expired</b>");
		} else {
			duration(o, l->certificate_left_s);
			put(o, " left");
		}
		put(o, "</dd>");
	}
	put(o, "</dl>\n<p><a href=\"/status.json\">status.json</a></p>\n"
	       "</body></html>\n");
}

bool page_write(struct buf *out, const struct page *p)
{
	struct out o = { .buf = out };

	write_head(&o, p);
	write_live(&o, p);
	write_tunnels(&o, p);
	write_facts(&o, p);
	return !o.is_over;
}
