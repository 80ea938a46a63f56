/*
 * complaint: how a command says that it cannot do what was asked: a line on
 * standard error and, where --json was given, one object on standard output:
 *
 *   { "error": { "reason": "input-unreadable",
 *                "text": "quote.bin: No such file or directory",
 *                "file": "quote.bin" } }
 *
 * "text" is the line; "file" is null where no file is to blame.  Reasons are
 * stable names: those below, and those of pcs/reason.h.
 */
#ifndef POSTERN_CLI_COMPLAINT_H
#define POSTERN_CLI_COMPLAINT_H

#include <stdarg.h>
#include <stdbool.h>

#include "base/rc.h"
#include "cli/commands.h"

#define COMPLAINT_USAGE "usage" /* the arguments */
#define COMPLAINT_UNREADABLE "input-unreadable" /* a file cannot be read */
#define COMPLAINT_MALFORMED "input-malformed" /* ... is not of its form */
#define COMPLAINT_UNFIT "input-unfit" /* ... is, and is not for this */
#define COMPLAINT_EMPTY "nothing-there" /* a folder or file holds nothing */
#define COMPLAINT_POLICY "policy-unusable"
#define COMPLAINT_ROOT "root-unusable" /* the file of --root */
#define COMPLAINT_COLLATERAL "collateral-unavailable"
#define COMPLAINT_OUTPUT "output-failed" /* the result cannot be written */
#define COMPLAINT_PRIVILEGE "not-root"
#define COMPLAINT_DENIED "request-denied" /* a program says no */
#define COMPLAINT_SILENT "no-answer" /* a program does not answer */

/* Who complains, and whether a machine listens. */
struct complainer {
	const char *command;
	bool is_json;
};
/* What stands on a command line that is not read yet: --json, as it is. */
struct complainer complainer_of(const char *command, int argc, char **argv);

/* The reason why a file could not be read, or was not of its form. */
const char *complaint_of_file(enum rc rc);

/* Says it, and returns 'status'.  Once in the run of a command. */
int complain(const struct complainer *c, enum cli_status status,
	     const char *reason, const char *file, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* The arguments are wrong; says where help is, too.  CLI_USAGE. */
int complain_usage(const struct complainer *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Whether we are root; if not, says that the command needs it. */
bool complain_is_root(const struct complainer *c);
int complain_usage_list(const struct complainer *c, const char *format,
			va_list args) __attribute__((format(printf, 2, 0)));

#endif
