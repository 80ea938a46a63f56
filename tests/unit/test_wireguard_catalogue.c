/* The rows on WireGuard (G1 to G31) of the attack catalogue: which test holds which, checked
 * against the sources, and the tests of a whole device that stand nowhere else. */
#include "wg_low_order.h"
#include "wg_sim.h"

#include <ctype.h>
#include <stdio.h>

#include "base/text.h"
#include "wireguard/cookie.h"

#define UNIT "tests/unit/test_wireguard_"
#define E2E "tests/e2e/test_"

/* clang-format off */
static const struct row {
	unsigned g;
	const char *attack;
	const char *file, *test;
} rows[] = {
	{ 1, "response consumed twice", UNIT "attack.c",
	  "g1_response_replayed_makes_no_second_session" },
	{ 1, "response to an older initiation", UNIT "attack.c",
	  "g1_late_response_after_an_intermediate_initiation_refused" },
	{ 1, "in the handshake itself", UNIT "noise.c", "g1_response_consumed_twice_refused" },
	{ 2, "numbers used up", UNIT "attack.c", "g2_numbers_used_up_send_nothing_under_that_key" },
	{ 2, "rekey after many", UNIT "attack.c", "g2_many_messages_ask_for_a_new_session" },
	{ 2, "limits of a session", UNIT "keypair.c", "g2_limits_of_age_and_number" },
	{ 3, "clock set forward", UNIT "clock.c", "g3_clock_set_far_ahead_burns_no_timestamps" },
	{ 3, "clock set back", UNIT "device.c", "g3_own_clock_set_back_still_handshakes" },
	{ 3, "timestamps burnt", UNIT "noise.c",
	  "g3_clock_forward_recovers_when_the_peer_is_set_anew" },
	{ 4, "replay", UNIT "attack.c", "g4_replayed_data_refused" },
	{ 4, "replay within a batch", UNIT "batch.c",
	  "same_message_twice_in_a_batch_counts_once" },
	{ 4, "forged number", UNIT "attack.c", "g4_forged_counter_does_not_move_the_window" },
	{ 4, "edges of the window", UNIT "replay.c", "g4_window_edges" },
	{ 4, "window and a set", UNIT "replay.c", "g4_equals_a_set_on_random_counters" },
	{ 5, "every length", UNIT "attack.c", "g5_every_other_length_is_malformed" },
	{ 5, "truncated", UNIT "message.c", "every_prefix_refused_untouched" },
	{ 5, "oversized", UNIT "catalogue.c", "g5_oversized_messages_are_refused" },
	{ 6, "low-order static key", UNIT "noise.c", "g6_low_order_static_refused_both_ways" },
	{ 6, "low-order ephemeral", UNIT "noise.c", "g6_low_order_ephemeral_refused" },
	{ 6, "low-order ephemeral, well sealed", UNIT "noise.c",
	  "g6_initiation_under_the_zero_everybody_knows_refused" },
	{ 6, "zero and low-order keys on the wire", UNIT "catalogue.c",
	  "g6_zero_and_low_order_keys_get_no_answer" },
	{ 7, "private key changes", UNIT "device.c", "another_private_key_ends_the_sessions" },
	{ 7, "and again in mid-handshake", UNIT "catalogue.c",
	  "g7_key_changed_at_every_moment_leaves_nothing_behind" },
	{ 8, "replay from elsewhere", UNIT "attack.c",
	  "g8_replay_from_another_address_does_not_redirect" },
	{ 8, "newest packet from elsewhere", UNIT "device.c", "g8_pinned_endpoint_stays" },
	{ 9, "NAT rewrites an address", E2E "wireguard.py",
	  "test_g9_pinned_endpoint_stays_though_a_nat_rewrites_it" },
	{ 10, "flood from forged sources", UNIT "attack.c",
	  "g10_flood_of_initiations_is_answered_by_cookies" },
	{ 10, "flood of bad MACs", UNIT "catalogue.c",
	  "g10_bad_macs_are_dropped_before_load_or_work" },
	{ 10, "owner of a cookie", UNIT "attack.c", "g10_cookie_owner_is_limited_too" },
	{ 10, "networks", UNIT "ratelimit.c", "g10_networks_are_32_and_64" },
	{ 11, "cookie of another address", UNIT "cookie.c",
	  "g11_cookie_is_bound_to_address_and_port" },
	{ 11, "old cookie secret", UNIT "cookie.c", "g11_secret_changes_after_two_minutes" },
	{ 12, "load never over", UNIT "ratelimit.c", "g12_load_begins_and_ends" },
	{ 13, "inner source of another", UNIT "attack.c",
	  "g13_inner_source_of_another_peer_refused" },
	{ 13, "address moved", UNIT "attack.c",
	  "g13_address_moved_to_another_peer_is_refused_at_once" },
	{ 13, "trie and a list", UNIT "allowedips.c", "g13_equals_a_list_on_random_changes" },
	{ 14, "directives injected", UNIT "uapi.c", "each_line_and_each_fault" },
	{ 14, "half a request", UNIT "control.c", "any_fault_changes_nothing" },
	{ 15, "removed with packets in flight", UNIT "attack.c",
	  "g15_removed_peer_with_packets_in_flight" },
	{ 15, "ended within a batch", UNIT "batch.c",
	  "session_ended_within_a_batch_takes_no_more" },
	{ 16, "a peer stalls", UNIT "metrics.c", "counts_are_written" },
	{ 16, "the daemon is gone", E2E "control.py", "test_wireguard_killed_is_restored" },
	{ 17, "status without a process", E2E "wireguard.py", "test_metrics_for_prometheus" },
	{ 18, "timers for a month", UNIT "month.c", "g18_keepalives_of_a_month_do_not_drift" },
	{ 18, "outages, sleep", UNIT "month.c", "g18_outages_and_sleep_heal" },
	{ 18, "late timer", UNIT "device.c", "g18_late_timer_spares_a_young_handshake" },
	{ 19, "offload lengths", "tests/unit/test_offload_packet.c",
	  "lengths_are_of_the_headers" },
	{ 19, "checksum carries", "tests/unit/test_offload_checksum.c", "carries_are_never_lost" },
	{ 19, "joined and cut again", "tests/unit/test_offload_gro.c",
	  "random_traffic_cut_again_is_the_same" },
	{ 20, "source behind extension headers", UNIT "catalogue.c",
	  "g20_extension_headers_do_not_hide_the_source" },
	{ 20, "inner packets that are none", UNIT "attack.c",
	  "inner_packets_that_are_none_are_refused" },
	{ 21, "traffic beside the tunnel", E2E "control.py", "test_firewall_drops_what_wants_out" },
	{ 22, "probes from beside the tunnel", E2E "control.py",
	  "test_firewall_drops_other_sources" },
	{ 23, "plaintext when the tunnel is down", E2E "control.py",
	  "test_failed_start_leaves_the_network_closed" },
	{ 24, "endpoint inside its own tunnel", UNIT "catalogue.c",
	  "g24_tunnel_routed_into_itself_does_not_feed_itself" },
	{ 25, "padding and MTU", UNIT "device.c", "g25_padding_stays_within_the_mtu" },
	{ 25, "any MTU over any", E2E "wireguard.py", "test_any_mtu_inside_over_any_outside" },
	{ 26, "PSK rotated under loss", UNIT "device.c",
	  "g26_psk_rotated_under_loss_without_outage" },
	{ 26, "PSK rotated by a lease", E2E "control.py",
	  "test_renewal_rotates_the_psk_without_a_gap" },
	{ 27, "PSK bound to session and keys", "tests/unit/test_channel_attacks.c",
	  "psk_is_the_documents_formula" },
	{ 28, "keys in dumps", E2E "wireguard.py",
	  "test_g28_keys_are_only_where_no_dump_and_no_child_has_them" },
	{ 29, "index guessed", UNIT "attack.c", "g29_indexes_are_random_and_unique" },
	{ 30, "recorded now, broken later", UNIT "noise.c", "g30_recorded_handshake_needs_the_psk" },
	{ 30, "who begins", UNIT "noise.c", "g30_initiator_shows_to_the_responders_key_alone" },
	{ 31, "against the kernel", E2E "kernel_wireguard.py",
	  "test_nothing_is_lost_above_a_bad_wire" },
	{ 31, "loss, doubling, reordering", UNIT "device.c",
	  "lossy_reordering_link_delivers_its_share" },
	{ 31, "against wireguard-go", E2E "wireguard.py", "test_nothing_is_lost_above_a_bad_wire" },
	{ 0, "reflection", UNIT "catalogue.c", "reflected_messages_do_nothing" },
	{ 0, "replayed initiation", UNIT "attack.c", "replayed_initiation_gets_no_answer" },
	{ 0, "random bytes", UNIT "attack.c", "random_bytes_do_nothing" },
};
/* clang-format on */

