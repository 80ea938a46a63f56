/*
 * bootlog: the events that a boot is predicted to measure, in order, and the
 * registers they lead to.
 */
#ifndef POSTERN_MEASURE_BOOTLOG_H
#define POSTERN_MEASURE_BOOTLOG_H

#include "crypto/hash.h"

enum {
	BOOTLOG_MAX = 40,
	BOOTLOG_RTMR_COUNT = 4,
};

struct bootlog_event {
	unsigned rtmr;
	const char *name; /* a constant, lower case: "td-hob" */
	struct sha384 digest;
	bool is_given; /* not computed here: the caller's input */
};

/* Zeroed: empty. */
struct bootlog {
	struct bootlog_event event[BOOTLOG_MAX];
	size_t count;
};

/* Appends.  There is room: what appends is bounded by tables here. */
void bootlog_add(struct bootlog *log, unsigned rtmr, const char *name,
		 const struct sha384 *digest);
/* The same of bytes that are themselves what is measured. */
void bootlog_add_bytes(struct bootlog *log, unsigned rtmr, const char *name,
		       struct span bytes);
/* A register after its events; zero without any. */
void bootlog_replay(struct sha384 *out, const struct bootlog *log,
		    unsigned rtmr);

#endif
