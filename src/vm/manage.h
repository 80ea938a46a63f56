/*
 * manage: what a guest tells its host on the management port, one JSON object a
 * line: docs/VM.md has the words.
 *
 *   {"step":"tunnel","ms":5230}            a step of the start is done
 *   {"step":"failed","ms":81,"text":"..."} the start ends here, and why
 *   {"status":{...}}                       how it is
 *
 * The guest is a stranger to its host as much as the host is to it: lines are
 * bounded, texts escaped, and what is not understood is passed over.
 *
 * Pure.
 */
#ifndef POSTERN_VM_MANAGE_H
#define POSTERN_VM_MANAGE_H

#include "base/arena.h"
#include "base/span.h"

enum {
	MANAGE_LINE_MAX = 1024, /* bytes, without its end */
	MANAGE_ARENA_MAX = 64 * 1024,
	MANAGE_STEP_MAX = 32, /* of a-z, 0-9 and '-', with a NUL */
	MANAGE_TEXT_MAX = 256,
};

enum manage_kind {
	MANAGE_STEP,
	MANAGE_STATUS,
	MANAGE_UNKNOWN, /* JSON, but none of these */
	MANAGE_NOISE, /* no JSON object */
};

/* What the host says. */
#define MANAGE_STOP "{\"stop\":{}}\n"

struct manage_line {
	enum manage_kind kind;
	char step[MANAGE_STEP_MAX]; /* STEP */
	uint64_t ms; /* since the guest's kernel began */
	char text[MANAGE_TEXT_MAX]; /* STEP: printable ASCII; "": none */
	struct span status; /* STATUS: the line as it came, borrowed */
};

/* Reads a line without its end.  Always fills *out. */
void manage_read(struct manage_line *out, struct span line);

#endif
