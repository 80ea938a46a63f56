/* Data messages in batches: each stands for itself, in the order they came. */
#include "wg_sim.h"

enum {
	N = 2 * ENGINE_BATCH + 30,
	ROOM = 512,
};

/* Datagrams of side 0, kept instead of being delivered. */
struct kept {
	uint8_t *bytes; /* N * ROOM */
	size_t n[N], count;
};

static bool keep(struct sim *s, int from, const uint8_t *bytes, size_t n)
{
	struct kept *k = s->arg;

	(void)from;
	assert_true(k->count < N && n <= ROOM);
	memcpy(k->bytes + k->count * ROOM, bytes, n);
	k->n[k->count++] = n;
	return true;
}

static struct sim *connected(struct kept *k)
{
	struct sim *s = sim_new();

	sim_send(s, 0, 100);
	sim_run(s, 100);
	assert_int_equal(s->side[1].packets, 1);
	s->side[1].packets = s->side[1].packet_bytes = 0;
	*k = (struct kept){ .bytes = mem_new_array(N, ROOM) };
	s->arg = k;
	s->side[0].tap = keep;
	return s;
}

static void done(struct sim *s, struct kept *k)
{
	sim_free(s);
	free(k->bytes);
}

/* Sends 'count' packets in one call, of lengths from 40 on. */
static void send_all(struct sim *s, size_t count, size_t step)
{
	uint8_t *rooms = mem_new_array(count, ROOM);
	struct device_packet *p = mem_new_array(count, sizeof(*p));

	for (size_t i = 0; i < count; i++) {
		p[i].bytes = rooms + i * ROOM + DEVICE_HEADROOM;
		p[i].n = 40 + i * step % 300;
		sim_ip(p[i].bytes, p[i].n, 1, 2);
	}
	device_send(s->side[0].device, p, count, s->now);
	free(p);
	free(rooms);
}

static void receive_all(struct sim *s, const struct kept *k)
{
	struct device_datagram *d = mem_new_array(k->count, sizeof(*d));

	for (size_t i = 0; i < k->count; i++)
		d[i] = (struct device_datagram){ s->side[0].at, k->bytes + i * ROOM, k->n[i], 0 };
	device_receive(s->side[1].device, d, k->count, s->now);
	free(d);
}

static uint64_t counter_of(const struct kept *k, size_t i)
{
	struct message_data m;

	assert_true(message_data_read(&m, span_of(k->bytes + i * ROOM, k->n[i])));
	return m.counter;
}

/* sink.packet of the receiver: lengths show the order. */
static void in_order(void *arg, struct span packet)
{
	struct sim_side *side = arg;

	assert_int_equal(packet.n, 40 + side->packets * 7 % 300);
	sim_packet(arg, packet);
}

static void more_than_a_batch_keeps_its_order_both_ways(void **state)
{
	struct kept k;
	struct sim *s = connected(&k);

	(void)state;
	send_all(s, N, 7);
	assert_int_equal(k.count, N);
	for (size_t i = 1; i < N; i++)
		assert_int_equal(counter_of(&k, i), counter_of(&k, 0) + i);
	s->side[1].device->sink.packet = in_order;
	receive_all(s, &k);
	assert_int_equal(s->side[1].packets, N);
	done(s, &k);
}

static void forged_ones_among_good_are_refused_alone(void **state)
{
	struct kept k;
	struct sim *s = connected(&k);

	(void)state;
	send_all(s, N, 0);
	for (size_t i = 0; i < N; i += 3)
		k.bytes[i * ROOM + k.n[i] - 1 - i % 40] ^= 1;
	receive_all(s, &k);
	assert_int_equal(sim_drops(s, 1, DEVICE_DROP_FORGED), (N + 2) / 3);
	assert_int_equal(s->side[1].packets, N - (N + 2) / 3);
	done(s, &k);
}

static void same_message_twice_in_a_batch_counts_once(void **state)
{
	struct kept k;
	struct sim *s = connected(&k);

	(void)state;
	send_all(s, 10, 0);
	for (size_t i = 0; i < 10; i++) {
		memcpy(k.bytes + (10 + i) * ROOM, k.bytes + i * ROOM, k.n[i]);
		k.n[10 + i] = k.n[i];
	}
	k.count = 20;
	receive_all(s, &k);
	assert_int_equal(s->side[1].packets, 10);
	assert_int_equal(sim_drops(s, 1, DEVICE_DROP_REPLAYED), 10);
	done(s, &k);
}

