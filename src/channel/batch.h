/*
 * batch: one quote for all sessions that wait for one.
 *
 * A thread makes quotes; sessions hand in binders and get evidence back in the
 * loop's thread.  While a quote is being made, newcomers gather for the next
 * one, so any number of sessions costs one quote at a time; that one is begun
 * before those who waited for the last are told.
 */
#ifndef POSTERN_CHANNEL_BATCH_H
#define POSTERN_CHANNEL_BATCH_H

#include "base/merkle.h"
#include "base/rc.h"
#include "crypto/hash.h"
#include "tee/quote.h"

struct batch;
struct buf;
struct loop;

/*
 * Makes a quote over report_data (QUOTE_REPORT_DATA_LEN bytes) into *out;
 * called in the batch's thread.
 */
typedef enum rc batch_quote_fn(void *arg, struct buf *out,
			       const uint8_t report_data[]);

/*
 * The evidence for one binder, in the loop's thread.  rc not RC_OK: there is
 * no quote.  Spans and path are valid during the call.
 */
typedef void batch_done_fn(void *arg, enum rc rc, struct span quote,
			   uint64_t leaf_index, uint64_t leaf_count,
			   const struct merkle_hash *path, size_t path_count);

/*
 * Returns owned: batch_free(), which waits for a quote under way; who still
 * waits then is forgotten, not called.  RC_SYS: no thread or descriptor.
 */
enum rc batch_new(struct batch **out, struct loop *loop, batch_quote_fn *quote,
		  void *quote_arg);
void batch_free(struct batch *b);

/* The least time between the beginnings of two quotes; 0 (none) at first. */
void batch_set_interval(struct batch *b, uint64_t interval_ms);

/* Embedded in its owner; zeroed: not waiting. */
struct batch_wait {
	struct batch_wait *next;
	struct sha512 binder;
	batch_done_fn *done;
	void *arg;
	bool is_waiting;
};
/* Asks for evidence; 'done' is called once, later, unless cancelled.  'w' is
 * not waiting. */
void batch_ask(struct batch *b, struct batch_wait *w,
	       const struct sha512 *binder, batch_done_fn *done, void *arg);
/* Nothing when not waiting; allowed inside any 'done'. */
void batch_cancel(struct batch *b, struct batch_wait *w);

#endif
