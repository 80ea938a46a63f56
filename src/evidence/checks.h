/*
 * checks: everything a relying party checks, as a table: the name of a check,
 * the standard it enforces, the step of the relying party's flow it belongs to,
 * and a function over what was read.
 *
 * Each stands by itself: no check relies on another one having been made, so
 * that the order does not matter and each line of a report means what it says.
 * What could not be looked at is never a pass.
 *
 * Pure.
 *
 * Source: docs/EVIDENCE.md §7, §8; the standards each line names.
 */
#ifndef POSTERN_EVIDENCE_CHECKS_H
#define POSTERN_EVIDENCE_CHECKS_H

#include "evidence/reading.h"

/* Stable names: check_state_name(). */
enum check_state {
	CHECK_PASS,
	CHECK_FAIL, /* refuted */
	CHECK_UNKNOWN, /* should be there and could not be had or read */
	CHECK_NOT_SHOWN, /* this kind of evidence cannot show it */
	CHECK_NOT_ASKED, /* nothing to compare with: no rule, no memory */
	CHECK_NOT_YET, /* nothing speaks against it, and its time is to come */
};
/* "pass", "fail", "unknown", "not-shown", "not-asked", "not-yet" */
const char *check_state_name(enum check_state state);

enum {
	CHECK_REASON_MAX = 320,
};

struct finding {
	enum check_state state;
	char reason[CHECK_REASON_MAX]; /* what was found, for a person */
};

/* Fills *f: CHECK_UNKNOWN and "" when it comes in. */
typedef void check_fn(struct finding *f, const struct reading *r);

struct check {
	const char *id; /* "quote.signature": stable */
	const char *title; /* for a person */
	const char *rule; /* the standard: "RFC 9266 2" */
	unsigned step; /* of the relying party's flow, 1..20 */
	check_fn *fn;
};

extern const struct check checks[];
extern const size_t checks_count;

/* The check of this name; NULL: none. */
const struct check *check_find(const char *id);

/* out[i] is the finding of table[i]. */
void checks_run(struct finding *out, const struct check *table, size_t count,
		const struct reading *r);

/* Stable names: checks_outcome_name(). */
enum checks_outcome {
	CHECKS_HOLD,
	CHECKS_REFUTED, /* at least one fails */
	CHECKS_UNDECIDED, /* none fails, and not all could be made */
};
/* "holds", "refuted", "undecided" */
const char *checks_outcome_name(enum checks_outcome outcome);
/* A check that is unknown, not shown or not yet true is passed over where
 * 'rules' says that it is optional. */
enum checks_outcome checks_outcome(const struct finding *findings,
				   const struct check *table, size_t count,
				   const struct rules *rules);

#endif
