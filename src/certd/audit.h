/*
 * audit: a line for each thing that was done with keys, accounts, certificates
 * and records, kept so that a line changed or taken out shows:
 *
 *   {"n":12,"time":"2026-11-27T21:40:00Z","event":"key_made",...,
 *    "before":"<SHA-256 of the line before, in hex>"}
 *
 * in <state>/audit.jsonl, fsynced.  Each is also one log line with event=audit.
 * Cutting lines off at the end shows only to who remembers how many there were.
 *
 * A file of AUDIT_SEGMENT_LEN is put aside as audit-<n of its first line>.jsonl
 * and the chain goes on in another, whose first line is the event "segment".
 * Whoever keeps the old ones elsewhere may take the oldest away: at the start
 * the chain is checked from the oldest that is there on, and a chain that does
 * not begin with line 1 must begin with "segment".  Counts of events are of
 * what is there.
 *
 * Any thread.
 */
#ifndef POSTERN_CERTD_AUDIT_H
#define POSTERN_CERTD_AUDIT_H

#include "base/buf.h"
#include "base/rc.h"
#include "crypto/sha256.h"
#include "io/log.h"
#include "node/error.h"

enum {
	AUDIT_SEGMENT_LEN = 16 * 1024 * 1024,
};

struct audit;

/*
 * Opens the files and checks their chain.  RC_MALFORMED: a line does not follow
 * the one before (error says which); RC_SYS.  Half a line at the end, of a
 * crash, is cut off.
 */
enum rc audit_open(struct audit **out, const char *state,
		   const struct log *log, char error[NODE_ERROR_MAX]);
void audit_close(struct audit *a);

/* Up to this many of name and text. */
enum {
	AUDIT_FIELDS_MAX = 6,
};
struct audit_field {
	const char *name;
	struct span text; /* UTF-8 or not: escaped as the log does */
};
/* Fields end with a NULL name.  RC_SYS: it is not on disk. */
enum rc audit_write(struct audit *a, const char *event,
		    const struct audit_field *fields);
/* audit_event(a, "key_made", { "use", span_str(use) }, ...); a failure is in
 * the log and nowhere else. */
#define audit_event(a, event, ...) \
	((void)audit_write((a), (event), AUDIT_FIELDS(__VA_ARGS__)))
#define AUDIT_FIELDS(...) \
	(const struct audit_field[]) \
	{ \
		__VA_ARGS__ __VA_OPT__(, ) \
		{ \
			0 \
		} \
	}

/* How many lines there are, and the last one's hash. */
uint64_t audit_head(struct audit *a, struct sha256 *last);

/* How often each event, with its field "end" if it has one, was written, ever:
 * [{"event":"order_failed","end":"problem","count":2}], appended.  RC_LIMIT:
 * no room. */
enum rc audit_events(struct audit *a, struct buf *out);

#endif
