/* measured: quotes with the log of their moment, and the tunnel before the others. */
#include "agent_world.h"

#include <sys/syscall.h>

static const uint8_t report_data[QUOTE_REPORT_DATA_LEN] = "what the quote is over";

static int setup(void **state)
{
	struct agent_world *w = calloc(1, sizeof(*w));

	*state = w;
	return agent_world_setup(w);
}

static int teardown(void **state)
{
	agent_world_teardown(*state);
	free(*state);
	return 0;
}

/* The log explains the quote's RTMR3. */
static void agree(const struct buf *quote, const struct buf *log)
{
	struct eventlog_registers replayed;
	struct quote q;

	assert_int_equal(quote_parse(&q, buf_span(quote)), TEE_OK);
	assert_memory_equal(q.td.report_data.p, report_data, sizeof(report_data));
	assert_int_equal(eventlog_replay(&replayed, buf_span(log)), TEE_OK);
	assert_memory_equal(q.td.rtmr[3].p, replayed.rtmr[3].b, sizeof(replayed.rtmr[3].b));
}

static void quotes_come_with_their_log(void **state)
{
	struct agent_world *w = *state;
	struct buf quote, log;

	buf_init(&quote, QUOTE_MAX);
	buf_init(&log, EVENTLOG_MAX);
	assert_int_equal(measured_quote_with_log(w->m, &quote, &log, report_data), RC_OK);
	agree(&quote, &log);
	buf_reset(&quote);
	buf_reset(&log);
	assert_int_equal(measured_quote(w->m, &quote, report_data), RC_OK);
	assert_int_equal(measured_log(w->m, &log), RC_OK);
	agree(&quote, &log);
	buf_fini(&quote);
	buf_fini(&log);
}

/* An event after the tunnel's quote is in the machine's log, not in that quote's. */
static void log_stays_that_of_the_last_quote(void **state)
{
	struct agent_world *w = *state;
	struct buf quote, log, later;
	struct sha384 rtmr3;

	buf_init(&quote, QUOTE_MAX);
	buf_init(&log, EVENTLOG_MAX);
	buf_init(&later, EVENTLOG_MAX);
	assert_int_equal(measured_quote(w->m, &quote, report_data), RC_OK);
	assert_int_equal(measured_extend(w->m, "started", span_str("x"), &rtmr3, &later), RC_OK);
	assert_memory_equal(rtmr3.b, w->platform.td.rtmr[3].b, sizeof(rtmr3.b));
	assert_non_null(memmem(later.p, later.n, "\"started\"", 9));
	assert_int_equal(measured_log(w->m, &log), RC_OK);
	assert_null(memmem(log.p, log.n, "\"started\"", 9));
	agree(&quote, &log);
	/* The next quote has both. */
	buf_reset(&quote);
	buf_reset(&log);
	assert_int_equal(measured_quote(w->m, &quote, report_data), RC_OK);
	assert_int_equal(measured_log(w->m, &log), RC_OK);
	assert_true(span_equal(buf_span(&log), buf_span(&later)));
	agree(&quote, &log);
	buf_fini(&quote);
	buf_fini(&log);
	buf_fini(&later);
}

