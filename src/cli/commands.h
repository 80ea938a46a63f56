/*
 * commands: what `postern` can do: one row a command, in main.c's table.
 *
 * A command gets its own name as argv[0] and what follows it.  It prints its
 * result on standard output, what went wrong on standard error, and returns
 * the process's exit status.
 */
#ifndef POSTERN_CLI_COMMANDS_H
#define POSTERN_CLI_COMMANDS_H

#include <stdbool.h>

enum cli_status {
	CLI_OK = 0, /* done; what was asked holds */
	CLI_REFUSED = 1, /* understood, and the answer is no; or failed */
	/* not decided: arguments, a file or a configuration is unusable, or the
	 * result could not be written */
	CLI_USAGE = 2,
	/* of `postern verify`, where 2 says that not all could be checked */
	CLI_VERIFY_USAGE = 3,
};

typedef int cli_run_fn(int argc, char **argv);

struct cli_command {
	const char *name;
	cli_run_fn *run;
	const char *help; /* one line */
};

/* complain_usage() of a command without --json. */
int cli_usage(const char *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Whether we are root; if not, says that the command needs it. */
bool cli_is_root(const char *command);

/* Edits (insert, delete, replace one byte) from a to b; used to suggest. */
unsigned cli_distance(const char *a, const char *b);
/* The nearest of count names at most 2 edits away, or NULL. */
const char *cli_suggest(const char *word, const char *const *names,
			unsigned count);

#endif
