/*
 * qmp: what QEMU says on its machine protocol, one JSON object a line, and the
 * questions to it as text.
 *
 * Pure.  QEMU is not trusted more than the host is: lines are read strictly,
 * with bounds, and an answer counts only with the id of its question.
 *
 *   {"QMP": {"version": {...}, "capabilities": [...]}}       greeting
 *   {"return": {...}, "id": 7}                               done
 *   {"error": {"class": "...", "desc": "..."}, "id": 7}      refused
 *   {"event": "SHUTDOWN", "data": {...}, "timestamp": {...}} told unasked
 *
 * Source: QEMU docs/interop/qmp-spec.rst.
 */
#ifndef POSTERN_VM_QMP_H
#define POSTERN_VM_QMP_H

#include "base/arena.h"
#include "base/rc.h"
#include "base/wr.h"
#include "json/jtree.h"

enum {
	QMP_LINE_MAX = 256 * 1024, /* query-* answers are far smaller */
	QMP_ARENA_MAX = 1024 * 1024,
	QMP_WORD_MAX = 64, /* of an event's name, a class, a state */
	QMP_DESC_MAX = 256,
	QMP_COMMAND_MAX = 2048,
};

enum qmp_kind {
	QMP_GREETING,
	QMP_RETURN,
	QMP_ERROR,
	QMP_EVENT,
};

struct qmp_message {
	enum qmp_kind kind;
	bool has_id;
	uint64_t id; /* of RETURN and ERROR */
	char word[QMP_WORD_MAX]; /* EVENT: its name; ERROR: its class */
	char desc[QMP_DESC_MAX]; /* ERROR: in words, cut, printable ASCII */
	/* RETURN: what stands there; EVENT: its data, or NULL.  Borrows line
	 * and arena. */
	const struct jtree *value;
};

/*
 * Reads a line without its end.
 *
 * RC_MALFORMED    no JSON of jtree's strictness, or a member is missing or of
 *                 another type
 * RC_UNSUPPORTED  none of the four messages
 * On failure *out is untouched.
 */
enum rc qmp_read(struct qmp_message *out, struct arena *arena,
		 struct span line);

/*
 * A question, with its line end; 'arguments' is a JSON object, or empty.
 * 'name' is our own word.
 */
void qmp_command(struct wr *w, const char *name, struct span arguments,
		 uint64_t id);

#endif
