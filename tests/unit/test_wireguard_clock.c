/* Handshake timestamps and a wall clock that others can set (CVE-2021-46873; G3). */
#include "wg_sim.h"

#define YEAR_NS (86'400ll * 365 * 1'000'000'000)

/* Side 0 begins anew, with its old key, as after a restart of the daemon. */
static void restart(struct sim *s)
{
	struct sim_side *side = &s->side[0];
	struct device_sink sink = {
		.datagram = sim_datagram,
		.packet = sim_packet,
		.event = sim_event,
		.arg = side,
	};
	struct allowedips_prefix p = sim_prefix("10.0.0.2/32");

	device_free(side->device);
	side->device = device_new(&sink);
	device_set_key(side->device, &side->secret);
	assert_int_equal(device_peer_add(side->device, &side->peer, s->side[1].public_key), RC_OK);
	assert_int_equal(device_peer_allow(side->device, side->peer, &p), RC_OK);
	device_peer_set_endpoint(side->peer, &s->side[1].at);
}

static void talk(struct sim *s, int seconds)
{
	for (int i = 0; i < seconds; i++) {
		sim_send(s, 0, 100);
		sim_run(s, 1000);
	}
}

static void g3_clock_set_far_ahead_burns_no_timestamps(void **state)
{
	struct sim *s = sim_new();
	size_t before;

	(void)state;
	talk(s, 1);
	s->now.unix_ns += 10 * YEAR_NS;
	talk(s, 400); /* three sessions */
	assert_true(s->side[0].events[DEVICE_HANDSHAKE] >= 3);
	s->now.unix_ns -= 10 * YEAR_NS;
	restart(s);
	before = s->side[1].packets;
	talk(s, 1);
	assert_int_equal(s->side[1].packets, before + 1);
	assert_int_equal(sim_drops(s, 1, DEVICE_DROP_STALE), 0);
	sim_free(s);
}

/* A machine without a clock of its own starts in 1970 and learns the time a minute later; the peer
 * remembers its last life. */
static void time_learned_after_the_start_is_believed_in_the_end(void **state)
{
	struct sim *s = sim_new();
	int64_t right = s->now.unix_ns;
	size_t before, stale;

	(void)state;
	talk(s, 1);
	restart(s);
	s->now.unix_ns = 1'000'000'000;
	talk(s, 60);
	before = s->side[1].packets;
	assert_true(sim_drops(s, 1, DEVICE_DROP_STALE) > 0);
	s->now.unix_ns = right + (int64_t)s->now.ms * 1'000'000;
	talk(s, 20); /* not yet */
	assert_int_equal(s->side[1].packets, before);
	talk(s, 60);
	assert_true(s->side[1].packets > before + 40);
	/* Timestamps go on from there, whatever the clock that it started with would say. */
	stale = sim_drops(s, 1, DEVICE_DROP_STALE);
	talk(s, 400);
	assert_int_equal(sim_drops(s, 1, DEVICE_DROP_STALE), stale);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(g3_clock_set_far_ahead_burns_no_timestamps),
		cmocka_unit_test(time_learned_after_the_start_is_believed_in_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
