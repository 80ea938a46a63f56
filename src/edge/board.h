/*
 * board: memory that the master and its workers share: what is counted, what
 * is limited, which instances are drained, and which fail their checks.
 *
 * Counters have one writer each, a worker, which adds without an atomic
 * operation of the bus; everyone reads.  They go on when a worker is replaced;
 * gauges start anew with it.  Bounded whatever strangers do: a result is one
 * of the program's words, and of apps each worker counts the first
 * BOARD_APPS_MAX by themselves and the rest together.
 */
#ifndef POSTERN_EDGE_BOARD_H
#define POSTERN_EDGE_BOARD_H

#include "base/rc.h"
#include "edge/health.h"
#include "edge/sketch.h"
#include "store/store.h"

enum {
	BOARD_WORKERS_MAX = 64,
	BOARD_STATES = 7, /* of a living connection, see conn.h */
	BOARD_RESULTS_MAX = 128,
	BOARD_RESULT_LEN = 32,
	BOARD_APPS_MAX = 64,
	BOARD_BUCKETS = 12,
	BOARD_DRAINED_MAX = 64,
};

typedef _Atomic uint64_t board_counter;

/* Upper bounds of a histogram's buckets, milliseconds; above them: the sum. */
extern const uint64_t board_bounds_ms[BOARD_BUCKETS];

struct board_histogram {
	/* Not cumulative: each value counts in one. */
	board_counter buckets[BOARD_BUCKETS], above, sum_ms;
};

struct board_result {
	char name[BOARD_RESULT_LEN]; /* written before is_used */
	_Atomic bool is_used;
	board_counter count;
};

struct board_app {
	uint8_t id[STORE_ID_LEN]; /* written before is_used */
	_Atomic bool is_used;
	board_counter active; /* gauge */
	board_counter connections, limited, up, down;
};

struct board_worker {
	board_counter accepted; /* connections taken off the queue */
	board_counter shed; /* of these reset at once: overload */
	board_counter limited; /* of these closed: a source's limit */
	board_counter handshakes, handshakes_failed;
	/* Of those completed: resumed sessions; without libssl. */
	board_counter handshakes_resumed, handshakes_brief;
	board_counter connects, connects_failed; /* one a target tried */
	board_counter up, down; /* bytes to backends, to clients */
	board_counter states[BOARD_STATES]; /* gauges */
	board_counter lag_ms; /* gauge: how late the loop is */
	board_counter rss; /* gauge: bytes */
	struct board_histogram handshake_ms, connect_ms;
	struct board_result results[BOARD_RESULTS_MAX];
	struct board_app apps[BOARD_APPS_MAX], other_apps;
};

struct board {
	uint64_t secret; /* of the sketches; random, set once */
	uint32_t worker_count;
	_Atomic uint32_t drained_count;
	uint8_t drained[BOARD_DRAINED_MAX][STORE_ID_LEN];
	struct health_board health; /* by the first worker, see prober.h */
	struct sketch_rate source_rates, app_rates;
	struct sketch_count source_counts[BOARD_WORKERS_MAX];
	struct sketch_count app_counts[BOARD_WORKERS_MAX];
	struct board_worker workers[BOARD_WORKERS_MAX];
};

/* Makes one for so many workers, or maps one by its descriptor.  RC_SYS with
 * errno.  *fd is the caller's; pages are taken from the system when touched.
 */
enum rc board_new(struct board **out, int *fd, uint32_t worker_count);
enum rc board_map(struct board **out, int fd);
void board_free(struct board *b);

/* By the one writer of that counter. */
static inline uint64_t board_get(const board_counter *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}
static inline void board_set(board_counter *c, uint64_t v)
{
	atomic_store_explicit(c, v, memory_order_relaxed);
}
static inline void board_add(board_counter *c, uint64_t n)
{
	board_set(c, board_get(c) + n);
}
static inline void board_sub(board_counter *c, uint64_t n)
{
	board_set(c, board_get(c) - n);
}

void board_observe(struct board_histogram *h, uint64_t ms);
/* A word of the program; those that do not fit are not counted. */
void board_result(struct board_worker *w, const char *result);
/* The place where a worker counts an app. */
struct board_app *board_app(struct board_worker *w,
			    const uint8_t id[STORE_ID_LEN]);

/* A worker is no more: its gauges and its places in the sketches go. */
void board_forget(struct board *b, uint32_t worker);

/* Drained instances get no new connections.  By the master; false: the list
 * is full, or (undrain) it was not drained. */
bool board_drain(struct board *b, const uint8_t id[STORE_ID_LEN]);
bool board_undrain(struct board *b, const uint8_t id[STORE_ID_LEN]);
bool board_is_drained(const struct board *b, const uint8_t id[STORE_ID_LEN]);

#endif
