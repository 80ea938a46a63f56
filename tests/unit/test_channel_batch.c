/* One quote for all who wait: trees, order, cancelling, freeing, threads. */
#include "unit.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "channel/batch.h"
#include "channel/session.h"
#include "crypto/rng.h"
#include "io/loop.h"

/* The fake platform: a "quote" is the report_data itself. */
struct platform {
	useconds_t delay_us;
	enum rc rc;
	unsigned made; /* read after batch_free or between quotes */
	atomic_uint begun;
};

static enum rc make_quote(void *arg, struct buf *out, const uint8_t report_data[])
{
	struct platform *p = arg;

	atomic_fetch_add(&p->begun, 1);
	if (p->delay_us)
		(void)usleep(p->delay_us);
	p->made++;
	if (p->rc)
		return p->rc;
	return buf_add(out, span_of(report_data, 64)) ? RC_OK : RC_LIMIT;
}

struct waiter {
	struct batch_wait wait;
	struct batch *batch;
	struct waiter *cancels, *asks_again;
	unsigned called;
	enum rc rc;
	uint64_t index, count;
	bool is_verified;
};

static void on_done(void *arg, enum rc rc, struct span quote, uint64_t index, uint64_t count,
		    const struct merkle_hash *path, size_t path_count)
{
	struct waiter *w = arg;
	struct merkle_hash leaf, root;
	uint8_t want[64];

	w->called++;
	w->rc = rc;
	w->index = index;
	w->count = count;
	merkle_leaf(&leaf, hash_merkle_sha256, SPAN_ARRAY(w->wait.binder.b));
	if (!rc && merkle_climb(&root, hash_merkle_sha256, &leaf, index, count, path, path_count)) {
		channel_report_data(want, &root);
		w->is_verified = span_equal(quote, SPAN_ARRAY(want));
	}
	if (w->cancels)
		batch_cancel(w->batch, &w->cancels->wait);
	if (w->asks_again) {
		struct waiter *again = w->asks_again;

		w->asks_again = NULL;
		batch_ask(w->batch, &again->wait, &again->wait.binder, on_done, again);
	}
}

static void ask(struct batch *b, struct waiter *w)
{
	struct sha512 binder;

	rng_bytes(&binder, sizeof(binder));
	w->batch = b;
	batch_ask(b, &w->wait, &binder, on_done, w);
}

static void turn_until(struct loop *l, const unsigned *called, unsigned want)
{
	for (int i = 0; i < 1000 && *called < want; i++)
		assert_int_equal(loop_turn(l, 10), RC_OK);
	assert_int_equal(*called, want);
}

struct world {
	struct loop *loop;
	struct batch *batch;
	struct platform platform;
};

static void world_init(struct world *w)
{
	*w = (struct world){ 0 };
	assert_int_equal(loop_new(&w->loop), RC_OK);
	assert_int_equal(batch_new(&w->batch, w->loop, make_quote, &w->platform), RC_OK);
}

static void world_fini(struct world *w)
{
	batch_free(w->batch);
	loop_free(w->loop);
}

static void lone_session_has_a_path_of_zero(void **state)
{
	struct waiter a = { 0 };
	struct world w;

	(void)state;
	world_init(&w);
	ask(w.batch, &a);
	assert_int_equal(a.called, 0); /* never from inside batch_ask() */
	turn_until(w.loop, &a.called, 1);
	assert_int_equal(a.rc, RC_OK);
	assert_int_equal(a.count, 1);
	assert_true(a.is_verified);
	assert_false(a.wait.is_waiting);
	world_fini(&w);
}

/* The first goes alone, at once; the hundred that come meanwhile share one. */
static void hundred_sessions_one_quote(void **state)
{
	static struct waiter first, crowd[100];
	struct world w;

	(void)state;
	memset(&first, 0, sizeof(first));
	memset(crowd, 0, sizeof(crowd));
	world_init(&w);
	w.platform.delay_us = 30000;
	ask(w.batch, &first);
	for (int i = 0; i < 100; i++)
		ask(w.batch, &crowd[i]);
	turn_until(w.loop, &crowd[99].called, 1);
	assert_int_equal(w.platform.made, 2);
	assert_true(first.is_verified);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(crowd[i].called, 1);
		assert_int_equal(crowd[i].index, i);
		assert_int_equal(crowd[i].count, 100);
		assert_true(crowd[i].is_verified);
	}
	world_fini(&w);
}

/* Every size up to 70: the tree is RFC 6962's, which merkle_climb() knows. */
static void every_size_of_tree_verifies(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 70; n++) {
		struct waiter *all = calloc(n + 1, sizeof(*all));
		struct world w;

		world_init(&w);
		w.platform.delay_us = 1000;
		for (unsigned i = 0; i <= n; i++)
			ask(w.batch, &all[i]);
		turn_until(w.loop, &all[n].called, 1);
		for (unsigned i = 0; i <= n; i++)
			if (!all[i].is_verified)
				fail_msg("leaf %u of %u", i, n);
		world_fini(&w);
		free(all);
	}
}

