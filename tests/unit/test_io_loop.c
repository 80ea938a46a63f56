#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/loop.h"

enum {
	POSTERS = 4,
	POSTS = 2000,
};

struct fixture {
	struct loop *loop;
	int pipes[4][2];
	struct loop_watch watches[4];
	struct loop_timer timers[8];
	char calls[64]; /* one letter a call, in order */
	int threads_left;
	uint64_t last[POSTERS];
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	assert_int_equal(loop_new(&f->loop), RC_OK);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pipe(f->pipes[i]), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 4; i++) {
		loop_watch_del(f->loop, &f->watches[i]);
		close(f->pipes[i][0]);
		close(f->pipes[i][1]);
	}
	loop_free(f->loop);
	test_free(f);
	return 0;
}

static void note(struct fixture *f, char c)
{
	size_t n = strlen(f->calls);

	assert_true(n + 1 < sizeof(f->calls));
	f->calls[n] = c;
}

static void note_a(void *arg)
{
	note(arg, 'a');
}

static void note_b(void *arg)
{
	note(arg, 'b');
}

static void drain_and_note(void *arg, uint32_t events)
{
	struct fixture *f = arg;
	char c;

	assert_int_equal(events, EPOLLIN);
	for (int i = 0; i < 4; i++)
		if (f->watches[i].is_added && f->watches[i].fn == drain_and_note)
			assert_int_equal(read(f->pipes[i][0], &c, 1), 1);
	note(f, 'r');
}

static void watch_reports_readable(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(loop_watch_add(f->loop, &f->watches[0], f->pipes[0][0],
					EPOLLIN, drain_and_note, f),
			 RC_OK);
	assert_int_equal(loop_turn(f->loop, 0), RC_OK);
	assert_string_equal(f->calls, "");
	assert_int_equal(write(f->pipes[0][1], "x", 1), 1);
	assert_int_equal(loop_turn(f->loop, 1000), RC_OK);
	assert_int_equal(loop_turn(f->loop, 0), RC_OK);
	assert_string_equal(f->calls, "r");
}

static void watch_set_changes_what_is_reported(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(loop_watch_add(f->loop, &f->watches[0], f->pipes[0][0],
					EPOLLIN, drain_and_note, f),
			 RC_OK);
	loop_watch_set(f->loop, &f->watches[0], 0);
	assert_int_equal(write(f->pipes[0][1], "x", 1), 1);
	assert_int_equal(loop_turn(f->loop, 0), RC_OK);
	assert_string_equal(f->calls, "");
	loop_watch_set(f->loop, &f->watches[0], EPOLLIN);
	assert_int_equal(loop_turn(f->loop, 1000), RC_OK);
	assert_string_equal(f->calls, "r");
}

static void watch_of_bad_descriptor_fails(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(loop_watch_add(f->loop, &f->watches[0], -1, EPOLLIN,
					drain_and_note, f),
			 RC_SYS);
	assert_int_equal(errno, EBADF);
	assert_false(f->watches[0].is_added);
	loop_watch_del(f->loop, &f->watches[0]);
}

/* The first to come drops both and closes what they watched. */
static void drop_both(void *arg, uint32_t events)
{
	struct fixture *f = arg;
	bool is_first = f->calls[0] == '\0';

	(void)events;
	note(f, 'd');
	if (!is_first)
		return;
	for (int i = 0; i < 2; i++) {
		loop_watch_drop(f->loop, &f->watches[i]);
		close(f->pipes[i][0]);
		close(f->pipes[i][1]);
	}
}

static void watch_and_feed(struct fixture *f, bool is_fed)
{
	for (int i = 0; i < 2; i++) {
		assert_int_equal(loop_watch_add(f->loop, &f->watches[i],
						f->pipes[i][0], EPOLLIN,
						drop_both, f),
				 RC_OK);
		if (is_fed)
			assert_int_equal(write(f->pipes[i][1], "x", 1), 1);
	}
}