static void failures_are_told(void **state)
{
	struct agent_world *w = *state;
	struct buf quote, log, none;
	struct sha384 rtmr3 = { { 9 } }, before = rtmr3;

	buf_init(&quote, QUOTE_MAX);
	buf_init(&log, EVENTLOG_MAX);
	buf_init(&none, 10);
	assert_int_equal(measured_quote_with_log(w->m, &quote, &none, report_data), RC_LIMIT);
	assert_int_equal(measured_quote(w->m, &none, report_data), RC_LIMIT);
	assert_int_equal(measured_extend(w->m, "started", span_str("x"), &rtmr3, &none), RC_LIMIT);
	buf_reset(&quote);
	assert_int_equal(measured_quote(w->m, &quote, report_data), RC_OK);
	assert_int_equal(measured_log(w->m, &none), RC_LIMIT);
	/* No log stands for a quote that was not made. */
	w->platform.fails = 1u << SIMPROTO_QUOTE;
	assert_int_not_equal(measured_quote(w->m, &quote, report_data), RC_OK);
	assert_int_equal(measured_log(w->m, &log), RC_OK);
	assert_int_equal(log.n, 0);
	assert_int_not_equal(measured_quote_with_log(w->m, &quote, &log, report_data), RC_OK);
	assert_int_equal(log.n, 0);
	w->platform.fails = 1u << SIMPROTO_EXTEND;
	assert_int_not_equal(measured_extend(w->m, "more", span_str("x"), &rtmr3, &log), RC_OK);
	w->platform.fails = 0;
	assert_int_equal(measured_extend(w->m, "", span_str("x"), &rtmr3, &log), RC_MALFORMED);
	assert_memory_equal(rtmr3.b, before.b, sizeof(rtmr3.b));
	assert_int_equal(log.n, 0);
	/* It goes on. */
	assert_int_equal(measured_extend(w->m, "more", span_str("x"), &rtmr3, &log), RC_OK);
	assert_memory_equal(rtmr3.b, w->platform.td.rtmr[3].b, sizeof(rtmr3.b));
	measured_free(NULL);
	buf_fini(&quote);
	buf_fini(&log);
	buf_fini(&none);
}

/* ---- who goes first */

struct asker {
	struct agent_world *w;
	pthread_t thread;
	atomic_int tid;
	bool is_tunnel;
};

static void *run_asker(void *arg)
{
	struct asker *a = arg;
	const uint8_t own[QUOTE_REPORT_DATA_LEN] = { a->is_tunnel };
	struct buf quote, log;

	atomic_store(&a->tid, (int)syscall(SYS_gettid));
	buf_init(&quote, QUOTE_MAX);
	buf_init(&log, EVENTLOG_MAX);
	if (a->is_tunnel)
		assert_int_equal(measured_quote(a->w->m, &quote, own), RC_OK);
	else
		assert_int_equal(measured_quote_with_log(a->w->m, &quote, &log, own), RC_OK);
	buf_fini(&quote);
	buf_fini(&log);
	return NULL;
}

static char thread_state(int tid)
{
	char path[64], text[512] = "";
	const char *at;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = fopen(path, "re");
	if (!f)
		return '?';
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	at = strrchr(text, ')');
	return at ? at[2] : '?';
}

/* Sleeps, looked at twice: where the machine is taken, that is in the queue. */
static void wait_asleep(struct asker *a)
{
	int seen = 0;

	for (int i = 0; i < 5000 && seen < 5; i++) {
		int tid = atomic_load(&a->tid);

		seen = tid && thread_state(tid) == 'S' ? seen + 1 : 0;
		(void)usleep(1000);
	}
	assert_int_equal(seen, 5);
}

static void start(struct asker *a, struct agent_world *w, bool is_tunnel)
{
	*a = (struct asker){ .w = w, .is_tunnel = is_tunnel };
	assert_int_equal(pthread_create(&a->thread, NULL, run_asker, a), 0);
}

/* Containers queue, and the tunnel comes last: it waits for the one that is under way alone. */
static void one_queue(struct agent_world *w)
{
	enum {
		CONTAINERS = 4
	};
	struct asker containers[CONTAINERS], tunnel;
	const size_t before = w->platform.quotes;

	pthread_mutex_lock(&w->platform.held);
	for (int i = 0; i < CONTAINERS; i++) {
		start(&containers[i], w, false);
		wait_asleep(&containers[i]);
	}
	start(&tunnel, w, true);
	wait_asleep(&tunnel);
	pthread_mutex_unlock(&w->platform.held);
	pthread_join(tunnel.thread, NULL);
	for (int i = 0; i < CONTAINERS; i++)
		pthread_join(containers[i].thread, NULL);
	assert_int_equal(w->platform.quotes - before, CONTAINERS + 1);
	assert_false(w->platform.quoted[before]);
	assert_true(w->platform.quoted[before + 1]);
}

/* More than once: who wakes first is chance otherwise. */
static void tunnel_goes_before_those_who_wait(void **state)
{
	for (int i = 0; i < 8; i++)
		one_queue(*state);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(quotes_come_with_their_log),
		T(log_stays_that_of_the_last_quote),
		T(failures_are_told),
		T(tunnel_goes_before_those_who_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
