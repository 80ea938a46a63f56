/* board: what several processes count on one piece of memory. */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "edge/board.h"
#include "edge/rates.h"

static struct board *make(uint32_t workers)
{
	struct board *b;
	int fd;

	assert_int_equal(board_new(&b, &fd, workers), RC_OK);
	close(fd);
	return b;
}

static void two_mappings_are_one_board(void **state)
{
	struct board *a, *b;
	int fd;

	(void)state;
	assert_int_equal(board_new(&a, &fd, 3), RC_OK);
	assert_int_equal(board_map(&b, fd), RC_OK);
	close(fd);
	board_add(&a->workers[1].accepted, 5);
	assert_int_equal(board_get(&b->workers[1].accepted), 5);
	assert_int_equal(b->worker_count, 3);
	assert_int_equal(b->secret, a->secret);
	assert_int_not_equal(a->secret, 0);
	board_free(a);
	board_free(b);
}

static void histogram_counts_each_value_once(void **state)
{
	struct board *b = make(1);
	struct board_histogram *h = &b->workers[0].handshake_ms;
	uint64_t ms, n = 0, sum = 0;
	size_t i;

	(void)state;
	for (ms = 0; ms < 6000; ms += 7, n++, sum += ms - 7)
		board_observe(h, ms);
	for (i = 0; i < BOARD_BUCKETS; i++)
		n -= board_get(&h->buckets[i]);
	assert_int_equal(board_get(&h->buckets[0]), 1); /* 0 */
	assert_int_equal(board_get(&h->above), n);
	assert_int_equal(board_get(&h->sum_ms), sum);
	assert_true(n > 100);
	/* A bound belongs to its own bucket. */
	i = board_get(&h->buckets[3]);
	board_observe(h, 10);
	assert_int_equal(board_get(&h->buckets[3]), i + 1);
	board_free(b);
}

static void words_and_apps_are_bounded(void **state)
{
	struct board *b = make(1);
	struct board_worker *w = &b->workers[0];
	uint8_t id[STORE_ID_LEN] = { 0 };
	char word[BOARD_RESULT_LEN];
	int i;

	(void)state;
	for (i = 0; i < 2 * BOARD_RESULTS_MAX; i++) {
		snprintf(word, sizeof(word), "word_%d", i);
		board_result(w, word);
		board_result(w, "word_3");
	}
	assert_string_equal(w->results[1].name, "word_3");
	assert_int_equal(board_get(&w->results[1].count), 2 * BOARD_RESULTS_MAX + 1);
	for (i = 0; i < 2 * BOARD_APPS_MAX; i++) {
		id[0] = (uint8_t)i;
		assert_ptr_equal(board_app(w, id),
				 i < BOARD_APPS_MAX ? &w->apps[i] : &w->other_apps);
	}
	id[0] = 7;
	assert_ptr_equal(board_app(w, id), &w->apps[7]);
	board_free(b);
}

static void gauges_end_with_their_worker(void **state)
{
	struct board *b = make(2);
	uint8_t id[STORE_ID_LEN] = { 1 };
	struct board_app *app = board_app(&b->workers[1], id);

	(void)state;
	board_add(&b->workers[1].states[4], 9);
	board_add(&b->workers[1].accepted, 9);
	board_add(&app->active, 2);
	board_add(&app->connections, 2);
	sketch_count_add(&b->source_counts[1], 77);
	sketch_count_add(&b->source_counts[0], 77);
	board_forget(b, 1);
	assert_int_equal(board_get(&b->workers[1].states[4]), 0);
	assert_int_equal(board_get(&b->workers[1].accepted), 9);
	assert_int_equal(board_get(&app->active), 0);
	assert_int_equal(board_get(&app->connections), 2);
	assert_int_equal(sketch_count_of(b->source_counts, 2, 77), 1);
	board_free(b);
}

static void drained_instances_are_a_set(void **state)
{
	struct board *b = make(1);
	uint8_t id[STORE_ID_LEN] = { 0 };
	int i;

	(void)state;
	for (i = 0; i < BOARD_DRAINED_MAX; i++) {
		id[3] = (uint8_t)i;
		assert_true(board_drain(b, id));
		assert_true(board_drain(b, id)); /* once more is no more */
	}
	id[3] = 0xff;
	assert_false(board_drain(b, id));
	assert_false(board_is_drained(b, id));
	assert_false(board_undrain(b, id));
	id[3] = 5;
	assert_true(board_undrain(b, id));
	for (i = 0; i < BOARD_DRAINED_MAX; i++) {
		id[3] = (uint8_t)i;
		assert_int_equal(board_is_drained(b, id), i != 5);
	}
	id[3] = 0xff;
	assert_true(board_drain(b, id));
	board_free(b);
}

static void rates_are_means_of_ten_seconds(void **state)
{
	struct board *b = make(2);
	struct rates r = { 0 };
	uint64_t now = 5000;
	int i;

	(void)state;
	assert_int_equal(rates_per_s(&r, RATES_DOWN), 0);
	rates_look(&r, b, now);
	assert_int_equal(rates_per_s(&r, RATES_DOWN), 0);
	for (i = 0; i < 40; i++) {
		board_add(&b->workers[i % 2].down, i < 30 ? 1000 : 50);
		rates_look(&r, b, now += 1000);
		if (i < 30)
			assert_int_equal(rates_per_s(&r, RATES_DOWN), 1000);
	}
	assert_int_equal(rates_per_s(&r, RATES_DOWN), 50);
	assert_int_equal(rates_per_s(&r, RATES_UP), 0);
	assert_int_equal(rates_total(b, RATES_DOWN), 30000 + 500);
	board_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_mappings_are_one_board),
		cmocka_unit_test(histogram_counts_each_value_once),
		cmocka_unit_test(words_and_apps_are_bounded),
		cmocka_unit_test(gauges_end_with_their_worker),
		cmocka_unit_test(drained_instances_are_a_set),
		cmocka_unit_test(rates_are_means_of_ten_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