/* Among data messages of the old session come an initiation and, under the session it makes,
 * nothing yet: those behind it are still of a session there is. */
static void handshake_in_the_middle_disturbs_nothing(void **state)
{
	struct kept k;
	struct sim *s = connected(&k);
	size_t answers = s->side[1].sent[MESSAGE_RESPONSE];

	(void)state;
	send_all(s, 10, 0);
	sim_set_now(s, s->now.ms + 10000);
	engine_initiate(s->side[0].device, s->side[0].peer, false, s->now);
	send_all(s, 10, 0);
	assert_int_equal(k.count, 21);
	receive_all(s, &k);
	assert_int_equal(s->side[1].packets, 20);
	assert_int_equal(s->side[1].sent[MESSAGE_RESPONSE], answers + 1);
	done(s, &k);
}

/* The first message under a new session ends the one before the last: what came under that in the
 * same batch, and was opened with the rest, belongs to no session any more. */
static void session_ended_within_a_batch_takes_no_more(void **state)
{
	struct kept k;
	struct sim *s = connected(&k);

	(void)state;
	send_all(s, 1, 0); /* under the oldest */
	for (int i = 0; i < 2; i++) {
		s->side[0].tap = NULL;
		sim_set_now(s, s->now.ms + 10000);
		engine_initiate(s->side[0].device, s->side[0].peer, false, s->now);
		/* The last one is not confirmed: its first message is kept. */
		while (sim_first(s) < s->count) {
			if (i && s->side[0].peer->keypairs.previous &&
			    s->side[1].peer->keypairs.next)
				s->side[0].tap = keep;
			if (!sim_deliver_one(s, s->now.ms + 100))
				break;
		}
	}
	s->side[0].tap = keep;
	send_all(s, 1, 0); /* under the newest */
	assert_true(k.count >= 2);
	assert_non_null(s->side[1].peer->keypairs.next);
	/* Newest first, then the oldest. */
	for (size_t i = 0; i < ROOM; i++) {
		uint8_t byte = k.bytes[i];

		k.bytes[i] = k.bytes[(k.count - 1) * ROOM + i];
		k.bytes[(k.count - 1) * ROOM + i] = byte;
	}
	{
		size_t n = k.n[0];

		k.n[0] = k.n[k.count - 1];
		k.n[k.count - 1] = n;
	}
	receive_all(s, &k);
	assert_null(s->side[1].peer->keypairs.next);
	assert_int_equal(s->side[1].packets, 1);
	assert_int_equal(sim_drops(s, 1, DEVICE_DROP_INDEX), 1);
	done(s, &k);
}

/* A handshake ends the session before the last at once: what came under it in the same batch, but
 * earlier, was in time. */
static void handshake_waits_for_what_came_before_it(void **state)
{
	struct kept k;
	struct sim *s = connected(&k);

	(void)state;
	send_all(s, 1, 0); /* kept, under what is soon the session before the last */
	s->side[0].tap = NULL;
	sim_set_now(s, s->now.ms + 10000);
	engine_initiate(s->side[0].device, s->side[0].peer, false, s->now);
	sim_run(s, 100);
	assert_non_null(s->side[1].peer->keypairs.previous);
	s->side[0].tap = keep;
	sim_set_now(s, s->now.ms + 10000);
	engine_initiate(s->side[0].device, s->side[0].peer, false, s->now);
	assert_int_equal(k.count, 2);
	receive_all(s, &k);
	assert_null(s->side[1].peer->keypairs.previous);
	assert_int_equal(s->side[1].packets, 1);
	assert_int_equal(sim_drops(s, 1, DEVICE_DROP_INDEX), 0);
	done(s, &k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_than_a_batch_keeps_its_order_both_ways),
		cmocka_unit_test(forged_ones_among_good_are_refused_alone),
		cmocka_unit_test(same_message_twice_in_a_batch_counts_once),
		cmocka_unit_test(handshake_in_the_middle_disturbs_nothing),
		cmocka_unit_test(handshake_waits_for_what_came_before_it),
		cmocka_unit_test(session_ended_within_a_batch_takes_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