static void dropped_watch_is_silent_and_leaves_nothing(void **state)
{
	struct fixture *f = *state;

	watch_and_feed(f, true);
	assert_int_equal(loop_turn(f->loop, 1000), RC_OK);
	assert_string_equal(f->calls, "d");
	/* The numbers are given out again, and watched anew. */
	for (int i = 0; i < 2; i++)
		assert_int_equal(pipe(f->pipes[i]), 0);
	watch_and_feed(f, false);
	assert_int_equal(loop_turn(f->loop, 0), RC_OK);
	assert_string_equal(f->calls, "d");
	assert_int_equal(write(f->pipes[1][1], "x", 1), 1);
	assert_int_equal(loop_turn(f->loop, 1000), RC_OK);
	assert_string_equal(f->calls, "dd");
}

/* Whichever of the ready watches comes first removes all the others. */
static void remove_others(void *arg, uint32_t events)
{
	struct fixture *f = arg;

	(void)events;
	for (int i = 0; i < 4; i++)
		loop_watch_del(f->loop, &f->watches[i]);
	note(f, 'x');
}

static void removed_watch_is_silent_in_the_same_turn(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 4; i++) {
		assert_int_equal(loop_watch_add(f->loop, &f->watches[i],
						f->pipes[i][0], EPOLLIN,
						remove_others, f),
				 RC_OK);
		assert_int_equal(write(f->pipes[i][1], "x", 1), 1);
	}
	assert_int_equal(loop_turn(f->loop, 1000), RC_OK);
	assert_string_equal(f->calls, "x");
}

static void timers_fire_in_order(void **state)
{
	struct fixture *f = *state;
	uint64_t now = loop_now_ms(f->loop);

	f->timers[0] = (struct loop_timer){ .fn = note_b, .arg = f };
	f->timers[1] = (struct loop_timer){ .fn = note_a, .arg = f };
	f->timers[2] = (struct loop_timer){ .fn = note_a, .arg = f };
	loop_timer_arm(f->loop, &f->timers[0], now + 20);
	loop_timer_arm(f->loop, &f->timers[1], now + 10);
	loop_timer_arm(f->loop, &f->timers[2], now + 15);
	loop_timer_disarm(f->loop, &f->timers[2]);
	loop_timer_disarm(f->loop, &f->timers[2]);
	assert_true(loop_timer_is_armed(&f->timers[0]));
	assert_false(loop_timer_is_armed(&f->timers[2]));
	while (loop_timer_is_armed(&f->timers[0]))
		assert_int_equal(loop_turn(f->loop, -1), RC_OK);
	assert_string_equal(f->calls, "ab");
	assert_true(loop_now_ms(f->loop) >= now + 20);
	assert_true(clock_boot_ms() < now + 5000);
}

static void rearm_at_once(void *arg)
{
	struct fixture *f = arg;

	note(f, 'r');
	loop_timer_arm(f->loop, &f->timers[0], 0);
}

static void timer_that_rearms_does_not_hold_the_turn(void **state)
{
	struct fixture *f = *state;

	f->timers[0] = (struct loop_timer){ .fn = rearm_at_once, .arg = f };
	f->timers[1] = (struct loop_timer){ .fn = note_b, .arg = f };
	loop_timer_arm(f->loop, &f->timers[0], 0);
	loop_timer_arm(f->loop, &f->timers[1], 0);
	assert_int_equal(loop_turn(f->loop, -1), RC_OK);
	assert_string_equal(f->calls, "rb");
	assert_int_equal(loop_turn(f->loop, -1), RC_OK);
	assert_string_equal(f->calls, "rbr");
	loop_timer_disarm(f->loop, &f->timers[0]);
}

static void disarm_next(void *arg)
{
	struct fixture *f = arg;

	note(f, 'd');
	loop_timer_disarm(f->loop, &f->timers[1]);
}

static void timer_disarmed_by_another_is_silent(void **state)
{
	struct fixture *f = *state;

	f->timers[0] = (struct loop_timer){ .fn = disarm_next, .arg = f };
	f->timers[1] = (struct loop_timer){ .fn = note_b, .arg = f };
	loop_timer_arm(f->loop, &f->timers[0], 0);
	loop_timer_arm(f->loop, &f->timers[1], 0);
	assert_int_equal(loop_turn(f->loop, -1), RC_OK);
	assert_string_equal(f->calls, "d");
}

static void defer_b(void *arg)
{
	struct fixture *f = arg;

	note(f, 'd');
	loop_defer(f->loop, note_b, f);
}