static size_t count_words(const char *text, const char *word)
{
	size_t n = strlen(word), count = 0;

	for (const char *p = text; (p = strstr(p, word)); p += n)
		count += p > text && !isalnum((unsigned char)p[-1]) && p[-1] != '_' &&
			 !isalnum((unsigned char)p[n]) && p[n] != '_';
	return count;
}

static char *read_all(const char *path)
{
	enum {
		MAX = 1 << 20
	};
	FILE *f = fopen(path, "r");
	char *text = mem_new(MAX);

	if (!f)
		fail_msg("%s is not there", path);
	assert_true(fread(text, 1, MAX - 1, f) < MAX - 1);
	(void)fclose(f);
	return text;
}

/* In C a test is defined and listed; in this file it is in the table, too. */
static bool is_in(const char *text, const struct row *r)
{
	char def[200];

	if (strstr(r->file, ".py")) {
		(void)snprintf(def, sizeof(def), "\ndef %s(", r->test);
		return strstr(text, def) != NULL;
	}
	return count_words(text, r->test) >= (strstr(r->file, "catalogue.c") ? 3 : 2);
}

static void assert_exists(const struct row *r)
{
	char *text = read_all(r->file);

	if (!is_in(text, r))
		fail_msg("G%u, %s: %s has no test %s", r->g, r->attack, r->file, r->test);
	free(text);
}

