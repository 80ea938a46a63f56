/* Congestion marks across the tunnel: RFC 6040's table, over both IP versions, through a device. */
#include "wg_sim.h"

#include "wireguard/ecn.h"

/* Figure 4: what goes on, by inner and outer mark; -1: dropped. */
static const int figure_4[4][4] = {
	/*             Not  ECT(1)     ECT(0)     CE */
	[ECN_NOT] = { ECN_NOT, ECN_NOT, ECN_NOT, -1 },
	[ECN_ECT_1] = { ECN_ECT_1, ECN_ECT_1, ECN_ECT_1, ECN_CE },
	[ECN_ECT_0] = { ECN_ECT_0, ECN_ECT_1, ECN_ECT_0, ECN_CE },
	[ECN_CE] = { ECN_CE, ECN_CE, ECN_CE, ECN_CE },
};

static uint16_t sum_of(const uint8_t *b)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < 20; i += 2)
		sum += (uint32_t)b[i] << 8 | b[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void rfc6040_figure_4(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4 * 4 * 256 * 64; i++) {
		unsigned inner = i & 3, outer = i >> 2 & 3, other = i >> 4 & 0xff;
		uint8_t v4[20] = { 0x45, (uint8_t)((other << 2) | inner), 0, 20,
				   (uint8_t)(i >> 12), (uint8_t)(i * 7), 0x40, 0, 64, 6 };
		uint8_t v6[40] = { (uint8_t)(0x60 | (other & 15)),
				   (uint8_t)((other & 0xc0) | inner << 4 | 5) };
		int want = figure_4[inner][outer];
		uint16_t sum = (uint16_t)~sum_of(v4);

		v4[10] = (uint8_t)(sum >> 8);
		v4[11] = (uint8_t)sum;
		assert_int_equal(ecn_of(v4), inner);
		assert_int_equal(ecn_of(v6), inner);
		assert_int_equal(ecn_take(v4, outer), want >= 0);
		assert_int_equal(ecn_take(v6, outer), want >= 0);
		if (want < 0)
			continue;
		assert_int_equal(ecn_of(v4), want);
		assert_int_equal(ecn_of(v6), want);
		/* Nothing else moved, and the checksum is right. */
		assert_int_equal(v4[1] >> 2, other & 0x3f);
		assert_int_equal(sum_of(v4), 0xffff);
		assert_int_equal(v6[0], 0x60 | (other & 15));
		assert_int_equal(v6[1] & 0xcf, (other & 0xc0) | 5);
	}
}

/* Sends one packet with an inner mark, and lets it arrive with an outer one. */
static size_t arrived(struct sim *s, unsigned inner, unsigned outer)
{
	uint8_t room[DEVICE_HEADROOM + 100 + DEVICE_TAILROOM];
	struct device_packet p = { .bytes = room + DEVICE_HEADROOM, .n = 100 };
	size_t before = s->side[1].packets;

	sim_ip(p.bytes, p.n, 1, 2);
	p.bytes[1] = (uint8_t)inner;
	s->ecn = outer;
	device_send(s->side[0].device, &p, 1, s->now);
	sim_run(s, 100);
	return s->side[1].packets - before;
}

static void marks_go_out_and_come_in(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 100);
	for (unsigned inner = 0; inner < 4; inner++) {
		assert_int_equal(arrived(s, inner, inner), 1);
		assert_int_equal(s->side[0].last_ecn, inner);
	}
	assert_int_equal(arrived(s, ECN_ECT_0, ECN_CE), 1);
	assert_int_equal(s->side[1].last_packet[1], ECN_CE);
	assert_int_equal(arrived(s, ECN_NOT, ECN_CE), 0);
	assert_int_equal(sim_drops(s, 1, DEVICE_DROP_ECN), 1);
	sim_free(s);
}

static void handshakes_carry_no_mark(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	s->side[0].last_ecn = 9;
	sim_send(s, 0, 100);
	assert_int_equal(s->side[0].sent[MESSAGE_INITIATION], 1);
	assert_int_equal(s->side[0].last_ecn, ECN_NOT);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc6040_figure_4),
		cmocka_unit_test(marks_go_out_and_come_in),
		cmocka_unit_test(handshakes_carry_no_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
