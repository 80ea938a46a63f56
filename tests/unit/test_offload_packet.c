/* Which packets are understood, and the header a TUN device puts before each. */
#include "offload_packets.h"

static const struct {
	const char *name;
	struct made made;
	size_t at; /* byte to change */
	uint8_t to;
	bool want;
} cases[] = {
	{ "tcp_over_ipv4", { .payload = 10 }, 0, 0x45, true },
	{ "udp_over_ipv4", { .is_udp = true, .payload = 1 }, 0, 0x45, true },
	{ "tcp_over_ipv6", { .is_v6 = true, .options = 12 }, 0, 0x60, true },
	{ "udp_over_ipv6", { .is_v6 = true, .is_udp = true }, 0, 0x60, true },
	{ "version_5_not_understood", { .payload = 10 }, 0, 0x55, false },
	{ "header_shorter_than_20_not_understood", { .payload = 10 }, 0, 0x44, false },
	{ "header_longer_than_the_packet_not_understood", { .payload = 10 }, 0, 0x4f, false },
	{ "other_total_not_understood", { .payload = 10 }, 3, 51, false },
	{ "more_fragments_not_understood", { .payload = 10 }, 6, 0x20, false },
	{ "fragment_offset_not_understood", { .payload = 10 }, 7, 1, false },
	{ "icmp_not_understood", { .payload = 10 }, 9, 1, false },
	{ "tcp_offset_4_not_understood", { .payload = 10 }, 32, 0x40, false },
	{ "tcp_offset_past_the_end_not_understood", { .payload = 10 }, 32, 0xf0, false },
	{ "other_payload_length_not_understood", { .is_v6 = true, .payload = 9 }, 5, 30, false },
	{ "extension_header_not_understood", { .is_v6 = true, .payload = 9 }, 6, 0, false },
	{ "fragment_header_not_understood", { .is_v6 = true, .payload = 9 }, 6, 44, false },
};

static void understood_or_not(void **state)
{
	uint8_t b[200];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t n = make(b, &cases[i].made);
		struct packet p = { .n = 999 };

		b[cases[i].at] = cases[i].to;
		if (packet_read(&p, span_of(b, n)) != cases[i].want)
			fail_msg("%s", cases[i].name);
		if (!cases[i].want)
			assert_int_equal(p.n, 999);
	}
}

static void every_prefix_refused(void **state)
{
	uint8_t b[200];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		size_t n = make(b, &cases[i].made);
		struct packet p;

		for (size_t cut = 0; cut < n; cut++) {
			uint8_t *copy = mem_new(cut);

			if (cut)
				memcpy(copy, b, cut);
			assert_false(packet_read(&p, span_of(copy, cut)));
			free(copy);
		}
		assert_true(packet_read(&p, span_of(b, n)));
	}
}

static void lengths_are_of_the_headers(void **state)
{
	const struct made m = { .is_v6 = true, .options = 12, .payload = 30 };
	struct packet p;
	uint8_t b[200];

	(void)state;
	assert_true(packet_read(&p, span_of(b, make(b, &m))));
	assert_true(p.is_v6);
	assert_int_equal(p.protocol, PACKET_TCP);
	assert_int_equal(p.ip_len, 40);
	assert_int_equal(p.header_len, 72);
	assert_int_equal(p.n, 102);
}

static void vnet_written_and_read_is_the_same(void **state)
{
	const struct vnet h = { 1, 4, 0x0203, 0x0405, 0x0607, 0x0809 };
	const uint8_t want[] = { 1, 4, 3, 2, 5, 4, 7, 6, 9, 8 };
	uint8_t b[VNET_LEN];
	struct wr w = WR_ARRAY(b);
	struct vnet got = { 0 };
	struct span s = SPAN_ARRAY(b);

	(void)state;
	vnet_write(&w, &h);
	assert_memory_equal(b, want, sizeof(want));
	for (size_t n = 0; n < VNET_LEN; n++) {
		struct span cut = span_of(b, n);

		assert_false(vnet_read(&got, &cut));
		assert_int_equal(cut.n, n);
		assert_int_equal(got.flags, 0);
	}
	assert_true(vnet_read(&got, &s) && rd_end(&s));
	assert_memory_equal(&got, &h, sizeof(h));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(understood_or_not),
		cmocka_unit_test(every_prefix_refused),
		cmocka_unit_test(lengths_are_of_the_headers),
		cmocka_unit_test(vnet_written_and_read_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
