#include "io/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "io/clock.h"

enum {
	LINE_MAX_LEN = 2048,
	TAIL_LEN = sizeof(" cut=true\n") - 1,
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

void log_write(const struct log *log, enum log_level level, const char *event,
	       const struct log_field *fields)
{
	char line[LINE_MAX_LEN];
	struct wr w = wr_over(line, sizeof(line) - TAIL_LEN);
	int error = errno;
	bool is_cut = false;

	if (level > log->max)
		return;
	write_time(&w, clock_unix_ms());
	wr_printf(&w, " %s %s event=%s", level_names[level], log->program,
		  event);
	/* A field that does not fit is left out whole, and so is the rest. */
	for (; fields->kind != LOG_KIND_END && !is_cut; fields++) {
		size_t had = w.n;

		write_field(&w, fields);
		if (w.over) {
			w.over = false;
			w.n = had;
			is_cut = true;
		}
	}
	w.cap = sizeof(line);
	wr_str(&w, is_cut ? " cut=true\n" : "\n");
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
