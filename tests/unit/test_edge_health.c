/* health: verdicts out of results, and views that pass between threads. */
#include "unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "edge/health.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* Results as text: '+' works, '-' does not; then the states after each. */
static const struct {
	const char *name, *results, *states;
} ROWS[] = {
	{ "first_success_is_up", "+", "u" },
	{ "first_failure_is_down", "-", "d" },
	{ "three_failures_in_a_row_are_down", "+---", "uuud" },
	{ "two_failures_are_not", "+--+--+", "uuuuuuu" },
	{ "two_successes_are_up", "-++", "ddu" },
	{ "one_success_is_not", "-+-+-", "ddddd" },
	{ "down_then_up_then_down", "-++---", "dduuud" },
};

static void table_of_results(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		struct health h = { 0 };

		for (size_t k = 0; ROWS[i].results[k]; k++) {
			enum health_state before = h.state;
			bool changed = health_note(&h, ROWS[i].results[k] == '+');

			if ((h.state == HEALTH_UP ? 'u' : 'd') != ROWS[i].states[k])
				fail_msg("%s: result %zu", ROWS[i].name, k);
			if (changed != (before != h.state))
				fail_msg("%s: change at %zu", ROWS[i].name, k);
		}
	}
}

static void waits_are_the_interval_give_or_take_a_tenth(void **state)
{
	uint64_t least = UINT64_MAX, most = 0;

	(void)state;
	for (uint64_t chance = 0; chance < 10'000; chance++) {
		uint64_t ms = health_wait_ms(10, chance * 7919);

		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
		assert_true(health_first_ms(chance) < 1000);
	}
	assert_int_equal(least, 9000);
	assert_int_equal(most, 11000);
}

static const struct {
	const char *line;
	bool is_good;
} STATUS[] = {
	{ "HTTP/1.1 200 OK\r", true },
	{ "HTTP/1.0 204 No Content\r", true },
	{ "HTTP/1.1 399", true },
	{ "HTTP/1.1 301\r", true },
	{ "HTTP/1.1 199 x", false },
	{ "HTTP/1.1 400 Bad Request", false },
	{ "HTTP/1.1 503 Service Unavailable", false },
	{ "HTTP/1.1 2000 OK", false },
	{ "HTTP/1.1 20 OK", false },
	{ "HTTP/1.1 020 OK", false },
	{ "HTTP/2 200", false },
	{ "HTTP/1.1200 OK", false },
	{ "SSH-2.0-OpenSSH", false },
	{ "", false },
};

static void status_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(STATUS); i++)
		if (health_is_good_status(span_str(STATUS[i].line)) != STATUS[i].is_good)
			fail_msg("'%s'", STATUS[i].line);
}

static struct health_key key(unsigned instance, uint16_t port)
{
	return (struct health_key){ .instance_id = { (uint8_t)(instance >> 8), (uint8_t)instance },
				    .port = port };
}

static void view_holds_what_is_down(void **state)
{
	const struct health_key down[] = { key(300, 80), key(2, 443), key(2, 80) };
	const struct health_key up[] = { key(300, 443), key(3, 80), key(0, 0) };
	struct health_board *board = mem_new(sizeof(*board));
	struct health_reader r, none;
	const struct health_view *v;

	(void)state;
	health_reader_init(&r, board);
	health_reader_init(&none, NULL);
	assert_null(health_read(&r));
	assert_false(health_is_down(health_read(&r), &down[0]));
	health_publish(board, down, COUNT(down));
	v = health_read(&r);
	for (size_t i = 0; i < COUNT(down); i++)
		assert_true(health_is_down(v, &down[i]));
	for (size_t i = 0; i < COUNT(up); i++)
		assert_false(health_is_down(v, &up[i]));
	assert_ptr_equal(health_read(&r), v);
	health_publish(board, NULL, 0);
	/* The old view lives as long as its reader has not looked again. */
	assert_true(health_is_down(v, &down[0]));
	assert_false(health_is_down(health_read(&r), &down[0]));
	assert_null(health_read(&none));
	health_reader_fini(&r);
	health_reader_fini(&none);
	free(board);
}

/* The counter is odd for good until somebody publishes again. */
static void writer_that_died_leaves_the_view_before(void **state)
{
	const struct health_key first = key(1, 80), second = key(2, 80);
	struct health_board *board = mem_new(sizeof(*board));
	struct health_reader r, late;

	(void)state;
	health_reader_init(&r, board);
	health_reader_init(&late, board);
	health_publish(board, &first, 1);
	assert_true(health_is_down(health_read(&r), &first));
	board->turn++;
	board->down[0][0] = 7;
	assert_true(health_is_down(health_read(&r), &first));
	assert_null(health_read(&late));
	health_publish(board, &second, 1);
	assert_true(health_is_down(health_read(&r), &second));
	assert_false(health_is_down(health_read(&r), &first));
	assert_true(health_is_down(health_read(&late), &second));
	/* Nobody reads beyond the board's end, whatever count it has. */
	board->count = UINT64_MAX;
	board->turn += 2;
	assert_non_null(health_read(&r));
	assert_false(health_is_down(health_read(&r), &first));
	health_reader_fini(&r);
	health_reader_fini(&late);
	free(board);
}

enum {
	VIEWS = 2000,
	READERS = 3,
};

/* Every view has one key: instance n on port n.  A reader never sees a torn
 * one, and never an older one than before. */
static void *read_views(void *arg)
{
	struct health_reader r;
	unsigned last = 0;
	void *failed = NULL;

	health_reader_init(&r, arg);
	while (last < VIEWS && !failed) {
		const struct health_view *v = health_read(&r);
		struct health_key k = key(last, (uint16_t)last);
		unsigned n = last;

		while (v && n <= VIEWS && !health_is_down(v, &k))
			n++, k = key(n, (uint16_t)n);
		if (n > VIEWS)
			failed = arg;
		last = n;
	}
	health_reader_fini(&r);
	return failed;
}

static void readers_see_whole_views(void **state)
{
	struct health_board *board = mem_new(sizeof(*board));
	pthread_t readers[READERS];
	struct health_key k;
	void *failed;

	(void)state;
	k = key(0, 0);
	health_publish(board, &k, 1);
	for (int i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_views, board), 0);
	for (unsigned n = 1; n <= VIEWS; n++) {
		k = key(n, (uint16_t)n);
		health_publish(board, &k, 1);
	}
	for (int i = 0; i < READERS; i++) {
		pthread_join(readers[i], &failed);
		assert_null(failed);
	}
	free(board);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_of_results),
		cmocka_unit_test(waits_are_the_interval_give_or_take_a_tenth),
		cmocka_unit_test(status_lines),
		cmocka_unit_test(view_holds_what_is_down),
		cmocka_unit_test(writer_that_died_leaves_the_view_before),
		cmocka_unit_test(readers_see_whole_views),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
