/*
 * progress: what a long command is doing: a line an event, with the seconds
 * since its start, and on a terminal one more line, replaced in place, that
 * says what is waited for.
 */
#ifndef POSTERN_CLI_PROGRESS_H
#define POSTERN_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	uint64_t began_ms;
	bool is_terminal;
	bool is_shown; /* the waiting line stands there */
	unsigned turn; /* of the little wheel */
};

struct progress progress_start(void);
void progress_event(struct progress *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Shows or updates the waiting line; nothing where output is no terminal. */
void progress_waiting(struct progress *p, const char *what);
void progress_clear(struct progress *p);

#endif