static void every_row_has_a_test_that_exists(void **state)
{
	bool has[32] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_exists(&rows[i]);
		has[rows[i].g] = true;
	}
	for (unsigned g = 1; g <= 31; g++)
		if (!has[g])
			fail_msg("G%u has no test", g);
}

/* Such a key as a peer's: it is never spoken to.  As an ephemeral: never answered, though the
 * MAC is right. */
static void g6_zero_and_low_order_keys_get_no_answer(void **state)
{
	struct sim *s = sim_new();
	struct cookie_maker maker;

	(void)state;
	cookie_maker_set(&maker, s->side[1].public_key);
	for (size_t k = 0; k < sizeof(low_order) / sizeof(*low_order); k++) {
		struct device *d = s->side[1].device;
		uint8_t point[32], m[MESSAGE_INITIATION_LEN] = { MESSAGE_INITIATION };
		struct allowedips_prefix to = sim_prefix("10.0.0.9/32");
		struct peer *p;

		assert_true(text_hex_decode(point, 32, span_str(low_order[k])));
		assert_int_equal(device_peer_add(d, &p, point), RC_OK);
		assert_int_equal(device_peer_allow(d, p, &to), RC_OK);
		device_peer_set_endpoint(p, &s->side[0].at);
		sim_send_ip(s, 1, 100, 2, 9);
		sim_run(s, 100'000);
		memcpy(m + 8, point, 32);
		cookie_stamp(&maker, m, sizeof(m), s->now.ms);
		sim_receive(s, 1, &s->side[0].at, m, sizeof(m));
		assert_int_equal(sim_drops(s, 1, DEVICE_DROP_HANDSHAKE), k + 1);
		device_peer_remove(d, p);
		assert_int_equal(d->indexes.count, 0);
	}
	for (size_t type = 0; type < 5; type++)
		assert_int_equal(s->side[1].sent[type], 0);
	sim_free(s);
}

static void g5_oversized_messages_are_refused(void **state)
{
	enum {
		BIG = 65'507 /* the most a datagram over IPv4 carries */
	};
	static const size_t sizes[] = { 149, 1500, 9000, 65'000, BIG };
	struct sim *s = sim_new();
	uint8_t *b = mem_new(BIG);
	uint32_t index;

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 100);
	index = s->side[1].peer->keypairs.current->local_index;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		for (uint8_t type = 1; type <= 5; type++) {
			memset(b, 0, BIG);
			b[0] = type;
			memcpy(b + 4, &index, 4);
			b[8] = 200; /* a number not seen yet */
			sim_receive(s, 1, &s->side[0].at, b, sizes[i]);
		}
		assert_int_equal(sim_drops(s, 1, DEVICE_DROP_MALFORMED), 4 * (i + 1));
		assert_int_equal(sim_drops(s, 1, DEVICE_DROP_FORGED), i + 1);
	}
	sim_send(s, 0, 100);
	sim_run(s, 100);
	assert_int_equal(s->side[1].packets, 2);
	free(b);
	sim_free(s);
}

