/* What somebody on the wire, or a peer that misbehaves, tries against a device.
 * Rows of the attack catalogue are named g<number>_... */
#include "wg_sim.h"

#include "wireguard/cookie.h"

/* The last datagram of each type that went over the wire. */
struct recorder {
	uint8_t bytes[5][SIM_DATAGRAM_MAX];
	size_t n[5];
	unsigned hold; /* bit n: datagrams of type n are taken away */
};

static bool record(struct sim *s, int from, const uint8_t *bytes, size_t n)
{
	struct recorder *r = s->arg;

	(void)from;
	memcpy(r->bytes[bytes[0]], bytes, n);
	r->n[bytes[0]] = n;
	return r->hold >> bytes[0] & 1;
}

static struct sim *recorded(struct recorder *r)
{
	struct sim *s = sim_new();

	*r = (struct recorder){ 0 };
	s->arg = r;
	s->side[0].tap = s->side[1].tap = record;
	return s;
}

static void inject(struct sim *s, int to, const struct recorder *r, enum message_type type)
{
	sim_receive(s, to, &s->side[!to].at, r->bytes[type], r->n[type]);
}

static void g1_response_replayed_makes_no_second_session(void **state)
{
	struct recorder r;
	struct sim *s = recorded(&r);
	struct keypair *first;

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 100);
	first = s->side[0].peer->keypairs.current;
	assert_int_equal(first->send_counter, 1);
	for (int i = 0; i < 3; i++)
		inject(s, 0, &r, MESSAGE_RESPONSE);
	assert_ptr_equal(s->side[0].peer->keypairs.current, first);
	assert_null(s->side[0].peer->keypairs.previous);
	assert_int_equal(first->send_counter, 1);
	assert_int_equal(s->side[0].events[DEVICE_HANDSHAKE], 1);
	assert_int_equal(sim_drops(s, 0, DEVICE_DROP_INDEX), 3);
	sim_free(s);
}

static void g1_late_response_after_an_intermediate_initiation_refused(void **state)
{
	struct recorder r;
	struct sim *s = recorded(&r);
	struct recorder first;

	(void)state;
	r.hold = 1u << MESSAGE_RESPONSE;
	sim_send(s, 0, 100);
	sim_run(s, 4000);
	assert_int_equal(r.n[MESSAGE_RESPONSE], MESSAGE_RESPONSE_LEN);
	first = r;
	/* The retry is the intermediate initiation. */
	sim_run(s, 2000);
	assert_int_equal(s->side[0].sent[MESSAGE_INITIATION], 2);
	inject(s, 0, &first, MESSAGE_RESPONSE);
	assert_int_equal(s->side[0].events[DEVICE_HANDSHAKE], 0);
	assert_null(s->side[0].peer->keypairs.current);
	/* The response to the newer one is taken, once. */
	inject(s, 0, &r, MESSAGE_RESPONSE);
	inject(s, 0, &r, MESSAGE_RESPONSE);
	inject(s, 0, &first, MESSAGE_RESPONSE);
	assert_int_equal(s->side[0].events[DEVICE_HANDSHAKE], 1);
	sim_run(s, 100);
	assert_int_equal(s->side[1].packets, 1);
	sim_free(s);
}

static void g2_many_messages_ask_for_a_new_session(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 10'000);
	s->side[0].peer->keypairs.current->send_counter = KEYPAIR_REKEY_AFTER_MESSAGES;
	sim_send(s, 0, 100);
	sim_run(s, 100);
	assert_int_equal(s->side[0].sent[MESSAGE_INITIATION], 2);
	assert_int_equal(s->side[1].packets, 2);
	assert_true(s->side[0].peer->keypairs.current->send_counter < 3);
	sim_free(s);
}

