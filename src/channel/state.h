/*
 * state: which step of the attested channel may follow which.
 *
 * One table says it all; docs/PROTOCOL.channel.md draws the same, and a test
 * compares the two.  What is not in the table is a refusal.
 *
 * Source: docs/PROTOCOL.channel.md §6.
 */
#ifndef POSTERN_CHANNEL_STATE_H
#define POSTERN_CHANNEL_STATE_H

#include <stdbool.h>

/* X(CONSTANT, "name in the document") */
#define CHANNEL_STATES(X) \
	/* server: waits for a HELLO, the first or a renewal's */ \
	X(SERVER_WAITS_HELLO, "waits-hello") \
	X(SERVER_WAITS_EVIDENCE, "waits-evidence") \
	X(SERVER_JUDGED, "judged") /* the owner admits the peer */ \
	X(SERVER_QUOTES, "quotes") /* the owner makes evidence */ \
	X(SERVER_WAITS_KEY, "waits-key") \
	X(SERVER_KEYED, "keyed") /* the owner assigns */ \
	X(SERVER_OPEN, "open") \
	X(SERVER_HEARD, "heard") /* talk: the owner answers */ \
	X(SERVER_LISTENS, "listens") \
	X(CLIENT_WAITS_HELLO, "waits-hello") \
	X(CLIENT_QUOTES, "quotes") \
	X(CLIENT_WAITS_EVIDENCE, "waits-evidence") \
	X(CLIENT_JUDGED, "judged") \
	X(CLIENT_ADMITTED, "admitted") /* the owner offers its key */ \
	X(CLIENT_WAITS_ASSIGN, "waits-assign") \
	X(CLIENT_OPEN, "open") \
	X(CLIENT_LISTENS, "listens") \
	X(CLIENT_HEARD, "heard") /* talk: the owner may go on */ \
	X(CHANNEL_OVER, "over")

enum channel_state {
#define X(constant, name) constant,
	CHANNEL_STATES(X)
#undef X
	CHANNEL_STATE_COUNT,
};

/* What happens to a session; refusals are no step, they end it anywhere. */
#define CHANNEL_STEPS(X) \
	X(STEP_GOT_HELLO, "HELLO") \
	X(STEP_GOT_EVIDENCE, "EVIDENCE") \
	X(STEP_GOT_KEY, "KEY") \
	X(STEP_GOT_ASSIGN, "ASSIGN") \
	X(STEP_GOT_WITHDRAW, "WITHDRAW") \
	X(STEP_GOT_DATA, "DATA") \
	X(STEP_QUOTED, "quoted") \
	X(STEP_ADMITTED, "admitted") \
	X(STEP_OFFERED, "offered") \
	X(STEP_ASSIGNED, "assigned") \
	X(STEP_RENEWED, "renewed") \
	X(STEP_WITHDRAWN, "withdrawn") \
	X(STEP_SAID, "said")

enum channel_step {
#define X(constant, name) constant,
	CHANNEL_STEPS(X)
#undef X
	CHANNEL_STEP_COUNT,
};

const char *channel_state_name(enum channel_state s);
const char *channel_step_name(enum channel_step s);

/* False, and *next untouched, when the step is not legal in that state. */
bool channel_state_next(enum channel_state *next, enum channel_state at,
			enum channel_step step);

#endif
