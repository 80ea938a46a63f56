/*
 * alarm: what somebody has to look at: raised once, until it is over.
 *
 * Raising writes a log line (event=alarm), a line of the audit log, and starts
 * the operator's program, if there is one, as: PROGRAM raised|over KIND TEXT.
 * What is raised stands in the status and the metrics.
 *
 * Any thread.
 */
#ifndef POSTERN_CERTD_ALARM_H
#define POSTERN_CERTD_ALARM_H

#include "base/buf.h"
#include "certd/audit.h"

enum {
	/* Raised at a time; the last is "alarm_too_many": there are more, which
	 * are log lines alone until there is room. */
	ALARM_MAX = 128,
	ALARM_KIND_MAX = 40,
	ALARM_ABOUT_MAX = 260,
	ALARM_TEXT_MAX = 512,
};

struct alarm;
struct runner;

/* Borrows; 'runner' may be NULL, or have no program for it. */
struct alarm *alarm_new(const struct log *log, struct audit *audit,
			struct runner *runner);
void alarm_free(struct alarm *a);

/* 'kind' is a constant word ("caa_drifted"), 'about' a name, a URL, a hash.
 * Raised already with another text: only the text changes. */
void alarm_raise(struct alarm *a, const char *kind, const char *about,
		 const char *text);
/* It is over; harmless when it was not raised. */
void alarm_over(struct alarm *a, const char *kind, const char *about);
/* Raise or over. */
void alarm_set(struct alarm *a, bool is_raised, const char *kind,
	       const char *about, const char *text);

size_t alarm_count(struct alarm *a);
/* Of one kind. */
size_t alarm_count_of(struct alarm *a, const char *kind);
/* [{"kind":...,"about":...,"text":...,"since":"..."}], appended. */
enum rc alarm_write(struct alarm *a, struct buf *out);

#endif
