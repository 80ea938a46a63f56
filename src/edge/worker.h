/*
 * worker: one event loop with its listeners and connections, in a process of
 * its own; see job.h for that.
 *
 * Everything a worker changes is its own, but for its places on the board.  It
 * reads the configuration and the certificates, which are replaced between
 * turns, and the store.
 *
 * Before anything costs a connection its source and the worker's load are
 * looked at, and its app before any public-key work: see admit_*().
 */
#ifndef POSTERN_EDGE_WORKER_H
#define POSTERN_EDGE_WORKER_H

#include "edge/board.h"
#include "edge/conn.h"
#include "edge/load.h"
#include "edge/meter.h"
#include "edge/router.h"
#include "edge/setup.h"
#include "io/log.h"
#include "tls/engine.h"
#include "tls/tickets.h"

enum {
	WORKER_LISTENERS_MAX = 64,
};

struct listener {
	struct worker *worker;
	uint32_t id; /* the master's number for it; see sockets.h */
	int fd;
	struct loop_watch watch;
};

struct worker {
	const struct edge_config *config;
	const struct certs *certs;
	const struct terms *terms;
	const struct log *log;
	struct store *store;
	struct board *board;
	struct board_worker *counters; /* our own place on it */
	uint32_t index; /* which worker this is */
	struct loop *loop;
	struct router router;

	struct listener *listeners[WORKER_LISTENERS_MAX];
	size_t listener_count;
	bool is_accepting;
	bool is_draining;
	int reserve_fd; /* given up to accept and refuse when out of others */
	struct loop_timer resume; /* ends a pause in accepting */
	struct loop_timer drain; /* ends the drain */

	struct load load;
	struct meter meter;
	struct loop_timer tick; /* of load; rests while nobody comes */

	struct conn *conns; /* all but the dead */
	size_t conn_count, conn_max;
	size_t files_max; /* connections that descriptors suffice for */
	unsigned turn; /* connections so far */

	uint8_t *scratch; /* one read; nothing is kept in it between calls */
	size_t scratch_len;
	struct pool pool;
	struct engine *engine;
	struct tickets tickets; /* those of all workers, by time alone */
	struct loop_timer epoch; /* forgets old keys, though nobody comes */

	/* Apart, so that a flood of refusals cannot hide the served. */
	struct log_limit served_limit, refused_limit;
};

struct worker_options {
	const struct setup *setup;
	const struct log *log;
	struct store *store;
	struct board *board;
	uint32_t index;
	size_t files_max; /* connections that descriptors suffice for */
	const struct tickets *tickets; /* the same for all workers; copied */
};

/* Makes a worker that does not listen yet.  Borrows all of the options.
 * RC_SYS with errno. */
enum rc worker_init(struct worker *w, const struct worker_options *options);
void worker_fini(struct worker *w);

/* Uses another setup from now on. */
void worker_configure(struct worker *w, const struct setup *setup);
/* Listens at fd, which it takes on success.  RC_SYS; RC_LIMIT: too many. */
enum rc worker_listen(struct worker *w, uint32_t id, int fd);
/* Stops listening at all whose id is not among these. */
void worker_keep_listeners(struct worker *w, const uint32_t *ids, size_t n);

/* Runs until drained, or until 'drain' ends after worker_drain(). */
enum rc worker_run(struct worker *w);
/* Stops listening; the connections there are may finish. */
void worker_drain(struct worker *w);
/* Ends what is left at once. */
void worker_stop(struct worker *w);

/* A connection's bookkeeping, for conn. */
void worker_add(struct worker *w, struct conn *c);
void worker_remove(struct worker *w, struct conn *c);
/* No descriptor was left: accept nothing for a moment. */
void worker_pause(struct worker *w);
/* Counts the bytes that it moved since the last time. */
void worker_note_bytes(struct worker *w, struct conn *c);

#endif
