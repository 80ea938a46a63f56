/*
 * The kernel's program that chooses a queue, run by the kernel on packets of our
 * making and compared with a list of prefixes; it needs CAP_BPF, and without
 * root is skipped.
 */
#include "unit.h"

#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wgd/steer.h"

enum {
	PREFIXES_MAX = 64,
	STEPS = 3000,
	ETHERNET_LEN = 14, /* stands before the packet in a test run, only there */
	PACKET_LEN = 60,
};

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* The queue that the kernel's program answers for n bytes. */
static unsigned run_on(const struct steer *s, const uint8_t *packet, size_t n)
{
	uint8_t frame[ETHERNET_LEN + PACKET_LEN] = { 0 };
	union bpf_attr attr = { 0 };

	memcpy(frame + ETHERNET_LEN, packet, n);
	/* A type for experiments: the kernel has its own look at others. */
	frame[12] = 0x88;
	frame[13] = 0xb5;
	attr.test.prog_fd = (uint32_t)steer_program(s);
	attr.test.data_in = (uint64_t)(uintptr_t)frame;
	attr.test.data_size_in = (uint32_t)(ETHERNET_LEN + n);
	attr.test.repeat = 1;
	assert_int_equal(syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof(attr)), 0);
	return attr.test.retval;
}

static unsigned queue_for(const struct steer *s, bool is_v6, const uint8_t *ip)
{
	uint8_t packet[PACKET_LEN] = { 0 };

	packet[0] = is_v6 ? 0x60 : 0x45;
	memcpy(packet + (is_v6 ? 24 : 16), ip, is_v6 ? 16 : 4);
	return run_on(s, packet, is_v6 ? 40 : 20);
}

static struct allowedips_prefix prefix(const char *text)
{
	struct allowedips_prefix p;

	assert_true(allowedips_prefix_parse(&p, span_str(text)));
	return p;
}

static bool make(struct steer **s)
{
	if (geteuid() != 0) {
		skip();
		return false;
	}
	assert_int_equal(steer_new(s, PREFIXES_MAX), RC_OK);
	return true;
}

static void longest_prefix_chooses_the_queue(void **state)
{
	static const struct {
		const char *prefix;
		unsigned queue;
	} set[] = {
		{ "10.0.0.0/8", 1 },
		{ "10.1.0.0/16", 2 },
		{ "10.1.2.3/32", 3 },
		{ "fd00::/8", 4 },
		{ "fd00::1/128", 5 },
	};
	static const struct {
		bool is_v6;
		uint8_t ip[16];
		unsigned want;
	} asked[] = {
		{ false, { 10, 9, 9, 9 }, 1 },
		{ false, { 10, 1, 9, 9 }, 2 },
		{ false, { 10, 1, 2, 3 }, 3 },
		{ false, { 11, 0, 0, 1 }, 0 },
		{ true, { 0xfd, 7 }, 4 },
		{ true, { 0xfd, [15] = 1 }, 5 },
		{ true, { 0xfe, 7 }, 0 },
		{ true, { 10, 9, 9, 9 }, 0 }, /* not those of the other version */
		{ false, { 0xfd, 7 }, 0 },
	};
	struct allowedips_prefix gone = prefix("10.1.2.3/32"), moved = prefix("fd00::/8");
	struct steer *s;

	(void)state;
	if (!make(&s))
		return;
	for (size_t i = 0; i < sizeof(set) / sizeof(*set); i++) {
		struct allowedips_prefix p = prefix(set[i].prefix);

		assert_int_equal(steer_set(s, &p, set[i].queue), RC_OK);
	}
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++)
		assert_int_equal(queue_for(s, asked[i].is_v6, asked[i].ip), asked[i].want);
	assert_int_equal(steer_unset(s, &gone), RC_OK);
	assert_int_equal(queue_for(s, false, asked[2].ip), 2);
	assert_int_equal(steer_unset(s, &gone), RC_OK); /* harmless */
	assert_int_equal(steer_set(s, &moved, 6), RC_OK);
	assert_int_equal(queue_for(s, true, asked[4].ip), 6);
	steer_free(s);
}

static void default_routes_choose_for_all(void **state)
{
	struct allowedips_prefix v4 = prefix("0.0.0.0/0"), v6 = prefix("::/0");
	const uint8_t any[16] = { 200, 1, 2, 3 };
	struct steer *s;

	(void)state;
	if (!make(&s))
		return;
	assert_int_equal(steer_set(s, &v4, 1), RC_OK);
	assert_int_equal(steer_set(s, &v6, 2), RC_OK);
	assert_int_equal(queue_for(s, false, any), 1);
	assert_int_equal(queue_for(s, true, any), 2);
	steer_free(s);
}

/* What is no packet goes to the first queue, and reads nothing that is not
 * there. */