static void g2_numbers_used_up_send_nothing_under_that_key(void **state)
{
	struct recorder r;
	struct sim *s = recorded(&r);
	uint64_t counter = 0;

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 10'000);
	s->side[0].peer->keypairs.current->send_counter = REPLAY_REJECT_AFTER - 1;
	r.hold = 1u << MESSAGE_INITIATION;
	sim_send(s, 0, 100); /* the last number */
	memcpy(&counter, r.bytes[MESSAGE_DATA] + 8, 8);
	assert_true(counter == REPLAY_REJECT_AFTER - 1);
	sim_run(s, 10);
	assert_int_equal(s->side[1].packets, 2);
	s->side[0].sent[MESSAGE_DATA] = 0;
	for (int i = 0; i < 10; i++)
		sim_send(s, 0, 100);
	assert_int_equal(s->side[0].sent[MESSAGE_DATA], 0);
	assert_int_equal(s->side[0].peer->staged_count, 10);
	r.hold = 0;
	sim_run(s, 10'000);
	assert_int_equal(s->side[1].packets, 12);
	sim_free(s);
}

static void g4_replayed_data_refused(void **state)
{
	struct recorder r;
	struct sim *s = recorded(&r);

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 100);
	for (int i = 0; i < 5; i++)
		inject(s, 1, &r, MESSAGE_DATA);
	assert_int_equal(s->side[1].packets, 1);
	assert_int_equal(sim_drops(s, 1, DEVICE_DROP_REPLAYED), 5);
	sim_free(s);
}

static void g4_forged_counter_does_not_move_the_window(void **state)
{
	struct recorder r;
	struct sim *s = recorded(&r);

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 100);
	memset(r.bytes[MESSAGE_DATA] + 8, 0x7f, 8);
	inject(s, 1, &r, MESSAGE_DATA);
	assert_int_equal(sim_drops(s, 1, DEVICE_DROP_FORGED), 1);
	sim_send(s, 0, 100);
	sim_run(s, 100);
	assert_int_equal(s->side[1].packets, 2);
	sim_free(s);
}

static void g5_every_other_length_is_malformed(void **state)
{
	struct recorder r;
	struct sim *s = recorded(&r);
	uint64_t want = 0;

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 100);
	for (uint8_t type = MESSAGE_INITIATION; type <= MESSAGE_COOKIE; type++)
		for (size_t n = 0; n <= 200; n++) {
			static const size_t exact[] = { 0, 148, 92, 64 };
			uint8_t b[200] = { type };

			if (n == exact[type])
				continue;
			sim_receive(s, 1, &s->side[0].at, b, n);
			assert_int_equal(sim_drops(s, 1, DEVICE_DROP_MALFORMED), ++want);
		}
	for (size_t n = 0; n < 32; n++) {
		sim_receive(s, 1, &s->side[0].at, r.bytes[MESSAGE_DATA], n);
		assert_int_equal(sim_drops(s, 1, DEVICE_DROP_MALFORMED), ++want);
	}
	sim_free(s);
}

static void any_flipped_byte_of_data_is_refused(void **state)
{
	struct recorder r;
	struct sim *s = recorded(&r);

	(void)state;
	r.hold = 1u << MESSAGE_DATA;
	sim_send(s, 0, 100);
	sim_run(s, 100);
	for (size_t i = 0; i < r.n[MESSAGE_DATA]; i++) {
		r.bytes[MESSAGE_DATA][i] ^= 4;
		inject(s, 1, &r, MESSAGE_DATA);
		r.bytes[MESSAGE_DATA][i] ^= 4;
	}
	assert_int_equal(s->side[1].packets, 0);
	assert_int_equal(s->side[1].events[DEVICE_HANDSHAKE], 0);
	inject(s, 1, &r, MESSAGE_DATA);
	assert_int_equal(s->side[1].packets, 1);
	sim_free(s);
}

static void any_flipped_byte_of_a_handshake_is_refused(void **state)
{
	struct recorder r;
	struct sim *s = recorded(&r);

	(void)state;
	r.hold = 1u << MESSAGE_INITIATION | 1u << MESSAGE_RESPONSE;
	sim_send(s, 0, 100);
	/* mac2 is not looked at without load. */
	for (size_t i = 0; i < MESSAGE_INITIATION_LEN - MESSAGE_MAC_LEN; i++) {
		r.bytes[1][i] ^= 4;
		inject(s, 1, &r, MESSAGE_INITIATION);
		r.bytes[1][i] ^= 4;
	}
	assert_int_equal(s->side[1].sent[MESSAGE_RESPONSE], 0);
	assert_false(s->side[1].peer->has_endpoint);
	inject(s, 1, &r, MESSAGE_INITIATION);
	assert_int_equal(s->side[1].sent[MESSAGE_RESPONSE], 1);
	for (size_t i = 0; i < MESSAGE_RESPONSE_LEN - MESSAGE_MAC_LEN; i++) {
		r.bytes[2][i] ^= 4;
		inject(s, 0, &r, MESSAGE_RESPONSE);
		r.bytes[2][i] ^= 4;
	}
	assert_int_equal(s->side[0].events[DEVICE_HANDSHAKE], 0);
	inject(s, 0, &r, MESSAGE_RESPONSE);
	assert_int_equal(s->side[0].events[DEVICE_HANDSHAKE], 1);
	sim_free(s);
}

