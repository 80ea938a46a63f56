/*
 * crew: the workers of a master: started, told what to use, replaced when they
 * end, drained.
 *
 * A worker that dies takes its own connections with it and nothing else: its
 * sockets stay open here with what is queued at them, and another one has
 * them as soon as it is ready.  One that keeps dying is started again later
 * and later, up to every CREW_DELAY_MAX_MS.
 */
#ifndef POSTERN_EDGE_CREW_H
#define POSTERN_EDGE_CREW_H

#include "base/buf.h"
#include "edge/board.h"
#include "edge/message.h"
#include "edge/setup.h"
#include "edge/sockets.h"
#include "edge/spawn.h"
#include "io/log.h"
#include "io/loop.h"

enum {
	CREW_DELAY_MIN_MS = 50,
	CREW_DELAY_MAX_MS = 5000,
	CREW_LIVED_MS = 10000, /* a life this long forgets those before */
	CREW_START_MS = 20000, /* for a worker to be ready */
	CREW_ANSWER_MS = 5000, /* for a running one to judge a setup */
};

enum crew_state {
	CREW_GONE, /* waits to be started again */
	CREW_STARTING,
	CREW_READY, /* has prepared itself and waits for the word */
	CREW_SERVING,
	CREW_DRAINING,
};

struct crew;

struct crew_member {
	struct crew *crew;
	uint32_t index;
	enum crew_state state;
	struct spawn process;
	struct loop_watch control, end;
	struct loop_timer timer; /* start again; or give up waiting */
	uint64_t generation; /* of its setup */
	uint64_t started_ms, delay_ms;
	uint64_t restarts;
	/* The sockets it has, by their numbers. */
	uint32_t ids[MESSAGE_IDS_MAX];
	size_t id_count;
};

/* What they all use. */
struct crew_setup {
	uint64_t generation;
	const char *path; /* of the configuration */
	int files_fd; /* as files_pack() made it */
	const struct sockets *sockets;
};

struct crew_options {
	struct loop *loop;
	const struct log *log;
	struct board *board;
	int board_fd, exe_fd;
	/* Every worker is ready for the first time; one failed before that;
	 * the last one has drained. */
	void (*ready)(void *arg);
	void (*failed)(void *arg);
	void (*drained)(void *arg);
	void *arg;
};

struct crew {
	struct crew_options options;
	struct crew_setup setup;
	struct crew_member members[BOARD_WORKERS_MAX];
	size_t count;
	bool is_begun, is_draining;
};

/* Starts as many as the board has places.  Borrows the setup until the next. */
void crew_start(struct crew *c, const struct crew_options *options,
		const struct crew_setup *setup);
/* Lets them listen, after ready(). */
void crew_begin(struct crew *c);
/* Ends what is left, at once. */
void crew_fini(struct crew *c);

/*
 * Gives all workers another setup, or none of them: each judges it, and only
 * when all would take it they do.  Waits for their answers.  False: error says
 * which refused and why; they go on with what they had.
 */
bool crew_change(struct crew *c, const struct crew_setup *setup,
		 char error[MESSAGE_TEXT_MAX]);

/* They stop listening (this is waited for) and let their connections finish;
 * again: they end those. */
void crew_drain(struct crew *c);
void crew_set_level(struct crew *c, enum log_level level);
/* Appends a JSON object a line for each connection, of those that answer. */
void crew_report(struct crew *c, struct buf *out);
/* Of all workers; the number of connections they have. */
uint64_t crew_connections(const struct crew *c);

#endif