static void what_is_no_packet_goes_to_the_first(void **state)
{
	struct allowedips_prefix v4 = prefix("0.0.0.0/0"), v6 = prefix("::/0");
	uint8_t packet[PACKET_LEN] = { 0 };
	struct steer *s;

	(void)state;
	if (!make(&s))
		return;
	assert_int_equal(steer_set(s, &v4, 1), RC_OK);
	assert_int_equal(steer_set(s, &v6, 2), RC_OK);
	for (unsigned version = 0; version < 16; version++)
		for (size_t n = 1; n <= PACKET_LEN; n++) {
			unsigned want = 0;

			if (version == 4 && n >= 20)
				want = 1;
			if (version == 6 && n >= 40)
				want = 2;
			packet[0] = (uint8_t)(version << 4 | 5);
			assert_int_equal(run_on(s, packet, n), want);
		}
	steer_free(s);
}

static void full_trie_refuses(void **state)
{
	struct allowedips_prefix p = prefix("10.0.0.0/32");
	struct steer *s;

	(void)state;
	if (!make(&s))
		return;
	for (p.ip[3] = 0; p.ip[3] < PREFIXES_MAX; p.ip[3]++)
		assert_int_equal(steer_set(s, &p, 1), RC_OK);
	assert_int_equal(steer_set(s, &p, 1), RC_SYS);
	p.ip[3] = 0;
	assert_int_equal(steer_set(s, &p, 2), RC_OK); /* there already */
	steer_free(s);
}

/* The stupid one. */
struct list {
	struct allowedips_prefix p[PREFIXES_MAX];
	unsigned queue[PREFIXES_MAX];
	size_t n;
};

static bool holds(const struct allowedips_prefix *p, bool is_v6, const uint8_t *ip)
{
	if (p->is_v6 != is_v6)
		return false;
	for (unsigned bit = 0; bit < p->len; bit++)
		if ((p->ip[bit / 8] ^ ip[bit / 8]) >> (7 - bit % 8) & 1)
			return false;
	return true;
}

static unsigned stupid_queue(const struct list *l, bool is_v6, const uint8_t *ip)
{
	unsigned queue = 0;
	int len = -1;

	for (size_t i = 0; i < l->n; i++)
		if (holds(&l->p[i], is_v6, ip) && l->p[i].len > len) {
			len = l->p[i].len;
			queue = l->queue[i];
		}
	return queue;
}

/* Few distinct addresses, so that prefixes nest and meet. */
static void random_ip(uint32_t *seed, uint8_t ip[16])
{
	for (size_t i = 0; i < 16; i++)
		ip[i] = next_random(seed) % 3 ? 0x55 : (uint8_t)(next_random(seed) % 4 * 0x41);
}

static struct allowedips_prefix random_prefix(uint32_t *seed)
{
	struct allowedips_prefix p = { .is_v6 = next_random(seed) % 2 };
	unsigned bits = p.is_v6 ? 128 : 32;

	random_ip(seed, p.ip);
	p.len = (uint8_t)(next_random(seed) % (bits + 1));
	for (unsigned bit = p.len; bit < 128; bit++)
		p.ip[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
	return p;
}

static size_t place_of(const struct list *l, const struct allowedips_prefix *p)
{
	size_t i = 0;

	while (i < l->n && !(l->p[i].is_v6 == p->is_v6 && l->p[i].len == p->len &&
			     span_equal(SPAN_ARRAY(l->p[i].ip), SPAN_ARRAY(p->ip))))
		i++;
	return i;
}

static void change(struct list *l, struct steer *s, uint32_t *seed)
{
	struct allowedips_prefix p = random_prefix(seed);
	unsigned queue = next_random(seed) % 64;
	size_t at = place_of(l, &p);

	if (l->n && next_random(seed) % 3 == 0) {
		at = next_random(seed) % l->n;
		assert_int_equal(steer_unset(s, &l->p[at]), RC_OK);
		l->p[at] = l->p[--l->n];
		l->queue[at] = l->queue[l->n];
		return;
	}
	if (at == PREFIXES_MAX)
		return;
	assert_int_equal(steer_set(s, &p, queue), RC_OK);
	l->p[at] = p;
	l->queue[at] = queue;
	if (at == l->n)
		l->n++;
}

static void agrees_with_a_list(void **state)
{
	struct list l = { .n = 0 };
	uint32_t seed = 20261127;
	struct steer *s;
	size_t hits = 0;

	(void)state;
	if (!make(&s))
		return;
	print_message("seed %u\n", seed);
	for (int step = 0; step < STEPS; step++) {
		change(&l, s, &seed);
		for (int i = 0; i < 4; i++) {
			bool is_v6 = i % 2;
			uint8_t ip[16];
			unsigned want;

			random_ip(&seed, ip);
			want = stupid_queue(&l, is_v6, ip);
			hits += want != 0;
			assert_int_equal(queue_for(s, is_v6, ip), want);
		}
	}
	assert_true(hits > STEPS);
	steer_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(longest_prefix_chooses_the_queue),
		cmocka_unit_test(default_routes_choose_for_all),
		cmocka_unit_test(what_is_no_packet_goes_to_the_first),
		cmocka_unit_test(full_trie_refuses),
		cmocka_unit_test(agrees_with_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