static void replayed_initiation_gets_no_answer(void **state)
{
	struct recorder r;
	struct sim *s = recorded(&r);

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 1000);
	for (int i = 0; i < 10; i++) {
		inject(s, 1, &r, MESSAGE_INITIATION);
		sim_run(s, 100);
	}
	assert_int_equal(s->side[1].sent[MESSAGE_RESPONSE], 1);
	assert_int_equal(sim_drops(s, 1, DEVICE_DROP_STALE), 10);
	/* The session there was is not disturbed. */
	sim_send(s, 0, 100);
	sim_run(s, 100);
	assert_int_equal(s->side[1].packets, 2);
	sim_free(s);
}

static void stranger_with_our_public_key_is_unknown(void **state)
{
	struct recorder r;
	struct sim *s = recorded(&r);

	(void)state;
	device_peer_remove(s->side[1].device, s->side[1].peer);
	sim_send(s, 0, 100);
	sim_run(s, 100);
	assert_int_equal(s->side[1].sent[MESSAGE_RESPONSE], 0);
	assert_int_equal(sim_drops(s, 1, DEVICE_DROP_UNKNOWN_PEER), 1);
	sim_free(s);
}

static void without_a_key_handshakes_are_not_ours(void **state)
{
	const struct key32 none = { 0 };
	struct sim *s = sim_new();

	(void)state;
	device_set_key(s->side[1].device, &none);
	sim_send(s, 0, 100);
	sim_run(s, 100);
	assert_int_equal(sim_drops(s, 1, DEVICE_DROP_MAC1), 1);
	sim_free(s);
}

/* Somebody who knows our public key sends initiations as fast as he likes from
 * addresses he does not have.  Public-key work stays within the load limit,
 * and an honest peer gets in by its cookie. */
