/*
 * manage: what a guest tells its host on the management port, one JSON object a
 * line: docs/VM.md has the words.
 *
 *   {"step":"network","ms":1234}              a step of the start is done
 *   {"service":"agent","state":"started","status":0,"ms":1300}
 *   {"refused":"config: ...","ms":81}         it goes no further, and why
 *   {"stopping":true,"ms":90000}
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
	MANAGE_STEP_MAX = 64, /* of a-z, 0-9 and '-', with a NUL */
	MANAGE_TEXT_MAX = 512,
};

enum manage_kind {
	MANAGE_STEP,
	MANAGE_UNKNOWN, /* JSON, but none of these */
	MANAGE_NOISE, /* no JSON object */
};

/* What the host says. */
#define MANAGE_STOP "{\"stop\":{}}\n"

/* Steps that the host knows by name. */
#define MANAGE_REFUSED "refused"
#define MANAGE_STOPPING "stopping"

struct manage_line {
	enum manage_kind kind;
	/* STEP: "network"; of a service "agent-started" or "agent-ended";
	 * MANAGE_REFUSED; MANAGE_STOPPING */
	char step[MANAGE_STEP_MAX];
	uint64_t ms; /* since the guest's kernel began */
	/* STEP, printable ASCII: why it was refused, how a service ended */
	char text[MANAGE_TEXT_MAX];
};

/* Reads a line without its end.  Always fills *out. */
void manage_read(struct manage_line *out, struct span line);

#endif
