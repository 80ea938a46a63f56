/*
 * eventlog_report: an event log as one JSON object, and that object as a table
 * for people.
 *
 * Both forms of log give the same object: a firmware's (tee/ccel.h), and JSON
 * as dstack and our own guests keep it (tee/eventlog.h), with the firmware's
 * events in it or without.  The table is printed from the object, so that both
 * always say the same.
 */
#ifndef POSTERN_CLI_EVENTLOG_REPORT_H
#define POSTERN_CLI_EVENTLOG_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "tee/ccel.h"
#include "tee/eventlog.h"

/* Zeroed: empty. */
struct eventlog_report {
	json_t *root;
	struct ccel_registers registers; /* replayed */
	bool is_json;
};

/*
 * Reads a log: JSON when it begins with '[', else a firmware's.  False, *out
 * untouched: not of its form.  Otherwise eventlog_report_fini().
 */
bool eventlog_report_read(struct eventlog_report *out, struct span log);
void eventlog_report_fini(struct eventlog_report *r);

/*
 * Compares the log with a quote and adds what came of it to the object:
 * "agrees", per register and in all, "detail", and the identity that runtime
 * events state.  'log' is what was read.  As eventlog_check, ccel_compare.
 */
enum tee_reason eventlog_report_compare(struct eventlog_report *r,
					const struct quote *quote,
					struct span log);

void eventlog_report_print(FILE *to, const json_t *root);

#endif
