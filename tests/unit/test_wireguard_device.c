/* Two devices back to back over a simulated link: what works, over hours of
 * virtual time.  What an attacker tries is in test_wireguard_attack.c. */
#include "wg_sim.h"

static void handshake_and_data_both_ways(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 100);
	assert_int_equal(s->side[1].packets, 1);
	assert_int_equal(s->side[1].last_packet_len, 100);
	sim_send(s, 1, 1400);
	sim_run(s, 100);
	assert_int_equal(s->side[0].packets, 1);
	assert_int_equal(s->side[0].last_packet_len, 1400);
	assert_int_equal(s->side[0].sent[MESSAGE_INITIATION], 1);
	assert_int_equal(s->side[1].sent[MESSAGE_RESPONSE], 1);
	assert_int_equal(s->side[0].events[DEVICE_HANDSHAKE], 1);
	assert_int_equal(s->side[1].events[DEVICE_HANDSHAKE], 1);
	sim_free(s);
}

static void content_arrives_whole_at_every_size(void **state)
{
	struct sim *s = sim_new();
	uint8_t want[1420];
	size_t n;

	(void)state;
	for (n = 20; n <= 1420; n++) {
		sim_send(s, 0, n);
		sim_run(s, 20);
		sim_ip(want, n, 1, 2);
		assert_int_equal(s->side[1].last_packet_len, n);
		assert_memory_equal(s->side[1].last_packet, want, n);
	}
	assert_int_equal(s->side[1].packets, 1401);
	sim_free(s);
}

static bool check_length(struct sim *s, int from, const uint8_t *bytes, size_t n)
{
	size_t mtu = s->side[from].device->mtu;

	if (bytes[0] == MESSAGE_DATA) {
		assert_true(n <= mtu + 32);
		assert_true((n - 32) % 16 == 0 || n == mtu + 32);
	}
	return false;
}

static void g25_padding_stays_within_the_mtu(void **state)
{
	static const size_t mtus[] = { 1280, 1420, 1421, 1427, 1500 };
	struct sim *s = sim_new();

	(void)state;
	s->side[0].tap = check_length;
	for (size_t i = 0; i < sizeof(mtus) / sizeof(*mtus); i++) {
		device_set_mtu(s->side[0].device, mtus[i]);
		for (size_t n = mtus[i] - 40; n <= mtus[i]; n++) {
			sim_send(s, 0, n);
			sim_run(s, 20);
			assert_int_equal(s->side[1].last_packet_len, n);
		}
	}
	sim_free(s);
}

static void ipv6_inside_and_outside(void **state)
{
	uint8_t room[DEVICE_HEADROOM + 60 + DEVICE_TAILROOM] = { 0 };
	uint8_t *ip = room + DEVICE_HEADROOM;
	struct device_packet p = { .bytes = ip, .n = 60 };
	struct allowedips_prefix a = sim_prefix("fd00::1/128"), b = sim_prefix("fd00::2/128");
	struct sim *s = sim_new();

	(void)state;
	assert_int_equal(device_peer_allow(s->side[0].device, s->side[0].peer, &b), RC_OK);
	assert_int_equal(device_peer_allow(s->side[1].device, s->side[1].peer, &a), RC_OK);
	s->side[0].at = sim_endpoint("[2001:db8::1]:1000");
	s->side[1].at = sim_endpoint("[2001:db8::2]:2000");
	device_peer_set_endpoint(s->side[0].peer, &s->side[1].at);
	ip[0] = 0x60;
	ip[5] = 20;
	ip[8] = ip[24] = 0xfd;
	ip[23] = 1;
	ip[39] = 2;
	device_send(s->side[0].device, &p, 1, s->now);
	sim_run(s, 100);
	assert_int_equal(s->side[1].packets, 1);
	assert_int_equal(s->side[1].last_packet_len, 60);
	sim_free(s);
}

static void batches_keep_their_order(void **state)
{
	enum {
		N = 50,
		SLOT = DEVICE_HEADROOM + 100 + DEVICE_TAILROOM
	};
	uint8_t room[N][SLOT];
	struct device_packet p[N];
	struct sim *s = sim_new();

	(void)state;
	for (size_t i = 0; i < N; i++) {
		p[i] = (struct device_packet){ room[i] + DEVICE_HEADROOM, 40 + i };
		sim_ip(p[i].bytes, p[i].n, 1, 2);
	}
	/* Without a session: staged, then sent in order. */
	device_send(s->side[0].device, p, N, s->now);
	sim_run(s, 100);
	assert_int_equal(s->side[1].packets, N);
	assert_int_equal(s->side[1].last_packet_len, 40 + N - 1);
	sim_free(s);
}