static void g10_flood_of_initiations_is_answered_by_cookies(void **state)
{
	enum {
		FLOOD = 20'000
	};
	struct sim *s = sim_new();
	struct endpoint from = sim_endpoint("203.0.113.1:1");
	struct cookie_maker maker;
	uint64_t worked;

	(void)state;
	cookie_maker_set(&maker, s->side[1].public_key);
	for (uint32_t i = 0; i < FLOOD; i++) {
		uint8_t m[MESSAGE_INITIATION_LEN] = { MESSAGE_INITIATION };

		memcpy(m + 8, &i, sizeof(i));
		m[20] = 9;
		memcpy(from.ip, &i, 4);
		cookie_stamp(&maker, m, sizeof(m), s->now.ms);
		sim_receive(s, 1, &from, m, sizeof(m));
		if (i % 10 == 9) /* 10,000 a second */
			sim_run(s, 1);
	}
	worked = sim_drops(s, 1, DEVICE_DROP_HANDSHAKE);
	assert_true(worked <= 100 + 500 * 2 + 10);
	assert_int_equal(worked + sim_drops(s, 1, DEVICE_DROP_COOKIE), FLOOD);
	assert_int_equal(s->side[1].sent[MESSAGE_COOKIE], FLOOD - worked);
	/* Still under load: the honest one is sent a cookie, and comes back. */
	sim_send(s, 0, 100);
	assert_int_equal(s->side[1].packets, 0);
	for (int ms = 0; ms < 6000; ms++) {
		for (uint32_t i = 0; i < 2; i++) {
			uint8_t m[MESSAGE_INITIATION_LEN] = { MESSAGE_INITIATION };

			m[20] = 9;
			cookie_stamp(&maker, m, sizeof(m), s->now.ms);
			sim_receive(s, 1, &from, m, sizeof(m));
		}
		sim_run(s, 1);
	}
	assert_int_equal(s->side[1].packets, 1);
	assert_int_equal(s->side[0].sent[MESSAGE_INITIATION], 2);
	/* The load is over: no cookie is asked for. */
	sim_run(s, 2000);
	s->side[1].sent[MESSAGE_COOKIE] = 0;
	sim_run(s, 200'000);
	sim_send(s, 0, 100);
	sim_run(s, 1000);
	assert_int_equal(s->side[1].sent[MESSAGE_COOKIE], 0);
	assert_int_equal(s->side[1].packets, 2);
	sim_free(s);
}

/* With a cookie, an address may handshake 20 times a second, no more. */
static void g10_cookie_owner_is_limited_too(void **state)
{
	struct sim *s = sim_new();
	struct cookie_maker maker;
	struct message_cookie reply;
	uint8_t m[MESSAGE_INITIATION_LEN] = { MESSAGE_INITIATION };
	uint64_t worked;

	(void)state;
	cookie_maker_set(&maker, s->side[1].public_key);
	cookie_stamp(&maker, m, sizeof(m), s->now.ms);
	for (int i = 0; i < 200; i++)
		sim_receive(s, 1, &s->side[0].at, m, sizeof(m));
	cookie_reply(&s->side[1].device->cookies, &reply, SPAN_ARRAY(m), 0, &s->side[0].at,
		     s->now.ms);
	assert_true(cookie_take(&maker, &reply, s->now.ms));
	worked = sim_drops(s, 1, DEVICE_DROP_HANDSHAKE);
	cookie_stamp(&maker, m, sizeof(m), s->now.ms);
	for (int i = 0; i < 200; i++)
		sim_receive(s, 1, &s->side[0].at, m, sizeof(m));
	assert_int_equal(sim_drops(s, 1, DEVICE_DROP_HANDSHAKE) - worked, RATELIMIT_BURST);
	assert_int_equal(sim_drops(s, 1, DEVICE_DROP_RATE), 200 - RATELIMIT_BURST);
	sim_free(s);
}

static void forged_cookie_reply_refused(void **state)
{
	struct recorder r;
	struct sim *s = recorded(&r);
	uint8_t m[MESSAGE_COOKIE_LEN] = { MESSAGE_COOKIE };

	(void)state;
	r.hold = 1u << MESSAGE_INITIATION;
	sim_send(s, 0, 100);
	sim_receive(s, 0, &s->side[1].at, m, sizeof(m));
	assert_int_equal(sim_drops(s, 0, DEVICE_DROP_INDEX), 1);
	memcpy(m + 4, r.bytes[MESSAGE_INITIATION] + 4, 4);
	sim_receive(s, 0, &s->side[1].at, m, sizeof(m));
	assert_int_equal(sim_drops(s, 0, DEVICE_DROP_HANDSHAKE), 1);
	assert_false(s->side[0].peer->cookies.has_cookie);
	sim_free(s);
}

static void g13_inner_source_of_another_peer_refused(void **state)
{
	struct sim *s = sim_new();
	struct allowedips_prefix all = sim_prefix("0.0.0.0/0");

	(void)state;
	assert_int_equal(device_peer_allow(s->side[0].device, s->side[0].peer, &all), RC_OK);
	sim_send_ip(s, 0, 100, 77, 2);
	sim_run(s, 100);
	assert_int_equal(s->side[1].packets, 0);
	assert_int_equal(sim_drops(s, 1, DEVICE_DROP_SOURCE), 1);
	sim_send_ip(s, 0, 100, 1, 2);
	sim_run(s, 100);
	assert_int_equal(s->side[1].packets, 1);
	sim_free(s);
}

static void g13_address_moved_to_another_peer_is_refused_at_once(void **state)
{
	struct sim *s = sim_new();
	const uint8_t key[32] = { 5 };
	struct allowedips_prefix mine = sim_prefix("10.0.0.1/32");
	struct peer *other;

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 100);
	assert_int_equal(device_peer_add(s->side[1].device, &other, key), RC_OK);
	assert_int_equal(device_peer_allow(s->side[1].device, other, &mine), RC_OK);
	sim_send(s, 0, 100);
	sim_run(s, 100);
	assert_int_equal(s->side[1].packets, 1);
	assert_int_equal(sim_drops(s, 1, DEVICE_DROP_SOURCE), 1);
	sim_free(s);
}

