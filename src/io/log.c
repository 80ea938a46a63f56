#include "io/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "io/clock.h"

enum {
	LINE_MAX_LEN = 2048,
	TAIL_LEN = sizeof(",\"cut\":true}\n") - 1, /* the longer of both */
	STR_MAX = 1024,
	SPAN_MAX = 256, /* of a stranger's bytes */
	HEX_MAX = 128,
};

static const char *const level_names[] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warn",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

static bool is_bare(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || (c && strchr("._:/@-[]+,%", c));
}

static void write_text(struct wr *w, struct span v, size_t max)
{
	bool quote = v.n == 0 || v.n > max;

	for (size_t i = 0; i < v.n && !quote; i++)
		quote = !is_bare(v.p[i]);
	if (quote)
		wr_u8(w, '"');
	text_escape(w, v, max);
	if (quote)
		wr_u8(w, '"');
}

static void write_hex(struct wr *w, struct span v)
{
	text_hex(w, span_of(v.p, v.n < HEX_MAX ? v.n : HEX_MAX));
	if (v.n > HEX_MAX)
		wr_str(w, "...");
}

static void write_errno(struct wr *w, int64_t value)
{
	const char *text = strerrordesc_np((int)value);

	if (text)
		write_text(w, span_str(text), STR_MAX);
	else
		wr_printf(w, "%lld", (long long)value);
}

static void write_field(struct wr *w, const struct log_field *f)
{
	wr_printf(w, " %s=", f->name);
	switch (f->kind) {
	case LOG_KIND_STR:
		write_text(w, span_str(f->str ? f->str : ""), STR_MAX);
		break;
	case LOG_KIND_SPAN:
		write_text(w, f->span, SPAN_MAX);
		break;
	case LOG_KIND_HEX:
		write_hex(w, f->span);
		break;
	case LOG_KIND_U64:
		wr_printf(w, "%llu", (unsigned long long)f->u64);
		break;
	case LOG_KIND_I64:
		wr_printf(w, "%lld", (long long)f->i64);
		break;
	case LOG_KIND_ERRNO:
		write_errno(w, f->i64);
		break;
	case LOG_KIND_END:
		break;
	}
}

static void write_time(struct wr *w, int64_t unix_ms)
{
	/* text_utc_write() ends with a Z, whose place the fraction takes. */
	text_utc_write(w, unix_ms / 1000);
	w->n--;
	wr_printf(w, ".%03uZ", (unsigned)(unix_ms % 1000));
}

/* Quoted, with what text_escape() wrote of it: its backslashes are JSON's. */
static void write_json_text(struct wr *w, struct span v, size_t max)
{
	char escaped[4 * STR_MAX + 4]; /* \xNN each, "..." */
	struct wr e = WR_ARRAY(escaped);
	struct span s;
	uint8_t c;

	text_escape(&e, v, max);
	s = wr_span(&e);
	wr_u8(w, '"');
	while (rd_u8(&s, &c)) {
		if (c == '"' || c == '\\')
			wr_u8(w, '\\');
		wr_u8(w, c);
	}
	wr_u8(w, '"');
}

static void write_json_errno(struct wr *w, int64_t value)
{
	const char *text = strerrordesc_np((int)value);

	write_json_text(w, span_str(text ? text : "unknown"), STR_MAX);
}

static void write_json_field(struct wr *w, const struct log_field *f)
{
	wr_printf(w, ",\"%s\":", f->name);
	switch (f->kind) {
	case LOG_KIND_STR:
		write_json_text(w, span_str(f->str ? f->str : ""), STR_MAX);
		break;
	case LOG_KIND_SPAN:
		write_json_text(w, f->span, SPAN_MAX);
		break;
	case LOG_KIND_HEX:
		wr_u8(w, '"');
		write_hex(w, f->span);
		wr_u8(w, '"');
		break;
	case LOG_KIND_U64:
		wr_printf(w, "%llu", (unsigned long long)f->u64);
		break;
	case LOG_KIND_I64:
		wr_printf(w, "%lld", (long long)f->i64);
		break;
	case LOG_KIND_ERRNO:
		write_json_errno(w, f->i64);
		break;
	case LOG_KIND_END:
		break;
	}
}

struct form {
	void (*head)(struct wr *w, const struct log *log, enum log_level level,
		     const char *event);
	void (*field)(struct wr *w, const struct log_field *f);
	const char *end, *cut;
};

static void head_text(struct wr *w, const struct log *log, enum log_level level,
		      const char *event)
{
	write_time(w, clock_unix_ms());
	wr_printf(w, " %s %s event=%s", level_names[level], log->program,
		  event);
}

static void head_json(struct wr *w, const struct log *log, enum log_level level,
		      const char *event)
{
	wr_str(w, "{\"time\":\"");
	write_time(w, clock_unix_ms());
	wr_printf(w,
		  "\",\"level\":\"%s\",\"program\":\"%s\","
		  "\"event\":\"%s\"",
		  level_names[level], log->program, event);
}

static const struct form forms[] = {
	[LOG_TEXT] = { head_text, write_field, "\n", " cut=true\n" },
	[LOG_JSON] = { head_json, write_json_field, "}\n",
		       ",\"cut\":true}\n" },
};

void log_write(const struct log *log, enum log_level level, const char *event,
	       const struct log_field *fields)
{
	char line[LINE_MAX_LEN];
	struct wr w = wr_over(line, sizeof(line) - TAIL_LEN);
	const struct form *form = &forms[log->format];
	int error = errno;
	bool is_cut = false;

	if (level > log->max)
		return;
	form->head(&w, log, level, event);
	/* A field that does not fit is left out whole, and so is the rest. */
	for (; fields->kind != LOG_KIND_END && !is_cut; fields++) {
		size_t had = w.n;

		form->field(&w, fields);
		if (w.over) {
			w.over = false;
			w.n = had;
			is_cut = true;
		}
	}
	w.cap = sizeof(line);
	wr_str(&w, is_cut ? form->cut : form->end);
	/* There is nowhere to report a log that cannot be written. */
	(void)!write(log->fd, line, w.n);
	errno = error;
}

bool log_limit_pass(struct log_limit *l, uint64_t now_ms, uint64_t *dropped)
{
	uint64_t fresh;

	if (!l->is_started) {
		l->is_started = true;
		l->tokens = l->burst;
		l->refilled_ms = now_ms;
	}
	fresh = l->interval_ms ? (now_ms - l->refilled_ms) / l->interval_ms
			       : l->burst;
	l->refilled_ms += fresh * l->interval_ms;
	if (fresh > l->burst - l->tokens)
		fresh = l->burst - l->tokens;
	l->tokens += (uint32_t)fresh;
	if (l->tokens == 0) {
		l->dropped++;
		return false;
	}
	l->tokens--;
	*dropped = l->dropped;
	l->dropped = 0;
	return true;
}