static void deferred_runs_at_the_end(void **state)
{
	struct fixture *f = *state;

	f->timers[0] = (struct loop_timer){ .fn = defer_b, .arg = f };
	f->timers[1] = (struct loop_timer){ .fn = note_a, .arg = f };
	loop_timer_arm(f->loop, &f->timers[0], 0);
	loop_timer_arm(f->loop, &f->timers[1], 0);
	assert_int_equal(loop_turn(f->loop, -1), RC_OK);
	assert_string_equal(f->calls, "dab");
}

static void deferred_by_deferred_runs_in_the_next_turn(void **state)
{
	struct fixture *f = *state;

	loop_defer(f->loop, defer_b, f);
	assert_int_equal(loop_turn(f->loop, -1), RC_OK);
	assert_string_equal(f->calls, "d");
	assert_int_equal(loop_turn(f->loop, -1), RC_OK);
	assert_string_equal(f->calls, "db");
}

struct post {
	struct fixture *f;
	unsigned thread;
	uint64_t number;
};

static void take_post(void *arg)
{
	struct post *p = arg;
	struct fixture *f = p->f;

	assert_int_equal(p->number, f->last[p->thread] + 1);
	f->last[p->thread] = p->number;
	if (p->number == POSTS && --f->threads_left == 0)
		loop_stop(f->loop);
}

struct poster {
	struct post posts[POSTS];
};

static void *post_many(void *arg)
{
	struct poster *p = arg;

	for (int i = 0; i < POSTS; i++)
		loop_post(p->posts[i].f->loop, take_post, &p->posts[i]);
	return NULL;
}

static void posts_of_many_threads_arrive_in_order(void **state)
{
	struct fixture *f = *state;
	struct poster *p = test_calloc(POSTERS, sizeof(*p));
	pthread_t threads[POSTERS];

	f->threads_left = POSTERS;
	for (unsigned t = 0; t < POSTERS; t++) {
		for (unsigned i = 0; i < POSTS; i++)
			p[t].posts[i] = (struct post){ f, t, i + 1 };
		assert_int_equal(
			pthread_create(&threads[t], NULL, post_many, &p[t]), 0);
	}
	assert_int_equal(loop_run(f->loop), RC_OK);
	for (unsigned t = 0; t < POSTERS; t++) {
		pthread_join(threads[t], NULL);
		assert_int_equal(f->last[t], POSTS);
	}
	test_free(p);
}

static void got_signal(void *arg, int signal)
{
	struct fixture *f = arg;

	note(f, signal == SIGHUP ? 'h' : 't');
	if (signal == SIGTERM)
		loop_stop(f->loop);
}

static void signals_arrive_in_the_loop(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(loop_signals(f->loop, got_signal, f), RC_OK);
	assert_int_equal(kill(getpid(), SIGHUP), 0);
	assert_int_equal(loop_turn(f->loop, 1000), RC_OK);
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	assert_int_equal(loop_run(f->loop), RC_OK);
	assert_string_equal(f->calls, "ht");
}

static void max_wait_ends_an_idle_turn(void **state)
{
	struct fixture *f = *state;
	uint64_t start = clock_boot_ms();

	f->timers[0] = (struct loop_timer){ .fn = note_a, .arg = f };
	loop_timer_arm(f->loop, &f->timers[0], UINT64_MAX);
	assert_int_equal(loop_turn(f->loop, 20), RC_OK);
	assert_true(clock_boot_ms() - start >= 19);
	assert_true(clock_boot_ms() - start < 5000);
	assert_string_equal(f->calls, "");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(watch_reports_readable),
		T(watch_set_changes_what_is_reported),
		T(watch_of_bad_descriptor_fails),
		T(removed_watch_is_silent_in_the_same_turn),
		T(dropped_watch_is_silent_and_leaves_nothing),
		T(timers_fire_in_order),
		T(timer_that_rearms_does_not_hold_the_turn),
		T(timer_disarmed_by_another_is_silent),
		T(deferred_runs_at_the_end),
		T(deferred_by_deferred_runs_in_the_next_turn),
		T(posts_of_many_threads_arrive_in_order),
		T(max_wait_ends_an_idle_turn),
		T(signals_arrive_in_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
