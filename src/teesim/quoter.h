/*
 * quoter: makes one quote at a time, each after the time real hardware would
 * take, in the order they were asked for: as the TDX driver does.
 */
#ifndef POSTERN_TEESIM_QUOTER_H
#define POSTERN_TEESIM_QUOTER_H

#include "io/loop.h"
#include "quoting/sim_quote.h"

struct quoter_job;

/* A quote, or an empty span when none could be made. */
typedef void quoter_done_fn(void *arg, struct span quote);

/* The caller's storage.  Zeroed: not waiting. */
struct quoter_job {
	struct quoter_job *next;
	bool is_waiting;
	const struct sim_td *td; /* its registers count when the turn comes */
	uint8_t report_data[QUOTE_REPORT_DATA_LEN];
	quoter_done_fn *done;
	void *arg;
};

struct quoter {
	struct loop *loop;
	const struct sim_pki *pki;
	uint64_t delay_ms;
	struct quoter_job *first, **last;
	struct loop_timer timer;
};

void quoter_init(struct quoter *q, struct loop *loop, const struct sim_pki *pki,
		 uint64_t delay_ms);
void quoter_fini(struct quoter *q);

/* 'done' is called later, never from here. */
void quoter_add(struct quoter *q, struct quoter_job *job);
/* It will not be called; harmless when the job does not wait. */
void quoter_cancel(struct quoter *q, struct quoter_job *job);

#endif
