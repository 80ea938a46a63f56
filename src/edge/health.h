/*
 * health: what checks of an instance's port amount to, and how the verdicts get
 * from the one thread that makes them to the workers that use them.
 *
 * A port is up or down.  The first check decides; afterwards it takes
 * HEALTH_FALL failures in a row to be down and HEALTH_RISE successes to be up
 * again.  A port never checked is not down.
 *
 * Verdicts are published as a view: a sorted list of what is down, which nobody
 * changes once it is out.  A worker's reader looks at a counter for each
 * connection and takes a lock only when a new view is there.
 */
#ifndef POSTERN_EDGE_HEALTH_H
#define POSTERN_EDGE_HEALTH_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/store.h"

enum {
	HEALTH_FALL = 3,
	HEALTH_RISE = 2,
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

struct health_board {
	pthread_mutex_t lock;
	_Atomic uint64_t turn; /* counts views */
	struct health_view *view; /* under the lock */
};

void health_board_init(struct health_board *b);
void health_board_fini(struct health_board *b);
/* Makes down[0..count) the view; copies and sorts them. */
void health_publish(struct health_board *b, const struct health_key *down,
		    size_t count);

/* One worker's hold on the newest view. */
struct health_reader {
	struct health_board *board; /* NULL: nothing is ever down */
	uint64_t turn;
	struct health_view *view;
};

void health_reader_init(struct health_reader *r, struct health_board *b);
void health_reader_fini(struct health_reader *r);
/* The newest view, good until the next call. */
const struct health_view *health_read(struct health_reader *r);

#endif
