#include "teesim/quoter.h"

#include "base/mem.h"

static void arm(struct quoter *q)
{
	if (q->first && !loop_timer_is_armed(&q->timer))
		loop_timer_arm(q->loop, &q->timer,
			       loop_now_ms(q->loop) + q->delay_ms);
}

static void on_time(void *arg)
{
	struct quoter *q = arg;
	struct quoter_job *job = q->first;
	AUTO(buf_fini)
	struct buf quote = { 0 };
	enum rc rc;

	if (!job)
		return;
	buf_init(&quote, SIM_QUOTE_MAX);
	rc = sim_quote(&quote, q->pki, job->td, job->report_data, NULL);
	quoter_cancel(q, job);
	arm(q);
	job->done(job->arg, rc ? (struct span){ 0 } : buf_span(&quote));
}

void quoter_init(struct quoter *q, struct loop *loop, const struct sim_pki *pki,
		 uint64_t delay_ms)
{
	*q = (struct quoter){
		.loop = loop,
		.pki = pki,
		.delay_ms = delay_ms,
		.last = &q->first,
		.timer = { .fn = on_time, .arg = q },
	};
}

void quoter_fini(struct quoter *q)
{
	loop_timer_disarm(q->loop, &q->timer);
}

void quoter_add(struct quoter *q, struct quoter_job *job)
{
	job->next = NULL;
	job->is_waiting = true;
	*q->last = job;
	q->last = &job->next;
	arm(q);
}

void quoter_cancel(struct quoter *q, struct quoter_job *job)
{
	struct quoter_job **at = &q->first;

	if (!job->is_waiting)
		return;
	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	if (!job->next)
		q->last = at;
	job->is_waiting = false;
}
