/*
 * health: what checks of an instance's port amount to, and how the verdicts get
 * from the one thread that makes them to the workers that use them, which are
 * processes of their own.
 *
 * A port is up or down.  The first check decides; afterwards it takes
 * HEALTH_FALL failures in a row to be down and HEALTH_RISE successes to be up
 * again.  A port never checked is not down.
 *
 * Verdicts are published as a view, a sorted list of what is down, in memory
 * that all share and one writes.  A worker's reader looks at a counter for each
 * connection and copies the view when a new one is there.  There is no lock: a
 * process that dies while it writes leaves the others with the view they have
 * until the next one is whole.
 */
#ifndef POSTERN_EDGE_HEALTH_H
#define POSTERN_EDGE_HEALTH_H

#include <stdatomic.h>

#include "store/store.h"

enum {
	HEALTH_FALL = 3,
	HEALTH_RISE = 2,
	HEALTH_DOWN_MAX = 65536, /* in a view */
	HEALTH_WORDS = 3, /* a key of a view */
};

enum health_state {
	HEALTH_UNKNOWN,
	HEALTH_UP,
	HEALTH_DOWN,
};

/* One port of one instance.  Zeroed: never checked. */
struct health {
	enum health_state state;
	uint32_t streak; /* results in a row that speak against the state */
};

/* Takes one result; true when the port went up or down by it. */
bool health_note(struct health *h, bool works);
/*
 * Milliseconds to the next check: the interval give or take a tenth, so that
 * checks that began together spread out.  'chance' is any random number.
 */
uint64_t health_wait_ms(uint32_t interval_s, uint64_t chance);
/* To the first check: within a second, the least interval. */
uint64_t health_first_ms(uint64_t chance);

/* Whether the first line of a response says that the port works: HTTP/1.0 or
 * 1.1, status 200 to 399. */
bool health_is_good_status(struct span line);

struct health_key {
	uint8_t instance_id[STORE_ID_LEN];
	uint16_t port;
};

struct health_view;

bool health_is_down(const struct health_view *v, const struct health_key *k);

/* Zeroed: nothing is down.  Its pages are taken when touched. */
struct health_board {
	_Atomic uint64_t turn; /* counts views; odd: one is being written */
	_Atomic uint64_t count;
	_Atomic uint64_t down[HEALTH_DOWN_MAX][HEALTH_WORDS];
};

/* Makes down[0..count) the view; copies and sorts them.  One thread of all
 * processes may; count is at most HEALTH_DOWN_MAX. */
void health_publish(struct health_board *b, const struct health_key *down,
		    size_t count);

/* One thread's copy of the newest view. */
struct health_reader {
	const struct health_board *board; /* NULL: nothing is ever down */
	uint64_t turn;
	struct health_view *view;
};

void health_reader_init(struct health_reader *r, const struct health_board *b);
void health_reader_fini(struct health_reader *r);
/* The newest view that is whole, good until the next call. */
const struct health_view *health_read(struct health_reader *r);

#endif
