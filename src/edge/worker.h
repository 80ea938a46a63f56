/*
 * worker: one event loop with its listeners and connections.
 *
 * Everything a worker changes is its own; it shares with others only the
 * configuration, the store and the certificates, all of which it reads.  So
 * several run side by side, one a thread, each with listeners of its own.
 */
#ifndef POSTERN_EDGE_WORKER_H
#define POSTERN_EDGE_WORKER_H

#include "edge/conn.h"
#include "edge/router.h"
#include "edge/sources.h"
#include "io/log.h"

struct listener {
	struct worker *worker;
	int fd;
	struct loop_watch watch;
};

struct worker {
	const struct edge_config *config;
	const struct log *log;
	struct store *store;
	const struct certs *certs; /* swapped between turns */
	struct loop *loop;
	struct router router;

	struct listener listeners[EDGE_LISTEN_MAX];
	size_t listener_count;
	bool is_accepting;
	bool is_draining;
	int reserve_fd; /* given up to accept and refuse when out of others */
	struct loop_timer resume; /* ends a pause in accepting */
	struct loop_timer drain; /* ends the drain */

	struct conn *conns; /* all but the dead */
	size_t conn_count, conn_max;
	struct sources sources; /* connections a source */
	unsigned turn; /* connections so far */

	uint8_t *scratch; /* one read; nothing is kept in it between calls */
	size_t scratch_len;

	/* Apart, so that a flood of refusals cannot hide the served. */
	struct log_limit served_limit, refused_limit;
};

/*
 * Makes a worker that listens at fds[0..count), which it takes.  'conn_max'
 * bounds its connections; 'board' has what health checks say.  RC_SYS with
 * errno; RC_LIMIT: the file of DNSSEC anchors is too large.
 */
enum rc worker_init(struct worker *w, const struct edge_config *config,
		    const struct log *log, struct store *store,
		    const struct certs *certs, struct health_board *board,
		    const int *fds, size_t count, size_t conn_max);
void worker_fini(struct worker *w);

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
/* The line about a connection that has ended. */
void worker_log(struct worker *w, const struct conn *c);

#endif