static void session_is_renewed_every_two_minutes_without_loss(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	for (int i = 0; i < 3600; i++) {
		sim_send(s, 0, 100);
		sim_send(s, 1, 100);
		sim_run(s, 1000);
	}
	assert_int_equal(s->side[1].packets, 3600);
	/* The very first of side 1 may go before it knows an endpoint. */
	assert_true(s->side[0].packets >= 3599);
	assert_in_range(s->side[0].events[DEVICE_HANDSHAKE], 29, 31);
	assert_int_equal(s->side[1].sent[MESSAGE_INITIATION], 0);
	assert_int_equal(s->side[0].device->indexes.count, 2);
	sim_free(s);
}

static void listening_initiator_renews_before_the_end(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 1000);
	/* Side 0 sends keepalives only; side 1 must never be cut off. */
	for (int i = 0; i < 1200; i++) {
		sim_send(s, 1, 100);
		sim_run(s, 500);
	}
	assert_int_equal(s->side[0].packets, 1200);
	sim_free(s);
}

/* Its next keepalive would come too late for that. */
static void listening_initiator_renews_at_once_near_the_end(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 172'000);
	assert_int_equal(s->side[0].sent[MESSAGE_INITIATION], 1);
	sim_send(s, 1, 100);
	sim_run(s, 100);
	assert_int_equal(s->side[0].packets, 1);
	assert_int_equal(s->side[0].sent[MESSAGE_INITIATION], 2);
	assert_int_equal(s->side[1].sent[MESSAGE_INITIATION], 0);
	sim_free(s);
}

static void keepalive_ten_seconds_after_receiving(void **state)
{
	struct sim *s = sim_new();
	size_t sent;

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 1000);
	sent = s->side[1].sent[MESSAGE_DATA];
	sim_run(s, 8900);
	assert_int_equal(s->side[1].sent[MESSAGE_DATA], sent);
	sim_run(s, 200);
	assert_int_equal(s->side[1].sent[MESSAGE_DATA], sent + 1);
	sim_run(s, 100'000);
	assert_int_equal(s->side[1].sent[MESSAGE_DATA], sent + 1);
	sim_free(s);
}

static void idle_tunnel_is_silent(void **state)
{
	struct sim *s = sim_new();
	size_t sent;

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 30'000);
	sent = s->side[0].sent[MESSAGE_DATA] + s->side[1].sent[MESSAGE_DATA];
	sim_run(s, 3'600'000);
	assert_int_equal(s->side[0].sent[MESSAGE_DATA] + s->side[1].sent[MESSAGE_DATA], sent);
	assert_int_equal(s->side[0].sent[MESSAGE_INITIATION], 1);
	sim_free(s);
}