/* The key changes while an initiation, a response or data are on their way. */
static void g7_key_changed_at_every_moment_leaves_nothing_behind(void **state)
{
	struct sim *s = sim_new();
	struct key32 other;

	(void)state;
	x25519_generate(&other);
	s->latency_ms = 10;
	for (unsigned ms = 0; ms < 60; ms++)
		for (int i = 0; i < 2; i++) {
			struct sim_side *side = &s->side[i];

			sim_send(s, 0, 100);
			sim_run(s, ms);
			device_set_key(side->device, &other);
			assert_int_equal(side->device->indexes.count, 0);
			assert_null(side->peer->keypairs.current);
			sim_run(s, 100);
			device_set_key(side->device, &side->secret);
			sim_run(s, 6000);
		}
	s->side[1].packets = 0;
	sim_run(s, 10'000);
	sim_send(s, 0, 100);
	sim_run(s, 20'000);
	assert_true(s->side[1].packets >= 1);
	for (int i = 0; i < 2; i++)
		assert_true(s->side[i].device->indexes.count <= 3);
	sim_free(s);
}

/* As fast as they come: no public-key work, no answer, and they are no load either, or anybody
 * could have honest peers asked for cookies. */
static void g10_bad_macs_are_dropped_before_load_or_work(void **state)
{
	enum {
		FLOOD = 200'000
	};
	struct sim *s = sim_new();
	struct endpoint from = sim_endpoint("203.0.113.1:1");

	(void)state;
	for (uint32_t i = 0; i < FLOOD; i++) {
		uint8_t m[MESSAGE_INITIATION_LEN] = { MESSAGE_INITIATION };

		memcpy(m + 8, &i, sizeof(i));
		memcpy(from.ip, &i, 4);
		sim_receive(s, 1, &from, m, sizeof(m));
	}
	assert_int_equal(sim_drops(s, 1, DEVICE_DROP_MAC1), FLOOD);
	sim_send(s, 0, 100);
	sim_run(s, 100);
	assert_int_equal(s->side[1].packets, 1);
	assert_int_equal(s->side[1].sent[MESSAGE_COOKIE], 0);
	sim_free(s);
}

/* All that a side sends, sent back to it. */
static bool reflect(struct sim *s, int from, const uint8_t *bytes, size_t n)
{
	sim_enqueue(s, from, &s->side[!from].at, bytes, n);
	return false;
}

static void reflected_messages_do_nothing(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	s->side[0].tap = s->side[1].tap = reflect;
	sim_send(s, 0, 100);
	sim_run(s, 1000);
	sim_send(s, 1, 100);
	sim_run(s, 30'000);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(s->side[i].packets, 1);
		assert_int_equal(s->side[i].events[DEVICE_HANDSHAKE], 1);
	}
	assert_int_equal(s->side[0].sent[MESSAGE_RESPONSE], 0);
	/* The initiation came back to its maker: its MAC is for the other key. */
	assert_true(sim_drops(s, 0, DEVICE_DROP_MAC1) >= 1);
	sim_free(s);
}

/* A hop-by-hop header, then a fragment header that hides the rest. */
static void g20_extension_headers_do_not_hide_the_source(void **state)
{
	struct sim *s = sim_new();
	struct allowedips_prefix a = sim_prefix("fd00::1/128"), b = sim_prefix("fd00::2/128");

	(void)state;
	assert_int_equal(device_peer_allow(s->side[0].device, s->side[0].peer, &b), RC_OK);
	assert_int_equal(device_peer_allow(s->side[1].device, s->side[1].peer, &a), RC_OK);
	for (uint8_t last = 1; last <= 9; last++) {
		uint8_t room[DEVICE_HEADROOM + 80 + DEVICE_TAILROOM] = { 0 };
		uint8_t *ip = room + DEVICE_HEADROOM;
		struct device_packet p = { .bytes = ip, .n = 80 };

		ip[0] = 0x60;
		ip[5] = 40;
		ip[6] = 0; /* hop-by-hop */
		ip[8] = ip[24] = 0xfd;
		ip[23] = last;
		ip[39] = 2;
		ip[40] = 44; /* fragment */
		ip[48] = 17;
		ip[50] = 0xff;
		device_send(s->side[0].device, &p, 1, s->now);
		sim_run(s, 100);
		assert_int_equal(s->side[1].packets, 1);
		assert_int_equal(sim_drops(s, 1, DEVICE_DROP_SOURCE), last - 1);
	}
	sim_free(s);
}

/* The route to side 1's endpoint leads into side 0's tunnel: what side 0 sends comes back to it
 * as a packet to send. */
static bool loop(struct sim *s, int from, const uint8_t *bytes, size_t n)
{
	uint8_t room[DEVICE_HEADROOM + SIM_DATAGRAM_MAX + DEVICE_TAILROOM] = { 0 };
	uint8_t *b = room + DEVICE_HEADROOM;
	bool is_v6 = s->side[1].at.is_v6;
	size_t header = is_v6 ? 40 : 20;
	struct device_packet *p = s->arg;

	(void)from;
	p->n = header + 8 + n;
	if (is_v6) {
		b[0] = 0x60;
		b[4] = (uint8_t)((8 + n) >> 8);
		b[5] = (uint8_t)(8 + n);
		b[6] = 17;
		memcpy(b + 24, s->side[1].at.ip, 16);
	} else {
		sim_ip(b, p->n, 1, 2);
		b[9] = 17;
		memcpy(b + 16, s->side[1].at.ip, 4);
	}
	b[header + 2] = (uint8_t)(s->side[1].at.port >> 8);
	b[header + 3] = (uint8_t)s->side[1].at.port;
	memcpy(b + header + 8, bytes, n);
	memcpy(p->bytes, room, sizeof(room));
	return true;
}

static void assert_feeds_nothing(const char *endpoint, const char *all)
{
	uint8_t room[DEVICE_HEADROOM + SIM_DATAGRAM_MAX + DEVICE_TAILROOM];
	struct device_packet looped = { .bytes = room }, p = { 0 };
	struct sim *s = sim_new();
	struct allowedips_prefix prefix = sim_prefix(all);
	size_t sent;

	s->side[1].at = sim_endpoint(endpoint);
	device_peer_set_endpoint(s->side[0].peer, &s->side[1].at);
	assert_int_equal(device_peer_allow(s->side[0].device, s->side[0].peer, &prefix), RC_OK);
	s->arg = &looped;
	s->side[0].tap = loop;
	sim_send(s, 0, 100); /* an initiation */
	p = (struct device_packet){ room + DEVICE_HEADROOM, looped.n };
	device_send(s->side[0].device, &p, 1, s->now);
	assert_int_equal(sim_drops(s, 0, DEVICE_DROP_LOOP), 1);
	assert_int_equal(s->side[0].peer->staged_count, 1);
	/* The route is right for a while, then wrong again: data. */
	s->side[0].tap = NULL;
	sim_run(s, 10'000);
	assert_int_equal(s->side[1].packets, 1);
	s->side[0].tap = loop;
	sim_send(s, 0, 100);
	sent = s->side[0].sent[MESSAGE_DATA];
	p = (struct device_packet){ room + DEVICE_HEADROOM, looped.n };
	device_send(s->side[0].device, &p, 1, s->now);
	assert_int_equal(sim_drops(s, 0, DEVICE_DROP_LOOP), 2);
	assert_int_equal(s->side[0].sent[MESSAGE_DATA], sent);
	/* Somebody else's WireGuard to the same endpoint goes through. */
	room[DEVICE_HEADROOM + (s->side[1].at.is_v6 ? 40 : 20) + 8 + 4] ^= 1;
	device_send(s->side[0].device, &p, 1, s->now);
	assert_int_equal(sim_drops(s, 0, DEVICE_DROP_LOOP), 2);
	assert_int_equal(s->side[0].sent[MESSAGE_DATA], sent + 1);
	sim_free(s);
}

static void g24_tunnel_routed_into_itself_does_not_feed_itself(void **state)
{
	(void)state;
	assert_feeds_nothing("192.0.2.2:2000", "0.0.0.0/0");
	assert_feeds_nothing("[2001:db8::2]:2000", "::/0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_has_a_test_that_exists),
		cmocka_unit_test(g5_oversized_messages_are_refused),
		cmocka_unit_test(g6_zero_and_low_order_keys_get_no_answer),
		cmocka_unit_test(g7_key_changed_at_every_moment_leaves_nothing_behind),
		cmocka_unit_test(g10_bad_macs_are_dropped_before_load_or_work),
		cmocka_unit_test(g24_tunnel_routed_into_itself_does_not_feed_itself),
		cmocka_unit_test(reflected_messages_do_nothing),
		cmocka_unit_test(g20_extension_headers_do_not_hide_the_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
