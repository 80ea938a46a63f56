/*
 * verify_report: a verdict for people, as a tree or one HTML page, and for
 * machines.  All three say the same, line by line.
 */
#ifndef POSTERN_CLI_VERIFY_REPORT_H
#define POSTERN_CLI_VERIFY_REPORT_H

#include <stdio.h>

#include "base/buf.h"
#include "evidence/checks.h"

struct verify_report {
	const struct reading *reading;
	const struct finding *findings; /* of checks[], in its order */
	enum checks_outcome outcome;
	bool is_offline;
	const char *saved_in; /* the file of a saved visit; NULL: none */
	bool is_saver_trusted; /* by the user; else nothing of it holds */
};

enum {
	VERIFY_HEARSAY_MAX = 1024,
};
/* One sentence on what of a saved visit is only somebody's word, and what
 * follows; empty for anything else. */
struct span verify_hearsay(char text[VERIFY_HEARSAY_MAX],
			   const struct verify_report *r);

/* Something in it rests on a simulated anchor. */
bool verify_is_simulated(const struct verify_report *r);
/* "1 platform and code", ...: the headings that the steps stand under; NULL:
 * the step has the heading of the one before. */
const char *verify_heading(unsigned step);

void verify_print_tree(FILE *to, const struct verify_report *r,
		       bool has_colour);
void verify_print_json(FILE *to, const struct verify_report *r);
/* A page of its own, without any link to be followed.  RC_LIMIT: no room. */
enum rc verify_write_html(struct buf *out, const struct verify_report *r);

#endif
