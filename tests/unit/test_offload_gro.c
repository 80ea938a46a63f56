/* Packets put together: which may be, and that what comes out, cut again, is what went in. */
#include "offload_packets.h"

#include "offload/checksum.h"
#include "offload/gro.h"

enum {
	PACKETS_MAX = 400,
	ROOM = 2048,
	PORTS = 12,
};

/* What came out, cut into pieces again, flow by flow. */
struct out {
	uint8_t *bytes; /* PACKETS_MAX * ROOM */
	size_t lens[PACKETS_MAX];
	size_t pieces, outputs;
	struct vnet last;
	size_t last_n;
};

static void on_packet(void *arg, const struct vnet *h, const struct span *parts, size_t count)
{
	struct out *o = arg;
	uint8_t *b = mem_new(70000);
	size_t n = 0;

	assert_true(count >= 1 && count <= GRO_PARTS_MAX);
	for (size_t i = 0; i < count; i++) {
		memcpy(b + n, parts[i].p, parts[i].n);
		n += parts[i].n;
	}
	assert_true(n <= GRO_LEN_MAX);
	o->outputs++;
	o->last = *h;
	o->last_n = n;
	assert_int_equal(h->gso_type != VNET_GSO_NONE, count > 1);
	for (size_t i = 0;; i++) {
		uint8_t *at = o->bytes + o->pieces * ROOM;

		assert_true(o->pieces < PACKETS_MAX);
		if (count > 1) {
			struct packet p;
			size_t field;

			assert_true(packet_read(&p, span_of(b, n)));
			field = p.ip_len + packet_checksum_at(&p);
			/* What the kernel starts from. */
			assert_int_equal(checksum_get(b + field),
					 checksum_fold(packet_pseudo(&p, b, n - p.ip_len)));
			assert_int_equal(h->flags, VNET_NEEDS_CHECKSUM);
			assert_int_equal(h->checksum_start + h->checksum_offset, field);
			assert_int_equal(h->header_len, p.header_len);
			o->lens[o->pieces] = stupid_piece(at, h, b, n, i);
		} else {
			o->lens[o->pieces] = i ? 0 : n;
			if (!i)
				memcpy(at, b, n);
		}
		if (!o->lens[o->pieces])
			break;
		o->pieces++;
	}
	free(b);
}

static struct gro *gro_make(struct out *o, bool with_udp)
{
	struct gro *g = mem_new(sizeof(*g));

	*o = (struct out){ .bytes = mem_new_array(PACKETS_MAX, ROOM) };
	gro_init(g, on_packet, o, with_udp);
	return g;
}

/* Two packets of a flow, the second changed: put together or not. */
static const struct {
	const char *name;
	struct made first, second;
	bool want;
} pairs[] = {
#define TCP(...) \
	{ \
		__VA_ARGS__ \
	}
#define UDP(...) \
	{ \
		.is_udp = true, __VA_ARGS__ \
	}
	{ "following", TCP(), TCP(.sequence = 100, .id = 1), true },
	{ "following_over_ipv6", TCP(.is_v6 = true), TCP(.is_v6 = true, .sequence = 100), true },
	{ "shorter_last", TCP(), TCP(.sequence = 100, .payload = 1), true },
	{ "with_options", TCP(.options = 12), TCP(.options = 12, .sequence = 100), true },
	{ "push_on_the_second", TCP(), TCP(.sequence = 100, .tcp_flags = 0x18), true },
	{ "sequence_wraps", TCP(.sequence = 0xffffffc0), TCP(.sequence = 36), true },
	{ "any_id_where_fragments_are_forbidden", TCP(), TCP(.sequence = 100, .id = 9), true },
	{ "next_id", TCP(.may_fragment = true, .id = 65535),
	  TCP(.sequence = 100, .may_fragment = true), true },
	{ "other_id_apart", TCP(.may_fragment = true),
	  TCP(.sequence = 100, .may_fragment = true, .id = 9), false },
	{ "push_on_the_first_apart", TCP(.tcp_flags = 0x18), TCP(.sequence = 100), false },
	{ "gap_apart", TCP(), TCP(.sequence = 101), false },
	{ "again_apart", TCP(), TCP(), false },
	{ "longer_second_apart", TCP(), TCP(.sequence = 100, .payload = 101), false },
	{ "fin_apart", TCP(), TCP(.sequence = 100, .tcp_flags = 0x11), false },
	{ "syn_apart", TCP(.tcp_flags = 0x12), TCP(.sequence = 100), false },
	{ "rst_apart", TCP(), TCP(.sequence = 100, .tcp_flags = 0x14), false },
	{ "urgent_apart", TCP(), TCP(.sequence = 100, .tcp_flags = 0x30), false },
	{ "ece_apart", TCP(), TCP(.sequence = 100, .tcp_flags = 0x50), false },
	{ "cwr_apart", TCP(), TCP(.sequence = 100, .tcp_flags = 0x90), false },
	{ "other_ack_apart", TCP(), TCP(.sequence = 100, .ack = 1), false },
	{ "other_window_apart", TCP(), TCP(.sequence = 100, .window = 1), false },
	{ "other_options_apart", TCP(.options = 12), TCP(.options = 8, .sequence = 100), false },
	{ "congestion_mark_apart", TCP(.tos = 2), TCP(.tos = 3, .sequence = 100), false },
	{ "congestion_mark_over_ipv6_apart", TCP(.tos = 2, .is_v6 = true),
	  TCP(.tos = 3, .is_v6 = true, .sequence = 100), false },
	{ "other_hop_limit_apart", TCP(.ttl = 64), TCP(.ttl = 63, .sequence = 100), false },
	{ "other_hop_limit_over_ipv6_apart", TCP(.ttl = 64, .is_v6 = true),
	  TCP(.ttl = 63, .is_v6 = true, .sequence = 100), false },
	{ "other_port_apart", TCP(), TCP(.sequence = 100, .port = 1), false },
	{ "other_address_apart", TCP(), TCP(.sequence = 100, .host = 1), false },
	{ "other_address_over_ipv6_apart", TCP(.is_v6 = true),
	  TCP(.is_v6 = true, .sequence = 100, .host = 1), false },
	{ "fragments_allowed_apart", TCP(), TCP(.sequence = 100, .id = 1, .may_fragment = true),
	  false },
	{ "pure_ack_apart", TCP(), TCP(.sequence = 100, .payload = SIZE_MAX), false },
	{ "datagrams", UDP(), UDP(), true },
	{ "datagrams_over_ipv6", UDP(.is_v6 = true), UDP(.is_v6 = true), true },
	{ "shorter_datagram_last", UDP(), UDP(.payload = 7), true },
	{ "longer_datagram_apart", UDP(.payload = 7), UDP(), false },
	{ "datagram_without_checksum_apart", UDP(), UDP(.has_no_sum = true), false },
	{ "datagram_and_segment_apart", UDP(), TCP(), false },
};