/* What a peer may put into a data message, by hand. */
static const struct inner {
	const char *name;
	size_t n;
	uint8_t header_words;
	size_t total;
	uint8_t version;
	bool want;
} inners[] = {
	{ "whole", 40, 5, 40, 4, true },
	{ "padding_behind_cut_off", 40, 5, 30, 4, true },
	{ "header_only", 20, 5, 20, 4, true },
	{ "options", 60, 15, 60, 4, true },
	{ "shorter_than_a_header", 19, 5, 19, 4, false },
	{ "header_longer_than_total", 40, 6, 20, 4, false },
	{ "header_too_short", 40, 4, 40, 4, false },
	{ "total_longer_than_datagram", 40, 5, 200, 4, false },
	{ "total_shorter_than_header", 40, 5, 19, 4, false },
	{ "total_zero", 40, 5, 0, 4, false },
	{ "version_0", 40, 5, 40, 0, false },
	{ "version_5", 40, 5, 40, 5, false },
	{ "version_15", 40, 5, 40, 15, false },
	{ "one_byte", 1, 5, 1, 4, false },
};

static void inner_packets_that_are_none_are_refused(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 100);
	for (size_t i = 0; i < sizeof(inners) / sizeof(*inners); i++) {
		const struct inner *in = &inners[i];
		uint8_t room[DEVICE_HEADROOM + 100 + DEVICE_TAILROOM];
		uint8_t *b = room + DEVICE_HEADROOM;
		uint64_t drops = sim_drops(s, 1, DEVICE_DROP_INNER);

		print_message("%s\n", in->name);
		s->side[1].packets = 0;
		sim_ip(b, 100, 1, 2);
		b[0] = (uint8_t)((unsigned)in->version << 4 | in->header_words);
		b[2] = 0;
		b[3] = (uint8_t)in->total;
		/* Around the sender's own check. */
		engine_send(s->side[0].device, s->side[0].peer, b, in->n, s->now);
		engine_seal(s->side[0].device, s->now);
		sim_run(s, 100);
		assert_int_equal(s->side[1].packets, in->want);
		assert_int_equal(sim_drops(s, 1, DEVICE_DROP_INNER) - drops, !in->want);
		if (in->want)
			assert_int_equal(s->side[1].last_packet_len, in->total);
	}
	sim_free(s);
}

static void packets_to_send_that_are_none_are_refused(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	for (size_t n = 0; n < 20; n++) {
		uint8_t room[DEVICE_HEADROOM + 20 + DEVICE_TAILROOM];
		struct device_packet p = { room + DEVICE_HEADROOM, n };

		sim_ip(p.bytes, 20, 1, 2);
		device_send(s->side[0].device, &p, 1, s->now);
	}
	assert_int_equal(sim_drops(s, 0, DEVICE_DROP_PACKET), 20);
	assert_int_equal(s->side[0].sent[MESSAGE_INITIATION], 0);
	sim_free(s);
}

static void g15_removed_peer_with_packets_in_flight(void **state)
{
	struct recorder r;
	struct sim *s = recorded(&r);

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 100);
	sim_send(s, 0, 100);
	sim_send(s, 1, 100);
	device_peer_remove(s->side[1].device, s->side[1].peer);
	sim_run(s, 100);
	assert_int_equal(s->side[1].packets, 1);
	assert_int_equal(sim_drops(s, 1, DEVICE_DROP_INDEX), 1);
	assert_int_equal(s->side[1].device->indexes.count, 0);
	sim_free(s);
}