static void keys_are_gone_after_nine_minutes(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 530'000);
	assert_non_null(s->side[0].peer->keypairs.current);
	sim_run(s, 20'000);
	for (int i = 0; i < 2; i++) {
		assert_null(s->side[i].peer->keypairs.current);
		assert_null(s->side[i].peer->keypairs.previous);
		assert_int_equal(s->side[i].device->indexes.count, 0);
		assert_true(key32_is_zero(&s->side[i].peer->handshake.chaining_key));
	}
	sim_send(s, 0, 100);
	sim_run(s, 100);
	assert_int_equal(s->side[1].packets, 2);
	sim_free(s);
}

static void persistent_keepalive_every_interval(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	device_peer_set_keepalive(s->side[0].device, s->side[0].peer, 25, s->now);
	sim_run(s, 3'600'000);
	/* 144 intervals, and one to confirm each of some 28 renewals. */
	assert_in_range(s->side[0].sent[MESSAGE_DATA], 144, 180);
	assert_true(s->side[0].sent[MESSAGE_INITIATION] >= 24);
	assert_int_equal(device_peer_view(s->side[0].peer).keepalive_s, 25);
	device_peer_set_keepalive(s->side[0].device, s->side[0].peer, 0, s->now);
	sim_run(s, 30'000);
	s->side[0].sent[MESSAGE_DATA] = 0;
	sim_run(s, 3'600'000);
	assert_int_equal(s->side[0].sent[MESSAGE_DATA], 0);
	sim_free(s);
}

static void unanswered_initiations_stop_after_ninety_seconds(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	s->loss_percent = 100;
	sim_send(s, 0, 100);
	sim_run(s, 88'000);
	assert_int_equal(s->side[0].events[DEVICE_GAVE_UP], 0);
	assert_int_equal(s->side[0].peer->staged_count, 1);
	sim_run(s, 20'000);
	assert_int_equal(s->side[0].events[DEVICE_GAVE_UP], 1);
	assert_int_equal(s->side[0].peer->staged_count, 0);
	assert_in_range(s->side[0].sent[MESSAGE_INITIATION], 17, 19);
	sim_run(s, 1'000'000);
	assert_in_range(s->side[0].sent[MESSAGE_INITIATION], 17, 19);
	/* Traffic begins anew. */
	s->loss_percent = 0;
	sim_send(s, 0, 100);
	sim_run(s, 100);
	assert_int_equal(s->side[1].packets, 1);
	sim_free(s);
}

static void staged_packets_are_bounded_and_the_newest_kept(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	for (size_t i = 0; i < 500; i++)
		sim_send(s, 0, 100 + i);
	assert_int_equal(s->side[0].peer->staged_count, PEER_STAGED_MAX);
	assert_int_equal(sim_drops(s, 0, DEVICE_DROP_STAGED), 500 - PEER_STAGED_MAX);
	sim_run(s, 100);
	assert_int_equal(s->side[1].packets, PEER_STAGED_MAX);
	assert_int_equal(s->side[1].last_packet_len, 599);
	assert_int_equal(s->side[0].device->common->staged.bytes, 0);
	sim_free(s);
}

static void staging_budget_is_the_devices(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	sim_send(s, 0, 100);
	/* What is counted is the memory, not the content. */
	assert_true(s->side[0].device->common->staged.bytes >=
		    DEVICE_HEADROOM + 100 + DEVICE_TAILROOM);
	s->side[0].device->common->staged.bytes_max = 10 * s->side[0].device->common->staged.bytes;
	for (size_t i = 0; i < 10; i++)
		sim_send(s, 0, 100);
	assert_int_equal(s->side[0].peer->staged_count, 10);
	assert_int_equal(sim_drops(s, 0, DEVICE_DROP_STAGED), 1);
	sim_free(s);
}

/* Sees where the last initiation goes to. */
struct local_tap {
	struct device_sink sink;
	size_t count, with_local;
};

static void local_packet(void *arg, struct span packet)
{
	(void)arg;
	(void)packet;
}

static void local_datagram(void *arg, const struct endpoint *to, struct span bytes, unsigned ecn)
{
	struct local_tap *t = arg;

	t->sink.datagram(t->sink.arg, to, bytes, ecn);
	t->count++;
	t->with_local += to->has_local && to->local[0] == 203;
}

static void peer_is_answered_from_where_it_spoke_to_until_it_is_silent(void **state)
{
	struct sim *s = sim_new();
	struct device *d = s->side[1].device;
	struct local_tap t = { .sink = d->sink };

	(void)state;
	d->sink.datagram = local_datagram;
	d->sink.arg = &t;
	d->sink.packet = local_packet;
	d->sink.event = NULL;
	s->side[0].at.has_local = true; /* as its datagrams arrive */
	s->side[0].at.local[0] = 203;
	sim_send(s, 0, 100);
	sim_run(s, 12'000);
	assert_true(t.count >= 2 && t.with_local == t.count);
	/* Now it is silent: what is sent again goes out from any address. */
	s->loss_percent = 100;
	t.count = t.with_local = 0;
	sim_send(s, 1, 100);
	assert_int_equal(t.with_local, 1);
	sim_run(s, 60'000);
	assert_true(t.count > 5 && t.with_local == 1);
	sim_free(s);
}

static void both_initiate_at_once_and_still_meet(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	device_peer_set_endpoint(s->side[1].peer, &s->side[0].at);
	sim_send(s, 0, 100);
	sim_send(s, 1, 100);
	sim_run(s, 20'000);
	assert_int_equal(s->side[0].packets, 1);
	assert_int_equal(s->side[1].packets, 1);
	sim_free(s);
}

static void restarted_side_is_found_again(void **state)
{
	struct sim *s = sim_new();
	struct device_sink sink = {
		.datagram = sim_datagram,
		.packet = sim_packet,
		.event = sim_event,
		.arg = &s->side[1],
	};
	struct allowedips_prefix p = sim_prefix("10.0.0.1/32");

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 1000);
	device_free(s->side[1].device);
	s->side[1].device = device_new(&sink);
	device_set_key(s->side[1].device, &s->side[1].secret);
	assert_int_equal(device_peer_add(s->side[1].device, &s->side[1].peer,
					 s->side[0].public_key),
			 RC_OK);
	assert_int_equal(device_peer_allow(s->side[1].device, s->side[1].peer, &p), RC_OK);
	for (int i = 0; i < 30; i++) {
		sim_send(s, 0, 100);
		sim_run(s, 1000);
	}
	assert_true(sim_drops(s, 1, DEVICE_DROP_INDEX) > 0);
	assert_true(s->side[1].packets >= 12);
	sim_free(s);
}

static void roaming_follows_the_last_authentic_sender(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 100);
	s->side[0].at = sim_endpoint("198.51.100.7:4444");
	sim_send(s, 1, 100);
	sim_run(s, 100);
	assert_int_equal(s->side[0].packets, 0); /* sent to where it was */
	sim_send(s, 0, 100);
	sim_run(s, 100);
	sim_send(s, 1, 100);
	sim_run(s, 100);
	assert_int_equal(s->side[0].packets, 1);
	assert_true(endpoint_equal(device_peer_view(s->side[1].peer).endpoint, &s->side[0].at));
	assert_int_equal(s->side[1].events[DEVICE_MOVED], 2); /* learned, moved */
	sim_free(s);
}

/* Side 1 answers where it was told side 0 is, however side 0 moves. */
static void assert_stays(struct sim *s)
{
	const struct endpoint home = s->side[0].at;

	device_peer_set_endpoint(s->side[1].peer, &home);
	sim_send(s, 0, 100);
	sim_run(s, 100);
	s->side[0].at = sim_endpoint("198.51.100.7:4444");
	for (int i = 0; i < 3; i++) {
		sim_send(s, 0, 100);
		sim_run(s, 100);
	}
	assert_int_equal(s->side[1].packets, 4); /* taken all the same */
	assert_true(endpoint_equal(device_peer_view(s->side[1].peer).endpoint, &home));
	assert_int_equal(s->side[1].events[DEVICE_MOVED], 0);
	assert_int_equal(s->side[1].events[DEVICE_STRAYED], 1);
	/* Nothing goes there: not even the response to a handshake. */
	s->side[0].peer->keypairs.current->send_counter = KEYPAIR_REKEY_AFTER_MESSAGES;
	sim_send(s, 1, 100);
	sim_send(s, 0, 100);
	sim_run(s, 20'000);
	assert_int_equal(s->side[0].packets, 0);
	assert_true(s->side[1].sent[MESSAGE_RESPONSE] >= 2);
	assert_int_equal(s->side[0].events[DEVICE_HANDSHAKE], 1);
	s->side[0].at = home;
	sim_send(s, 0, 100);
	sim_run(s, 20'000);
	assert_int_equal(s->side[0].events[DEVICE_HANDSHAKE], 2);
	/* Who configures may move it. */
	s->side[0].at = sim_endpoint("198.51.100.9:4444");
	device_peer_set_endpoint(s->side[1].peer, &s->side[0].at);
	s->side[0].packets = 0;
	sim_send(s, 1, 100);
	sim_run(s, 100);
	assert_int_equal(s->side[0].packets, 1);
}

static void g8_pinned_endpoint_stays(void **state)
{
	struct sim *s = sim_new();
	const uint8_t other[32] = { 1 };

	(void)state;
	assert_int_equal(device_pin(s->side[1].device, other), RC_OK);
	assert_int_equal(device_pin(s->side[1].device, s->side[0].public_key), RC_OK);
	assert_stays(s);
	sim_free(s);
	s = sim_new();
	device_pin_all(s->side[1].device);
	assert_stays(s);
	sim_free(s);
}

static void g8_pin_holds_for_a_peer_added_later(void **state)
{
	struct sim *s = sim_new();
	struct allowedips_prefix p = sim_prefix("10.0.0.1/32");
	struct device *d = s->side[1].device;

	(void)state;
	device_peer_remove(d, s->side[1].peer);
	assert_int_equal(device_pin(d, s->side[0].public_key), RC_OK);
	assert_int_equal(device_peer_add(d, &s->side[1].peer, s->side[0].public_key), RC_OK);
	assert_int_equal(device_peer_allow(d, s->side[1].peer, &p), RC_OK);
	assert_stays(s);
	for (size_t i = 1; i < DEVICE_PINS_MAX; i++)
		assert_int_equal(device_pin(d, s->side[0].public_key), RC_OK);
	assert_int_equal(device_pin(d, s->side[0].public_key), RC_LIMIT);
	sim_free(s);
}

static void pinned_peer_without_a_place_is_followed(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	device_pin_all(s->side[1].device);
	sim_send(s, 0, 100);
	sim_run(s, 100);
	s->side[0].at = sim_endpoint("198.51.100.7:4444");
	sim_send(s, 0, 100);
	sim_run(s, 100);
	sim_send(s, 1, 100);
	sim_run(s, 100);
	assert_int_equal(s->side[0].packets, 1);
	assert_int_equal(s->side[1].events[DEVICE_STRAYED], 0);
	sim_free(s);
}

static void psk_equal_works_psk_different_does_not(void **state)
{
	struct sim *s = sim_new();
	struct key32 psk = { { 5 } }, other = { { 6 } };

	(void)state;
	device_peer_set_psk(s->side[0].peer, &psk);
	device_peer_set_psk(s->side[1].peer, &other);
	sim_send(s, 0, 100);
	sim_run(s, 4000);
	assert_int_equal(s->side[1].packets, 0);
	assert_true(sim_drops(s, 0, DEVICE_DROP_HANDSHAKE) >= 1);
	device_peer_set_psk(s->side[1].peer, &psk);
	sim_run(s, 4000);
	assert_int_equal(s->side[1].packets, 1);
	sim_free(s);
}

/* The PSK is rotated on one side, then on the other, on a bad link: the session
 * there is goes on, and the next handshake uses the new one. */
static void g26_psk_rotated_under_loss_without_outage(void **state)
{
	struct sim *s = sim_new();
	size_t before;

	(void)state;
	s->random = 4;
	print_message("seed %u\n", s->random);
	s->loss_percent = 30;
	sim_send(s, 0, 100);
	sim_run(s, 30'000);
	for (uint8_t round = 1; round <= 5; round++) {
		struct key32 psk = { { round } };

		device_peer_set_psk(s->side[0].peer, &psk);
		before = s->side[1].packets;
		for (int i = 0; i < 20; i++) {
			sim_send(s, 0, 100);
			sim_run(s, 100);
		}
		assert_true(s->side[1].packets - before > 20 * 4 / 10);
		device_peer_set_psk(s->side[1].peer, &psk);
		before = s->side[1].packets;
		for (int i = 0; i < 1500; i++) {
			sim_send(s, 0, 100);
			sim_run(s, 100);
		}
		/* 150 s cross a renewal; 70 % arrive, less what one costs. */
		assert_true(s->side[1].packets - before > 1500 * 6 / 10);
	}
	sim_free(s);
}

static void another_private_key_ends_the_sessions(void **state)
{
	struct sim *s = sim_new();
	struct key32 fresh;

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 100);
	/* The same key again (wg syncconf does that) disturbs nothing. */
	device_set_key(s->side[0].device, &s->side[0].secret);
	assert_non_null(s->side[0].peer->keypairs.current);
	x25519_generate(&fresh);
	device_set_key(s->side[0].device, &fresh);
	assert_null(s->side[0].peer->keypairs.current);
	assert_int_equal(s->side[0].device->indexes.count, 0);
	sim_send(s, 0, 100);
	sim_run(s, 100);
	assert_int_equal(s->side[1].packets, 1);
	assert_true(sim_drops(s, 1, DEVICE_DROP_UNKNOWN_PEER) > 0);
	device_set_key(s->side[0].device, &s->side[0].secret);
	sim_run(s, 6000);
	sim_send(s, 0, 100);
	sim_run(s, 6000);
	assert_true(s->side[1].packets >= 2);
	sim_free(s);
}

static void g3_own_clock_set_back_still_handshakes(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 100);
	s->now.unix_ns -= 86'400ll * 365 * 1'000'000'000;
	for (int i = 0; i < 400; i++) {
		sim_send(s, 0, 100);
		sim_run(s, 1000);
	}
	assert_int_equal(s->side[1].packets, 401);
	assert_int_equal(sim_drops(s, 1, DEVICE_DROP_STALE), 0);
	sim_free(s);
}

static void lossy_reordering_link_delivers_its_share(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	s->random = 77;
	print_message("seed %u\n", s->random);
	s->loss_percent = 20;
	s->duplicate_percent = 20;
	s->spread_ms = 50;
	for (int i = 0; i < 20'000; i++) {
		sim_send(s, i & 1, 100);
		sim_run(s, 20);
	}
	for (int i = 0; i < 2; i++)
		assert_in_range(s->side[i].packets, 7500, 8500);
	assert_true(sim_drops(s, 0, DEVICE_DROP_REPLAYED) > 1000);
	assert_int_equal(sim_drops(s, 0, DEVICE_DROP_FORGED), 0);
	sim_free(s);
}

static void g18_a_day_of_keepalives_and_renewals(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	s->random = 3;
	print_message("seed %u\n", s->random);
	s->loss_percent = 10;
	s->spread_ms = 30;
	for (int i = 0; i < 2; i++)
		device_peer_set_keepalive(s->side[i].device, s->side[i].peer, 25, s->now);
	sim_run(s, 86'400'000);
	/* Nothing piled up, and it still works. */
	assert_true(s->side[0].device->indexes.count <= 4);
	assert_true(s->side[0].sent[MESSAGE_INITIATION] + s->side[1].sent[MESSAGE_INITIATION] >
		    600);
	s->loss_percent = 0;
	sim_send(s, 0, 100);
	sim_run(s, 20'000);
	sim_send(s, 1, 100);
	sim_run(s, 20'000);
	assert_int_equal(s->side[1].packets, 1);
	assert_int_equal(s->side[0].packets, 1);
	/* After sleep: hours passed at once.  Both begin, and collide once. */
	sim_set_now(s, s->now.ms + 36'000'000);
	sim_send(s, 0, 100);
	sim_run(s, 20'000);
	assert_int_equal(s->side[1].packets, 2);
	sim_free(s);
}

/* The timer that erases keys is due since long, but a handshake has begun. */
static void g18_late_timer_spares_a_young_handshake(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 30'000);
	sim_set_now(s, s->now.ms + 36'000'000);
	sim_send(s, 0, 100);
	sim_run(s, 100);
	assert_int_equal(s->side[1].packets, 2);
	assert_int_equal(s->side[0].sent[MESSAGE_INITIATION], 2);
	sim_free(s);
}

static void ten_thousand_peers(void **state)
{
	struct sim *s = sim_new();
	struct device *d = s->side[0].device;
	uint8_t key[32] = { 1, 2, 3 };
	struct peer *p = NULL;

	(void)state;
	for (uint32_t i = 0; i < 10'000; i++) {
		struct allowedips_prefix a = {
			.len = 32,
			.ip = { 10, 1, (uint8_t)(i >> 8), (uint8_t)i },
		};

		key[8] = (uint8_t)i;
		key[9] = (uint8_t)(i >> 8);
		assert_int_equal(device_peer_add(d, &p, key), RC_OK);
		assert_int_equal(device_peer_allow(d, p, &a), RC_OK);
		device_peer_set_endpoint(p, &s->side[0].at);
	}
	assert_int_equal(device_peer_count(d), 10'001);
	for (uint32_t i = 0; i < 10'000; i += 7) {
		uint8_t room[DEVICE_HEADROOM + 40 + DEVICE_TAILROOM];
		struct device_packet packet = { room + DEVICE_HEADROOM, 40 };

		sim_ip(packet.bytes, 40, 1, (uint8_t)i);
		packet.bytes[17] = 1;
		packet.bytes[18] = (uint8_t)(i >> 8);
		device_send(d, &packet, 1, s->now);
	}
	assert_int_equal(sim_drops(s, 0, DEVICE_DROP_UNROUTED), 0);
	/* 1,429 handshakes wait, and all are tried again in time. */
	assert_int_equal(s->side[0].sent[MESSAGE_INITIATION], 1429);
	s->side[0].sent[MESSAGE_INITIATION] = 0;
	sim_run(s, 5400);
	assert_int_equal(s->side[0].sent[MESSAGE_INITIATION], 1429);
	while ((p = device_peer_next(d, NULL)))
		device_peer_remove(d, p);
	assert_int_equal(d->indexes.count, 0);
	assert_int_equal(d->common->keys.count, 0);
	assert_true(device_deadline(d) == UINT64_MAX);
	sim_free(s);
}

static void nowhere_to_send_is_counted(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	sim_send_ip(s, 0, 100, 1, 99);
	assert_int_equal(sim_drops(s, 0, DEVICE_DROP_UNROUTED), 1);
	sim_send(s, 1, 100);
	assert_int_equal(sim_drops(s, 1, DEVICE_DROP_NO_ENDPOINT), 1);
	for (unsigned i = 0; i < DEVICE_DROP_COUNT; i++)
		assert_true(device_drop_name(i)[0] >= 'a');
	sim_free(s);
}

static void counters_and_handshake_time_are_kept(void **state)
{
	struct sim *s = sim_new();
	struct device_peer_view a, b;

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 100);
	a = device_peer_view(s->side[0].peer);
	b = device_peer_view(s->side[1].peer);
	/* initiation, response, data of 112 + 32 */
	assert_int_equal(a.tx_bytes, 148 + 144);
	assert_int_equal(b.rx_bytes, 148 + 144);
	assert_int_equal(a.rx_bytes, 92);
	assert_int_equal(b.tx_bytes, 92);
	assert_int_equal(a.handshake_unix_ns / 1'000'000'000, SIM_UNIX_S);
	assert_int_equal(b.handshake_unix_ns / 1'000'000'000, SIM_UNIX_S);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handshake_and_data_both_ways),
		cmocka_unit_test(content_arrives_whole_at_every_size),
		cmocka_unit_test(g25_padding_stays_within_the_mtu),
		cmocka_unit_test(ipv6_inside_and_outside),
		cmocka_unit_test(batches_keep_their_order),
		cmocka_unit_test(session_is_renewed_every_two_minutes_without_loss),
		cmocka_unit_test(listening_initiator_renews_before_the_end),
		cmocka_unit_test(listening_initiator_renews_at_once_near_the_end),
		cmocka_unit_test(keepalive_ten_seconds_after_receiving),
		cmocka_unit_test(idle_tunnel_is_silent),
		cmocka_unit_test(keys_are_gone_after_nine_minutes),
		cmocka_unit_test(persistent_keepalive_every_interval),
		cmocka_unit_test(unanswered_initiations_stop_after_ninety_seconds),
		cmocka_unit_test(staged_packets_are_bounded_and_the_newest_kept),
		cmocka_unit_test(staging_budget_is_the_devices),
		cmocka_unit_test(
			peer_is_answered_from_where_it_spoke_to_until_it_is_silent),
		cmocka_unit_test(both_initiate_at_once_and_still_meet),
		cmocka_unit_test(restarted_side_is_found_again),
		cmocka_unit_test(roaming_follows_the_last_authentic_sender),
		cmocka_unit_test(g8_pinned_endpoint_stays),
		cmocka_unit_test(g8_pin_holds_for_a_peer_added_later),
		cmocka_unit_test(pinned_peer_without_a_place_is_followed),
		cmocka_unit_test(psk_equal_works_psk_different_does_not),
		cmocka_unit_test(g26_psk_rotated_under_loss_without_outage),
		cmocka_unit_test(another_private_key_ends_the_sessions),
		cmocka_unit_test(g3_own_clock_set_back_still_handshakes),
		cmocka_unit_test(lossy_reordering_link_delivers_its_share),
		cmocka_unit_test(g18_a_day_of_keepalives_and_renewals),
		cmocka_unit_test(g18_late_timer_spares_a_young_handshake),
		cmocka_unit_test(ten_thousand_peers),
		cmocka_unit_test(nowhere_to_send_is_counted),
		cmocka_unit_test(counters_and_handshake_time_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