/* 100 bytes and an acknowledgement, where the table says nothing. */
static struct made usual(struct made m)
{
	if (!m.payload)
		m.payload = 100;
	else if (m.payload == SIZE_MAX)
		m.payload = 0;
	if (!m.tcp_flags)
		m.tcp_flags = PACKET_TCP_ACK;
	return m;
}

static void put_together_or_apart(void **state)
{
	uint8_t a[ROOM], b[ROOM];

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct made first = usual(pairs[i].first), second = usual(pairs[i].second);
		size_t n = make(a, &first), m = make(b, &second);
		struct out o;
		struct gro *g = gro_make(&o, true);

		gro_add(g, span_of(a, n));
		gro_add(g, span_of(b, m));
		gro_flush(g);
		if (o.outputs != (pairs[i].want ? 1 : 2))
			fail_msg("%s", pairs[i].name);
		assert_int_equal(o.pieces, 2);
		free(o.bytes);
		free(g);
	}
}

static void wrong_checksums_stay_apart_and_unchanged(void **state)
{
	static const size_t places[] = { 10, 36, 60 }; /* of IP, of TCP, in the payload */

	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (int which = 0; which < 2; which++) {
			struct made m = { .payload = 100, .tcp_flags = PACKET_TCP_ACK };
			uint8_t b[2][ROOM], was[ROOM];
			struct out o;
			struct gro *g = gro_make(&o, true);
			size_t n = make(b[0], &m);

			m.sequence = 100;
			make(b[1], &m);
			b[which][places[i]] ^= 0x40;
			memcpy(was, b[which], n);
			gro_add(g, span_of(b[0], n));
			gro_add(g, span_of(b[1], n));
			gro_flush(g);
			assert_int_equal(o.outputs, 2);
			assert_memory_equal(o.bytes + (size_t)which * ROOM, was, n);
			if (which)
				assert_int_equal(o.last.flags, 0);
			free(o.bytes);
			free(g);
		}
}

static void udp_alone_where_the_device_cannot(void **state)
{
	const struct made m = { .is_udp = true, .payload = 100 };
	uint8_t b[2][ROOM];
	struct out o;
	struct gro *g = gro_make(&o, false);

	(void)state;
	for (int i = 0; i < 2; i++)
		gro_add(g, span_of(b[i], make(b[i], &m)));
	gro_flush(g);
	assert_int_equal(o.outputs, 2);
	free(o.bytes);
	free(g);
}

/* 64 packets, or 65,535 bytes, then another begins. */
static void bounds_end_a_super_packet(void **state)
{
	(void)state;
	for (size_t payload = 10; payload <= 1400; payload += 1390) {
		struct made m = { .payload = payload, .tcp_flags = PACKET_TCP_ACK };
		uint8_t *b = mem_new_array(100, ROOM);
		struct out o;
		struct gro *g = gro_make(&o, true);

		for (size_t i = 0; i < 100; i++) {
			gro_add(g, span_of(b + i * ROOM, make(b + i * ROOM, &m)));
			m.sequence += (uint32_t)payload;
		}
		gro_flush(g);
		assert_int_equal(o.pieces, 100);
		assert_int_equal(o.outputs, payload == 10 ? 2 : 3);
		free(b);
		free(o.bytes);
		free(g);
	}
}