static void session_older_than_three_minutes_is_refused(void **state)
{
	struct recorder r;
	struct sim *s = recorded(&r);

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 179'000);
	r.hold = 1u << MESSAGE_DATA | 1u << MESSAGE_INITIATION;
	sim_send(s, 0, 100);
	sim_run(s, 2000);
	inject(s, 1, &r, MESSAGE_DATA);
	assert_int_equal(s->side[1].packets, 1);
	assert_int_equal(sim_drops(s, 1, DEVICE_DROP_EXPIRED), 1);
	/* Nor is anything sent under it. */
	s->side[0].sent[MESSAGE_DATA] = 0;
	sim_send(s, 0, 100);
	assert_int_equal(s->side[0].sent[MESSAGE_DATA], 0);
	sim_free(s);
}

static void g8_replay_from_another_address_does_not_redirect(void **state)
{
	struct recorder r;
	struct sim *s = recorded(&r);
	struct endpoint attacker = sim_endpoint("203.0.113.66:666");

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 100);
	for (enum message_type t = MESSAGE_INITIATION; t <= MESSAGE_DATA; t++)
		if (r.n[t])
			sim_receive(s, 1, &attacker, r.bytes[t], r.n[t]);
	assert_true(endpoint_equal(device_peer_view(s->side[1].peer).endpoint, &s->side[0].at));
	sim_free(s);
}

static void g29_indexes_are_random_and_unique(void **state)
{
	struct sim *s = sim_new();
	struct device *d = s->side[0].device;
	uint32_t last = 0;
	int near = 0;

	(void)state;
	map_reserve(&d->indexes, 20'000);
	for (int i = 0; i < 10'000; i++) {
		uint32_t index = engine_index_new(d, s->side[0].peer);

		assert_int_not_equal(index, 0);
		near += index - last < 1000;
		last = index;
	}
	assert_int_equal(d->indexes.count, 10'000);
	assert_true(near < 10);
	sim_free(s);
}

static void random_bytes_do_nothing(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 100);
	for (int i = 0; i < 20'000; i++) {
		uint8_t b[300];
		size_t n = sim_random(s, sizeof(b));

		for (size_t k = 0; k < n; k++)
			b[k] = (uint8_t)sim_random(s, 256);
		if (n > 4 && i & 1) {
			memset(b, 0, 4);
			b[0] = (uint8_t)(1 + sim_random(s, 4));
		}
		sim_receive(s, 1, &s->side[0].at, b, n);
	}
	assert_int_equal(s->side[1].packets, 1);
	assert_int_equal(s->side[1].sent[MESSAGE_RESPONSE], 1);
	sim_send(s, 0, 100);
	sim_run(s, 100);
	assert_int_equal(s->side[1].packets, 2);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(g1_response_replayed_makes_no_second_session),
		cmocka_unit_test(g1_late_response_after_an_intermediate_initiation_refused),
		cmocka_unit_test(g2_many_messages_ask_for_a_new_session),
		cmocka_unit_test(g2_numbers_used_up_send_nothing_under_that_key),
		cmocka_unit_test(g4_replayed_data_refused),
		cmocka_unit_test(g4_forged_counter_does_not_move_the_window),
		cmocka_unit_test(g5_every_other_length_is_malformed),
		cmocka_unit_test(any_flipped_byte_of_data_is_refused),
		cmocka_unit_test(any_flipped_byte_of_a_handshake_is_refused),
		cmocka_unit_test(replayed_initiation_gets_no_answer),
		cmocka_unit_test(stranger_with_our_public_key_is_unknown),
		cmocka_unit_test(without_a_key_handshakes_are_not_ours),
		cmocka_unit_test(g10_flood_of_initiations_is_answered_by_cookies),
		cmocka_unit_test(g10_cookie_owner_is_limited_too),
		cmocka_unit_test(forged_cookie_reply_refused),
		cmocka_unit_test(g13_inner_source_of_another_peer_refused),
		cmocka_unit_test(g13_address_moved_to_another_peer_is_refused_at_once),
		cmocka_unit_test(inner_packets_that_are_none_are_refused),
		cmocka_unit_test(packets_to_send_that_are_none_are_refused),
		cmocka_unit_test(g15_removed_peer_with_packets_in_flight),
		cmocka_unit_test(session_older_than_three_minutes_is_refused),
		cmocka_unit_test(g8_replay_from_another_address_does_not_redirect),
		cmocka_unit_test(g29_indexes_are_random_and_unique),
		cmocka_unit_test(random_bytes_do_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
