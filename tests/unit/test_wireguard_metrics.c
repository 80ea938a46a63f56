/* What Prometheus gets to read. */
#include "wg_sim.h"

#include "http/server.h"
#include "wireguard/metrics.h"

static const char *written(struct buf *b, const struct sim *s, int side)
{
	buf_init(b, 1 << 20);
	assert_int_equal(metrics_write(b, s->side[side].device, s->now), RC_OK);
	assert_true(buf_add(b, span_of("", 1)));
	return (const char *)buf_span(b).p;
}

static void assert_has(const char *text, const char *line)
{
	if (!strstr(text, line))
		fail_msg("no %s in:\n%s", line, text);
}

static void counts_are_written(void **state)
{
	struct sim *s = sim_new();
	const char *text;
	struct buf b;

	(void)state;
	text = written(&b, s, 1);
	assert_has(text, "# TYPE postern_wg_peers gauge\npostern_wg_peers 1\n");
	assert_null(strstr(text, "peer_handshake_age_seconds{"));
	buf_fini(&b);
	sim_send(s, 0, 100);
	sim_run(s, 7000);
	sim_receive(s, 1, &s->side[0].at, (const uint8_t *)"?", 1);
	text = written(&b, s, 1);
	assert_has(text, "postern_wg_dropped_total{reason=\"malformed\"} 1\n");
	assert_has(text, "postern_wg_dropped_total{reason=\"forged\"} 0\n");
	/* The packet, which confirms the session too. */
	assert_has(text, "postern_wg_batch_packets_count{direction=\"received\"} 1\n");
	assert_has(text, "postern_wg_peer_received_bytes_total{peer=\"");
	assert_has(text, "postern_wg_peer_handshake_age_seconds{peer=\"");
	assert_has(strstr(text, "age_seconds{"), "=\"} 6\n");
	buf_fini(&b);
	sim_free(s);
}

static void batches_fall_into_their_sizes(void **state)
{
	static const size_t sizes[] = { 1, 2, 3, 4, 5, 128 };
	struct sim *s = sim_new();
	const char *text;
	struct buf b;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		engine_batch(s->side[0].device, DEVICE_SENT, sizes[i]);
	engine_batch(s->side[0].device, DEVICE_SENT, 0);
	text = written(&b, s, 0);
	assert_has(text, "bucket{direction=\"sent\",le=\"1\"} 1\n"
			 "postern_wg_batch_packets_bucket{direction=\"sent\",le=\"2\"} 2\n"
			 "postern_wg_batch_packets_bucket{direction=\"sent\",le=\"4\"} 4\n"
			 "postern_wg_batch_packets_bucket{direction=\"sent\",le=\"8\"} 5\n");
	assert_has(text, "{direction=\"sent\",le=\"64\"} 5\n");
	assert_has(text, "{direction=\"sent\",le=\"128\"} 6\n");
	assert_has(text, "{direction=\"sent\",le=\"+Inf\"} 6\n");
	assert_has(text, "postern_wg_batch_packets_sum{direction=\"sent\"} 143\n");
	buf_fini(&b);
	sim_free(s);
}

static void no_room_is_said_and_lines_stay_whole(void **state)
{
	struct sim *s = sim_new();
	struct buf b;

	(void)state;
	for (size_t max = 0; max < 2000; max += 37) {
		struct span got;

		buf_init(&b, max);
		assert_int_equal(metrics_write(&b, s->side[0].device, s->now), RC_LIMIT);
		got = buf_span(&b);
		assert_true(!got.n || got.p[got.n - 1] == '\n');
		buf_fini(&b);
	}
	sim_free(s);
}

/* What all peers' lines would be at the longest, from one peer's. */
static void most_peers_fit_into_an_answer(void **state)
{
	const size_t digits = sizeof("18446744073709551615") - 1;
	struct sim *s = sim_new();
	size_t peer = 0, lines = 0, rest = 0;
	struct buf b;

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 1000);
	for (const char *at = written(&b, s, 0), *end; (end = strchr(at, '\n')); at = end + 1) {
		const char *value = memmem(at, (size_t)(end - at), "{peer=", 6);

		if (!value) {
			rest += (size_t)(end - at) + digits;
			continue;
		}
		value = memchr(value, ' ', (size_t)(end - value));
		peer += (size_t)(value + 1 - at) + digits + 1;
		lines++;
	}
	assert_int_equal(lines, 3);
	assert_true(DEVICE_PEERS_MAX * peer + rest <= HTTP_ANSWER_MAX);
	buf_fini(&b);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_written),
		cmocka_unit_test(batches_fall_into_their_sizes),
		cmocka_unit_test(no_room_is_said_and_lines_stay_whole),
		cmocka_unit_test(most_peers_fit_into_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
