/*
 * log: one line an event, key=value, to standard error; for programs only.
 *
 *   2026-11-23T07:31:02.123Z info edge event=sni_refused peer=198.51.100.7
 *
 * Names are constant, lower case.  Values made of letters, digits and
 * ._:/@-[]+,% stand bare, others are quoted and escaped.  Spans, a stranger's
 * bytes, are cut after 256 of them, strings after 1024, hex after 128.
 */
#ifndef POSTERN_IO_LOG_H
#define POSTERN_IO_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

enum log_level {
	LOG_ERROR, /* someone must act */
	LOG_WARN, /* degraded */
	LOG_INFO, /* life cycle */
	LOG_DEBUG,
};

enum log_format {
	LOG_TEXT,
	/*
	 * One JSON object a line, strings escaped by RFC 8259; a stranger's
	 * bytes that are no printable ASCII stand as \\xXX:
	 *
	 *   {"time":"2026-11-23T07:31:02.123Z","level":"info",
	 *    "program":"edge","event":"sni_refused","peer":"198.51.100.7"}
	 */
	LOG_JSON,
};

enum log_kind {
	LOG_KIND_END = 0,
	LOG_KIND_STR,
	LOG_KIND_SPAN,
	LOG_KIND_HEX,
	LOG_KIND_U64,
	LOG_KIND_I64,
	LOG_KIND_ERRNO,
};

struct log_field {
	enum log_kind kind;
	const char *name;
	const char *str;
	struct span span;
	uint64_t u64;
	int64_t i64;
};

/* Where a program's lines go and which are written.  Set once in main(). */
struct log {
	int fd; /* usually 2 */
	const char *program; /* "edge" */
	enum log_level max; /* lines above are dropped */
	enum log_format format;
};

/*
 * log_event(&log, LOG_INFO, "lease_granted", LSTR("app", id), LU64("ms", n));
 * One write(2) a line.  A field that would take the line over 2 KiB is left out
 * with those after it, and the line ends in cut=true.  errno is preserved.
 */
#define log_event(log, level, ...) \
	log_write((log), (level), LOG_FIRST(__VA_ARGS__), \
		  (const struct log_field[]){ LOG_REST(__VA_ARGS__){ 0 } })
#define LOG_FIRST(first, ...) first
#define LOG_REST(first, ...) __VA_OPT__(__VA_ARGS__, )
#define LSTR(n, v) \
	{ \
		.kind = LOG_KIND_STR, .name = (n), .str = (v) \
	}
#define LSPAN(n, v) \
	{ \
		.kind = LOG_KIND_SPAN, .name = (n), .span = (v) \
	}
#define LHEX(n, v) \
	{ \
		.kind = LOG_KIND_HEX, .name = (n), .span = (v) \
	}
#define LU64(n, v) \
	{ \
		.kind = LOG_KIND_U64, .name = (n), .u64 = (v) \
	}
#define LI64(n, v) \
	{ \
		.kind = LOG_KIND_I64, .name = (n), .i64 = (v) \
	}
/* strerror of an errno value */
#define LERRNO(n, v) \
	{ \
		.kind = LOG_KIND_ERRNO, .name = (n), .i64 = (v) \
	}

void log_write(const struct log *log, enum log_level level, const char *event,
	       const struct log_field *fields);

/*
 * Lets at most 'burst' events through and then one every interval_ms: anything
 * a stranger can cause is logged under one of these.  *dropped says how many
 * were held back since the last that passed.
 */
struct log_limit {
	uint32_t burst;
	uint32_t interval_ms;
	uint32_t tokens;
	uint64_t refilled_ms;
	uint64_t dropped;
	bool is_started;
};
bool log_limit_pass(struct log_limit *l, uint64_t now_ms, uint64_t *dropped);

#endif
