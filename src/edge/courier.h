/*
 * courier: fetches what postern-cert has issued (issued.h) from its socket, and
 * has the master and all its workers use it, or none of them.
 *
 * What is in use stays, in memory alone, until something else took its place
 * whole: a postern-cert that is away, or says what cannot be used, takes
 * nothing back.  Where nothing was fetched yet it is asked again and again,
 * less and less often.
 *
 * Asking blocks, COURIER_ASK_MS at most.
 */
#ifndef POSTERN_EDGE_COURIER_H
#define POSTERN_EDGE_COURIER_H

#include "base/buf.h"
#include "edge/message.h"
#include "io/log.h"
#include "io/loop.h"

enum {
	COURIER_ASK_MS = 3000,
	COURIER_DELAY_MIN_MS = 250, /* until it is asked again, then twice */
	COURIER_DELAY_SLOW_MS = 1000, /* at least, where it did not answer */
	COURIER_DELAY_MAX_MS = 30000, /* that, up to this */
};

enum courier_need {
	/* What is there now, or it is a failure; nothing else changes. */
	COURIER_MUST,
	/* Else what is in use; the configuration is read again. */
	COURIER_MAY,
};

struct courier_options {
	struct loop *loop;
	const struct log *log;
	/* postern-cert's socket now; NULL: there is none. */
	const char *(*keys_path)(void *arg);
	/* Use courier.document from now on; false: error says why not, and
	 * what was used before still is. */
	bool (*use)(void *arg, enum courier_need need,
		    char error[MESSAGE_TEXT_MAX]);
	void *arg;
};

struct courier {
	struct courier_options options;
	struct buf document; /* in use; empty: none yet */
	struct loop_timer again;
	uint64_t delay_ms;
	bool has_asked; /* and got an answer, since the start */
	bool has_ended;
	bool is_slow; /* the last time it did not answer in time */
	char *asked; /* the socket asked last; owned, NULL: none yet */
};

void courier_init(struct courier *c, const struct courier_options *options);
void courier_fini(struct courier *c);

/* Before anything is in use: fetches, and nothing is told to use it.  Without
 * an answer the document stays empty. */
void courier_begin(struct courier *c);
/* Fetches and uses; false: error says why not, and nothing changed. */
bool courier_run(struct courier *c, enum courier_need need,
		 char error[MESSAGE_TEXT_MAX]);
/* After the configuration has changed, and when the master begins to serve:
 * has it asked soon, or forgets what nobody is to serve any more. */
void courier_settle(struct courier *c);
/* Nothing is taken any more: it is not asked again. */
void courier_end(struct courier *c);

#endif