/* -- random traffic -- */

struct traffic {
	struct made flow[PORTS];
	uint32_t seed;
};

/* The flow's next packet, which mostly follows its last. */
static struct made next_made(struct traffic *t, size_t flow)
{
	struct made *m = &t->flow[flow], now;

	m->payload = random_below(&t->seed, 6) ? 1000 : random_below(&t->seed, 1200);
	m->tcp_flags = PACKET_TCP_ACK;
	switch (random_below(&t->seed, 30)) {
	case 0:
		m->sequence += 5;
		break;
	case 1:
		m->tcp_flags |= PACKET_TCP_PSH;
		break;
	case 2:
		m->ack++;
		break;
	case 3:
		m->tcp_flags = (uint8_t)random_below(&t->seed, 256);
		break;
	case 4:
		m->has_no_sum = m->is_udp;
		break;
	case 5:
		m->id += 3;
		break;
	}
	now = *m;
	m->sequence += (uint32_t)m->payload;
	m->id++;
	m->has_no_sum = false;
	return now;
}

static size_t flow_of(const uint8_t *b)
{
	return packet_be16(b + (b[0] >> 4 == 6 ? 40 : 20));
}

/* Where fragments are forbidden the identification says nothing. */
static void forget_id(uint8_t *b)
{
	if (b[0] >> 4 == 4 && b[6] & 0x40)
		b[4] = b[5] = b[10] = b[11] = 0;
}

static void assert_same_flow(const struct out *o, uint8_t *in, const size_t *lens, size_t count,
			     size_t flow)
{
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		uint8_t *b = in + i * ROOM, *got;

		if (flow_of(b) != flow)
			continue;
		while (at < o->pieces && flow_of(o->bytes + at * ROOM) != flow)
			at++;
		assert_true(at < o->pieces);
		got = o->bytes + at * ROOM;
		assert_int_equal(o->lens[at], lens[i]);
		forget_id(b);
		forget_id(got);
		assert_memory_equal(got, b, lens[i]);
		at++;
	}
}

static void random_traffic_cut_again_is_the_same(void **state)
{
	uint8_t *kept = mem_new_array(PACKETS_MAX, ROOM), *given = mem_new_array(PACKETS_MAX, ROOM);
	size_t lens[PACKETS_MAX], all = 0, outputs = 0;
	struct traffic t = { .seed = 1 };

	(void)state;
	for (int round = 0; round < 400; round++) {
		size_t count = random_below(&t.seed, PACKETS_MAX), flow = 0;
		struct out o;
		struct gro *g = gro_make(&o, true);

		for (size_t f = 0; f < PORTS; f++)
			t.flow[f] = (struct made){
				.is_v6 = f % 2,
				.is_udp = f % 3 == 2,
				.port = (uint16_t)f,
				.sequence = t.seed,
				.may_fragment = f % 4 == 0,
				.ttl = 64,
			};
		for (size_t i = 0; i < count; i++) {
			struct made m;

			if (random_below(&t.seed, 10) == 0)
				flow = random_below(&t.seed, PORTS);
			m = next_made(&t, flow);
			lens[i] = make(kept + i * ROOM, &m);
			memcpy(given + i * ROOM, kept + i * ROOM, lens[i]);
			gro_add(g, span_of(given + i * ROOM, lens[i]));
		}
		gro_flush(g);
		assert_int_equal(o.pieces, count);
		for (size_t f = 0; f < PORTS; f++)
			assert_same_flow(&o, kept, lens, count, f);
		all += count;
		outputs += o.outputs;
		free(o.bytes);
		free(g);
	}
	/* Most of them do follow each other. */
	assert_true(outputs * 2 < all);
	free(kept);
	free(given);
}

/* A fragment belongs to a flow that cannot be told: all that came before goes before. */
static void fragment_overtakes_nothing(void **state)
{
	struct made m = { .payload = 100, .tcp_flags = PACKET_TCP_ACK, .may_fragment = true };
	uint8_t a[ROOM], b[ROOM];
	struct out o;
	struct gro *g = gro_make(&o, true);

	(void)state;
	gro_add(g, span_of(a, make(a, &m)));
	assert_int_equal(o.outputs, 0);
	make(b, &m);
	b[6] = 0x20;
	gro_add(g, span_of(b, 140));
	assert_int_equal(o.outputs, 2);
	assert_int_equal(o.bytes[ROOM + 6], 0x20);
	gro_flush(g);
	assert_int_equal(o.outputs, 2);
	free(o.bytes);
	free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(put_together_or_apart),
		cmocka_unit_test(wrong_checksums_stay_apart_and_unchanged),
		cmocka_unit_test(udp_alone_where_the_device_cannot),
		cmocka_unit_test(bounds_end_a_super_packet),
		cmocka_unit_test(random_traffic_cut_again_is_the_same),
		cmocka_unit_test(fragment_overtakes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
