/* Super-packets cut into packets: what is refused, and the same pieces as a stupid splitter. */
#include "offload_packets.h"

#include "offload/checksum.h"
#include "offload/split.h"

enum {
	ROOM = 65536,
};

static const struct {
	const char *name;
	struct made made;
	struct vnet vnet;
	size_t n; /* 0: as made */
	bool want;
} cases[] = {
#define CUT(type, size) \
	{ \
		.gso_type = (type), .gso_size = (size) \
	}
	{ "nothing_refused", { .payload = 9 }, { 0 }, SIZE_MAX, false },
	{ "whole_packet", { .payload = 9 }, { 0 }, 0, true },
	{ "tcp4", { .payload = 9 }, CUT(VNET_GSO_TCPV4, 5), 0, true },
	{ "tcp4_with_ecn", { .payload = 9 }, CUT(VNET_GSO_TCPV4 | VNET_GSO_ECN, 5), 0, true },
	{ "tcp6", { .is_v6 = true, .payload = 9 }, CUT(VNET_GSO_TCPV6, 5), 0, true },
	{ "udp4", { .is_udp = true, .payload = 9 }, CUT(VNET_GSO_UDP_L4, 5), 0, true },
	{ "gso_size_0_refused", { .payload = 9 }, CUT(VNET_GSO_TCPV4, 0), 0, false },
	{ "tcp6_type_for_ipv4_refused", { .payload = 9 }, CUT(VNET_GSO_TCPV6, 5), 0, false },
	{ "udp_type_for_tcp_refused", { .payload = 9 }, CUT(VNET_GSO_UDP_L4, 5), 0, false },
	{ "tcp_type_for_udp_refused", { .is_udp = true }, CUT(VNET_GSO_TCPV4, 5), 0, false },
	{ "fragmenting_udp_type_refused", { .is_udp = true }, { 0, 3, 0, 5, 0, 0 }, 0, false },
	{ "other_than_its_length_refused", { .payload = 9 }, CUT(VNET_GSO_TCPV4, 5), 48, false },
	{ "checksum_at_the_end", { .payload = 9 }, { 1, 0, 0, 0, 40, 7 }, 0, true },
	{ "checksum_past_the_end_refused", { .payload = 9 }, { 1, 0, 0, 0, 40, 8 }, 0, false },
	{ "checksum_far_away_refused", { .payload = 9 }, { 1, 0, 0, 0, 65535, 65535 }, 0, false },
	{ "place_without_the_flag_ignored", { .payload = 9 }, { 0, 0, 0, 0, 65535, 9 }, 0, true },
};

static void taken_or_refused(void **state)
{
	uint8_t b[200];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t n = make(b, &cases[i].made);
		struct split s = { .at = 777 };

		if (cases[i].n)
			n = cases[i].n == SIZE_MAX ? 0 : cases[i].n;
		if (split_begin(&s, &cases[i].vnet, span_of(b, n)) != cases[i].want)
			fail_msg("%s", cases[i].name);
		if (!cases[i].want)
			assert_int_equal(s.at, 777);
	}
}

/* As the kernel hands over a packet whose checksum hardware would have made. */
static void one_without_checksum_is_made_whole(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 4; kind++) {
		struct made m = { .is_v6 = kind & 1, .is_udp = kind & 2, .payload = 101 };
		uint8_t want[300], b[300], out[300];
		size_t n = make(want, &m), ip_len = m.is_v6 ? 40 : 20, at = m.is_udp ? 6 : 16;
		struct vnet h = { .flags = VNET_NEEDS_CHECKSUM,
				  .checksum_start = (uint16_t)ip_len,
				  .checksum_offset = (uint16_t)at };
		struct packet p;
		struct split s;

		memcpy(b, want, n);
		assert_true(packet_read(&p, span_of(b, n)));
		checksum_put(b + ip_len + at, checksum_fold(packet_pseudo(&p, b, n - ip_len)));
		assert_true(split_begin(&s, &h, span_of(b, n)));
		assert_int_equal(split_len(&s), n);
		split_next(&s, out);
		assert_int_equal(split_len(&s), 0);
		assert_memory_equal(out, want, n);
	}
}

static uint8_t gso_type(const struct made *m)
{
	if (m->is_udp)
		return VNET_GSO_UDP_L4;
	return m->is_v6 ? VNET_GSO_TCPV6 : VNET_GSO_TCPV4;
}

static void pieces_as_of_the_stupid_splitter(void **state)
{
	uint8_t *b = mem_new(ROOM), *out = mem_new(ROOM), *want = mem_new(ROOM);
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct made m = {
			.is_v6 = random_below(&seed, 2),
			.is_udp = random_below(&seed, 3) == 0,
			.options = 4 * random_below(&seed, 11),
			.payload = random_below(&seed, round % 50 ? 5000 : 65400),
			.sequence = seed * 7,
			.id = (uint16_t)seed,
			.tcp_flags = (uint8_t)random_below(&seed, 256),
			.may_fragment = random_below(&seed, 2),
		};
		struct vnet h = {
			.flags = VNET_NEEDS_CHECKSUM,
			.gso_type = gso_type(&m),
			.gso_size = (uint16_t)(1 + random_below(&seed, 1500)),
		};
		size_t n, count = 0;
		struct split s;

		m.payload = m.payload ? m.payload : 1;
		n = make(b, &m);
		assert_true(split_begin(&s, &h, span_of(b, n)));
		for (size_t len; (len = split_len(&s)); count++) {
			assert_int_equal(len, stupid_piece(want, &h, b, n, count));
			memset(out + len, 0x77, 8);
			split_next(&s, out);
			assert_memory_equal(out, want, len);
			assert_int_equal(out[len], 0x77);
		}
		assert_int_equal(stupid_piece(want, &h, b, n, count), 0);
	}
	free(b);
	free(out);
	free(want);
}

static void super_packet_without_payload_is_one_piece(void **state)
{
	const struct made m = { .options = 12, .tcp_flags = PACKET_TCP_FIN | PACKET_TCP_ACK };
	const struct vnet h = { .gso_type = VNET_GSO_TCPV4, .gso_size = 100 };
	uint8_t b[100], out[100];
	size_t n = make(b, &m);
	struct split s;

	(void)state;
	assert_true(split_begin(&s, &h, span_of(b, n)));
	assert_int_equal(split_len(&s), n);
	split_next(&s, out);
	assert_memory_equal(out, b, n);
	assert_int_equal(split_len(&s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken_or_refused),
		cmocka_unit_test(one_without_checksum_is_made_whole),
		cmocka_unit_test(pieces_as_of_the_stupid_splitter),
		cmocka_unit_test(super_packet_without_payload_is_one_piece),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