static void cancelled_are_not_called(void **state)
{
	struct waiter flying[3] = { 0 }, waiting[3] = { 0 };
	struct world w;

	(void)state;
	world_init(&w);
	w.platform.delay_us = 20000;
	ask(w.batch, &flying[0]);
	for (int i = 0; i < 3; i++)
		ask(w.batch, &waiting[i]);
	batch_cancel(w.batch, &flying[0].wait);
	batch_cancel(w.batch, &waiting[2].wait); /* the last: the queue's end moves */
	batch_cancel(w.batch, &waiting[2].wait); /* again: nothing */
	ask(w.batch, &flying[1]);
	turn_until(w.loop, &flying[1].called, 1);
	assert_int_equal(flying[0].called, 0);
	assert_int_equal(waiting[0].called, 1);
	assert_int_equal(waiting[1].called, 1);
	assert_int_equal(waiting[2].called, 0);
	assert_int_equal(flying[1].count, 3);
	world_fini(&w);
}

/* One callback cancels its neighbour and asks for somebody else. */
static void callback_may_cancel_and_ask(void **state)
{
	struct waiter first = { 0 }, a = { 0 }, b = { 0 }, c = { 0 };
	struct world w;

	(void)state;
	world_init(&w);
	w.platform.delay_us = 5000;
	ask(w.batch, &first);
	ask(w.batch, &a);
	ask(w.batch, &b);
	a.cancels = &b;
	a.asks_again = &c;
	c.batch = w.batch;
	turn_until(w.loop, &c.called, 1);
	assert_int_equal(a.called, 1);
	assert_int_equal(b.called, 0);
	assert_true(a.is_verified && c.is_verified);
	world_fini(&w);
}

/* Telling many takes time in which the next quote can be made. */
struct slow {
	struct waiter w;
	struct platform *platform;
	unsigned seen;
};

static void on_slow(void *arg, enum rc rc, struct span quote, uint64_t index, uint64_t count,
		    const struct merkle_hash *path, size_t path_count)
{
	struct slow *s = arg;

	for (int i = 0; i < 2000 && atomic_load(&s->platform->begun) < 2; i++)
		(void)usleep(1000);
	s->seen = atomic_load(&s->platform->begun);
	(void)usleep(20000); /* the next one is made, and this one is still whole */
	on_done(&s->w, rc, quote, index, count, path, path_count);
}

static void next_quote_is_begun_before_all_are_told(void **state)
{
	struct waiter next[2] = { 0 };
	struct slow first = { 0 };
	struct sha512 binder = { .b = { 7 } };
	struct world w;

	(void)state;
	world_init(&w);
	w.platform.delay_us = 5000;
	first.platform = &w.platform;
	first.w.batch = w.batch;
	first.w.cancels = &next[1]; /* of those whose quote is being made */
	batch_ask(w.batch, &first.w.wait, &binder, on_slow, &first);
	ask(w.batch, &next[0]);
	ask(w.batch, &next[1]);
	turn_until(w.loop, &next[0].called, 1);
	assert_int_equal(first.seen, 2);
	assert_true(first.w.is_verified && next[0].is_verified);
	assert_int_equal(next[0].count, 2);
	assert_int_equal(next[1].called, 0);
	assert_int_equal(w.platform.made, 2);
	world_fini(&w);
}

static void failure_reaches_everybody(void **state)
{
	struct waiter a = { 0 }, b = { 0 };
	struct world w;

	(void)state;
	world_init(&w);
	w.platform.rc = RC_CLOSED;
	ask(w.batch, &a);
	ask(w.batch, &b);
	turn_until(w.loop, &b.called, 1);
	assert_int_equal(a.rc, RC_CLOSED);
	assert_int_equal(b.rc, RC_CLOSED);
	/* And the next one is tried. */
	w.platform.rc = RC_OK;
	ask(w.batch, &a);
	turn_until(w.loop, &a.called, 2);
	assert_int_equal(a.rc, RC_OK);
	world_fini(&w);
}

/* With waiters, with a quote under way, with one made and not yet told. */
static void freed_at_any_moment(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct waiter a = { 0 }, b = { 0 };
		struct world w;

		world_init(&w);
		w.platform.delay_us = i == 2 ? 0 : 5000;
		ask(w.batch, &a);
		if (i == 1)
			ask(w.batch, &b);
		if (i == 2)
			(void)usleep(20000);
		world_fini(&w);
		assert_int_equal(a.called + b.called, 0);
	}
}

static void interval_is_kept(void **state)
{
	struct waiter a = { 0 }, b = { 0 };
	struct world w;
	uint64_t at;

	(void)state;
	world_init(&w);
	batch_set_interval(w.batch, 60);
	ask(w.batch, &a);
	turn_until(w.loop, &a.called, 1);
	at = loop_now_ms(w.loop);
	ask(w.batch, &b);
	turn_until(w.loop, &b.called, 1);
	assert_true(loop_now_ms(w.loop) - at >= 50);
	assert_true(b.is_verified);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lone_session_has_a_path_of_zero),
		cmocka_unit_test(hundred_sessions_one_quote),
		cmocka_unit_test(every_size_of_tree_verifies),
		cmocka_unit_test(cancelled_are_not_called),
		cmocka_unit_test(callback_may_cancel_and_ask),
		cmocka_unit_test(next_quote_is_begun_before_all_are_told),
		cmocka_unit_test(failure_reaches_everybody),
		cmocka_unit_test(freed_at_any_moment),
		cmocka_unit_test(interval_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
