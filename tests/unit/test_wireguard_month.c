/* A month of virtual time in seconds: timers neither drift nor stop, and nothing piles up.  Its
 * 30,000 handshakes are over a toy group; the same ones over Curve25519 are in every other test. */
#include "wg_sim.h"
#include "wg_toy_group.h"

#include <stdio.h>

enum {
	SECOND = 1000,
	DAY = 86'400 * SECOND,
	DAYS = 30,
	WEEK = 7, /* days; what a month would not tell better */
	KEEPALIVE_S = 25,
	/* of one side that sends all the time: the initiator renews every 120 s */
	RENEWALS_A_DAY = 720,
};

/* What is kept for a peer is bounded by what a handshake and three sessions need. */
static void assert_nothing_kept(const struct sim *s)
{
	for (int i = 0; i < 2; i++) {
		const struct device *d = s->side[i].device;
		const struct keypairs *k = &s->side[i].peer->keypairs;
		const size_t sessions =
			(size_t)(!!k->previous + !!k->current + !!k->next);

		assert_int_equal(d->indexes.count,
				 sessions + (s->side[i].peer->handshake_index != 0));
		assert_true(d->deadlines.count <= 1);
		assert_int_equal(d->common->staged.bytes, 0);
		assert_int_equal(d->outgoing.count, 0);
		assert_int_equal(d->incoming.count, 0);
	}
	assert_true(s->count < 16);
}

/* Nothing but persistent keepalives of one side, on a link that loses nothing. */
static void g18_keepalives_of_a_month_do_not_drift(void **state)
{
	struct sim *s = sim_new();
	size_t first = 0;

	(void)state;
	device_peer_set_keepalive(s->side[0].device, s->side[0].peer, KEEPALIVE_S, s->now);
	for (int day = 1; day <= DAYS; day++) {
		const size_t before = s->side[0].sent[MESSAGE_DATA];
		size_t sent;

		sim_run(s, DAY);
		assert_nothing_kept(s);
		sent = s->side[0].sent[MESSAGE_DATA] - before;
		if (day == 1)
			first = sent;
		/* One each 25 s, and one behind each handshake, at which the count of seconds
		 * begins anew: the first day is as the last. */
		assert_in_range(sent, DAY / (KEEPALIVE_S * SECOND),
				DAY / (KEEPALIVE_S * SECOND) + RENEWALS_A_DAY);
		assert_in_range(sent, first - 2, first + 2);
		assert_in_range(s->side[0].events[DEVICE_HANDSHAKE], (size_t)day * 570,
				(size_t)day * RENEWALS_A_DAY);
	}
	/* The other side had nothing to say: it answered handshakes, and no more. */
	assert_int_equal(s->side[1].sent[MESSAGE_INITIATION], 0);
	assert_int_equal(s->side[1].sent[MESSAGE_RESPONSE], s->side[0].sent[MESSAGE_INITIATION]);
	assert_int_equal(s->side[0].events[DEVICE_GAVE_UP], 0);
	for (int i = 0; i < 2; i++)
		for (enum device_drop why = 0; why < DEVICE_DROP_COUNT; why++)
			assert_int_equal(sim_drops(s, i, why), 0);
	sim_free(s);
}

/* A packet each way every ten seconds, on a link that loses, doubles and reorders. */
static void g18_a_week_of_traffic_over_a_bad_link(void **state)
{
	struct sim *s = sim_new();
	size_t sent = 0, got;

	(void)state;
	s->random = 11;
	print_message("seed %u\n", s->random);
	s->loss_percent = 5;
	s->duplicate_percent = 2;
	s->spread_ms = 40;
	for (int day = 1; day <= WEEK; day++) {
		const size_t handshakes = s->side[0].events[DEVICE_HANDSHAKE];

		for (int i = 0; i < DAY / (10 * SECOND); i++, sent++) {
			sim_send(s, 0, 100);
			sim_send(s, 1, 100);
			sim_run(s, 10 * SECOND);
		}
		/* Not a handshake too few, and few because of losses. */
		assert_in_range(s->side[0].events[DEVICE_HANDSHAKE] - handshakes,
				DAY / KEYPAIR_REJECT_AFTER_MS, RENEWALS_A_DAY * 5 / 4);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(sim_drops(s, i, DEVICE_DROP_FORGED), 0);
			assert_int_equal(sim_drops(s, i, DEVICE_DROP_STAGED), 0);
			assert_int_equal(s->side[i].events[DEVICE_GAVE_UP], 0);
		}
	}
	for (int i = 0; i < 2; i++) {
		got = s->side[i].packets;
		print_message("%zu of %zu arrived\n", got, sent);
		assert_in_range(got, sent * 94 / 100, sent * 96 / 100);
	}
	sim_run(s, 20 * SECOND);
	assert_nothing_kept(s);
	/* Silence: keys go, then there is nothing to wake for. */
	s->loss_percent = 0;
	sim_run(s, DAY);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(s->side[i].device->indexes.count, 0);
		assert_int_equal(device_deadline(s->side[i].device), UINT64_MAX);
	}
	sim_free(s);
}

/* Each day the link is dead for an hour, and once a machine sleeps for a day. */
static void g18_outages_and_sleep_heal(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	s->random = 5;
	for (int i = 0; i < 2; i++)
		device_peer_set_keepalive(s->side[i].device, s->side[i].peer, KEEPALIVE_S, s->now);
	for (int day = 1; day <= WEEK; day++) {
		const size_t before = s->side[1].packets;

		s->loss_percent = 100;
		sim_run(s, 3600 * SECOND);
		s->loss_percent = 0;
		/* A handshake is tried again with the next keepalive, at the latest. */
		sim_run(s, 60 * SECOND);
		sim_send(s, 0, 100);
		sim_run(s, SECOND);
		assert_int_equal(s->side[1].packets, before + 1);
		assert_nothing_kept(s);
		if (day == WEEK / 2)
			sim_set_now(s, s->now.ms + DAY);
		sim_run(s, DAY - 3661 * SECOND);
	}
	for (int i = 0; i < 2; i++)
		assert_in_range(s->side[i].events[DEVICE_GAVE_UP], 1, WEEK * 50);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(g18_keepalives_of_a_month_do_not_drift),
		cmocka_unit_test(g18_a_week_of_traffic_over_a_bad_link),
		cmocka_unit_test(g18_outages_and_sleep_heal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
